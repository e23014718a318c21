/// Audio that comes back, and routes that are what is shown.
import AVFAudio
import CallKit
import FakePlatform
import XCTest

@testable import Sidetone

final class AudioTests: XCTestCase, @unchecked Sendable {
    private let call = UUID()

    @MainActor func testAudioIsBackWithinASecondOfAnInterruptionWhoeverForgetsWhat() async {
        // The system activates again or not, says that it is over or not, and who ended the cellular call.
        for byOtherSide in [true, false] {
            let rig = await talking()
            rig.kit.cellularCallBegins()
            await rig.until("it is silent and held") { !rig.phone.sounds && rig.phone.call(self.call)?.isHeld == true }
            await rig.settle()
            XCTAssertFalse(rig.phone.audioIsActive)
            let began = Date()
            rig.kit.cellularCallEnds(byOtherSide: byOtherSide)
            await rig.until("it sounds", within: 1) { rig.phone.sounds }
            print("audio: back after \(Int(Date().timeIntervalSince(began) * 1000)) ms, ended by the other side: \(byOtherSide)")
            rig.assertRules()
        }
    }

    @MainActor func testAnInterruptionWithoutAHoldIsMendedToo() async {
        let rig = await talking()
        rig.audio.beginInterruption()
        XCTAssertFalse(rig.phone.audioIsActive)
        rig.audio.endInterruption()
        await rig.until("it sounds", within: 1) { rig.phone.sounds }
        rig.assertRules()
    }

    @MainActor func testWhileTheInterruptionLastsNothingIsActivated() async {
        let rig = await talking()
        rig.audio.beginInterruption()
        try? await Task.sleep(nanoseconds: 800_000_000)
        XCTAssertFalse(rig.phone.audioIsActive)
        rig.assertRules()
    }

    @MainActor func testAfterAResetOfTheMediaServicesTheAudioIsConfiguredAndStartedAnew() async {
        let rig = await talking()
        rig.audio.resetMediaServices()
        XCTAssertFalse(rig.phone.audioIsActive)
        await rig.until("it sounds", within: 1) { rig.phone.sounds }
        XCTAssertEqual(AVAudioSession.sharedInstance().category, .playAndRecord)
        rig.assertRules()
    }

    @MainActor func testTheUsersRouteIsKeptAcrossHotPlugAndWhatIsShownIsWhatIOSConfirmed() async {
        let rig = await talking()
        XCTAssertEqual(rig.center.routing.confirmed, AudioRoute(.earpiece))
        let port = rig.audio.plug(.bluetoothHFP, "Headset")
        let headset = AudioRoute(.bluetooth, name: "Headset", uid: port.uid)
        XCTAssertEqual(rig.center.routing.confirmed, headset)
        rig.center.chooseRoute(AudioRoute(.speaker))
        XCTAssertEqual(rig.center.routing.confirmed, AudioRoute(.speaker))
        // Something else is plugged in, and iOS goes there: the choice stands.
        let wire = rig.audio.plug(.headsetMic, "Wire")
        XCTAssertEqual(rig.center.routing.confirmed, AudioRoute(.speaker))
        rig.center.chooseRoute(headset)
        XCTAssertEqual(rig.center.routing.confirmed, headset)
        rig.audio.unplug(port)
        XCTAssertEqual(rig.center.routing.confirmed?.kind, .wired)
        rig.audio.unplug(wire)
        XCTAssertEqual(rig.center.routing.confirmed, AudioRoute(.earpiece))
        rig.audio.plug(.bluetoothHFP, "Headset")
        XCTAssertEqual(rig.center.routing.confirmed, headset)
        // A wish that is not granted is not shown.
        rig.audio.ignoresRoutes = true
        rig.center.chooseRoute(AudioRoute(.earpiece))
        XCTAssertEqual(rig.center.routing.confirmed, headset)
        rig.audio.ignoresRoutes = false
        rig.audio.refusesRoutes = true
        rig.center.chooseRoute(AudioRoute(.speaker))
        XCTAssertEqual(rig.center.routing.confirmed, headset)
        rig.assertRules()
    }

    func testTheRouterShowsOnlyWhatIsConfirmedAndAsksABoundedNumberOfTimesInEveryState() {
        let routes = [AudioRoute(.earpiece), AudioRoute(.speaker), AudioRoute(.wired, uid: "w"), AudioRoute(.bluetooth, uid: "b")]
        var seen: Set<AudioRouting> = [AudioRouting()]
        var next = Array(seen)
        let sets = (0..<16).map { bits in Set(routes.indices.filter { bits >> $0 & 1 == 1 }.map { routes[$0] }) }
        while let state = next.popLast() {
            var after: [AudioRouting] = []
            for route in routes {
                var chosen = state
                chosen.choose(route)
                XCTAssertEqual(chosen.confirmed, state.confirmed)
                XCTAssertEqual(chosen.choice, route)
                after.append(chosen)
            }
            for available in sets {
                for confirmed in Array(available) + [nil] {
                    var told = state
                    told.report(available, confirmed: confirmed)
                    XCTAssertEqual(told.confirmed, confirmed)
                    XCTAssertEqual(told.choice, state.choice)
                    after.append(told)
                }
            }
            var asking = state
            let request = asking.nextRequest()
            if let request {
                XCTAssertEqual(request, state.choice)
                XCTAssertTrue(state.available.contains(request))
                XCTAssertNotEqual(request, state.confirmed)
            }
            after.append(asking)
            // Without news it stops asking.
            var asked = 0
            while asking.nextRequest() != nil { asked += 1 }
            XCTAssertLessThan(asked, AudioRouting.mostTries)
            for state in after where seen.insert(state).inserted { next.append(state) }
        }
        print("routes: \(seen.count) states")
        XCTAssertGreaterThan(seen.count, 400)
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
