/// What our layer uses of Network, as Apple declares it; paths come from `FakeNetwork`.
import Foundation

public struct NWInterface: Hashable, Sendable {
    public enum InterfaceType: Sendable { case other, wifi, cellular, wiredEthernet, loopback }
    public let type: InterfaceType
    public let name: String
}

public struct NWPath: Equatable, Sendable {
    public enum Status: Sendable { case satisfied, unsatisfied, requiresConnection }
    public let status: Status
    public let availableInterfaces: [NWInterface]
}

public final class NWPathMonitor: @unchecked Sendable {
    public var pathUpdateHandler: (@Sendable (NWPath) -> Void)?
    public init() {}

    public func start(queue: DispatchQueue) {
        FakeNetwork.shared.monitors.append(self)
        pathUpdateHandler?(FakeNetwork.shared.path)
    }

    public func cancel() { FakeNetwork.shared.monitors.removeAll { $0 === self } }
}

public final class FakeNetwork {
    nonisolated(unsafe) public static let shared = FakeNetwork()
    var monitors: [NWPathMonitor] = []
    public private(set) var path = NWPath(status: .satisfied, availableInterfaces: [.init(type: .wifi, name: "en0")])

    public func become(_ status: NWPath.Status, _ interfaces: [(NWInterface.InterfaceType, String)]) {
        path = NWPath(status: status, availableInterfaces: interfaces.map { NWInterface(type: $0.0, name: $0.1) })
        monitors.forEach { $0.pathUpdateHandler?(path) }
    }

    public func reset() {
        monitors = []
        path = NWPath(status: .satisfied, availableInterfaces: [.init(type: .wifi, name: "en0")])
    }
}
