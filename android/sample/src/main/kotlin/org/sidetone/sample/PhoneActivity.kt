package org.sidetone.sample

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.os.Build
import android.os.Bundle
import android.text.Editable
import android.text.InputType
import android.text.TextWatcher
import android.view.View
import android.view.WindowManager
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView
import java.util.UUID
import java.util.concurrent.Executor
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.filter
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import org.sidetone.Home
import org.sidetone.Route
import org.sidetone.SidetonePhone
import org.sidetone.ffi.CallSnapshot
import org.sidetone.ffi.CallState
import org.sidetone.ffi.Direction
import org.sidetone.ffi.Event
import org.sidetone.ffi.HistoryEntry
import org.sidetone.ffi.ProblemCause
import org.sidetone.ffi.RegistrationState
import org.sidetone.ffi.Snapshot
import org.sidetone.ffi.parseSignInLink
import org.sidetone.sdk.Sidetone
import org.sidetone.sentences

/** The whole phone on one screen: signs in by a link, calls, and shows what the snapshot says. */
class PhoneActivity : Activity() {
    private val scope = CoroutineScope(SupervisorJob() + Executor { runOnUiThread(it) }.asCoroutineDispatcher())
    private lateinit var page: LinearLayout
    private lateinit var number: EditText
    private lateinit var link: EditText
    private lateinit var password: EditText
    private lateinit var lamp: TextView
    private lateinit var message: TextView
    private lateinit var missing: LinearLayout
    private lateinit var signIn: LinearLayout
    private lateinit var dialPad: LinearLayout
    private lateinit var callList: LinearLayout
    private lateinit var routeList: LinearLayout
    private lateinit var historyList: LinearLayout
    private var following: Job? = null
    private var finding: Job? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        // An answer does not wait for the views, which take a cold phone seconds.
        val isOfACall = Sidetone.handle(intent)
        showOverLockScreen()
        lamp = text("")
        message = text("")
        missing = column()
        link = field("sidetone: link, from a message or a QR code", InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_URI)
        password = field("Password", InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_PASSWORD)
        signIn = column(link, row(button("Scan") { scan() }), password, button("Sign in") { signIn() })
        number = field("Number", InputType.TYPE_CLASS_PHONE)
        callList = column()
        routeList = row()
        historyList = column()
        number.addTextChangedListener(object : TextWatcher {
            override fun beforeTextChanged(s: CharSequence?, start: Int, count: Int, after: Int) = Unit
            override fun onTextChanged(s: CharSequence?, start: Int, before: Int, count: Int) = Unit
            override fun afterTextChanged(s: Editable?) = find()
        })
        dialPad = column(number, row(button("Call") { dial() }), keys("123"), keys("456"), keys("789"), keys("*0#"), historyList)
        page = column(lamp, message, missing, signIn, callList, routeList, dialPad)
        setContentView(ScrollView(this).apply { addView(page) })
        askForPermissions()
        scope.launch { begin() }
        if (!isOfACall) opened(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        if (!Sidetone.handle(intent)) opened(intent)
    }

    override fun onResume() {
        super.onResume()
        showMissing()
    }

    override fun onRequestPermissionsResult(code: Int, permissions: Array<String>, results: IntArray) = showMissing()

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    private fun opened(intent: Intent) {
        intent.data?.let {
            link.setText(it.toString())
            // Also on a phone that is signed in: a link is opened to sign in by it.
            signIn.visibility = View.VISIBLE
        }
    }

    /** By a scanner that is installed; the camera's own app opens the link of a code here by itself. */
    private fun scan() {
        try {
            @Suppress("DEPRECATION")
            startActivityForResult(Intent("com.google.zxing.client.android.SCAN").putExtra("SCAN_MODE", "QR_CODE_MODE"), SCANNED)
        } catch (e: ActivityNotFoundException) {
            message.text = "No scanner is installed: point the camera's own app at the code and open its link, or paste the link here."
        }
    }

    @Deprecated("Deprecated in Java")
    override fun onActivityResult(code: Int, result: Int, data: Intent?) {
        if (code == SCANNED) data?.getStringExtra("SCAN_RESULT")?.let { link.setText(it) }
    }

    private suspend fun begin() {
        attempt {
            val signedIn = Sidetone.account() != null
            signIn.visibility = if (signedIn && intent.data == null) View.GONE else View.VISIBLE
            dialPad.visibility = if (signedIn) View.VISIBLE else View.GONE
            if (signedIn) follow(Sidetone.calls.phone() as SidetonePhone)
        }
    }

    private fun follow(phone: SidetonePhone) {
        following?.cancel()
        following = scope.launch {
            launch { phone.events().filter { it.event is Event.HistoryChanged }.collect { find() } }
            combine(phone.snapshot, Sidetone.calls.routes) { snapshot, routing -> snapshot to routing }.collect { (snapshot, routing) ->
                lamp.text = lampOf(snapshot)
                show(snapshot.calls)
                showRoutes(routing.available, routing.shown, snapshot.calls.isNotEmpty())
                // It is typed once more.
                if (snapshot.registration.problem?.cause == ProblemCause.WRONG_CREDENTIALS) signIn.visibility = View.VISIBLE
            }
        }
        askForPushToken()
        find()
    }

    /** The calls that are over and that what is typed finds; a tap calls again. */
    private fun find() {
        val phone = current ?: return
        finding?.cancel()
        finding = scope.launch {
            attempt {
                val found = phone.history(number.text.toString(), limit = 20u)
                historyList.removeAllViews()
                for (call in found.entries) historyList.addView(lineOf(call))
            }
        }
    }

    private fun lineOf(call: HistoryEntry): View {
        val who = listOfNotNull(call.remote.name, call.number).joinToString(" ").ifEmpty { "hidden" }
        val arrow = if (call.direction == Direction.INCOMING) "↙" else "↗"
        val said = "$arrow $who\n${call.outcome.name.lowercase().replace('_', ' ')}"
        val redial = call.redial ?: return text(said)
        return text(said).apply { setOnClickListener { scope.launch { attempt { Sidetone.calls.dial(redial) } } } }
    }

    private fun signIn() = scope.launch {
        attempt {
            val it = parseSignInLink(link.text.toString(), TRUSTED_KEYS)
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
        } catch (e: CancellationException) {
            throw e
        } catch (e: Exception) {
            message.text = sentences(e)
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

    private fun showMissing() {
        missing.removeAllViews()
        for (it in missing()) missing.addView(text(it.sentence).apply { setOnClickListener { _ -> openSettings(it) } })
    }

    private fun keys(digits: String) = row(*digits.map { digit -> button(digit.toString()) { press(digit) } }.toTypedArray())

    /** In a call a key is heard by the other side; else it is dialled. */
    private fun press(digit: Char) {
        val talking: UUID? = current?.snapshot?.value?.calls?.firstOrNull { it.state == CallState.ESTABLISHED && !it.hold.local }?.id
        if (talking != null) Sidetone.calls.onDtmf(talking, digit) else number.append(digit.toString())
    }

    private val current: SidetonePhone? get() = Sidetone.calls.running as? SidetonePhone

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

    private companion object {
        const val SCANNED = 2

        /** Whose sign-in links are taken, as `sidetone link-key` prints it. Nobody's: every link is. */
        val TRUSTED_KEYS = emptyList<String>()
    }
}
