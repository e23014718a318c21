@file:JvmName("Main")

package org.sidetone.device

import android.Manifest
import android.app.KeyguardManager
import android.content.ComponentName
import android.content.Context
import android.content.Intent
import android.os.Looper
import com.google.firebase.messaging.RemoteMessage
import java.io.File
import java.io.PrintStream
import java.util.UUID
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.json.JSONObject
import org.junit.Test
import org.junit.runner.JUnitCore
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.sidetone.Home
import org.sidetone.Refusal
import org.sidetone.SidetonePhone
import org.sidetone.bench.Lines
import org.sidetone.bench.endpoint
import org.sidetone.bench.flagsOf
import org.sidetone.ffi.Report
import org.sidetone.ffi.announce
import org.sidetone.readPush
import org.sidetone.sample.PhoneActivity
import org.sidetone.sample.PushService
import org.sidetone.sdk.Sidetone
import org.sidetone.sentences

/**
 * The sample app as a program: its real services, notification, activity and Firebase class on the framework's classes of one
 * level of Android (`--api`), under Robolectric; the real core below; Telecom's process and the user played by this one.
 *
 * Speaks docs/cli.md's JSON lines as `ColdPhone` does. A broken rule of the platform ends it with status 3.
 */
fun main(arguments: Array<String>) {
    val flags = try {
        flagsOf(arguments)
    } catch (e: IllegalArgumentException) {
        System.err.println("robolectric-phone: ${e.message}")
        exitProcess(2)
    }
    System.setProperty("robolectric.enabledSdks", flags["api"] ?: "35")
    // The test's classes are loaded by Robolectric's own loader: what it is to know crosses by the JDK's objects.
    System.getProperties()[FLAGS] = HashMap(flags)
    System.getProperties()[OUT] = System.out
    System.setOut(System.err)
    val result = JUnitCore.runClasses(RobolectricPhone::class.java)
    result.failures.forEach { System.err.println(it.trace) }
    exitProcess(if (result.wasSuccessful() && result.runCount == 1) 0 else 1)
}

@RunWith(RobolectricTestRunner::class)
@Config(minSdk = 26, application = DeviceApp::class, shadows = [NativeHere::class], instrumentedPackages = ["org.sidetone.sdk"])
class RobolectricPhone {
    @Suppress("UNCHECKED_CAST")
    private val flags = System.getProperties()[FLAGS] as Map<String, String>
    private val lines = Lines(System.getProperties()[OUT] as PrintStream)
    private val application = RuntimeEnvironment.getApplication()
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val pushes = HashMap<UUID, Report>()
    private val telecom = TelecomServer(application) { call, incoming -> if (incoming) reported(call) }
    private val shell = Shell(application)
    private val commands = ConcurrentLinkedQueue<String>()
    private val waiting = ArrayList<Wish>()
    private var followed: SidetonePhone? = null
    private var leaving = false

    /** What the user wants to do as soon as it is on the screen. */
    private class Wish(val command: String, val call: UUID, val button: Shell.Button, val until: Long)

    @Test
    fun run() {
        val disk = File(flags.getValue("state")).also { it.mkdirs() }
        DeviceApp.disk = disk
        DeviceApp.authority = flags["ca"]?.let(::File)
        DeviceApp.microphone = endpoint(flags["mic"])
        DeviceApp.speaker = endpoint(flags["speaker"])
        shadowOf(application).grantPermissions(
            Manifest.permission.RECORD_AUDIO, "android.permission.BLUETOOTH_CONNECT", "android.permission.POST_NOTIFICATIONS",
        )
        shadowOf(application.getSystemService(Context.KEYGUARD_SERVICE) as KeyguardManager).setKeyguardLocked(true)
        val account = Home.Account(
            flags.getValue("account"), System.getenv("SIDETONE_PASSWORD").orEmpty(), flags.getValue("server").split(','),
        )
        thread(isDaemon = true) { generateSequence(::readLine).forEach(commands::add) }
        try {
            val payload = flags["payload"]?.let { File(it).readText() }
            if (payload == null) scope.launch { attempt { Sidetone.signIn(account) } } else {
                // Another process has signed in, at some time.
                runBlocking { home().keep(account) }
                push(payload)
            }
            live()
        } catch (e: RuleBroken) {
            lines.print("rule_broken", "rule" to e.rule, "text" to e.message)
            Runtime.getRuntime().halt(3)
        }
    }

    private fun home() = Sidetone::class.java.getDeclaredField("home").apply { isAccessible = true }.get(null) as Home

