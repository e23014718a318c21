package org.sidetone.testing

import java.util.UUID
import org.sidetone.Alert
import org.sidetone.Cause
import org.sidetone.Ring
import org.sidetone.Route
import org.sidetone.Screen
import org.sidetone.ServiceType
import org.sidetone.Shown
import org.sidetone.Standing
import org.sidetone.TelecomActions
import org.sidetone.TelecomPort

/** A rule of the platform was broken; on a device the app would be ended, or its user lose the call. */
class RuleBroken(val rule: Rule, what: String) : AssertionError("${rule.name}: $what")

/** The rules of docs/platform-rules.md that a program can break. */
enum class Rule {
    REPORT_ONCE,
    STATE_NEEDS_CONNECTION,
    ENDED_IS_FINAL,
    HOLD_IS_OBEYED,
    AT_MOST_TEN,
    AUDIO_NEEDS_ACTIVE,
    AUDIO_FOLLOWS_ACTIVE,
    SHOW_INCOMING,
    RING_ONLY_WHILE_RINGING,
    FULL_SCREEN_PERMITTED,
    SERVICE_HAS_TYPE,
    SERVICE_WHILE_CALLS,
    SERVICE_FROM_BACKGROUND,
    MICROPHONE_PERMITTED,
    MICROPHONE_WHILE_IN_USE,
    PUSH_IS_SEEN,
    ROUTE_EXISTS,
}

/**
 * Telecom as it is documented, strict: breaking a rule throws [RuleBroken] where it is broken.
 *
 * The user's and Telecom's own acts are the functions that are no part of [TelecomPort].
 */
