/// A call, as its card shows it.
import Foundation
import Sidetone

public struct CallCard: Equatable, Sendable, Identifiable {
    public let call: UUID
    public let light: Light
    public let title: String
    public let state: String
    /// Since the answer, or since it began.
    public let time: String
    public let marks: [String]
    public let choices: [Choice]
    public let recordings: Recordings?
    public let supervision: SupervisionCard?
    public var id: UUID { call }
}

/// What rings comes first: it waits for nobody.
public func callCards(_ snapshot: Snapshot, _ now: Date) -> [CallCard] {
    (snapshot.calls.filter(rings) + snapshot.calls.filter { !rings($0) }).map { call in
        CallCard(
            call: call.id,
            light: call.isUp ? .ready : .busy,
            title: call.supervision.map { "supervising \($0.target)" } ?? nameOf(call.remote),
            state: stateOf(call.state),
            time: clock(call.answered ?? call.began, now),
            marks: marksOf(call, snapshot),
            choices: choicesOf(call, snapshot),
            recordings: recordings(call, snapshot),
            supervision: call.supervision.map { supervisionCard(call, $0) })
    }
}

private func marksOf(_ call: CallSnapshot, _ snapshot: Snapshot) -> [String] {
    let waited = call.data.waited.map { ", waited \(clock(Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: $0)))" } ?? ""
    let marks: [String?] = [
        heldByAnswering(call, snapshot).map { "waits while you talk with \(nameOf($0.remote))" },
        call.data.queue.map { $0 + waited },
        call.data.returnedFrom.map { "back from \($0), where nobody took it" },
        call.automatic ? "by itself" : nil,
        call.merged ? "joined" : nil,
        call.transfer.map { "is transferred to \(nameOf($0))" },
        call.referredBy.map { "sent on by \(nameOf($0))" },
        call.hold.local ? "on hold" : nil,
        call.hold.remote ? "held by the other side" : nil,
        call.muted ? "muted" : nil,
        call.media == .reconnecting ? "the audio's path is lost; it is built anew" : nil,
    ]
    return marks.compactMap { $0 }
}

private func choicesOf(_ call: CallSnapshot, _ snapshot: Snapshot) -> [Choice] {
    let id = call.id
    if rings(call) {
        let answer = heldByAnswering(call, snapshot) == nil ? "Answer" : "Hold and answer"
        return [Choice(words: answer, wish: .answer(call: id)), Choice(words: "Decline", wish: .decline(call: id))]
    }
    let end = Choice(words: call.supervision == nil ? "Hang up" : "Stop", wish: .hangUp(call: id))
    guard call.state == .established else { return [end] }
    let mute = Choice(words: call.muted ? "Unmute" : "Mute", wish: .setMute(call: id, on: !call.muted))
    if call.supervision != nil { return [mute, end] }
    let hold = Choice(words: call.hold.local ? "Resume" : "Hold", wish: .setHold(call: id, on: !call.hold.local))
    return [mute, hold] + (call.merged ? [Choice(words: "Talk alone", wish: .split(call: id))] : []) + [end]
}
