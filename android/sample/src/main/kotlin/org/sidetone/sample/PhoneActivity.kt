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
import android.widget.CheckBox
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.ScrollView
import java.time.Instant
import java.util.UUID
import java.util.concurrent.Executor
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.launch
import org.sidetone.Home
import org.sidetone.Routing
import org.sidetone.SidetonePhone
import org.sidetone.ffi.CallState
import org.sidetone.ffi.Direction
import org.sidetone.ffi.Event
import org.sidetone.ffi.HistoryEntry
import org.sidetone.ffi.IceServerCheck
import org.sidetone.ffi.MessagePage
import org.sidetone.ffi.NumberedEvent
import org.sidetone.ffi.ProblemCause
import org.sidetone.ffi.Snapshot
import org.sidetone.ffi.TeamSnapshot
import org.sidetone.ffi.libraryVersion
import org.sidetone.ffi.parseSignInLink
import org.sidetone.sample.screens.AppState
import org.sidetone.sample.screens.Light
import org.sidetone.sample.screens.Requirement
import org.sidetone.sample.screens.Wish
import org.sidetone.sample.screens.agentBar
import org.sidetone.sample.screens.callCards
import org.sidetone.sample.screens.connectionLines
import org.sidetone.sample.screens.failureOf
import org.sidetone.sample.screens.featuresPage
import org.sidetone.sample.screens.lampOf
import org.sidetone.sample.screens.lastMessages
import org.sidetone.sample.screens.messagesPage
import org.sidetone.sample.screens.requirementLines
import org.sidetone.sample.screens.roster
import org.sidetone.sample.screens.routeLines
import org.sidetone.sample.screens.send
import org.sidetone.sample.screens.settingsPage
import org.sidetone.sample.screens.talkedIn
import org.sidetone.sample.screens.teamPage
import org.sidetone.sample.screens.together
import org.sidetone.sample.screens.unreadPacks
import org.sidetone.sdk.Sidetone
import org.sidetone.sentences

/**
 * The whole phone: the agent bar and the calls, always in view; below them one of six pages. Renders the last snapshot. What is
 * open and typed outlives the turning of the device.
 */
class PhoneActivity : Activity() {
    private enum class Tab(val words: String) { PHONE("Phone"), TEAM("Team"), MESSAGES("Messages"), SUPERVISE("Supervise"), CHECK("Check"), SETTINGS("Settings") }

    private val scope = CoroutineScope(SupervisorJob() + Executor { runOnUiThread(it) }.asCoroutineDispatcher())
    private val pages = Pages(::wish)
    private lateinit var number: EditText
    private lateinit var link: EditText
    private lateinit var password: EditText
    private lateinit var sought: EditText
    private lateinit var follow: CheckBox
    private lateinit var reader: EditText
    private lateinit var text: EditText
    private lateinit var head: LinearLayout
    private lateinit var tabs: LinearLayout
    private lateinit var calls: LinearLayout
    private lateinit var signIn: LinearLayout
    private lateinit var dialPad: LinearLayout
    private lateinit var blind: View
    private lateinit var history: LinearLayout
    private lateinit var people: LinearLayout
    private lateinit var found: LinearLayout
    private lateinit var mail: LinearLayout
    private lateinit var written: LinearLayout
    private lateinit var checks: LinearLayout
    private lateinit var settings: LinearLayout
    private var tab = Tab.PHONE
    private var panel: Panel? = null
    private var message = ""
    private var messages = MessagePage(emptyList(), more = false)
    private var messagesWanted = MESSAGES
    private var hasNews = false
    private var missing = emptyList<Requirement>()

