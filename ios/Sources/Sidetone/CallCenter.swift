/// The one place that connects the phone, CallKit, PushKit and the audio: what the user does on either screen, what the
/// phone says, and pushes. Everything happens on the main actor, keyed by the call's UUID.
///
/// CallKit is told of a push before anything else, without the phone. The phone decides how a call ends. Rules and
/// sources: docs/platform-rules.md.
#if canImport(CallKit)
import AVFAudio
import CallKit
import Foundation
import PushKit
import SidetoneCore

@MainActor
public final class CallCenter: NSObject {
    public struct Settings: Sendable {
        /// A sound file of the app's bundle; nil: the system's ringtone.
        public var ringtone: String?
        public var icon: Data?
        /// `pn-param` of RFC 8599: team, bundle and service, as "ABCDE12345.com.example.phone.voip".
        public var pushParam: String
        public var unknownCaller = "Unknown"
        /// What stands behind the agent's name in a supervision.
        public var supervisionWords: @Sendable (Supervising) -> String = {
            switch $0 {
            case .asked: "supervising"
            case .listens: "listening"
            case .whispers: "whispering"
            case .bargesIn: "barging in"
            case .unheard: "on hold, unheard"
            case .waits: "waiting for a call"
            }
        }
        /// How long the phone stays awake in the background after the last call. iOS gives some 30 s.
        public var grace: TimeInterval = 10
        public init(pushParam: String, ringtone: String? = nil, icon: Data? = nil) {
            self.pushParam = pushParam
            self.ringtone = ringtone
            self.icon = icon
        }
    }

    /// One call at CallKit.
    final class Line {
        let call: UUID
        let isIncoming: Bool
        var caller: ShownCaller
        /// CallKit has taken the report: only then it may hear more of the call.
        var isShown = false
        var isAnswered = false
        /// The phone makes it already: CallKit is only to hear of it.
        var isMade = false
        /// As the user or CallKit wants it.
        var isOnHold = false
        /// So many wishes are on their way to the phone.
        var wishes = 0
        /// What CallKit is being told, which is no wish of the user; one of each kind at a time.
        var settlingHold: Bool?
        var settlingMute: Bool?
        /// CallKit shows it in a group.
        var isGrouped = false
        var isMuted = false
        /// Over, and CallKit is to hear it as soon as it can.
        var over: Cause?
        var isSupervision: Bool { caller.supervision != nil }

        init(_ call: UUID, isIncoming: Bool, _ caller: ShownCaller) {
            self.call = call
            self.isIncoming = isIncoming
            self.caller = caller
        }
    }

    let settings: Settings
    let read: (Data) -> Push
    let startPhone: @Sendable () async throws -> any PhonePort
    let provider: CXProvider
    let controller = CXCallController()
    let registry = PKPushRegistry(queue: .main)
    let session = AVAudioSession.sharedInstance()

    public private(set) var phone: (any PhonePort)?
    var lines: [UUID: Line] = [:] { didSet { linesChanged(from: oldValue) } }
    /// Calls that are over: a late push or INVITE of them must not ring again.
    private var gone: [UUID] = []
    private(set) var isStarting = false
    /// As the phone has said last.
    private(set) var lamp = PhoneLamp.awake
    let rest = Rest()
    private var commands: [@MainActor (any PhonePort) async -> Void] = []
    private var isWorking = false
    private var watch: NetworkWatch?
    private let observers = Observers()
    var audioIsActive = false
    var mending: Task<Void, Never>?
    public internal(set) var routing = AudioRouting() { didSet { if routing != oldValue { onRouting?(routing) } } }
    /// Told of each change of the routes.
    public var onRouting: ((AudioRouting) -> Void)?

    /// Told of each action of the user that the phone has refused: what happened, and what to do (`sentences`).
    public var onRefusal: ((any Error) -> Void)?
    /// PushKit has given a token in this process: a push can wake the phone.
    public internal(set) var hasPushToken = false

