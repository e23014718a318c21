/// What our layer uses of AVFAudio, as Apple declares it; the phone behind it is `FakeAudioSession`.
import FakePlatform
import Foundation

public let AVAudioSessionInterruptionTypeKey = "AVAudioSessionInterruptionTypeKey"
public let AVAudioSessionInterruptionOptionKey = "AVAudioSessionInterruptionOptionKey"
public let AVAudioSessionRouteChangeReasonKey = "AVAudioSessionRouteChangeReasonKey"

open class AVAudioSession: NSObject {
    public struct Category: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public static let soloAmbient = Category(rawValue: "AVAudioSessionCategorySoloAmbient")
        public static let playAndRecord = Category(rawValue: "AVAudioSessionCategoryPlayAndRecord")
    }

    public struct Mode: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public static let `default` = Mode(rawValue: "AVAudioSessionModeDefault")
        public static let voiceChat = Mode(rawValue: "AVAudioSessionModeVoiceChat")
    }

    public struct Port: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public static let builtInMic = Port(rawValue: "MicrophoneBuiltIn")
        public static let headsetMic = Port(rawValue: "MicrophoneWired")
        public static let headphones = Port(rawValue: "Headphones")
        public static let builtInReceiver = Port(rawValue: "Receiver")
        public static let builtInSpeaker = Port(rawValue: "Speaker")
        public static let bluetoothHFP = Port(rawValue: "BluetoothHFP")
        public static let bluetoothLE = Port(rawValue: "BluetoothLE")
        public static let usbAudio = Port(rawValue: "USBAudio")  // = AVAudioSessionPortUSBAudio
        public static let carAudio = Port(rawValue: "CarAudio")
    }

    public struct CategoryOptions: OptionSet, Sendable {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        public static let allowBluetooth = CategoryOptions(rawValue: 4)
    }

    public struct SetActiveOptions: OptionSet, Sendable {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        public static let notifyOthersOnDeactivation = SetActiveOptions(rawValue: 1)
    }

    public struct InterruptionOptions: OptionSet, Sendable {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        public static let shouldResume = InterruptionOptions(rawValue: 1)
    }

    public enum InterruptionType: UInt, Sendable { case ended = 0, began = 1 }
    public enum PortOverride: UInt, Sendable { case none = 0, speaker = 0x7370_6b72 }
    public enum RouteChangeReason: UInt, Sendable {
        case unknown = 0, newDeviceAvailable = 1, oldDeviceUnavailable = 2, categoryChange = 3, override = 4
    }

    public enum RecordPermission: UInt, Sendable { case undetermined = 0x756e6474, denied = 0x64656e79, granted = 0x67726e74 }

    public static let interruptionNotification = Notification.Name("AVAudioSessionInterruptionNotification")
    public static let routeChangeNotification = Notification.Name("AVAudioSessionRouteChangeNotification")
    public static let mediaServicesWereLostNotification =
        Notification.Name("AVAudioSessionMediaServicesWereLostNotification")
    public static let mediaServicesWereResetNotification =
        Notification.Name("AVAudioSessionMediaServicesWereResetNotification")

    nonisolated(unsafe) private static let only = AVAudioSession()
    public class func sharedInstance() -> AVAudioSession { only }  // = sharedInstance

    public private(set) var category = Category.soloAmbient
    public private(set) var mode = Mode.default
    public private(set) var preferredInput: AVAudioSessionPortDescription?
    public var availableInputs: [AVAudioSessionPortDescription]? { FakeAudioSession.shared.inputs }
    public var currentRoute: AVAudioSessionRouteDescription { FakeAudioSession.shared.route }

    open func setCategory(_ category: Category, mode: Mode, options: CategoryOptions = []) throws {  // = setCategory:mode:options:error:
        self.category = category
        self.mode = mode
    }

    public var recordPermission: RecordPermission { .granted }

    open func requestRecordPermission(_ response: @escaping @Sendable (Bool) -> Void) { response(true) }  // = requestRecordPermission:

    open func setActive(_ active: Bool, options: SetActiveOptions = []) throws {  // = setActive:withOptions:error:
        try FakeAudioSession.shared.appSetsActive(active)
    }

    open func setPreferredInput(_ port: AVAudioSessionPortDescription?) throws {  // = setPreferredInput:error:
        try FakeAudioSession.shared.appPrefers(port)
        preferredInput = port
    }

    open func overrideOutputAudioPort(_ port: PortOverride) throws {  // = overrideOutputAudioPort:error:
        try FakeAudioSession.shared.appOverrides(port)
    }

    func forget() {
        category = .soloAmbient
        mode = .default
        preferredInput = nil
    }
}

open class AVAudioSessionPortDescription: NSObject {
    public let portType: AVAudioSession.Port
    public let portName: String
    public let uid: String  // = UID

    init(_ type: AVAudioSession.Port, _ name: String, _ uid: String) {
        portType = type
        portName = name
        self.uid = uid
    }
}

open class AVAudioSessionRouteDescription: NSObject {
    public let inputs: [AVAudioSessionPortDescription]
    public let outputs: [AVAudioSessionPortDescription]

    init(inputs: [AVAudioSessionPortDescription], outputs: [AVAudioSessionPortDescription]) {
        self.inputs = inputs
        self.outputs = outputs
    }
}
