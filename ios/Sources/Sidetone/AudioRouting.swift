/// Where the sound goes: a pure function of what there is, what iOS has confirmed and what the user chose.
///
/// What is shown is what iOS confirmed, never what was asked for. The user's choice is kept while its device is away and
/// asked for again when it is back.
public struct AudioRoute: Hashable, Sendable {
    public enum Kind: Int, Hashable, Sendable { case earpiece, speaker, wired, bluetooth, car }
    public var kind: Kind
    public var name: String
    /// iOS's name of the device; empty for what is built in.
    public var uid: String

    public init(_ kind: Kind, name: String = "", uid: String = "") {
        self.kind = kind
        self.name = name
        self.uid = uid
    }
}

public struct AudioRouting: Hashable, Sendable {
    /// A headset that does not connect must not be asked for for ever.
    static let mostTries = 3

    public private(set) var available: Set<AudioRoute> = []
    /// The route in use, as iOS says: the one to mark in a list.
    public private(set) var confirmed: AudioRoute?
    /// The user's wish; stays while its device is away.
    public private(set) var choice: AudioRoute?
    private var tries = 0

    public init() {}

    /// The user's choice in our list.
    mutating func choose(_ route: AudioRoute) {
        choice = route
        tries = 0
    }

    /// iOS's word on the devices and on the route in use.
    mutating func report(_ available: Set<AudioRoute>, confirmed: AudioRoute?) {
        if available != self.available || confirmed == choice { tries = 0 }
        self.available = available
        self.confirmed = confirmed
    }

    /// What iOS is to be asked for now, if anything; each answer counts as a try.
    mutating func nextRequest() -> AudioRoute? {
        guard let choice, choice != confirmed, available.contains(choice), tries < Self.mostTries else { return nil }
        tries += 1
        return choice
    }

    /// The last call is over: the next one begins as iOS likes it.
    mutating func forgetChoice() {
        choice = nil
        tries = 0
    }
}
