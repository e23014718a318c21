// The developers' build. It has never been run where this was written: Google's Maven is not reached there, and the
// build that machines run is pom.xml. Both have the same sources.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

// The certificate verifier's Kotlin half comes inside its crate, as a Maven repository of its own.
val verifier = providers.exec {
    workingDir = rootDir.parentFile
    commandLine("cargo", "metadata", "--format-version", "1", "--filter-platform", "aarch64-linux-android")
}.standardOutput.asText.map { text ->
    val path = Regex("\"manifest_path\":\"([^\"]*rustls-platform-verifier-android[^\"]*)\"").find(text)
    File(checkNotNull(path) { "rustls-platform-verifier-android is not among the crates" }.groupValues[1]).parentFile.resolve("maven")
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
        maven {
            url = uri(verifier.get())
            metadataSources { artifact() }
        }
        // The Java half of the certificate check; its Rust half is in Cargo.lock.
        maven("https://github.com/rustls/rustls-platform-verifier/raw/maven-archive/android-release-support/maven/") {
            content { includeGroup("org.rustls") }
        }
    }
}
rootProject.name = "sidetone-android"
include(":core", ":sdk", ":sample")
