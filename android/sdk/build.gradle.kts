// The native libraries: scripts/build-aar
plugins {
    id("com.android.library")
}

android {
    namespace = "org.sidetone.sdk"
    compileSdk = 36
    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
    sourceSets["main"].kotlin.directories += "src/main/kotlin"
    sourceSets["test"].kotlin.directories += "src/test/kotlin"
    testOptions.unitTests.isIncludeAndroidResources = true
}

dependencies {
    api(project(":core"))
    api("net.java.dev.jna:jna:5.19.1@aar")
    // The version of rustls-platform-verifier-android in Cargo.lock.
    implementation("org.rustls:rustls-platform-verifier:0.2.0")
    testImplementation("net.java.dev.jna:jna:5.19.1")
    testImplementation("junit:junit:4.13.2")
    testImplementation("org.robolectric:robolectric:4.17")
}
