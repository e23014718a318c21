package org.sidetone.sample

import android.app.Application
import java.time.Duration
import org.sidetone.ffi.AnswerMode
import org.sidetone.ffi.IceServer
import org.sidetone.ffi.PhoneConfig
import org.sidetone.sdk.Sidetone

/** A process begins, for the user or for a push: the library first. */
open class SampleApp : Application() {
    override fun onCreate() {
        super.onCreate()
        Sidetone.init(this, PhoneActivity::class.java, configure = ::configure, sleepAfter = sleepAfter)
        Sidetone.setRingtone(keptRingtone())
    }

    protected open val sleepAfter: Duration get() = Sidetone.SLEEP_AFTER

    /** What this app wants otherwise than the library: its user may be an agent, may record, and is told what there is. */
    protected open fun configure(config: PhoneConfig): PhoneConfig =
        config.copy(queues = true, recordings = true, features = true, answerMode = ANSWER_MODE, iceServers = ICE_SERVERS)

    companion object {
        /** Which calls the phone answers by itself. It opens a microphone: whoever builds the app decides, and the server may narrow it. */
        val ANSWER_MODE = AnswerMode.MANUAL

        /** STUN and TURN servers. None: Asterisk on a public address needs none where networks let UDP pass. */
        val ICE_SERVERS = emptyList<IceServer>()
    }
}
