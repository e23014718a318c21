package org.sidetone.device

import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.Binder
import android.os.Bundle
import android.telecom.CallAudioState
import android.telecom.Connection
import android.telecom.ConnectionRequest
import android.telecom.DisconnectCause
import android.telecom.ParcelableConnection
import android.telecom.PhoneAccountHandle
import android.telecom.TelecomManager
import com.android.internal.telecom.IConnectionService
import com.android.internal.telecom.IConnectionServiceAdapter
import com.android.internal.telecom.RemoteServiceCallback
import java.lang.reflect.Proxy
import java.util.UUID
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowTelecomManager
import org.sidetone.sdk.SidetoneConnectionService

/** What a real system would punish, or a user would suffer. */
class RuleBroken(val rule: String, what: String) : Exception(what)

fun broken(rule: String, what: String): Nothing = throw RuleBroken(rule, what)

/**
 * The system's half of Telecom: takes the calls that an app asks for by TelecomManager, and speaks with the app's real
 * ConnectionService by its binder, as the system's process does. Main thread.
 *
 * Sources: packages/services/Telecomm, ConnectionServiceWrapper and CallsManager; the interfaces are the framework's own.
 */
class TelecomServer(context: Context, private val told: (Call, incoming: Boolean) -> Unit) {
    class Call(val id: String, val uuid: UUID, val address: Uri?, val incoming: Boolean) {
        /** [Connection]'s states; null: asked for. */
        var state: Int? = null
        var cause: DisconnectCause? = null
        /** What a car or a watch shows of it. */
        var name: String? = null
        var number: String? = null
        val isOver get() = state == Connection.STATE_DISCONNECTED
        val rings get() = state == null && incoming || state == Connection.STATE_RINGING
    }

    private val manager: ShadowTelecomManager = shadowOf(context.getSystemService(Context.TELECOM_SERVICE) as TelecomManager)
    private val calls = LinkedHashMap<String, Call>()
    private var seenIncoming = 0
    private var seenOutgoing = 0
    private var muted = false
    private var service: IConnectionService? = null

    val all: Collection<Call> get() = calls.values

    fun of(uuid: UUID?): Call? = calls.values.lastOrNull { it.uuid == uuid }

    /** That the app has asked for this call, whether or not Telecom has got to it. */
    fun wasAsked(uuid: UUID) = manager.allIncomingCalls.any { it.extras.getString(EXTRA) == uuid.toString() }

    /** Takes what the app has asked for since. */
    fun poll() {
        for (asked in manager.allIncomingCalls.drop(seenIncoming)) {
            seenIncoming++
            @Suppress("DEPRECATION")
            val address = asked.extras.getParcelable<Uri>(TelecomManager.EXTRA_INCOMING_CALL_ADDRESS)
            create(asked.phoneAccount, address, asked.extras, incoming = true)
        }
        for (asked in manager.allOutgoingCalls.drop(seenOutgoing)) {
            seenOutgoing++
            create(asked.phoneAccount, asked.address, asked.extras.getBundle(TelecomManager.EXTRA_OUTGOING_CALL_EXTRAS)!!, incoming = false)
        }
    }

    private fun create(account: PhoneAccountHandle, address: Uri?, extras: Bundle, incoming: Boolean) {
        val call = Call("TC@${calls.size + 1}", UUID.fromString(extras.getString(EXTRA)), address, incoming)
        if (of(call.uuid) != null) broken("report_once", "call ${call.uuid} is added a second time")
        val second = incoming && calls.values.any { it.incoming && it.rings }
        calls[call.id] = call
        told(call, incoming)
        // The extras cross to another process and back.
        val request = ConnectionRequest(account, address, Bundle(extras), 0, call.id, incoming)
        if (second) {
            call.state = Connection.STATE_DISCONNECTED
            return bound().createConnectionFailed(account, call.id, request, incoming, null)
        }
        bound().createConnection(account, call.id, request, incoming, false, null)
        bound().createConnectionComplete(call.id, null)
    }

