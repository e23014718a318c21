package org.sidetone.sdk

import android.Manifest
import android.app.Activity
import android.app.Application
import android.app.Notification
import android.app.NotificationManager
import android.content.Intent
import android.content.pm.ServiceInfo
import android.media.AudioManager
import android.os.Build
import android.telecom.CallAudioState
import android.telecom.Connection
import android.telecom.DisconnectCause
import android.telecom.PhoneAccount
import android.telecom.TelecomManager
import java.util.UUID
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ServiceController
import org.robolectric.shadows.ShadowLooper
import org.robolectric.shadows.ShadowTelecomManager
import org.sidetone.Cause
import org.sidetone.PhoneCall
import org.sidetone.PhoneEvent
import org.sidetone.PhonePort
import org.sidetone.Push
import org.sidetone.Route
import org.sidetone.Shown
import org.sidetone.Supervising

/** The real services, connections and notifications of the library, on Android 8, 14 and 15. */
@RunWith(RobolectricTestRunner::class)
class TelecomTest {
    class Screen : Activity()

    /** Takes down what it is told. */
    private class Recorder : PhonePort {
        val told = ArrayList<String>()
        val calls = ArrayList<PhoneCall>()
        lateinit var listener: (PhoneEvent) -> Unit
        private val end = CompletableDeferred<Unit>()

        override suspend fun signIn() {}
        override suspend fun dial(call: UUID, to: String) { told += "dial $to" }
        override suspend fun answer(call: UUID) { told += "answer" }
        override suspend fun decline(call: UUID, busy: Boolean) { told += "decline" }
        override suspend fun hangUp(call: UUID) { told += "hangUp" }
        override suspend fun setHold(call: UUID, on: Boolean) { told += "hold $on"; listener(PhoneEvent.ShapeChanged) }
        override suspend fun setMute(call: UUID, on: Boolean) { if (on) told += "mute" }
        override suspend fun sendDtmf(call: UUID, digits: String) { told += "dtmf $digits" }
        override suspend fun sleep() { told += "sleep" }
        override fun announced(push: Push) { told += "announced" }
        override fun audioActivated() { told += "audio" }
        override fun audioDeactivated() { told += "silence" }
        override fun audioRouteChanged() {}
        override fun networkChanged(makeBeforeBreak: Boolean) { told += if (makeBeforeBreak) "network beside the old" else "network" }
        override fun calls() = calls
        override suspend fun pump(onEvent: (PhoneEvent) -> Unit) { listener = onEvent; end.await() }
    }

    private val application: Application get() = RuntimeEnvironment.getApplication()
    private val telecom: ShadowTelecomManager get() = shadowOf(application.service<TelecomManager>())
    private val phone = Recorder()
    private val call = UUID.fromString("6f9619ff-8b86-4d01-b42d-00c04fc964ff")
    private var service: ServiceController<CallService>? = null

    @Before
    fun begin() {
        shadowOf(application.packageManager).setSystemFeature("android.software.telecom", true)
        shadowOf(application).grantPermissions(Manifest.permission.RECORD_AUDIO)
        Sidetone.connect(application, Screen::class.java) { phone }
        Robolectric.setupService(SidetoneConnectionService::class.java)
    }

    @After
    fun end() {
        service?.destroy()
    }

    private fun settle() = ShadowLooper.idleMainLooper()

    private fun runService() {
        val started = shadowOf(application).nextStartedService ?: return
        assertEquals(CallService::class.java.name, started.component?.className)
        service = Robolectric.buildService(CallService::class.java, started).create().startCommand(0, 1)
        settle()
    }

    /** An INVITE comes while the app is seen. */
    private fun invited(from: Shown) {
        Sidetone.calls.onStanding(Sidetone.standing().copy(visible = true, fullScreenPermitted = true))
        runBlocking { Sidetone.calls.phone() }
        phone.listener(PhoneEvent.Incoming(call, from))
        settle()
    }

    private fun rings(): Connection {
        invited(Shown("Alice", "+44 ••• 42", "Sales"))
        val connection = telecom.allowIncomingCall(telecom.lastIncomingCall)!!
        settle()
        connection.onShowIncomingCallUi()
        settle()
        runService()
        return connection
    }

    private fun notification(): Notification = shadowOf(service!!.get()).lastForegroundNotification

    @Test
    fun `a caller who is back says from where, below the name`() {
        invited(Shown("Alice", "+44 ••• 42", "Sales", returnedFrom = "1002"))
        telecom.allowIncomingCall(telecom.lastIncomingCall)!!.onShowIncomingCallUi()
        settle()
        runService()
        assertEquals("Sales · ↩ 1002", notification().extras.getString(Notification.EXTRA_TEXT))
    }

