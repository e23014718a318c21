package org.sidetone.device

import android.Manifest
import android.app.Activity
import android.app.Application
import android.app.NotificationManager
import android.content.ComponentName
import android.content.Context
import android.content.Intent
import android.media.RingtoneManager
import android.net.Uri
import android.os.Build
import android.os.Looper
import android.provider.Settings
import android.telecom.CallAudioState
import android.telecom.Connection
import android.telecom.TelecomManager
import android.view.View
import android.view.ViewGroup
import android.widget.EditText
import android.widget.TextView
import com.google.firebase.messaging.RemoteMessage
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowTelecomManager
import org.sidetone.Home
import org.sidetone.SidetonePhone
import org.sidetone.ffi.libraryVersion
import org.sidetone.sample.screens.Requirement
import org.sidetone.sample.PhoneActivity
import org.sidetone.sample.PushService
import org.sidetone.sdk.Sidetone
import org.sidetone.sdk.SidetoneConnectionService

/**
 * The sample as its user has it: reads what is on the screen and touches it. The phone is the real core at the model PBX; the
 * framework's classes are real, on Android 8, 14 and 15; Telecom's own part is played by the test.
 */
@RunWith(RobolectricTestRunner::class)
@Config(minSdk = 26, application = DeviceApp::class, shadows = [NativeHere::class], instrumentedPackages = ["org.sidetone.sdk"])
class SampleTest {
    private val application: Application get() = RuntimeEnvironment.getApplication()
    private val telecom: ShadowTelecomManager get() = shadowOf(application.getSystemService(Context.TELECOM_SERVICE) as TelecomManager)
    private var server: Server? = null
    private lateinit var activity: ActivityController<PhoneActivity>

    @After
    fun end() {
        if (::activity.isInitialized) activity.close()
        (Sidetone.calls.running as? SidetonePhone)?.let { kotlinx.coroutines.runBlocking { it.shutdown() } }
        server?.stop()
        // For the next test a new process begins.
        Sidetone::class.java.getDeclaredField("coordinator").apply { isAccessible = true }.set(null, null)
    }

    private fun open(intent: Intent = Intent()) {
        activity = Robolectric.buildActivity(PhoneActivity::class.java, intent.setComponent(ComponentName(application, PhoneActivity::class.java)))
            .create().start().resume()
        shadowOf(Looper.getMainLooper()).idle()
    }

    private fun View.all(): Sequence<View> = sequence {
        yield(this@all)
        if (this@all is ViewGroup) for (n in 0 until childCount) yieldAll(getChildAt(n).all())
    }

    private fun View.isSeen(): Boolean = visibility == View.VISIBLE && ((parent as? View)?.isSeen() ?: true)

    private fun seen() = activity.get().findViewById<View>(android.R.id.content)!!.all().filter { it.isSeen() }

    private fun words() = seen().filterIsInstance<TextView>().map { it.text.toString() }.filter { it.isNotEmpty() }.toList()

    private fun field(hint: String) = seen().filterIsInstance<EditText>().first { it.hint.startsWith(hint) }

    private fun button(word: String) =
        seen().filterIsInstance<TextView>().firstOrNull { it.text.toString() == word } ?: throw AssertionError("no $word among ${words()}")

    private fun touch(word: String) {
        val view = button(word)
        view.performClick()
        shadowOf(Looper.getMainLooper()).idle()
    }

    private fun await(what: String, condition: () -> Boolean) {
        val until = System.nanoTime() + 15_000_000_000
        while (System.nanoTime() < until) {
            shadowOf(Looper.getMainLooper()).idle()
            if (condition()) return
            Thread.sleep(20)
        }
        throw AssertionError("not seen: $what; seen: ${words()}")
    }

    private fun awaitWord(word: String) = await(word) { words().any { word in it } }

    private fun grant() {
        shadowOf(application).grantPermissions(
            Manifest.permission.RECORD_AUDIO, "android.permission.BLUETOOTH_CONNECT", "android.permission.POST_NOTIFICATIONS",
        )
    }

    private fun signIn() {
        grant()
        val server = Server().trusted().also { server = it }
        open(Intent(Intent.ACTION_VIEW, Uri.parse(server.link)))
        assertEquals(server.link, field("sidetone: link").text.toString())
        field("Password").setText(server.password)
        touch("Sign in")
        awaitWord("● registered")
    }

    /** Telecom takes the call that the app asked for. */
    private fun allowed(): Connection {
        Robolectric.setupService(SidetoneConnectionService::class.java)
        await("Telecom asked") { telecom.allOutgoingCalls.isNotEmpty() }
        return telecom.allowOutgoingCall(telecom.lastOutgoingCall)!!
    }

    private fun told() = Requirement.entries.filter { it.missing in words() }.toSet()

