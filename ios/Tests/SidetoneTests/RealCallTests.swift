/// The real library on both ends of a call through the model PBX (`scripts/swift test` starts it): the agent's phone behind
/// `CallCenter` on the strict platform, its user at the lock screen.
import AVFAudio
import CallKit
import FakePlatform
import PushKit
import UIKit
import XCTest

@testable import Sidetone

final class RealCallTests: XCTestCase, @unchecked Sendable {
    @MainActor func testACallIsAnsweredAtTheLockScreenHeldMutedKeyedAndHungUp() async throws {
        let stage = try await Stage.make(agent: 1)
        let call = try await stage.ring()
        stage.kit.userAnswers(call)
        try await stage.agent { if case .mediaFlowing(call, .some, .some) = $0 { true } else { false } }
        XCTAssertTrue(FakeAudioSession.shared.isActive)
        stage.kit.userHolds(call, true)
        try await stage.agent { if case .holdChanged(call, let hold) = $0 { hold.local } else { false } }
        stage.kit.userHolds(call, false)
        try await stage.agent { if case .holdChanged(call, let hold) = $0 { !hold.local } else { false } }
        stage.kit.userMutes(call, true)
        try await stage.agent { $0 == .muteChanged(call: call, muted: true) }
        stage.kit.userPlays(call, "12#")
        try await stage.agent { $0 == .dtmfSent(call: call) }
        stage.kit.userEnds(call)
        try await stage.customer { if case .ended(_, .remote, _) = $0 { true } else { false } }
        let kept = try await stage.caller.history(outcome: .answered).entries.first
        XCTAssertEqual(kept?.call, stage.dialled)
        let none = try await stage.caller.history("nobody").entries
        XCTAssertTrue(none.isEmpty)
        await stage.end()
    }

    /// The core reads the push; no server knows of the call, and its deadline is the guaranteed end.
    @MainActor func testAPushWhoseCallNeverComesIsShownAndEndsByItsDeadlineAlsoWhenAnswered() async throws {
        for answers in [false, true] {
            let stage = try await Stage.make(agent: 1)
            let call = UUID()
            let push: [String: Any] = [
                "v": 1, "kind": "incoming", "call": call.uuidString.lowercased(), "deadline": Int(Date().timeIntervalSince1970) + 3,
                "caller": ["name": "Erika", "number": "0301"], "queue": "support",
            ]
            FakePushKit.shared.deliver(["aps": [:] as [String: Any], "sidetone": push])
            XCTAssertEqual(stage.kit.calls[call]?.update.localizedCallerName, "Erika · support")
            if answers { stage.kit.userAnswers(call) }
            try await stage.agent { if case .ended(call, _, _) = $0 { true } else { false } }
            let end = Date(timeIntervalSinceNow: 2)
            while stage.kit.calls[call]?.hasEnded == false, Date() < end { try await Task.sleep(nanoseconds: 1_000_000) }
            XCTAssertEqual(stage.kit.calls[call]?.ended, .reported(.unanswered), "answered: \(answers)")
            await stage.end()
        }
    }

    @MainActor func testTheSystemsActivationIsTheOnlyDoorToTheAudio() async throws {
        let stage = try await Stage.make(agent: 4)
        stage.kit.activation = .manual
        let call = try await stage.ring()
        stage.kit.userAnswers(call)
        try await stage.agent { if case .established(call) = $0 { true } else { false } }
        try await Task.sleep(nanoseconds: 500_000_000)
        let page = await stage.events()
        XCTAssertFalse(page.contains { if case .mediaFlowing = $0.event { true } else { false } }, "nothing was sent or heard")
        stage.kit.activate()
        try await stage.agent { if case .mediaFlowing(call, .some, .some) = $0 { true } else { false } }
        stage.kit.userEnds(call)
        try await stage.customer { if case .ended(_, .remote, _) = $0 { true } else { false } }
        await stage.end()
    }

