/// The screens: the agent bar and the calls, always in view, and below them one of six pages. They render what
/// `SidetoneScreens` makes of the last snapshot, each second, for clocks tick. What is open and typed is the scene's, which keeps it
/// when the device turns and when the app is closed; a password is not.
import Sidetone
import SidetoneScreens
import SwiftUI

private enum Page: String, CaseIterable {
    case phone = "Phone"
    case team = "Team"
    case messages = "Messages"
    case supervise = "Supervise"
    case check = "Check"
    case settings = "Settings"
}

struct ContentView: View {
    @ObservedObject var model: Model
    @SceneStorage("page") private var page = Page.phone
    @Environment(\.scenePhase) private var phase

    var body: some View {
        TimelineView(.periodic(from: .now, by: 1)) { time in
            VStack(alignment: .leading, spacing: 8) {
                head(time.date)
                Picker("Page", selection: $page) {
                    ForEach(Page.allCases, id: \.self) { Text(nameOf($0)).tag($0) }
                }
                .pickerStyle(.segmented)
                Form {
                    if let snapshot = model.snapshot {
                        ForEach(callCards(snapshot, time.date)) { CallView(model: model, card: $0) }
                        if let both = together(snapshot) { TogetherView(model: model, together: both) }
                        if !snapshot.calls.isEmpty { RoutesView(model: model) }
                    }
                    content(time.date)
                }
            }
        }
        .onChange(of: page) { _ in watch() }
        .onChange(of: phase) { _ in watch() }
    }

    @ViewBuilder private func head(_ now: Date) -> some View {
        VStack(alignment: .leading, spacing: 4) {
            if let snapshot = model.snapshot {
                if let bar = agentBar(snapshot, now) { AgentBarView(model: model, bar: bar) }
                Lit(light: lampOf(snapshot.registration).light, words: lampOf(snapshot.registration).words)
                    .font(.footnote)
                ForEach(unreadPacks(snapshot), id: \.self) { Lit(light: .paused, words: $0).font(.footnote) }
            }
            if let problem = model.problem {
                Lit(light: .alarm, words: problem).onTapGesture { model.problem = nil }
            }
            ForEach(requirementLines(model.device).filter { $0.light == .alarm && $0.requirement.missing != nil }) { line in
                Text(line.requirement.missing ?? "").font(.footnote).onTapGesture { model.openSettings() }
            }
        }
        .padding(.horizontal)
    }

    @ViewBuilder private func content(_ now: Date) -> some View {
        switch page {
        case .phone: PhonePage(model: model)
        case .team: TeamPageView(model: model, now: now)
        case .messages: MessagesView(model: model, now: now)
        case .supervise: SupervisePage(model: model, now: now)
        case .check: CheckPage(model: model)
        case .settings: SettingsView(model: model)
        }
    }

    private func nameOf(_ page: Page) -> String {
        page == .messages && model.hasNews && self.page != .messages ? "\(page.rawValue) •" : page.rawValue
    }

    private func watch() {
        model.watch(phase == .active && (page == .team || page == .supervise))
        if phase == .active, page == .check { model.askIceServers() }
    }
}

/// The agent at his queues: what he is, his two clocks, what is asked for, and what he may do.
private struct AgentBarView: View {
    let model: Model
    let bar: AgentBar

    var body: some View {
        Lit(light: bar.light, words: [bar.state, bar.pause].compactMap { $0 }.joined(separator: "  ")).font(.headline)
        if let words = small([bar.direct, bar.signedIn, bar.doubt]) { Text(words).font(.footnote) }
        if let requested = bar.requested { Text(requested).font(.footnote).foregroundColor(.purple) }
        HStack {
            if let ready = bar.ready { ChoiceButton(model: model, choice: ready) }
            if !bar.pauses.isEmpty { ChoiceMenu(model: model, title: "Pause", choices: bar.pauses) }
            if !bar.queues.isEmpty { ChoiceMenu(model: model, title: "Queues", choices: bar.queues + bar.pausedLogins) }
        }
    }
}

private struct CallView: View {
    let model: Model
    let card: CallCard

    var body: some View {
        Section {
            Lit(light: card.light, words: card.title).font(.headline)
            if let words = small([card.state, card.time] + card.marks) { Text(words).font(.footnote) }
            if let supervision = card.supervision { SupervisionView(model: model, card: supervision) }
            ChoiceButtons(model: model, choices: card.choices)
            if let recordings = card.recordings { RecordingsView(model: model, recordings: recordings) }
        }
    }
}

private struct TogetherView: View {
    let model: Model
    let together: Together

    var body: some View {
        Section {
            Text(together.words)
            ChoiceButtons(model: model, choices: together.choices)
        }
    }
}

