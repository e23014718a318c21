package org.sidetone.sample

import android.Manifest
import android.annotation.TargetApi
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.provider.Settings
import android.text.InputType
import android.view.View
import android.view.WindowManager
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView
import java.util.UUID
import java.util.concurrent.Executor
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.launch
import org.sidetone.Hindrance
import org.sidetone.Home
import org.sidetone.Route
import org.sidetone.SidetonePhone
import org.sidetone.ffi.CallSnapshot
import org.sidetone.ffi.CallState
import org.sidetone.ffi.Direction
import org.sidetone.ffi.RegistrationState
import org.sidetone.ffi.Snapshot
import org.sidetone.ffi.parseSignInLink
import org.sidetone.sdk.Sidetone

/** The whole phone on one screen: signs in by a link, calls, and shows what the snapshot says. */
class PhoneActivity : Activity() {
    private val scope = CoroutineScope(SupervisorJob() + Executor { runOnUiThread(it) }.asCoroutineDispatcher())
    private lateinit var page: LinearLayout
    private lateinit var number: EditText
    private lateinit var link: EditText
    private lateinit var password: EditText
    private lateinit var lamp: TextView
    private lateinit var message: TextView
    private lateinit var signIn: LinearLayout
    private lateinit var dialPad: LinearLayout
    private lateinit var callList: LinearLayout
    private lateinit var routeList: LinearLayout

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        showOverLockScreen()
        lamp = text("")
        message = text("")
        link = field("sidetone: link, from a message or a QR code", InputType.TYPE_TEXT_VARIATION_URI)
        password = field("Password", InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_PASSWORD)
        signIn = column(link, password, button("Sign in") { signIn() })
        number = field("Number", InputType.TYPE_CLASS_PHONE)
        callList = column()
        routeList = row()
        dialPad = column(number, row(button("Call") { dial() }), keys("123"), keys("456"), keys("789"), keys("*0#"))
        page = column(lamp, message, signIn, callList, routeList, dialPad)
        setContentView(ScrollView(this).apply { addView(page) })
        askForPermissions()
        scope.launch { begin() }
        took(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        took(intent)
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    private fun took(intent: Intent) {
        if (!Sidetone.handle(intent)) intent.data?.let { link.setText(it.toString()) }
    }

    private suspend fun begin() {
        val signedIn = Sidetone.account() != null
        signIn.visibility = if (signedIn) View.GONE else View.VISIBLE
        dialPad.visibility = if (signedIn) View.VISIBLE else View.GONE
        if (signedIn) attempt { follow(Sidetone.calls.phone() as SidetonePhone) }
    }

    private suspend fun follow(phone: SidetonePhone) {
        val calls = Sidetone.calls
        combine(phone.snapshot, calls.routes, calls.hindrances) { snapshot, routing, hindrances ->
            Triple(snapshot, routing, hindrances)
        }.collect { (snapshot, routing, hindrances) ->
            lamp.text = lampOf(snapshot)
            show(snapshot.calls)
            showRoutes(routing.available, routing.shown, snapshot.calls.isNotEmpty())
            showHindrances(hindrances)
        }
    }

    private fun signIn() = scope.launch {
        attempt {
            val it = parseSignInLink(link.text.toString().trim())
            val account = Home.Account(it.aor, password.text.toString(), it.servers, it.displayName, it.username)
            val phone = Sidetone.signIn(account)
            password.text.clear()
            signIn.visibility = View.GONE
            dialPad.visibility = View.VISIBLE
            follow(phone)
        }
    }

    private fun dial() = scope.launch {
        attempt { Sidetone.calls.dial(number.text.toString()) }
    }

    /** Errors speak for themselves: what happened, and what to do. */
    private suspend fun attempt(what: suspend () -> Unit) {
        message.text = ""
        try {
            what()
        } catch (e: Exception) {
            message.text = e.message
        }
    }

    private fun lampOf(snapshot: Snapshot): String {
        val word = when (snapshot.registration.state) {
            RegistrationState.REGISTERED -> "● ready"
            RegistrationState.REGISTERING -> "◌ connecting"
            RegistrationState.UNREGISTERED -> "○ signed out"
            else -> "○ ${snapshot.registration.state.name.lowercase().replace('_', ' ')}"
        }
        return listOfNotNull(word, snapshot.registration.problem?.text).joinToString(" — ")
    }

    private fun show(calls: List<CallSnapshot>) {
        callList.removeAllViews()
        for (call in calls) callList.addView(cardOf(call))
    }

    private fun cardOf(call: CallSnapshot): View {
        val held = if (call.hold.local) " · on hold" else if (call.hold.remote) " · held by the other side" else ""
        val title = text("${call.remote.name ?: call.remote.uri}\n${call.state.name.lowercase()}$held")
        return column(title, row(*actionsOf(call).map { (word, act) -> button(word, act) }.toTypedArray()))
    }

    private fun actionsOf(call: CallSnapshot): List<Pair<String, () -> Unit>> {
        val calls = Sidetone.calls
        val waits = call.state == CallState.RINGING && call.direction == Direction.INCOMING
        if (waits) return listOf("Answer" to { calls.answer(call.id) }, "Decline" to { calls.decline(call.id) })
        val mute = (if (call.muted) "Unmute" else "Mute") to { calls.setMute(call.id, !call.muted) }
        val hold = (if (call.hold.local) "Resume" else "Hold") to { calls.setHold(call.id, !call.hold.local) }
        val end = "Hang up" to { calls.hangUp(call.id) }
        return if (call.state == CallState.ESTABLISHED) listOf(mute, hold, end) else listOf(end)
    }

    private fun showRoutes(routes: Set<Route>, shown: Route?, inCall: Boolean) {
        routeList.removeAllViews()
        if (!inCall || routes.size < 2) return
        for (route in routes) {
            val name = route.name.ifEmpty { route.kind.name.lowercase() }
            routeList.addView(button(if (route == shown) "✓ $name" else name) { Sidetone.calls.chooseRoute(route) })
        }
    }

    private fun showHindrances(hindrances: Set<Hindrance>) {
        message.text = when {
            Hindrance.MICROPHONE_NOT_PERMITTED in hindrances -> "You are not heard: permit the microphone in the settings."
            Hindrance.FULL_SCREEN_NOT_PERMITTED in hindrances -> "Calls do not show over the lock screen. Touch here to permit it."
            else -> ""
        }
        message.setOnClickListener { if (Build.VERSION.SDK_INT >= 34) Api34.permitFullScreen(this) }
    }

    private fun keys(digits: String) = row(*digits.map { digit -> button(digit.toString()) { press(digit) } }.toTypedArray())

    /** In a call a key is heard by the other side; else it is dialled. */
    private fun press(digit: Char) {
        val talking: UUID? = current?.snapshot?.value?.calls?.firstOrNull { it.state == CallState.ESTABLISHED && !it.hold.local }?.id
        if (talking != null) Sidetone.calls.onDtmf(talking, digit) else number.append(digit.toString())
    }

    private val current: SidetonePhone? get() = Sidetone.calls.running as? SidetonePhone

    private fun askForPermissions() {
        val wanted = mutableListOf(Manifest.permission.RECORD_AUDIO)
        if (Build.VERSION.SDK_INT >= 31) wanted += Manifest.permission.BLUETOOTH_CONNECT
        if (Build.VERSION.SDK_INT >= 33) wanted += "android.permission.POST_NOTIFICATIONS"
        val missing = wanted.filter { checkSelfPermission(it) != PackageManager.PERMISSION_GRANTED }
        if (missing.isNotEmpty()) requestPermissions(missing.toTypedArray(), 1)
    }

    @Suppress("DEPRECATION")
    private fun showOverLockScreen() {
        // By the manifest since Android 8.1.
        if (Build.VERSION.SDK_INT < 27) {
            window.addFlags(WindowManager.LayoutParams.FLAG_SHOW_WHEN_LOCKED or WindowManager.LayoutParams.FLAG_TURN_SCREEN_ON)
        }
    }

    private fun text(words: String) = TextView(this).apply {
        text = words
        textSize = 18f
        setPadding(24, 16, 24, 16)
    }

    private fun field(hint: String, type: Int) = EditText(this).apply {
        this.hint = hint
        inputType = type
    }

    private fun button(words: String, act: () -> Unit) = Button(this).apply {
        text = words
        setOnClickListener { act() }
    }

    private fun column(vararg views: View) = LinearLayout(this).apply {
        orientation = LinearLayout.VERTICAL
        views.forEach(::addView)
    }

    private fun row(vararg views: View) = LinearLayout(this).apply { views.forEach(::addView) }

    @TargetApi(34)
    private object Api34 {
        fun permitFullScreen(activity: Activity) {
            val intent = Intent(Settings.ACTION_MANAGE_APP_USE_FULL_SCREEN_INTENT, Uri.parse("package:${activity.packageName}"))
            activity.startActivity(intent)
        }
    }
}