    /// To be made while the app launches, in every launch: a push may be the reason for it.
    /// `read` reads a push and needs no phone. `startPhone` may throw `Keychain.Failure.locked`: it is tried again.
    public init(
        _ settings: Settings, read: @escaping (Data) -> Push = { Push(announce(payload: $0)) },
        startPhone: @escaping @Sendable () async throws -> any PhonePort
    ) {
        self.settings = settings
        self.read = read
        self.startPhone = startPhone
        let configuration = CXProviderConfiguration()
        configuration.ringtoneSound = settings.ringtone
        configuration.iconTemplateImageData = settings.icon
        // With fewer, quick calls one after the other are refused.
        configuration.maximumCallGroups = 2
        configuration.maximumCallsPerCallGroup = 5
        configuration.supportedHandleTypes = [.phoneNumber, .generic]
        provider = CXProvider(configuration: configuration)
        super.init()
        provider.setDelegate(self, queue: .main)
        setCategory()
        observeAudio()
        observeApplication()
        watch = NetworkWatch { [weak self] in self?.phone?.networkChanged(makeBeforeBreak: $0) }
        registry.delegate = self
        registry.desiredPushTypes = [.voIP]
    }

    // What the app's own screen calls. It goes through CallKit, so that both screens show the same.

    public func dial(_ to: String) { start(UUID(), ShownCaller(number: to)) }
    private func start(_ call: UUID, _ to: ShownCaller, isMade: Bool = false) {
        let line = Line(call, isIncoming: false, to)
        (line.isMade, line.isShown) = (isMade, !isMade)
        lines[call] = line
        request(CXStartCallAction(call: call, handle: handle(to)))
    }
    public func answer(_ call: UUID) { request(CXAnswerCallAction(call: call)) }
    public func end(_ call: UUID) { request(CXEndCallAction(call: call)) }
    public func setHold(_ call: UUID, _ on: Bool) { request(CXSetHeldCallAction(call: call, onHold: on)) }
    /// Joins two calls: each hears the other and this phone.
    public func merge(_ call: UUID, with other: UUID) { request(CXSetGroupCallAction(call: call, callUUIDToGroupWith: other)) }
    /// Takes a call out of those that are joined, to talk to it alone.
    public func split(_ call: UUID) { request(CXSetGroupCallAction(call: call, callUUIDToGroupWith: nil)) }
    public func setMute(_ call: UUID, _ on: Bool) { request(CXSetMutedCallAction(call: call, muted: on)) }
    public func sendDtmf(_ call: UUID, _ digits: String) {
        request(CXPlayDTMFCallAction(call: call, digits: digits, type: .singleTone))
    }

    /// Starts the phone where it does not run, and wakes it where it sleeps: after signing in, and when the app was launched.
    public func wake() {
        start()
        wakeUp()
    }

    /// A phone in the place of the one that runs, where the account is another now: `end` ends that one and its calls.
    public func renew(_ end: @MainActor (any PhonePort) async -> Void) async {
        if let old = phone {
            await end(old)
            if phone === old { lost() }
        }
        wake()
    }

    // Pushes.

    func receive(_ payload: [AnyHashable: Any], mustReport: Bool, done: @escaping @Sendable () -> Void) {
        let json = JSONSerialization.isValidJSONObject(payload) ? try? JSONSerialization.data(withJSONObject: payload) : nil
        let push = read(json ?? Data())
        let ends = push.over != nil || push.kind != .incoming || gone.contains(push.call)
        let known = lines[push.call]
        if !mustReport && (ends || known != nil) {
            done()
        } else {
            // CallKit refuses a UUID that it knows, and the push counts as reported all the same.
            report(known ?? add(push.call, push.caller), again: known != nil, done: done)
        }
        if let known, push.kind != .incoming, phone == nil {
            end(known, push.kind == .cancelled ? .missed : .answeredElsewhere)
        } else if known == nil, ends, let line = lines[push.call] {
            end(line, push.over ?? push.cause)
        }
        tell { [weak self] phone in await self?.handOver(push, to: phone) }
        // A push that only ends a call is no reason to start a phone.
        if phone != nil || !ends || push.kind == .unreadable { start() }
        if !ends { guardDeadline(of: push) }
    }

