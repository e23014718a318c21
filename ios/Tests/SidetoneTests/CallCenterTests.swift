/// What happens to calls between the lock screen, pushes and the phone.
import CallKit
import FakePlatform
import Network
import PushKit
import Security
import XCTest

@testable import Sidetone

final class CallCenterTests: XCTestCase, @unchecked Sendable {
    private let call = UUID()

    @MainActor func testAPushIsReportedBeforeItsHandlerReturnsWhateverIsInIt() async {
        for (system, payload) in [true, false].flatMap({ system in
            [[:], ["call": 7], ["call": "x", "kind": "incoming"], ["a": Date()], ["call": call.uuidString, "kind": "odd"],
             ["call": call.uuidString, "kind": "incoming"], ["call": call.uuidString, "kind": "cancelled"]].map { (system, $0 as [AnyHashable: Any]) }
        }) {
            let rig = Rig()
            rig.pushes.systemHasMetadata = system
            rig.door.set(open: false)
            rig.pushes.deliver(payload)
            XCTAssertEqual(rig.kit.reports.count, 1, "\(payload)")
            await rig.until("it is completed") { rig.pushes.incomplete == 0 }
            let rings = payload["kind"] as? String == "incoming" && payload["call"] as? String == call.uuidString
            await rig.until("only a call rings: \(payload)") { rig.kit.live().count == (rings ? 1 : 0) }
            rig.assertRules("\(payload)")
        }
    }

    @MainActor func testWhereNoReportIsDemandedACancelDoesNotFlashUp() async {
        let rig = Rig()
        rig.push(call)
        await rig.until("it rings") { rig.phone.call(self.call) != nil }
        rig.push(call, "cancelled", mustReport: false)
        await rig.until("it ends") { rig.kit.calls[self.call]?.ended == .reported(.unanswered) }
        rig.push(UUID(), "cancelled", mustReport: false)
        await rig.settle()
        XCTAssertEqual(rig.kit.reports.count, 1)
        rig.assertRules()
    }

    @MainActor func testAPhoneThatCannotStartEndsTheCallAndTheNextPushTriesAgain() async {
        struct Broken: Error {}
        let rig = Rig()
        rig.door.set(open: false, failure: Broken())
        rig.push(call)
        await rig.until("it ends") { rig.kit.calls[self.call]?.ended == .reported(.failed) }
        rig.door.set(open: true)
        let next = UUID()
        rig.push(next)
        await rig.until("the phone has it") { rig.phone.call(next) != nil }
        rig.assertRules()
    }

    @MainActor func testBeforeTheFirstUnlockItRingsAndCanBeAnsweredOnceTheKeyIsThere() async {
        let rig = Rig()
        rig.door.set(open: false, failure: Keychain.Failure.locked)
        rig.push(call)
        rig.kit.userAnswers(call)
        XCTAssertEqual(rig.kit.calls[call]?.isConnected, true)
        rig.door.set(open: true)
        rig.phone.invited(call)
        await rig.until("it sounds") { rig.phone.sounds }
        rig.assertRules()
    }

    @MainActor func testBeforeTheFirstUnlockTheDeadlineEndsIt() async {
        let rig = Rig(deadline: -1)
        rig.door.set(open: false, failure: Keychain.Failure.locked)
        rig.push(call)
        await rig.until("it ends", within: 4) { rig.kit.calls[self.call]?.ended == .reported(.unanswered) }
        rig.assertRules()
    }

    @MainActor func testACallThatWasDecidedBeforeThisProcessLivedDoesNotRingOn() async {
        let rig = Rig()
        rig.phone.decided = [call]
        rig.push(call)
        await rig.until("it ends") { rig.kit.calls[self.call]?.hasEnded == true }
        rig.push(call)
        await rig.until("it ends again") { rig.kit.live().isEmpty }
        rig.assertRules()
    }