    @Test
    fun `what is not permitted is said in a sentence, which leads to where it is permitted`() {
        val notifications = shadowOf(application.getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager)
        notifications.setNotificationsEnabled(false)
        open()
        val level = Build.VERSION.SDK_INT
        val expected = mutableMapOf(
            Requirement.MICROPHONE to Settings.ACTION_APPLICATION_DETAILS_SETTINGS,
            Requirement.NOTIFICATIONS to Settings.ACTION_APP_NOTIFICATION_SETTINGS,
        )
        if (level >= 31) expected[Requirement.HEADSET_NAMES] = Settings.ACTION_APPLICATION_DETAILS_SETTINGS
        if (level >= 34 && Requirement.FULL_SCREEN.missing in words()) {
            expected[Requirement.FULL_SCREEN] = "android.settings.MANAGE_APP_USE_FULL_SCREEN_INTENT"
        }
        assertEquals(expected.keys, told())
        // The question that Android asks comes first.
        shadowOf(activity.get()).nextStartedActivity
        for ((missing, page) in expected) {
            touch(missing.missing!!)
            assertEquals(page, shadowOf(activity.get()).nextStartedActivity?.action)
        }
        grant()
        notifications.setNotificationsEnabled(true)
        activity.pause().resume()
        assertEquals(emptySet<Requirement>(), told() - Requirement.FULL_SCREEN)
    }

    @Test
    fun `a text that is no link, and a phone without a scanner, are told what to do`() {
        open()
        field("sidetone: link").setText("https://example.com")
        touch("Sign in")
        awaitWord("sidetone://sign-in?")
        shadowOf(application).checkActivities(true)
        touch("Scan")
        assertTrue(words().toString(), words().any { "point the camera's own app at the code" in it })
    }

    @Test
    fun `signs in by a link, calls, mutes, types digits, chooses a route, holds and hangs up`() {
        signIn()
        for (digit in "600") touch(digit.toString())
        assertEquals("600", field("Number").text.toString())
        touch("Call")
        val connection = allowed()
        awaitWord("talking")
        assertEquals(Connection.STATE_ACTIVE, connection.state)
        touch("Mute")
        awaitWord("Unmute")
        touch("5")
        assertEquals("a digit of the call is not dialled", "600", field("Number").text.toString())

        val both = CallAudioState.ROUTE_EARPIECE or CallAudioState.ROUTE_SPEAKER
        @Suppress("DEPRECATION")
        fun telecomSays(route: Int) = connection.onCallAudioStateChanged(CallAudioState(true, route, both))
        telecomSays(CallAudioState.ROUTE_EARPIECE)
        awaitWord("✓ earpiece")
        touch("speaker")
        assertTrue("not before Telecom confirms it", "✓ speaker" !in words())
        telecomSays(CallAudioState.ROUTE_SPEAKER)
        awaitWord("✓ speaker")

        touch("Hold")
        awaitWord("on hold")
        touch("Resume")
        await("talks again") { words().none { "on hold" in it } }
        touch("Hang up")
        await("no call") { words().none { "talking" in it } }
        assertEquals(Connection.STATE_DISCONNECTED, connection.state)
    }

    @Test
    fun `an agent's bar stays in view, and its buttons ask the server`() {
        signIn()
        awaitWord("● logged out")
        touch("Queues ▾")
        touch("Log in to desk1")
        awaitWord("in desk1, signed in for")
        touch("Pause ▾")
        touch("lunch")
        awaitWord("● paused: lunch  for 0:0")
        val before = button("Ready")
        await("the clock ticks") { words().any { "for 0:02" in it } }
        assertTrue("a clock that ticks leaves the buttons alone", button("Ready") === before)
        for (tab in listOf("Team", "Supervise", "Check", "Settings", "Phone")) {
            touch(tab)
            assertTrue(tab, words().any { "paused: lunch" in it })
        }
        touch("Ready")
        awaitWord("● ready")
        touch("Queues ▾")
        touch("Log out of all")
        awaitWord("● logged out")
    }

    @Test
    fun `the team is watched while it is looked at, found as one types, and a supervisor is told why not`() {
        signIn()
        touch("Team")
        awaitWord("Colleague 1")
        field("Find").setText("desk")
        await("only the queue") { words().any { it.startsWith("queue: 0 waiting") } && words().none { "Colleague" in it } }
        field("Find").setText("echo")
        awaitWord("Nobody is found.")
        field("Find").setText("")
        val phone = Sidetone.calls.running as SidetonePhone
        touch("Phone")
        await("no more watched") { phone.snapshot.value.team == null }
        touch("Supervise")
        awaitWord("Ager & Söhne (1) \"west\\ · team1")
        assertTrue("in no call, nothing to hear", "Listen" !in words())
        activity.pause().stop()
        await("nobody looks") { phone.snapshot.value.team == null }
    }

