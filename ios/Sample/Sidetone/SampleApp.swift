/// A thin app on the package: who signs in, a dial field, the calls. What rings does so through CallKit.
///
/// Only parsed where this project is tested: types and behaviour need Xcode.
import AVFAudio
import Sidetone
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

struct SignIn: Codable {
    var account: String
    var servers: [String]
    var username: String?
    var name: String?
    var password: String
}

/// Whose sign-in links are taken, as `sidetone link-key` prints it. Nobody's: every link is.
private let trustedKeys: [String] = []

@MainActor
final class Model: ObservableObject {
    @Published private(set) var snapshot: Snapshot?
    @Published private(set) var routing = AudioRouting()
    @Published var problem: String?
    @Published private(set) var history: [HistoryEntry] = []
    private var phone: SidetonePhone?
    private var typed = ""
    private var center: CallCenter?
    nonisolated static let keychain = Keychain(service: "org.sidetone.sample")

    func launch() {
        let center = CallCenter(
            .init(pushParam: "TEAM.org.sidetone.sample.voip"),
            startPhone: { [weak self] in
                guard let data = try Self.keychain.read("sign-in") else { throw CancellationError() }
                let who = try JSONDecoder().decode(SignIn.self, from: data)
                let folder = try FileManager.default.url(
                    for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
                let vault = try await Self.keychain.vault(folder.appendingPathComponent("sidetone"))
                let phone = try await SidetonePhone.start(PhoneConfig(
                    aor: who.account, displayName: who.name, username: who.username, password: who.password,
                    servers: who.servers, instance: try Self.keychain.instance(), trust: .platform, microphone: .default,
                    speaker: .default, audioGate: .platform), vault: vault)
                try await phone.signIn()
                await self?.show(phone)
                return phone
            })
        center.onRouting = { [weak self] in self?.routing = $0 }
        self.center = center
        center.wake()
        AVAudioSession.sharedInstance().requestRecordPermission { _ in }
    }

    private func show(_ phone: SidetonePhone) {
        self.phone = phone
        Task { for await snapshot in phone.snapshots() { self.snapshot = snapshot } }
        Task { for await event in phone.events() { if case .historyChanged = event.event { find(typed) } } }
        find(typed)
    }

    /// The calls that are over and that what is typed finds.
    func find(_ text: String) {
        typed = text
        Task {
            guard let page = try? await phone?.history(text, limit: 20), text == typed else { return }
            history = page.entries
        }
    }

    func signIn(_ link: String, password: String) {
        do {
            let it = try parseSignInLink(text: link, trustedKeys: trustedKeys)
            let who = SignIn(
                account: it.aor, servers: it.servers, username: it.username, name: it.displayName, password: password)
            try Self.keychain.write("sign-in", JSONEncoder().encode(who))
            problem = nil
            center?.wake()
        } catch { problem = sentences(error) }
    }

    func dial(_ to: String) { center?.dial(to) }
    func answer(_ call: UUID) { center?.answer(call) }
    func end(_ call: UUID) { center?.end(call) }
    func hold(_ call: UUID, _ on: Bool) { center?.setHold(call, on) }
    func mute(_ call: UUID, _ on: Bool) { center?.setMute(call, on) }
    func choose(_ route: AudioRoute) { center?.chooseRoute(route) }
}

struct ContentView: View {
    @ObservedObject var model: Model
    @State private var link = ""
    @State private var password = ""
    @State private var number = ""

    var body: some View {
        Form {
            Section {
                Text(model.snapshot.map { "\($0.registration.state)" } ?? "signed out")
                if let text = model.snapshot?.registration.problem?.text ?? model.problem { Text(text).foregroundColor(.red) }
            }
            if model.snapshot == nil {
                Section {
                    TextField("The link that your administrator gave you", text: $link)
                    SecureField("Password", text: $password)
                    Button("Sign in") { model.signIn(link, password: password) }
                }
                .onOpenURL { link = $0.absoluteString }
            } else {
                Section {
                    TextField("Number", text: $number)
                    Button("Call") { model.dial(number) }.disabled(number.isEmpty)
                }
                Section("History") {
                    ForEach(model.history, id: \.cursor) { call in
                        Button("\(call.remote.name ?? call.number ?? "hidden"): \(call.outcome)") {
                            if let redial = call.redial { model.dial(redial) }
                        }.disabled(call.redial == nil)
                    }
                }
                .onChange(of: number) { model.find($0) }
            }
            ForEach(model.snapshot?.calls ?? [], id: \.id) { CallView(model: model, call: $0) }
            if model.snapshot?.calls.isEmpty == false {
                Section {
                    ForEach(model.routing.available.sorted { $0.kind.rawValue < $1.kind.rawValue }, id: \.self) { route in
                        Button { model.choose(route) } label: {
                            Label(
                                route.name.isEmpty ? "\(route.kind)" : route.name,
                                systemImage: route == model.routing.confirmed ? "checkmark.circle.fill" : "circle")
                        }
                    }
                }
            }
        }
    }
}

struct CallView: View {
    let model: Model
    let call: CallSnapshot

    var body: some View {
        Section {
            Text(call.remote.name ?? call.remote.uri)
            Text("\(call.state)")
            if call.state == .ringing { Button("Answer") { model.answer(call.id) } }
            if call.answered != nil {
                Toggle("Mute", isOn: Binding(get: { call.muted }, set: { model.mute(call.id, $0) }))
                Toggle("Hold", isOn: Binding(get: { call.hold.local }, set: { model.hold(call.id, $0) }))
            }
            Button("End", role: .destructive) { model.end(call.id) }
        }
    }
}
