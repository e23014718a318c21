/// What the sample's screens show of real snapshots, and what their buttons ask: the real library at the model PBX
/// (`scripts/swift test` starts it).
import CallKit
import FakePlatform
import Foundation
import UIKit
import XCTest

@testable import Sidetone
@testable import SidetoneScreens

final class ScreensTests: XCTestCase, @unchecked Sendable {
    @MainActor func testTheBarOfAnAgentFromHisFirstQueueToHisGoodBye() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent3")
        let out = try await stage.bar(agent) { $0.state == "logged out" }
        XCTAssertEqual(out.light, .off)
        XCTAssertEqual(out.queues.map(\.words), ["Log in to all", "Log in to desk3", "Log in to back3"])
        XCTAssertEqual(out.pausedLogins.map(\.words), ["break", "lunch", "training"].map { "Log in paused: \($0)" })
        XCTAssertNil(out.ready)

        try await stage.touch(agent, out.queues, "Log in to desk3")
        let asks = try await stage.told(agent) { event -> AgentBar? in
            guard case .agentChanged(let news) = event, news.requested != nil else { return nil }
            var snapshot = agent.snapshot
            snapshot.agent = news
            return agentBar(snapshot, Date())
        }
        XCTAssertEqual(asks.requested, "logging in to desk3…")
        XCTAssertTrue((asks.queues + asks.pausedLogins).allSatisfy { $0.wish == nil }, "nothing else can be asked for meanwhile")
        let ready = try await stage.bar(agent) { $0.state == "ready" && $0.requested == nil }
        XCTAssertEqual(ready.light, .ready)
        XCTAssertTrue(ready.signedIn?.hasPrefix("in desk3, signed in for 0:0") == true, "\(ready)")
        XCTAssertEqual(ready.pausedLogins, [])

        try await stage.touch(agent, ready.pauses, "lunch")
        let lunch = try await stage.bar(agent) { $0.state == "paused: lunch" && $0.requested == nil }
        XCTAssertEqual(lunch.light, .paused)
        let snapshot = agent.snapshot
        let later = try XCTUnwrap(snapshot.agent?.pause?.since).addingTimeInterval(3725)
        XCTAssertEqual(agentBar(snapshot, later)?.pause, "for 1:02:05", "the clocks tick by the times of the snapshot")
        XCTAssertEqual(lunch.pauses, [], "a pause on a pause is not offered")

