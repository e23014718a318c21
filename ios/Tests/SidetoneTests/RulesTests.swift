/// The strict platform catches who breaks its rules: without this, that nobody was caught would say nothing.
import AVFAudio
import CallKit
import FakePlatform
import PushKit
import Security
import UIKit
import XCTest

@testable import Sidetone

/// An app that does nothing right.
private final class Careless: NSObject, CXProviderDelegate, PKPushRegistryDelegate {
    var onAnswer: (CXAnswerCallAction) -> Void = { _ in }
    var onPush: (@escaping () -> Void) -> Void = { $0() }
    func providerDidReset(_ provider: CXProvider) {}
    func provider(_ provider: CXProvider, perform action: CXAnswerCallAction) { onAnswer(action) }
    func pushRegistry(_ registry: PKPushRegistry, didUpdate pushCredentials: PKPushCredentials, for type: PKPushType) {}
    func pushRegistry(_ registry: PKPushRegistry, didInvalidatePushTokenFor type: PKPushType) {}
    func pushRegistry(
        _ registry: PKPushRegistry, didReceiveIncomingPushWith payload: PKPushPayload, for type: PKPushType,
        completion: @escaping () -> Void
    ) { onPush(completion) }
    func pushRegistry(
        _ registry: PKPushRegistry, didReceiveIncomingVoIPPushWith payload: PKPushPayload, metadata: PKVoIPPushMetadata,
        withCompletionHandler completion: @escaping @Sendable () -> Void
    ) { onPush(completion) }
}

final class RulesTests: XCTestCase, @unchecked Sendable {
    @MainActor func testEachRuleCatchesWhoBreaksIt() async {
        let platform = FakePlatform.shared
        let app = Careless()
        func caught(_ rule: Rule, line: UInt = #line, _ what: () async -> Void) async {
            _ = Rig()
            platform.reset()
            FakeCallKit.shared.reset()
            FakePushKit.shared.reset()
            FakePushKit.shared.patience = 0.02
            FakeCallKit.shared.patience = 0.02
            app.onAnswer = { $0.fulfill() }
            app.onPush = { $0() }
            await what()
            try? await Task.sleep(nanoseconds: 60_000_000)
            XCTAssertEqual(platform.broken.first?.rule, rule, "\(platform.broken)", line: line)
            left.remove(rule)
        }
        var left = Set(Rule.allCases)
        func provider() -> CXProvider {
            let provider = CXProvider(configuration: CXProviderConfiguration())
            provider.setDelegate(app, queue: .main)
            return provider
        }
        func registry() -> PKPushRegistry {
            let registry = PKPushRegistry(queue: .main)
            registry.delegate = app
            registry.desiredPushTypes = [.voIP]
            return registry
        }
        let call = UUID()
        await caught(.pushUnreported) { let registry = registry(); FakePushKit.shared.deliver([:]); _ = registry }
        await caught(.pushNotCompleted) {
            let (provider, registry) = (provider(), registry())
            app.onPush = { _ in provider.reportNewIncomingCall(with: call, update: CXCallUpdate()) { _ in } }
            FakePushKit.shared.deliver([:])
            try? await Task.sleep(nanoseconds: 60_000_000)
            _ = registry
        }
        await caught(.pushWithoutDelegate) { FakePushKit.shared.deliver([:]) }
        await caught(.secondProvider) { let first = provider(); _ = provider(); _ = first }
        await caught(.providerWithoutDelegate) {
            let provider = CXProvider(configuration: CXProviderConfiguration())
            provider.reportNewIncomingCall(with: call, update: CXCallUpdate()) { _ in }
        }
        await caught(.actionNotCompleted) {
            let provider = provider()
            app.onAnswer = { _ in }
            provider.reportNewIncomingCall(with: call, update: CXCallUpdate()) { _ in }
            FakeCallKit.shared.userAnswers(call)
            try? await Task.sleep(nanoseconds: 60_000_000)
        }
        await caught(.categoryNotSet) {
            let provider = provider()
            FakeAudioSession.shared.reset()
            provider.reportNewIncomingCall(with: call, update: CXCallUpdate()) { _ in }
            FakeCallKit.shared.userAnswers(call)
        }
        await caught(.actionCompletedTwice) {
            let provider = provider()
            try? AVAudioSession.sharedInstance().setCategory(.playAndRecord, mode: .voiceChat)
            app.onAnswer = { $0.fulfill(); $0.fail() }
            provider.reportNewIncomingCall(with: call, update: CXCallUpdate()) { _ in }
            FakeCallKit.shared.userAnswers(call)
        }
        await caught(.knownCallReported) {
            let provider = provider()
            for _ in 0..<2 { provider.reportNewIncomingCall(with: call, update: CXCallUpdate()) { _ in } }
        }
        await caught(.unknownCallReported) { provider().reportCall(with: call, endedAt: nil, reason: .failed) }
        await caught(.endedBeforeShown) {
            let provider = provider()
            provider.reportNewIncomingCall(with: call, update: CXCallUpdate()) { _ in }
            provider.reportCall(with: call, endedAt: nil, reason: .failed)
        }
        await caught(.activatedByApp) { try? AVAudioSession.sharedInstance().setActive(true) }
        await caught(.audioBeforeActivation) { FakeAudioSession.shared.audioStarts("test") }
        await caught(.backgroundTaskNotEnded) {
            FakeApplication.shared.allowance = 0.02
            _ = UIApplication.shared.beginBackgroundTask(withName: "test") {}
            try? await Task.sleep(nanoseconds: 60_000_000)
        }
        await caught(.suspendedConnected) {
            FakeApplication.shared.patience = 0.02
            FakeApplication.shared.isConnected = { true }
            FakeApplication.shared.enterBackground()
        }
        await caught(.keychainClass) {
            let item = NSDictionary(dictionary: [
                kSecClass: kSecClassGenericPassword, kSecAttrService: "s", kSecAttrAccount: "a", kSecValueData: Data(),
            ] as [String: Any])
            _ = SecItemAdd(item, nil)
        }
        await caught(.notOnMainThread) {
            await Task.detached { try? AVAudioSession.sharedInstance().setActive(false) }.value
        }
        XCTAssertEqual(left, [])
    }
}
