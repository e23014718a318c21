package org.sidetone.sdk

import android.content.Context

/** The library's own start on Android: its certificate verifier needs the JVM and a context. */
internal object Native {
    init {
        System.loadLibrary("sidetone_ffi")
    }

    @JvmStatic
    external fun init(context: Context)
}
