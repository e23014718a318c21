/// The audio session and its routes: CallKit activates, we only configure; what CallKit forgets after an interruption is
/// mended within a second.
#if canImport(CallKit)
import AVFAudio
import CallKit
import Foundation

extension CallCenter {
    /// How long CallKit has to activate the audio by itself where it sometimes does not.
    static let patience: TimeInterval = 0.6
    private static let mostTries = 5

    private var needsAudio: Bool { lines.values.contains { $0.isAnswered && !$0.isOnHold && $0.over == nil } }

    func setCategory() { try? session.setCategory(.playAndRecord, mode: .voiceChat, options: [.allowBluetooth]) }

    /// The only door to the audio.
    func setAudio(active: Bool) {
        if active {
            mending?.cancel()
            mending = nil
        }
        guard audioIsActive != active else { return }
        audioIsActive = active
        if active {
            phone?.audioActivated()
            routeChanged()
        } else {
            phone?.audioDeactivated()
        }
    }

    /// CallKit should activate the audio now. It does not where the other side ended the cellular call that had it.
    func mendAudio() {
        guard mending == nil else { return }
        mending = Task { [weak self] in
            for _ in 0..<Self.mostTries {
                try? await Task.sleep(nanoseconds: UInt64(Self.patience * 1_000_000_000))
                guard !Task.isCancelled, let self, needsAudio, !audioIsActive else { break }
                setCategory()
                if (try? session.setActive(true, options: [])) != nil {
                    mending = nil
                    setAudio(active: true)
                    return
                }
            }
            if !Task.isCancelled { self?.mending = nil }
        }
    }

    func interrupted(_ said: [String: UInt]) {
        switch said[AVAudioSessionInterruptionTypeKey].flatMap(AVAudioSession.InterruptionType.init) {
        case .began: setAudio(active: false)
        case .ended: if needsAudio { mendAudio() }
        default: break
        }
    }

    /// The audio server has died: nothing of before holds, and devices must be opened again.
    func mediaServicesWereReset() {
        setAudio(active: false)
        setCategory()
        if needsAudio { mendAudio() }
    }

    // Routes.

    public func chooseRoute(_ route: AudioRoute) {
        routing.choose(route)
        applyRoute()
    }

    func routeChanged() {
        let before = routing.confirmed
        var available: Set<AudioRoute> = [AudioRoute(.earpiece), AudioRoute(.speaker)]
        for port in session.availableInputs ?? [] { if let route = route(port) { available.insert(route) } }
        let confirmed = session.currentRoute.outputs.first.flatMap(route)
        if let confirmed { available.insert(confirmed) }
        routing.report(available, confirmed: confirmed)
        if confirmed != before, audioIsActive { phone?.audioRouteChanged() }
        if !lines.isEmpty { applyRoute() }
    }

    private func applyRoute() {
        guard let route = routing.nextRequest() else { return }
        // iOS says what became of it by a change of the route.
        if route.kind == .speaker {
            try? session.overrideOutputAudioPort(.speaker)
        } else {
            try? session.overrideOutputAudioPort(.none)
            let port = session.availableInputs?.first { port in
                route.kind == .earpiece ? port.portType == .builtInMic : port.uid == route.uid
            }
            try? session.setPreferredInput(port)
        }
    }

    private func route(_ port: AVAudioSessionPortDescription) -> AudioRoute? {
        switch port.portType {
        case .builtInReceiver: AudioRoute(.earpiece)
        case .builtInSpeaker: AudioRoute(.speaker)
        case .headphones, .headsetMic, .usbAudio: AudioRoute(.wired, name: port.portName, uid: port.uid)
        case .bluetoothHFP, .bluetoothLE: AudioRoute(.bluetooth, name: port.portName, uid: port.uid)
        case .carAudio: AudioRoute(.car, name: port.portName, uid: port.uid)
        default: nil
        }
    }
}
#endif
