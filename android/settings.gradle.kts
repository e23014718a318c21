// The developers' build. It has never been run where this was written: Google's Maven is not reached there, and the
// build that machines run is pom.xml. Both have the same sources.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
        // The certificate verifier's Kotlin half. Its crate had it inside before 0.2; now it is in a branch of the repository.
        maven("https://github.com/rustls/rustls-platform-verifier/raw/maven-archive/android-release-support/maven/") {
            content { includeGroup("org.rustls") }
        }
    }
}
rootProject.name = "sidetone-android"
include(":core", ":sdk", ":sample")