class FakeTelecom(
    @Volatile private var standing: Standing = Standing(apiLevel = 35, visible = false, locked = true),
    /** Takes each call by itself, by way of this queue (the main thread's); else a test says when: [create], [refuse]. */
    private val queue: ((() -> Unit) -> Unit)? = null,
    private val told: (Told) -> Unit = {},
) : TelecomPort {
    enum class State { ASKED, RINGING, DIALING, ACTIVE, HELD, ENDED }

    /** What the platform was told, for those who print it. */
    sealed interface Told {
        data class Reported(val call: UUID, val shown: Shown) : Told
        data class Noticed(val call: UUID, val shown: Shown, val cause: Cause) : Told
        data class Ended(val call: UUID, val cause: Cause) : Told
        data class Seen(val screen: Screen) : Told
    }

    class Call(val call: UUID, val incoming: Boolean, var shown: Shown) {
        var state = State.ASKED
        var cause: Cause? = null
        var reports = 1
        var ends = 0
    }

    lateinit var actions: TelecomActions
    val calls = LinkedHashMap<UUID, Call>()
    val notices = ArrayList<Told.Noticed>()
    var screen: Screen = Screen.EMPTY
        private set
    var audio = false
        private set
    private var touched = false
    private var pushWindow = false
    private var routes: Set<Route> = EARPIECE_AND_SPEAKER
    private var route: Route = Route(Route.Kind.EARPIECE)

    /** Whether Telecom follows the requests for routes; a headset may not connect. */
    var obeysRoutes = true

    // TelecomPort: what the layer tells.

    @Synchronized
    override fun reportIncoming(call: UUID, shown: Shown) {
        ask(Call(call, incoming = true, shown))
        told(Told.Reported(call, shown))
        queue?.invoke { create(call) }
    }

    @Synchronized
    override fun placeOutgoing(call: UUID, shown: Shown) {
        ask(Call(call, incoming = false, shown))
        queue?.invoke { create(call) }
    }

    private fun ask(call: Call) {
        if (call.call in calls) broken(Rule.REPORT_ONCE, "call ${call.call} is already there")
        if (calls.values.count { it.state != State.ENDED } >= MOST_CALLS) broken(Rule.AT_MOST_TEN, "one more call")
        calls[call.call] = call
    }

    @Synchronized
    override fun update(call: UUID, shown: Shown) {
        live(call, "update").shown = shown
    }

    @Synchronized
    override fun setActive(call: UUID) {
        val it = live(call, "setActive")
        // Telecom holds what was active, by asking for it.
        for (other in calls.values.filter { o -> o !== it && o.state == State.ACTIVE }) askForHold(other)
        it.state = State.ACTIVE
        actions.onActive(call)
        if (routes.isNotEmpty()) actions.onRoutes(routes, route)
    }

    @Synchronized
    override fun setHeld(call: UUID) {
        live(call, "setOnHold").state = State.HELD
    }

    @Synchronized
    override fun setEnded(call: UUID, cause: Cause) {
        val it = live(call, "setDisconnected")
        it.state = State.ENDED
        it.cause = cause
        it.ends++
        told(Told.Ended(call, cause))
    }

    private fun live(call: UUID, what: String): Call {
        val it = calls[call] ?: broken(Rule.STATE_NEEDS_CONNECTION, "$what of a call that Telecom was never told of")
        if (it.state == State.ASKED) broken(Rule.STATE_NEEDS_CONNECTION, "$what before the connection was created")
        if (it.state == State.ENDED) broken(Rule.ENDED_IS_FINAL, "$what after the end")
        return it
    }

    @Synchronized
    override fun requestRoute(route: Route) {
        if (route !in routes) broken(Rule.ROUTE_EXISTS, "$route is not among $routes")
        if (obeysRoutes) {
            this.route = route
            actions.onRoutes(routes, route)
        }
    }

    @Synchronized
    override fun show(screen: Screen) {
        val before = this.screen.foreground
        val after = screen.foreground
        this.screen = screen
        val level = standing.apiLevel
        val added = after.types - before.types
        if (after.alert != Alert.NONE && after.types.isEmpty() && level >= 29) {
            broken(Rule.SERVICE_HAS_TYPE, "a foreground service without a type")
        }
        if (before.types.isEmpty() && added.isNotEmpty() && level >= 31) {
            val bound = calls.values.any { it.state != State.ENDED && it.state != State.ASKED }
            if (!standing.visible && !pushWindow && !bound) {
                broken(Rule.SERVICE_FROM_BACKGROUND, "started while nothing of the app is seen and no push allows it")
            }
        }
        if (ServiceType.MICROPHONE in added && level >= 30) {
            if (!standing.microphonePermitted) broken(Rule.MICROPHONE_PERMITTED, "type microphone without RECORD_AUDIO")
            if (!standing.visible && !touched) {
                broken(Rule.MICROPHONE_WHILE_IN_USE, "type microphone from the background without the user's touch")
            }
        }
        if (after.alert == Alert.FULL_SCREEN && !standing.fullScreenPermitted) {
            broken(Rule.FULL_SCREEN_PERMITTED, "a full-screen intent that is not permitted")
        }
        if (screen.ring != Ring.NONE && calls.values.none { it.incoming && it.state == State.RINGING }) {
            broken(Rule.RING_ONLY_WHILE_RINGING, "it rings and no call does")
        }
        told(Told.Seen(screen))
    }

    @Synchronized
    override fun notice(call: UUID, shown: Shown, cause: Cause) {
        notices += Told.Noticed(call, shown, cause).also(told)
    }

    /** For phones under test: sound may flow from now on, or no more. */
    @Synchronized
    fun audio(on: Boolean) {
        if (on && calls.values.none { it.state == State.ACTIVE }) {
            broken(Rule.AUDIO_NEEDS_ACTIVE, "sound without an active call")
        }
        audio = on
    }

    // What Telecom does.

    @Synchronized
    fun create(call: UUID) {
        val it = calls.getValue(call)
        if (it.state != State.ASKED) return
        // One self-managed call of an account rings at a time; Telecom refuses the next.
        if (it.incoming && calls.values.any { other -> other.state == State.RINGING }) return refuse(call)
        it.state = if (it.incoming) State.RINGING else State.DIALING
        actions.onCreated(call)
        if (it.incoming && it.state == State.RINGING) {
            actions.onShowIncoming(call)
            if (it.state == State.RINGING && screen.foreground.alert !in setOf(Alert.FULL_SCREEN, Alert.HEADS_UP)) {
                broken(Rule.SHOW_INCOMING, "Telecom asked to show the call, and the screen shows ${screen.foreground.alert}")
            }
        }
    }

    @Synchronized
    fun refuse(call: UUID) {
        val it = calls.getValue(call)
        if (it.state != State.ASKED) return
        it.state = State.ENDED
        actions.onRefused(call)
    }

    /** A cellular call is answered, or another app's: it takes the audio. */
    @Synchronized
    fun anotherCallBegins() {
        for (it in calls.values.filter { it.state == State.ACTIVE }) askForHold(it)
    }

    private fun askForHold(call: Call) {
        actions.onHold(call.call)
        if (call.state == State.ACTIVE) broken(Rule.HOLD_IS_OBEYED, "${call.call} is still active after onHold")
    }

    /** The other call is over, and the user goes back to ours. */
    @Synchronized
    fun userResumes(call: UUID) {
        if (calls.getValue(call).state == State.HELD) actions.onUnhold(call)
    }

    @Synchronized
    fun routesChange(available: Set<Route>, confirmed: Route) {
        routes = available
        route = confirmed
        actions.onRoutes(available, confirmed)
    }

    @Synchronized
    fun standingChanges(next: Standing) {
        standing = next
        actions.onStanding(next)
    }

    // What the user does.

    /** Touches Answer on our notification or full-screen intent. */
    @Synchronized
    fun userAnswers(call: UUID) {
        touched = true
        actions.onAnswer(call, touched = true)
    }

    /** Presses the button of a headset, a watch or a car: nothing of ours is touched. */
    @Synchronized
    fun headsetAnswers(call: UUID) = actions.onAnswer(call, touched = false)

    @Synchronized
    fun userDeclines(call: UUID) = actions.onReject(call)

    @Synchronized
    fun userHangsUp(call: UUID) = actions.onDisconnect(call)

    @Synchronized
    fun userMutes(on: Boolean) = actions.onMute(on)

    @Synchronized
    fun userHolds(call: UUID, on: Boolean) {
        val it = calls[call] ?: return
        if (on && it.state == State.ACTIVE) askForHold(it) else if (!on) userResumes(call)
    }

    /** A high-priority push is handled by [handler]: it may start the service, and what it leads to is to be seen when it returns. */
    fun <T> push(handler: () -> T): T {
        val (noticesBefore, reportsBefore) = synchronized(this) { (notices.size to calls.size).also { pushWindow = true } }
        try {
            return handler().also { seen(noticesBefore, reportsBefore) }
        } finally {
            synchronized(this) { pushWindow = false }
        }
    }

    @Synchronized
    private fun seen(noticesBefore: Int, reportsBefore: Int) {
        // What came and went within the handler was never drawn.
        if (screen.foreground.alert != Alert.NONE || notices.size > noticesBefore) return
        // A repetition of what was already seen and dealt with shows nothing anew.
        if (calls.size > reportsBefore) broken(Rule.PUSH_IS_SEEN, "nothing is shown for a push")
    }

    /** What must hold whenever nothing is under way. */
    @Synchronized
    fun check() {
        val live = calls.values.filter { it.state != State.ENDED }
        val serves = screen.foreground.types.isNotEmpty()
        if (live.isNotEmpty() && !serves) broken(Rule.SERVICE_WHILE_CALLS, "a call without a foreground service")
        if (live.isEmpty() && serves) broken(Rule.SERVICE_WHILE_CALLS, "a foreground service without a call")
        if (screen.ring != Ring.NONE && live.none { it.incoming && it.state == State.RINGING }) {
            broken(Rule.RING_ONLY_WHILE_RINGING, "it rings on and no call does")
        }
        val active = live.any { it.state == State.ACTIVE }
        if (active != audio) broken(Rule.AUDIO_FOLLOWS_ACTIVE, "active: $active, sound: $audio")
    }

    private fun broken(rule: Rule, what: String): Nothing = throw RuleBroken(rule, what)

    private companion object {
        const val MOST_CALLS = 10
        val EARPIECE_AND_SPEAKER = setOf(Route(Route.Kind.EARPIECE), Route(Route.Kind.SPEAKER))
    }
}
