/// How each step of the way that calls take stands: the server, the servers that help audio through networks, and the audio.
import Foundation
import Sidetone

public struct ConnectionLine: Equatable, Sendable, Identifiable {
    public let title: String
    public let light: Light
    public let state: String
    /// What it is for.
    public let why: String
    public var id: String { title }
}

/// `servers` is nil as long as they have not answered. Without a snapshot nobody is signed in.
public func connectionLines(_ snapshot: Snapshot?, _ servers: [IceServerCheck]?) -> [ConnectionLine] {
    let (light, state) = snapshot.map { lampOf($0.registration) } ?? (.off, "nobody is signed in")
    let server = ConnectionLine(
        title: "Server", light: light, state: state,
        why: "Network, name, certificate and account: what fails is named, with what to do.")
    guard let snapshot else { return [server] }
    return [server] + iceServerLines(servers) + [audioLine(snapshot.calls.first { $0.active && $0.isUp })]
}

private func iceServerLines(_ servers: [IceServerCheck]?) -> [ConnectionLine] {
    func line(_ title: String, _ light: Light, _ state: String) -> ConnectionLine {
        ConnectionLine(
            title: title, light: light, state: state,
            why: "A phone behind a router finds a way for its audio by such a server, or through it where the direct way is blocked.")
    }
    guard let servers else { return [line("STUN and TURN", .off, "being asked")] }
    if servers.isEmpty { return [line("STUN and TURN", .off, "this app was built without one")] }
    return servers.map { server in
        switch server.given {
        case .serverReflexive(let address): line(server.url, .ready, "sees this phone as \(address)")
        case .relayed(let address): line(server.url, .ready, "takes audio at \(address)")
        case .nothing(_, let text): line(server.url, .paused, text)
        }
    }
}

/// Of the call that is talked in: whether audio passes both ways only a call shows.
private func audioLine(_ call: CallSnapshot?) -> ConnectionLine {
    func line(_ light: Light, _ state: String) -> ConnectionLine {
        ConnectionLine(title: "Audio", light: light, state: state, why: "Both sides hear each other where packets go both ways.")
    }
    guard let call else { return line(.off, "not known: call somebody, an echo best, and look here again") }
    guard let report = call.quality else { return line(.off, "not known yet") }
    let passes = report.packetsSent > 0 && report.packetsReceived > 0
    let trip = report.roundTrip.map { ", round trip \(Int(($0 * 1000).rounded())) ms" } ?? ""
    return line(
        passes ? .ready : .alarm,
        "\(report.codec), \(report.packetsSent) packets sent and \(report.packetsReceived) received\(trip)")
}