    private func handOver(_ push: Push, to phone: any PhonePort) async {
        phone.announced(push)
        // A call that was decided before this process lived is no news to the phone, which says nothing.
        guard let line = lines[push.call], line.over == nil, !line.isAnswered else { return }
        do { try await phone.setMute(push.call, line.isMuted) } catch CommandError.UnknownCall { end(line, .missed) } catch {}
    }

    /// The phone keeps the deadline; where no phone comes up, someone must.
    private func guardDeadline(of push: Push) {
        let left = min(max(push.deadline.timeIntervalSinceNow, 0), 180) + 2
        Task { [weak self] in
            try? await Task.sleep(nanoseconds: UInt64(left * 1_000_000_000))
            guard let self, let line = lines[push.call], line.over == nil else { return }
            if phone?.calls().contains(where: { $0.call == push.call && !$0.over }) != true { end(line, .missed) }
        }
    }

    // Calls at CallKit.

    private func add(_ call: UUID, _ caller: ShownCaller) -> Line {
        let line = Line(call, isIncoming: true, caller)
        lines[call] = line
        return line
    }

    private func report(_ line: Line, again: Bool = false, done: @escaping @Sendable () -> Void = {}) {
        let call = line.call
        provider.reportNewIncomingCall(with: call, update: update(line.caller)) { [weak self] error in
            let isRefused = error != nil
            let follow: @MainActor @Sendable () -> Void = { if !again { self?.reported(call, isRefused) } }
            DispatchQueue.main.async { follow() }
            done()
        }
    }

    private func reported(_ call: UUID, _ isRefused: Bool) {
        guard let line = lines[call] else { return }
        if isRefused {
            // Do not disturb, or blocked: nobody hears it ring, so that the queue may try the next.
            forget(line)
            tell { phone in try? await phone.decline(call, busy: true) }
            return
        }
        line.isShown = true
        if let over = line.over { finish(line, over) }
    }

    func end(_ line: Line, _ cause: Cause) {
        guard line.over == nil else { return }
        line.over = cause
        if line.isShown { finish(line, cause) } else if line.isMade { forget(line) }
    }

    private func finish(_ line: Line, _ cause: Cause) {
        provider.reportCall(with: line.call, endedAt: nil, reason: cause.callKit)
        forget(line)
    }

    func forget(_ line: Line) {
        lines[line.call] = nil
        gone.append(line.call)
        if gone.count > 64 { gone.removeFirst() }
        if lines.isEmpty { routing.forgetChoice() }
    }

    func update(_ caller: ShownCaller) -> CXCallUpdate {
        let update = CXCallUpdate()
        update.remoteHandle = handle(caller)
        let title = [caller.title, caller.supervision.map(settings.supervisionWords)].compactMap { $0 }
        if !title.isEmpty { update.localizedCallerName = title.joined(separator: " · ") }
        update.supportsHolding = true
        // What the phone refuses to a supervision.
        update.supportsDTMF = caller.supervision == nil
        update.supportsGrouping = caller.supervision == nil
        update.supportsUngrouping = caller.supervision == nil
        update.hasVideo = false
        return update
    }

    private func handle(_ caller: ShownCaller) -> CXHandle {
        let value = caller.number ?? caller.name ?? settings.unknownCaller
        let isNumber = caller.number?.isEmpty == false && value.allSatisfy { $0.isNumber || "+*# ".contains($0) }
        return CXHandle(type: isNumber ? .phoneNumber : .generic, value: value)
    }

    private func linesChanged(from before: [UUID: Line]) {
        if lines.isEmpty != before.isEmpty { restIfIdle() }
        // One that the user ends is over only when its action is fulfilled.
        if lines.values.contains(where: \.isSupervision) { keepsRecents(false) } else if before.values.contains(where: \.isSupervision) {
            DispatchQueue.main.async { [weak self] in
                if let self, !lines.values.contains(where: \.isSupervision) { keepsRecents(true) }
            }
        }
    }

