/// The colleagues and queues that were found, to call or to transfer to.
import Foundation
import Sidetone

public struct TeamPage: Equatable, Sendable {
    /// What the list is worth, or why it is empty.
    public let note: String?
    /// What may become of a caller who is transferred; to be said before.
    public let warning: String?
    public let rows: [TeamRow]
}

public struct TeamRow: Equatable, Sendable, Identifiable {
    public let id: String
    public let light: Light
    public let name: String
    public let number: String?
    public let state: String
    public let choices: [Choice]
}

/// `found` is what the core's `findInTeam` gives for what is typed; nil: nothing is watched.
public func teamPage(_ found: TeamSnapshot?, _ snapshot: Snapshot, _ now: Date) -> TeamPage {
    let talks = talkedIn(snapshot.calls)
    let warning: String? =
        switch snapshot.transfersReturn {
        case .yes: nil
        case .no: "A caller whom nobody takes there is lost."
        case .unknown: "A caller whom nobody takes there may be lost."
        }
    guard let found else { return TeamPage(note: withheld(snapshot, .team) ?? noteOf(nil), warning: nil, rows: []) }
    let queues = found.queues.map { queue in
        TeamRow(
            id: "queue \(queue.name)", light: queue.waiting > 0 ? .paused : .off, name: queue.label ?? queue.name,
            number: queue.number, state: "queue: \(queue.waiting) waiting, \(queue.free) free",
            choices: choices(queue.number, talks))
    }
    let people = found.people.map { person in
        let (light, words) = seen(person, found.state, now)
        return TeamRow(
            id: person.name, light: light, name: person.label ?? person.name, number: person.number, state: words,
            choices: choices(person.number, talks))
    }
    return TeamPage(note: withheld(snapshot, .team) ?? noteOf(found), warning: talks == nil ? nil : warning, rows: queues + people)
}

/// What a team is worth; nil: it is true now, and somebody is found.
func noteOf(_ found: TeamSnapshot?) -> String? {
    switch found?.state {
    case nil, .unknown: "The server has not told it yet."
    case .outdated: "As the server said last; nobody's state is certain."
    case .unavailable: "The server lets you watch nobody; ask its administrator."
    case .current: found?.people.isEmpty == true && found?.queues.isEmpty == true ? "Nobody is found." : nil
    }
}

/// What a colleague is, since when and for which queue he talks; no light where nobody's state is to be believed.
func seen(_ it: Colleague, _ worth: TeamState, _ now: Date) -> (light: Light, words: String) {
    let (light, word) = stateOf(it.state, it.pause)
    let left = it.pause?.until.map { "\(clock(now, $0)) left" }
    let queue = it.call?.queue.map { ", \($0)" } ?? ""
    return (worth == .current ? light : .off, "\(word), \(left ?? "for \(clock(it.since, now))")\(queue)")
}

private func choices(_ number: String?, _ talks: UUID?) -> [Choice] {
    guard let number else { return [] }
    let call = Choice(words: "Call", wish: .dial(to: number))
    return [call] + (talks.map { [Choice(words: "Transfer", wish: .transfer(call: $0, to: number))] } ?? [])
}
