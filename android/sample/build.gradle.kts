// Pushes need a project at Firebase: put its google-services.json beside this file, and there is a flavour with pushes.
plugins {
    id("com.android.application")
    id("com.google.gms.google-services") apply false
}

val pushes = file("google-services.json").exists()
if (pushes) apply(plugin = "com.google.gms.google-services")

android {
    namespace = "org.sidetone.sample"
    compileSdk = 36
    defaultConfig {
        applicationId = "org.sidetone.sample"
        minSdk = 26
        targetSdk = 36
        versionCode = 1
        versionName = "0.1.0"
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
    buildTypes["release"].apply {
        isMinifyEnabled = true
        proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
    }
    flavorDimensions += "pushes"
    productFlavors {
        create("plain")
        if (pushes) create("firebase")
    }
    sourceSets["main"].kotlin.directories += "src/main/kotlin"
    sourceSets["plain"].kotlin.directories += "src/plain/kotlin"
    if (pushes) sourceSets["firebase"].kotlin.directories += "src/firebase/kotlin"
}

dependencies {
    implementation(project(":sdk"))
    if (pushes) "firebaseImplementation"("com.google.firebase:firebase-messaging:25.0.2")
}
