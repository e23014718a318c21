/// Every order of what can happen to one call, on a platform that forgives nothing.
import CallKit
import FakePlatform
import XCTest

@testable import Sidetone

final class OrdersTests: XCTestCase, @unchecked Sendable {
    enum Step: String, CaseIterable { case push, pushAgain, invite, answer, end, activation, cancel, phone, interruption }

    /// All orders of all selections that begin with a push, each played by a fresh centre and a fresh phone.
    @MainActor func testEveryOrderOfACallKeepsTheRulesAndEndsOnce() async throws {
        var played = 0
        for order in orders() {
            try await play(order)
            played += 1
            // One that fails says enough.
            if let run = testRun, run.failureCount > 0 { return }
        }
        print("orders: \(played) played")
        XCTAssertGreaterThan(played, 1500)
    }

    private func orders() -> [[Step]] {
        let rest: [Step] = [.pushAgain, .invite, .answer, .activation, .cancel, .phone]
        var all: [[Step]] = permutations(rest).map { [.push] + $0 }
        // In place of the cancel the user ends it, or an interruption comes between.
        all += permutations([.pushAgain, .invite, .answer, .activation, .end, .phone]).map { [.push] + $0 }
        all += permutations([.invite, .answer, .activation, .interruption, .end]).map { [.phone, .push] + $0 }
        // The INVITE before any push: in the foreground.
        all += permutations([.push, .answer, .activation, .cancel]).map { [.phone, .invite] + $0 }
        return all
    }

    @MainActor private func play(_ order: [Step]) async throws {
        // It falls asleep between any two steps that leave it idle.
        let rig = Rig(grace: 0)
        let call = UUID()
        let name = order.map(\.rawValue).joined(separator: " ")
        rig.kit.activation = .manual
        rig.door.set(open: false)
        // Where a push is the first of all, the app is not before anybody.
        if order[0] == .push { rig.app.launchInBackground() }
        var answered = false, ended = false
        for step in order {
            switch step {
            case .push, .pushAgain: rig.push(call)
            case .phone:
                rig.center.wake()
                rig.door.set(open: true)
            case .invite: rig.phone.invited(call)
            case .answer:
                if rig.kit.calls[call]?.hasEnded == false {
                    rig.kit.userAnswers(call)
                    answered = true
                }
            case .end:
                if rig.kit.calls[call]?.hasEnded == false {
                    rig.kit.userEnds(call)
                    ended = true
                }
            case .activation: if answered, rig.kit.calls[call]?.hasEnded == false { rig.kit.activate() }
            case .cancel: rig.phone.over(call, .missed)
            case .interruption:
                rig.audio.beginInterruption()
                rig.audio.endInterruption()
            }
            await rig.settle()
            // One call at CallKit, whatever came.
            XCTAssertLessThanOrEqual(rig.kit.live().count, 1, name)
            let here = "\(name), after \(step.rawValue)"
            // What the user has ended stays so, whatever comes later.
            if ended { await rig.until("\(here): it is over", within: 1) { rig.kit.live().isEmpty } }
            // A phone that is there has no call that CallKit does not know.
            await rig.until("\(here): CallKit knows what the phone has", within: 1) {
                rig.center.phone == nil || rig.phone.calls().allSatisfy { $0.over || rig.kit.calls[$0.call]?.hasEnded == false }
            }
            if rig.phone.audioIsActive { XCTAssertTrue(rig.audio.isActive, name) }
        }
        rig.door.set(open: true)
        await rig.settle()
        // What the phone has is what CallKit shows, and it sounds as soon as it may.
        let there = rig.phone.call(call).map { !$0.isOver } ?? false
        await rig.until("\(name): CallKit shows what the phone has", within: 1) { (rig.kit.calls[call]?.hasEnded == false) == there }
        if there, answered, rig.audio.isActive, rig.phone.call(call)?.isInvited == true { XCTAssertTrue(rig.phone.sounds, name) }
        // And it ends.
        rig.phone.over(call, .remote)
        await rig.until("\(name): it ends", within: 1) { rig.kit.live().isEmpty }
        if order[0] == .push { await rig.until("\(name): it sleeps", within: 1) { !rig.phone.isAwake && rig.app.tasks.isEmpty } }
        XCTAssertEqual(rig.phone.said.filter { $0 == "answer" }.count <= 1, true, name)
        rig.assertRules(name)
    }

    private func permutations(_ steps: [Step]) -> [[Step]] {
        guard let first = steps.first else { return [[]] }
        return permutations(Array(steps.dropFirst())).flatMap { rest in
            (0...rest.count).map { Array(rest[..<$0]) + [first] + rest[$0...] }
        }
    }
}
