plugins {
    id("com.android.application")
}

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
    sourceSets["main"].kotlin.directories += "src/main/kotlin"
}

dependencies {
    implementation(project(":sdk"))
}
