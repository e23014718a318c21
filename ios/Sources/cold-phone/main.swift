/// The Swift layer as a program: a real phone behind the real `CallCenter`, on the strict stand-ins for iOS. It speaks the
/// JSON lines of docs/cli.md; `answer`, `decline`, `hangup`, `hold`, `mute`, `dtmf`, `swap`, `merge` and `split` are the user at the call screen of
/// the lock screen, never the phone directly. A broken rule of the platform ends it with status 3.
import AVFAudio
import CallKit
import FakePlatform
import Foundation
import PushKit
import Security
import Sidetone
import UIKit

let began = Date()

@MainActor func say(_ event: String, _ fields: [String: Any?] = [:]) {
    var line: [String: Any] = ["event": event, "at_ms": Int(Date().timeIntervalSince(began) * 1000)]
    for (key, value) in fields { line[key] = value ?? NSNull() }
    guard let json = try? JSONSerialization.data(withJSONObject: line, options: [.sortedKeys, .withoutEscapingSlashes]) else { return }
    FileHandle.standardOutput.write(json + Data("\n".utf8))
}

func fail(_ text: String, _ status: Int32 = 2) -> Never {
    FileHandle.standardError.write(Data("cold-phone: \(text)\n".utf8))
    exit(status)
}

struct Arguments {
    var server = "", account = "", ca = "", mic = "null", speaker = "null", state = "", payload: String?
    /// After a call the phone stays awake so long, in milliseconds; the system activates the audio by itself, or as told.
    var grace = 1000, activation = "automatic"
    /// The user is an agent of queues.
    var queues = false
    /// What is recorded is asked for.
    var recordings = false
    /// What the server has and the user may is asked for.
    var features = false

    init(_ words: [String]) {
        queues = words.contains("--queues")
        recordings = words.contains("--recordings")
        features = words.contains("--features")
        var rest = words.filter { !["--json", "agent", "--sip", "--queues", "--recordings", "--features"].contains($0) }
        while let name = rest.first {
            guard rest.count > 1 else { fail("\(name) needs a value") }
            let value = rest[1]
            switch name {
            case "--server": server = value
            case "--account": account = value
            case "--ca": ca = value
            case "--mic": mic = value
            case "--speaker": speaker = value
            case "--state": state = value
            case "--payload": payload = value
            case "--grace": grace = Int(value) ?? grace
            case "--activation": activation = value
            default: fail("unknown argument \(name)")
            }
            rest.removeFirst(2)
        }
        if server.isEmpty || account.isEmpty || ca.isEmpty || state.isEmpty { fail("needs --server, --account, --ca and --state") }
    }
}

func endpoint(_ text: String) -> AudioEndpoint {
    text == "null" ? .null : text.hasSuffix(".wav") ? .file(path: text) : .device(name: text)
}

@MainActor final class Program {
    private let arguments: Arguments
    private let center: CallCenter
    private var phone: SidetonePhone?
    private var isConnected = false
    /// What the core has read in the newest push, for `reported`.
    private static let pushed = Pushed()

    init(_ arguments: Arguments) {
        self.arguments = arguments
        FakePlatform.shared.onBroken = { broken in
            MainActor.assumeIsolated { say("rule_broken", ["rule": broken.rule.rawValue, "text": broken.detail]) }
            _exit(3)
        }
        let folder = URL(fileURLWithPath: arguments.state).deletingPathExtension()
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        FakeKeychain.shared.file = folder.appendingPathComponent("keychain.json")
        FakeCallKit.shared.onReported = { call, update in
            MainActor.assumeIsolated {
                let caller: [String: Any] = ["name": update.localizedCallerName ?? NSNull(), "number": update.remoteHandle?.value ?? NSNull()]
                let push = Program.pushed.report.flatMap { $0.announcement.call == call ? $0 : nil }
                say("reported", [
                    "call": id(call), "caller": caller, "queue": push?.announcement.queue,
                    "deadline": push.map { Int($0.announcement.deadline.timeIntervalSince1970) },
                    "over": push?.over.map { snake("\($0)") },
                ])
            }
        }
        let config = Program.configuration(arguments)
        var settings = CallCenter.Settings(pushParam: "TEAM.org.sidetone.voip")
        settings.grace = Double(arguments.grace) / 1000
        if arguments.activation == "manual" { FakeCallKit.shared.activation = .manual }
        center = CallCenter(
            settings,
            read: { payload in
                let report = announce(payload: payload)
                Program.pushed.report = report
                return Push(report)
            },
            startPhone: {
                var config = config
                let keychain = Keychain(service: "cold-phone")
                config.instance = try keychain.instance()
                let phone = try await SidetonePhone.start(
                    config, vault: try await keychain.vault(folder.appendingPathComponent("vault")))
                try await phone.signIn()
                return phone
            })
    }

