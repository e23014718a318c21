/// The agent at his queues, as the bar shows him that is always in view.
import Foundation
import Sidetone

public struct AgentBar: Equatable, Sendable {
    public let light: Light
    public let state: String
    /// How long he is paused, or how long wrap-up lasts yet.
    public let pause: String?
    /// What becomes of calls to himself, where they do not ring.
    public let direct: String?
    /// The queues that he is in, and for how long he is in one.
    public let signedIn: String?
    /// What is asked for and not confirmed.
    public let requested: String?
    /// Why the state is not to be relied on.
    public let doubt: String?
    /// Ends the pause.
    public let ready: Choice?
    /// A pause for each reason that the server takes.
    public let pauses: [Choice]
    /// In or out: of all queues, and of each.
    public let queues: [Choice]
    /// Into all queues, paused from the beginning.
    public let pausedLogins: [Choice]
}

/// Nil: nobody is signed in, or the server has no queues for him.
public func agentBar(_ snapshot: Snapshot, _ now: Date) -> AgentBar? {
    guard let agent = snapshot.agent, agent.state != .unavailable, snapshot.registration.state != .unregistered else {
        return nil
    }
    let (light, word) = stateOf(agent.state, agent.pause)
    let isIn = agent.queues.contains(where: \.loggedIn)
    func choice(_ words: String, _ request: AgentRequest) -> Choice {
        Choice(words: words, wish: agent.requested == nil ? .agent(request) : nil)
    }
    let each = agent.queues.map { queue in
        queue.loggedIn
            ? choice("Log out of \(queue.name)", .logOut(queue: queue.name))
            : choice("Log in to \(queue.name)", .logIn(queue: queue.name, reason: nil))
    }
    return AgentBar(
        light: agent.certain ? light : .off,
        state: comesAfter(agent) ? "\(word), then paused: \(why(agent.pause))" : word,
        pause: pauseOf(agent, now),
        direct: agent.doNotDisturb ? "direct calls are refused" : nil,
        signedIn: signedIn(agent, now),
        requested: agent.requested.map(wordsOf),
        doubt: agent.certain || agent.state == .unknown ? nil : "as the server said last",
        ready: agent.pause == nil ? nil : choice("Ready", .unpause),
        pauses: isIn && agent.pause == nil ? agent.reasons.map { choice($0, .pause(reason: $0)) } : [],
        queues: all(agent.queues).map(choice) + each,
        pausedLogins: isIn ? [] : agent.reasons.map { choice("Log in paused: \($0)", .logIn(queue: nil, reason: $0)) })
}

/// The pause begins when the call is over.
private func comesAfter(_ agent: AgentSnapshot) -> Bool {
    agent.pause != nil && (agent.state == .onCall || agent.state == .ringing)
}

private func pauseOf(_ agent: AgentSnapshot, _ now: Date) -> String? {
    guard let pause = agent.pause, !comesAfter(agent) else { return nil }
    if let until = pause.until { return "\(clock(now, until)) left" }
    return pause.since.map { "for \(clock($0, now))" }
}

private func signedIn(_ agent: AgentSnapshot, _ now: Date) -> String? {
    let names = agent.queues.filter(\.loggedIn).map { $0.paused ? "\($0.name) (paused)" : $0.name }
    if names.isEmpty { return nil }
    let time = agent.loggedInSince.map { ", signed in for \(clock($0, now))" } ?? ""
    return "in \(names.joined(separator: ", "))\(time)"
}

private func all(_ queues: [AgentQueue]) -> [(String, AgentRequest)] {
    var choices: [(String, AgentRequest)] = []
    if queues.contains(where: { !$0.loggedIn }) { choices.append(("Log in to all", .logIn(queue: nil, reason: nil))) }
    if queues.contains(where: \.loggedIn) { choices.append(("Log out of all", .logOut(queue: nil))) }
    return choices
}

private func wordsOf(_ request: AgentRequest) -> String {
    switch request {
    case .logIn(let queue, _): "logging in\(queue.map { " to \($0)" } ?? "")…"
    case .logOut(let queue): "logging out\(queue.map { " of \($0)" } ?? "")…"
    case .pause(let reason): "pause requested: \(reason)…"
    case .unpause: "ready requested…"
    }
}
