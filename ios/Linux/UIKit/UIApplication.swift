/// What our layer uses of UIKit, as Apple declares it; the system behind it is `FakeApplication`.
import Foundation

public struct UIBackgroundTaskIdentifier: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let invalid = UIBackgroundTaskIdentifier(rawValue: 0)  // = UIBackgroundTaskInvalid
}

@MainActor
open class UIApplication: NSObject {
    public enum State: Int, Sendable { case active = 0, inactive = 1, background = 2 }

    nonisolated public static let didEnterBackgroundNotification = Notification.Name("UIApplicationDidEnterBackgroundNotification")
    nonisolated public static let willEnterForegroundNotification = Notification.Name("UIApplicationWillEnterForegroundNotification")

    public struct LaunchOptionsKey: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    public struct OpenExternalURLOptionsKey: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    public static let openSettingsURLString = "app-settings:"  // = UIApplicationOpenSettingsURLString

    private static let only = UIApplication()
    public class var shared: UIApplication { only }  // = sharedApplication
    public var applicationState: State { FakeApplication.shared.state }

    open func beginBackgroundTask(  // = beginBackgroundTaskWithName:expirationHandler:
        withName taskName: String?, expirationHandler handler: (@MainActor @Sendable () -> Void)? = nil
    ) -> UIBackgroundTaskIdentifier {
        FakeApplication.shared.begin(handler)
    }

    open func open(  // = openURL:options:completionHandler:
        _ url: URL, options: [OpenExternalURLOptionsKey: Any] = [:], completionHandler completion: (@MainActor @Sendable (Bool) -> Void)? = nil
    ) {
        completion?(true)
    }

    open func endBackgroundTask(_ identifier: UIBackgroundTaskIdentifier) { FakeApplication.shared.end(identifier) }  // = endBackgroundTask:
}

@MainActor
public protocol UIApplicationDelegate: NSObjectProtocol {
    func application(  // = application:didFinishLaunchingWithOptions:
        _ application: UIApplication, didFinishLaunchingWithOptions launchOptions: [UIApplication.LaunchOptionsKey: Any]?
    ) -> Bool
}
