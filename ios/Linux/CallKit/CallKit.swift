/// What our layer uses of CallKit, as Apple declares it; the system behind it is `FakeCallKit`.
import AVFAudio
import FakePlatform
import Foundation

public enum CXCallEndedReason: Int, Sendable {
    case failed = 1, remoteEnded = 2, unanswered = 3, answeredElsewhere = 4, declinedElsewhere = 5
}

public struct CXErrorCodeIncomingCallError: Error, Equatable {
    public enum Code: Int, Sendable {
        case unknown = 0, unentitled = 1, callUUIDAlreadyExists = 2, filteredByDoNotDisturb = 3, filteredByBlockList = 4
    }
    public let code: Code  // = not there: the importer makes it
}

public struct CXErrorCodeRequestTransactionError: Error, Equatable {
    public enum Code: Int, Sendable { case unknown = 0, unknownCallUUID = 4, callUUIDAlreadyExists = 5 }
    public let code: Code  // = not there: the importer makes it
}

open class CXHandle: NSObject {
    public enum HandleType: Int, Sendable { case generic = 1, phoneNumber = 2, emailAddress = 3 }
    public let type: HandleType
    public let value: String
    public init(type: HandleType, value: String) {  // = initWithType:value:
        self.type = type
        self.value = value
    }
}

open class CXCallUpdate: NSObject {
    public var remoteHandle: CXHandle?
    public var localizedCallerName: String?
    public var supportsHolding = true
    public var supportsGrouping = true
    public var supportsUngrouping = true
    public var supportsDTMF = true
    public var hasVideo = false
}

open class CXProviderConfiguration: NSObject {
    public var ringtoneSound: String?
    public var iconTemplateImageData: Data?
    public var maximumCallGroups = 2
    public var maximumCallsPerCallGroup = 5
    public var includesCallsInRecents = true
    public var supportsVideo = false
    public var supportedHandleTypes: Set<CXHandle.HandleType> = []

    func duplicate() -> CXProviderConfiguration {
        let copy = CXProviderConfiguration()
        copy.ringtoneSound = ringtoneSound
        copy.iconTemplateImageData = iconTemplateImageData
        copy.maximumCallGroups = maximumCallGroups
        copy.maximumCallsPerCallGroup = maximumCallsPerCallGroup
        copy.includesCallsInRecents = includesCallsInRecents
        copy.supportsVideo = supportsVideo
        copy.supportedHandleTypes = supportedHandleTypes
        return copy
    }
}

open class CXAction: NSObject {
    public let uuid = UUID()  // = UUID
    public private(set) var isComplete = false
    var onComplete: ((Bool) -> Void)?

    open func fulfill() { complete(true) }  // = fulfill
    open func fail() { complete(false) }  // = fail

    func complete(_ fulfilled: Bool) {
        FakePlatform.shared.requireMain("an action was completed")
        if isComplete {
            FakePlatform.shared.broke(.actionCompletedTwice, "\(type(of: self))")
            return
        }
        isComplete = true
        onComplete?(fulfilled)
    }
}

open class CXCallAction: CXAction {
    public let callUUID: UUID
    public init(call callUUID: UUID) { self.callUUID = callUUID }  // = initWithCallUUID:
}

open class CXStartCallAction: CXCallAction {
    public var handle: CXHandle
    public var isVideo = false
    public init(call callUUID: UUID, handle: CXHandle) {  // = initWithCallUUID:handle:
        self.handle = handle
        super.init(call: callUUID)
    }
}

open class CXAnswerCallAction: CXCallAction {}
open class CXEndCallAction: CXCallAction {}

open class CXSetHeldCallAction: CXCallAction {
    public var isOnHold: Bool
    public init(call callUUID: UUID, onHold: Bool) {  // = initWithCallUUID:onHold:
        isOnHold = onHold
        super.init(call: callUUID)
    }
}

open class CXSetMutedCallAction: CXCallAction {
    public var isMuted: Bool
    public init(call callUUID: UUID, muted: Bool) {  // = initWithCallUUID:muted:
        isMuted = muted
        super.init(call: callUUID)
    }
}

open class CXSetGroupCallAction: CXCallAction {
    public var callUUIDToGroupWith: UUID?
    public init(call callUUID: UUID, callUUIDToGroupWith other: UUID?) {  // = initWithCallUUID:callUUIDToGroupWith:
        callUUIDToGroupWith = other
        super.init(call: callUUID)
    }
}

open class CXPlayDTMFCallAction: CXCallAction {
    public enum ActionType: Int, Sendable { case singleTone = 1, softPause = 2, hardPause = 3 }
    public var digits: String
    public var type: ActionType
    public init(call callUUID: UUID, digits: String, type: ActionType) {  // = initWithCallUUID:digits:type:
        self.digits = digits
        self.type = type
        super.init(call: callUUID)
    }
}

open class CXTransaction: NSObject {
    public let actions: [CXAction]
    public init(action: CXAction) { actions = [action] }  // = initWithAction:
}

