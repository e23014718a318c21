/// The audio of a phone: who activated the session, interruptions, and the devices with iOS's habits of routing.
import FakePlatform
import Foundation

public final class FakeAudioSession {
    nonisolated(unsafe) public static let shared = FakeAudioSession()

    public private(set) var isActive = false
    /// The app may activate it itself only where the system has let it down: after an interruption, after a reset
    /// of the media services, and where it takes a call back from hold.
    public private(set) var mayBeActivatedByApp = false
    /// A cellular call is on: whoever asks for the session is refused.
    public private(set) var isInterrupted = false
    /// The next wish for a route is refused, or taken without effect.
    public var refusesRoutes = false
    public var ignoresRoutes = false
    /// Told when the session becomes active or inactive.
    public var onActive: ((Bool) -> Void)?

    private static let microphone = AVAudioSessionPortDescription(.builtInMic, "iPhone Microphone", "built-in-mic")
    private static let receiver = AVAudioSessionPortDescription(.builtInReceiver, "Receiver", "built-in-receiver")
    private static let speaker = AVAudioSessionPortDescription(.builtInSpeaker, "Speaker", "built-in-speaker")

    private var plugged: [AVAudioSessionPortDescription] = []
    private var chosen: AVAudioSessionPortDescription?
    private var isOverridden = false

    // What the system does.

    public func systemActivates(_ active: Bool) {
        if active { mayBeActivatedByApp = false }
        guard isActive != active else { return }
        isActive = active
        onActive?(active)
    }

    public func allowActivationByApp() { mayBeActivatedByApp = true }

    public func beginInterruption() {
        isInterrupted = true
        systemActivates(false)
        post(AVAudioSession.interruptionNotification, [AVAudioSessionInterruptionTypeKey: AVAudioSession.InterruptionType.began.rawValue])
    }

    /// `told` is false where the system forgets to say so, as it does when the other side of the cellular call
    /// hangs up.
    public func endInterruption(told: Bool = true) {
        isInterrupted = false
        mayBeActivatedByApp = true
        guard told else { return }
        post(AVAudioSession.interruptionNotification, [
            AVAudioSessionInterruptionTypeKey: AVAudioSession.InterruptionType.ended.rawValue,
            AVAudioSessionInterruptionOptionKey: AVAudioSession.InterruptionOptions.shouldResume.rawValue,
        ])
    }

    public func resetMediaServices() {
        systemActivates(false)
        mayBeActivatedByApp = true
        AVAudioSession.sharedInstance().forget()
        post(AVAudioSession.mediaServicesWereResetNotification, [:])
    }

    /// A device starts to play and record: only while the session is active.
    public func audioStarts(_ what: String) {
        if !isActive { FakePlatform.shared.broke(.audioBeforeActivation, what) }
    }

    // What hands do.

    @discardableResult
    public func plug(_ type: AVAudioSession.Port, _ name: String) -> AVAudioSessionPortDescription {
        let port = AVAudioSessionPortDescription(type, name, "\(type.rawValue)-\(name)")
        plugged.removeAll { $0.uid == port.uid }
        plugged.append(port)
        // iOS goes to what was plugged in, whatever was chosen before.
        isOverridden = false
        chosen = port
        changed(.newDeviceAvailable)
        return port
    }

    public func unplug(_ port: AVAudioSessionPortDescription) {
        plugged.removeAll { $0.uid == port.uid }
        if chosen?.uid == port.uid { chosen = plugged.last }
        changed(.oldDeviceUnavailable)
    }

    // What the app asks for.

    func appSetsActive(_ active: Bool) throws {
        FakePlatform.shared.requireMain("AVAudioSession.setActive")
        if active {
            if isInterrupted { throw NSError(domain: NSOSStatusErrorDomain, code: 561_017_449) }
            if !mayBeActivatedByApp && !isActive { FakePlatform.shared.broke(.activatedByApp, "setActive(true)") }
        }
        systemActivates(active)
    }

    func appPrefers(_ port: AVAudioSessionPortDescription?) throws {
        if refusesRoutes { throw NSError(domain: NSOSStatusErrorDomain, code: -50) }
        if ignoresRoutes { return }
        if let port, port.portType != .builtInMic, !plugged.contains(where: { $0.uid == port.uid }) {
            throw NSError(domain: NSOSStatusErrorDomain, code: -50)
        }
        chosen = port
        changed(.override)
    }

    func appOverrides(_ port: AVAudioSession.PortOverride) throws {
        if refusesRoutes { throw NSError(domain: NSOSStatusErrorDomain, code: -50) }
        if ignoresRoutes { return }
        guard isOverridden != (port == .speaker) else { return }
        isOverridden = port == .speaker
        changed(.override)
    }

    var inputs: [AVAudioSessionPortDescription] { [Self.microphone] + plugged }

    var route: AVAudioSessionRouteDescription {
        if isOverridden { return .init(inputs: [Self.microphone], outputs: [Self.speaker]) }
        if let chosen, chosen.portType != .builtInMic {
            let output = AVAudioSessionPortDescription(
                chosen.portType == .headsetMic ? .headphones : chosen.portType, chosen.portName, chosen.uid)
            return .init(inputs: [chosen], outputs: [output])
        }
        return .init(inputs: [Self.microphone], outputs: [Self.receiver])
    }

    public func reset() {
        isActive = false
        mayBeActivatedByApp = false
        isInterrupted = false
        refusesRoutes = false
        ignoresRoutes = false
        onActive = nil
        plugged = []
        chosen = nil
        isOverridden = false
        AVAudioSession.sharedInstance().forget()
    }

    private func changed(_ reason: AVAudioSession.RouteChangeReason) {
        post(AVAudioSession.routeChangeNotification, [AVAudioSessionRouteChangeReasonKey: reason.rawValue])
    }

    private func post(_ name: Notification.Name, _ info: [String: Any]) {
        NotificationCenter.default.post(name: name, object: AVAudioSession.sharedInstance(), userInfo: info)
    }
}

let NSOSStatusErrorDomain = "NSOSStatusErrorDomain"
