@file:JvmName("ColdPhone")

package org.sidetone.bench

import java.io.File
import java.security.SecureRandom
import java.time.Duration
import java.util.UUID
import java.util.concurrent.Executors
import kotlin.system.exitProcess
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import org.sidetone.CallCoordinator
import org.sidetone.Home
import org.sidetone.PhonePort
import org.sidetone.SidetonePhone
import org.sidetone.Standing
import org.sidetone.ffi.PushToken
import org.sidetone.ffi.Vault
import org.sidetone.testing.FakeTelecom
import org.sidetone.testing.RuleBroken

/** The Android library as a program of the JVM: the real coordinator and core, and the strict [FakeTelecom] in the platform's place. */
fun main(arguments: Array<String>) {
    val flags = try {
        flagsOf(arguments)
    } catch (e: IllegalArgumentException) {
        System.err.println("cold-phone: ${e.message}")
        exitProcess(2)
    }
    StrictPhone(flags).run()
}

private class StrictPhone(flags: Map<String, String>) : Program(flags, System.out) {
    // As on a device: all of the platform's calls come on one thread, which here keeps the process too.
    private val main = Executors.newSingleThreadExecutor()
    override val scope = CoroutineScope(SupervisorJob() + main.asCoroutineDispatcher() + CoroutineExceptionHandler { _, e -> failed(e) })
    private val standing = Standing(apiLevel = 35, visible = false, locked = true)
    private val telecom = FakeTelecom(standing, ::onMain, ::told)
    private val home = Home({ openVault(state) }, ::configure)
    override val calls = CallCoordinator(
        telecom, scope, ::read, standing, sleepAfter = { SLEEP_AFTER.takeIf { home.isWakeable } }, startPhone = ::start,
    )
    override var phone: SidetonePhone? = null
        private set

    override val shown get() = telecom.calls.values.filter { it.state != FakeTelecom.State.ENDED }.map { it.call }
    override val hasAudio get() = telecom.audio

    fun run() {
        telecom.actions = calls
        begin(::onMain)
    }

    private fun onMain(what: () -> Unit) = main.execute {
        try {
            what()
        } catch (e: Throwable) {
            failed(e)
        }
    }

    private fun failed(e: Throwable) {
        val broken = generateSequence(e) { it.cause }.filterIsInstance<RuleBroken>().firstOrNull()
        if (broken != null) broken(broken.rule.name.lowercase(), broken.message.orEmpty())
        e.printStackTrace()
    }

    override suspend fun signIn() {
        calls.phone()
    }

    private suspend fun start(): PhonePort {
        delay(lag)
        home.keep(account)
        val started = saying { home.start() }.also { phone = it }
        follow(started)
        return Watched(started, telecom)
    }

    override fun push(payload: ByteArray) {
        telecom.push { calls.onPush(payload) }
    }

    override suspend fun tokenIs(token: PushToken?) {
        home.keepPush(token)
        phone?.setPushToken(token)
    }

    override fun open() = telecom.standingChanges(standing.copy(visible = true, locked = false))

    override fun touch(command: Command, call: UUID) {
        command.accepted()
        when (command.name) {
            "answer" -> if (command.json.optBoolean("headset")) telecom.headsetAnswers(call) else telecom.userAnswers(call)
            "decline" -> if (command.json.optBoolean("busy")) calls.decline(call, busy = true) else telecom.userDeclines(call)
            "hangup" -> telecom.userHangsUp(call)
            "hold" -> telecom.userHolds(call, command.isOn())
            "mute" -> calls.setMute(call, command.isOn())
            else -> command.json.getString("digits").forEach { calls.onDtmf(call, it) }
        }
    }

    override fun quit() {
        shown.forEach(telecom::userHangsUp)
        scope.launch {
            phone?.shutdown()
            telecom.check()
            exitProcess(0)
        }
    }

    private fun told(told: FakeTelecom.Told) {
        when (told) {
            is FakeTelecom.Told.Reported -> reported(told.call, told.shown)
            is FakeTelecom.Told.Noticed -> if (told.call !in telecom.calls) reported(told.call, told.shown)
            is FakeTelecom.Told.Ended, is FakeTelecom.Told.Seen -> {}
        }
    }
}

/** The phone, its audio gate under the platform's eyes. */
private class Watched(private val phone: SidetonePhone, private val telecom: FakeTelecom) : PhonePort by phone {
    override fun audioActivated() {
        telecom.audio(true)
        phone.audioActivated()
    }

    override fun audioDeactivated() {
        telecom.audio(false)
        phone.audioDeactivated()
    }
}

/** As on a device, but for the keystore: the key lies beside the vault. */
private suspend fun openVault(state: File): Vault {
    val key = File(state, "key")
    if (!key.exists()) key.writeBytes(ByteArray(32).also(SecureRandom()::nextBytes))
    return Vault.open(File(state, "vault").path, key.readBytes())
}

private val SLEEP_AFTER: Duration = Duration.ofSeconds(2)
