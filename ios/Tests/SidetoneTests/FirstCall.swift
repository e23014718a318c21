/// The first call in ten lines, and the real library in the others.
import XCTest

@testable import Sidetone

func firstCall(server: String, certificate: String, account: String, password: String, to: String) async throws -> TimeInterval? {
    let phone = try await SidetonePhone.start(PhoneConfig(
        aor: account, password: password, servers: [server], instance: UUID(), trust: .pem(text: certificate),
        microphone: .null, speaker: .null))
    try await phone.signIn()
    for await shown in phone.snapshots() where shown.registration.state == .registered { break }
    let call = try await phone.dial(to)
    var heard: TimeInterval?
    for await event in phone.events() { if case .mediaFlowing(_, _, let first?) = event.event { heard = first; break } }
    try await phone.hangUp(call)
    await phone.shutdown()
    return heard
}

final class FirstCall: XCTestCase, @unchecked Sendable {
    func testTheFirstCallIsHeard() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let server = environment["SIDETONE_TEST_SERVER"], let file = environment["SIDETONE_TEST_CA"] else {
            throw XCTSkip("no model PBX: SIDETONE_TEST_SERVER is not set")
        }
        let heard = try await firstCall(
            server: server, certificate: try String(contentsOfFile: file, encoding: .utf8), account: "sip:customer4@bench.test",
            password: "secret-customer4", to: "600")
        XCTAssertNotNil(heard)
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

    func testAConfigurationThatCannotBeUsedSaysWhatToDo() async {
        do {
            _ = try await SidetonePhone.start(config(server: "http://example.com"))
            XCTFail("it started")
        } catch StartError.Config(let what, let advice) {
            XCTAssertTrue(what.contains("http://example.com"), what)
            XCTAssertTrue(advice.contains("wss://"), advice)
        } catch { XCTFail("\(error)") }
    }

    private func config(server: String) -> PhoneConfig {
        PhoneConfig(
            aor: "sip:agent1@example.com", password: "none", servers: [server], instance: UUID(), trust: .pem(text: Self.pem),
            microphone: .null, speaker: .null)
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