    private suspend fun attempt(what: suspend () -> Unit) = try {
        what()
    } catch (e: Exception) {
        lines.print("error", "text" to sentences(e))
    }

    /** The main thread of the app's process. */
    private fun live() {
        var before = System.nanoTime()
        while (true) {
            val now = System.nanoTime()
            shadowOf(Looper.getMainLooper()).idleFor(now - before, TimeUnit.NANOSECONDS)
            before = now
            telecom.poll()
            shadowOf(Looper.getMainLooper()).idle()
            shell.poll()
            follow()
            while (true) obey(commands.poll() ?: break)
            fulfil(now)
            if (leaving && telecom.all.all { it.isOver } && !shell.isServiceThere) return leave()
            Thread.sleep(2)
        }
    }

    private fun follow() {
        val phone = Sidetone.calls.running as? SidetonePhone ?: return
        if (phone === followed) return
        followed = phone
        scope.launch { phone.events().collect { lines.print(it.event) } }
    }

    /** Firebase calls its service on a thread of its own, and lets the process go when it returns. */
    private fun push(payload: String) {
        val said = readPush(payload.toByteArray())
        pushes[said.call] = announce(payload.toByteArray())
        val service = Robolectric.buildService(PushService::class.java).create().get()
        val message = RemoteMessage.Builder("device").addData("sidetone", payload).build()
        val notices = shell.notices()
        thread { service.onMessageReceived(message) }.join()
        if (said.kind == org.sidetone.Push.Kind.INCOMING && !telecom.wasAsked(said.call) && shell.notices() == notices) {
            broken("push_is_seen", "a push of high priority has led to nothing that is seen")
        }
    }

    private fun reported(call: TelecomServer.Call) {
        val number = call.address?.schemeSpecificPart?.takeUnless { it == "unknown" }
        lines.reported(call.uuid, org.sidetone.Shown(null, number), pushes[call.uuid])
    }

    private fun obey(text: String) {
        val command = JSONObject(text)
        val name = command.optString("command")
        val uuid = runCatching { UUID.fromString(command.getString("call")) }.getOrNull()
        fun accepted(call: UUID? = uuid) = lines.print("accepted", "command" to name, "call" to call?.toString())
        fun refused(reason: String, text: String) =
            lines.print("refused", "command" to name, "call" to uuid?.toString(), "reason" to reason, "text" to text)
        when (name) {
            "quit" -> {
                leaving = true
                for (call in telecom.all) if (!call.isOver) telecom.disconnect(call)
                return
            }
            "announce" -> {
                push(command.get("payload").toString())
                return accepted()
            }
            "dial" -> {
                shell.open(Intent().setComponent(ComponentName(application, PhoneActivity::class.java)))
                scope.launch {
                    try {
                        accepted(Sidetone.calls.dial(command.getString("uri")))
                    } catch (e: Refusal) {
                        refused("invalid_target", e.message.orEmpty())
                    }
                }
                return
            }
        }
        val call = telecom.of(uuid)?.takeUnless { it.isOver } ?: return refused("unknown_call", "there is no such call; it may have ended")
        when (name) {
            "answer" -> if (command.optBoolean("headset")) telecom.answer(call) else return wish(name, call, Shell.Button.ANSWER)
            "decline" -> return wish(name, call, Shell.Button.DECLINE)
            "hangup" -> return wish(name, call, Shell.Button.HANG_UP)
            "hold" -> telecom.hold(call, command.getBoolean("on"))
            "mute" -> telecom.mute(call, command.getBoolean("on"))
            "dtmf" -> telecom.type(call, command.getString("digits"))
            else -> return refused("invalid_command", "no command of this name")
        }
        accepted()
    }

    private fun wish(command: String, call: TelecomServer.Call, button: Shell.Button) {
        waiting += Wish(command, call.uuid, button, System.nanoTime() + PATIENCE)
    }

    private fun fulfil(now: Long) = waiting.removeAll { wish ->
        val action = shell.button(wish.button, wish.call)
        if (action == null && now > wish.until) broken("show_incoming", "the notification of ${wish.call} has no ${wish.button}: ${shell.notification()}")
        if (action != null) {
            lines.print("accepted", "command" to wish.command, "call" to wish.call.toString())
            shell.touch(action)
        }
        action != null
    }

    private fun leave() {
        runBlocking { followed?.shutdown() }
    }

    private companion object {
        const val PATIENCE = 5_000_000_000
    }
}

private const val FLAGS = "sidetone.flags"
private const val OUT = "sidetone.out"