    @MainActor func testACodeOfTheDialPlanIsDoneOrRefusedByItsKindAndThePlatformHearsOfNoCall() async throws {
        let stage = try await Stage.make(agent: 3)
        let phone = try XCTUnwrap(stage.center.phone as? SidetonePhone)
        try await phone.control("*700")
        do {
            try await phone.control("*721")
            XCTFail("done")
        } catch ControlError.Forbidden(let what, let advice) {
            XCTAssertEqual([what, advice], ["The server does not allow this", "Ask its administrator"])
        }
        do {
            try await phone.control("no code")
            XCTFail("sent")
        } catch ControlError.InvalidCode {}
        XCTAssertTrue(stage.kit.calls.isEmpty)
        XCTAssertFalse(FakeAudioSession.shared.isActive)
        XCTAssertTrue(phone.calls().isEmpty)
        let kept = try await phone.history().entries
        XCTAssertTrue(kept.isEmpty)
        await stage.end()
    }

    @MainActor func testASupervisionIsListenedToWhisperedHeldAndOverAsTheScreenAndTheServerSay() async throws {
        let stage = try await Stage.make(agent: 1, user: "colleague1")
        let supervisor = try XCTUnwrap(stage.center.phone as? SidetonePhone)
        let agent = try await Stage.phone("agent1", .open)
        try await stage.caller.dial("1001")
        for await shown in agent.snapshots() where shown.calls.first?.state == .ringing { break }
        let talk = try XCTUnwrap(agent.snapshot.calls.first?.id)
        try await agent.answer(talk)
        try await supervisor.watchTeam(true)
        for await shown in supervisor.snapshots() where shown.team?.state == .current { break }

        let call = try await supervisor.supervise("agent1", .listen)
        /// What the screen and the phone are to show.
        func until(_ label: String, _ mode: SupervisionMode, muted: Bool) async throws {
            let end = Date(timeIntervalSinceNow: 8)
            while true {
                let (seen, told) = (stage.kit.calls[call], supervisor.snapshot.calls.first { $0.id == call }?.supervision)
                let isLabelled = seen?.update.localizedCallerName == "Ager & Söhne (1) \"west\\ · \(label)"
                if isLabelled, seen?.isMuted == muted, told?.mode == mode, told?.speaks == !muted { return }
                if Date() > end { return XCTFail("not \(label): \(String(describing: seen)), \(String(describing: told))") }
                try await Task.sleep(nanoseconds: 1_000_000)
            }
        }
        try await until("listening", .listen, muted: true)
        try await stage.agent { if case .mediaFlowing(call, _, .some) = $0 { true } else { false } }
        stage.kit.userMutes(call, false)
        try await supervisor.setSupervisionMode(call, .whisper)
        try await until("whispering", .whisper, muted: false)
        try await agent.setHold(talk, true)
        try await until("on hold, unheard", .whisper, muted: false)
        try await agent.setHold(talk, false)
        try await supervisor.setSupervisionMode(call, .barge)
        try await until("barging in", .barge, muted: false)
        stage.kit.userMutes(call, true)
        try await stage.agent { $0 == .muteChanged(call: call, muted: true) }
        stage.kit.userMutes(call, false)
        try await stage.agent { $0 == .muteChanged(call: call, muted: false) }
        stage.kit.cellularCallBegins()
        try await stage.agent { if case .holdChanged(call, let hold) = $0 { hold.local } else { false } }
        try await until("listening", .listen, muted: true)
        stage.kit.cellularCallEnds(byOtherSide: false)
        try await stage.agent { if case .holdChanged(call, let hold) = $0 { !hold.local } else { false } }
        try await until("listening", .listen, muted: true)

        func ended(_ call: UUID) async throws -> FakeCallKit.Ended? {
            let end = Date(timeIntervalSinceNow: 8)
            while stage.kit.calls[call]?.hasEnded != true, Date() < end { try await Task.sleep(nanoseconds: 1_000_000) }
            return stage.kit.calls[call]?.ended
        }
        let refused = try await supervisor.supervise("agent2", .listen)
        let why = try await ended(refused)
        XCTAssertEqual(why, .reported(.failed))
        try await agent.hangUp(talk)
        let over = try await ended(call)
        XCTAssertEqual(over, .reported(.remoteEnded))
        XCTAssertEqual(stage.kit.recents, [])
        await agent.shutdown()
        await stage.end()
    }

    @MainActor func testACallIsDeclinedAtTheLockScreen() async throws {
        let stage = try await Stage.make(agent: 2)
        stage.kit.userEnds(try await stage.ring())
        try await stage.customer { if case .ended(_, .refused, _) = $0 { true } else { false } }
        await stage.end()
    }

