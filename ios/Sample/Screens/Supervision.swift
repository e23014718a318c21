/// A call that supervises: the confirmed mode, what is asked for, and whether anybody hears the supervisor; and whom he may
/// look for.
import Foundation
import Sidetone

public struct SupervisionCard: Equatable, Sendable {
    public let mode: String
    public let requested: String?
    public let microphone: String
    /// The microphone is open: somebody hears him.
    public let isHeard: Bool
    /// What becomes of it when the agent's call is over.
    public let follow: String?
    public let choices: [Choice]
}

public func supervisionCard(_ call: CallSnapshot, _ it: Supervision) -> SupervisionCard {
    let isOpen = it.speaks && !call.hold.local && !call.hold.remote
    let isHeard = isOpen && !call.muted && it.heard
    let microphone =
        if isOpen && !it.heard {
            "the call is on hold: nobody hears you"
        } else if isHeard && it.mode == .barge {
            "microphone open: the agent and his caller hear you"
        } else if isHeard {
            "microphone open: the agent hears you"
        } else {
            isOpen ? "muted by you: nobody hears you" : "microphone closed: nobody hears you"
        }
    return SupervisionCard(
        mode: it.mode.map { "\(word($0)), confirmed" } ?? "not confirmed yet",
        requested: it.requested.map { "\(word($0)) requested…" },
        microphone: microphone,
        isHeard: isHeard,
        follow: it.waiting ? "waits for the agent's next call" : it.follow ? "goes on with the agent's next call" : nil,
        choices: modes.map { mode in
            let isSo = mode == (it.requested ?? it.mode)
            return Choice(words: verb(mode), wish: isSo ? nil : .setSupervisionMode(call: call.id, mode: mode))
        })
}

/// The agents whom a supervisor may look for.
public struct Roster: Equatable, Sendable {
    public let note: String?
    public let rows: [RosterRow]
}

public struct RosterRow: Equatable, Sendable, Identifiable {
    public let name: String
    public let light: Light
    public let title: String
    public let state: String
    public let choices: [Choice]
    public var id: String { name }
}

/// `found` as for `teamPage`. `follow`: what is begun here goes on with the agent's next call.
public func roster(_ found: TeamSnapshot?, _ snapshot: Snapshot, follow: Bool, _ now: Date) -> Roster {
    let supervised = snapshot.calls.compactMap { $0.supervision?.target }
    let withheld = withheld(snapshot, .supervision) ?? withheld(snapshot, .team)
    guard var found else { return Roster(note: withheld ?? noteOf(nil), rows: []) }
    found.queues = []
    let rows = found.people.map { person in
        let (light, words) = seen(person, found.state, now)
        // Where his state is certain and he is in no call there is nothing to hear.
        let offers = withheld == nil && supervised.isEmpty && (found.state != .current || person.state == .onCall)
        let title = [person.label ?? person.name, person.team].filter { !$0.isEmpty }.joined(separator: " · ")
        let choices = modes.map { Choice(words: verb($0), wish: .supervise(target: person.name, mode: $0, follow: follow)) }
        return RosterRow(name: person.name, light: light, title: title, state: words, choices: offers ? choices : [])
    }
    let other = supervised.isEmpty ? nil : "To supervise another, stop first."
    return Roster(note: withheld ?? noteOf(found) ?? other, rows: rows)
}

private let modes: [SupervisionMode] = [.listen, .whisper, .barge]

private func word(_ mode: SupervisionMode) -> String {
    switch mode {
    case .listen: "listen"
    case .whisper: "whisper"
    case .barge: "barge"
    }
}

private func verb(_ mode: SupervisionMode) -> String {
    switch mode {
    case .listen: "Listen"
    case .whisper: "Whisper"
    case .barge: "Barge in"
    }
}