    @MainActor func testWhatAProcessLeftThatHasDiedIsReportedAndAnsweredWhereTheUserHad() async {
        let rig = Rig()
        let ringing = UUID(), answered = UUID()
        rig.kit.activation = .manual
        rig.phone.left(ringing, answered: false)
        rig.phone.left(answered, answered: true)
        rig.center.wake()
        await rig.until("both are reported") { rig.kit.live().count == 2 }
        await rig.until("one is answered") { rig.kit.calls[answered]?.isConnected == true }
        XCTAssertEqual(rig.kit.calls[ringing]?.isConnected, false)
        rig.assertRules()
    }

    @MainActor func testDoNotDisturbGivesTheCallBackToTheQueue() async {
        let rig = Rig()
        rig.kit.refusal = .filteredByDoNotDisturb
        rig.push(call)
        await rig.until("it is refused as busy") { rig.phone.said.contains("decline busy") }
        rig.assertRules()
    }

    @MainActor func testMuteHoldAndDigitsAreSetAsTheScreenSaysAndNeverToggled() async {
        let rig = await talking()
        for on in [true, true, false, false] { rig.kit.userMutes(call, on) }
        for on in [true, true, false] { rig.kit.userHolds(call, on) }
        rig.kit.userPlays(call, "1,2p#")
        await rig.until("all is done") { rig.phone.said.contains("dtmf 12#") }
        XCTAssertEqual(rig.phone.said.filter { $0.hasPrefix("mute") }.suffix(4), ["mute true", "mute true", "mute false", "mute false"])
        XCTAssertEqual(rig.phone.said.filter { $0.hasPrefix("hold") }, ["hold true", "hold false"])
        XCTAssertEqual(rig.kit.calls[call]?.isHeld, false)
        rig.assertRules()
    }

    @MainActor func testAHoldThatTheOtherSideRefusesIsTakenBackOnTheScreen() async {
        let rig = await talking()
        rig.phone.refusesHold = true
        rig.kit.userHolds(call, true)
        await rig.until("the screen shows the truth") { rig.phone.said.contains("hold true") && rig.kit.calls[self.call]?.isHeld == false }
        await rig.settle()
        XCTAssertEqual(rig.phone.said.filter { $0.hasPrefix("hold") }, ["hold true"])
        rig.assertRules()
    }

    @MainActor func testCallsAreMergedAndSplitOnTheScreen() async {
        let (rig, second) = await talkingToTwo()
        rig.kit.userMerges(second, with: call)
        await rig.until("both talk as one") { rig.group == 2 && self.held(rig, second) == [false, false] }
        await rig.settle()
        XCTAssertEqual(rig.phone.said.filter { $0 == "merge" }.count, 1)
        rig.kit.userSplits(call)
        await rig.until("one talks alone") { rig.group == 0 && self.held(rig, second) == [false, true] }
        await rig.settle()
        XCTAssertEqual(rig.phone.said.filter { $0 == "split" }.count, 1)
        rig.assertRules()
    }

    @MainActor func testWhatTheAppMergesTheScreenShowsUntilOneIsLeft() async throws {
        let (rig, second) = await talkingToTwo()
        try await rig.phone.merge([call, second])
        await rig.until("both talk as one") { rig.group == 2 && self.held(rig, second) == [false, false] }
        rig.phone.over(second, .remote)
        await rig.until("one is left") { rig.group == 0 && rig.kit.live() == [self.call] }
        rig.kit.userHolds(call, true)
        await rig.until("it can be held") { rig.phone.call(self.call)?.isHeld == true && rig.kit.calls[self.call]?.isHeld == true }
        rig.assertRules()
    }

    func testACallerWhoIsBackSaysFromWhere() {
        let pushed = ShownCaller(name: "Erika", number: "0301", queue: "support")
        let invited = ShownCaller(number: "0301", returnedFrom: "1002").or(pushed)
        XCTAssertEqual(invited.title, "Erika · support · ↩ 1002")
        XCTAssertNil(ShownCaller(number: "0301").title)
    }

