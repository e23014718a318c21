/// The words that the screens have in common, and what went wrong in the core's own.
import Foundation
import Sidetone

/// The light beside a word: a hint for the eye, never the only sign.
public enum Light: Sendable { case off, ready, busy, paused, alarm }

/// Something to touch, and what is asked then; without a wish it cannot be touched now.
public struct Choice: Equatable, Sendable {
    public let words: String
    public let wish: Wish?
}

/// `m:ss`, and `h:mm:ss` from an hour on; a clock that runs behind the server's shows zero.
func clock(_ from: Date, _ to: Date) -> String {
    let seconds = max(0, Int(to.timeIntervalSince(from)))
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
    let rest = String(format: "%02d", seconds % 60)
    return hours > 0 ? "\(hours):\(String(format: "%02d", minutes)):\(rest)" : "\(minutes):\(rest)"
}

/// What an agent is, in the words of `sidetone agent`.
func stateOf(_ state: AgentState, _ pause: Pause?) -> (light: Light, words: String) {
    switch state {
    case .unknown: (.off, "not known yet")
    case .unavailable: (.off, "the server has no queues for you")
    case .loggedOut: (.off, "logged out")
    case .ready: (.ready, "ready")
    case .ringing: (.busy, "a call rings")
    case .onCall: (.busy, "on a call")
    case .notReady: (.paused, "paused: \(why(pause))")
    case .wrapUp: (.paused, "wrap-up")
    }
}

func why(_ pause: Pause?) -> String { pause?.reason ?? "reason unknown" }

func stateOf(_ state: CallState) -> String {
    switch state {
    case .dialing: "dialing"
    case .alerting: "rings there"
    case .announced: "announced"
    case .ringing: "rings"
    case .answering: "answering"
    case .answered: "answered"
    case .established: "talking"
    case .ending: "ending"
    }
}

func nameOf(_ party: Party) -> String {
    if let known = party.name ?? party.number { return known }
    let address = party.uri.hasPrefix("sip:") ? String(party.uri.dropFirst(4)) : party.uri
    return address.isEmpty ? "hidden" : address
}

extension CallSnapshot {
    /// Somebody has answered, and nobody has hung up.
    var isUp: Bool { state == .answered || state == .established }
}

/// The server's packs that this phone does not understand, each with what to do.
public func unreadPacks(_ snapshot: Snapshot) -> [String] { snapshot.unreadPacks.map { sentence($0.text) } }

/// The call that is talked in, which a transfer is about; never one that supervises.
public func talkedIn(_ calls: [CallSnapshot]) -> UUID? {
    calls.first { $0.active && $0.isUp && $0.supervision == nil && $0.transfer == nil }?.id
}

/// What the registration is: green only where the server has answered not long ago.
public func lampOf(_ registration: Registration) -> (light: Light, words: String) {
    let (light, word): (Light, String) =
        switch registration.state {
        case .unregistered: (.off, "signed out")
        case .registering: (.paused, "registering")
        case .registered: (.ready, "registered")
        case .unreachable: (.paused, "unreachable")
        case .reachableByPush: (.busy, "asleep, reachable by push")
        case .asleep: (.alarm, "asleep, no push")
        case .failed: (.alarm, "failed")
        }
    return (light, [word, registration.problem?.text].compactMap { $0 }.joined(separator: " — "))
}

/// What went wrong after the phone had taken a command, in the core's words; nil: nothing did.
public func failureOf(_ event: Event) -> String? {
    switch event {
    case .agentFailed(_, _, let text), .supervisionFailed(_, _, _, let text), .transferFailed(_, let text),
        .referralFailed(_, _, _, let text), .holdFailed(_, let text), .dtmfFailed(_, _, let text), .audioLost(let text),
        .notSaved(let text), .messageUncertain(_, let text):
        sentence(text)
    case .messageFailed(_, _, let text): sentence("message not delivered: \(text)")
    case .recordingFailed(_, let recording, _, _, let text): sentence("recording \(recording): \(text)")
    case .ended(_, let reason, let text): isOrdinary(reason) ? nil : sentence(text)
    default: nil
    }
}

/// An end that the user has made himself or sees in the list of calls; of another he wants to know why.
private func isOrdinary(_ reason: EndReason) -> Bool {
    switch reason {
    case .local, .remote, .cancelled, .answeredElsewhere, .declined, .forwarded, .transferred, .referred: true
    default: false
    }
}

func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
}
