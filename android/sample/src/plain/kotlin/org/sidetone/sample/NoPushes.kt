package org.sidetone.sample

/** Built without Firebase: calls come in only while the app is connected. */
internal fun askForPushToken() {}

internal const val HAS_PUSHES = false