    /// A supervision is in no list of calls, which the user's other devices have too and where it could be dialled back. CallKit
    /// knows that of a provider only, so nothing of us is listed that ends meanwhile.
    private func keepsRecents(_ on: Bool) {
        let configuration = provider.configuration
        guard configuration.includesCallsInRecents != on else { return }
        configuration.includesCallsInRecents = on
        provider.configuration = configuration
    }

    func request(_ action: CXCallAction) {
        let call = action.callUUID
        let (isStart, isHold, isMute) = (action is CXStartCallAction, action is CXSetHeldCallAction, action is CXSetMutedCallAction)
        controller.request(CXTransaction(action: action)) { [weak self] error in
            guard error != nil else { return }
            DispatchQueue.main.async {
                guard let self, let line = self.lines[call] else { return }
                // It does not come back.
                if isHold { line.settlingHold = nil }
                if isMute { line.settlingMute = nil }
                guard isStart else { return }
                self.forget(line)
                if line.isMade { self.tell { phone in try? await phone.hangUp(call) } }
            }
        }
    }

    // The phone.

    /// Tells the phone, now or when there is one, in the order of the calls of this.
    func tell(_ command: @escaping @MainActor (any PhonePort) async -> Void) {
        commands.append(command)
        work()
    }

    private func work() {
        guard let phone, !isWorking, !commands.isEmpty else { return }
        isWorking = true
        Task { [weak self] in
            while let self, self.phone === phone, !commands.isEmpty { await commands.removeFirst()(phone) }
            self?.isWorking = false
            self?.work()
        }
    }

    func start() {
        guard phone == nil, !isStarting else { return }
        isStarting = true
        restIfIdle()
        Task { [weak self, startPhone] in
            while true {
                do {
                    let phone = try await startPhone()
                    self?.attach(phone)
                    return
                } catch Keychain.Failure.locked {
                    // Before the first unlock: it rings meanwhile, and may be answered once the phone is unlocked.
                    try? await Task.sleep(nanoseconds: 500_000_000)
                    guard let self else { return }
                    if lines.isEmpty { return lost() }
                } catch {
                    self?.lost()
                    return
                }
            }
        }
    }

    private func attach(_ phone: any PhonePort) {
        self.phone = phone
        lamp = .awake
        if audioIsActive { phone.audioActivated() }
        // What a process that died left behind, and nobody has announced to this one.
        for call in phone.calls() where call.incoming && !call.over && lines[call.call] == nil {
            adopt(call.call, call.caller, isAnswered: call.answered)
        }
        Task { [weak self] in
            for await event in phone.phoneEvents() { self?.happened(event) }
            // There may be another by now.
            if let self, self.phone === phone { lost() }
        }
        work()
    }

    private func lost() {
        phone = nil
        isStarting = false
        commands = []
        for line in lines.values { end(line, .failed) }
        restIfIdle()
    }

    private func adopt(_ call: UUID, _ caller: ShownCaller, isAnswered: Bool = false) {
        if gone.contains(call) {
            tell { phone in try? await phone.hangUp(call) }
            return
        }
        report(add(call, caller))
        if isAnswered { request(CXAnswerCallAction(call: call)) }
    }

    private func happened(_ event: PhoneEvent) {
        switch event {
        case .incoming(let call, let caller):
            guard let line = lines[call] else { return adopt(call, caller) }
            label(line, caller)
        case .sentOn(let call, let to):
            if lines[call] == nil, !gone.contains(call) { start(call, to, isMade: true) }
        case .supervises(let call, let agent):
            if let line = lines[call] { label(line, agent) } else if !gone.contains(call) { start(call, agent, isMade: true) }
            follow()
        case .ringing(let call):
            if let line = lines[call], line.over == nil, line.isShown { provider.reportOutgoingCall(with: call, startedConnectingAt: nil) }
        case .answered(let call):
            guard let line = lines[call], line.over == nil, !line.isAnswered else { return }
            if line.isIncoming { return request(CXAnswerCallAction(call: call)) }
            line.isAnswered = true
            if line.isShown { provider.reportOutgoingCall(with: call, connectedAt: nil) }
            follow()
        case .shapeChanged:
            follow()
        case .lamp(let shown):
            lamp = shown
            restIfIdle()
        case .ended(let call, let cause):
            if let line = lines[call] { end(line, cause) } else if !gone.contains(call) { gone.append(call) }
            follow()
        }
    }

