/// What our layer uses of PushKit, as Apple declares it; pushes come from `FakePushKit`.
import FakePlatform
import Foundation

public struct PKPushType: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static let voIP = PKPushType(rawValue: "PKPushTypeVoIP")
}

open class PKPushCredentials: NSObject {
    public let type = PKPushType.voIP
    public let token: Data
    init(token: Data) { self.token = token }
}

open class PKPushPayload: NSObject {
    public let type = PKPushType.voIP
    public let dictionaryPayload: [AnyHashable: Any]
    init(_ dictionary: [AnyHashable: Any]) { dictionaryPayload = dictionary }
}

/// iOS 26.4.
open class PKVoIPPushMetadata: NSObject {
    public let mustReport: Bool  // = not there: iOS 26.4; https://developer.apple.com/documentation/pushkit/pkvoippushmetadata/mustreport
    init(mustReport: Bool) { self.mustReport = mustReport }
}

public protocol PKPushRegistryDelegate: AnyObject {
    func pushRegistry(_ registry: PKPushRegistry, didUpdate pushCredentials: PKPushCredentials, for type: PKPushType)  // = pushRegistry:didUpdatePushCredentials:forType:
    func pushRegistry(_ registry: PKPushRegistry, didInvalidatePushTokenFor type: PKPushType)  // = pushRegistry:didInvalidatePushTokenForType:
    func pushRegistry(  // = pushRegistry:didReceiveIncomingPushWithPayload:forType:withCompletionHandler:
        _ registry: PKPushRegistry, didReceiveIncomingPushWith payload: PKPushPayload, for type: PKPushType,
        completion: @escaping () -> Void)
    func pushRegistry(  // = not there: iOS 26.4; https://developer.apple.com/documentation/pushkit/pkpushregistrydelegate
        _ registry: PKPushRegistry, didReceiveIncomingVoIPPushWith payload: PKPushPayload,
        metadata: PKVoIPPushMetadata, withCompletionHandler completion: @escaping @Sendable () -> Void)
}

open class PKPushRegistry: NSObject {
    public weak var delegate: PKPushRegistryDelegate?
    public var desiredPushTypes: Set<PKPushType>? {
        didSet { FakePushKit.shared.register(self) }
    }
    public init(queue: DispatchQueue?) {}  // = initWithQueue:
}

/// The system's side: it delivers pushes and looks whether a call was reported.
public final class FakePushKit {
    nonisolated(unsafe) public static let shared = FakePushKit()

    /// 26.4 and later call the method with metadata.
    public var systemHasMetadata = true
    /// How long after the delegate's return the completion handler may take.
    public var patience: TimeInterval = 5
    public private(set) weak var registry: PKPushRegistry?
    /// Pushes whose completion handler was not called yet.
    public private(set) var incomplete = 0

    func register(_ registry: PKPushRegistry) {
        if registry.desiredPushTypes?.contains(.voIP) == true { self.registry = registry }
    }

    public func issueToken(_ token: Data) {
        guard let registry else { return }
        registry.delegate?.pushRegistry(registry, didUpdate: PKPushCredentials(token: token), for: .voIP)
    }

    public func invalidateToken() {
        guard let registry else { return }
        registry.delegate?.pushRegistry(registry, didInvalidatePushTokenFor: .voIP)
    }

    public func deliver(_ payload: [AnyHashable: Any], mustReport: Bool = true) {
        let platform = FakePlatform.shared
        guard let registry, let delegate = registry.delegate else {
            platform.broke(.pushWithoutDelegate, "a push came and nobody was registered")
            return
        }
        platform.reportedSincePush = false
        platform.isHandlingPush = true
        incomplete += 1
        let done = Once()
        let complete: @Sendable () -> Void = {
            guard done.first() else { return }
            let shared = FakePushKit.shared
            shared.incomplete -= 1
            if mustReport && !FakePlatform.shared.reportedSincePush {
                FakePlatform.shared.broke(.pushUnreported, "completed before a call was reported")
            }
        }
        if systemHasMetadata {
            delegate.pushRegistry(
                registry, didReceiveIncomingVoIPPushWith: PKPushPayload(payload),
                metadata: PKVoIPPushMetadata(mustReport: mustReport), withCompletionHandler: complete)
        } else {
            delegate.pushRegistry(
                registry, didReceiveIncomingPushWith: PKPushPayload(payload), for: .voIP, completion: complete)
        }
        platform.isHandlingPush = false
        // The flag is looked at when the delegate returns (https://developer.apple.com/forums/thread/817976).
        if mustReport && !platform.reportedSincePush {
            platform.broke(.pushUnreported, "the delegate returned and no call was reported")
        }
        DispatchQueue.main.asyncAfter(deadline: .now() + patience) {
            if done.first() {
                FakePushKit.shared.incomplete -= 1
                FakePlatform.shared.broke(.pushNotCompleted, "no completion within the time")
            }
        }
    }

    public func reset() {
        systemHasMetadata = true
        patience = 5
        registry = nil
        incomplete = 0
    }
}

private final class Once: @unchecked Sendable {
    private var isDone = false
    func first() -> Bool {
        defer { isDone = true }
        return !isDone
    }
}
