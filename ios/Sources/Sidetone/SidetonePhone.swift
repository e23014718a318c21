/// The phone for Swift: snapshots and events as `AsyncStream`s, commands that wait for the phone's answer and for
/// nothing else. On a device `CallCenter` stands between it and CallKit.
import Foundation
@_exported import SidetoneCore

public final class SidetonePhone: Sendable {
    /// What uniffi makes of the core, for what is not here.
    public let core: Phone

    private init(_ core: Phone) { self.core = core }

    /// A phone of this configuration. `StartError` says why there is none, and what to do.
    /// With a vault (`Keychain.vault`) it finds again what it knew when its process died.
    public static func start(_ config: PhoneConfig, vault: Vault? = nil) async throws -> SidetonePhone {
        SidetonePhone(try await Phone.start(config: config, vault: vault))
    }

    /// What a screen renders now.
    public var snapshot: Snapshot { core.snapshot() }

    /// What a screen renders: the newest, and each one after it that there is time for. Ends with the phone.
    public func snapshots() -> AsyncStream<Snapshot> {
        let core = core
        return Self.stream(.bufferingNewest(1)) { sink in
            var shown = core.snapshot()
            while true {
                if case .terminated = sink.yield(shown) { return }
                if shown.ended { return }
                shown = await core.nextSnapshot(after: shown.revision)
            }
        }
    }

    /// Each event after this cursor, in order. Any number may read; who was cancelled reads on from its last cursor.
    public func events(after cursor: UInt64 = 0) -> AsyncStream<NumberedEvent> {
        let core = core
        return Self.stream(.unbounded) { sink in
            var next = cursor
            while true {
                let page = await core.events(after: next)
                for event in page.events {
                    if case .terminated = sink.yield(event) { return }
                }
                if page.ended { return }
                next = page.next
            }
        }
    }

    /// Lets go of the connection until a push or a command needs it.
    public func sleep() async throws { try await core.sleep() }
    /// Sends a call that rings, or was announced, to somebody else.
    public func forward(_ call: UUID, to: String) async throws { try await core.forward(call: call, to: to) }
    public func signIn() async throws { try await core.signIn() }
    public func signOut() async throws { try await core.signOut() }

    /// Calls a number, a user name or a `sip:` address.
    @discardableResult
    public func dial(_ to: String) async throws -> UUID { try await core.dial(to: to) }

    /// Ends the calls, signs out and lets go of everything.
    public func shutdown() async { await core.shutdown() }

    private static func stream<T: Sendable>(
        _ policy: AsyncStream<T>.Continuation.BufferingPolicy,
        _ feed: @escaping @Sendable (AsyncStream<T>.Continuation) async -> Void
    ) -> AsyncStream<T> {
        AsyncStream(bufferingPolicy: policy) { sink in
            let task = Task {
                await feed(sink)
                sink.finish()
            }
            sink.onTermination = { _ in task.cancel() }
        }
    }
}

/// The calls that are over.
extension SidetonePhone {
    /// Latest first: those that `text` finds by name or number, before the place `after`.
    public func history(
        _ text: String = "", outcome: CallOutcome? = nil, after: UInt64? = nil, limit: UInt32 = 50
    ) async throws -> HistoryPage {
        try await core.history().page(filter: HistoryFilter(text: text, outcome: outcome), after: after, limit: limit)
    }
    /// Forgets every call that is over.
    public func clearHistory() async throws { try await core.history().clear() }

    /// What each STUN and TURN server of the configuration gives; within six seconds.
    public func checkIceServers() async -> [IceServerCheck] { await core.checkIceServers() }
}

/// Messages between agents.
extension SidetonePhone {
    /// Sends a message to another agent; what becomes of it comes as an event. The app may name it, with a fresh UUID.
    public func sendMessage(_ to: String, _ text: String, message: UUID? = nil) async throws -> UUID {
        try await core.sendMessage(to: to, text: text, message: message)
    }
    /// The messages that are kept, also those of earlier processes, latest first: those before this one, or the last.
    public func messages(before: UUID? = nil, limit: UInt32 = 50) async throws -> MessagePage {
        try await core.messages().page(before: before, limit: limit)
    }
    /// Forgets every message.
    public func clearMessages() async throws { try await core.messages().clear() }
}

/// Codes of the server's dial plan.
extension SidetonePhone {
    /// Has the server carry out a code, and returns when it has: ten waking seconds at most. It is no call: CallKit and the audio
    /// session are not touched, and the calls that there are go on. Throws `ControlError`.
    public func control(_ code: String) async throws { try await core.control(code: code, control: nil) }
}

