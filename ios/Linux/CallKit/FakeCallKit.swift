/// The system's side of CallKit: its calls, its call screen (which is also the lock screen), its audio session, and
/// its rules, which it enforces where iOS would end the app, lose a call or stay silent.
import AVFAudio
import FakePlatform
import Foundation

public final class FakeCallKit {
    nonisolated(unsafe) public static let shared = FakeCallKit()

    public struct Call {
        public let isOutgoing: Bool
        public internal(set) var update: CXCallUpdate
        /// The report was taken: its completion was called.
        public internal(set) var isShown = false
        public internal(set) var isConnected = false
        public internal(set) var isHeld = false
        public internal(set) var isMuted = false
        /// Calls with the same are shown as one.
        public internal(set) var group: UUID?
        var isForRecents = false
        public internal(set) var ended: Ended?
        public var hasEnded: Bool { ended != nil }
    }

    public enum Ended: Equatable, Sendable { case byUser, reported(CXCallEndedReason), byReset }

    public enum Activation: Sendable {
        /// After an action that needs audio was fulfilled, so much later.
        case automatic(after: TimeInterval)
        /// When the test says so.
        case manual
    }

    /// Calls by their UUID, ended ones too.
    public private(set) var calls: [UUID: Call] = [:]
    /// Every report of a new call, refused ones too.
    public private(set) var reports: [UUID] = []
    /// The system's list of calls that are over. When it looks whether a provider wants that is not said but for "after the call
    /// ends": here it is enough that it did at the beginning or the end.
    public private(set) var recents: [UUID] = []
    public var activation = Activation.automatic(after: 0)
    /// How long an action may take.
    public var patience: TimeInterval = 5
    /// How long the system has a request of the app before the app is to perform it.
    public var delay: TimeInterval = 0
    /// Do not disturb, block list: the next reports are refused.
    public var refusal: CXErrorCodeIncomingCallError.Code?

    public var onReported: ((UUID, CXCallUpdate) -> Void)?
    public var onEnded: ((UUID, Ended) -> Void)?
    public var onConnected: ((UUID) -> Void)?

    private var providers: [Weak] = []
    /// Calls whose audio the system will forget to activate when they are taken back from hold.
    private var forgotten: Set<UUID> = []
    private var provider: CXProvider? { providers.lazy.compactMap(\.provider).first }
    private var platform: FakePlatform { .shared }
    private var session: FakeAudioSession { .shared }
    private struct Weak { weak var provider: CXProvider? }

    // The user, at the call screen.

    public func userAnswers(_ call: UUID) {
        // "Hold & Accept".
        for (other, state) in calls where other != call && state.isConnected && !state.hasEnded && !state.isHeld {
            userHolds(other, true)
        }
        perform(CXAnswerCallAction(call: call))
    }
    public func userEnds(_ call: UUID) { perform(CXEndCallAction(call: call)) }
    public func userHolds(_ call: UUID, _ on: Bool) { perform(CXSetHeldCallAction(call: call, onHold: on)) }
    public func userMutes(_ call: UUID, _ on: Bool) { perform(CXSetMutedCallAction(call: call, muted: on)) }
    public func userPlays(_ call: UUID, _ digits: String) {
        perform(CXPlayDTMFCallAction(call: call, digits: digits, type: .singleTone))
    }
    /// "Merge calls": the one that was held is taken back with it.
    public func userMerges(_ call: UUID, with other: UUID) {
        guard let one = calls[call], let two = calls[other], one.update.supportsGrouping, two.update.supportsGrouping else { return }
        perform(CXSetGroupCallAction(call: call, callUUIDToGroupWith: other))
        for held in [call, other] where calls[held]?.isHeld == true { userHolds(held, false) }
    }
    /// "Split": it talks alone, the others wait.
    public func userSplits(_ call: UUID) { perform(CXSetGroupCallAction(call: call, callUUIDToGroupWith: nil)) }
    /// "Swap".
    public func userSwaps() {
        let up = calls.filter { $0.value.isConnected && !$0.value.hasEnded }
        let (held, talking) = (up.filter(\.value.isHeld).keys, up.filter { !$0.value.isHeld }.keys)
        talking.forEach { userHolds($0, true) }
        held.forEach { userHolds($0, false) }
    }

    // The system.

    public func activate() {
        guard let provider else { return }
        session.systemActivates(true)
        provider.delegate?.provider(provider, didActivate: AVAudioSession.sharedInstance())
    }

    public func deactivate() {
        guard let provider, session.isActive else { return }
        session.systemActivates(false)
        provider.delegate?.provider(provider, didDeactivate: AVAudioSession.sharedInstance())
    }