        try await stage.touch(agent, [XCTUnwrap(lunch.ready)], "Ready")
        let back = try await stage.bar(agent) { $0.state == "ready" && $0.requested == nil }
        try await stage.touch(agent, back.queues, "Log out of all")
        let left = try await stage.bar(agent) { $0.state == "logged out" && $0.requested == nil }
        XCTAssertNil(left.signedIn)
        try await stage.touch(agent, left.pausedLogins, "Log in paused: break")
        let paused = try await stage.bar(agent) { $0.state == "paused: break" && $0.requested == nil }
        XCTAssertTrue(paused.signedIn?.hasPrefix("in desk3 (paused), back3 (paused)") == true, "\(paused)")
        try await stage.touch(agent, paused.queues, "Log out of all")
        _ = try await stage.bar(agent) { $0.state == "logged out" && $0.requested == nil }
        try await agent.signOut()
        let nobody = try await stage.until(agent) { $0.registration.state == .unregistered }
        XCTAssertNil(agentBar(nobody, Date()))
        await stage.end()
    }

    @MainActor func testWhatIsRefusedIsToldWithWhatToDoAtOnceOrLater() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1")
        _ = try await stage.bar(agent) { $0.state == "logged out" }
        do {
            try await send(.agent(.pause(reason: "lunch")), stage.center, agent)
            XCTFail("not refused")
        } catch { XCTAssertEqual(sentences(error), "You are logged in to no queue. Log in first.") }
        let supervisor = try await stage.phone("colleague1")
        try await supervisor.supervise("agent2", .listen)
        let told = try await stage.told(supervisor, failureOf)
        XCTAssertEqual(told, "The server does not let you supervise this agent in this way; ask its administrator.")
        await stage.end()
    }

    @MainActor func testAfterACallOfAQueueTheBarCountsWrapUpDownAndTheServerEndsIt() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent4")
        try await agent.logIn("desk4")
        _ = try await stage.bar(agent) { $0.state == "ready" }
        try await stage.talk(agent, "1824")
        _ = try await stage.bar(agent) { $0.state == "on a call" }
        try await agent.hangUp(XCTUnwrap(agent.snapshot.calls.first).id)
        let wrapUp = try await stage.bar(agent) { $0.state == "wrap-up" }
        XCTAssertTrue(wrapUp.pause?.hasSuffix(" left") == true, "\(wrapUp)")
        let ready = try await stage.bar(agent) { $0.state == "ready" }
        XCTAssertNil(ready.ready)
        try await agent.logOut()
        _ = try await stage.bar(agent) { $0.state == "logged out" && $0.requested == nil }
        await stage.end()
    }

    @MainActor func testWhatTheServerDoesNotDoHereIsShownAsItWouldTellIt() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1")
        let known = try await stage.until(agent) { $0.agent?.certain == true }
        let now = Date()
        func shown(_ state: AgentState, _ pause: Pause? = nil, certain: Bool = true) -> AgentBar? {
            var snapshot = known
            snapshot.agent?.state = state
            snapshot.agent?.pause = pause
            snapshot.agent?.certain = certain
            return agentBar(snapshot, now)
        }
        let wrapUp = shown(.wrapUp, Pause(reason: "wrapup", since: now - 18, until: now + 12))
        XCTAssertEqual([wrapUp?.state, wrapUp?.pause, wrapUp?.ready?.words], ["wrap-up", "0:12 left", "Ready"])
        let forced = shown(.notReady, Pause(reason: nil, since: nil, until: nil))
        XCTAssertEqual([forced?.state, forced?.pause], ["paused: reason unknown", nil])
        let busy = shown(.onCall, Pause(reason: "lunch", since: now - 5, until: nil))
        XCTAssertEqual([busy?.state, busy?.pause], ["on a call, then paused: lunch", nil])
        var alone = known
        alone.agent?.doNotDisturb = true
        XCTAssertEqual([agentBar(alone, now)?.direct, busy?.direct], ["direct calls are refused", nil])
        var unread = known
        unread.unreadPacks = [
            UnreadPack(pack: .agent, problem: .tooNew, text: "the server's agent.conf is newer than this phone; update the app")
        ]
        XCTAssertEqual(unreadPacks(unread), ["The server's agent.conf is newer than this phone; update the app."])
        XCTAssertEqual(unreadPacks(known), [])
        let old = shown(.ready, certain: false)
        XCTAssertEqual(old?.doubt, "as the server said last")
        XCTAssertEqual(old?.light, .off)
        XCTAssertNil(shown(.unavailable))
        await stage.end()
    }

    @MainActor func testACallThatWaitsIsShownWithItsCallerAndTwoAreSwappedJoinedAndLeftToThemselves() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1")
        try await stage.talk(agent, "1001")
        let first = try XCTUnwrap(agent.snapshot.calls.first)
        XCTAssertNil(together(agent.snapshot))
        let other = try await stage.phone("colleague1")
        try await other.dial("1001")
        let waits = try await stage.card(agent) { $0.state == "rings" }
        XCTAssertEqual(waits.choices.map(\.words), ["Hold and answer", "Decline"])
        let name = try XCTUnwrap(first.remote.name)
        XCTAssertTrue(waits.marks.contains("waits while you talk with \(name)"), "\(waits.marks)")
        XCTAssertEqual(callCards(agent.snapshot, Date()).first?.call, waits.call, "what rings comes first")
        try await agent.answer(waits.call)
        let two = try await stage.together(agent) { $0.choices.map(\.words) == ["Swap", "Join them", "Connect them"] }
        XCTAssertEqual(two.words, "You talk with \(waits.title). On hold: \(name).")
        try await stage.touch(agent, two.choices, "Swap")
        let swapped = try await stage.together(agent) { $0.words == "You talk with \(name). On hold: \(waits.title)." }
        try await stage.touch(agent, swapped.choices, "Join them")
        let joined = try await stage.together(agent) { $0.choices.map(\.words) == ["Leave them"] }
        XCTAssertEqual(joined.words, "You talk with \(name) and \(waits.title) together.")
        let card = try await stage.card(agent) { $0.call == first.id && $0.choices.map(\.words).contains("Talk alone") }
        try await stage.touch(agent, card.choices, "Talk alone")
        let apart = try await stage.together(agent) { $0.choices.map(\.words).contains("Swap") }
        try await stage.touch(agent, apart.choices, "Join them")
        let again = try await stage.together(agent) { $0.choices.map(\.words) == ["Leave them"] }
        try await stage.touch(agent, again.choices, "Leave them")
        _ = try await stage.until(agent) { $0.calls.isEmpty }
        try await Task.sleep(nanoseconds: 300_000_000)
        XCTAssertEqual(other.snapshot.calls.map(\.state), [.established], "they talk on")
        await stage.end()
    }

    @MainActor func testAColleagueIsAskedFirstAndThenConnectedWithTheCaller() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1")
        try await stage.talk(agent, "1001")
        let call = try XCTUnwrap(agent.snapshot.calls.first).id
        let colleague = try await stage.phone("colleague1")
        try await agent.dial("2001")
        let rings = try await stage.card(colleague) { $0.state == "rings" }
        try await colleague.answer(rings.call)
        let asked = try await stage.together(agent) { $0.choices.map(\.words).contains("Connect them") }
        let consulted = try XCTUnwrap(agent.snapshot.calls.first { $0.id != call }).id
        XCTAssertEqual(asked.choices.last?.wish, .transferTo(call: call, with: consulted))
        try await stage.touch(agent, asked.choices, "Connect them")
        _ = try await stage.until(agent) { $0.calls.isEmpty }
        try await Task.sleep(nanoseconds: 300_000_000)
        XCTAssertEqual(colleague.snapshot.calls.map(\.state), [.established], "they talk on")
        await stage.end()
    }

    @MainActor func testMessagesAreListedWithWhatBecameOfThemAndWhatFailedIsSentAgainByHand() async throws {
        let stage = try Stage()
        let (agent, colleague) = (try await stage.phone("agent1"), try await stage.phone("colleague1"))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try XCTUnwrap(TimeZone(identifier: "UTC"))
        func page(_ phone: SidetonePhone) async throws -> MessagesPage {
            messagesPage(try await lastMessages(phone, 50), phone.snapshot, Date(), calendar)
        }
        let empty = try await page(agent)
        XCTAssertEqual(empty.note, "No messages yet.")
        try await send(.sendMessage(to: "2001", text: "a customer for you,\nsoon"), stage.center, agent)
        _ = try await stage.told(colleague) { if case .messageReceived(let message) = $0 { message } else { nil } }
        let incoming = try await page(colleague).rows
        let came = try XCTUnwrap(incoming.first)
        XCTAssertEqual(came.text, "a customer for you,\nsoon")
        XCTAssertTrue(came.state.hasPrefix("came in, "), came.state)
        XCTAssertTrue(came.choices.isEmpty)
        try await send(.sendMessage(to: XCTUnwrap(came.reply), text: "who is it?"), stage.center, colleague)
        _ = try await stage.told(agent) { if case .messageReceived(let message) = $0 { message } else { nil } }
        let lights = try await page(agent).rows.map(\.light)
        XCTAssertEqual(lights, [.ready, .busy])

        try await send(.sendMessage(to: "1009", text: "to nobody"), stage.center, agent)
        let told = try await stage.told(agent) { if case .messageFailed = $0 { failureOf($0) } else { nil } }
        XCTAssertTrue(told.hasPrefix("Message not delivered: the other side cannot be reached now; "), told)
        let outgoing = try await page(agent).rows
        let failed = try XCTUnwrap(outgoing.first)
        XCTAssertEqual([failed.title, failed.advice?.suffix(20).description], ["to 1009", "send it again later."])
        XCTAssertEqual(failed.light, .alarm)
        try await stage.touch(agent, failed.choices, "Send again")
        let texts = try await page(agent).rows.prefix(2).map(\.text)
        XCTAssertEqual(texts, ["to nobody", "to nobody"], "another message")

        let kept = try await lastMessages(agent, 50)
        var old = try XCTUnwrap(kept.messages.last)
        (old.state, old.advice, old.at) = (.uncertain, "ask, or send it again", Date(timeIntervalSince1970: 1_767_323_045))
        func shown(_ message: TextMessage) -> MessageRow? {
            messagesPage(MessagePage(messages: [message], more: false), agent.snapshot, Date(), calendar).rows.first
        }
        XCTAssertEqual(shown(old)?.state, "not certain, 2.1.2026 3:04")
        XCTAssertEqual(shown(old)?.advice, "Ask, or send it again.")
        old.reply = nil
        XCTAssertEqual(shown(old)?.choices, [], "nobody to write to")
        let few = try await lastMessages(agent, 2)
        XCTAssertEqual(few.messages.count, 2)
        XCTAssertTrue(few.more, "as many as are wanted")
        await stage.end()
    }

    @MainActor func testACallIsRecordedAndTheLightIsRedOnlyWhereTheServerHasSaidSo() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1")
        try await stage.talk(agent, "1881")
        let card = try await stage.card(agent) { $0.recordings?.lines.first?.light == .alarm && $0.recordings?.start?.wish != nil }
        let automatic = try XCTUnwrap(card.recordings?.lines.first)
        XCTAssertEqual(automatic.choices.map(\.words), ["Pause"])
        XCTAssertEqual(automatic.why, "Made by the rules of the site: you may pause it, not stop it.")
        try await stage.touch(agent, [XCTUnwrap(card.recordings?.start)], "Record also as 1")
        let asked = try await stage.told(agent) { event -> RecordingLine? in
            guard case .recordingsChanged(_, let news) = event, var call = agent.snapshot.calls.first else { return nil }
            call.recordings = news
            return recordings(call, agent.snapshot)?.lines.first { $0.requested != nil }
        }
        XCTAssertEqual(asked.requested, "start requested…")
        XCTAssertEqual(asked.light, .off)
        let mine: @Sendable (Light, CallCard) -> RecordingLine? = { light, card in
            card.recordings?.lines.first { $0.id == "1" && $0.light == light && $0.requested == nil }
        }
        let runs = try await stage.card(agent) { mine(.alarm, $0) != nil }
        try await stage.touch(agent, XCTUnwrap(mine(.alarm, runs)).choices, "Pause")
        let paused = try await stage.card(agent) { mine(.paused, $0) != nil }
        XCTAssertEqual(mine(.paused, paused)?.choices.map(\.words), ["Resume", "Stop"])
        var shown = agent.snapshot
        var call = try XCTUnwrap(shown.calls.first)
        for at in call.recordings.indices { call.recordings[at].certain = false }
        XCTAssertEqual(recordings(call, shown)?.lines.map(\.light), [.off, .off], "not certain: no light, whatever it was")
        for at in call.recordings.indices { call.recordings[at].policy = .locked }
        XCTAssertEqual(recordings(call, shown)?.lines.flatMap(\.choices), [])
        shown.recording = .forbidden
        let forbidden = recordings(call, shown)
        XCTAssertEqual(forbidden?.why, "The server does not allow you to record.")
        XCTAssertNil(forbidden?.start)
        await stage.end()
    }

    @MainActor func testTheTeamIsFoundAsOneTypesCalledAndGivenTheCall() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1")
        func page(_ text: String) -> TeamPage { teamPage(agent.findInTeam(text), agent.snapshot, Date()) }
        XCTAssertEqual(page("").note, "The server has not told it yet.")
        try await agent.watchTeam(true)
        _ = try await stage.until(agent) { $0.team?.state == .current }
        XCTAssertEqual(page("").rows.map(\.name), ["Desk 1", "Ager & Söhne (1) \"west\\", "Colleague 1"])
        XCTAssertEqual(page("sohne").rows.map(\.number), ["1831"], "accents are the core's to ignore")
        XCTAssertEqual(page("xyz").note, "Nobody is found.")
        XCTAssertEqual(page("colleague").rows.first?.choices.map(\.words), ["Call"])
        try await stage.talk(agent, "1001")
        _ = try await stage.until(agent) { $0.team?.people.first?.state == .onCall }
        XCTAssertEqual(page("").warning, "A caller whom nobody takes there is lost.")
        var talks = try XCTUnwrap(agent.findInTeam("ager"))
        talks.people[0].call = ColleagueCall(queue: "desk1", group: nil, since: Date())
        let words = try XCTUnwrap(teamPage(talks, agent.snapshot, Date()).rows.first).state
        XCTAssertTrue(words.hasSuffix(", desk1"), "he talks for a queue: \(words)")
        let call = try XCTUnwrap(agent.snapshot.calls.first).id
        let row = try XCTUnwrap(page("2001").rows.first)
        XCTAssertEqual(row.choices.map(\.wish), [.dial(to: "2001"), .transfer(call: call, to: "2001")])
        let colleague = try await stage.phone("colleague1")
        try await stage.touch(agent, row.choices, "Transfer")
        _ = try await stage.until(colleague) { $0.calls.first?.state == .ringing }
        try await agent.watchTeam(false)
        XCTAssertEqual(page("").note, "The server has not told it yet.")
        await stage.end()
    }

    @MainActor func testASupervisorListensWhispersAndBargesInAndSeesWhenHeIsHeard() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1")
        let supervisor = try await stage.phone("colleague1")
        try await supervisor.watchTeam(true)
        func row(follow: Bool = false) -> RosterRow? {
            roster(supervisor.findInTeam("agent1"), supervisor.snapshot, follow: follow, Date()).rows.first
        }
        _ = try await stage.until(supervisor) { $0.team?.state == .current }
        XCTAssertEqual(row()?.choices, [], "in no call, nothing to hear")
        try await stage.talk(agent, "1001")
        _ = try await stage.until(supervisor) { $0.team?.people.contains { $0.name == "agent1" && $0.state == .onCall } == true }
        XCTAssertEqual(row(follow: true)?.choices.first?.wish, .supervise(target: "agent1", mode: .listen, follow: true))
        try await stage.touch(supervisor, row()?.choices ?? [], "Listen")
        let listens = try await stage.card(supervisor) { $0.supervision?.mode == "listen, confirmed" && $0.state == "talking" }
        XCTAssertEqual(listens.title, "supervising agent1")
        XCTAssertEqual(listens.choices.map(\.words), ["Mute", "Stop"])
        let quiet = try XCTUnwrap(listens.supervision)
        XCTAssertEqual(quiet.microphone, "microphone closed: nobody hears you")
        XCTAssertEqual(quiet.choices.filter { $0.wish != nil }.map(\.words), ["Whisper", "Barge in"])
        try await stage.touch(supervisor, quiet.choices, "Whisper")
        let whispers = try await stage.card(supervisor) { $0.supervision?.mode == "whisper, confirmed" && $0.supervision?.isHeard == true }
        XCTAssertEqual(whispers.supervision?.microphone, "microphone open: the agent hears you")
        let watched = try XCTUnwrap(agent.snapshot.calls.first).id
        try await agent.setHold(watched, true)
        _ = try await stage.card(supervisor) { $0.supervision?.microphone == "the call is on hold: nobody hears you" }
        try await agent.setHold(watched, false)
        _ = try await stage.card(supervisor) { $0.supervision?.microphone == "microphone open: the agent hears you" }
        try await supervisor.setMute(whispers.call, true)
        let muted = try await stage.card(supervisor) { $0.marks.contains("muted") }
        XCTAssertEqual(muted.supervision?.microphone, "muted by you: nobody hears you")
        try await supervisor.setMute(whispers.call, false)
        try await stage.touch(supervisor, XCTUnwrap(whispers.supervision).choices, "Barge in")
        let barges = try await stage.card(supervisor) { $0.supervision?.mode == "barge, confirmed" && $0.supervision?.isHeard == true }
        XCTAssertEqual(barges.supervision?.microphone, "microphone open: the agent and his caller hear you")
        try await agent.setHold(watched, true)
        _ = try await stage.card(supervisor) { $0.supervision?.microphone == "the call is on hold: nobody hears you" }
        try await supervisor.hangUp(barges.call)
        _ = try await stage.until(supervisor) { $0.calls.isEmpty }
        await stage.end()
    }

    @MainActor func testWhatIsMissingOrNotAllowedIsNotOfferedAndTheReasonStandsInItsPlace() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1")
        let known = try await stage.until(agent) { $0.features?.certain == true }
        let page = try XCTUnwrap(featuresPage(known))
        XCTAssertNil(page.note)
        func line(_ feature: Feature) -> FeatureLine? { page.lines.first { $0.feature == feature } }
        XCTAssertEqual(line(.queues)?.words, "queues: there")
        XCTAssertEqual(
            line(.transfersReturn)?.words, "transfers return: not there: the model PBX does not have it; tell its administrator")
        XCTAssertEqual([line(.queues), line(.transfersReturn), line(.supervision)].map { $0?.light }, [.ready, .paused, .off])
        try await agent.watchTeam(true)
        _ = try await stage.until(agent) { $0.team?.state == .current }
        let shown = roster(agent.findInTeam(""), agent.snapshot, follow: false, Date())
        XCTAssertEqual(shown.note, "Supervision: not allowed to you; ask the administrator for it.")
        XCTAssertTrue(!shown.rows.isEmpty && shown.rows.allSatisfy(\.choices.isEmpty))

        let customer = try await stage.phone("customer2")
        var told = try await stage.until(customer) { $0.features?.certain == true }
        XCTAssertEqual(teamPage(nil, told, Date()).note, "Team: not allowed to you; ask the administrator for it.")
        try await customer.dial("600")
        let card = try await stage.card(customer) { $0.state == "talking" }
        XCTAssertEqual(card.recordings?.why, "Recordings: not allowed to you; ask the administrator for it.")
        XCTAssertNil(card.recordings?.start)
        // Of an earlier connection nothing is refused.
        told.features?.certain = false
        XCTAssertEqual(teamPage(nil, told, Date()).note, "The server has not told it yet.")
        XCTAssertEqual(featuresPage(told)?.note, "As the server said last.")
        await stage.end()
    }

    private var app: AppState {
        AppState(
            account: SignIn(
                account: "sip:agent1@bench.test", servers: ["wss://pbx.bench.test:8089/ws"], username: nil, name: "Ager & Söhne",
                password: "secret"),
            routing: AudioRouting(), ringtone: nil, answerMode: .asked, version: "1.2", libraryVersion: libraryVersion())
    }

    private func locked(_ feature: String) -> String { "\(feature): not allowed to you; ask the administrator for it." }

    @MainActor func testAutoAnswerIsTurnedOffAndOnAndInACallTheRoutesAndTheLevelsAreShown() async throws {
        let stage = try Stage()
        let agent = try await stage.phone("agent1", answers: .asked)
        func page() -> SettingsPage { settingsPage(agent.snapshot, app) }
        _ = try await stage.until(agent) { $0.features?.certain == true }
        XCTAssertEqual(page().autoAnswer.state, "on for calls of which the server asks it")
        try await stage.touch(agent, page().autoAnswer.choices, "Turn off")
        _ = try await stage.until(agent) { !$0.autoAnswer }
        XCTAssertEqual(page().autoAnswer.state, "turned off until you sign out")
        XCTAssertEqual(page().autoAnswer.light, .off)
        try await stage.touch(agent, page().autoAnswer.choices, "Turn on")
        _ = try await stage.until(agent) { $0.autoAnswer }
        XCTAssertEqual(page().autoAnswer.choices.map(\.words), ["Turn off"])
        XCTAssertEqual(page().routesNote, "iOS tells where the sound can go while there is a call.")
        XCTAssertEqual(page().levelsNote, "Levels are measured while you talk.")

        try await stage.talk(agent, "1001")
        var shown = try await stage.until(agent) { $0.calls.first?.quality != nil }
        var routed = app
        routed.routing.report([AudioRoute(.speaker), AudioRoute(.earpiece)], confirmed: AudioRoute(.speaker))
        let there = settingsPage(shown, routed)
        XCTAssertEqual(there.routes.map(\.words), ["earpiece", "speaker"])
        XCTAssertEqual(there.routes.map(\.isInUse), [false, true])
        XCTAssertNil(there.routesNote)
        XCTAssertEqual(there.levels.map { "\($0.title): \($0.bars), \($0.words)" }, ["Microphone: 0, silence", "Loudspeaker: 0, silence"])
        func levels(_ sent: Float, _ heard: Float) -> [String] {
            shown.calls[0].quality?.levelSent = sent
            shown.calls[0].quality?.levelHeard = heard
            return settingsPage(shown, app).levels.map { "\($0.bars), \($0.words)" }
        }
        XCTAssertEqual(levels(-20, -1), ["7, good, -20 dBFS", "10, too loud, -1 dBFS"])
        XCTAssertEqual(levels(-50, -60), ["2, quiet, -50 dBFS", "0, silence"])
        let call = try XCTUnwrap(agent.snapshot.calls.first).id
        try await agent.setMute(call, true)
        _ = try await stage.until(agent) { $0.calls.first?.muted == true }
        XCTAssertEqual(page().levels.first?.words, "muted by you")
        try await agent.setHold(call, true)
        _ = try await stage.until(agent) { $0.calls.first?.onHold == true }
        XCTAssertEqual(page().levelsNote, "Levels are measured while you talk.")
        await stage.end()
    }

    @MainActor func testWhatIsNotTheUsersToChangeIsShownAndLockedWithTheReason() async throws {
        let stage = try Stage()
        let clerk = try await stage.phone("clerk1", answers: .asked)
        var told = try await stage.until(clerk) { $0.features?.certain == true }
        XCTAssertEqual(settingsPage(told, app).autoAnswer.locked, locked("Auto answer"))
        // What was said last holds in the doubt.
        told.features?.certain = false
        XCTAssertEqual(
            settingsPage(told, app).autoAnswer, Setting(light: .off, state: "off", locked: locked("Auto answer"), choices: []))
        let features = try XCTUnwrap(told.features).features
        told.features?.features = features.filter { $0.feature != .autoAnswer }
        told.autoAnswer = true
        XCTAssertEqual(
            settingsPage(told, app).autoAnswer,
            Setting(light: .ready, state: "on for calls of which the server asks it", locked: locked("Settings"), choices: []))
        var byHand = app
        byHand.answerMode = .manual
        XCTAssertEqual(settingsPage(told, byHand).autoAnswer.state, "off")
        XCTAssertEqual(settingsPage(told, byHand).autoAnswer.locked?.contains("only whoever builds it"), true)
        await stage.end()
    }

    func testWhoIsSignedInAndWhatTheAppIsMadeOf() throws {
        var app = self.app
        let page = settingsPage(nil, app)
        XCTAssertEqual([page.profile?.initials, page.profile?.name, page.profile?.address], ["AS", "Ager & Söhne", "agent1@bench.test"])
        app.account?.name = nil
        XCTAssertEqual(settingsPage(nil, app).profile?.initials, "A")
        app.account?.name = "Ölaf von Über"
        XCTAssertEqual(settingsPage(nil, app).profile?.initials, "ÖÜ")
        app.account = nil
        XCTAssertNil(settingsPage(nil, app).profile)
        XCTAssertEqual(page.autoAnswer.locked, "Nobody is signed in; sign in first.")
        XCTAssertEqual(page.about.first, "Sidetone sample 1.2, library \(libraryVersion())")
        app.ringtone = "bells.caf"
        XCTAssertEqual(settingsPage(nil, app).ringtone.state, "bells.caf")
        XCTAssertEqual(page.ringtone.state, "the system's")
        XCTAssertEqual(page.ringtone.locked?.hasPrefix("CallKit rings"), true)
    }

    func testWhatThePhoneNeedsIsSaidWithItsState() {
        let bad = requirementLines(DeviceState(microphone: .no, push: .refused("the server does not take it")))
        XCTAssertEqual(bad.map(\.state), ["not permitted", "the server does not take it"])
        XCTAssertEqual(bad.map(\.light), [.alarm, .alarm])
        XCTAssertEqual(bad.first?.mend, "Open the settings")
        let good = requirementLines(DeviceState(microphone: .yes, push: PushState(hasToken: true, nil)))
        XCTAssertTrue(good.allSatisfy { $0.light == .ready && $0.mend == nil })
    }

    @MainActor func testTheWayThatCallsTakeIsSaidStepByStep() async throws {
        let nobody = connectionLines(nil, nil)
        XCTAssertEqual(nobody.map(\.state), ["nobody is signed in"])
        let stage = try Stage()
        let phone = try await stage.phone("agent1")
        let servers = await phone.checkIceServers()
        XCTAssertEqual(servers, [])
        var snapshot = phone.snapshot
        XCTAssertEqual(
            connectionLines(snapshot, servers).map(\.state),
            ["registered", "this app was built without one", "not known: call somebody, an echo best, and look here again"])
        XCTAssertEqual(connectionLines(snapshot, nil)[1].state, "being asked")
        let checks = [
            IceServerCheck(url: "stun:a", given: .serverReflexive(address: "198.51.100.7:4000")),
            IceServerCheck(url: "turn:b", given: .relayed(address: "198.51.100.8:5000")),
            IceServerCheck(url: "turn:c", given: .nothing(cause: .noAnswer, text: "it has not answered; check its port")),
        ]
        let lines = connectionLines(snapshot, checks)
        XCTAssertEqual(lines.map(\.title), ["Server", "stun:a", "turn:b", "turn:c", "Audio"])
        XCTAssertEqual(lines.map(\.light), [.ready, .ready, .ready, .paused, .off])
        XCTAssertEqual(lines[3].state, "it has not answered; check its port")
        let call = try await phone.dial("600")
        snapshot = try await stage.until(phone) { $0.calls.first { $0.id == call }?.quality?.packetsReceived ?? 0 > 0 }
        let audio = connectionLines(snapshot, servers)[2]
        XCTAssertEqual(audio.light, .ready)
        XCTAssertTrue(audio.state.hasPrefix("opus, "), audio.state)
        try await phone.hangUp(call)
        await stage.end()
    }

    /// What CallKit is asked for and the phone refuses is told to the app.
    @MainActor func testADialThatIsRefusedIsTold() async throws {
        let stage = try Stage()
        let phone = try await stage.phone("agent1")
        var refusals: [String] = []
        stage.center.onRefusal = { refusals.append(sentences($0)) }
        await stage.hold.set(phone)
        stage.center.wake()
        while stage.center.phone == nil { try await Task.sleep(nanoseconds: 1_000_000) }
        try await send(.dial(to: "no number?"), stage.center, phone)
        let end = Date(timeIntervalSinceNow: 5)
        while refusals.isEmpty, Date() < end { try await Task.sleep(nanoseconds: 1_000_000) }
        XCTAssertEqual(refusals, ["This is neither a number nor an address. Dial digits, a user name or sip:user@domain."])
        await stage.end()
    }

    @MainActor func testASignInThatIsRefusedIsMadeAnewByAnotherPhone() async throws {
        let stage = try Stage()
        let wrong = try await stage.signedIn("agent2", password: "wrong")
        await stage.hold.set(wrong)
        stage.center.wake()
        let refused = try await stage.until(wrong) { $0.registration.problem?.cause == .wrongCredentials }
        XCTAssertEqual(lampOf(refused.registration).light, .alarm)
        let right = try await stage.phone("agent2")
        await stage.hold.set(right)
        await stage.center.renew { await ($0 as? SidetonePhone)?.shutdown() }
        let end = Date(timeIntervalSinceNow: 5)
        while stage.center.phone !== right, Date() < end { try await Task.sleep(nanoseconds: 1_000_000) }
        XCTAssertTrue(stage.center.phone === right)
        // The old one's last event must not take the new one away.
        try await Task.sleep(nanoseconds: 300_000_000)
        XCTAssertTrue(stage.center.phone === right)
        await stage.end()
    }
}