/// The agent at his queues.
extension SidetonePhone {
    /// Logs in to a queue, or to all that the agent may be in; with a reason he is paused from the beginning. Returns when it is
    /// asked for: the snapshot's `agent` shows the request, and then what the server made of it.
    public func logIn(_ queue: String? = nil, reason: String? = nil) async throws {
        try await core.logIn(queue: queue, reason: reason)
    }
    /// Logs out of a queue, or of all; returns as `logIn` does.
    public func logOut(_ queue: String? = nil) async throws { try await core.logOut(queue: queue) }
    /// Pauses in all queues, for one of the snapshot's reasons; a call that goes on is finished. Returns as `logIn` does.
    public func pause(_ reason: String) async throws { try await core.pause(reason: reason) }
    /// Ends the pause; returns as `logIn` does.
    public func unpause() async throws { try await core.unpause() }
    /// Watches colleagues and queues, or no more: on for as long as somebody looks at them. The snapshot's team shows what the
    /// server has told.
    public func watchTeam(_ on: Bool) async throws { try await core.watchTeam(on: on) }
    /// Those of the team that is watched who are meant by what is typed: digits of a number, or words of a name or a team.
    /// Nothing typed: all.
    public func findInTeam(_ text: String) -> TeamSnapshot? { core.findInTeam(text: text) }
}

/// The recordings of a call.
extension SidetonePhone {
    /// Has the server record a call that is answered, or do something else with a recording of it: one named by 1 to 4 digits, of
    /// which any number may run at the same time, or `auto`. Returns when it is asked for: the call's `recordings` show the
    /// request, and then what the server made of it.
    public func record(_ call: UUID, _ recording: String, _ action: RecordingAction) async throws {
        try await core.record(call: call, recording: recording, action: action)
    }
}
/// Supervision.
extension SidetonePhone {
    /// Listens to the call of an agent (his endpoint's name), whispers to him or barges in: a call as others for CallKit, whose
    /// microphone stays closed until the server has confirmed that the supervisor is heard. With `follow` it goes on with the
    /// agent's next call, which is listened to at first. The snapshot's call shows in `supervision` what is confirmed.
    @discardableResult
    public func supervise(_ target: String, _ mode: SupervisionMode, follow: Bool = false) async throws -> UUID {
        try await core.supervise(target: target, mode: mode, follow: follow)
    }
    /// Supervises in another mode; returns when it is asked for. Who is to be heard less is silent at once.
    public func setSupervisionMode(_ call: UUID, _ mode: SupervisionMode) async throws {
        try await core.setSupervisionMode(call: call, mode: mode)
    }
}

/// Auto-answer.
extension SidetonePhone {
    /// Lets calls be answered without the agent as the configuration allows it, or not, until he signs out.
    public func setAutoAnswer(_ on: Bool) async throws { try await core.setAutoAnswer(on: on) }
}

/// Several calls.
extension SidetonePhone {
    /// Lets the call that is on hold talk, and holds the one that talks.
    public func swap() async throws { try await core.swap() }
    /// Joins these calls, and those that are joined already: each hears the others and this phone.
    public func merge(_ calls: [UUID]) async throws { try await core.merge(calls: calls) }
    /// Takes a call out of those that are joined, to talk to it alone.
    public func split(_ call: UUID) async throws { try await core.split(call: call) }
    /// Leaves the two calls that are joined: they talk on without this phone.
    public func leave() async throws { try await core.leave() }
    /// Sends the other side of a call elsewhere without asking there.
    public func transfer(_ call: UUID, to: String) async throws { try await core.transfer(call: call, to: to) }
    /// Brings the other sides of two calls together, and is done with both.
    public func transfer(_ call: UUID, with other: UUID) async throws {
        try await core.transferTo(call: call, with: other)
    }
}