    @Test
    fun `messages are written and listed, and what is open and typed outlives the turning of the device`() {
        signIn()
        touch("Messages")
        awaitWord("No messages yet.")
        field("To").setText("1009")
        field("Message").setText("to nobody")
        touch("Send")
        awaitWord("not delivered, ")
        await("sent, so the field is empty") { field("Message").text.isEmpty() }
        awaitWord("Message not delivered: the other side cannot be reached")
        touch("Send again")
        await("a second one") { words().count { it == "to nobody" } == 2 }
        field("Message").setText("half a sent")
        touch("Supervise")
        field("Find").setText("ager")
        touch("Messages")

        val phone = Sidetone.calls.running
        activity.recreate()
        shadowOf(Looper.getMainLooper()).idle()
        await("the page and the list") { words().count { it == "to nobody" } == 2 }
        assertEquals(listOf("1009", "half a sent"), listOf(field("To"), field("Message")).map { it.text.toString() })
        assertTrue("the phone runs on, and nobody is asked to sign in", Sidetone.calls.running === phone && "Sign in" !in words())
        touch("Supervise")
        assertEquals("ager", field("Find").text.toString())
        // Whom a message comes from is seen on every page.
        touch("Phone")
        kotlinx.coroutines.runBlocking { (phone as SidetonePhone).sendMessage("1001", "to myself") }
        awaitWord("Messages •")
        touch("Messages •")
        await("read") { "to myself" in words() && "Messages •" !in words() }
        touch("Reply")
        assertTrue(field("To").text.toString(), "1001" in field("To").text)
    }

    @Test
    fun `what this phone needs is on a page, with its state and the way to the setting`() {
        grant()
        open()
        touch("Check")
        awaitWord("● Microphone: permitted")
        assertTrue(words().toString(), words().any { it.startsWith("● Server: ") })
        assertTrue(words().toString(), "● Exemption from battery saving: not permitted" in words())
        assertTrue(words().toString(), words().any { it.startsWith("● Push token: none yet") })
        // From Android 13 on another question is asked, which Robolectric's Telecom does not answer.
        val account = if (Build.VERSION.SDK_INT >= 33) "this Android does not tell" else "registered"
        assertTrue(words().toString(), "● Phone account: $account" in words())
        shadowOf(activity.get()).nextStartedActivity
        touch("Open the settings")
        assertTrue(shadowOf(activity.get()).nextStartedActivity.action!!.startsWith("android.settings."))
    }

    @Test
    fun `settings are on a page, and the ringtone that is picked rings, also in the next process`() {
        signIn()
        touch("Settings")
        awaitWord("● the system's")
        assertTrue(words().toString(), words().containsAll(listOf("A", "Agent", "● off")) && words().any { "library ${libraryVersion()}" in it })
        touch("Choose another")
        val asked = shadowOf(activity.get()).nextStartedActivityForResult.intent
        assertEquals(RingtoneManager.ACTION_RINGTONE_PICKER, asked.action)
        fun pick(tone: Uri) {
            shadowOf(activity.get()).receiveResult(asked, Activity.RESULT_OK, Intent().putExtra(RingtoneManager.EXTRA_RINGTONE_PICKED_URI, tone))
            shadowOf(Looper.getMainLooper()).idle()
        }
        val bells = Uri.parse("content://org.example.tones/7")
        pick(bells)
        assertTrue(words().toString(), "● one that is gone: the phone only vibrates" in words())
        assertEquals(bells, rung())

        val phone = Sidetone.calls.running as SidetonePhone
        Sidetone::class.java.getDeclaredField("coordinator").apply { isAccessible = true }.set(null, null)
        kotlinx.coroutines.runBlocking { phone.shutdown() }
        application.onCreate()
        shadowOf(Looper.getMainLooper()).idle()
        assertEquals(bells, rung())
        pick(Settings.System.DEFAULT_RINGTONE_URI)
        assertEquals(null, rung())
    }

    /** Another ringtone than the system's. */
    private fun rung(): Any? = listOf("screens", "ringer", "ringtone").fold(Sidetone as Any?) { owner, name ->
        owner!!.javaClass.getDeclaredField(name).apply { isAccessible = true }.get(owner)
    }

    @Test
    fun `a wrong password is said, and typed anew`() {
        grant()
        val server = Server().trusted().also { server = it }
        open(Intent(Intent.ACTION_VIEW, Uri.parse(server.link)))
        field("Password").setText("wrong")
        touch("Sign in")
        await("the form again") { words().any { "assword" in it && "registered" !in it } && seen().any { it is EditText && it.hint == "Password" } }
        field("Password").setText(server.password)
        touch("Sign in")
        awaitWord("● registered")
    }

    @Test
    fun `a push rings at once, and what Firebase gives as its token is kept`() {
        signIn()
        val service = PushService()
        val home = Sidetone::class.java.getDeclaredField("home").apply { isAccessible = true }.get(null) as Home
        assertTrue("nothing wakes it yet", !home.isWakeable)
        service.onNewToken("token-of-this-device")
        assertTrue("the token is kept", home.isWakeable)
        val call = "3f1c9a52-8d0e-4b7a-9c6f-2f0d5e1a7b44"
        val deadline = System.currentTimeMillis() / 1000 + 30
        val push = """{"v":1,"kind":"incoming","call":"$call","deadline":$deadline,"caller":{"name":"Alice"},"queue":"Sales"}"""
        service.onMessageReceived(RemoteMessage.Builder("device").addData("sidetone", push).build())
        await("Telecom told") { telecom.allIncomingCalls.isNotEmpty() }
        assertEquals(call, telecom.lastIncomingCall.extras.getString("org.sidetone.call"))
    }
}
