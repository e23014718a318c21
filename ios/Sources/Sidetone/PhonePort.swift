/// What `CallCenter` needs of a phone, in its own terms; `SidetonePhone` is the one that calls.
import Foundation
import SidetoneCore

/// Commands throw `CommandError`; what is not async never waits.
public protocol PhonePort: AnyObject, Sendable {
    func dial(_ to: String, call: UUID) async throws
    func answer(_ call: UUID) async throws
    func decline(_ call: UUID, busy: Bool) async throws
    func hangUp(_ call: UUID) async throws
    func setHold(_ call: UUID, _ on: Bool) async throws
    /// Joins these calls; takes one out of those that are joined.
    func merge(_ calls: [UUID]) async throws
    func split(_ call: UUID) async throws
    func setMute(_ call: UUID, _ on: Bool) async throws
    func sendDtmf(_ call: UUID, _ digits: String) async throws
    func setPushToken(_ token: PushToken?) async throws
    /// Lets go of the connection until a push or `wake`; refused in a call.
    func sleep() async throws
    func wake() async throws

    /// A push, after the platform was told of it.
    func announced(_ push: Push)
    func audioActivated()
    func audioDeactivated()
    func audioRouteChanged()
    /// Another network, or another address; `makeBeforeBreak`: the old one works on for a while.
    func networkChanged(makeBeforeBreak: Bool)

    /// The calls that there are now.
    func calls() -> [PhoneCall]
    /// Each event since the phone's start, in order, until the phone ends.
    func phoneEvents() -> AsyncStream<PhoneEvent>
}

/// Who calls, as a call screen shows it.
public struct ShownCaller: Sendable, Equatable {
    public var name: String?
    public var number: String?
    public var queue: String?
    /// The agent had sent the caller there, nobody took him, and he is back.
    public var returnedFrom: String?
    /// Of a call that supervises an agent's: how far it goes. It has no number, for there is nobody to call back.
    public var supervision: Supervising?

    public init(
        name: String? = nil, number: String? = nil, queue: String? = nil, returnedFrom: String? = nil, supervision: Supervising? = nil
    ) {
        self.name = name
        self.number = number
        self.queue = queue
        self.returnedFrom = returnedFrom
        self.supervision = supervision
    }

    /// One line that stands for the caller; `nil` where nothing but a number is known.
    var title: String? {
        let parts = [name, queue, returnedFrom.map { "↩ \($0)" }].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: " · ")
    }

    /// This, and what the other says of what it leaves open.
    func or(_ other: ShownCaller) -> ShownCaller {
        ShownCaller(
            name: name ?? other.name, number: number ?? other.number, queue: queue ?? other.queue,
            returnedFrom: returnedFrom ?? other.returnedFrom, supervision: supervision ?? other.supervision)
    }
}

/// What a supervision is, as the server has confirmed it; its words are `CallCenter.Settings`'.
public enum Supervising: Sendable, Equatable, CaseIterable {
    /// No mode is confirmed.
    case asked
    /// Nobody hears the supervisor.
    case listens
    case whispers, bargesIn
    /// Either side holds the call, and nobody hears the supervisor.
    case unheard
    /// The agent's next call is not there yet.
    case waits
}

/// A push as the core has read it.
public struct Push: Sendable {
    public var announcement: Announcement
    /// It never rings: why.
    public var over: Cause?

    public init(_ announcement: Announcement, over: Cause? = nil) {
        self.announcement = announcement
        self.over = over
    }

    public init(_ report: Report) { self.init(report.announcement, over: report.over.map(Cause.init)) }

    var call: UUID { announcement.call }
    var kind: AnnouncementKind { announcement.kind }
    var deadline: Date { announcement.deadline }
    var caller: ShownCaller {
        ShownCaller(name: announcement.caller.name, number: announcement.caller.number, queue: announcement.queue)
    }
}

/// A call as the phone has it.
public struct PhoneCall: Sendable {
    public var call: UUID
    public var incoming: Bool
    public var caller: ShownCaller
    /// The user's answer is given, also one that a process took which has died.
    public var answered: Bool
    public var over: Bool
    /// This phone is to hold it, by what was asked for last.
    public var onHold: Bool
    /// Joined with others.
    public var merged: Bool
    /// Nobody hears this side.
    public var muted: Bool

    public init(
        call: UUID, incoming: Bool, caller: ShownCaller, answered: Bool, over: Bool, onHold: Bool = false, merged: Bool = false,
        muted: Bool = false
    ) {
        self.call = call
        self.incoming = incoming
        self.caller = caller
        self.answered = answered
        self.over = over
        self.onHold = onHold
        self.merged = merged
        self.muted = muted
    }
}

/// What a phone tells that the platform must know.
public enum PhoneEvent: Sendable {
    case incoming(UUID, ShownCaller)
    /// The phone calls somebody because the other side of another call has sent it there.
    case sentOn(UUID, ShownCaller)
    /// The phone supervises an agent's call by this one, or what that is has changed.
    case supervises(UUID, ShownCaller)
    case ringing(UUID)
    case answered(UUID)
    /// Who is held, joined or muted is another now, or did not become so: `PhonePort.calls` has the truth.
    case shapeChanged
    case ended(UUID, Cause)
    case lamp(PhoneLamp)
}

/// What the phone's lamp says of sleep.
public enum PhoneLamp: Sendable { case awake, asleep, signedOut }

/// Why a call is over, as far as a platform can show it.
public enum Cause: Sendable, Equatable { case here, remote, missed, answeredElsewhere, declined, failed }