    @Test
    fun `the account is self-managed and takes SIP and telephone numbers`() {
        val account = application.service<TelecomManager>().getPhoneAccount(telecom.allPhoneAccounts.single().accountHandle)
        assertTrue(account.capabilities and PhoneAccount.CAPABILITY_SELF_MANAGED != 0)
        assertEquals(listOf("sip", "tel"), account.supportedUriSchemes)
    }

    @Test
    fun `no call is in the system's list of calls, where a supervision would be dialled back`() {
        val account = application.service<TelecomManager>().getPhoneAccount(telecom.allPhoneAccounts.single().accountHandle)
        assertFalse(account.extras?.getBoolean(PhoneAccount.EXTRA_LOG_SELF_MANAGED_CALLS) ?: false)
    }

    @Test
    fun `a supervision is a call without a number, with the agent's name and what it is, that the notification ends`() {
        Sidetone.calls.onStanding(Sidetone.standing().copy(visible = true))
        runBlocking { Sidetone.calls.phone() }
        fun says(how: Supervising) {
            phone.listener(PhoneEvent.Supervises(call, Shown("Anna", null, supervision = how)))
            settle()
        }
        says(Supervising.ASKED)
        val connection = telecom.allowOutgoingCall(telecom.lastOutgoingCall)!!
        settle()
        runService()
        assertEquals(Connection.STATE_DIALING, connection.state)
        assertEquals(TelecomManager.PRESENTATION_UNKNOWN, connection.addressPresentation)
        assertEquals("Anna · Supervising", connection.callerDisplayName)
        phone.listener(PhoneEvent.Answered(call))
        settle()
        assertEquals(Connection.STATE_ACTIVE, connection.state)
        val words = mapOf(
            Supervising.LISTENS to "Listening: nobody hears you", Supervising.WHISPERS to "Whispering to the agent",
            Supervising.UNHEARD to "On hold: nobody hears you", Supervising.BARGES_IN to "Barging in on the call",
            Supervising.WAITS to "Waiting for the agent's next call",
        )
        for ((how, text) in words) {
            says(how)
            assertEquals("Anna · $text", connection.callerDisplayName)
            assertEquals("Anna", notification().extras.getString(Notification.EXTRA_TITLE))
            assertEquals(text, notification().extras.getString(Notification.EXTRA_TEXT))
            assertEquals(CallScreen.ONGOING, notification().channelId)
        }
        CallReceiver().onReceive(application, Intent(Sidetone.ACTION_HANG_UP).putExtra(Sidetone.EXTRA_CALL, call.toString()))
        settle()
        assertEquals(DisconnectCause.LOCAL, connection.disconnectCause.code)
        assertEquals(listOf("audio", "hangUp", "silence"), phone.told)
    }

    @Test
    fun `a caller's name is Telecom's too, and his number`() {
        val connection = rings()
        assertEquals("Alice", connection.callerDisplayName)
        assertEquals(TelecomManager.PRESENTATION_ALLOWED, connection.addressPresentation)
    }

    @Test
    fun `a call rings, is answered by a touch, talks and is hung up by the far end`() {
        val connection = rings()
        assertEquals(Connection.STATE_RINGING, connection.state)
        assertTrue(connection.connectionProperties and Connection.PROPERTY_SELF_MANAGED != 0)
        val ringing = notification()
        assertEquals(CallScreen.INCOMING, ringing.channelId)
        assertEquals("Alice", ringing.extras.getString(Notification.EXTRA_TITLE))
        assertNotNull(ringing.fullScreenIntent)
        if (Build.VERSION.SDK_INT >= 31) assertEquals("android.app.Notification\$CallStyle", ringing.extras.getString(Notification.EXTRA_TEMPLATE))
        if (Build.VERSION.SDK_INT >= 29) assertEquals(ServiceInfo.FOREGROUND_SERVICE_TYPE_PHONE_CALL, service!!.get().foregroundServiceType)

        assertTrue(Sidetone.handle(Intent(Sidetone.ACTION_ANSWER).putExtra(Sidetone.EXTRA_CALL, call.toString())))
        settle()
        assertEquals(Connection.STATE_ACTIVE, connection.state)
        assertEquals(listOf("answer", "audio"), phone.told)
        if (Build.VERSION.SDK_INT >= 30) {
            val both = ServiceInfo.FOREGROUND_SERVICE_TYPE_PHONE_CALL or ServiceInfo.FOREGROUND_SERVICE_TYPE_MICROPHONE
            assertEquals(both, service!!.get().foregroundServiceType)
        }
        assertEquals(CallScreen.ONGOING, notification().channelId)

        phone.listener(PhoneEvent.Ended(call, Cause.REMOTE))
        settle()
        assertEquals(Connection.STATE_DISCONNECTED, connection.state)
        assertEquals(DisconnectCause.REMOTE, connection.disconnectCause.code)
        assertTrue(shadowOf(service!!.get()).isStoppedBySelf)
        assertEquals("silence", phone.told.last())
    }