    /// A cellular call is answered: ours are held, their audio is taken.
    public func cellularCallBegins() {
        for (uuid, call) in calls where call.isConnected && !call.hasEnded && !call.isHeld { userHolds(uuid, true) }
        session.beginInterruption()
        if let provider { provider.delegate?.provider(provider, didDeactivate: AVAudioSession.sharedInstance()) }
    }

    /// It ends. By the other side, iOS neither activates the session again nor says that the interruption is over.
    public func cellularCallEnds(byOtherSide: Bool) {
        session.endInterruption(told: !byOtherSide)
        for (uuid, call) in calls where call.isConnected && !call.hasEnded && call.isHeld {
            if byOtherSide { forgotten.insert(uuid) }
            userHolds(uuid, false)
        }
    }

    public func resetProvider() {
        guard let provider else { return }
        for uuid in calls.keys where calls[uuid]?.hasEnded == false { end(uuid, .byReset) }
        session.systemActivates(false)
        provider.delegate?.providerDidReset(provider)
    }

    public func reset() {
        calls = [:]
        reports = []
        recents = []
        activation = .automatic(after: 0)
        patience = 5
        delay = 0
        refusal = nil
        onReported = nil
        onEnded = nil
        onConnected = nil
        providers = []
        forgotten = []
    }

    public func live() -> [UUID] { calls.filter { !$0.value.hasEnded }.map(\.key) }

    // The app's reports.

    func add(_ provider: CXProvider) {
        providers.removeAll { $0.provider == nil }
        if !providers.isEmpty { platform.broke(.secondProvider, "CXProvider.init") }
        providers.append(Weak(provider: provider))
    }

    func remove(_ provider: CXProvider) {
        providers.removeAll { $0.provider == nil || $0.provider === provider }
    }

    func reportNew(_ provider: CXProvider, _ uuid: UUID, _ update: CXCallUpdate, _ completion: @escaping @Sendable (Error?) -> Void) {
        if provider.delegate == nil { platform.broke(.providerWithoutDelegate, "reportNewIncomingCall") }
        platform.reportedSincePush = true
        reports.append(uuid)
        var refused = refusal
        if let call = calls[uuid], !call.hasEnded {
            // What a push demands is allowed and refused; without one it is a ghost.
            if !platform.isHandlingPush { platform.broke(.knownCallReported, uuid.uuidString) }
            refused = .callUUIDAlreadyExists
        }
        if refused == nil {
            calls[uuid] = Call(isOutgoing: false, update: update, isForRecents: keepsRecents)
            onReported?(uuid, update)
        }
        let answer = refused.map { CXErrorCodeIncomingCallError(code: $0) }
        DispatchQueue.main.async { [weak self] in
            if answer == nil { self?.calls[uuid]?.isShown = true }
            completion(answer)
        }
    }

    func reportUpdate(_ uuid: UUID, _ update: CXCallUpdate) {
        guard known(uuid, "reportCall(updated)") else { return }
        calls[uuid]?.update = update
    }

    func reportEnd(_ uuid: UUID, _ reason: CXCallEndedReason) {
        guard known(uuid, "reportCall(endedAt)") else { return }
        // On a phone such a call can stay on the screen.
        if calls[uuid]?.isShown == false { platform.broke(.endedBeforeShown, uuid.uuidString) }
        end(uuid, .reported(reason))
    }

    func reportOutgoing(_ uuid: UUID, connected: Bool) {
        guard known(uuid, "reportOutgoingCall"), connected else { return }
        calls[uuid]?.isConnected = true
        onConnected?(uuid)
    }

    func request(_ transaction: CXTransaction, _ completion: @escaping @Sendable (Error?) -> Void) {
        for case let action as CXCallAction in transaction.actions {
            let isKnown = calls[action.callUUID]?.hasEnded == false
            if let start = action as? CXStartCallAction {
                if isKnown { return completion(CXErrorCodeRequestTransactionError(code: .callUUIDAlreadyExists)) }
                let update = CXCallUpdate()
                update.remoteHandle = start.handle
                calls[start.callUUID] = Call(isOutgoing: true, update: update, isShown: true, isForRecents: keepsRecents)
            } else if !isKnown {
                return completion(CXErrorCodeRequestTransactionError(code: .unknownCallUUID))
            } else if let other = (action as? CXSetGroupCallAction)?.callUUIDToGroupWith, calls[other]?.hasEnded != false {
                return completion(CXErrorCodeRequestTransactionError(code: .unknownCallUUID))
            }
        }
        completion(nil)
        let actions = Sent(transaction.actions)
        DispatchQueue.main.asyncAfter(deadline: .now() + delay) { actions.value.forEach { self.perform($0) } }
    }

