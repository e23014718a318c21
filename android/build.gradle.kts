// AGP 9 brings Kotlin with it; only the pure module names the Kotlin plugin.
plugins {
    id("com.android.library") version "9.4.0" apply false
    id("com.android.application") version "9.4.0" apply false
    id("com.google.gms.google-services") version "4.4.4" apply false
    id("org.jetbrains.kotlin.jvm") version "2.4.21" apply false
}