    @Test
    fun `a headset's button answers and rejects`() {
        val connection = rings()
        connection.onAnswer()
        settle()
        assertEquals(Connection.STATE_ACTIVE, connection.state)
        connection.onDisconnect()
        settle()
        assertEquals(DisconnectCause.LOCAL, connection.disconnectCause.code)
        assertEquals(listOf("answer", "audio", "hangUp", "silence"), phone.told)
    }

    @Test
    fun `a cellular call holds ours and gives it back`() {
        val connection = rings()
        connection.onAnswer()
        settle()
        phone.listener(PhoneEvent.Established(call))
        connection.onHold()
        settle()
        assertEquals(Connection.STATE_HOLDING, connection.state)
        connection.onUnhold()
        settle()
        assertEquals(Connection.STATE_ACTIVE, connection.state)
        assertEquals(setOf("answer", "audio", "hold true", "silence", "hold false"), phone.told.toSet())
        assertEquals("audio", phone.told.filter { it == "audio" || it == "silence" }.last())
    }

    @Test
    fun `Telecom's routes are shown, mute and digits reach the phone`() {
        val connection = rings()
        connection.onAnswer()
        settle()
        val both = CallAudioState.ROUTE_EARPIECE or CallAudioState.ROUTE_SPEAKER
        @Suppress("DEPRECATION")
        fun state(muted: Boolean, route: Int) = connection.onCallAudioStateChanged(CallAudioState(muted, route, both))
        state(false, CallAudioState.ROUTE_EARPIECE)
        assertEquals(Route(Route.Kind.EARPIECE), Sidetone.calls.routes.value.shown)
        Sidetone.calls.chooseRoute(Route(Route.Kind.SPEAKER))
        assertEquals("not before Telecom says so", Route(Route.Kind.EARPIECE), Sidetone.calls.routes.value.shown)
        state(true, CallAudioState.ROUTE_SPEAKER)
        assertEquals(Route(Route.Kind.SPEAKER), Sidetone.calls.routes.value.shown)
        connection.onPlayDtmfTone('5')
        assertTrue(phone.told.containsAll(listOf("mute", "dtmf 5")))
    }

    @Test
    fun `a call that Telecom refuses is refused to the caller and noticed`() {
        invited(Shown("Bob", null))
        telecom.denyIncomingCall(telecom.lastIncomingCall)
        settle()
        assertEquals(listOf("decline"), phone.told)
        val notice = shadowOf(application.service<NotificationManager>()).getNotification(call.toString(), CallScreen.ID)
        assertEquals("Bob", notice.extras.getString(Notification.EXTRA_TITLE))
    }

    @Test
    fun `a service that starts when the call is over is in the foreground for a moment and goes`() {
        invited(Shown("Bob", null))
        telecom.allowIncomingCall(telecom.lastIncomingCall)
        settle()
        phone.listener(PhoneEvent.Ended(call, Cause.MISSED))
        settle()
        runService()
        assertTrue(shadowOf(service!!.get()).isForegroundStopped)
        assertTrue(shadowOf(service!!.get()).isStoppedBySelf)
    }

    @Test
    fun `without Telecom the audio mode is ours, and given back`() {
        shadowOf(application.packageManager).setSystemFeature("android.software.telecom", false)
        Sidetone.connect(application, Screen::class.java) { phone }
        invited(Shown("Bob", null))
        assertTrue(telecom.allIncomingCalls.isEmpty())
        runService()
        Sidetone.calls.answer(call)
        settle()
        val audio = application.service<AudioManager>()
        assertEquals(AudioManager.MODE_IN_COMMUNICATION, audio.mode)
        Sidetone.calls.hangUp(call)
        settle()
        assertEquals(AudioManager.MODE_NORMAL, audio.mode)
        assertEquals(listOf("answer", "audio", "hangUp", "silence"), phone.told)
    }
}
