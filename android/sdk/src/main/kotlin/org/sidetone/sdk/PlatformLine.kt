package org.sidetone.sdk

import android.annotation.TargetApi
import android.content.ComponentName
import android.content.Context
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.telecom.PhoneAccount
import android.telecom.PhoneAccountHandle
import android.telecom.TelecomManager
import java.util.UUID
import java.util.concurrent.ConcurrentHashMap
import org.sidetone.Cause
import org.sidetone.Route
import org.sidetone.Screen
import org.sidetone.Shown
import org.sidetone.TelecomActions
import org.sidetone.TelecomPort

/** Whether Telecom knows this app's account, without which it takes no call of it. */
enum class PhoneAccountState { REGISTERED, MISSING, NOT_TOLD, NO_TELECOM }

/** The way to the platform: calls by [SidetoneConnectionService] or, where there is no Telecom, by [LoneAudio]; screens by [CallScreen]. */
internal class PlatformLine(private val context: Context, private val screens: CallScreen) : TelecomPort {
    lateinit var actions: TelecomActions
    private val main = Handler(Looper.getMainLooper())
    private val expected = ConcurrentHashMap.newKeySet<UUID>()
    private val connections = ConcurrentHashMap<UUID, CallConnection>()
    private val hasTelecom = context.packageManager.hasSystemFeature("android.software.telecom") ||
        context.packageManager.hasSystemFeature("android.software.connectionservice")
    private val alone = if (hasTelecom) null else LoneAudio(context) { routes, route -> actions.onRoutes(routes, route) }
    private val account = PhoneAccountHandle(ComponentName(context, SidetoneConnectionService::class.java), "sidetone")

    /** Telecom forgets accounts when an app is updated or moved: said again at each start. */
    fun register() {
        if (!hasTelecom) return
        context.service<TelecomManager>().registerPhoneAccount(
            PhoneAccount.builder(account, context.applicationInfo.loadLabel(context.packageManager))
                .setCapabilities(PhoneAccount.CAPABILITY_SELF_MANAGED)
                .addSupportedUriScheme(PhoneAccount.SCHEME_SIP)
                .addSupportedUriScheme(PhoneAccount.SCHEME_TEL)
                .build(),
        )
    }

    /** Whether Telecom has the account now. */
    fun accountState(): PhoneAccountState {
        if (!hasTelecom) return PhoneAccountState.NO_TELECOM
        val telecom = context.service<TelecomManager>()
        val isThere = try {
            if (Build.VERSION.SDK_INT >= 33) Api33.accounts(telecom).contains(account) else telecom.getPhoneAccount(account) != null
        } catch (e: SecurityException) {
            // Android 12 wants a permission for this question that nothing else here needs.
            return PhoneAccountState.NOT_TOLD
        } catch (e: IllegalStateException) {
            // Telecom's process is starting anew.
            return PhoneAccountState.NOT_TOLD
        }
        return if (isThere) PhoneAccountState.REGISTERED else PhoneAccountState.MISSING
    }

    fun expects(call: UUID) = call in expected

    fun created(connection: CallConnection) {
        connections[connection.call] = connection
        expected.remove(connection.call)
    }

    fun refused(call: UUID) {
        expected.remove(call)
        main.post { actions.onRefused(call) }
    }

    override fun reportIncoming(call: UUID, shown: Shown) = ask(call) {
        val extras = Bundle()
        extras.putString(SidetoneConnectionService.EXTRA_CALL, call.toString())
        extras.putParcelable(TelecomManager.EXTRA_INCOMING_CALL_ADDRESS, addressOf(shown))
        context.service<TelecomManager>().addNewIncomingCall(account, extras)
    }

    override fun placeOutgoing(call: UUID, shown: Shown) = ask(call) {
        val ours = Bundle()
        ours.putString(SidetoneConnectionService.EXTRA_CALL, call.toString())
        val extras = Bundle()
        extras.putParcelable(TelecomManager.EXTRA_PHONE_ACCOUNT_HANDLE, account)
        extras.putBundle(TelecomManager.EXTRA_OUTGOING_CALL_EXTRAS, ours)
        context.service<TelecomManager>().placeCall(addressOf(shown), extras)
    }

    private fun ask(call: UUID, how: () -> Unit) {
        if (alone != null) {
            main.post {
                actions.onCreated(call)
                actions.onShowIncoming(call)
            }
            return
        }
        expected += call
        // Telecom's refusals come as exceptions of several kinds, the device's maker having a say in it.
        try {
            how()
        } catch (e: RuntimeException) {
            refused(call)
        }
    }

    override fun update(call: UUID, shown: Shown) = with(call) {
        setCallerDisplayName(screens.name(shown), TelecomManager.PRESENTATION_ALLOWED)
    }

    override fun setActive(call: UUID) {
        if (alone != null) {
            alone.activate()
            main.post { actions.onActive(call) }
        } else {
            with(call) { setActive() }
        }
    }

    override fun setHeld(call: UUID) = with(call) { setOnHold() }

    override fun setEnded(call: UUID, cause: Cause) {
        with(call) { end(cause) }
        connections.remove(call)
    }

    override fun requestRoute(route: Route) {
        alone?.request(route) ?: main.post { connections.values.firstOrNull()?.request(route) }
    }

    override fun show(screen: Screen) {
        if (screen == Screen.EMPTY) alone?.release()
        screens.show(screen)
    }

    override fun notice(call: UUID, shown: Shown, cause: Cause) = screens.notice(call, shown, cause)

    /** Always by the main thread's queue: Telecom's objects live there, and so the order of the calls is kept. */
    private fun with(call: UUID, what: CallConnection.() -> Unit) {
        val connection = connections[call] ?: return
        main.post { connection.what() }
    }

    private fun addressOf(shown: Shown): Uri = shown.number?.let { Uri.fromParts(PhoneAccount.SCHEME_TEL, it, null) } ?: NO_NUMBER

    internal companion object {
        /** Telecom places no call without an address; nobody is to see this one, or to dial it. */
        val NO_NUMBER: Uri = Uri.fromParts(PhoneAccount.SCHEME_TEL, "unknown", null)
    }

    /** The app's own accounts, without a permission, since Android 13. */
    @TargetApi(33)
    private object Api33 {
        fun accounts(telecom: TelecomManager): List<PhoneAccountHandle> = telecom.ownSelfManagedPhoneAccounts
    }
}
