package org.sidetone.sdk

import android.app.NotificationManager
import android.content.Context
import android.media.AudioAttributes
import android.media.AudioManager
import android.media.MediaPlayer
import android.media.RingtoneManager
import android.media.ToneGenerator
import android.net.Uri
import android.os.VibrationEffect
import android.os.Vibrator
import java.io.IOException
import org.sidetone.Ring

/** Rings: the user's ringtone, on the ring stream, by the device's silent mode and Do Not Disturb. Main thread. */
internal class Ringer(private val context: Context) {
    private val audio = context.service<AudioManager>()
    private val vibrator = context.service<Vibrator>()
    private var now = Ring.NONE
    private var player: MediaPlayer? = null
    private var tone: ToneGenerator? = null

    /** Another tone than the system's; set by the app's settings. */
    var ringtone: Uri? = null

    fun set(ring: Ring) {
        if (ring == now) return
        now = ring
        quiet()
        when (ring) {
            Ring.NONE -> {}
            Ring.RINGTONE -> ring()
            Ring.CALL_WAITING -> waiting()
        }
    }

    private fun ring() {
        // Priority mode is applied by the system to the usage of the sound; the two stricter ones let no call through.
        val filter = context.service<NotificationManager>().currentInterruptionFilter
        val disturb = filter != NotificationManager.INTERRUPTION_FILTER_NONE &&
            filter != NotificationManager.INTERRUPTION_FILTER_ALARMS
        if (!disturb || audio.ringerMode == AudioManager.RINGER_MODE_SILENT) return
        vibrator.vibrate(VibrationEffect.createWaveform(PATTERN, 0), attributes())
        if (audio.ringerMode == AudioManager.RINGER_MODE_NORMAL) play()
    }

    private fun play() {
        val uri = ringtone ?: RingtoneManager.getActualDefaultRingtoneUri(context, RingtoneManager.TYPE_RINGTONE) ?: return
        val next = MediaPlayer()
        player = next
        try {
            next.setAudioAttributes(attributes())
            next.setDataSource(context, uri)
            next.isLooping = true
            next.setOnPreparedListener { if (it === player) it.start() }
            next.prepareAsync()
        } catch (e: IOException) {
            // A tone that is gone: the vibration and the screen must do.
            quiet()
        }
    }

    private fun waiting() {
        tone = ToneGenerator(AudioManager.STREAM_VOICE_CALL, TONE_VOLUME).also { it.startTone(ToneGenerator.TONE_SUP_CALL_WAITING) }
    }

    private fun quiet() {
        vibrator.cancel()
        player?.release()
        player = null
        tone?.release()
        tone = null
    }

    private fun attributes() = AudioAttributes.Builder().setUsage(AudioAttributes.USAGE_NOTIFICATION_RINGTONE)
        .setContentType(AudioAttributes.CONTENT_TYPE_SONIFICATION).build()

    private companion object {
        val PATTERN = longArrayOf(0, 1000, 1000)
        const val TONE_VOLUME = 60
    }
}
