package org.sidetone

import java.time.Duration
import java.time.Instant
import java.util.UUID
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

/**
 * The one place that connects the phone and the platform: what the user does on either, what the phone says, and pushes.
 *
 * Everything is keyed by the call's UUID and taken one at a time. The platform is told before anything else happens. The
 * user's decision is carried out on the platform at once; the phone follows, and has the last word on how a call ends.
 * Sound is let through ([PhonePort.audioActivated]) while Telecom has a call of ours active: a ConnectionService's
 * connection has entered STATE_ACTIVE, or CallControl's answer or setActive has succeeded.
 */
class CallCoordinator(
    private val telecom: TelecomPort,
    /** Its dispatcher runs short things only. */
    private val scope: CoroutineScope,
    /** Reads a push; needs no phone. */
    private val read: (ByteArray) -> Push,
    standing: Standing,
    private val now: () -> Instant = Instant::now,
    /** After so long without a call and unseen the phone sleeps; null: never, for nothing would wake it. */
    private val sleepAfter: () -> Duration? = { null },
    /** A phone that is not signed in yet. */
    private val startPhone: suspend () -> PhonePort,
) : TelecomActions {
    /** ACTIVATING: Telecom was told that it is active, and has not said yet that it is. */
    private enum class Platform { ASKED, CREATED, ACTIVATING, ACTIVE, HELD }

    private class Line(val call: UUID, val incoming: Boolean, var shown: Shown) {
        var platform = Platform.ASKED
        /** A push let us be in the foreground for it. */
        var pushed = false
        /** Over, and Telecom has not made it yet. */
        var lingers = false
        var ended: Cause? = null
        var answered = false
        var touched = false
        var showsRing = false
        var silenced = false
        /** The phone has been told of the call, or told us. */
        var known = false
        var established = false
        val commands = ArrayDeque<suspend (PhonePort) -> Unit>()
        var wantsHold = false
        /** So many wishes are on their way to the phone. */
        var holdsUnderWay = 0
        var merged = false
        /** The other side of another call has sent the phone here. */
        var sentOn = false
        /** Another app's call took the audio: not ours to take back. */
        var suspended = false
        /** The platform has heard the last of it; what is left is for the phone. */
        var finished = false
        val dialled = CompletableDeferred<Unit>()
        val waiting get() = incoming && !answered && ended == null
        val talking get() = !waiting && ended == null
        val hasAudio get() = ended == null && (platform == Platform.ACTIVE || platform == Platform.ACTIVATING)
    }

    private val turns = Turns()
    private val lines = LinkedHashMap<UUID, Line>()
    private val gone = LinkedHashSet<UUID>()
    private val pushes = ArrayDeque<Push>()
    @Volatile private var phone: PhonePort? = null
    private var starting: CompletableDeferred<PhonePort>? = null
    private var audio = false
    private var muted: Boolean? = null
    private var standing = standing
    private var screen = Screen.EMPTY
    private var bedtime: Job? = null
    private val routing = MutableStateFlow(Routing())

    /** The routes to list, the one to mark as in use. */
    val routes: StateFlow<Routing> = routing.asStateFlow()

    private val told = MutableStateFlow<Set<Hindrance>>(emptySet())

    /** What stands in the way of good calls, to be shown with a button that mends it. */
    val hindrances: StateFlow<Set<Hindrance>> = told.asStateFlow()

    // What the app and the push handler call.

    /** A push came. The platform knows of the call when this returns. Any thread, no phone needed. */
    fun onPush(payload: ByteArray): Push = read(payload).also { push -> turns.finish { pushed(push) } }

    /** The phone, where one runs. */
    val running: PhonePort? get() = phone

    /** The phone, started where it is not. */
    suspend fun phone(): PhonePort {
        val result = CompletableDeferred<CompletableDeferred<PhonePort>>()
        turns.take { result.complete(start()) }
        return result.await().await()
    }

    /** A phone in the place of the one that runs, where the account is another now: [end] ends that one and its calls. */
    suspend fun renew(end: suspend (PhonePort) -> Unit): PhonePort {
        phone?.let { old ->
            end(old)
            turns.take { if (phone === old) lost() }
        }
        return phone()
    }

    /** Calls someone: returns when the phone has taken the call, or throws why not. */
    suspend fun dial(to: String): UUID {
        phone()
        val line = Line(UUID.randomUUID(), incoming = false, Shown(null, to))
        turns.take {
            lines[line.call] = line
            line.commands += {
                try {
                    it.dial(line.call, to)
                    line.dialled.complete(Unit)
                } catch (e: Exception) {
                    line.dialled.completeExceptionally(e)
                    throw e
                }
            }
            refresh()
            telecom.placeOutgoing(line.call, line.shown)
        }
        line.dialled.await()
        return line.call
    }

    fun answer(call: UUID) = onAnswer(call, touched = true)

    /** Refuses; `busy`: others of the user's queue or devices may still be tried. */
    fun decline(call: UUID, busy: Boolean = false) = act(call) {
        if (!it.waiting) return@act
        tell(it) { phone -> phone.decline(call, busy) }
        end(it, Cause.REJECTED)
    }

    fun hangUp(call: UUID) = onDisconnect(call)

    /** Sets, never toggles. */
    fun setHold(call: UUID, on: Boolean) = act(call) { if (on) hold(it, byPlatform = false) else resume(it) }

    fun setMute(call: UUID, on: Boolean) = act(call) { tell(it) { phone -> phone.setMute(call, on) } }

    fun sendDtmf(call: UUID, digits: String) = act(call) { tell(it) { phone -> phone.sendDtmf(call, digits) } }

    fun chooseRoute(route: Route) = turns.take { routed(routing.value.chosen(route)) }

    /** Another network, or another address: calls go on over it. [makeBeforeBreak]: the old one works on for a while. */
    fun networkChanged(makeBeforeBreak: Boolean) = turns.take { phone?.networkChanged(makeBeforeBreak) }

    // What Telecom calls.

    override fun onCreated(call: UUID) = act(call) {
        if (it.platform != Platform.ASKED) return@act
        it.platform = Platform.CREATED
        val cause = it.ended
        // It was asked for by an address alone.
        if (cause == null) telecom.update(call, it.shown)
        when {
            cause != null -> finish(it, cause)
            it.incoming -> if (it.answered) activate(it)
            else -> {
                withPhone { phone -> known(it, phone) }
                if (it.answered) takeUp(it)
            }
        }
        refresh()
    }

    override fun onRefused(call: UUID) = act(call) {
        if (it.ended == null) {
            if (it.incoming) tell(it) { phone -> phone.decline(call, busy = true) }
            else if (it.known) tell(it) { phone -> phone.hangUp(call) }
            end(it, Cause.OTHER)
            if (it.incoming) telecom.notice(call, it.shown, Cause.MISSED)
        }
        forget(it)
        refresh()
    }

    override fun onShowIncoming(call: UUID) = act(call) {
        it.showsRing = true
        refresh()
    }

    override fun onActive(call: UUID) = act(call) {
        if (it.ended != null || it.platform != Platform.ACTIVATING) return@act
        it.platform = Platform.ACTIVE
        refresh()
    }

    override fun onAnswer(call: UUID, touched: Boolean) = act(call) {
        if (!it.waiting) return@act
        it.answered = true
        it.touched = touched
        tell(it) { phone -> phone.answer(call) }
        if (it.platform != Platform.ASKED) activate(it)
        refresh()
    }

    override fun onReject(call: UUID) = decline(call)

    override fun onDisconnect(call: UUID) = act(call) {
        tell(it) { phone -> phone.hangUp(call) }
        end(it, if (it.waiting) Cause.REJECTED else Cause.LOCAL)
    }

    override fun onHold(call: UUID) = act(call) { hold(it, byPlatform = true) }

    override fun onUnhold(call: UUID) = act(call) { resume(it) }

    override fun onSilence(call: UUID) = act(call) {
        it.silenced = true
        refresh()
    }

    override fun onMute(muted: Boolean) = turns.take {
        // The first report is how things are, not an act; later ones that say the same are none either.
        val before = this.muted
        this.muted = muted
        if (before == null || before == muted) return@take
        for (line in lines.values) if (line.talking) tell(line) { it.setMute(line.call, muted) }
    }

    override fun onRoutes(available: Set<Route>, confirmed: Route?) = turns.take {
        val before = routing.value
        routed(before.reported(available, confirmed))
        if (confirmed != before.confirmed) phone?.audioRouteChanged()
    }

    override fun onDtmf(call: UUID, digit: Char) = sendDtmf(call, digit.toString())

    override fun onStanding(standing: Standing) = turns.take {
        this.standing = standing
        refresh()
    }

    // Pushes.

    private fun pushed(push: Push) {
        val line = lines[push.call]
        when {
            push.over != null || push.kind == Push.Kind.UNREADABLE -> if (line == null && gone.add(push.call)) {
                // A push must lead to something that is seen, and what it could not say may wait at the server.
                telecom.notice(push.call, push.shown, push.over ?: Cause.ERROR)
                if (push.kind == Push.Kind.UNREADABLE) start()
            }
            push.kind == Push.Kind.INCOMING -> if (line != null) seen(line) else if (push.call !in gone) announceLine(push)
            else -> {
                val cause = if (push.kind == Push.Kind.CANCELLED) Cause.MISSED else Cause.ANSWERED_ELSEWHERE
                // Without a phone there is no INVITE, and the push is the last word on the call.
                if (phone == null && line != null) end(line, cause) else if (line == null) gone.add(push.call)
            }
        }
        val running = phone
        if (running != null) return handOver(running, push)
        // One that only ends a call starts no phone, and is kept for the one that comes.
        pushes += push
        if (pushes.size > REMEMBERED) pushes.removeFirst()
    }

    /** The INVITE was faster, and Telecom may take its time: the push is what lets the call be seen by now. */
    private fun seen(line: Line) {
        line.pushed = true
        refresh()
    }

    private fun announceLine(push: Push) {
        val line = Line(push.call, incoming = true, push.shown)
        line.pushed = true
        lines[push.call] = line
        telecom.reportIncoming(push.call, push.shown)
        refresh()
        start()
        // The core keeps the deadline; where no core comes up, someone must.
        scope.launch {
            delay(Duration.between(now(), push.deadline).toMillis().coerceIn(0, LONGEST_RING_MS) + GRACE_MS)
            turns.take { if (!line.known && line.ended == null) end(line, Cause.MISSED) }
        }
    }

    private fun handOver(phone: PhonePort, push: Push) {
        phone.announced(push)
        val line = lines[push.call] ?: return
        if (line.known) return
        known(line, phone)
        // A call that was decided before this process lived is no news to the phone: it says nothing, and it must not ring.
        command(line, phone) { if (line.waiting) it.setMute(push.call, false) }
    }

    // The phone.

    private fun start(): CompletableDeferred<PhonePort> = starting ?: CompletableDeferred<PhonePort>().also { started ->
        starting = started
        launchNow {
            try {
                val phone = startPhone()
                turns.take {
                    launchNow {
                        try {
                            phone.signIn()
                        } finally {
                            started.complete(phone)
                        }
                    }
                    // At once: an INVITE that is faster than the push would not be known as announced.
                    attach(phone)
                }
            } catch (e: Exception) {
                turns.take { lost() }
                started.completeExceptionally(e)
            }
        }
    }

    private fun attach(phone: PhonePort) {
        this.phone = phone
        if (audio) phone.audioActivated()
        while (pushes.isNotEmpty()) handOver(phone, pushes.removeFirst())
        for (line in lines.values.toList()) if (!line.incoming && line.platform != Platform.ASKED) known(line, phone)
        // What a process that died left behind, and nobody has announced to this one.
        for (call in phone.calls()) if (call.incoming && !call.over && (call.waiting || call.answered)) {
            if (call.call in gone) refuse(phone, call.call)
            else if (call.call !in lines) adopt(call.call, call.shown).answered = call.answered
        }
        launchNow {
            phone.pump { event -> turns.take { if (this.phone === phone) happened(event) } }
            turns.take { if (this.phone === phone) lost() }
        }
        refresh()
    }

    private fun lost() {
        phone = null
        starting = null
        pushes.clear()
        for (line in lines.values.toList()) if (line.finished) lines.remove(line.call) else end(line, Cause.ERROR)
    }

    private fun happened(event: PhoneEvent) {
        val line = event.call?.let { lines[it] }
        when (event) {
            is PhoneEvent.Incoming -> when {
                event.call in gone -> phone?.let { refuse(it, event.call) }
                line == null -> adopt(event.call, event.shown)
                else -> label(line, event.shown)
            }
            is PhoneEvent.SentOn -> if (line == null && event.call !in gone) place(event.call, event.shown)
            is PhoneEvent.Supervises -> if (line != null) label(line, event.shown) else if (event.call !in gone) place(event.call, event.shown)
            is PhoneEvent.Answered -> if (line != null && line.ended == null) {
                line.answered = true
                if (line.platform == Platform.CREATED) takeUp(line)
            }
            is PhoneEvent.Established -> line?.let {
                it.established = true
                if (it.wantsHold) askHold(it)
            }
            // Every event is followed.
            is PhoneEvent.ShapeChanged -> {}
            is PhoneEvent.Ended -> line?.let {
                // First of all: the handler of its push may be about to return, and something must be seen then.
                if (it.waiting && event.cause in MISSED) telecom.notice(it.call, it.shown, event.cause)
                end(it, event.cause)
            } ?: gone.add(event.call)
        }
        follow()
        refresh()
    }

    private fun label(line: Line, shown: Shown) {
        if (line.ended != null || line.shown == shown) return
        line.shown = shown.or(line.shown)
        if (line.platform != Platform.ASKED) telecom.update(line.call, line.shown)
    }

    private fun adopt(call: UUID, shown: Shown): Line {
        val line = Line(call, incoming = true, shown)
        lines[call] = line
        line.known = true
        telecom.reportIncoming(call, shown)
        return line
    }

    /** The phone makes it already. */
    private fun place(call: UUID, shown: Shown) {
        val line = Line(call, incoming = false, shown)
        line.known = true
        line.sentOn = true
        line.dialled.complete(Unit)
        lines[call] = line
        telecom.placeOutgoing(call, shown)
    }

    /** It rings at the phone and was over for the user before: it must not ring on unseen. */
    private fun refuse(phone: PhonePort, call: UUID) {
        if (lines[call]?.commands.isNullOrEmpty()) launchNow { phone.hangUp(call) }
    }

    private fun known(line: Line, phone: PhonePort) {
        line.known = true
        while (line.commands.isNotEmpty()) command(line, phone, line.commands.removeFirst())
        if (line.finished) forget(line)
    }

    private fun withPhone(then: (PhonePort) -> Unit) {
        phone?.let(then) ?: start()
    }

    /** Tells the phone, now or when it knows of the call; in the order of the calls of this. */
    private fun tell(line: Line, what: suspend (PhonePort) -> Unit) {
        val running = phone
        if (running != null && line.known) command(line, running, what) else line.commands += what
    }

    private fun command(line: Line, phone: PhonePort, what: suspend (PhonePort) -> Unit) = launchNow {
        try {
            what(phone)
        } catch (e: Refusal) {
            turns.take {
                when {
                    e.why == Refusal.Why.UNKNOWN_CALL -> end(line, if (line.waiting) Cause.CANCELED else Cause.ERROR)
                    !line.incoming && !line.dialled.isActive && line.dialled.isCancelled -> end(line, Cause.ERROR)
                }
            }
        }
    }

    // Calls.

    /** It is answered. What the phone was sent to from a call on hold is on hold too, and takes nothing from the one that talks. */
    private fun takeUp(line: Line) {
        val held = line.sentOn && phone?.calls().orEmpty().any { it.call == line.call && it.onHold }
        if (!held || lines.values.none { it !== line && it.hasAudio }) return activate(line)
        line.wantsHold = true
        rest(line)
    }

    /** It has Telecom's audio. Of calls that are joined one has it, for Telecom would hold a second. */
    private fun activate(line: Line) {
        for (other in lines.values) {
            val joined = other === line || other.merged && line.merged
            if (joined) other.suspended = false
            if (other === line || !other.hasAudio) continue
            if (joined) rest(other) else hold(other, byPlatform = false)
        }
        if (line.hasAudio) return
        line.platform = Platform.ACTIVATING
        telecom.setActive(line.call)
    }

    private fun rest(line: Line) {
        if (line.platform == Platform.HELD) return
        line.platform = Platform.HELD
        telecom.setHeld(line.call)
    }

    private fun hold(line: Line, byPlatform: Boolean) {
        if (!line.talking || line.platform == Platform.ASKED) return
        if (byPlatform && speaksFor(line)) return rest(line)
        line.wantsHold = true
        if (byPlatform) line.suspended = true
        rest(line)
        askHold(line)
        refresh()
    }

    private fun resume(line: Line) {
        if (!line.talking || line.platform == Platform.ASKED) return
        line.wantsHold = false
        activate(line)
        askHold(line)
        refresh()
    }

    /** Another of those that are joined with it has Telecom's audio for it. */
    private fun speaksFor(line: Line) =
        line.merged && lines.values.any { it !== line && it.merged && it.hasAudio }

    private fun askHold(line: Line) {
        if (!line.established) return
        val on = line.wantsHold
        line.holdsUnderWay += 1
        tell(line) {
            try {
                it.setHold(line.call, on)
            } finally {
                turns.take {
                    line.holdsUnderWay -= 1
                    follow()
                    refresh()
                }
            }
        }
    }

    /** Telecom is to show what the phone does: it has the last word on who is held, and who is joined. */
    private fun follow() {
        val calls = phone?.calls()?.associateBy { it.call } ?: return
        for (line in lines.values) line.merged = calls[line.call]?.merged == true
        // What Telecom has not made yet is shown as it is when it has.
        val shown = lines.values.filter { it.ended == null && it.platform != Platform.ASKED }
        val settled = shown.filter { it.established && it.holdsUnderWay == 0 && it.call in calls }
        val (held, talking) = settled.partition { calls.getValue(it.call).onHold }
        for (line in held) if (!line.wantsHold) {
            line.wantsHold = true
            rest(line)
        }
        for (line in talking) if (!line.suspended) {
            line.wantsHold = false
            if (line.platform == Platform.HELD && lines.values.none { it.hasAudio }) activate(line)
        }
    }

    private fun end(line: Line, cause: Cause) {
        if (line.ended != null) return
        line.ended = cause
        if (!line.incoming) {
            if (!line.known) line.commands.clear()
            line.dialled.completeExceptionally(
                Refusal("The call cannot be made now; end other calls and dial again", Refusal.Why.NOT_NOW),
            )
        }
        gone.add(line.call)
        while (gone.size > REMEMBERED) gone.remove(gone.first())
        // The phone may still have to hear the user's decision, and Telecom must first have made the call.
        if (line.platform != Platform.ASKED) finish(line, cause) else if (line.pushed) linger(line)
        refresh()
    }

    /** What a push has begun is seen until Telecom has made it and heard of its end, though the phone knew that it was over. */
    private fun linger(line: Line) {
        line.lingers = true
        scope.launch {
            delay(GRACE_MS)
            turns.take {
                line.lingers = false
                refresh()
            }
        }
    }

    private fun finish(line: Line, cause: Cause) {
        telecom.setEnded(line.call, cause)
        forget(line)
    }

    private fun forget(line: Line) {
        line.finished = true
        line.lingers = false
        if (line.commands.isEmpty() || starting == null) lines.remove(line.call)
    }

    private fun routed(next: Routing) {
        val request = next.request
        routing.value = if (request == null) next else next.sent()
        request?.let(telecom::requestRoute)
    }

    /** Makes audio and screen what the calls ask for. */
    private fun refresh() {
        val live = lines.values.filter { it.ended == null }
        val active = live.any { it.platform == Platform.ACTIVE }
        if (active != audio) {
            audio = active
            phone?.let { if (active) it.audioActivated() else it.audioDeactivated() }
        }
        if (live.isEmpty()) {
            muted = null
            if (routing.value.choice != null) routing.value = routing.value.copy(choice = null, asked = 0)
        }
        // Unseen and without a push the foreground is not ours before Telecom has bound us.
        val seen = lines.values.filter {
            if (it.ended != null) it.lingers else it.pushed || it.platform != Platform.ASKED || standing.visible || !it.incoming
        }
        val ringing = live.firstOrNull { it.waiting && it.showsRing }
        val talking = seen.firstOrNull { it.talking && it.platform == Platform.ACTIVE } ?: seen.firstOrNull { it.talking }
        val stage = when {
            ringing != null && talking == null -> Stage.RINGING
            talking != null -> Stage.TALKING
            seen.isNotEmpty() -> Stage.ARRIVING
            else -> Stage.IDLE
        }
        var foreground = foreground(standing, stage, live.any { it.touched || !it.incoming }, screen.foreground.types)
        if (ringing != null && talking != null) foreground = foreground.copy(alert = Alert.HEADS_UP)
        val first = ringing ?: talking ?: seen.firstOrNull()
        val ring = when {
            ringing == null || ringing.silenced -> Ring.NONE
            talking != null -> Ring.CALL_WAITING
            else -> Ring.RINGTONE
        }
        val next = Screen(foreground, first?.call, first?.shown, ring)
        if (next != screen) {
            screen = next
            told.value = foreground.hindrances
            telecom.show(next)
        }
        goToBed(live.isEmpty() && !standing.visible)
    }

    private fun goToBed(idle: Boolean) {
        val after = sleepAfter()
        if (!idle || after == null || phone == null) {
            bedtime?.cancel()
            bedtime = null
        } else if (bedtime == null) {
            bedtime = scope.launch {
                delay(after.toMillis())
                turns.take { phone?.let { phone -> launchNow { letSleep(phone) } } }
            }
        }
    }

    /** A call that has just ended, or a code, may still be on its way out: then the phone refuses, and is asked again. */
    private suspend fun letSleep(phone: PhonePort) {
        val mine = bedtime
        while (mine != null && bedtime === mine) {
            try {
                return phone.sleep()
            } catch (e: Refusal) {
                if (e.why != Refusal.Why.NOT_NOW) throw e
                delay(RETRY_MS)
            }
        }
    }

    private fun act(call: UUID, what: (Line) -> Unit) = turns.take { lines[call]?.let(what) }

    /** What it does up to its first wait is done when this returns: commands keep their order. */
    private fun launchNow(what: suspend () -> Unit) {
        scope.launch(start = CoroutineStart.UNDISPATCHED) {
            try {
                what()
            } catch (e: CancellationException) {
                throw e
            } catch (e: Refusal) {
                // The snapshot shows the truth; what was refused had nothing left to do.
            }
        }
    }

    private companion object {
        val MISSED = setOf(Cause.MISSED, Cause.ERROR, Cause.CANCELED)
        const val LONGEST_RING_MS = 180_000L
        const val GRACE_MS = 2_000L
        const val RETRY_MS = 500L
        const val REMEMBERED = 64
    }
}
