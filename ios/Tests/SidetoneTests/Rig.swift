/// A phone that does what a script says, behind the real `CallCenter` on the strict fakes; and what every test begins with.
import AVFAudio
import CallKit
import FakePlatform
import Network
import PushKit
import Security
import UIKit
import XCTest

@testable import Sidetone

/// Keeps to the core's contract: a call that was announced may be decided, an unknown one is refused by name, and no
/// audio before its activation.
final class ScriptedPhone: PhonePort, @unchecked Sendable {
    struct Call { var isIncoming = true, isInvited = false, isAnswered = false, isHeld = false, isMerged = false, isMuted = false, isClosed = false, isOver = false }

    private let lock = NSLock()
    private var known: [UUID: Call] = [:]
    private var log: [String] = []
    private var isActive = false
    private var awake = true
    private let stream: AsyncStream<PhoneEvent>
    private let sink: AsyncStream<PhoneEvent>.Continuation
    /// Calls that were decided before this process lived.
    var decided: Set<UUID> = []
    var refusesHold = false
    var refusesMerge = false

    init() { (stream, sink) = AsyncStream.makeStream() }

    func with<T>(_ what: (inout [UUID: Call], inout [String]) throws -> T) rethrows -> T {
        try lock.withLock { try what(&known, &log) }
    }
    var said: [String] { with { $1 } }
    func call(_ id: UUID) -> Call? { with { known, _ in known[id] } }
    var audioIsActive: Bool { lock.withLock { isActive } }
    /// Sound flows where a call is answered, its INVITE is there and the audio is active.
    var sounds: Bool { audioIsActive && with { known, _ in known.values.contains { $0.isAnswered && $0.isInvited && !$0.isOver && !$0.isHeld } } }

    private func command(_ id: UUID, _ name: String, _ change: (inout Call) throws -> Void) throws {
        try with { known, log in
            guard var call = known[id], !call.isOver else { throw CommandError.UnknownCall(what: "", advice: "") }
            try change(&call)
            log.append(name)
            known[id] = call
        }
    }

    func dial(_ to: String, call: UUID) async throws {
        if !isAwake { throw CommandError.NotRegistered(what: "", advice: "") }
        with { known, log in
            known[call] = Call(isIncoming: false, isInvited: true)
            log.append("dial \(to)")
        }
    }
    func answer(_ call: UUID) async throws {
        try command(call, "answer") {
            if $0.isAnswered { throw CommandError.WrongState(what: "", advice: "") }
            $0.isAnswered = true
        }
        focuses(call)
        if self.call(call)?.isInvited == true { sink.yield(.answered(call)) }
    }
    func decline(_ call: UUID, busy: Bool) async throws {
        try command(call, busy ? "decline busy" : "decline") {
            if $0.isAnswered { throw CommandError.WrongState(what: "", advice: "") }
            $0.isOver = true
        }
        sink.yield(.ended(call, .declined))
    }
    func hangUp(_ call: UUID) async throws {
        try command(call, "hang up") { $0.isOver = true }
        dissolve()
        sink.yield(.ended(call, .here))
    }
    func setHold(_ call: UUID, _ on: Bool) async throws {
        try command(call, "hold \(on)") { _ in }
        if !refusesHold { on ? holds(call) : focuses(call) }
        sink.yield(.shapeChanged)
    }
    func merge(_ calls: [UUID]) async throws {
        with { $1.append("merge") }
        if refusesMerge { throw CommandError.WrongState(what: "", advice: "") }
        with { known, _ in for id in Array(known.keys) { known[id]?.isMerged = calls.contains(id) } }
        focuses(calls[0])
        sink.yield(.shapeChanged)
    }
    func split(_ call: UUID) async throws {
        try command(call, "split") { $0.isMerged = false }
        dissolve()
        focuses(call)
        sink.yield(.shapeChanged)
    }
    /// With those that it is joined with.
    private func holds(_ call: UUID) {
        with { known, _ in
            let isMerged = known[call]?.isMerged == true
            for (id, other) in known where id == call || (other.isMerged && isMerged) { known[id]?.isHeld = true }
        }
    }
    /// It talks, with those that it is joined with; every other is held.
    private func focuses(_ call: UUID) {
        with { known, _ in
            let isMerged = known[call]?.isMerged == true
            for (id, other) in known where other.isAnswered { known[id]?.isHeld = !(id == call || (other.isMerged && isMerged)) }
        }
    }
    private func dissolve() {
        with { known, _ in
            let merged = known.filter { $0.value.isMerged && !$0.value.isOver }
            if merged.count < 2 { for id in merged.keys { known[id]?.isMerged = false } }
        }
    }
    func setMute(_ call: UUID, _ on: Bool) async throws {
        try command(call, "mute \(on)") { $0.isMuted = on }
        sink.yield(.shapeChanged)
    }
    func sendDtmf(_ call: UUID, _ digits: String) async throws { try command(call, "dtmf \(digits)") { _ in } }
    func setPushToken(_ token: PushToken?) async throws { with { $1.append("token \(token?.prid ?? "none")") } }
    func sleep() async throws {
        if with({ known, _ in known.values.contains { !$0.isOver } }) { throw CommandError.InCall(what: "", advice: "") }
        shine(.asleep)
    }
    func wake() async throws { shine(.awake) }
    var isAwake: Bool { lock.withLock { awake } }

