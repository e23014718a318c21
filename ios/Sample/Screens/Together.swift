/// The calls among themselves: who talks, who waits, and what may be done with two of them.
import Foundation
import Sidetone

public struct Together: Equatable, Sendable {
    public let words: String
    public let choices: [Choice]
}

/// Nil: there are no two calls that somebody has answered.
public func together(_ snapshot: Snapshot) -> Together? {
    let up = snapshot.calls.filter { $0.state == .established && $0.supervision == nil && $0.transfer == nil }
    guard up.count > 1 else { return nil }
    let (joined, others) = (up.filter(\.merged), up.filter { !$0.merged })
    let talking = others.first(where: \.active) ?? joined.first
    let held = others.filter(\.onHold)
    let words = [
        names(joined).map { "You talk with \($0) together." } ?? talking.map { "You talk with \(nameOf($0.remote))." },
        names(held).map { "On hold: \($0)." },
    ]
    var choices: [Choice] = []
    if talking != nil, held.count == 1 { choices.append(Choice(words: "Swap", wish: .swap)) }
    if !others.isEmpty { choices.append(Choice(words: "Join them", wish: .merge(calls: up.map(\.id)))) }
    // Who was asked last takes the one who waits.
    if joined.isEmpty, held.count == 1, let talking {
        choices.append(Choice(words: "Connect them", wish: .transferTo(call: held[0].id, with: talking.id)))
    }
    if joined.count == 2, others.isEmpty { choices.append(Choice(words: "Leave them", wish: .leave)) }
    return Together(words: words.compactMap { $0 }.joined(separator: " "), choices: choices)
}

/// It rings here while another call is talked in: to answer it holds that one.
func heldByAnswering(_ call: CallSnapshot, _ snapshot: Snapshot) -> CallSnapshot? {
    guard rings(call) else { return nil }
    return snapshot.calls.first { $0.active && $0.isUp && $0.id != call.id }
}

func rings(_ call: CallSnapshot) -> Bool { call.direction == .incoming && call.state == .ringing }

private func names(_ calls: [CallSnapshot]) -> String? {
    calls.isEmpty ? nil : calls.map { nameOf($0.remote) }.joined(separator: " and ")
}
