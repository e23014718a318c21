package org.sidetone

import java.io.File
import java.util.UUID
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.sidetone.ffi.*
import org.sidetone.testing.FakeTelecom

/** The real core through the generated binding, registered at the model PBX behind sockets of its own. */
class RealPhoneTest {
    private fun config(account: Int) = PhoneConfig(
        aor = Server.accounts[account], password = Server.password(account), servers = listOf(Server.address), instance = UUID.randomUUID(),
        trust = Trust.Pem(File(Server.ca).readText()), microphone = AudioEndpoint.Null, speaker = AudioEndpoint.Null,
        audioGate = AudioGate.OPEN,
    )

    private fun test(body: suspend () -> Unit) = runBlocking { withTimeout(30.seconds) { body() } }

    @Test
    fun `the first call of the documentation is a call`() = test { firstCall(config(0), "600") }

    @Test
    fun `a refusal is typed and says what to do`() = test {
        val phone = SidetonePhone.start(config(0))
        val refused = runCatching { phone.dial("600") }.exceptionOrNull() as Refusal
        assertTrue(refused.cause is CommandException.NotRegistered, refused.toString())
        val unknown = runCatching { phone.answer(UUID.randomUUID()) }.exceptionOrNull() as Refusal
        assertEquals(Refusal.Why.UNKNOWN_CALL, unknown.why)
        phone.shutdown()
        assertThrows<StartException.Config> { SidetonePhone.start(config(0).copy(servers = listOf("ws://insecure"))) }
    }

    @Test
    fun `a link that nobody trusted has signed is refused in words`() {
        val link = "sidetone://sign-in?account=sip:a@b&server=wss://c"
        assertEquals(listOf("wss://c:443/ws"), parseSignInLink(link, emptyList()).servers)
        val key = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        val refused = assertThrows<LinkException.Untrusted> { parseSignInLink(link, listOf(key)) }
        val told = "This link does not come from whom this app trusts. Do not use it, and tell your administrator where you have it from."
        assertEquals(told, sentences(refused))
    }

    @Test
    fun `an event reader that is cancelled loses nothing to the next`() = test {
        val phone = SidetonePhone.start(config(0))
        val idle = CoroutineScope(SupervisorJob()).async { phone.events().first { false } }
        delay(50)
        idle.cancelAndJoin()
        phone.signIn()
        phone.snapshot.first { it.registration.state == RegistrationState.REGISTERED }
        val seen = ArrayList<ULong>()
        phone.events().first {
            seen += it.cursor
            (it.event as? Event.RegistrationChanged)?.registration?.state == RegistrationState.REGISTERED
        }
        assertEquals((1uL..seen.size.toULong()).toList(), seen)
        phone.shutdown()
    }

    @Test
    fun `two phones by way of the strict platform - one calls, the other answers on the lock screen, holds, mutes and hangs up`() = test {
        val caller = SidetonePhone.start(config(0)).also { it.signIn() }
        val phones = arrayListOf(caller)
        val broken = java.util.concurrent.CopyOnWriteArrayList<Throwable>()
        val main = java.util.concurrent.Executors.newSingleThreadExecutor().asCoroutineDispatcher()
        val scope = CoroutineScope(SupervisorJob() + main + CoroutineExceptionHandler { _, e -> broken += e })
        val standing = Standing(35, visible = false, locked = true)
        val telecom = FakeTelecom(standing, queue = { scope.launch { it() } })
        val coordinator = CallCoordinator(telecom, scope, { error("no push here") }, standing) {
            SidetonePhone.start(config(1)).also { it.signIn() }
        }
        telecom.actions = coordinator
        suspend fun <T> onMain(what: () -> T): T = scope.async { what() }.await()
        suspend fun <T> within(what: String, act: suspend () -> T): T = try {
            withTimeout(8.seconds) { act() }
        } catch (e: kotlinx.coroutines.TimeoutCancellationException) {
            throw AssertionError("not $what: ${telecom.calls.values.map { it.state }}, ${phones.map { it.snapshot.value.calls }}")
        }
        suspend fun until(what: String, condition: () -> Boolean) = within(what) { while (!onMain(condition)) delay(10) }
        within("the caller registered") { caller.snapshot.first { it.registration.state == RegistrationState.REGISTERED } }
        val phone = (coordinator.phone() as SidetonePhone).also { phones += it }
        within("the phone registered") { phone.snapshot.first { it.registration.state == RegistrationState.REGISTERED } }

        val outgoing = caller.dial("1002")
        until("ringing") { telecom.calls.values.singleOrNull()?.state == FakeTelecom.State.RINGING }
        val call = telecom.calls.keys.single()
        assertEquals(Alert.FULL_SCREEN, telecom.screen.foreground.alert)
        assertEquals(Ring.RINGTONE, telecom.screen.ring)
        onMain { telecom.userAnswers(call) }
        within("the caller talks") { caller.events().first { it.event == Event.Established(outgoing) } }
        until("established") { phone.snapshot.value.calls.single().state == CallState.ESTABLISHED }
        assertEquals(Ring.NONE, telecom.screen.ring)

        onMain { telecom.anotherCallBegins() }
        within("held at the server") { phone.events().first { it.event == Event.HoldChanged(call, Hold(local = true, remote = false)) } }
        assertEquals(FakeTelecom.State.HELD, telecom.calls.getValue(call).state)
        // Faster than the network: the last wish counts.
        onMain { repeat(3) { coordinator.setHold(call, false); coordinator.setHold(call, true) }; telecom.userResumes(call) }
        until("resumed") { phone.snapshot.value.calls.single().let { !it.hold.local } && telecom.calls.getValue(call).state == FakeTelecom.State.ACTIVE }

        onMain { coordinator.setMute(call, true); coordinator.onDtmf(call, '7') }
        until("muted") { phone.snapshot.value.calls.single().muted }
        within("digits sent") { phone.events().first { it.event == Event.DtmfSent(call) } }

        onMain { telecom.userHangsUp(call) }
        val ended = within("ended at the caller") { caller.events().first { (it.event as? Event.Ended)?.call == outgoing } }.event
        assertTrue((ended as Event.Ended).reason is EndReason.Remote, ended.toString())
        onMain { telecom.check() }
        broken.forEach { throw it }
        assertEquals(Cause.LOCAL, telecom.calls.getValue(call).cause)
        val kept = phone.history().entries.single()
        assertEquals(call to CallOutcome.ANSWERED, kept.call to kept.outcome)
        assertEquals(listOf(call), phone.history(kept.number!!.takeLast(2)).entries.map { it.call })
        assertEquals(emptyList<HistoryEntry>(), phone.history("nobody").entries)
        assertEquals("1002", caller.history(outcome = CallOutcome.ANSWERED).entries.single().number)
        phone.clearHistory()
        assertEquals(emptyList<HistoryEntry>(), phone.history().entries)
        caller.shutdown()
        phone.shutdown()
        main.close()
    }