    private func shine(_ lamp: PhoneLamp) {
        let changed = with { _, log -> Bool in
            guard awake != (lamp == .awake) else { return false }
            awake.toggle()
            log.append(lamp == .awake ? "wakes" : "sleeps")
            return true
        }
        if changed { sink.yield(.lamp(lamp)) }
    }

    func announced(_ push: Push) {
        if push.kind == .incoming { shine(.awake) }
        guard !decided.contains(push.call) else { return }
        switch push.kind {
        case .incoming where push.over == nil: with { known, _ in if known[push.call] == nil { known[push.call] = Call() } }
        case .cancelled, .answeredElsewhere: over(push.call, push.cause)
        default: break
        }
    }
    func audioActivated() {
        FakeAudioSession.shared.audioStarts("audioActivated")
        lock.withLock { isActive = true }
    }
    func audioDeactivated() { lock.withLock { isActive = false } }
    func audioRouteChanged() { with { $1.append("route") } }
    func networkChanged(makeBeforeBreak: Bool) {
        with { $1.append(makeBeforeBreak ? "network beside the old" : "network") }
    }
    func calls() -> [PhoneCall] {
        with { known, _ in
            known.map {
                PhoneCall(
                    call: $0, incoming: $1.isIncoming, caller: ShownCaller(), answered: $1.isAnswered, over: $1.isOver, onHold: $1.isHeld,
                    merged: $1.isMerged, muted: $1.isMuted || $1.isClosed)
            }
        }
    }
    func phoneEvents() -> AsyncStream<PhoneEvent> { stream }

    // The other side.

    func invited(_ id: UUID) {
        if decided.contains(id) { return }
        let wasAnswered = with { known, _ -> Bool? in
            if known[id]?.isOver == true { return nil }
            known[id, default: Call()].isInvited = true
            return known[id]?.isAnswered
        }
        guard let wasAnswered else { return }
        sink.yield(.incoming(id, ShownCaller(name: "Anna", number: "0301")))
        if wasAnswered { sink.yield(.answered(id)) }
    }
    func over(_ id: UUID, _ cause: Cause) {
        let was = with { known, _ -> Bool in
            guard known[id]?.isOver == false else { return false }
            known[id]?.isOver = true
            return true
        }
        dissolve()
        if was { sink.yield(.ended(id, cause)) }
    }
    func answeredThere(_ id: UUID) {
        with { known, _ in known[id]?.isAnswered = true }
        sink.yield(.answered(id))
    }
    /// The other side of a call sends the phone elsewhere, which calls there, muted as it was.
    func sentOn(_ id: UUID, isMuted: Bool = false) {
        with { known, _ in known[id] = Call(isIncoming: false, isInvited: true, isMuted: isMuted) }
        sink.yield(.sentOn(id, ShownCaller(number: "600")))
    }
    /// The app supervises an agent by this call, or the server says what that is now.
    func supervises(_ id: UUID, _ how: Supervising, _ name: String = "Anna") {
        with { known, _ in
            known[id, default: Call(isIncoming: false, isInvited: true)].isClosed = ![.whispers, .bargesIn, .unheard].contains(how)
        }
        sink.yield(.supervises(id, ShownCaller(name: name, supervision: how)))
    }
    /// A process that died had it.
    func left(_ id: UUID, answered: Bool) { with { known, _ in known[id] = Call(isAnswered: answered) } }
    func dies() { sink.finish() }
}

