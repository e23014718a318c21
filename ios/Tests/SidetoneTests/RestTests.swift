/// The phone sleeps where iOS would suspend it, and is awake where somebody wants it.
import CallKit
import FakePlatform
import UIKit
import XCTest

@testable import Sidetone

final class RestTests: XCTestCase, @unchecked Sendable {
    private let call = UUID()

    @MainActor func testAfterTheLastCallInTheBackgroundThePhoneSleepsAndTheNextPushRingsInTheSameProcess() async {
        let rig = Rig(grace: 0.2)
        rig.app.launchInBackground()
        for call in [call, UUID()] {
            rig.push(call)
            rig.phone.invited(call)
            await rig.until("the phone has it") { rig.phone.call(call) != nil && rig.phone.isAwake }
            rig.kit.userAnswers(call)
            await rig.until("it sounds") { rig.phone.sounds }
            rig.kit.userEnds(call)
            let began = Date()
            XCTAssertEqual(rig.app.tasks.count, 1, "the system is asked for leave at once")
            await rig.until("it sleeps") { !rig.phone.isAwake }
            XCTAssertGreaterThan(Date().timeIntervalSince(began), 0.19, "not before the grace is over")
            await rig.until("nothing keeps it running") { rig.app.tasks.isEmpty }
            await rig.until("it is suspended") { rig.app.suspensions > 0 }
        }
        XCTAssertEqual(rig.phone.said.filter { ["sleeps", "wakes"].contains($0) }, ["sleeps", "wakes", "sleeps"])
        rig.assertRules()
    }

    @MainActor func testACallWithinTheGraceFindsThePhoneAwake() async {
        let rig = Rig(grace: 0.2)
        rig.app.launchInBackground()
        rig.push(call)
        await rig.until("the phone has it") { rig.phone.call(self.call) != nil }
        rig.kit.userEnds(call)
        let next = UUID()
        rig.phone.invited(next)
        await rig.until("it rings") { rig.kit.calls[next]?.isShown == true }
        XCTAssertTrue(rig.app.tasks.isEmpty, "a call keeps the app running")
        try? await Task.sleep(nanoseconds: 300_000_000)
        XCTAssertFalse(rig.phone.said.contains("sleeps"))
        rig.assertRules()
    }

    @MainActor func testInFrontOfTheUserItNeverSleepsAndComingBackWakesIt() async {
        let rig = Rig()
        rig.center.wake()
        await rig.until("it runs") { rig.center.phone != nil }
        try? await Task.sleep(nanoseconds: 200_000_000)
        XCTAssertEqual(rig.phone.said, [])
        rig.app.enterBackground()
        await rig.until("it sleeps") { !rig.phone.isAwake }
        rig.app.enterForeground()
        await rig.until("it is awake") { rig.phone.isAwake }
        // Back before the grace is over: nothing happens.
        rig.app.enterBackground()
        rig.app.enterForeground()
        try? await Task.sleep(nanoseconds: 200_000_000)
        XCTAssertEqual(rig.phone.said, ["sleeps", "wakes"])
        XCTAssertTrue(rig.app.tasks.isEmpty)
        rig.assertRules()
    }

    @MainActor func testWhereTheSystemTakesItsLeaveBackThePhoneSleepsAtOnce() async {
        let rig = Rig(grace: 60)
        rig.app.allowance = 0.1
        rig.app.launchInBackground()
        rig.push(call)
        await rig.until("the phone has it") { rig.phone.call(self.call) != nil }
        rig.kit.userEnds(call)
        await rig.until("it sleeps", within: 1) { !rig.phone.isAwake }
        XCTAssertEqual(rig.app.begun, 1)
        rig.assertRules()
    }

    @MainActor func testAPhoneThatRefusesBecauseACallIsOnItsWayOutIsAskedAgain() async {
        let rig = Rig()
        let leaving = UUID()
        rig.app.launchInBackground()
        rig.push(call)
        await rig.until("the phone has it") { rig.phone.call(self.call) != nil }
        rig.phone.left(leaving, answered: false)
        rig.kit.userEnds(call)
        try? await Task.sleep(nanoseconds: 200_000_000)
        XCTAssertTrue(rig.phone.isAwake)
        rig.phone.over(leaving, .here)
        await rig.until("it sleeps") { !rig.phone.isAwake }
        rig.assertRules()
    }

    @MainActor func testACallFromTheListOfCallsWakesThePhoneFirst() async {
        let rig = Rig()
        rig.app.launchInBackground()
        rig.center.wake()
        await rig.until("it sleeps") { rig.center.phone != nil && !rig.phone.isAwake }
        rig.center.dial("0301")
        await rig.until("it is dialled") { rig.phone.said.contains("dial 0301") }
        XCTAssertEqual(rig.kit.live().count, 1)
        rig.assertRules()
    }
}