    @Test
    fun `a code of the dial plan is done or refused by its kind, and the strict platform hears of no call`() = test {
        val main = java.util.concurrent.Executors.newSingleThreadExecutor().asCoroutineDispatcher()
        val broken = java.util.concurrent.CopyOnWriteArrayList<Throwable>()
        val scope = CoroutineScope(SupervisorJob() + main + CoroutineExceptionHandler { _, e -> broken += e })
        val standing = Standing(35, visible = true, locked = false)
        val telecom = FakeTelecom(standing, queue = { scope.launch { it() } })
        val coordinator = CallCoordinator(telecom, scope, { error("no push here") }, standing) {
            SidetonePhone.start(config(0)).also { it.signIn() }
        }
        telecom.actions = coordinator
        val phone = coordinator.phone() as SidetonePhone
        phone.snapshot.first { it.registration.state == RegistrationState.REGISTERED }
        val shown = scope.async { telecom.screen }.await()
        phone.control("*700")
        val forbidden = runCatching { phone.control("*721") }.exceptionOrNull() as Refusal
        assertTrue(forbidden.cause is ControlException.Forbidden, forbidden.toString())
        assertEquals("The server does not allow this. Ask its administrator.", forbidden.message)
        val none = runCatching { phone.control("no code") }.exceptionOrNull() as Refusal
        assertTrue(none.cause is ControlException.InvalidCode, none.toString())
        assertEquals(emptyList<CallSnapshot>(), phone.snapshot.value.calls)
        assertEquals(emptyList<HistoryEntry>(), phone.history().entries)
        scope.async {
            telecom.check()
            assertTrue(telecom.calls.isEmpty())
            assertEquals(shown, telecom.screen)
        }.await()
        broken.forEach { throw it }
        phone.shutdown()
        main.close()
    }

    @Test
    fun `messages of an earlier phone are there and say what became of them`() = test {
        val folder = kotlin.io.path.createTempDirectory("messages").toFile()
        suspend fun <T> withPhone(body: suspend (SidetonePhone) -> T): T {
            val phone = SidetonePhone.start(config(0), Vault.open(folder.path, ByteArray(32) { 7 }))
            phone.signIn()
            phone.snapshot.first { it.registration.state == RegistrationState.REGISTERED }
            return body(phone).also { phone.shutdown() }
        }
        val (delivered, lost) = withPhone { phone ->
            val own = phone.sendMessage("1001", "to myself")
            phone.events().first { it.event is Event.MessageReceived }
            val lost = phone.sendMessage("1009", "to nobody")
            phone.events().first { (it.event as? Event.MessageFailed)?.message == lost }
            own to lost
        }
        withPhone { phone ->
            val page = phone.messages(limit = 2u)
            assertEquals(lost to MessageState.Failed(MessageFailure.Unreachable), page.messages[0].let { it.id to it.state })
            assertTrue(page.messages[0].advice!!.contains("send it again"), page.messages[0].advice)
            assertEquals("to myself" to MessageState.Received, page.messages[1].let { it.text to it.state })
            val first = phone.messages(page.messages[1].id)
            assertEquals(delivered to MessageState.Accepted, first.messages.single().let { it.id to it.state })
            phone.clearMessages()
            assertEquals(emptyList<TextMessage>(), phone.messages().messages)
        }
        folder.deleteRecursively()
    }

    /** The model PBX: `sidetone demo --serve`. */
    private object Server {
        private val process = ProcessBuilder(
            System.getProperty("sidetone.binary") ?: error("run it by scripts/kotlin test, which names the program of the model PBX"),
            "demo", "--serve", "--port", "0", "--json",
        ).redirectError(ProcessBuilder.Redirect.DISCARD).start()
        private val ready = process.inputStream.bufferedReader().lineSequence().first { "\"ready\"" in it }

        val address = word("server")
        val ca = word("ca")
        val accounts = Regex("\"(sip:[^\"]+)\"").findAll(ready).map { it.groupValues[1] }.toList()

        fun password(account: Int) = word("password").replace("<user>", accounts[account].substringAfter(':').substringBefore('@'))

        private fun word(name: String) = Regex("\"$name\":\"([^\"]+)\"").find(ready)!!.groupValues[1]

        fun stop() {
            process.destroy()
            process.waitFor(5, TimeUnit.SECONDS)
        }
    }

    private companion object {
        @JvmStatic
        @AfterAll
        fun stop() = Server.stop()
    }
}
