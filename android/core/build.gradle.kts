// First scripts/bindings kotlin: it makes src/gen/kotlin.
plugins {
    id("org.jetbrains.kotlin.jvm")
    `java-library`
}

kotlin {
    compilerOptions { jvmTarget.set(org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_11) }
    sourceSets {
        main { kotlin.srcDir("src/gen/kotlin") }
        test { kotlin.srcDir("src/testFixtures/kotlin") }
    }
}

java {
    sourceCompatibility = JavaVersion.VERSION_11
    targetCompatibility = JavaVersion.VERSION_11
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.11.0")
    // The app brings JNA for Android (an AAR); here only its classes are needed.
    compileOnly("net.java.dev.jna:jna:5.19.1")
    testImplementation("net.java.dev.jna:jna:5.19.1")
    testImplementation("org.jetbrains.kotlinx:kotlinx-coroutines-test:1.11.0")
    testImplementation("org.junit.jupiter:junit-jupiter:5.14.4")
    testRuntimeOnly("org.junit.platform:junit-platform-launcher")
}

tasks.test {
    useJUnitPlatform()
    systemProperty("jna.library.path", rootDir.resolve("../target/debug"))
    systemProperty("jna.nosys", "true")
}