    @MainActor func testACallerWhoGivesUpStopsTheRinging() async throws {
        let stage = try await Stage.make(agent: 3)
        let call = try await stage.ring()
        try await stage.caller.hangUp(stage.dialled)
        try await stage.agent { if case .ended(call, .cancelled, _) = $0 { true } else { false } }
        let end = Date(timeIntervalSinceNow: 2)
        while stage.kit.calls[call]?.hasEnded == false, Date() < end { try await Task.sleep(nanoseconds: 1_000_000) }
        XCTAssertEqual(stage.kit.calls[call]?.ended, .reported(.unanswered))
        await stage.end()
    }
}

@MainActor private final class Stage {
    let center: CallCenter
    let caller: SidetonePhone
    let number: String
    var dialled = UUID()
    var kit: FakeCallKit { .shared }
    private let called: SidetonePhone
    private var agentCursor: UInt64 = 0
    private var customerCursor: UInt64 = 0

    /// A user's phone, registered.
    nonisolated static func phone(_ user: String, _ gate: AudioGate) async throws -> SidetonePhone {
        let environment = ProcessInfo.processInfo.environment
        guard let server = environment["SIDETONE_TEST_SERVER"], let file = environment["SIDETONE_TEST_CA"] else {
            throw XCTSkip("no model PBX: SIDETONE_TEST_SERVER is not set")
        }
        let phone = try await SidetonePhone.start(PhoneConfig(
            aor: "sip:\(user)@bench.test", password: "secret-\(user)", servers: [server], instance: UUID(),
            trust: .pem(text: try String(contentsOfFile: file, encoding: .utf8)), microphone: .null, speaker: .null, audioGate: gate))
        try await phone.signIn()
        for await shown in phone.snapshots() where shown.registration.state == .registered { break }
        return phone
    }

    /// An agent and his customer; or `user` in the agent's place.
    static func make(agent: Int, user: String? = nil) async throws -> Stage {
        _ = Rig()
        FakeCallKit.shared.reset()
        FakeApplication.shared.reset()
        let center = CallCenter(
            .init(pushParam: "TEAM.org.sidetone.voip"), startPhone: { try await phone(user ?? "agent\(agent)", .platform) })
        // The first to start, so that a server that is not there is said before anybody waits.
        let caller = try await phone("customer\(agent)", .open)
        center.wake()
        while center.phone == nil { try await Task.sleep(nanoseconds: 1_000_000) }
        let agents = try XCTUnwrap(center.phone as? SidetonePhone)
        return Stage(center, caller, "100\(agent)", agents)
    }

    private init(_ center: CallCenter, _ caller: SidetonePhone, _ number: String, _ agent: SidetonePhone) {
        (self.center, self.caller, self.number, called) = (center, caller, number, agent)
    }

    /// The customer dials, and it rings at the lock screen.
    func ring() async throws -> UUID {
        dialled = try await caller.dial(number)
        var call: UUID?
        try await agent { if case .incoming(let id, _, _, _, _) = $0 { call = id }; return call != nil }
        let id = try XCTUnwrap(call)
        while kit.calls[id]?.isShown != true { try await Task.sleep(nanoseconds: 1_000_000) }
        return id
    }

    /// What the agent's phone has told so far, of one page.
    func events() async -> [NumberedEvent] { await called.core.events(after: 0).events }

    func agent(_ wanted: (Event) -> Bool) async throws { agentCursor = try await next(called, agentCursor, wanted) }
    func customer(_ wanted: (Event) -> Bool) async throws { customerCursor = try await next(caller, customerCursor, wanted) }

    /// Reads on to the event that is wanted; where it is, to read on from there.
    private func next(_ phone: SidetonePhone, _ cursor: UInt64, _ wanted: (Event) -> Bool) async throws -> UInt64 {
        var page = await phone.core.events(after: cursor)
        while true {
            for event in page.events where wanted(event.event) { return event.cursor }
            if page.ended {
                XCTFail("the phone ended")
                return page.next
            }
            page = await phone.core.events(after: page.next)
        }
    }

    func end() async {
        XCTAssertEqual(FakePlatform.shared.broken.map(\.rule.rawValue), [])
        await (center.phone as? SidetonePhone)?.shutdown()
        await caller.shutdown()
    }
}