    @MainActor func testAMergeThatThePhoneRefusesIsNotShown() async {
        let (rig, second) = await talkingToTwo()
        rig.phone.refusesMerge = true
        rig.kit.userMerges(second, with: call)
        await rig.until("it was tried") { rig.phone.said.contains("merge") }
        await rig.settle()
        XCTAssertEqual(rig.group, 0)
        XCTAssertEqual(rig.kit.live().count, 2)
        rig.assertRules()
    }

    @MainActor func testCallsAreSwappedOnTheScreenAndInTheApp() async throws {
        let (rig, second) = await talkingToTwo()
        rig.kit.userSwaps()
        await rig.until("the first talks") { self.held(rig, second) == [false, true] }
        try await rig.phone.setHold(second, false)
        await rig.until("the second talks") { self.held(rig, second) == [true, false] }
        rig.assertRules()
    }

    /// As phone and screen agree that the first and the second are held; nil where they do not.
    @MainActor private func held(_ rig: Rig, _ second: UUID) -> [Bool?] {
        [call, second].map { rig.phone.call($0)?.isHeld == rig.kit.calls[$0]?.isHeld ? rig.kit.calls[$0]?.isHeld : nil }
    }

    @MainActor private func talkingToTwo() async -> (Rig, UUID) {
        let rig = await talking()
        let second = UUID()
        rig.push(second)
        rig.phone.invited(second)
        await rig.until("both are there") { rig.phone.call(second) != nil }
        rig.kit.userAnswers(second)
        await rig.until("the second talks") { self.held(rig, second) == [true, false] && rig.phone.sounds }
        return (rig, second)
    }

    @MainActor func testASecondCallThatIsAnsweredHoldsTheFirst() async {
        let rig = await talking()
        let second = UUID()
        rig.push(second)
        rig.phone.invited(second)
        await rig.until("both are there") { rig.phone.call(second) != nil }
        rig.kit.userAnswers(second)
        await rig.until("the first is held") { rig.phone.call(self.call)?.isHeld == true && rig.phone.call(second)?.isAnswered == true }
        await rig.until("the second sounds") { rig.phone.sounds }
        rig.assertRules()
    }

    @MainActor func testAnOutgoingCallGoesThroughTheCallScreen() async {
        let rig = Rig()
        rig.center.wake()
        rig.center.dial("0301")
        await rig.until("it is dialled") { rig.phone.said.contains("dial 0301") }
        let out = rig.kit.live()[0]
        rig.phone.answeredThere(out)
        await rig.until("it sounds") { rig.phone.sounds && rig.kit.calls[out]?.isConnected == true }
        rig.center.end(out)
        await rig.until("it is hung up") { rig.phone.said.contains("hang up") && rig.kit.live().isEmpty }
        rig.assertRules()
    }

    @MainActor func testACallThatThePhoneWasSentToIsOnTheCallScreenHoweverFastItIsAnswered() async {
        for isFast in [false, true] {
            let rig = Rig()
            rig.center.wake()
            await rig.until("the phone is there") { rig.center.phone != nil }
            let out = UUID()
            rig.phone.sentOn(out)
            if isFast { rig.phone.answeredThere(out) }
            await rig.until("it is on the screen") { rig.kit.live() == [out] }
            if !isFast { rig.phone.answeredThere(out) }
            await rig.until("it sounds") { rig.phone.sounds && rig.kit.calls[out]?.isConnected == true }
            XCTAssertFalse(rig.phone.said.contains { $0.hasPrefix("dial") })
            rig.phone.over(out, .remote)
            await rig.until("it is gone") { rig.kit.live().isEmpty }
            rig.assertRules()
        }
    }