/// Phones at the model PBX, without a platform, and what is seen of them.
@MainActor private final class Stage {
    let center: CallCenter
    /// The phone of the center, where a test wants one.
    let hold = Hold()
    private let server: String
    private let authority: String
    private var phones: [SidetonePhone] = []

    init() throws {
        let environment = ProcessInfo.processInfo.environment
        guard let server = environment["SIDETONE_TEST_SERVER"], let file = environment["SIDETONE_TEST_CA"] else {
            throw XCTSkip("no model PBX: SIDETONE_TEST_SERVER is not set")
        }
        _ = Rig()
        FakeCallKit.shared.reset()
        FakeApplication.shared.reset()
        (self.server, authority) = (server, try String(contentsOfFile: file, encoding: .utf8))
        center = CallCenter(.init(pushParam: "TEAM.org.sidetone.voip"), startPhone: { [hold] in
            guard let phone = await hold.phone else { throw CancellationError() }
            return phone
        })
    }

    func phone(_ user: String, answers: AnswerMode = .manual) async throws -> SidetonePhone {
        let phone = try await signedIn(user, password: "secret-\(user)", answers: answers)
        _ = try await until(phone) { $0.registration.state == .registered }
        return phone
    }

    func signedIn(_ user: String, password: String, answers: AnswerMode = .manual) async throws -> SidetonePhone {
        let phone = try await SidetonePhone.start(PhoneConfig(
            aor: "sip:\(user)@bench.test", password: password, servers: [server], instance: UUID(),
            trust: .pem(text: authority), microphone: .null, speaker: .null, audioGate: .open, answerMode: answers, queues: true, recordings: true, features: true))
        phones.append(phone)
        try await phone.signIn()
        return phone
    }

