/// What is set on this phone, what of it the user may change, who is signed in, and what the app is.
import Foundation
import Sidetone

public struct SettingsPage: Equatable, Sendable {
    public let routes: [RouteLine]
    /// Why there is no route to choose.
    public let routesNote: String?
    public let levels: [LevelLine]
    /// Why there is no level.
    public let levelsNote: String?
    public let ringtone: Setting
    public let autoAnswer: Setting
    /// Nil: nobody is signed in.
    public let profile: Profile?
    public let about: [String]
}

/// Who signs in, as the app keeps it.
public struct SignIn: Codable, Sendable {
    public var account: String
    public var servers: [String]
    public var username: String?
    public var name: String?
    public var password: String
    public init(account: String, servers: [String], username: String?, name: String?, password: String) {
        self.account = account
        self.servers = servers
        self.username = username
        self.name = name
        self.password = password
    }
}

/// How the app stands, beside the snapshot.
public struct AppState: Sendable {
    public var account: SignIn?
    public var routing: AudioRouting
    /// The sound file that the app was built with; nil: the system's ringtone.
    public var ringtone: String?
    /// Which calls the app's configuration lets the phone answer by itself.
    public var answerMode: AnswerMode
    public var version: String
    public var libraryVersion: String
    public init(
        account: SignIn?, routing: AudioRouting, ringtone: String?, answerMode: AnswerMode, version: String, libraryVersion: String
    ) {
        self.account = account
        self.routing = routing
        self.ringtone = ringtone
        self.answerMode = answerMode
        self.version = version
        self.libraryVersion = libraryVersion
    }
}

public struct RouteLine: Equatable, Sendable, Identifiable {
    public let route: AudioRoute
    public let words: String
    public let isInUse: Bool
    public var id: AudioRoute { route }
}

/// How loud it is: so many of `most` bars, and in words.
public struct LevelLine: Equatable, Sendable, Identifiable {
    public static let most = 10
    public let title: String
    public let bars: Int
    public let words: String
    public var id: String { title }
}

/// How something is set.
public struct Setting: Equatable, Sendable {
    public let light: Light
    public let state: String
    /// Why the user cannot change it; nil: he may.
    public let locked: String?
    public let choices: [Choice]
}

public struct Profile: Equatable, Sendable {
    public let initials: String
    public let name: String
    public let address: String
    public let servers: [String]
    public let note: String
}

/// A nil snapshot: nobody is signed in.
public func settingsPage(_ snapshot: Snapshot?, _ app: AppState) -> SettingsPage {
    let isInCall = snapshot?.calls.isEmpty == false
    let (measured, levelsNote) = levels(snapshot)
    return SettingsPage(
        routes: isInCall ? routeLines(app.routing) : [],
        routesNote: isInCall && !app.routing.available.isEmpty ? nil : "iOS tells where the sound can go while there is a call.",
        levels: measured, levelsNote: levelsNote,
        ringtone: Setting(
            light: .ready, state: app.ringtone ?? "the system's",
            locked: "CallKit rings, with the sound that this app was built with: nobody can choose another while it runs.",
            choices: []),
        autoAnswer: autoAnswer(snapshot, app.answerMode), profile: app.account.map(profile), about: about(app))
}

/// In the order of their kinds.
public func routeLines(_ routing: AudioRouting) -> [RouteLine] {
    routing.available.sorted { ($0.kind.rawValue, $0.name, $0.uid) < ($1.kind.rawValue, $1.name, $1.uid) }.map { route in
        RouteLine(route: route, words: route.name.isEmpty ? "\(route.kind)" : route.name, isInUse: route == routing.confirmed)
    }
}

/// Of the call that is talked in, by its last report; else why there is none.
private func levels(_ snapshot: Snapshot?) -> ([LevelLine], String?) {
    guard let call = snapshot?.calls.first(where: { $0.active && !$0.onHold }) else { return ([], "Levels are measured while you talk.") }
    guard let report = call.quality else { return ([], "The first levels come after a second of the call.") }
    let microphone =
        call.muted ? LevelLine(title: "Microphone", bars: 0, words: "muted by you") : level("Microphone", report.levelSent)
    return ([microphone, level("Loudspeaker", report.levelHeard)], nil)
}

/// dBFS: nothing is heard below.
private let silence: Float = -60
private let quiet: Float = -40
private let loud: Float = -3

/// A bar for each 6 dB above silence.
private func level(_ title: String, _ dbfs: Float) -> LevelLine {
    guard dbfs > silence else { return LevelLine(title: title, bars: 0, words: "silence") }
    let bars = Int(((dbfs - silence) * Float(LevelLine.most) / -silence).rounded())
    let word = dbfs < quiet ? "quiet" : dbfs <= loud ? "good" : "too loud"
    return LevelLine(title: title, bars: min(bars, LevelLine.most), words: "\(word), \(Int(dbfs.rounded())) dBFS")
}

private func autoAnswer(_ snapshot: Snapshot?, _ mode: AnswerMode) -> Setting {
    func off(_ locked: String) -> Setting { Setting(light: .off, state: "off", locked: locked, choices: []) }
    if mode == .manual {
        return off("You answer each call yourself: this app was built so, and only whoever builds it can change that.")
    }
    guard let snapshot else { return off("Nobody is signed in; sign in first.") }
    if let barred = forbidden(snapshot, .autoAnswer) { return off(barred) }
    let isOn = snapshot.autoAnswer
    let which = mode == .auto ? "on for all calls" : "on for calls of which the server asks it"
    let change = Choice(words: isOn ? "Turn off" : "Turn on", wish: .setAutoAnswer(on: !isOn))
    let locked = forbidden(snapshot, .settings)
    return Setting(
        light: isOn ? .ready : .off, state: isOn ? which : "turned off until you sign out", locked: locked,
        choices: locked == nil ? [change] : [])
}

private func profile(_ account: SignIn) -> Profile {
    let address = account.account.hasPrefix("sip:") ? String(account.account.dropFirst(4)) : account.account
    let name = account.name ?? String(address.prefix { $0 != "@" })
    return Profile(
        initials: initials(name), name: name, address: address, servers: account.servers,
        note: "Your administrator has set this by the sign-in link; a new link changes it.")
}

/// Of the first word and of the last.
private func initials(_ name: String) -> String {
    let words = name.split { !$0.isLetter && !$0.isNumber }
    return [words.first, words.dropFirst().last].compactMap { $0?.prefix(1).uppercased() }.joined()
}

private func about(_ app: AppState) -> [String] {
    [
        "Sidetone sample \(app.version), library \(app.libraryVersion)",
        "Licence: MIT or Apache-2.0, at your choice.",
        "Parts of others, under their licences: \(others); and what the Cargo.lock of the source names.",
        "Documentation: https://github.com/sidetone/sidetone/tree/main/docs",
    ]
}

/// What runs in the app and is not Sidetone's, by its package.
private let others =
    "audiopus (ISC) and opusic-sys (BSD-3-Clause) with Opus, coreaudio-rs (MIT or Apache-2.0), ring (Apache-2.0 and ISC), "
    + "rsip (MIT with the X11 notice), rustls (Apache-2.0, ISC or MIT), tokio (MIT), uniffi (MPL-2.0), webrtc (MIT or Apache-2.0)"
