/// Tells when the network is another one than before.
#if canImport(Network)
import Foundation
import Network

final class NetworkWatch: Sendable {
    private let monitor = NWPathMonitor()

    /// `onChange` is called on the main queue; the path at the start is no change.
    init(onChange: @escaping @MainActor @Sendable () -> Void) {
        let last = Last()
        monitor.pathUpdateHandler = { path in
            MainActor.assumeIsolated {
                let now = "\(path.status) \(path.availableInterfaces.map { "\($0.type)-\($0.name)" })"
                defer { last.path = now }
                if let before = last.path, before != now { onChange() }
            }
        }
        monitor.start(queue: .main)
    }

    deinit { monitor.cancel() }

    @MainActor private final class Last: Sendable {
        var path: String?
        nonisolated init() {}
    }
}
#endif