    @MainActor func testACallThatWasMutedAndIsSentOnIsShownMutedUntilTheUserOpensIt() async {
        for isFast in [false, true] {
            let rig = Rig()
            rig.center.wake()
            await rig.until("the phone is there") { rig.center.phone != nil }
            let out = UUID()
            rig.phone.sentOn(out, isMuted: true)
            if isFast { rig.phone.answeredThere(out) }
            await rig.until("it is on the screen") { rig.kit.live() == [out] }
            if !isFast { rig.phone.answeredThere(out) }
            await rig.until("it is shown muted") { rig.kit.calls[out]?.isMuted == true }
            await rig.settle()
            XCTAssertFalse(rig.phone.said.contains { $0.hasPrefix("mute") })
            rig.kit.userMutes(out, false)
            await rig.until("it is open") { rig.phone.call(out)?.isMuted == false }
            await rig.settle()
            XCTAssertEqual(rig.kit.calls[out]?.isMuted, false)
            XCTAssertEqual(rig.phone.said.filter { $0.hasPrefix("mute") }, ["mute false"])
            rig.assertRules()
        }
    }

    @MainActor func testAResetOfTheProviderEndsEveryCallAndTheAudio() async {
        let rig = await talking()
        rig.kit.resetProvider()
        await rig.until("it is hung up") { rig.phone.said.contains("hang up") && !rig.phone.audioIsActive }
        rig.assertRules()
    }

    @MainActor func testAPhoneThatDiesTakesItsCallsFromTheScreen() async {
        let rig = await talking()
        rig.phone.dies()
        await rig.until("it ends") { rig.kit.calls[self.call]?.ended == .reported(.failed) }
        rig.assertRules()
    }

    @MainActor func testTheTokenIsHandedOverAndTakenBack() async {
        let rig = Rig()
        rig.pushes.issueToken(Data([0xde, 0xad, 0x01]))
        rig.center.wake()
        rig.pushes.invalidateToken()
        await rig.until("both are said") { rig.phone.said == ["token dead01", "token none"] }
    }

    @MainActor func testAnotherNetworkIsToldAndTheSameIsNot() async {
        let rig = Rig()
        rig.center.wake()
        await rig.until("it runs") { rig.center.phone != nil }
        FakeNetwork.shared.become(.satisfied, [(.wifi, "en0")])
        FakeNetwork.shared.become(.satisfied, [(.cellular, "pdp_ip0")])
        XCTAssertEqual(rig.phone.said, ["network"])
        FakeNetwork.shared.become(.satisfied, [(.wifi, "en0"), (.cellular, "pdp_ip0")])
        XCTAssertEqual(rig.phone.said, ["network", "network beside the old"])
    }

    @MainActor func testTheKeyIsMadeOnceAndNeverWhileItCannotBeRead() async throws {
        FakeKeychain.shared.reset()
        FakePlatform.shared.reset()
        let keychain = Keychain(service: "test")
        FakeKeychain.shared.isBeforeFirstUnlock = true
        XCTAssertThrowsError(try keychain.vaultKey()) { XCTAssertEqual($0 as? Keychain.Failure, .locked) }
        FakeKeychain.shared.isBeforeFirstUnlock = false
        let key = try keychain.vaultKey()
        XCTAssertEqual(key.count, 32)
        XCTAssertEqual(try keychain.vaultKey(), key)
        FakeKeychain.shared.isBeforeFirstUnlock = true
        XCTAssertThrowsError(try keychain.vaultKey())
        FakeKeychain.shared.isBeforeFirstUnlock = false
        XCTAssertEqual(try keychain.vaultKey(), key)
        XCTAssertEqual(try keychain.instance(), try keychain.instance())
        XCTAssertEqual(FakePlatform.shared.broken.count, 0)
    }

    @MainActor private func talking() async -> Rig {
        let rig = Rig()
        rig.push(call)
        rig.phone.invited(call)
        await rig.until("the phone has it") { rig.phone.call(self.call) != nil }
        rig.kit.userAnswers(call)
        await rig.until("it sounds") { rig.phone.sounds }
        return rig
    }
}