@MainActor
final class Rig {
    let phone = ScriptedPhone()
    let center: CallCenter
    var kit: FakeCallKit { .shared }
    /// So many calls are shown as one.
    var group: Int { kit.calls.values.filter { $0.group != nil }.count }
    var audio: FakeAudioSession { .shared }
    var pushes: FakePushKit { .shared }
    var app: FakeApplication { .shared }

    /// `deadline` is so far from now; the phone starts when `door` opens.
    final class Door: @unchecked Sendable {
        private let lock = NSLock()
        private var failure: (any Error)?
        private var isOpen = true
        func set(open: Bool, failure: (any Error)? = nil) { lock.withLock { (isOpen, self.failure) = (open, failure) } }
        func pass() async throws {
            while true {
                if let failure = lock.withLock({ failure }) { throw failure }
                if lock.withLock({ isOpen }) { return }
                try await Task.sleep(nanoseconds: 1_000_000)
            }
        }
    }
    let door = Door()

    init(deadline: TimeInterval = 60, grace: TimeInterval = 0.05) {
        FakePlatform.shared.reset()
        FakeAudioSession.shared.reset()
        FakeCallKit.shared.reset()
        FakePushKit.shared.reset()
        FakeKeychain.shared.reset()
        FakeNetwork.shared.reset()
        FakeApplication.shared.reset()
        let (phone, door) = (phone, door)
        var settings = CallCenter.Settings(pushParam: "TEAM.org.sidetone.voip")
        settings.grace = grace
        center = CallCenter(
            settings,
            read: { Rig.read($0, deadline) },
            startPhone: {
                try await door.pass()
                return phone
            })
        FakeApplication.shared.isConnected = { [weak center] in center?.phone != nil && phone.isAwake }
    }

    /// Stands for the core's reading of a push, which the core tests itself.
    nonisolated static func read(_ payload: Data, _ deadline: TimeInterval) -> Push {
        let json = (try? JSONSerialization.jsonObject(with: payload)) as? [String: Any]
        let kinds: [String: AnnouncementKind] = ["incoming": .incoming, "cancelled": .cancelled, "elsewhere": .answeredElsewhere]
        guard let call = (json?["call"] as? String).flatMap(UUID.init), let kind = kinds[json?["kind"] as? String ?? ""] else {
            return Push(announcement(UUID(), .unreadable, 0), over: .failed)
        }
        let over: Cause? = kind == .incoming ? nil : kind == .cancelled ? .missed : .answeredElsewhere
        return Push(announcement(call, kind, deadline), over: over)
    }

    nonisolated private static func announcement(_ call: UUID, _ kind: AnnouncementKind, _ deadline: TimeInterval) -> Announcement {
        Announcement(
            call: call, kind: kind, deadline: Date(timeIntervalSinceNow: deadline), caller: Caller(name: "Anna", number: nil),
            queue: nil, group: nil)
    }

    func push(_ call: UUID, _ kind: String = "incoming", mustReport: Bool = true) {
        pushes.deliver(["call": call.uuidString, "kind": kind], mustReport: mustReport)
    }

    /// Waits until it is so.
    func until(_ what: String, within: TimeInterval = 5, file: StaticString = #filePath, line: UInt = #line, _ done: () -> Bool) async {
        let end = Date(timeIntervalSinceNow: within)
        while !done() {
            if Date() > end { return XCTFail("not within \(within) s: \(what); said \(phone.said)", file: file, line: line) }
            try? await Task.sleep(nanoseconds: 500_000)
        }
    }

    /// Lets everything that is on its way arrive.
    func settle() async {
        for _ in 0..<6 {
            await withCheckedContinuation { done in DispatchQueue.main.async { done.resume() } }
            try? await Task.sleep(nanoseconds: 300_000)
        }
    }

    func assertRules(_ what: String = "", file: StaticString = #filePath, line: UInt = #line) {
        XCTAssertEqual(FakePlatform.shared.broken.map { "\($0.rule.rawValue): \($0.detail)" }, [], what, file: file, line: line)
    }
}