private struct SupervisionView: View {
    let model: Model
    let card: SupervisionCard

    var body: some View {
        Text(card.mode)
        if let requested = card.requested { Text(requested).foregroundColor(.purple) }
        Lit(light: card.isHeard ? .alarm : .off, words: card.microphone)
        if let follow = card.follow { Text(follow).font(.footnote) }
        ChoiceButtons(model: model, choices: card.choices)
    }
}

private struct RecordingsView: View {
    let model: Model
    let recordings: Recordings

    var body: some View {
        ForEach(recordings.lines, id: \.id) { line in
            Lit(light: line.light, words: line.state)
            if let requested = line.requested { Text(requested).foregroundColor(.purple) }
            if let why = line.why { Text(why).font(.footnote) }
            ChoiceButtons(model: model, choices: line.choices)
        }
        if let why = recordings.why { Text(why).font(.footnote) }
        if let start = recordings.start { ChoiceButton(model: model, choice: start) }
    }
}

private struct RoutesView: View {
    @ObservedObject var model: Model

    var body: some View {
        Section {
            ForEach(routeLines(model.routing)) { RouteView(model: model, line: $0) }
        }
    }
}

private struct RouteView: View {
    let model: Model
    let line: RouteLine

    var body: some View {
        Button { model.choose(line.route) } label: {
            Label(line.words, systemImage: line.isInUse ? "checkmark.circle.fill" : "circle")
        }
    }
}

private struct PhonePage: View {
    @ObservedObject var model: Model
    @SceneStorage("link") private var link = ""
    @State private var password = ""
    @SceneStorage("number") private var number = ""

    var body: some View {
        if model.snapshot == nil || model.snapshot?.registration.problem?.cause == .wrongCredentials {
            Section {
                TextField("The link that your administrator gave you", text: $link)
                SecureField("Password", text: $password)
                Button("Sign in") { model.signIn(link, password: password) }
            }
            .onOpenURL { link = $0.absoluteString }
        }
        if model.snapshot != nil {
            Section {
                TextField("Number", text: $number).onChange(of: number) { model.find($0) }
                Button("Call") { model.send(.dial(to: number)) }.disabled(number.isEmpty)
                if let talks = model.snapshot.flatMap({ talkedIn($0.calls) }) {
                    Button("Transfer") { model.send(.transfer(call: talks, to: number)) }.disabled(number.isEmpty)
                }
            }
            Section("History") {
                ForEach(model.history, id: \.cursor) { call in
                    Button("\(call.remote.name ?? call.number ?? "hidden"): \(call.outcome)") {
                        if let redial = call.redial { model.send(.dial(to: redial)) }
                    }
                    .disabled(call.redial == nil)
                }
            }
        }
    }
}

private struct TeamPageView: View {
    @ObservedObject var model: Model
    let now: Date
    @SceneStorage("sought") private var sought = ""

    var body: some View {
        if let snapshot = model.snapshot {
            let page = teamPage(model.findInTeam(sought), snapshot, now)
            Section {
                TextField("Find by name, number or team", text: $sought)
                if let note = page.note { Text(note).font(.footnote) }
                if let warning = page.warning { Text(warning).font(.footnote) }
            }
            ForEach(page.rows) { row in
                Section {
                    Lit(light: row.light, words: row.name)
                    if let words = small([row.state, row.number ?? "no number to call"]) { Text(words).font(.footnote) }
                    ChoiceButtons(model: model, choices: row.choices)
                }
            }
        }
    }
}

private struct MessagesView: View {
    @ObservedObject var model: Model
    let now: Date
    @SceneStorage("reader") private var reader = ""
    @SceneStorage("text") private var text = ""

    var body: some View {
        if let snapshot = model.snapshot {
            let page = messagesPage(model.messages, snapshot, now)
            Section {
                TextField("To: a number or a name", text: $reader)
                TextField("Message", text: $text)
                Button("Send") { model.write(to: reader, text) { text = "" } }.disabled(reader.isEmpty || text.isEmpty)
                if let note = page.note { Text(note).font(.footnote) }
            }
            .onAppear { model.hasNews = false }
            .onDisappear { model.hasNews = false }
            ForEach(page.rows) { row in
                Section {
                    Lit(light: row.light, words: row.title)
                    Text(row.text)
                    Text(row.state).font(.footnote)
                    if let advice = row.advice { Text(advice).font(.footnote) }
                    ChoiceButtons(model: model, choices: row.choices)
                    if let to = row.reply { Button("Reply") { reader = to } }
                }
            }
            if page.more { Button("Earlier") { model.read(more: true) } }
        }
    }
}

private struct SupervisePage: View {
    @ObservedObject var model: Model
    let now: Date
    @SceneStorage("sought") private var sought = ""
    @SceneStorage("follow") private var follow = false