    private static func configuration(_ arguments: Arguments) -> PhoneConfig {
        guard let password = ProcessInfo.processInfo.environment["SIDETONE_PASSWORD"] else { fail("SIDETONE_PASSWORD is not set") }
        guard let pem = try? String(contentsOfFile: arguments.ca, encoding: .utf8) else { fail("cannot read \(arguments.ca)") }
        return PhoneConfig(
            aor: arguments.account, password: password, servers: [arguments.server], instance: UUID(), trust: .pem(text: pem),
            microphone: endpoint(arguments.mic), speaker: endpoint(arguments.speaker), audioGate: .platform,
            queues: arguments.queues, recordings: arguments.recordings, features: arguments.features)
    }

    func run() {
        if let file = arguments.payload {
            guard let data = FileManager.default.contents(atPath: file) else { fail("cannot read \(file)") }
            let payload = (try? JSONSerialization.jsonObject(with: data)) as? [AnyHashable: Any] ?? [:]
            // Whom a push starts, the user does not see.
            FakeApplication.shared.launchInBackground()
            FakePushKit.shared.deliver(payload)
        }
        FakeApplication.shared.isConnected = { [weak self] in self?.isConnected == true }
        center.wake()
        Task {
            while center.phone == nil { try? await Task.sleep(nanoseconds: 1_000_000) }
            guard let phone = center.phone as? SidetonePhone else { return }
            self.phone = phone
            for await event in phone.events(after: 0) { tell(event.event) }
        }
        Thread.detachNewThread {
            while let line = readLine() {
                DispatchQueue.main.async { MainActor.assumeIsolated { self.obey(line) } }
            }
        }
    }