public protocol CXProviderDelegate: AnyObject {
    func providerDidReset(_ provider: CXProvider)  // = providerDidReset:
    func providerDidBegin(_ provider: CXProvider)  // = providerDidBegin:
    func provider(_ provider: CXProvider, perform action: CXStartCallAction)  // = provider:performStartCallAction:
    func provider(_ provider: CXProvider, perform action: CXAnswerCallAction)  // = provider:performAnswerCallAction:
    func provider(_ provider: CXProvider, perform action: CXEndCallAction)  // = provider:performEndCallAction:
    func provider(_ provider: CXProvider, perform action: CXSetHeldCallAction)  // = provider:performSetHeldCallAction:
    func provider(_ provider: CXProvider, perform action: CXSetMutedCallAction)  // = provider:performSetMutedCallAction:
    func provider(_ provider: CXProvider, perform action: CXSetGroupCallAction)  // = provider:performSetGroupCallAction:
    func provider(_ provider: CXProvider, perform action: CXPlayDTMFCallAction)  // = provider:performPlayDTMFCallAction:
    func provider(_ provider: CXProvider, timedOutPerforming action: CXAction)  // = provider:timedOutPerformingAction:
    func provider(_ provider: CXProvider, didActivate audioSession: AVAudioSession)  // = provider:didActivateAudioSession:
    func provider(_ provider: CXProvider, didDeactivate audioSession: AVAudioSession)  // = provider:didDeactivateAudioSession:
}

// What is optional in Objective-C. An action that nobody performs is never completed, as on a phone.
extension CXProviderDelegate {
    public func providerDidBegin(_ provider: CXProvider) {}
    public func provider(_ provider: CXProvider, perform action: CXStartCallAction) {}
    public func provider(_ provider: CXProvider, perform action: CXAnswerCallAction) {}
    public func provider(_ provider: CXProvider, perform action: CXEndCallAction) {}
    public func provider(_ provider: CXProvider, perform action: CXSetHeldCallAction) {}
    public func provider(_ provider: CXProvider, perform action: CXSetMutedCallAction) {}
    public func provider(_ provider: CXProvider, perform action: CXSetGroupCallAction) {}
    public func provider(_ provider: CXProvider, perform action: CXPlayDTMFCallAction) {}
    public func provider(_ provider: CXProvider, timedOutPerforming action: CXAction) {}
    public func provider(_ provider: CXProvider, didActivate audioSession: AVAudioSession) {}
    public func provider(_ provider: CXProvider, didDeactivate audioSession: AVAudioSession) {}
}

open class CXProvider: NSObject {
    /// A copy: what is changed of it counts when it is set.
    public var configuration: CXProviderConfiguration {
        get { kept.duplicate() }
        set { kept = newValue.duplicate() }
    }
    private var kept: CXProviderConfiguration
    weak var delegate: CXProviderDelegate?

    public init(configuration: CXProviderConfiguration) {  // = initWithConfiguration:
        kept = configuration.duplicate()
        super.init()
        FakeCallKit.shared.add(self)
    }

    open func setDelegate(_ delegate: CXProviderDelegate?, queue: DispatchQueue?) {  // = setDelegate:queue:
        self.delegate = delegate
        delegate?.providerDidBegin(self)
    }

    open func reportNewIncomingCall(  // = reportNewIncomingCallWithUUID:update:completion:
        with UUID: UUID, update: CXCallUpdate, completion: @escaping @Sendable (Error?) -> Void
    ) {
        FakeCallKit.shared.reportNew(self, UUID, update, completion)
    }

    open func reportCall(with UUID: UUID, updated update: CXCallUpdate) { FakeCallKit.shared.reportUpdate(UUID, update) }  // = reportCallWithUUID:updated:

    open func reportCall(with UUID: UUID, endedAt dateEnded: Date?, reason endedReason: CXCallEndedReason) {  // = reportCallWithUUID:endedAtDate:reason:
        FakeCallKit.shared.reportEnd(UUID, endedReason)
    }

    open func reportOutgoingCall(with UUID: UUID, startedConnectingAt date: Date?) {  // = reportOutgoingCallWithUUID:startedConnectingAtDate:
        FakeCallKit.shared.reportOutgoing(UUID, connected: false)
    }

    open func reportOutgoingCall(with UUID: UUID, connectedAt date: Date?) {  // = reportOutgoingCallWithUUID:connectedAtDate:
        FakeCallKit.shared.reportOutgoing(UUID, connected: true)
    }

    open func invalidate() { FakeCallKit.shared.remove(self) }  // = invalidate
}

open class CXCall: NSObject {
    public let uuid: UUID  // = UUID
    public let isOutgoing: Bool
    public let isOnHold: Bool
    public let hasConnected: Bool
    public let hasEnded: Bool

    init(_ uuid: UUID, _ call: FakeCallKit.Call) {
        self.uuid = uuid
        isOutgoing = call.isOutgoing
        isOnHold = call.isHeld
        hasConnected = call.isConnected
        hasEnded = call.hasEnded
    }
}

open class CXCallObserver: NSObject {
    public var calls: [CXCall] { FakeCallKit.shared.calls.filter { !$0.value.hasEnded }.map { CXCall($0.key, $0.value) } }
}

open class CXCallController: NSObject {
    public let callObserver = CXCallObserver()
    open func request(_ transaction: CXTransaction, completion: @escaping @Sendable (Error?) -> Void) {  // = requestTransaction:completion:
        FakeCallKit.shared.request(transaction, completion)
    }
}
