package org.sidetone.sdk

import android.content.Context

/** The system's service of a type. One place for it: levels differ in whether the framework declares it nullable. */
internal inline fun <reified T : Any> Context.service(): T =
    checkNotNull(getSystemService(T::class.java)) { "this device has no ${T::class.java.name}" }
