/// Secrets that a push must find on a locked phone: in the keychain, readable after the first unlock, on this device only.
import Foundation
#if canImport(Security)
import Security
import SidetoneCore

public struct Keychain: Sendable {
    public enum Failure: Error, Equatable {
        /// The phone was not unlocked since it was started. Try again later: nothing is lost.
        case locked
        case status(OSStatus)
    }

    public let service: String
    public init(service: String) { self.service = service }

    /// The secret of this name, made where there is none. While the phone is locked nothing is made: a new key would
    /// shut away what the old one opens.
    public func secret(_ name: String, make: () -> Data) throws -> Data {
        if let found = try read(name) { return found }
        let fresh = make()
        var item = query(name)
        item[kSecValueData as String] = fresh
        item[kSecAttrAccessible as String] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
        let status = SecItemAdd(dictionary(item), nil)
        if status == errSecDuplicateItem, let found = try read(name) { return found }
        try check(status)
        return fresh
    }

    /// The key of the vault: 32 bytes.
    public func vaultKey() throws -> Data {
        try secret("vault-key") {
            var random = SystemRandomNumberGenerator()
            return Data((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) })
        }
    }

    /// The vault in this folder, made where there is none. It belongs to this device, as its key does: no backup takes it.
    public func vault(_ folder: URL) async throws -> Vault {
        let key = try vaultKey()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        #if !os(Linux)
        var (folder, values) = (folder, URLResourceValues())
        values.isExcludedFromBackup = true
        try folder.setResourceValues(values)
        #endif
        return try await Vault.open(directory: folder.path, key: key)
    }

    /// The name of this installation (RFC 5626 §4.1).
    public func instance() throws -> UUID {
        let text = try secret("instance") { Data(UUID().uuidString.utf8) }
        return UUID(uuidString: String(decoding: text, as: UTF8.self)) ?? UUID()
    }

    public func read(_ name: String) throws -> Data? {
        var item = query(name)
        item[kSecReturnData as String] = true
        var result: CFTypeRef?
        let status = SecItemCopyMatching(dictionary(item), &result)
        if status == errSecItemNotFound { return nil }
        try check(status)
        return result as? Data
    }

    public func write(_ name: String, _ secret: Data) throws {
        try remove(name)
        _ = try self.secret(name) { secret }
    }

    public func remove(_ name: String) throws {
        let status = SecItemDelete(dictionary(query(name)))
        if status != errSecItemNotFound { try check(status) }
    }

    private func query(_ name: String) -> [String: Any] {
        [
            kSecClass as String: kSecClassGenericPassword, kSecAttrService as String: service,
            kSecAttrAccount as String: name,
        ]
    }

    private func dictionary(_ item: [String: Any]) -> CFDictionary { NSDictionary(dictionary: item) as CFDictionary }

    private func check(_ status: OSStatus) throws {
        if status == errSecInteractionNotAllowed { throw Failure.locked }
        if status != errSecSuccess { throw Failure.status(status) }
    }
}
#endif