    private fun bound(): IConnectionService = service ?: run {
        val controller = Robolectric.buildService(SidetoneConnectionService::class.java).create()
        val binder = controller.get().onBind(Intent("android.telecom.ConnectionService"))
        IConnectionService.Stub.asInterface(binder).also {
            service = it
            it.addConnectionServiceAdapter(adapter(), null)
        }
    }

    /** Its methods differ from level to level; those that are meant here do not. */
    private fun adapter(): IConnectionServiceAdapter {
        val binder = Binder()
        val type = IConnectionServiceAdapter::class.java
        return Proxy.newProxyInstance(type.classLoader, arrayOf(type)) { proxy, method, given ->
            val arguments = given ?: emptyArray()
            when (method.name) {
                "asBinder" -> binder
                "hashCode" -> System.identityHashCode(proxy)
                "equals" -> proxy === arguments[0]
                "toString" -> "Telecom"
                "queryRemoteConnectionServices" -> (arguments[0] as RemoteServiceCallback).onResult(emptyList(), emptyList())
                else -> Unit.also { heard(method.name, arguments) }
            }.takeUnless { it == Unit }
        } as IConnectionServiceAdapter
    }

    private fun heard(what: String, arguments: Array<out Any?>) {
        val call = calls[arguments[0] as? String ?: return]
        if (call == null) {
            if (what in STATES) broken("state_needs_connection", "$what of ${arguments[0]}, which Telecom does not know")
            return
        }
        when (what) {
            "handleCreateConnectionComplete" -> {
                val connection = arguments[2] as ParcelableConnection
                call.state = connection.state
                call.number = connection.handle.schemeSpecificPart.takeIf { connection.handlePresentation == TelecomManager.PRESENTATION_ALLOWED }
                audioIs(call)
            }
            "setCallerDisplayName" -> call.name = arguments[1] as String
            "setDisconnected" -> {
                call.cause = arguments[1] as DisconnectCause
                becomes(call, Connection.STATE_DISCONNECTED)
            }
            "removeCall" -> {
                if (!call.isOver) broken("ended_is_final", "call ${call.uuid} is destroyed and was not disconnected")
            }
            "setActive" -> {
                becomes(call, Connection.STATE_ACTIVE)
                for (other in calls.values) if (other !== call && other.state == Connection.STATE_ACTIVE) hold(other, true)
            }
            in STATES -> becomes(call, STATES.getValue(what))
        }
    }

    private fun becomes(call: Call, state: Int) {
        if (call.state == null) broken("state_needs_connection", "call ${call.uuid} is not created yet")
        if (call.isOver) broken("ended_is_final", "call ${call.uuid} is over")
        call.state = state
    }

    // What the user does by a headset, a watch, a car; and what Telecom does of itself.

    fun answer(call: Call) = bound().answer(call.id, null)

    fun disconnect(call: Call) = bound().disconnect(call.id, null)

    fun hold(call: Call, on: Boolean) = if (on) bound().hold(call.id, null) else bound().unhold(call.id, null)

    fun mute(call: Call, on: Boolean) {
        muted = on
        audioIs(call)
    }

    fun type(call: Call, digits: String) = digits.forEach {
        bound().playDtmfTone(call.id, it, null)
        bound().stopDtmfTone(call.id, null)
    }

    @Suppress("DEPRECATION")
    private fun audioIs(call: Call) {
        val both = CallAudioState.ROUTE_EARPIECE or CallAudioState.ROUTE_SPEAKER
        bound().onCallAudioStateChanged(call.id, CallAudioState(muted, CallAudioState.ROUTE_EARPIECE, both), null)
    }

    private companion object {
        const val EXTRA = "org.sidetone.call"
        val STATES = mapOf(
            "setRinging" to Connection.STATE_RINGING, "setDialing" to Connection.STATE_DIALING,
            "setActive" to Connection.STATE_ACTIVE, "setOnHold" to Connection.STATE_HOLDING,
            "setDisconnected" to Connection.STATE_DISCONNECTED,
        )
    }
}
