package org.sidetone.testing

import java.util.UUID
import kotlinx.coroutines.CompletableDeferred
import org.sidetone.Cause
import org.sidetone.PhoneCall
import org.sidetone.PhoneEvent
import org.sidetone.PhonePort
import org.sidetone.Push
import org.sidetone.Refusal
import org.sidetone.Shown
import org.sidetone.Supervising

/**
 * A phone that keeps the core's promises on one call after another and does nothing else, so that orders can be
 * tried by the thousand: known by push or INVITE, decided once, ended once. `server` is what a test does to it.
 */
class ScriptedPhone(private val telecom: FakeTelecom) : PhonePort {
    enum class State { ANNOUNCED, RINGING, ANSWERED, OVER }

    class Call(val call: UUID, val incoming: Boolean) {
        var state = State.ANNOUNCED
        var invited = false
        var wantsAnswer = false
        var declined = false
        var held = false
        var merged = false
        var muted = false
        var ends = 0
        /** Final responses to the INVITE: at most one, whatever happens. */
        val responses = ArrayList<Int>()
    }

    val calls = LinkedHashMap<UUID, Call>()
    val digits = StringBuilder()
    var asleep = false
    var refusesHold = false

    /** So often it does not let itself be put to sleep: something is on its way out. */
    var refusesSleep = 0
    var sleepsAsked = 0
    private var wantsCalls = false

    /** Completed where the command to sign in is done. */
    var signedIn = CompletableDeferred(Unit)
    private var listener: ((PhoneEvent) -> Unit)? = null
    private val unheard = ArrayDeque<PhoneEvent>()
    private val end = CompletableDeferred<Unit>()

    override suspend fun signIn() {
        wantsCalls = true
        signedIn.await()
    }

    override suspend fun dial(call: UUID, to: String) {
        if (to.isBlank()) throw Refusal("not a number", Refusal.Why.OTHER)
        calls[call] = Call(call, incoming = false).also { it.state = State.RINGING }
    }

    override suspend fun answer(call: UUID) {
        val it = live(call)
        it.wantsAnswer = true
        if (it.invited) respond(it)
    }

    override suspend fun decline(call: UUID, busy: Boolean) {
        val it = live(call)
        if (it.state == State.ANSWERED) throw Refusal("answered", Refusal.Why.NOT_NOW)
        it.declined = true
        if (it.invited) it.responses += if (busy) 486 else 603
        over(it, Cause.REJECTED)
    }

    override suspend fun hangUp(call: UUID) {
        val it = live(call)
        if (it.invited && it.state == State.RINGING) it.responses += 603
        over(it, Cause.LOCAL)
    }

    override suspend fun setHold(call: UUID, on: Boolean) {
        val it = live(call)
        if (it.state != State.ANSWERED) throw Refusal("not answered", Refusal.Why.NOT_NOW)
        if (refusesHold) return tell(PhoneEvent.ShapeChanged)
        if (on) hold(true) { other -> other === it || it.merged && other.merged } else focus(it)
    }

    /** The app joins these on its own screen. */
    fun merge(vararg joined: UUID) {
        for (it in calls.values) it.merged = it.call in joined
        focus(calls.getValue(joined.first()))
        tell(PhoneEvent.ShapeChanged)
    }

    /** The app lets the one talk that is held. */
    fun swap() = focus(calls.values.last { it.held && it.state == State.ANSWERED })

    /** It talks, with those that it is joined with; all others are held. */
    private fun focus(call: Call) {
        val talks = { other: Call -> other === call || call.merged && other.merged }
        hold(true) { !talks(it) }
        hold(false, talks)
    }

    private fun hold(on: Boolean, which: (Call) -> Boolean) {
        val changed = calls.values.filter { it.state == State.ANSWERED && it.held != on && which(it) }
        changed.forEach { it.held = on }
        if (changed.isNotEmpty()) tell(PhoneEvent.ShapeChanged)
    }

    override suspend fun setMute(call: UUID, on: Boolean) {
        live(call).muted = on
    }

    override suspend fun sendDtmf(call: UUID, digits: String) {
        live(call)
        this.digits.append(digits)
    }

    override suspend fun sleep() {
        sleepsAsked++
        if (sleepsAsked <= refusesSleep) throw Refusal("a code is under way", Refusal.Why.NOT_NOW)
        asleep = true
    }

