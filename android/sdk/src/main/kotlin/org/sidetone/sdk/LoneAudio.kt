package org.sidetone.sdk

import android.annotation.TargetApi
import android.content.Context
import android.media.AudioDeviceCallback
import android.media.AudioDeviceInfo
import android.media.AudioManager
import android.os.Build
import org.sidetone.Route

/**
 * The audio mode and the routes on devices without Telecom (some tablets), and nowhere else: two owners of the routes
 * are one too many.
 */
@Suppress("DEPRECATION")
internal class LoneAudio(context: Context, private val told: (Set<Route>, Route?) -> Unit) {
    private val audio = context.service<AudioManager>()
    private val plugs = object : AudioDeviceCallback() {
        override fun onAudioDevicesAdded(added: Array<out AudioDeviceInfo>?) = tell()
        override fun onAudioDevicesRemoved(removed: Array<out AudioDeviceInfo>?) = tell()
    }
    private var active = false

    fun activate() {
        if (active) return
        active = true
        audio.mode = AudioManager.MODE_IN_COMMUNICATION
        audio.requestAudioFocus(null, AudioManager.STREAM_VOICE_CALL, AudioManager.AUDIOFOCUS_GAIN_TRANSIENT_EXCLUSIVE)
        audio.registerAudioDeviceCallback(plugs, null)
        tell()
    }

    fun release() {
        if (!active) return
        active = false
        audio.unregisterAudioDeviceCallback(plugs)
        if (Build.VERSION.SDK_INT >= 31) Api31.clear(audio) else audio.isSpeakerphoneOn = false
        audio.abandonAudioFocus(null)
        audio.mode = AudioManager.MODE_NORMAL
    }

    fun request(route: Route) {
        if (Build.VERSION.SDK_INT >= 31) {
            Api31.request(audio, route)
        } else {
            audio.isSpeakerphoneOn = route.kind == Route.Kind.SPEAKER
            if (route.kind == Route.Kind.BLUETOOTH) audio.startBluetoothSco() else audio.stopBluetoothSco()
        }
        tell()
    }

    private fun tell() {
        if (!active) return
        if (Build.VERSION.SDK_INT >= 31) return told(Api31.routes(audio), Api31.confirmed(audio))
        val routes = audio.getDevices(AudioManager.GET_DEVICES_OUTPUTS).mapNotNull { kindOf(it.type) }.map { Route(it) }.toSet()
        val confirmed = when {
            audio.isBluetoothScoOn -> Route.Kind.BLUETOOTH
            audio.isSpeakerphoneOn -> Route.Kind.SPEAKER
            audio.isWiredHeadsetOn -> Route.Kind.WIRED
            else -> Route.Kind.EARPIECE
        }
        told(routes, Route(confirmed).takeIf { it in routes })
    }

    @TargetApi(31)
    private object Api31 {
        fun clear(audio: AudioManager) = audio.clearCommunicationDevice()

        fun request(audio: AudioManager, route: Route) {
            for (device in audio.availableCommunicationDevices) {
                if (routeOf(device) == route) return Unit.also { audio.setCommunicationDevice(device) }
            }
        }

        fun routes(audio: AudioManager): Set<Route> {
            val routes = LinkedHashSet<Route>()
            for (device in audio.availableCommunicationDevices) routeOf(device)?.let(routes::add)
            return routes
        }

        fun confirmed(audio: AudioManager) = audio.communicationDevice?.let(::routeOf)
    }
}

private fun kindOf(type: Int): Route.Kind? = when (type) {
    AudioDeviceInfo.TYPE_BUILTIN_EARPIECE -> Route.Kind.EARPIECE
    AudioDeviceInfo.TYPE_BUILTIN_SPEAKER -> Route.Kind.SPEAKER
    AudioDeviceInfo.TYPE_WIRED_HEADSET, AudioDeviceInfo.TYPE_WIRED_HEADPHONES, AudioDeviceInfo.TYPE_USB_HEADSET -> Route.Kind.WIRED
    AudioDeviceInfo.TYPE_BLUETOOTH_SCO, AudioDeviceInfo.TYPE_BLE_HEADSET -> Route.Kind.BLUETOOTH
    else -> null
}

private fun routeOf(device: AudioDeviceInfo): Route? = kindOf(device.type)?.let { kind ->
    if (kind == Route.Kind.BLUETOOTH) Route(kind, device.productName.toString(), device.id.toString()) else Route(kind)
}
