/// The rules of iOS that the stand-ins for Apple's frameworks enforce on Linux, and what was broken so far.
///
/// Each rule, with its source and the test that shows it is caught, is in docs/platform-rules.md. Everything
/// here and in the stand-ins happens on the main thread, as our layer asks Apple's frameworks to do it.
import Foundation

public enum Rule: String, CaseIterable, Sendable {
    case pushUnreported = "push_unreported"
    case pushNotCompleted = "push_not_completed"
    case pushWithoutDelegate = "push_without_delegate"
    case secondProvider = "second_provider"
    case providerWithoutDelegate = "provider_without_delegate"
    case actionNotCompleted = "action_not_completed"
    case actionCompletedTwice = "action_completed_twice"
    case knownCallReported = "known_call_reported"
    case unknownCallReported = "unknown_call_reported"
    case endedBeforeShown = "ended_before_shown"
    case categoryNotSet = "category_not_set"
    case activatedByApp = "activated_by_app"
    case audioBeforeActivation = "audio_before_activation"
    case backgroundTaskNotEnded = "background_task_not_ended"
    case suspendedConnected = "suspended_connected"
    case keychainClass = "keychain_class"
    case notOnMainThread = "not_on_main_thread"
}

public struct BrokenRule: Sendable {
    public let rule: Rule
    public let detail: String
}

public final class FakePlatform {
    nonisolated(unsafe) public static let shared = FakePlatform()

    public private(set) var broken: [BrokenRule] = []
    /// Told of each broken rule; a program ends here, a test looks at `broken`.
    public var onBroken: ((BrokenRule) -> Void)?

    /// CallKit sets what PushKit looks at when its delegate returns: has a call been reported for this push?
    public var reportedSincePush = true
    /// A push is being handled: the system allows what it would otherwise not.
    public var isHandlingPush = false

    public func broke(_ rule: Rule, _ detail: String) {
        let one = BrokenRule(rule: rule, detail: detail)
        broken.append(one)
        onBroken?(one)
    }

    public func requireMain(_ what: String) {
        if !Thread.isMainThread { broke(.notOnMainThread, what) }
    }

    /// A new boot of the phone, for the next test.
    public func reset() {
        broken = []
        onBroken = nil
        reportedSincePush = true
        isHandlingPush = false
    }
}