    /// A customer calls, the agent answers, and both talk.
    func talk(_ agent: SidetonePhone, _ number: String) async throws {
        let customer = try await phone("customer1")
        try await customer.dial(number)
        let rings = try await card(agent) { $0.choices.map(\.words) == ["Answer", "Decline"] }
        try await agent.answer(rings.call)
        _ = try await card(agent) { $0.state == "talking" }
    }

    func until(_ phone: SidetonePhone, _ condition: @escaping @Sendable (Snapshot) -> Bool) async throws -> Snapshot {
        let end = Date(timeIntervalSinceNow: 8)
        while Date() < end {
            let snapshot = phone.snapshot
            if condition(snapshot) { return snapshot }
            try await Task.sleep(nanoseconds: 2_000_000)
        }
        XCTFail("not seen; there is \(phone.snapshot)")
        throw CancellationError()
    }

    func bar(_ phone: SidetonePhone, _ condition: @escaping @Sendable (AgentBar) -> Bool) async throws -> AgentBar {
        let snapshot = try await until(phone) { agentBar($0, Date()).map(condition) == true }
        return try XCTUnwrap(agentBar(snapshot, Date()))
    }

    func card(_ phone: SidetonePhone, _ condition: @escaping @Sendable (CallCard) -> Bool) async throws -> CallCard {
        let snapshot = try await until(phone) { callCards($0, Date()).contains(where: condition) }
        return try XCTUnwrap(callCards(snapshot, Date()).first(where: condition))
    }

    func together(_ phone: SidetonePhone, _ condition: @escaping @Sendable (Together) -> Bool) async throws -> Together {
        let snapshot = try await until(phone) { SidetoneScreens.together($0).map(condition) == true }
        return try XCTUnwrap(SidetoneScreens.together(snapshot))
    }

    /// The first event of which this makes something: a snapshot may be passed over, an event is not.
    func told<T>(_ phone: SidetonePhone, _ of: (Event) -> T?) async throws -> T {
        for await event in phone.events() {
            if let made = of(event.event) { return made }
        }
        throw CancellationError()
    }

    func touch(_ phone: SidetonePhone, _ choices: [Choice], _ words: String) async throws {
        let choice = try XCTUnwrap(choices.first { $0.words == words }, "no \(words) among \(choices)")
        try await send(XCTUnwrap(choice.wish, "\(words) cannot be touched"), center, phone)
    }

    func end() async {
        for phone in phones { await phone.shutdown() }
    }
}

private actor Hold {
    private(set) var phone: SidetonePhone?
    func set(_ phone: SidetonePhone) { self.phone = phone }
}
