// swift-tools-version:6.0
// The Swift layer of Sidetone. On Apple's systems the core is an xcframework, named by a path or an address with its
// checksum in the environment; on Linux it is the library that cargo built, and Apple's frameworks are strict fakes.
import PackageDescription

let environment = Context.environment
let theirs = SwiftSetting.swiftLanguageMode(.v5)  // what uniffi generates, and the shape of Apple's frameworks
let ours = SwiftSetting.swiftLanguageMode(.v6)

#if os(Linux)
let library = environment["SIDETONE_LIBRARY_DIR"] ?? "../target/debug"
let core = Target.target(
    name: "SidetoneFFI", path: "Sources/SidetoneFFI",
    linkerSettings: [.linkedLibrary("sidetone_ffi"), .unsafeFlags(["-L\(library)", "-Xlinker", "-rpath", "-Xlinker", library])])
let frameworks = ["FakePlatform", "AVFAudio", "CallKit", "Network", "PushKit", "Security", "UIKit"]
let stands: [String: [Target.Dependency]] = ["CallKit": ["AVFAudio"], "UIKit": ["AVFAudio", "CallKit", "PushKit"]]
let platform = frameworks.map { name in
    Target.target(
        name: name,
        dependencies: (name == "FakePlatform" ? [] : ["FakePlatform"]) + (stands[name] ?? []),
        path: "Linux/\(name)", swiftSettings: [theirs])
}
let needs: [Target.Dependency] = frameworks.map { .init(stringLiteral: $0) }
let programs: [Target] = [
    .executableTarget(name: "cold-phone", dependencies: ["Sidetone"] + needs, swiftSettings: [ours]),
    // Built to look at its types; nothing of it runs.
    .target(name: "SwiftUI", dependencies: ["UIKit"], path: "Linux/SwiftUI", swiftSettings: [theirs]),
    .executableTarget(
        name: "sample", dependencies: ["Sidetone", "SidetoneScreens", "SwiftUI"] + needs, path: "Sample/Sidetone",
        exclude: ["Info.plist"], swiftSettings: [theirs]),
    .testTarget(name: "SidetoneTests", dependencies: ["Sidetone", "SidetoneScreens"] + needs, swiftSettings: [ours]),
]
#else
let core: Target =
    if let url = environment["SIDETONE_XCFRAMEWORK_URL"] {
        .binaryTarget(name: "SidetoneFFI", url: url, checksum: environment["SIDETONE_XCFRAMEWORK_CHECKSUM"] ?? "")
    } else {
        .binaryTarget(name: "SidetoneFFI", path: environment["SIDETONE_XCFRAMEWORK"] ?? "SidetoneFFI.xcframework")
    }
let platform: [Target] = []
let needs: [Target.Dependency] = []
let programs: [Target] = []
#endif

let package = Package(
    name: "Sidetone",
    platforms: [.iOS(.v15)],
    products: [
        .library(name: "Sidetone", targets: ["Sidetone"]),
        .library(name: "SidetoneScreens", targets: ["SidetoneScreens"]),
    ],
    targets: [
        core,
        .target(name: "SidetoneCore", dependencies: ["SidetoneFFI"], swiftSettings: [theirs]),
        .target(name: "Sidetone", dependencies: ["SidetoneCore"] + needs, swiftSettings: [ours]),
        // What the sample's screens show: no SwiftUI, so that it is tested here.
        .target(
            name: "SidetoneScreens", dependencies: ["Sidetone"] + needs, path: "Sample/Screens", swiftSettings: [ours]),
    ] + platform + programs)
