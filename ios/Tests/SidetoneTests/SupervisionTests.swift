/// A supervision at CallKit: how it is shown, who has its microphone, what holds and ends it; on a scripted phone, and on the
/// real library at the model PBX.
import AVFAudio
import CallKit
import FakePlatform
import XCTest

@testable import Sidetone

final class SupervisionTests: XCTestCase, @unchecked Sendable {
    private let call = UUID()

    @MainActor private func supervising(_ how: Supervising, _ name: String = "Anna") async -> Rig {
        let rig = Rig()
        rig.center.wake()
        await rig.until("the phone is there") { rig.center.phone != nil }
        rig.phone.supervises(call, .asked, name)
        rig.phone.answeredThere(call)
        rig.phone.supervises(call, how, name)
        await rig.until("it sounds") { rig.phone.sounds && rig.kit.calls[self.call]?.isConnected == true }
        return rig
    }

    @MainActor private func ends(_ rig: Rig, _ cause: Cause = .remote, _ shown: CXCallEndedReason = .remoteEnded) async {
        rig.phone.over(call, cause)
        await rig.until("it is gone") { rig.kit.live().isEmpty }
        XCTAssertEqual(rig.kit.calls[call]?.ended, .reported(shown))
        rig.assertRules()
    }

    @MainActor func testItIsShownByTheAgentsNameAndWhatItIsAndIsNoNumber() async {
        // An endpoint may be called by digits, and is no number for that.
        for name in ["Anna", "1002"] {
            let rig = await supervising(.listens, name)
            for how in Supervising.allCases {
                rig.phone.supervises(call, how, name)
                let label = "\(name) · \(CallCenter.Settings(pushParam: "").supervisionWords(how))"
                await rig.until(label) { rig.kit.calls[self.call]?.update.localizedCallerName == label }
            }
            let update = rig.kit.calls[call]?.update
            XCTAssertEqual(update?.remoteHandle?.type, .generic)
            XCTAssertEqual([update?.supportsHolding, update?.supportsDTMF, update?.supportsGrouping], [true, false, false])
            XCTAssertFalse(rig.phone.said.contains { $0.hasPrefix("dial") })
            await ends(rig)
        }
    }

    @MainActor func testWhatItHasBecomeBeforeCallKitTakesItIsShownAndAnEndBeforeIsTheEnd() async {
        let rig = Rig()
        rig.center.wake()
        await rig.until("the phone is there") { rig.center.phone != nil }
        rig.phone.supervises(call, .asked)
        rig.phone.supervises(call, .waits)
        await rig.until("it is shown") { rig.kit.calls[self.call]?.update.localizedCallerName == "Anna · waiting for a call" }
        let gone = UUID()
        rig.phone.supervises(gone, .asked)
        rig.phone.over(gone, .failed)
        await rig.until("refused") { rig.kit.calls[gone]?.hasEnded == true }
        await ends(rig, .failed, .failed)
    }

    @MainActor func testItIsShownMutedUntilTheMicrophoneIsOpenAndTheUsersOwnMuteIsKept() async {
        let rig = await supervising(.listens)
        func isShownMuted(_ on: Bool) async { await rig.until("muted: \(on)") { rig.kit.calls[self.call]?.isMuted == on } }
        await isShownMuted(true)
        rig.kit.userMutes(call, false)
        await rig.until("it was tried") { rig.phone.said.contains("mute false") }
        await isShownMuted(true)
        await rig.settle()
        XCTAssertEqual(rig.kit.calls[call]?.isMuted, true)
        rig.phone.supervises(call, .whispers)
        await isShownMuted(false)
        rig.kit.userMutes(call, true)
        await rig.until("muted by the user") { rig.phone.call(self.call)?.isMuted == true }
        for how in [Supervising.bargesIn, .listens, .whispers] { rig.phone.supervises(call, how) }
        await rig.settle()
        XCTAssertEqual(rig.kit.calls[call]?.isMuted, true)
        rig.kit.userMutes(call, false)
        await isShownMuted(false)
        XCTAssertEqual(rig.phone.said.filter { $0.hasPrefix("mute") }, ["mute false", "mute true", "mute false"])
        await ends(rig)
    }

    /// What CallKit is told of one change is still on its way when the next one comes: none of it is the user's wish.
    @MainActor func testHoweverFastItsMicrophoneOpensAndClosesTheLastIsShownAndNoneIsTakenForTheUsers() async {
        let rig = await supervising(.listens)
        rig.kit.delay = 0.01
        /// When nothing is on its way any more.
        func isShownMuted(_ on: Bool, _ what: String) async {
            try? await Task.sleep(nanoseconds: 50_000_000)
            await rig.until("muted: \(on), \(what)") { rig.kit.calls[self.call]?.isMuted == on }
        }
        for (changes, pause) in (1...6).flatMap({ changes in (0...4).map { (changes, UInt64($0) * 4_000_000) } }) {
            for change in 0..<changes {
                rig.phone.supervises(call, change % 2 == 0 ? .whispers : .listens)
                try? await Task.sleep(nanoseconds: pause)
            }
            await isShownMuted(changes % 2 == 0, "after \(changes) changes")
            rig.phone.supervises(call, .listens)
            await isShownMuted(true, "again")
        }
        XCTAssertEqual(rig.phone.said.filter { $0.hasPrefix("mute") }, [])
        await ends(rig)
    }

    @MainActor func testItGivesWayToACellularCallAndToOneThatComesInAndIsBackAfterThem() async {
        let rig = await supervising(.whispers)
        rig.kit.cellularCallBegins()
        await rig.until("held and silent") { rig.phone.call(self.call)?.isHeld == true && !rig.phone.audioIsActive }
        rig.kit.cellularCallEnds(byOtherSide: false)
        await rig.until("it sounds again") { rig.phone.sounds && rig.phone.call(self.call)?.isHeld == false }
        let other = UUID()
        rig.push(other)
        rig.phone.invited(other)
        await rig.until("another rings") { rig.phone.call(other) != nil && rig.kit.calls[other]?.isShown == true }
        XCTAssertTrue(rig.phone.sounds)
        rig.kit.userAnswers(other)
        await rig.until("the other talks") { rig.phone.call(self.call)?.isHeld == true && rig.phone.call(other)?.isAnswered == true }
        rig.kit.userMerges(call, with: other)
        await rig.settle()
        XCTAssertFalse(rig.phone.said.contains("merge"), "the screen offers none")
        rig.phone.over(other, .remote)
        rig.kit.userHolds(call, false)
        await rig.until("back") { rig.phone.sounds && rig.kit.calls[self.call]?.isHeld == false }
        await ends(rig)
    }

    @MainActor func testItIsInNoListOfCallsHoweverItEndsAndTheNextCallIs() async {
        for byUser in [false, true] {
            let rig = await supervising(.listens)
            if byUser {
                rig.kit.userEnds(call)
                await rig.until("it is hung up") { rig.phone.said.contains("hang up") && rig.kit.live().isEmpty }
            } else {
                await ends(rig)
            }
            await rig.settle()
            let next = UUID()
            rig.push(next)
            await rig.until("the next rings") { rig.kit.calls[next]?.isShown == true && rig.phone.call(next) != nil }
            rig.phone.over(next, .missed)
            await rig.until("it is over") { rig.kit.live().isEmpty }
            XCTAssertEqual(rig.kit.recents, [next], "by the user: \(byUser)")
            rig.assertRules()
        }
    }
}
