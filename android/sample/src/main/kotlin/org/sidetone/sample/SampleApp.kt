package org.sidetone.sample

import android.app.Application
import org.sidetone.sdk.Sidetone

/** A process begins, for the user or for a push: the library first. */
class SampleApp : Application() {
    override fun onCreate() {
        super.onCreate()
        Sidetone.init(this, PhoneActivity::class.java)
    }
}