extension SidetonePhone: PhonePort {
    public func dial(_ to: String, call: UUID) async throws { _ = try await core.dial(to: to, call: call) }
    public func answer(_ call: UUID) async throws { try await core.answer(call: call) }
    public func decline(_ call: UUID, busy: Bool = false) async throws {
        try await core.decline(call: call, reason: busy ? .busy : .decline)
    }
    public func hangUp(_ call: UUID) async throws { try await core.hangUp(call: call) }
    public func setHold(_ call: UUID, _ on: Bool) async throws { try await core.setHold(call: call, on: on) }
    public func setMute(_ call: UUID, _ on: Bool) async throws { try await core.setMute(call: call, on: on) }
    public func sendDtmf(_ call: UUID, _ digits: String) async throws {
        try await core.sendDtmf(call: call, digits: digits)
    }
    public func wake() async throws { try await core.signIn() }
    public func networkChanged(makeBeforeBreak: Bool) {
        core.networkChanged(handover: makeBeforeBreak ? .makeBeforeBreak : .breakBeforeMake)
    }
    public func audioRouteChanged() { core.audioRouteChanged() }

    public func setPushToken(_ token: PushToken?) async throws { try await core.setPushToken(token: token) }
    public func announced(_ push: Push) { core.announced(announcement: push.announcement) }
    public func audioActivated() { core.audioActivated() }
    public func audioDeactivated() { core.audioDeactivated() }

    public func calls() -> [PhoneCall] {
        core.snapshot().calls.map { call in
            let isAnswered =
                switch call.state {
                case .announced: call.intent == .answer
                case .answering, .answered, .established: true
                case .dialing, .alerting, .ringing, .ending: false
                }
            return PhoneCall(
                call: call.id, incoming: call.direction == .incoming, caller: ShownCaller(call.remote, call.data),
                answered: isAnswered, over: call.state == .ending, onHold: call.onHold, merged: call.merged,
                muted: call.muted || call.supervision.map { !$0.speaks } ?? false)
        }
    }

    public func phoneEvents() -> AsyncStream<PhoneEvent> {
        let (all, core) = (events(after: 0), core)
        // What an agent is called, where the team is watched; else his endpoint's name.
        let nameOf: @Sendable (String) -> String = { agent in
            core.snapshot().team?.people.first { $0.name == agent }?.label ?? agent
        }
        return Self.stream(.unbounded) { sink in
            for await numbered in all {
                guard let event = PhoneEvent(numbered.event, nameOf) else { continue }
                if case .terminated = sink.yield(event) { return }
            }
        }
    }
}

extension ShownCaller {
    init(_ party: Party, _ data: CallData? = nil) {
        self.init(name: party.name, number: party.number, queue: data?.queue, returnedFrom: data?.returnedFrom)
    }
}

extension PhoneEvent {
    init?(_ event: Event, _ nameOf: (String) -> String) {
        switch event {
        case .incoming(let call, let from, let data, _, _): self = .incoming(call, ShownCaller(from, data))
        case .referred(_, let new, let to): self = .sentOn(new, ShownCaller(to))
        case .supervisionChanged(let call, let it):
            self = .supervises(call, ShownCaller(name: nameOf(it.target), supervision: Supervising(it)))
        case .ringing(let call): self = .ringing(call)
        case .answered(let call, _): self = .answered(call)
        case .holdChanged, .holdFailed, .merged, .muteChanged: self = .shapeChanged
        case .ended(let call, let reason, _): self = .ended(call, Cause(reason))
        case .registrationChanged(let registration): self = .lamp(PhoneLamp(registration.state))
        default: return nil
        }
    }
}

extension Supervising {
    init(_ it: Supervision) {
        switch it.mode {
        case _ where it.waiting: self = .waits
        case nil: self = .asked
        case _ where !it.speaks: self = .listens
        case _ where !it.heard: self = .unheard
        case .barge: self = .bargesIn
        default: self = .whispers
        }
    }
}

extension PhoneLamp {
    init(_ state: RegistrationState) {
        switch state {
        case .reachableByPush, .asleep: self = .asleep
        case .unregistered: self = .signedOut
        case .registering, .registered, .unreachable, .failed: self = .awake
        }
    }
}

extension Cause {
    init(_ reason: EndReason) {
        switch reason {
        case .local, .transferred: self = .here
        case .remote, .refused, .busy, .referred: self = .remote
        case .supervision(end: .callOver): self = .remote
        case .cancelled, .noAnswer, .neverCame: self = .missed
        case .answeredElsewhere: self = .answeredElsewhere
        case .declined, .forwarded: self = .declined
        default: self = .failed
        }
    }
}

/// What to tell the user of an error of the core: what happened, and what to do.
public func sentences(_ error: any Error) -> String {
    let fields = Mirror(reflecting: error).children.first.map { Mirror(reflecting: $0.value).children }
    guard let said = fields?.compactMap({ $0.value as? String }), said.count == 2 else { return "\(error)" }
    return "\(said[0]). \(said[1])."
}
