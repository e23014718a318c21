/// The life of an app: in front or in the background, and there suspended as soon as nothing keeps it running, which is
/// a call at CallKit, a push that is being handled, active audio, or a background task in its time.
import AVFAudio
import CallKit
import FakePlatform
import Foundation
import PushKit

@MainActor
public final class FakeApplication {
    public static let shared = FakeApplication()

    public private(set) var state = UIApplication.State.active
    /// How long background tasks may take; iOS gives about 30 s.
    public var allowance: TimeInterval = 30
    /// How long the app runs on with no reason.
    public var patience: TimeInterval = 0.25
    /// Whether the app has a connection open, which nobody would read while it is suspended.
    public var isConnected: () -> Bool = { false }
    public private(set) var tasks: Set<UIBackgroundTaskIdentifier> = []
    /// How many background tasks were begun, and how often the app was suspended.
    public private(set) var begun = 0
    public private(set) var suspensions = 0

    private var isSuspended = false
    private var idleSince: Date?
    private var boot = 0

    /// The app was started by a push.
    public func launchInBackground() {
        state = .background
        watch(boot)
    }

    public func enterBackground() {
        guard state != .background else { return }
        launchInBackground()
        NotificationCenter.default.post(name: UIApplication.didEnterBackgroundNotification, object: nil)
    }

    public func enterForeground() {
        guard state == .background else { return }
        (state, isSuspended, idleSince) = (.active, false, nil)
        NotificationCenter.default.post(name: UIApplication.willEnterForegroundNotification, object: nil)
    }

    /// A new boot of the phone, for the next test.
    public func reset() {
        boot += 1
        (state, allowance, patience, isConnected, tasks) = (.active, 30, 0.25, { false }, [])
        (begun, suspensions, isSuspended, idleSince) = (0, 0, false, nil)
    }

    func begin(_ handler: (@MainActor @Sendable () -> Void)?) -> UIBackgroundTaskIdentifier {
        FakePlatform.shared.requireMain("beginBackgroundTask")
        begun += 1
        let (task, now) = (UIBackgroundTaskIdentifier(rawValue: begun), boot)
        tasks.insert(task)
        after(allowance) { [self] in
            guard boot == now, tasks.contains(task) else { return }
            handler?()
            // https://developer.apple.com/documentation/uikit/extending-your-app-s-background-execution-time
            if tasks.contains(task) { FakePlatform.shared.broke(.backgroundTaskNotEnded, "its time is over") }
            tasks.remove(task)
        }
        return task
    }

    func end(_ task: UIBackgroundTaskIdentifier) { tasks.remove(task) }

    private var mayRun: Bool {
        !tasks.isEmpty || !FakeCallKit.shared.live().isEmpty || FakePushKit.shared.incomplete > 0 || FakeAudioSession.shared.isActive
    }

    private func watch(_ now: Int) {
        guard boot == now, state == .background else { return }
        let idle = mayRun ? nil : idleSince ?? Date()
        idleSince = idle
        if let idle, Date().timeIntervalSince(idle) >= patience {
            if !isSuspended { suspensions += 1 }
            if isConnected() { FakePlatform.shared.broke(.suspendedConnected, "nothing keeps it running, and its connection is up") }
            isSuspended = true
        } else {
            isSuspended = false
        }
        after(patience / 5) { [self] in watch(now) }
    }

    private func after(_ time: TimeInterval, _ then: @escaping @MainActor @Sendable () -> Void) {
        DispatchQueue.main.asyncAfter(deadline: .now() + time) { MainActor.assumeIsolated(then) }
    }
}
