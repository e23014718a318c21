/// What is recorded of a call, and what may be done about it.
import Foundation
import Sidetone

public struct Recordings: Equatable, Sendable {
    public let lines: [RecordingLine]
    /// A recording more.
    public let start: Choice?
    /// Why nothing may be started or changed.
    public let why: String?
}

public struct RecordingLine: Equatable, Sendable {
    public let id: String
    /// Red only where the server has said on this connection that it records.
    public let light: Light
    public let state: String
    public let requested: String?
    public let choices: [Choice]
    /// Why there is nothing to touch.
    public let why: String?
}

/// Nil: the call cannot be recorded yet, or any more, and nothing of it is.
public func recordings(_ call: CallSnapshot, _ snapshot: Snapshot) -> Recordings? {
    let (access, withheld) = (snapshot.recording, withheld(snapshot, .recordings))
    let isUnderWay = call.recordings.contains { $0.requested != nil }
    let mayChange = access == .allowed && withheld == nil && call.isUp && call.supervision == nil
    func choice(_ words: String, _ id: String, _ action: RecordingAction) -> Choice {
        Choice(words: words, wish: isUnderWay ? nil : .record(call: call.id, recording: id, action: action))
    }
    let lines = call.recordings.map { line($0, mayChange ? choice : nil) }
    let running = call.recordings.filter { $0.state != .stopped }.map(\.id)
    let free = (1...9).map(String.init).first { !running.contains($0) }
    let why = withheld ?? (access == .forbidden ? "The server does not allow you to record." : nil)
    let start = mayChange ? free.map { choice(lines.isEmpty ? "Record" : "Record also as \($0)", $0, .start) } : nil
    guard call.isUp, !lines.isEmpty || start != nil || why != nil else { return nil }
    return Recordings(lines: lines, start: start, why: why)
}

private func line(_ it: Recording, _ choice: ((String, String, RecordingAction) -> Choice)?) -> RecordingLine {
    let name = it.automatic ? "automatic recording" : "recording \(it.id)"
    let (light, said): (Light, String) =
        switch it.state {
        case .recording: (it.certain ? .alarm : .off, "runs")
        case .paused: (it.certain ? .paused : .off, "paused")
        case .stopped: (.off, "stopped")
        }
    var choices: [Choice] = []
    if let choice, it.policy != .locked {
        if it.state == .recording { choices.append(choice("Pause", it.id, .pause)) }
        if it.state == .paused { choices.append(choice("Resume", it.id, .resume)) }
        if it.state != .stopped, it.policy == .free { choices.append(choice("Stop", it.id, .stop)) }
    }
    let why: String? =
        switch it.policy {
        case .locked: "Made by the rules of the site, which do not let you change it."
        case .pausable: "Made by the rules of the site: you may pause it, not stop it."
        case .free: nil
        }
    return RecordingLine(
        id: it.id, light: light, state: "\(name) \(said)\(it.certain ? "" : ", as the server said last")",
        requested: it.requested.map { "\(word($0)) requested…" }, choices: choices, why: why)
}

private func word(_ action: RecordingAction) -> String {
    switch action {
    case .start: "start"
    case .pause: "pause"
    case .resume: "resume"
    case .stop: "stop"
    }
}
