/// A thin app on the package: who signs in, and the phone that the screens show. What rings does so through CallKit.
///
/// Only compiled against stand-ins where this project is tested: behaviour needs Xcode. What the screens show is decided in
/// `SidetoneScreens`, which is tested everywhere.
import AVFAudio
import Sidetone
import SidetoneScreens
import SwiftUI
import UIKit

@main
struct SampleApp: App {
    @UIApplicationDelegateAdaptor(Delegate.self) private var delegate
    var body: some Scene {
        WindowGroup { ContentView(model: delegate.model) }
    }
}

final class Delegate: NSObject, UIApplicationDelegate {
    @MainActor let model = Model()

    // In every launch, also one by a push: the registry must be there when this returns.
    func application(
        _ application: UIApplication, didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]?
    ) -> Bool {
        model.launch()
        return true
    }
}

/// Whose sign-in links are taken, as `sidetone link-key` prints it. Nobody's: every link is.
private let trustedKeys: [String] = []

/// Which calls the phone answers by itself. It opens a microphone: whoever builds the app decides, and the server may narrow it.
private let answerMode = AnswerMode.manual

/// STUN and TURN servers. None: Asterisk on a public address needs none where networks let UDP pass.
private let stunAndTurn: [IceServer] = []

/// A sound file of the app's bundle; nil: the system's ringtone.
private let ringtone: String? = nil

/// The last snapshot for the screens, and what they ask for sent to the phone. It decides nothing.
@MainActor
final class Model: ObservableObject {
    @Published private(set) var snapshot: Snapshot?
    @Published private(set) var routing = AudioRouting()
    /// Nil: being asked.
    @Published private(set) var iceServers: [IceServerCheck]?
    @Published private(set) var account: SignIn?
    /// What was refused or went wrong last, with what to do.
    @Published var problem: String?
    @Published private(set) var history: [HistoryEntry] = []
    @Published private(set) var messages = MessagePage(messages: [], more: false)
    /// Something came in since somebody looked.
    @Published var hasNews = false
    private var messagesWanted = Model.fewMessages
    private static let fewMessages = 50
    private var phone: SidetonePhone?
    private var typed = ""
    private var center: CallCenter?
    private var isWatching = false
    private var asksIceServers = false
    nonisolated static let keychain = Keychain(service: "org.sidetone.sample")

    func launch() {
        let center = CallCenter(
            .init(pushParam: "TEAM.org.sidetone.sample.voip", ringtone: ringtone),
            startPhone: { [weak self] in
                guard let data = try Self.keychain.read("sign-in") else { throw CancellationError() }
                let who = try JSONDecoder().decode(SignIn.self, from: data)
                let folder = try FileManager.default.url(
                    for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
                let vault = try await Self.keychain.vault(folder.appendingPathComponent("sidetone"))
                let phone = try await SidetonePhone.start(PhoneConfig(
                    aor: who.account, displayName: who.name, username: who.username, password: who.password,
                    servers: who.servers, instance: try Self.keychain.instance(), trust: .platform, iceServers: stunAndTurn, microphone: .default,
                    speaker: .default, audioGate: .platform, answerMode: answerMode, queues: true, recordings: true, features: true), vault: vault)
                try await phone.signIn()
                await self?.show(phone, who)
                return phone
            })
        center.onRouting = { [weak self] in self?.routing = $0 }
        center.onRefusal = { [weak self] in self?.problem = sentences($0) }
        self.center = center
        center.wake()
        AVAudioSession.sharedInstance().requestRecordPermission { _ in }
    }

    private func show(_ phone: SidetonePhone, _ account: SignIn) {
        self.phone = phone
        self.account = account
        isWatching = false
        let began = Date()
        Task { for await snapshot in phone.snapshots() where self.phone === phone { self.snapshot = snapshot } }
        Task { for await event in phone.events() { happened(event, began) } }
        find(typed)
        read()
        if asksIceServers { askIceServers() }
    }

    private func happened(_ numbered: NumberedEvent, _ began: Date) {
        switch numbered.event {
        case .historyChanged: find(typed)
        case .messageReceived:
            hasNews = hasNews || numbered.at >= began
            read()
        case .messageSent, .messageFailed, .messageUncertain: read()
        default: break
        }
        // What went wrong before this screen was there is no news.
        if numbered.at >= began, let failure = failureOf(numbered.event) { problem = failure }
    }

    /// The calls that are over and that what is typed finds.
    func find(_ text: String) {
        typed = text
        Task {
            guard let page = try? await phone?.history(text, limit: 20), text == typed else { return }
            history = page.entries
        }
    }

    /// The last messages; each `more` is a page more of them.
    func read(more: Bool = false) {
        if more { messagesWanted += Self.fewMessages }
        let wanted = messagesWanted
        attempt { [weak self] in
            guard let self, let phone = self.phone else { return }
            let page = try await lastMessages(phone, wanted)
            if wanted == self.messagesWanted { self.messages = page }
        }
    }

    /// What was typed stays until it is on its way.
    func write(to: String, _ text: String, then: @escaping @MainActor () -> Void) {
        guard let center, let phone else { return }
        problem = nil
        attempt { [weak self] in
            try await SidetoneScreens.send(.sendMessage(to: to, text: text), center, phone)
            then()
            self?.read()
        }
    }

    /// Anew whenever the page is opened: the network may be another.
    func askIceServers() {
        (asksIceServers, iceServers) = (true, nil)
        Task { iceServers = await phone?.checkIceServers() }
    }

    func findInTeam(_ text: String) -> TeamSnapshot? { phone?.findInTeam(text) }

    /// The team is told for as long as somebody looks at it.
    func watch(_ on: Bool) {
        guard let phone, on != isWatching else { return }
        isWatching = on
        attempt { try await phone.watchTeam(on) }
    }

    func signIn(_ link: String, password: String) {
        do {
            let it = try parseSignInLink(text: link, trustedKeys: trustedKeys)
            let who = SignIn(
                account: it.aor, servers: it.servers, username: it.username, name: it.displayName, password: password)
            try Self.keychain.write("sign-in", JSONEncoder().encode(who))
            problem = nil
            Task { await center?.renew { await ($0 as? SidetonePhone)?.shutdown() } }
        } catch { problem = sentences(error) }
    }

    func send(_ wish: Wish) {
        guard let center, let phone else { return }
        problem = nil
        attempt { try await SidetoneScreens.send(wish, center, phone) }
    }

    func choose(_ route: AudioRoute) { center?.chooseRoute(route) }

    var app: AppState {
        let version = Bundle.main.infoDictionary?["CFBundleShortVersionString"] as? String
        return AppState(
            account: account, routing: routing, ringtone: ringtone, answerMode: answerMode,
            version: version ?? "without a version", libraryVersion: libraryVersion())
    }

    var device: DeviceState {
        let microphone: Met =
            switch AVAudioSession.sharedInstance().recordPermission {
            case .granted: .yes
            case .denied: .no
            default: .notTold
            }
        return DeviceState(microphone: microphone, push: PushState(hasToken: center?.hasPushToken == true, snapshot))
    }

    /// Where it is mended. A refused permission is not asked for a second time by iOS.
    func openSettings() {
        guard let page = URL(string: UIApplication.openSettingsURLString) else { return }
        UIApplication.shared.open(page)
    }

    /// Errors speak for themselves: what happened, and what to do.
    private func attempt(_ what: @escaping @MainActor () async throws -> Void) {
        Task {
            do { try await what() } catch { problem = sentences(error) }
        }
    }
}
