/// What our layer uses of Security: generic passwords of the keychain, with iOS's lock before the first unlock.
import FakePlatform
import Foundation

public typealias OSStatus = Int32
public typealias CFString = String
public typealias CFDictionary = NSDictionary
public typealias CFTypeRef = AnyObject

public let errSecSuccess: OSStatus = 0
public let errSecDuplicateItem: OSStatus = -25299
public let errSecItemNotFound: OSStatus = -25300
public let errSecInteractionNotAllowed: OSStatus = -25308
public let errSecParam: OSStatus = -50

public let kSecClass: CFString = "class"
public let kSecClassGenericPassword: CFString = "genp"
public let kSecAttrService: CFString = "svce"
public let kSecAttrAccount: CFString = "acct"
public let kSecAttrAccessible: CFString = "pdmn"
public let kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly: CFString = "cku"
public let kSecValueData: CFString = "v_Data"
public let kSecReturnData: CFString = "r_Data"

public func SecItemAdd(_ attributes: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?) -> OSStatus {
    FakeKeychain.shared.add(attributes)
}

public func SecItemCopyMatching(_ query: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?) -> OSStatus {
    FakeKeychain.shared.copy(query, result)
}

public func SecItemDelete(_ query: CFDictionary) -> OSStatus { FakeKeychain.shared.delete(query) }

public final class FakeKeychain {
    nonisolated(unsafe) public static let shared = FakeKeychain()

    /// The phone was started and nobody has unlocked it yet.
    public var isBeforeFirstUnlock = false
    /// Where it outlives the process.
    public var file: URL? {
        didSet { items = file.flatMap { try? Data(contentsOf: $0) }.flatMap { try? JSONDecoder().decode([String: Data].self, from: $0) } ?? [:] }
    }
    private var items: [String: Data] = [:]

    func add(_ attributes: NSDictionary) -> OSStatus {
        guard let name = name(attributes), let data = attributes[kSecValueData] as? Data else { return errSecParam }
        // What can only be read while the screen is unlocked cannot be read when a push arrives.
        if attributes[kSecAttrAccessible] as? String != kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly {
            FakePlatform.shared.broke(.keychainClass, "\(attributes[kSecAttrAccessible] ?? "none")")
        }
        if isBeforeFirstUnlock { return errSecInteractionNotAllowed }
        if items[name] != nil { return errSecDuplicateItem }
        items[name] = data
        save()
        return errSecSuccess
    }

    func copy(_ query: NSDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?) -> OSStatus {
        guard let name = name(query) else { return errSecParam }
        if isBeforeFirstUnlock { return errSecInteractionNotAllowed }
        guard let data = items[name] else { return errSecItemNotFound }
        result?.pointee = NSData(data: data)
        return errSecSuccess
    }

    func delete(_ query: NSDictionary) -> OSStatus {
        guard let name = name(query) else { return errSecParam }
        defer { save() }
        return items.removeValue(forKey: name) == nil ? errSecItemNotFound : errSecSuccess
    }

    public func reset() {
        isBeforeFirstUnlock = false
        file = nil
        items = [:]
    }

    private func name(_ attributes: NSDictionary) -> String? {
        guard attributes[kSecClass] as? String == kSecClassGenericPassword,
            let service = attributes[kSecAttrService] as? String, let account = attributes[kSecAttrAccount] as? String
        else { return nil }
        return "\(service)/\(account)"
    }

    private func save() {
        guard let file else { return }
        try? JSONEncoder().encode(items).write(to: file, options: .atomic)
        try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }
}
