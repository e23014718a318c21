package org.sidetone.device

import android.Manifest
import android.app.Application
import android.app.Notification
import android.os.Looper
import android.telecom.Connection
import android.telecom.DisconnectCause
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.sidetone.SidetonePhone
import org.sidetone.ffi.CallState
import org.sidetone.ffi.RegistrationState
import org.sidetone.ffi.Snapshot
import org.sidetone.ffi.SupervisionMode
import org.sidetone.ffi.TeamState
import org.sidetone.sdk.Sidetone

/** A supervisor's phone as the system has it: the real core at the model PBX, the real services, the system's processes played. */
@RunWith(RobolectricTestRunner::class)
@Config(minSdk = 26, application = DeviceApp::class, shadows = [NativeHere::class], instrumentedPackages = ["org.sidetone.sdk"])
class SupervisionTest {
    private val application: Application get() = RuntimeEnvironment.getApplication()
    private val telecom by lazy { TelecomServer(application) { _, _ -> } }
    private val shell by lazy { Shell(application) }
    private val server = Server().trusted()
    private val phones = ArrayList<SidetonePhone>()

    @After
    fun end() {
        runBlocking { phones.forEach { it.shutdown() } }
        server.stop()
        // For the next test a new process begins.
        Sidetone::class.java.getDeclaredField("coordinator").apply { isAccessible = true }.set(null, null)
    }

    private fun await(what: String, condition: () -> Boolean) {
        val until = System.nanoTime() + 15_000_000_000
        while (System.nanoTime() < until) {
            shadowOf(Looper.getMainLooper()).idle()
            telecom.poll()
            shell.poll()
            if (condition()) return
            Thread.sleep(20)
        }
        throw AssertionError("not seen: $what; calls ${telecom.all.map { listOf(it.name, it.state, it.cause) }}")
    }

    /** Somebody else's phone. */
    private fun phone(user: String) = runBlocking {
        SidetonePhone.start(server.config(user)).also { phones += it; it.signIn(); it.until { shown -> shown.registration.state == RegistrationState.REGISTERED } }
    }

    private suspend fun SidetonePhone.until(condition: (Snapshot) -> Boolean) = withTimeout(10.seconds) { snapshot.first(condition) }

    /** The agent has a customer on the line. */
    private fun talks(agent: SidetonePhone) = runBlocking {
        val call = agent.until { it.calls.singleOrNull()?.state == CallState.RINGING }.calls.single().id
        agent.answer(call)
        agent.until { it.calls.single().state == CallState.ESTABLISHED }
        call
    }

    @Test
    fun `a supervision is a call of Telecom's, whatever is done to it there, and its microphone is the core's`() {
        shadowOf(application).grantPermissions(Manifest.permission.RECORD_AUDIO, "android.permission.POST_NOTIFICATIONS")
        val (agent, customer) = phone("agent1") to phone("customer1")
        val supervisor = runBlocking { Sidetone.signIn(server.account("colleague1")) }.also { phones += it }
        shell.open()
        runBlocking {
            supervisor.until { it.registration.state == RegistrationState.REGISTERED }
            supervisor.watchTeam(true)
            supervisor.until { it.team?.state == TeamState.CURRENT }
            customer.dial("1001")
        }
        val talk = talks(agent)
        fun seen() = supervisor.snapshot.value.calls.first { it.supervision != null }
        val anna = "Ager & Söhne (1) \"west\\"

        val id = runBlocking { supervisor.supervise("agent1", SupervisionMode.LISTEN) }
        await("the call") { telecom.of(id)?.state == Connection.STATE_ACTIVE }
        val call = telecom.of(id)!!
        assertFalse(call.incoming)
        assertNull("nobody to call back", call.number)
        fun says(words: String) {
            await(words) { call.name == "$anna · $words" && shell.notification()?.extras?.getString(Notification.EXTRA_TEXT) == words }
            assertEquals(anna, shell.notification()!!.extras.getString(Notification.EXTRA_TITLE))
        }
        says("Listening: nobody hears you")

        // The user's mute is Telecom's; the microphone stays closed whatever that says.
        for (on in listOf(true, false)) {
            telecom.mute(call, on)
            await("muted: $on") { seen().muted == on }
            assertFalse(seen().supervision!!.speaks)
        }
        runBlocking { supervisor.setSupervisionMode(id, SupervisionMode.WHISPER) }
        says("Whispering to the agent")
        assertTrue(seen().supervision!!.speaks)
        for (on in listOf(true, false)) {
            telecom.mute(call, on)
            await("muted: $on") { seen().muted == on }
        }
        runBlocking { supervisor.setSupervisionMode(id, SupervisionMode.BARGE) }
        says("Barging in on the call")
        runBlocking { agent.setHold(talk, true) }
        says("On hold: nobody hears you")
        runBlocking { agent.setHold(talk, false) }
        says("Barging in on the call")

        // A cellular call: held at once, and he only listens when he is back.
        telecom.hold(call, true)
        await("held") { call.state == Connection.STATE_HOLDING && seen().hold.local }
        says("Listening: nobody hears you")
        telecom.hold(call, false)
        await("back") { call.state == Connection.STATE_ACTIVE && !seen().hold.local }
        assertEquals(SupervisionMode.LISTEN to false, seen().supervision!!.run { mode to speaks })

        // Another calls meanwhile, and is answered on a headset.
        runBlocking { supervisor.setSupervisionMode(id, SupervisionMode.WHISPER) }
        says("Whispering to the agent")
        val other = phone("customer2")
        runBlocking { other.dial("2001") }
        await("another call") { telecom.all.any { it.incoming && it.state == Connection.STATE_RINGING } }
        assertEquals(Connection.STATE_ACTIVE, call.state)
        val second = telecom.all.first { it.incoming }
        telecom.answer(second)
        await("the other talks") { second.state == Connection.STATE_ACTIVE && call.state == Connection.STATE_HOLDING && seen().hold.local }
        runBlocking { other.hangUp(other.snapshot.value.calls.single().id) }
        await("the other is gone") { second.isOver }
        await("back") {
            if (call.state == Connection.STATE_HOLDING) telecom.hold(call, false)
            call.state == Connection.STATE_ACTIVE && !seen().hold.local
        }
        says("Listening: nobody hears you")

        // The agent's call is over, and with it this one.
        runBlocking { agent.hangUp(talk) }
        await("over") { call.isOver && !shell.isServiceThere }
        assertEquals(DisconnectCause.REMOTE, call.cause!!.code)

        // Refused by the server.
        val refused = runBlocking { supervisor.supervise("agent2", SupervisionMode.LISTEN) }
        await("refused") { telecom.of(refused)?.isOver == true && !shell.isServiceThere }
        assertEquals(DisconnectCause.ERROR, telecom.of(refused)!!.cause!!.code)

        // Stopped by the notification, while the agent talks on.
        shell.open()
        runBlocking { customer.until { it.calls.isEmpty() }; customer.dial("1001") }
        talks(agent)
        val last = runBlocking { supervisor.supervise("agent1", SupervisionMode.BARGE) }
        await("its button") { shell.button(Shell.Button.HANG_UP, last) != null && telecom.of(last)?.state == Connection.STATE_ACTIVE }
        shell.touch(shell.button(Shell.Button.HANG_UP, last)!!)
        await("stopped") { telecom.of(last)!!.isOver && supervisor.snapshot.value.calls.isEmpty() }
        assertEquals(DisconnectCause.LOCAL, telecom.of(last)!!.cause!!.code)
        assertEquals(CallState.ESTABLISHED, agent.snapshot.value.calls.single().state)
    }
}