    override fun announced(push: Push) {
        check(wantsCalls) { "a push before the phone was told to sign in" }
        val it = calls[push.call]
        when (push.kind) {
            Push.Kind.INCOMING ->
                if (it == null) calls[push.call] = Call(push.call, incoming = true)
                else if (it.state == State.OVER) tell(PhoneEvent.Ended(push.call, Cause.LOCAL))
            Push.Kind.CANCELLED -> if (it == null) overBefore(push.call) else if (it.state == State.ANNOUNCED) over(it, Cause.MISSED)
            Push.Kind.ANSWERED_ELSEWHERE ->
                if (it == null) overBefore(push.call) else if (it.state == State.ANNOUNCED) over(it, Cause.ANSWERED_ELSEWHERE)
            Push.Kind.UNREADABLE -> {}
        }
    }

    override fun audioActivated() = telecom.audio(true)
    override fun audioDeactivated() = telecom.audio(false)
    override fun audioRouteChanged() {}
    override fun networkChanged(makeBeforeBreak: Boolean) {}

    override fun calls() = calls.values.map {
        PhoneCall(
            it.call, it.incoming, NOBODY, waiting = it.state in setOf(State.ANNOUNCED, State.RINGING) && !it.wantsAnswer,
            answered = it.wantsAnswer || it.state == State.ANSWERED, over = it.state == State.OVER, onHold = it.held, merged = it.merged,
        )
    }

    override suspend fun pump(onEvent: (PhoneEvent) -> Unit) {
        listener = onEvent
        while (unheard.isNotEmpty()) onEvent(unheard.removeFirst())
        end.await()
    }

    // What the server does.

    fun invite(call: UUID) {
        val it = calls.getOrPut(call) { Call(call, incoming = true) }
        if (it.invited) return
        it.invited = true
        when {
            it.declined -> it.responses += 603
            it.state == State.OVER -> it.responses += 480
            else -> {
                it.state = State.RINGING
                tell(PhoneEvent.Incoming(call, NOBODY))
                if (it.wantsAnswer) respond(it)
            }
        }
    }

    /** CANCEL, or the deadline of what never came. */
    fun callerGone(call: UUID) {
        val it = calls[call] ?: return
        if (it.state != State.ANNOUNCED && it.state != State.RINGING) return
        if (it.invited) it.responses += 487
        over(it, Cause.MISSED)
    }

    /** The far end answers what we dialled. */
    fun farEndAnswers(call: UUID) {
        val it = calls.getValue(call)
        if (it.state != State.RINGING) return
        it.state = State.ANSWERED
        tell(PhoneEvent.Answered(call))
        tell(PhoneEvent.Established(call))
    }

    /** The other side of a call sends the phone elsewhere, which calls there. */
    fun sentOn(call: UUID) {
        calls[call] = Call(call, incoming = false).also { it.state = State.RINGING }
        tell(PhoneEvent.SentOn(call, NOBODY))
    }

    /** The user supervises an agent by this call, or the server says what that is now. */
    fun supervises(call: UUID, how: Supervising) {
        calls.getOrPut(call) { Call(call, incoming = false).also { it.state = State.RINGING } }
        tell(PhoneEvent.Supervises(call, Shown("Anna", null, supervision = how)))
    }

    fun bye(call: UUID) {
        val it = calls[call] ?: return
        if (it.state == State.ANSWERED) over(it, Cause.REMOTE)
    }

    fun die() {
        end.complete(Unit)
    }

    private fun live(call: UUID) = calls[call]?.takeIf { it.state != State.OVER }
        ?: throw Refusal("no such call", Refusal.Why.UNKNOWN_CALL)

    private fun respond(call: Call) {
        if (call.state == State.ANSWERED) return
        call.responses += 200
        call.state = State.ANSWERED
        tell(PhoneEvent.Answered(call.call))
        tell(PhoneEvent.Established(call.call))
    }

    /** It remembers one that ended before. */
    fun overBefore(call: UUID) {
        calls[call] = Call(call, incoming = true).also { it.state = State.OVER }
    }

    private fun over(call: Call, cause: Cause) {
        call.state = State.OVER
        call.ends++
        call.merged = false
        calls.values.singleOrNull { it.merged }?.merged = false
        tell(PhoneEvent.Ended(call.call, cause))
    }

    private fun tell(event: PhoneEvent) {
        listener?.invoke(event) ?: run { unheard += event }
    }

    private companion object {
        val NOBODY = Shown("Customer", "+44 ••• 42")
    }
}
