/// What the server has and what this user may, feature by feature.
import Foundation
import Sidetone

public struct FeaturesPage: Equatable, Sendable {
    /// Why the server cannot say, or what its word is worth.
    public let note: String?
    public let lines: [FeatureLine]
}

public struct FeatureLine: Equatable, Sendable, Identifiable {
    public let feature: Feature
    public let light: Light
    public let words: String
    public var id: Feature { feature }
}

/// Nil: nobody is signed in.
public func featuresPage(_ snapshot: Snapshot) -> FeaturesPage? {
    guard let features = snapshot.features else { return nil }
    let isTold = features.features.contains { $0.state != .unknown }
    let doubt = isTold ? "As the server said last." : "The server has not said it yet."
    let lines = features.features.map { it in
        let (light, words): (Light, String) =
            switch it.state {
            case .unknown: (.off, "not known")
            case .available: (.ready, "there")
            case .missing(let why): (.paused, "not there: \(why); tell its administrator")
            case .notAllowed: (.off, notAllowed)
            }
        return FeatureLine(
            feature: it.feature, light: features.certain ? light : .off, words: "\(nameOf(it.feature)): \(words)")
    }
    return FeaturesPage(note: features.problemText.map(sentence) ?? (features.certain ? nil : doubt), lines: lines)
}

/// Why this is not offered, where the server has said so on this connection; nil: what is tried, the server decides.
func withheld(_ snapshot: Snapshot, _ feature: Feature) -> String? {
    guard let features = snapshot.features, features.certain else { return nil }
    switch features.features.first(where: { $0.feature == feature })?.state {
    case .missing(let why): return sentence("\(nameOf(feature)): \(why); tell its administrator")
    case .notAllowed: return forbidden(snapshot, feature)
    case nil, .unknown, .available: return nil
    }
}

/// Why the user may not, as the server said last: what the phone or the app itself keeps to holds also in the doubt.
func forbidden(_ snapshot: Snapshot, _ feature: Feature) -> String? {
    let isForbidden = snapshot.features?.features.contains { $0.feature == feature && $0.state == .notAllowed } == true
    return isForbidden ? sentence("\(nameOf(feature)): \(notAllowed)") : nil
}

private let notAllowed = "not allowed to you; ask the administrator for it"

private func nameOf(_ feature: Feature) -> String {
    switch feature {
    case .queues: "queues"
    case .team: "team"
    case .recordings: "recordings"
    case .supervision: "supervision"
    case .masking: "masking"
    case .transfersReturn: "transfers return"
    case .messages: "messages"
    case .push: "push"
    case .outsideCalls: "outside calls"
    case .outsideTransfers: "outside transfers"
    case .autoAnswer: "auto answer"
    case .settings: "settings"
    }
}
