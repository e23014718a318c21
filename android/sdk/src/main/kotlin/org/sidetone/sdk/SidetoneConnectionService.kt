package org.sidetone.sdk

import android.bluetooth.BluetoothDevice
import android.os.Handler
import android.os.Looper
import android.annotation.TargetApi
import android.os.Build
import android.telecom.CallAudioState
import android.telecom.Connection
import android.telecom.ConnectionRequest
import android.telecom.ConnectionService
import android.telecom.DisconnectCause
import android.telecom.PhoneAccountHandle
import android.telecom.TelecomManager
import java.util.UUID
import org.sidetone.Cause
import org.sidetone.Route
import org.sidetone.TelecomActions

/**
 * Telecom's side of our calls: translates, decides nothing.
 *
 * Source: developer.android.com/develop/connectivity/telecom/selfManaged.
 */
class SidetoneConnectionService : ConnectionService() {
    override fun onCreateIncomingConnection(account: PhoneAccountHandle?, request: ConnectionRequest): Connection =
        create(request, incoming = true)

    override fun onCreateOutgoingConnection(account: PhoneAccountHandle?, request: ConnectionRequest): Connection =
        create(request, incoming = false)

    override fun onCreateIncomingConnectionFailed(account: PhoneAccountHandle?, request: ConnectionRequest) = refused(request)

    override fun onCreateOutgoingConnectionFailed(account: PhoneAccountHandle?, request: ConnectionRequest) = refused(request)

    private fun create(request: ConnectionRequest, incoming: Boolean): Connection {
        val line = Sidetone.line
        val call = callOf(request)
        // Telecom may start the process for a call of one that died; nobody here knows of it.
        if (line == null || call == null || !line.expects(call)) {
            return Connection.createFailedConnection(DisconnectCause(DisconnectCause.ERROR))
        }
        val connection = CallConnection(call, line.actions)
        val hasNumber = request.address != PlatformLine.NO_NUMBER
        connection.setAddress(request.address, if (hasNumber) TelecomManager.PRESENTATION_ALLOWED else TelecomManager.PRESENTATION_UNKNOWN)
        if (incoming) connection.setRinging() else connection.setDialing()
        line.created(connection)
        // Telecom listens to the connection when this has returned.
        Handler(Looper.getMainLooper()).post { line.actions.onCreated(call) }
        return connection
    }

    private fun refused(request: ConnectionRequest) {
        callOf(request)?.let { call -> Sidetone.line?.refused(call) }
    }

    private fun callOf(request: ConnectionRequest): UUID? =
        request.extras?.getString(EXTRA_CALL)?.let { text -> runCatching { UUID.fromString(text) }.getOrNull() }

    internal companion object {
        const val EXTRA_CALL = "org.sidetone.call"
    }
}

/** One call as Telecom has it. */
internal class CallConnection(val call: UUID, private val actions: TelecomActions) : Connection() {
    init {
        connectionProperties = PROPERTY_SELF_MANAGED
        connectionCapabilities = CAPABILITY_HOLD or CAPABILITY_SUPPORT_HOLD or CAPABILITY_MUTE
        audioModeIsVoip = true
    }

    override fun onShowIncomingCallUi() = actions.onShowIncoming(call)

    override fun onAnswer(videoState: Int) = actions.onAnswer(call, touched = false)

    override fun onAnswer() = onAnswer(0)

    override fun onReject() = actions.onReject(call)

    override fun onReject(reason: Int) = onReject()

    override fun onReject(message: String?) = onReject()

    override fun onDisconnect() = actions.onDisconnect(call)

    override fun onAbort() = onDisconnect()

    override fun onHold() = actions.onHold(call)

    override fun onUnhold() = actions.onUnhold(call)

    override fun onSilence() = actions.onSilence(call)

    override fun onPlayDtmfTone(digit: Char) = actions.onDtmf(call, digit)

    override fun onStateChanged(state: Int) {
        if (state == STATE_ACTIVE) actions.onActive(call)
    }

    @Suppress("OVERRIDE_DEPRECATION", "DEPRECATION")
    override fun onCallAudioStateChanged(state: CallAudioState) {
        actions.onMute(state.isMuted)
        actions.onRoutes(routesOf(state), confirmedOf(state))
    }

    fun end(cause: Cause) {
        setDisconnected(DisconnectCause(cause.code))
        destroy()
    }

    @Suppress("DEPRECATION")
    fun request(route: Route) {
        if (route.kind == Route.Kind.BLUETOOTH && route.id.isNotEmpty() && Build.VERSION.SDK_INT >= 28) {
            callAudioState?.let { state -> Api28.device(state, route.id) }?.let { return requestBluetoothAudio(it) }
        }
        setAudioRoute(
            when (route.kind) {
                Route.Kind.EARPIECE -> CallAudioState.ROUTE_EARPIECE
                Route.Kind.SPEAKER -> CallAudioState.ROUTE_SPEAKER
                Route.Kind.WIRED -> CallAudioState.ROUTE_WIRED_HEADSET
                Route.Kind.BLUETOOTH -> CallAudioState.ROUTE_BLUETOOTH
                Route.Kind.STREAMING -> CallAudioState.ROUTE_STREAMING
            },
        )
    }

    private fun routesOf(state: CallAudioState): Set<Route> {
        val mask = state.supportedRouteMask
        val routes = KINDS.filter { (bit, _) -> mask and bit != 0 }.map { (_, kind) -> Route(kind) }.toMutableSet()
        if (mask and CallAudioState.ROUTE_BLUETOOTH != 0) {
            routes += if (Build.VERSION.SDK_INT >= 28) Api28.devices(state) else setOf(Route(Route.Kind.BLUETOOTH))
        }
        return routes
    }

    private fun confirmedOf(state: CallAudioState): Route? = when (val route = state.route) {
        CallAudioState.ROUTE_BLUETOOTH -> if (Build.VERSION.SDK_INT >= 28) Api28.active(state) else Route(Route.Kind.BLUETOOTH)
        else -> KINDS.firstOrNull { (bit, _) -> bit == route }?.let { (_, kind) -> Route(kind) }
    }

    /** Which Bluetooth device, since Android 9. */
    @TargetApi(28)
    private object Api28 {
        fun devices(state: CallAudioState): Set<Route> {
            val devices = state.supportedBluetoothDevices.map { device -> route(device) }.toSet()
            return devices.ifEmpty { setOf(Route(Route.Kind.BLUETOOTH)) }
        }

        fun active(state: CallAudioState): Route? =
            state.activeBluetoothDevice?.let { device -> route(device) } ?: devices(state).singleOrNull()

        fun device(state: CallAudioState, id: String): BluetoothDevice? {
            for (device in state.supportedBluetoothDevices) if (device.address == id) return device
            return null
        }

        // The name needs a permission of its own since Android 12; without it the kind must do.
        private fun route(device: BluetoothDevice): Route {
            val name = try {
                device.name.orEmpty()
            } catch (e: SecurityException) {
                ""
            }
            return Route(Route.Kind.BLUETOOTH, name, device.address)
        }
    }

    private companion object {
        val KINDS = listOf(
            CallAudioState.ROUTE_EARPIECE to Route.Kind.EARPIECE,
            CallAudioState.ROUTE_SPEAKER to Route.Kind.SPEAKER,
            CallAudioState.ROUTE_WIRED_HEADSET to Route.Kind.WIRED,
        )
    }
}