    private func label(_ line: Line, _ caller: ShownCaller) {
        guard line.over == nil, line.caller != caller else { return }
        line.caller = caller.or(line.caller)
        if line.isShown { provider.reportCall(with: line.call, updated: update(line.caller)) }
    }

    /// CallKit is to show what the phone does: it has the last word on who is held, joined and muted.
    func follow() {
        let calls = (phone?.calls() ?? []).filter { !$0.over }
        let joined = calls.filter(\.merged).map(\.call)
        for call in calls {
            guard let line = lines[call.call], line.over == nil, line.isShown, line.isAnswered, line.wishes == 0 else {
                continue
            }
            if line.isGrouped != call.merged {
                line.isGrouped = call.merged
                let other = call.merged ? joined.first { $0 != call.call } : nil
                // A group of one is none.
                if call.merged || lines.values.contains(where: \.isGrouped) {
                    correct(CXSetGroupCallAction(call: call.call, callUUIDToGroupWith: other))
                }
            }
            if line.isOnHold != call.onHold {
                line.isOnHold = call.onHold
                show(hold: call.onHold, of: line)
            }
            if line.isMuted != call.muted {
                line.isMuted = call.muted
                show(mute: call.muted, of: line)
            }
        }
    }

    /// What changes while CallKit is being told is told when that has come back: with two on their way neither could be
    /// told from a wish of the user.
    func show(hold on: Bool, of line: Line) {
        guard line.settlingHold == nil else { return }
        line.settlingHold = on
        correct(CXSetHeldCallAction(call: line.call, onHold: on))
    }

    func show(mute on: Bool, of line: Line) {
        guard line.settlingMute == nil else { return }
        line.settlingMute = on
        correct(CXSetMutedCallAction(call: line.call, muted: on))
    }

    /// After CallKit has heard of the action that did not come to pass.
    private func correct(_ action: CXCallAction) {
        tell { [weak self] _ in self?.request(action) }
    }

    func observe(_ name: Notification.Name, _ then: @escaping @MainActor (CallCenter, [String: UInt]) -> Void) {
        observers.all.append(
            NotificationCenter.default.addObserver(forName: name, object: nil, queue: nil) { [weak self] note in
                var numbers: [String: UInt] = [:]
                for case (let key as String, let value as UInt) in note.userInfo ?? [:] { numbers[key] = value }
                let said = numbers
                let follow: @MainActor @Sendable () -> Void = { if let self { then(self, said) } }
                if Thread.isMainThread { MainActor.assumeIsolated(follow) } else { DispatchQueue.main.async { follow() } }
            })
    }

    private func observeAudio() {
        observe(AVAudioSession.interruptionNotification) { $0.interrupted($1) }
        observe(AVAudioSession.routeChangeNotification) { center, _ in center.routeChanged() }
        observe(AVAudioSession.mediaServicesWereResetNotification) { center, _ in center.mediaServicesWereReset() }
    }
}

/// Removed with their owner.
private final class Observers {
    var all: [any NSObjectProtocol] = []
    deinit { all.forEach(NotificationCenter.default.removeObserver) }
}

extension Push {
    /// Why a call that no longer rings is over.
    var cause: Cause {
        switch kind {
        case .incoming, .cancelled: .missed
        case .answeredElsewhere: .answeredElsewhere
        case .unreadable: .failed
        }
    }
}

extension Cause {
    var callKit: CXCallEndedReason {
        switch self {
        case .here, .remote: .remoteEnded
        case .missed: .unanswered
        case .answeredElsewhere: .answeredElsewhere
        case .declined: .declinedElsewhere
        case .failed: .failed
        }
    }
}
#endif