    /** Null: being asked. */
    private var iceServers: List<IceServerCheck>? = null
    private var account: Home.Account? = null
    private var ringtone: String? = null
    private var wantsSignIn = false
    private var isSeen = false
    private var isWatching = false
    private var following: Job? = null
    private var ticking: Job? = null
    private var finding: Job? = null
    private var reading: Job? = null
    private var asking: Job? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        // An answer does not wait for the views, which take a cold phone seconds. What is restored has had its intent.
        val isOfACall = state != null || Sidetone.handle(intent)
        showOverLockScreen()
        build()
        state?.let(::restore)
        askForPermissions()
        if (!isOfACall) opened(intent)
        ringtone = ringtoneName()
        scope.launch { begin() }
    }

    /** What was typed, but for the password: that is never written down. */
    private fun typed() = mapOf("number" to number, "link" to link, "sought" to sought, "reader" to reader, "text" to text)

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        typed().forEach { (name, field) -> state.putString(name, field.text.toString()) }
        state.putString("tab", tab.name)
        state.putString("panel", panel?.name)
        state.putBoolean("follow", follow.isChecked)
        state.putBoolean("signIn", wantsSignIn)
        state.putString("message", message)
        state.putInt("messages", messagesWanted)
    }

    private fun restore(state: Bundle) {
        tab = Tab.valueOf(state.getString("tab", tab.name))
        panel = state.getString("panel")?.let(Panel::valueOf)
        follow.isChecked = state.getBoolean("follow")
        wantsSignIn = state.getBoolean("signIn")
        message = state.getString("message", "")
        messagesWanted = state.getInt("messages", MESSAGES)
        typed().forEach { (name, field) -> field.setText(state.getString(name)) }
    }

    private fun build() {
        head = column()
        tabs = column()
        calls = column()
        link = field("sidetone: link, from a message or a QR code", InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_URI)
        password = field("Password", InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_PASSWORD)
        signIn = column(link, row(button("Scan") { scan() }), password, row(button("Sign in") { signIn() }))
        number = field("Number", InputType.TYPE_CLASS_PHONE).onTyped { find() }
        history = column()
        blind = button("Transfer") { current?.snapshot?.value?.let { talkedIn(it.calls) }?.let { wish(Wish.Transfer(it, number.text.toString())) } }
        dialPad = column(number, row(button("Call") { wish(Wish.Dial(number.text.toString())) }, blind), keys("123"), keys("456"), keys("789"), keys("*0#"), history)
        sought = field("Find by name, number or team", InputType.TYPE_CLASS_TEXT).onTyped { render() }
        follow = CheckBox(this).apply {
            text = "Go on with the agent's next call"
            setOnClickListener { render() }
        }
        found = column()
        people = column(sought, follow, found)
        reader = field("To: a number or a name", InputType.TYPE_CLASS_TEXT)
        text = field("Message", InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_FLAG_MULTI_LINE or InputType.TYPE_TEXT_FLAG_CAP_SENTENCES)
        written = column()
        mail = column(reader, text, row(button("Send") { write() }), written)
        checks = column()
        settings = column()
        val page = column(calls, signIn, dialPad, people, mail, checks, settings)
        val scroll = ScrollView(this).apply { addView(page) }
        for (part in listOf(head, tabs, page)) part.setPadding(dp(8), 0, dp(8), 0)
        val whole = column(head, tabs)
        whole.addView(scroll, LinearLayout.LayoutParams(LinearLayout.LayoutParams.MATCH_PARENT, 0, 1f))
        // Android 15 draws apps behind the system's bars.
        whole.fitsSystemWindows = true
        setContentView(whole)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        if (!Sidetone.handle(intent)) opened(intent)
    }

    override fun onStart() {
        super.onStart()
        isSeen = true
        watch()
        ticking = scope.launch {
            while (true) {
                render()
                delay(1000 - System.currentTimeMillis() % 1000)
            }
        }
    }

    override fun onStop() {
        ticking?.cancel()
        isSeen = false
        watch()
        super.onStop()
    }

    override fun onResume() {
        super.onResume()
        look()
    }

    override fun onRequestPermissionsResult(code: Int, permissions: Array<String>, results: IntArray) = look()

    /** What the user may have changed in the settings. */
    private fun look() {
        missing = missing()
        render()
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    private fun opened(intent: Intent) {
        intent.data?.let {
            link.setText(it.toString())
            // Also on a phone that is signed in: a link is opened to sign in by it.
            wantsSignIn = true
            show(Tab.PHONE)
        }
    }

    /** By a scanner that is installed; the camera's own app opens the link of a code here by itself. */
    private fun scan() {
        try {
            @Suppress("DEPRECATION")
            startActivityForResult(Intent("com.google.zxing.client.android.SCAN").putExtra("SCAN_MODE", "QR_CODE_MODE"), SCANNED)
        } catch (e: ActivityNotFoundException) {
            say("No scanner is installed: point the camera's own app at the code and open its link, or paste the link here.")
        }
    }

    @Deprecated("Deprecated in Java")
    override fun onActivityResult(code: Int, result: Int, data: Intent?) {
        when (code) {
            SCANNED -> data?.getStringExtra("SCAN_RESULT")?.let { link.setText(it) }
            PICKED -> data?.let {
                keepRingtone(pickedRingtone(it))
                ringtone = ringtoneName()
                render()
            }
        }
    }

    private fun pickRingtone() {
        try {
            @Suppress("DEPRECATION")
            startActivityForResult(ringtonePicker(), PICKED)
        } catch (e: ActivityNotFoundException) {
            say("This device has no page to choose a ringtone on: the system's rings, which is changed in the system's settings.")
        }
    }

    private suspend fun begin() {
        attempt {
            account = Sidetone.account()
            wantsSignIn = wantsSignIn || !isSignedIn
            show(tab)
            if (isSignedIn) follow(Sidetone.calls.phone() as SidetonePhone)
        }
    }

    private fun follow(phone: SidetonePhone) {
        following?.cancel()
        isWatching = false
        val began = Instant.now()
        following = scope.launch {
            launch { phone.events().collect { happened(it, began) } }
            combine(phone.snapshot, Sidetone.calls.routes) { snapshot, routing -> snapshot to routing }.collect { (snapshot, _) ->
                // It is typed once more.
                if (snapshot.registration.problem?.cause == ProblemCause.WRONG_CREDENTIALS && !wantsSignIn) {
                    wantsSignIn = true
                    show(Tab.PHONE)
                }
                render()
            }
        }
        askForPushToken()
        if (tab == Tab.CHECK) askIceServers()
        watch()
        find()
        read()
    }

    private fun happened(numbered: NumberedEvent, began: Instant) {
        when (numbered.event) {
            is Event.HistoryChanged -> find()
            is Event.MessageReceived -> {
                hasNews = hasNews || numbered.at >= began && tab != Tab.MESSAGES
                read()
            }
            is Event.MessageSent, is Event.MessageFailed, is Event.MessageUncertain -> read()
            else -> {}
        }
        // What went wrong before this screen was there is no news.
        if (numbered.at >= began) failureOf(numbered.event)?.let(::say)
    }

    private fun signIn() = scope.launch {
        say("")
        attempt {
            val it = parseSignInLink(link.text.toString(), TRUSTED_KEYS)
            val account = Home.Account(it.aor, password.text.toString(), it.servers, it.displayName, it.username)
            val phone = Sidetone.signIn(account)
            this@PhoneActivity.account = account
            password.text.clear()
            wantsSignIn = false
            show(tab)
            follow(phone)
        }
    }

    private fun wish(it: Wish) {
        if (it is Wish.Agent) panel = null
        say("")
        scope.launch { attempt { send(it, Sidetone.calls, Sidetone.calls.phone() as SidetonePhone) } }
    }

    /** Errors speak for themselves: what happened, and what to do. */
    private suspend fun attempt(what: suspend () -> Unit) {
        try {
            what()
        } catch (e: CancellationException) {
            throw e
        } catch (e: Exception) {
            say(sentences(e))
        }
    }

    private fun say(words: String) {
        message = words
        render()
    }

    // The pages.

    private fun show(next: Tab) {
        tab = next
        signIn.visibility = visibleIf(wantsSignIn && next == Tab.PHONE)
        dialPad.visibility = visibleIf(isSignedIn && next == Tab.PHONE)
        people.visibility = visibleIf(next == Tab.TEAM || next == Tab.SUPERVISE)
        follow.visibility = visibleIf(next == Tab.SUPERVISE)
        mail.visibility = visibleIf(next == Tab.MESSAGES)
        hasNews = hasNews && next != Tab.MESSAGES
        checks.visibility = visibleIf(next == Tab.CHECK)
        settings.visibility = visibleIf(next == Tab.SETTINGS)
        if (next == Tab.CHECK) askIceServers()
        watch()
        render()
    }

    /** The team is told for as long as somebody looks at it. */
    private fun watch() {
        val phone = current ?: return
        val wanted = isSeen && (tab == Tab.TEAM || tab == Tab.SUPERVISE)
        if (wanted == isWatching) return
        isWatching = wanted
        scope.launch { attempt { phone.watchTeam(wanted) } }
    }

    private fun render() {
        val snapshot = current?.snapshot?.value
        val now = Instant.now()
        val bar = snapshot?.let { agentBar(it, now) }?.let { pages.of(it, panel, ::toggle) }.orEmpty()
        val lamp = snapshot?.let { lampOf(it.registration) }?.let { (light, words) -> Words(words, Style.SMALL, light) }
        val refused = message.takeIf { it.isNotEmpty() }?.let { Words(it, Style.PLAIN, Light.ALARM) { say("") } }
        val hindrances = missing.map { Words(it.missing.orEmpty(), Style.SMALL) { mend(it) } }
        val unread = snapshot?.let(::unreadPacks).orEmpty().map { Words(it, Style.SMALL, Light.PAUSED) }
        head.show(listOfNotNull((bar + listOfNotNull(lamp, refused) + unread + hindrances).takeIf { it.isNotEmpty() }?.let(::Card)))
        val there = Tab.entries.filter { isSignedIn || it == Tab.PHONE || it == Tab.CHECK || it == Tab.SETTINGS }
        tabs.show(listOf(Line(there.map { Press(nameOf(it)) { show(it) } })))
        calls.show(snapshot?.let { callCards(it, now).map(pages::of) + listOfNotNull(together(it)?.let(pages::of), routes(Sidetone.calls.routes.value, it)) }.orEmpty())
        blind.visibility = visibleIf(snapshot?.let { talkedIn(it.calls) } != null)
        when (tab) {
            Tab.PHONE -> {}
            Tab.TEAM -> found.show(snapshot?.let { pages.of(teamPage(findInTeam(), it, now)) }.orEmpty())
            Tab.MESSAGES -> written.show(snapshot?.let { pages.of(messagesPage(messages, it, now), ::reply, ::earlier) }.orEmpty())
            Tab.SUPERVISE -> found.show(snapshot?.let { pages.of(roster(findInTeam(), it, follow.isChecked, now)) }.orEmpty())
            Tab.CHECK -> checks.show(
                pages.of(requirementLines(deviceState(snapshot))) { requirement: Requirement -> mend(requirement) } +
                    pages.connection(connectionLines(snapshot, iceServers)) +
                    listOfNotNull(snapshot?.let(::featuresPage)?.let(pages::of)),
            )
            Tab.SETTINGS -> settings.show(pages.of(settingsPage(snapshot, appState()), Sidetone.calls::chooseRoute, ::pickRingtone))
        }
    }

    private fun nameOf(it: Tab) = when {
        it == tab -> "● ${it.words}"
        it == Tab.MESSAGES && hasNews -> "${it.words} •"
        else -> it.words
    }

    /** What was typed stays until it is on its way. */
    private fun write() {
        say("")
        scope.launch {
            attempt {
                send(Wish.SendMessage(reader.text.toString(), text.text.toString()), Sidetone.calls, Sidetone.calls.phone() as SidetonePhone)
                text.text.clear()
                read()
            }
        }
    }

    private fun reply(to: String) {
        reader.setText(to)
        text.requestFocus()
    }

    private fun earlier() {
        messagesWanted += MESSAGES
        read()
    }

    private fun read() {
        val phone = current ?: return
        reading?.cancel()
        reading = scope.launch {
            attempt {
                messages = lastMessages(phone, messagesWanted)
                render()
            }
        }
    }

    /** Anew whenever the page is opened: the network may be another. */
    private fun askIceServers() {
        iceServers = null
        asking?.cancel()
        asking = scope.launch {
            iceServers = current?.checkIceServers()
            render()
        }
    }

    private fun findInTeam(): TeamSnapshot? = current?.findInTeam(sought.text.toString())

    private fun toggle(it: Panel) {
        panel = it.takeIf { panel != it }
        render()
    }

    private fun routes(routing: Routing, snapshot: Snapshot): Piece? {
        if (snapshot.calls.isEmpty() || routing.available.size < 2) return null
        return pages.routes(routeLines(routing), Sidetone.calls::chooseRoute)?.let { Card(listOf(it)) }
    }

    private fun appState() = AppState(
        account, Sidetone.calls.routes.value, ringtone, SampleApp.ANSWER_MODE,
        packageManager.getPackageInfo(packageName, 0).versionName ?: "without a version", libraryVersion(),
    )

    /** The calls that are over and that what is typed finds; a tap calls again. */
    private fun find() {
        val phone = current ?: return
        finding?.cancel()
        finding = scope.launch { attempt { history.show(phone.history(number.text.toString(), limit = 20u).entries.map(::lineOf)) } }
    }

    private fun lineOf(call: HistoryEntry): Piece {
        val who = listOfNotNull(call.remote.name, call.number).joinToString(" ").ifEmpty { "hidden" }
        val arrow = if (call.direction == Direction.INCOMING) "↙" else "↗"
        val said = "$arrow $who\n${call.outcome.name.lowercase().replace('_', ' ')}"
        return Card(listOf(Words(said, touched = call.redial?.let { { wish(Wish.Dial(it)) } })))
    }

    private fun keys(digits: String) = row(*digits.map { digit -> button(digit.toString()) { press(digit) }.apply { minWidth = dp(96) } }.toTypedArray())

    /** In a call a key is heard by the other side; else it is dialled. */
    private fun press(digit: Char) {
        val talking: UUID? = current?.snapshot?.value?.calls?.firstOrNull { it.state == CallState.ESTABLISHED && !it.hold.local }?.id
        if (talking != null) Sidetone.calls.onDtmf(talking, digit) else number.append(digit.toString())
    }

    private val isSignedIn get() = account != null

    private val current: SidetonePhone? get() = Sidetone.calls.running as? SidetonePhone

    private fun visibleIf(isSo: Boolean) = if (isSo) View.VISIBLE else View.GONE

    @Suppress("DEPRECATION")
    private fun showOverLockScreen() {
        // By the manifest since Android 8.1.
        if (Build.VERSION.SDK_INT < 27) {
            window.addFlags(WindowManager.LayoutParams.FLAG_SHOW_WHEN_LOCKED or WindowManager.LayoutParams.FLAG_TURN_SCREEN_ON)
        }
    }

    private fun field(hint: String, type: Int) = EditText(this).apply {
        this.hint = hint
        inputType = type
    }

    private fun EditText.onTyped(then: () -> Unit) = apply {
        addTextChangedListener(object : TextWatcher {
            override fun beforeTextChanged(s: CharSequence?, start: Int, count: Int, after: Int) = Unit
            override fun onTextChanged(s: CharSequence?, start: Int, before: Int, count: Int) = Unit
            override fun afterTextChanged(s: Editable?) = then()
        })
    }

    private companion object {
        const val SCANNED = 2
        const val PICKED = 3
        /** As many messages more with each touch. */
        const val MESSAGES = 50

        /** Whose sign-in links are taken, as `sidetone link-key` prints it. Nobody's: every link is. */
        val TRUSTED_KEYS = emptyList<String>()
    }
}