    // Actions on their way to the app and back.

    private func perform(_ action: CXAction) {
        guard let provider, let delegate = provider.delegate else {
            platform.broke(.providerWithoutDelegate, "\(type(of: action))")
            return
        }
        action.onComplete = { [weak self, weak action] fulfilled in
            guard let self, let action = action as? CXCallAction else { return }
            completed(action, fulfilled)
        }
        switch action {
        case let action as CXStartCallAction: delegate.provider(provider, perform: action)
        case let action as CXAnswerCallAction: delegate.provider(provider, perform: action)
        case let action as CXEndCallAction: delegate.provider(provider, perform: action)
        case let action as CXSetHeldCallAction: delegate.provider(provider, perform: action)
        case let action as CXSetMutedCallAction: delegate.provider(provider, perform: action)
        case let action as CXSetGroupCallAction: delegate.provider(provider, perform: action)
        case let action as CXPlayDTMFCallAction: delegate.provider(provider, perform: action)
        default: break
        }
        let sent = Sent(action)
        DispatchQueue.main.asyncAfter(deadline: .now() + patience) { [weak self] in
            guard let self, !sent.value.isComplete else { return }
            platform.broke(.actionNotCompleted, "\(type(of: sent.value))")
            sent.value.fail()
            if let provider = self.provider { provider.delegate?.provider(provider, timedOutPerforming: sent.value) }
        }
    }

    private func completed(_ action: CXCallAction, _ fulfilled: Bool) {
        let uuid = action.callUUID
        guard calls[uuid]?.hasEnded == false else { return }
        switch action {
        case is CXAnswerCallAction, is CXStartCallAction:
            guard fulfilled else { return end(uuid, .reported(.failed)) }
            let audio = AVAudioSession.sharedInstance()
            if audio.category != .playAndRecord || audio.mode != .voiceChat {
                platform.broke(.categoryNotSet, "\(type(of: action)) was fulfilled")
            }
            if action is CXAnswerCallAction {
                calls[uuid]?.isConnected = true
                onConnected?(uuid)
            }
            activateSoon()
        case is CXEndCallAction:
            end(uuid, .byUser)
        case let action as CXSetHeldCallAction where fulfilled:
            calls[uuid]?.isHeld = action.isOnHold
            if !action.isOnHold {
                session.allowActivationByApp()
                if forgotten.remove(uuid) == nil { activateSoon() }
            } else if !needsAudio {
                DispatchQueue.main.async { [weak self] in self?.deactivateUnlessNeeded() }
            }
        case let action as CXSetGroupCallAction where fulfilled:
            let group = action.callUUIDToGroupWith.map { calls[$0]?.group ?? UUID() }
            calls[uuid]?.group = group
            if let other = action.callUUIDToGroupWith { calls[other]?.group = group }
            dissolve()
        case let action as CXSetMutedCallAction where fulfilled:
            calls[uuid]?.isMuted = action.isMuted
        default:
            break
        }
    }

    private var needsAudio: Bool {
        calls.values.contains { !$0.hasEnded && !$0.isHeld && ($0.isConnected || $0.isOutgoing) }
    }

    private func activateSoon() {
        guard case .automatic(let delay) = activation else { return }
        DispatchQueue.main.asyncAfter(deadline: .now() + delay) { [weak self] in
            guard let self, needsAudio, !session.isActive, !session.isInterrupted else { return }
            activate()
        }
    }

    private func deactivateUnlessNeeded() {
        if !needsAudio { deactivate() }
    }

    private var keepsRecents: Bool { provider?.configuration.includesCallsInRecents == true }

    private func end(_ uuid: UUID, _ how: Ended) {
        if keepsRecents || calls[uuid]?.isForRecents == true { recents.append(uuid) }
        calls[uuid]?.ended = how
        calls[uuid]?.group = nil
        dissolve()
        onEnded?(uuid, how)
        DispatchQueue.main.async { [weak self] in self?.deactivateUnlessNeeded() }
    }

    /// A group of one is none.
    private func dissolve() {
        for (uuid, call) in calls where call.group != nil && !calls.contains(where: { $0.key != uuid && $0.value.group == call.group }) {
            calls[uuid]?.group = nil
        }
    }

    private func known(_ uuid: UUID, _ what: String) -> Bool {
        if calls[uuid]?.hasEnded == false { return true }
        platform.broke(.unknownCallReported, "\(what) \(uuid)")
        return false
    }
}

/// Everything here stays on the main thread.
private struct Sent<T>: @unchecked Sendable {
    let value: T
    init(_ value: T) { self.value = value }
}
