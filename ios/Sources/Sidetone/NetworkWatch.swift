/// Tells when the network is another one than before.
#if canImport(Network)
import Foundation
import Network

final class NetworkWatch: Sendable {
    private let monitor = NWPathMonitor()

    /// `onChange` is called on the main queue, with whether the interface that was in use works on for a while;
    /// the path at the start is no change.
    init(onChange: @escaping @MainActor @Sendable (_ makeBeforeBreak: Bool) -> Void) {
        let last = Last()
        monitor.pathUpdateHandler = { path in
            MainActor.assumeIsolated {
                let now = [path.status == .satisfied ? "satisfied" : "not"] + path.availableInterfaces.map { "\($0.type)-\($0.name)" }
                defer { last.path = now }
                guard let before = last.path, before != now else { return }
                // The first of the interfaces is the one in use.
                let (old, new) = (before.dropFirst().first, now.dropFirst().first)
                onChange(old != new && old.map { now.dropFirst().contains($0) } == true)
            }
        }
        monitor.start(queue: .main)
    }

    deinit { monitor.cancel() }

    @MainActor private final class Last: Sendable {
        var path: [String]?
        nonisolated init() {}
    }
}
#endif
