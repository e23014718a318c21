@file:JvmName("Main")

package org.sidetone.device

import android.Manifest
import android.app.Activity
import android.app.KeyguardManager
import android.content.Context
import android.os.Looper
import android.telecom.Connection
import android.widget.Button
import android.widget.CheckBox
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView
import com.google.firebase.FirebaseApp
import com.google.firebase.messaging.RemoteMessage
import java.io.PrintStream
import java.util.UUID
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.runBlocking
import org.junit.Test
import org.junit.runner.JUnitCore
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.sidetone.Home
import org.sidetone.Push
import org.sidetone.Shown
import org.sidetone.SidetonePhone
import org.sidetone.bench.Program
import org.sidetone.bench.flagsOf
import org.sidetone.ffi.PushToken
import org.sidetone.sample.PushService
import org.sidetone.sdk.Sidetone

/**
 * The sample app as a program: its real services, notification, activity and Firebase class on the framework's classes of one
 * level of Android (`--api`), under Robolectric; the real core below; Telecom's process and the user played by this one.
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

@Suppress("UNCHECKED_CAST")
@RunWith(RobolectricTestRunner::class)
@Config(minSdk = 26, application = DeviceApp::class, shadows = [NativeHere::class], instrumentedPackages = ["org.sidetone.sdk"])
class RobolectricPhone : Program(System.getProperties()[FLAGS] as Map<String, String>, System.getProperties()[OUT] as PrintStream) {
    private val application = RuntimeEnvironment.getApplication()
    override val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    override val calls get() = Sidetone.calls
    override val phone get() = calls.running as? SidetonePhone
    private val telecom = TelecomServer(application) { call, incoming -> if (incoming) reported(call) }
    private val shell = Shell(application)
    private val todo = ConcurrentLinkedQueue<() -> Unit>()
    private val waiting = ArrayList<Wish>()
    private var followed: SidetonePhone? = null
    private var leaving = false

    /** What the user wants to do as soon as it is on the screen. */
    private class Wish(val command: Program.Command, val call: UUID, val button: Shell.Button, val until: Long)

    override val shown get() = telecom.all.filter { !it.isOver }.map { it.uuid }
    override val hasAudio get() = telecom.all.any { it.state == Connection.STATE_ACTIVE }

    @Test
    fun run() {
        DeviceApp.disk = state
        DeviceApp.configuration = { config -> configure(config).also { Thread.sleep(lag) } }
        shadowOf(application).grantPermissions(
            Manifest.permission.RECORD_AUDIO, "android.permission.BLUETOOTH_CONNECT", "android.permission.POST_NOTIFICATIONS",
        )
        shadowOf(application.getSystemService(Context.KEYGUARD_SERVICE) as KeyguardManager).setKeyguardLocked(true)
        warm()
        try {
            begin(todo::add)
            live()
        } catch (e: RuleBroken) {
            broken(e.rule, e.message.orEmpty())
        }
    }

    /** Loads what a device has loaded long before. */
    private fun warm() {
        val any = Robolectric.buildActivity(Activity::class.java).setup()
        val views = listOf(TextView(any.get()), Button(any.get()), EditText(any.get()), CheckBox(any.get()))
        any.get().setContentView(ScrollView(any.get()).apply { addView(LinearLayout(any.get()).apply { views.forEach(::addView) }) })
        shadowOf(Looper.getMainLooper()).idle()
        any.pause().stop().destroy()
    }

    private fun home() = Sidetone::class.java.getDeclaredField("home").apply { isAccessible = true }.get(null) as Home

    override suspend fun signIn() {
        saying { Sidetone.signIn(account) }
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
            phone?.let { if (it !== followed) follow(it.also { followed = it }) }
            while (true) todo.poll()?.invoke() ?: break
            fulfil(now)
            if (leaving && telecom.all.all { it.isOver } && !shell.isServiceThere) return leave()
            Thread.sleep(2)
        }
    }

    /** Firebase calls its service on a thread of its own, and lets the process go when it returns. */
    override fun push(payload: ByteArray) {
        // As another process has left it.
        runBlocking { if (Sidetone.account() == null) home().keep(account) }
        val said = read(payload)
        val service = Robolectric.buildService(PushService::class.java).create().get()
        val message = RemoteMessage.Builder("device").addData("sidetone", String(payload)).build()
        val (wasKnown, notices) = telecom.wasAsked(said.call) to shell.notices()
        thread { service.onMessageReceived(message) }.join()
        // A repetition of what was seen and dealt with shows nothing anew.
        if (said.kind == Push.Kind.INCOMING && !wasKnown && !shell.isServiceAsked && shell.notices() == notices) {
            broken("push_is_seen", "a push of high priority has led to nothing that is seen")
        }
    }

    override suspend fun tokenIs(token: PushToken?) {
        if (token != null) PushService().onNewToken(token.prid)
        else Sidetone.setPushToken(FirebaseApp.getInstance().options.projectId, null)
    }

    private fun reported(call: TelecomServer.Call) {
        val number = call.address?.schemeSpecificPart?.takeUnless { it == "unknown" }
        reported(call.uuid, Shown(null, number))
    }

    override fun open() = shell.open()

    override fun touch(command: Command, call: UUID) {
        val there = telecom.of(call) ?: return
        when (command.name) {
            "answer" -> if (command.json.optBoolean("headset")) telecom.answer(there) else return wish(command, call, Shell.Button.ANSWER)
            "decline" -> return wish(command, call, Shell.Button.DECLINE)
            "hangup" -> return wish(command, call, Shell.Button.HANG_UP)
            "hold" -> telecom.hold(there, command.isOn())
            "mute" -> telecom.mute(there, command.isOn())
            else -> telecom.type(there, command.json.getString("digits"))
        }
        command.accepted()
    }

    private fun wish(command: Command, call: UUID, button: Shell.Button) {
        waiting += Wish(command, call, button, System.nanoTime() + PATIENCE)
    }

    private fun fulfil(now: Long) = waiting.removeAll { wish ->
        val action = shell.button(wish.button, wish.call)
        if (action == null && now > wish.until) broken("show_incoming", "the notification of ${wish.call} has no ${wish.button}: ${shell.notification()}")
        if (action != null) {
            wish.command.accepted()
            shell.touch(action)
        }
        action != null
    }

    override fun quit() {
        leaving = true
        for (call in telecom.all) if (!call.isOver) telecom.disconnect(call)
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