    private func obey(_ line: String) {
        let json = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any] ?? [:]
        let name = json["command"] as? String ?? ""
        let call = (json["call"] as? String).flatMap(UUID.init)
        let kit = FakeCallKit.shared
        let on = json["on"] as? Bool ?? false
        func refuse(_ reason: String, _ text: String) {
            say("refused", ["command": name.isEmpty ? nil : name, "call": call.map(id), "reason": reason, "text": text])
        }
        switch name {
        case "dial":
            guard let to = json["uri"] as? String else { return refuse("invalid_command", "no uri") }
            center.dial(to)
        case "announce":
            FakePushKit.shared.deliver(json["payload"] as? [AnyHashable: Any] ?? [:])
        // The user leaves the app, and comes back to it.
        case "sleep": FakeApplication.shared.enterBackground()
        case "register": FakeApplication.shared.enterForeground()
        case "audio": on ? kit.activate() : kit.deactivate()
        case "look":
            let calls = center.phone?.calls().filter { !$0.over } ?? []
            return say("seen", [
                "shown": kit.live().map(id), "phone": calls.map { id($0.call) }, "answered": calls.filter(\.answered).map { id($0.call) },
                "audio": FakeAudioSession.shared.isActive,
            ])
        case "quit":
            Task {
                await phone?.shutdown()
                say("accepted", ["command": name, "call": nil])
                _exit(0)
            }
            return
        case "swap": kit.userSwaps()
        case "merge":
            let calls = (json["calls"] as? [String] ?? []).compactMap(UUID.init)
            guard calls.count == 2 else { return refuse("too_few_calls", "The screen merges two calls") }
            kit.userMerges(calls[0], with: calls[1])
        case "split":
            guard let call else { return refuse("unknown_call", "There is no such call on the screen") }
            kit.userSplits(call)
        case "leave", "transfer", "attended", "login", "logout", "pause", "unpause", "watch", "record", "supervise",
            "set_supervision_mode", "message", "messages":
            guard let phone else { return refuse("not_registered", "There is no phone yet") }
            Task {
                do {
                    try await several(name, json, call, phone)
                    say("accepted", ["command": name, "call": call.map(id)])
                } catch {
                    refuse("wrong_state", "\(error)")
                }
            }
            return
        case "answer", "decline", "hangup", "hold", "mute", "dtmf":
            guard let call, kit.calls[call]?.hasEnded == false else { return refuse("unknown_call", "There is no such call on the screen") }
            switch name {
            case "answer": kit.userAnswers(call)
            case "hold": kit.userHolds(call, on)
            case "mute": kit.userMutes(call, on)
            case "dtmf": kit.userPlays(call, json["digits"] as? String ?? "")
            default: kit.userEnds(call)
            }
        default: return refuse("invalid_command", "not a command of the call screen")
        }
        say("accepted", ["command": name, "call": call.map(id)])
    }

    /// What is asked of the agent, or of several calls; who names none asks it of one that is not there.
    private func several(_ name: String, _ json: [String: Any], _ call: UUID?, _ phone: SidetonePhone) async throws {
        let call = call ?? UUID()
        switch name {
        case "login": try await phone.logIn(json["queue"] as? String, reason: json["reason"] as? String)
        case "logout": try await phone.logOut(json["queue"] as? String)
        case "pause": try await phone.pause(json["reason"] as? String ?? "")
        case "unpause": try await phone.unpause()
        case "record":
            let actions: [String: RecordingAction] = ["start": .start, "pause": .pause, "resume": .resume, "stop": .stop]
            try await phone.record(call, json["recording"] as? String ?? "", actions[json["action"] as? String ?? ""] ?? .start)
        case "watch": try await phone.watchTeam(json["on"] as? Bool == true)
        case "supervise": try await phone.supervise(json["target"] as? String ?? "", mode(json), follow: json["follow"] as? Bool ?? false)
        case "set_supervision_mode": try await phone.setSupervisionMode(call, mode(json))
        case "leave": try await phone.leave()
        case "message":
            let named = (json["message"] as? String).flatMap(UUID.init)
            _ = try await phone.sendMessage(json["to"] as? String ?? "", json["text"] as? String ?? "", message: named)
        case "messages":
            let before = (json["before"] as? String).flatMap(UUID.init)
            let page = try await phone.messages(before: before, limit: UInt32(json["limit"] as? Int ?? 50))
            say("messages", ["messages": page.messages.map { message($0).compactMapValues { $0 } }, "more": page.more])
        case "transfer": try await phone.transfer(call, to: json["to"] as? String ?? "")
        default: try await phone.transfer(call, with: (json["with"] as? String).flatMap(UUID.init) ?? UUID())
        }
    }

    private func message(_ it: TextMessage) -> [String: Any?] {
        var (state, reason): (String, String?) = (snake("\(it.state)"), nil)
        if case .failed(let why) = it.state { (state, reason) = ("failed", snake("\(why)")) }
        return [
            "message": id(it.id), "party": party(it.party), "text": it.text, "at": Int(it.at.timeIntervalSince1970), "state": state,
            "reply": it.reply, "reason": reason, "advice": it.advice,
        ]
    }

    private func mode(_ json: [String: Any]) -> SupervisionMode {
        switch json["mode"] as? String {
        case "whisper": .whisper
        case "barge": .barge
        default: .listen
        }
    }

    private func tell(_ event: Event) {
        switch event {
        case .registrationChanged(let registration):
            isConnected = registration.state == .registered
            say("registration", ["state": snake("\(registration.state)"), "reason": registration.problem?.text])
        case .incoming(let call, let from, let data, let headers, let announced):
            let fields = Dictionary(headers.map { ($0.name, $0.value) }) { first, _ in first }
            let said: [String: Any?] = [
                "queue": data.queue, "waited_s": data.waited.map { Int($0) }, "group": data.group, "caller_ref": data.callerRef,
                "returned_from": data.returnedFrom,
            ]
            say("incoming", ["call": id(call), "from": party(from), "data": said.mapValues { $0 ?? NSNull() }, "headers": fields, "announced": announced])
        case .announced(let call, let push):
            say("announced", ["call": id(call), "name": push.caller.name, "number": push.caller.number, "queue": push.queue, "deadline": Int(push.deadline.timeIntervalSince1970)])
        case .dialing(let call, let to): say("dialing", ["call": id(call), "to": party(to)])
        case .ringing(let call): say("ringing", ["call": id(call)])
        case .earlyMedia(let call): say("early_media", ["call": id(call)])
        case .answered(let call, _): say("answered", ["call": id(call)])
        case .established(let call): say("established", ["call": id(call)])
        case .mediaFlowing(let call, let sent, let heard):
            // Of a call that is over the audio may be inactive already.
            if FakeCallKit.shared.calls[call]?.hasEnded == false { FakeAudioSession.shared.audioStarts("media") }
            say("media", ["call": id(call), "first_sent_ms": milliseconds(sent), "first_heard_ms": milliseconds(heard)])
        case .holdChanged(let call, let hold): say("hold", ["call": id(call), "local": hold.local, "remote": hold.remote])
        case .reconnecting(let call): say("reconnecting", ["call": id(call)])
        case .reconnected(let call, let gap): say("reconnected", ["call": id(call), "gap_ms": milliseconds(gap)])
        case .holdFailed(let call, let text): say("hold_failed", ["call": id(call), "reason": text])
        case .merged(let calls): say("merged", ["calls": calls.map(id)])
        case .transferProgress(let call, let to, let status):
            say("transfer_progress", ["call": id(call), "to": party(to), "status": Int(status)])
        case .transferFailed(let call, let text): say("transfer_failed", ["call": id(call), "reason": text])
        case .referred(let call, let new, let to): say("referred", ["call": id(call), "new": id(new), "to": party(to)])
        case .referralFailed(let call, let new, let to, let text):
            say("referral_failed", ["call": id(call), "new": id(new), "to": party(to), "reason": text])
        case .muteChanged(let call, let muted): say("mute", ["call": id(call), "on": muted])
        case .messageReceived(let message):
            say("message_received", self.message(message).filter { $0.value != nil })
        case .messageSent(let message, let delivered): say("message_sent", ["message": id(message), "delivered": delivered])
        case .messageFailed(let message, let reason, let text):
            say("message_failed", ["message": id(message), "reason": snake("\(reason)"), "text": text])
        case .messageUncertain(let message, let text): say("message_uncertain", ["message": id(message), "text": text])
        case .controlDone(let control): say("control_done", ["control": id(control)])
        case .controlFailed(let control, let reason, let text):
            say("control_failed", ["control": id(control), "reason": snake("\(reason)"), "text": text])
        case .agentChanged(let agent): say("agent", ["agent": shown(agent)])
        case .agentFailed(let request, let reason, let text):
            say("agent_failed", ["request": asked(request), "reason": snake("\(reason)"), "text": text])
        case .recordingAccessChanged(let access): say("recording_access", ["access": snake("\(access)")])
        case .recordingsChanged(let call, let recordings):
            say("recordings", ["call": id(call), "recordings": recordings.map(shown)])
        case .recordingFailed(let call, let recording, let action, let reason, let text):
            say("recording_failed", [
                "call": id(call), "recording": recording, "action": snake("\(action)"), "reason": snake("\(reason)"), "text": text,
            ])
        case .featuresChanged(let features): say("features", ["features": shown(features)])
        case .unreadPacksChanged(let packs):
            say("unread_packs", ["list": packs.map { ["pack": snake("\($0.pack)"), "problem": snake("\($0.problem)"), "text": $0.text] }])
        case .teamChanged(let team):
            say("team", ["team": [
                "state": snake("\(team.state)"), "people": team.people.map(shown), "queues": team.queues.map(shown),
            ] as [String: Any]])
        case .colleagueChanged(let colleague): say("colleague", ["colleague": shown(colleague)])
        case .teamQueueChanged(let queue): say("team_queue", ["queue": shown(queue)])
        case .supervisionChanged(let call, let it):
            say("supervision", ["call": id(call), "target": it.target, "mode": it.mode.map { "\($0)" }, "requested": it.requested.map { "\($0)" },
                "speaks": it.speaks, "heard": it.heard, "follow": it.follow, "waiting": it.waiting])
        case .supervisionFailed(let call, let mode, let reason, let text):
            let word = if case .unread(let problem) = reason { "\(problem)" } else { "\(reason)" }
            say("supervision_failed", ["call": id(call), "mode": "\(mode)", "reason": snake(word), "text": text])
        case .autoAnswering(let call, let after): say("auto_answering", ["call": id(call), "after_ms": milliseconds(after)])
        case .dtmfFailed(let call, let digits, let text): say("dtmf_failed", ["call": id(call), "digits": digits, "reason": text])
        case .dtmfSent(let call): say("dtmf_sent", ["call": id(call)])
        case .quality(let call, let it):
            say("quality", [
                "call": id(call), "codec": it.codec, "packets_sent": Int(it.packetsSent), "packets_received": Int(it.packetsReceived),
                "packets_lost": Int(it.packetsLost), "packets_late": Int(it.packetsLate), "concealed_ms": milliseconds(it.concealed),
                "jitter_ms": milliseconds(it.jitter), "playout_delay_ms": milliseconds(it.playoutDelay),
                "round_trip_ms": milliseconds(it.roundTrip), "level_sent_dbfs": Double(it.levelSent), "level_heard_dbfs": Double(it.levelHeard),
            ])
        case .ended(let call, let reason, let text):
            say("ended", ["call": id(call), "reason": word(reason), "status": nil, "text": text])
        case .historyChanged(let revision): say("history_changed", ["revision": Int(revision)])
        case .audioLost(let text), .notSaved(let text): say("error", ["text": text])
        }
    }

    private func word(_ reason: EndReason) -> String {
        if case .supervision(let end) = reason { return "supervision_" + snake("\(end)") }
        return snake("\(reason)")
    }

    private func shown(_ agent: AgentSnapshot) -> [String: Any] {
        nulled([
            "state": snake("\(agent.state)"), "certain": agent.certain, "pause": agent.pause.map(shown),
            "queues": agent.queues.map { ["name": $0.name, "logged_in": $0.loggedIn, "paused": $0.paused] as [String: Any] },
            "reasons": agent.reasons, "logged_in_since": seconds(agent.loggedInSince), "do_not_disturb": agent.doNotDisturb,
            "requested": agent.requested.map(asked),
        ])
    }

    private func shown(_ features: FeaturesSnapshot) -> [String: Any] {
        let list = features.features.map { one -> [String: Any] in
            var state = snake("\(one.state)"), why: String?
            if case .missing(let text) = one.state { (state, why) = ("missing", text) }
            return nulled(["feature": snake("\(one.feature)"), "state": state, "why": why])
        }
        return nulled([
            "certain": features.certain, "list": list, "problem": features.problem.map { snake("\($0)") }, "text": features.problemText,
        ])
    }

    private func shown(_ recording: Recording) -> [String: Any] {
        nulled([
            "id": recording.id, "state": snake("\(recording.state)"), "certain": recording.certain,
            "automatic": recording.automatic, "policy": snake("\(recording.policy)"),
            "requested": recording.requested.map { snake("\($0)") },
        ])
    }
    private func shown(_ pause: Pause) -> [String: Any] {
        nulled(["reason": pause.reason, "since": seconds(pause.since), "until": seconds(pause.until)])
    }

    private func shown(_ colleague: Colleague) -> [String: Any] {
        nulled([
            "name": colleague.name, "label": colleague.label, "number": colleague.number, "team": colleague.team,
            "state": snake("\(colleague.state)"), "since": seconds(colleague.since), "pause": colleague.pause.map(shown),
            "call": colleague.call.map { nulled(["queue": $0.queue, "group": $0.group, "since": seconds($0.since)]) },
        ])
    }

    private func shown(_ queue: TeamQueue) -> [String: Any] {
        nulled([
            "name": queue.name, "label": queue.label, "number": queue.number, "waiting": Int(queue.waiting), "free": Int(queue.free),
        ])
    }

    private func asked(_ request: AgentRequest) -> [String: Any] {
        switch request {
        case .logIn(let queue, let reason): nulled(["command": "login", "queue": queue, "reason": reason])
        case .logOut(let queue): nulled(["command": "logout", "queue": queue, "reason": nil])
        case .pause(let reason): nulled(["command": "pause", "queue": nil, "reason": reason])
        case .unpause: nulled(["command": "unpause", "queue": nil, "reason": nil])
        }
    }

    private func nulled(_ fields: [String: Any?]) -> [String: Any] { fields.mapValues { $0 ?? NSNull() } }
    private func seconds(_ at: Date?) -> Int? { at.map { Int($0.timeIntervalSince1970) } }
    private func milliseconds(_ time: TimeInterval?) -> Int? { time.map { Int($0 * 1000) } }
    private func party(_ party: Party) -> [String: Any] { ["name": party.name ?? NSNull(), "uri": party.uri] }

}

/// Written and read on the main thread.
final class Pushed: @unchecked Sendable { var report: Report? }

/// "answeredElsewhere(…)" as "answered_elsewhere".
func snake(_ text: String) -> String {
    text.prefix { $0 != "(" }.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : "\($1)" }
}

func id(_ call: UUID) -> String { call.uuidString.lowercased() }

let program = Program(Arguments(Array(CommandLine.arguments.dropFirst())))
program.run()
RunLoop.main.run()