    var body: some View {
        if let snapshot = model.snapshot {
            let shown = roster(model.findInTeam(sought), snapshot, follow: follow, now)
            Section {
                TextField("Find by name, number or team", text: $sought)
                Toggle("Go on with the agent's next call", isOn: $follow)
                if let note = shown.note { Text(note).font(.footnote) }
            }
            ForEach(shown.rows) { row in
                Section {
                    Lit(light: row.light, words: row.title)
                    Text(row.state).font(.footnote)
                    ChoiceButtons(model: model, choices: row.choices)
                }
            }
        }
    }
}

private struct CheckPage: View {
    @ObservedObject var model: Model

    var body: some View {
        ForEach(requirementLines(model.device)) { line in
            Section {
                Lit(light: line.light, words: "\(line.requirement.title): \(line.state)")
                Text(line.requirement.why).font(.footnote)
                if let mend = line.mend { Button(mend) { model.openSettings() } }
            }
        }
        ForEach(connectionLines(model.snapshot, model.iceServers)) { line in
            Section {
                Lit(light: line.light, words: "\(line.title): \(line.state)")
                Text(line.why).font(.footnote)
            }
        }
        if let page = model.snapshot.flatMap(featuresPage) {
            Section("What the server has") {
                if let note = page.note { Text(note).font(.footnote) }
                ForEach(page.lines) { Lit(light: $0.light, words: $0.words) }
            }
        }
    }
}

private struct SettingsView: View {
    @ObservedObject var model: Model

    var body: some View {
        let page = settingsPage(model.snapshot, model.app)
        Section("Audio") {
            ForEach(page.routes) { RouteView(model: model, line: $0) }
            if let note = page.routesNote { Text(note).font(.footnote) }
            ForEach(page.levels) { level in
                Text("\(level.title): \(bars(level)) \(level.words)")
            }
            if let note = page.levelsNote { Text(note).font(.footnote) }
        }
        Section("Ringtone") { SettingView(model: model, setting: page.ringtone) }
        Section("Auto-answer") { SettingView(model: model, setting: page.autoAnswer) }
        Section("Profile") {
            if let profile = page.profile {
                HStack {
                    Text(profile.initials).font(.headline)
                    Text(profile.name)
                }
                Text(([profile.address] + profile.servers).joined(separator: "\n")).font(.footnote)
                Text(profile.note).font(.footnote)
            } else {
                Text("Nobody is signed in.").font(.footnote)
            }
        }
        Section("About") {
            ForEach(page.about, id: \.self) { Text($0).font(.footnote) }
        }
    }

    private func bars(_ level: LevelLine) -> String {
        String(repeating: "▮", count: level.bars) + String(repeating: "▯", count: LevelLine.most - level.bars)
    }
}

private struct SettingView: View {
    let model: Model
    let setting: Setting

    var body: some View {
        Lit(light: setting.light, words: setting.state)
        if let locked = setting.locked { Label(locked, systemImage: "lock").font(.footnote) }
        ChoiceButtons(model: model, choices: setting.choices)
    }
}

/// Words behind a light.
private struct Lit: View {
    let light: Light
    let words: String

    var body: some View {
        HStack(alignment: .firstTextBaseline) {
            Image(systemName: "circle.fill").font(.caption2).foregroundColor(colour)
            Text(words)
        }
    }

    private var colour: Color {
        switch light {
        case .off: .gray
        case .ready: .green
        case .busy: .blue
        case .paused: .orange
        case .alarm: .red
        }
    }
}

private struct ChoiceButton: View {
    let model: Model
    let choice: Choice

    var body: some View {
        // In a form a touch on a row would else be one of all its buttons.
        Button(choice.words) { if let wish = choice.wish { model.send(wish) } }
            .buttonStyle(.bordered)
            .disabled(choice.wish == nil)
    }
}

private struct ChoiceButtons: View {
    let model: Model
    let choices: [Choice]

    var body: some View {
        if !choices.isEmpty {
            LazyVGrid(columns: [GridItem(.adaptive(minimum: 100), alignment: .leading)], alignment: .leading) {
                ForEach(choices, id: \.words) { ChoiceButton(model: model, choice: $0) }
            }
        }
    }
}

private struct ChoiceMenu: View {
    let model: Model
    let title: String
    let choices: [Choice]

    var body: some View {
        Menu(title) {
            ForEach(choices, id: \.words) { choice in
                Button(choice.words) { if let wish = choice.wish { model.send(wish) } }.disabled(choice.wish == nil)
            }
        }
        .buttonStyle(.bordered)
    }
}

private func small(_ words: [String?]) -> String? {
    let said = words.compactMap { $0 }
    return said.isEmpty ? nil : said.joined(separator: " · ")
}
