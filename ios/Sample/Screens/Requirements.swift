/// What this phone needs of the device and of its user, why, and how it stands.
///
/// iOS asks for less than Android: CallKit shows calls over the lock screen and wakes the app for them without a permission, and
/// there is no battery exemption and no phone account.
import Foundation
import Sidetone

public enum Requirement: String, CaseIterable, Sendable {
    case microphone
    case pushToken

    public var title: String {
        switch self {
        case .microphone: "Microphone"
        case .pushToken: "Push token"
        }
    }

    public var why: String {
        switch self {
        case .microphone: "Those you speak with hear you by it."
        case .pushToken: "The server wakes this phone by it when a call comes."
        }
    }

    /// What a call suffers from at once.
    public var missing: String? {
        switch self {
        case .microphone: "Others cannot hear you: the microphone is not permitted. Touch here to permit it."
        case .pushToken: nil
        }
    }
}

/// How a requirement is met. The user may not have been asked yet.
public enum Met: Sendable { case yes, no, notTold }

/// Where the token stands that pushes go to.
public enum PushState: Equatable, Sendable {
    /// iOS has given none yet.
    case noToken
    case token
    /// The server did not take it, and says why.
    case refused(String)

    public init(hasToken: Bool, _ snapshot: Snapshot?) {
        if let problem = snapshot?.registration.problem, problem.cause == .pushRefused {
            self = .refused(problem.text)
        } else {
            self = hasToken ? .token : .noToken
        }
    }
}

/// How the device stands, as it was asked.
public struct DeviceState: Equatable, Sendable {
    public var microphone: Met
    public var push: PushState
    public init(microphone: Met, push: PushState) {
        self.microphone = microphone
        self.push = push
    }
}

public struct RequirementLine: Equatable, Sendable, Identifiable {
    public let requirement: Requirement
    public let light: Light
    public let state: String
    /// The words of the button that leads to where it is mended; nil: there is nothing to mend.
    public let mend: String?
    public var id: String { requirement.rawValue }
}

public func requirementLines(_ device: DeviceState) -> [RequirementLine] {
    Requirement.allCases.map { requirement in
        switch requirement {
        case .microphone: microphoneLine(device.microphone)
        case .pushToken: pushLine(device.push)
        }
    }
}

private func microphoneLine(_ met: Met) -> RequirementLine {
    let (light, state): (Light, String) =
        switch met {
        case .yes: (.ready, "permitted")
        case .no: (.alarm, "not permitted")
        case .notTold: (.off, "not asked for yet")
        }
    return RequirementLine(requirement: .microphone, light: light, state: state, mend: met == .yes ? nil : "Open the settings")
}

private func pushLine(_ push: PushState) -> RequirementLine {
    let (light, state): (Light, String) =
        switch push {
        case .noToken: (.alarm, "none yet: calls come in only while this app is connected")
        case .token: (.ready, "there")
        case .refused(let text): (.alarm, text)
        }
    return RequirementLine(requirement: .pushToken, light: light, state: state, mend: nil)
}
