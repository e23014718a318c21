/// The first call in ten lines, and the real library in the others.
import Security
import XCTest

@testable import Sidetone

func firstCall(_ config: PhoneConfig, number: String) async throws {
    let phone = try await SidetonePhone.start(config)
    try await phone.signIn()
    for await shown in phone.snapshots() where shown.registration.state == .registered { break }
    let call = try await phone.dial(number)
    for await event in phone.events() where event.event == .established(call: call) { break }
    try await Task.sleep(nanoseconds: 2_000_000_000)
    try await phone.hangUp(call)
    for await event in phone.events() { if case .ended(call, .local, _) = event.event { break } }
    await phone.shutdown()
}

final class FirstCall: XCTestCase, @unchecked Sendable {
    func testTheFirstCallIsMadeAndEnds() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let server = environment["SIDETONE_TEST_SERVER"], let file = environment["SIDETONE_TEST_CA"] else {
            throw XCTSkip("no model PBX: SIDETONE_TEST_SERVER is not set")
        }
        var config = config(server: server)
        config.trust = .pem(text: try String(contentsOfFile: file, encoding: .utf8))
        config.aor = "sip:customer4@bench.test"
        config.password = "secret-customer4"
        // It returns only where the call was established and has ended.
        try await firstCall(config, number: "600")
    }

    func testWithoutAServerTheLampSaysSoAndEverythingEnds() async throws {
        let phone = try await SidetonePhone.start(config(server: "wss://127.0.0.1:9/ws"))
        try await phone.signIn()
        for await shown in phone.snapshots() where shown.registration.state == .unreachable {
            XCTAssertNotNil(shown.registration.problem)
            break
        }
        do {
            try await phone.answer(UUID())
            XCTFail("there is no such call")
        } catch CommandError.UnknownCall(let what, let advice) {
            XCTAssertFalse(what.isEmpty || advice.isEmpty)
        }
        await phone.shutdown()
        // Streams end with the phone, also those that begin after it; the events are all there still.
        var states: [RegistrationState] = []
        for await event in phone.events() {
            if case .registrationChanged(let registration) = event.event { states.append(registration.state) }
        }
        XCTAssertTrue(states.contains(.unreachable), "\(states)")
        for await _ in phone.snapshots() {}
    }

    func testALinkThatNobodyTrustedHasSignedIsRefusedInWords() throws {
        let link = "sidetone://sign-in?account=sip:a@b&server=wss://c"
        XCTAssertEqual(try parseSignInLink(text: link, trustedKeys: []).servers, ["wss://c:443/ws"])
        let key = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        XCTAssertThrowsError(try parseSignInLink(text: link, trustedKeys: [key])) { error in
            XCTAssertEqual(
                sentences(error),
                "This link does not come from whom this app trusts. "
                    + "Do not use it, and tell your administrator where you have it from.")
        }
    }

    func testAConfigurationThatCannotBeUsedSaysWhatToDo() async {
        do {
            _ = try await SidetonePhone.start(config(server: "http://example.com"))
            XCTFail("it started")
        } catch StartError.Config(let what, let advice) {
            XCTAssertTrue(what.contains("http://example.com"), what)
            XCTAssertTrue(advice.contains("wss://"), advice)
        } catch { XCTFail("\(error)") }
    }

    func testAVaultIsOpenedOnlyByTheKeyInTheKeychain() async throws {
        FakeKeychain.shared.reset()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        let keychain = Keychain(service: "first")
        try await keychain.vault(folder).write(name: "note", content: Data("kept".utf8))
        let again = try await keychain.vault(folder).read(name: "note")
        XCTAssertEqual(again, Data("kept".utf8))
        let raw = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).map { try Data(contentsOf: $0) }
        XCTAssertFalse(raw.contains { $0.range(of: Data("kept".utf8)) != nil })
        do {
            let other = try await Keychain(service: "other").vault(folder).read(name: "note")
            XCTFail("another key opened it: \(String(describing: other))")
        } catch is VaultError {}
    }

    private func config(server: String) -> PhoneConfig {
        PhoneConfig(
            aor: "sip:agent1@example.com", password: "none", servers: [server], instance: UUID(), trust: .pem(text: Self.pem),
            microphone: .null, speaker: .null, audioGate: .open)
    }

    /// Of nobody, for nobody: a phone must have something to trust.
    private static let pem = """
        -----BEGIN CERTIFICATE-----
        MIIBijCCAS+gAwIBAgIUHRRaG4ivMSHQc5thYQwlhD7LNRswCgYIKoZIzj0EAwIw
        GTEXMBUGA1UEAwwObm9ib2R5LmludmFsaWQwIBcNMjYxMTI1MTI1NTU5WhgPMjEy
        NjExMDExMjU1NTlaMBkxFzAVBgNVBAMMDm5vYm9keS5pbnZhbGlkMFkwEwYHKoZI
        zj0CAQYIKoZIzj0DAQcDQgAEZ4ro7d/Wkr2RwvahL9vC3SdvC1zYzT/AS9fFVcDn
        8WZk3dCTpAebiVowfvJapJlXddvubhWJhRofMmwp0G7hNaNTMFEwHQYDVR0OBBYE
        FJln6H5nuThuV74Az/klUqCE5gkEMB8GA1UdIwQYMBaAFJln6H5nuThuV74Az/kl
        UqCE5gkEMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAMyYYgMS
        UUJ8swbB3qpXhwql3RnnXl6H/ZyAbBA7NgjPAiEA62XAy3loJcX9LRxKgFlss8Mw
        MSWEiaozW3MdGE/PdAk=
        -----END CERTIFICATE-----
        """
}
