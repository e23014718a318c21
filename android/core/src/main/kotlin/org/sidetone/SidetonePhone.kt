package org.sidetone

import java.util.UUID
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import org.sidetone.ffi.*

/**
 * The phone for Kotlin: the last snapshot as a [StateFlow], what happens as a [Flow], commands that suspend until the
 * phone has taken or refused them. On a device [CallCoordinator] stands between it and Telecom.
 */
class SidetonePhone private constructor(private val phone: Phone) : PhonePort {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val shown = MutableStateFlow(phone.snapshot())

    /** What a screen renders: latest wins, always the truth. */
    val snapshot: StateFlow<Snapshot> = shown.asStateFlow()

    init {
        scope.launch {
            while (!shown.value.ended) shown.value = phone.nextSnapshot(shown.value.revision)
        }
    }

    /** Each event after this cursor, in order. Many may read; one who is cancelled reads on from the last cursor. */
    fun events(after: ULong = 0u): Flow<NumberedEvent> = flow {
        var cursor = after
        do {
            val page = phone.events(cursor)
            page.events.forEach { emit(it) }
            cursor = page.next
        } while (!page.ended)
    }

    override suspend fun signIn() = typed { phone.signIn() }
    suspend fun signOut() = phone.signOut()

    /** Calls a number, a user name or a `sip:` address. */
    suspend fun dial(to: String): UUID = typed { phone.dial(to, null) }

    override suspend fun dial(call: UUID, to: String) {
        typed { phone.dial(to, call) }
    }

    override suspend fun answer(call: UUID) = typed { phone.answer(call) }
    override suspend fun decline(call: UUID, busy: Boolean) =
        typed { phone.decline(call, if (busy) DeclineReason.BUSY else DeclineReason.DECLINE) }

    override suspend fun hangUp(call: UUID) = typed { phone.hangUp(call) }
    override suspend fun setHold(call: UUID, on: Boolean) = typed { phone.setHold(call, on) }
    override suspend fun setMute(call: UUID, on: Boolean) = typed { phone.setMute(call, on) }
    override suspend fun sendDtmf(call: UUID, digits: String) = typed { phone.sendDtmf(call, digits) }

    /** Sends a message to another agent; what becomes of it comes as an event. The app may name it, with a fresh UUID. */
    suspend fun sendMessage(to: String, text: String, message: UUID? = null): UUID = typed { phone.sendMessage(to, text, message) }

    /** The messages that are kept, also those of earlier processes, latest first: those before this one, or the last. */
    suspend fun messages(before: UUID? = null, limit: UInt = 50u): MessagePage = phone.messages().use { it.page(before, limit) }

    /** Forgets every message. */
    suspend fun clearMessages() = phone.messages().use { it.clear() }

    /**
     * Has the server carry out a code of its dial plan, and returns when it has: ten waking seconds at most. It is no call: Telecom,
     * the ringer and the audio are not touched, and the calls that there are go on. [Refusal.cause] is a
     * [ControlException] that says which failure it was.
     */
    suspend fun control(code: String) = try {
        phone.control(code, null)
    } catch (e: ControlException) {
        throw Refusal(sentences(e), Refusal.Why.OTHER, e)
    }

    /**
     * Logs in to a queue, or to all that the agent may be in; with a reason he is paused from the beginning. Returns when it is
     * asked for: the snapshot's `agent` shows the request, and then what the server made of it.
     */
    suspend fun logIn(queue: String? = null, reason: String? = null) = typed { phone.logIn(queue, reason) }

    /** Logs out of a queue, or of all; returns as [logIn] does. */
    suspend fun logOut(queue: String? = null) = typed { phone.logOut(queue) }

    /** Pauses in all queues, for one of the snapshot's reasons; a call that goes on is finished. Returns as [logIn] does. */
    suspend fun pause(reason: String) = typed { phone.pause(reason) }

    /** Ends the pause; returns as [logIn] does. */
    suspend fun unpause() = typed { phone.unpause() }

    /**
     * Has the server record a call that is answered, or do something else with a recording of it: one named by 1 to 4 digits, of
     * which any number may run at the same time, or `auto`. Returns when it is asked for: the call's `recordings` show the
     * request, and then what the server made of it.
     */
    suspend fun record(call: UUID, recording: String, action: RecordingAction) = typed { phone.record(call, recording, action) }

    /** Watches colleagues and queues, or no more: on for as long as somebody looks at them. The snapshot's team shows what
     * the server has told. */
    suspend fun watchTeam(on: Boolean) = typed { phone.watchTeam(on) }

    /** Those of the team that is watched who are meant by what is typed: digits of a number, or words of a name or a
     * team. Nothing typed: all. */
    fun findInTeam(text: String) = phone.findInTeam(text)
    /**
     * Listens to the call of an agent (his endpoint's name), whispers to him or barges in: a call as others for Telecom, whose
     * microphone stays closed until the server has confirmed that the supervisor is heard. With [follow] it goes on with the
     * agent's next call, which is listened to at first. The snapshot's call shows in `supervision` what is confirmed.
     */
    suspend fun supervise(target: String, mode: SupervisionMode, follow: Boolean = false): UUID =
        typed { phone.supervise(target, mode, follow, null) }

    /** Supervises in another mode; returns when it is asked for. Who is to be heard less is silent at once. */
    suspend fun setSupervisionMode(call: UUID, mode: SupervisionMode) = typed { phone.setSupervisionMode(call, mode) }

    /** Lets calls be answered without the agent as the configuration allows it, or not, until he signs out. */
    suspend fun setAutoAnswer(on: Boolean) = typed { phone.setAutoAnswer(on) }

    /** Lets the call that is on hold talk, and holds the one that talks. */
    suspend fun swap() = typed { phone.swap() }

    /** Joins these calls, and those that are joined already: each hears the others and this phone. */
    suspend fun merge(calls: List<UUID>) = typed { phone.merge(calls) }

    /** Takes a call out of those that are joined, to talk to it alone. */
    suspend fun split(call: UUID) = typed { phone.split(call) }

    /** Leaves the two calls that are joined: they talk on without this phone. */
    suspend fun leave() = typed { phone.leave() }

    /** Sends the other side of a call elsewhere without asking there. */
    suspend fun transfer(call: UUID, to: String) = typed { phone.transfer(call, to) }

    /** Brings the other sides of two calls together, and is done with both. */
    suspend fun transferTo(call: UUID, with: UUID) = typed { phone.transferTo(call, with) }

    /** Sends the caller of an incoming call elsewhere. */
    suspend fun forward(call: UUID, to: String) = typed { phone.forward(call, to) }

    /** Calls that are over, latest first: those that [text] finds by name or number, before the place [after]. */
    suspend fun history(text: String = "", outcome: CallOutcome? = null, after: ULong? = null, limit: UInt = 50u): HistoryPage =
        phone.history().use { it.page(HistoryFilter(text, outcome), after, limit) }

    /** Forgets every call that is over. */
    suspend fun clearHistory() = phone.history().use { it.clear() }

    /** What each STUN and TURN server of the configuration gives; within six seconds. */
    suspend fun checkIceServers(): List<IceServerCheck> = phone.checkIceServers()

    /** The platform gave another push token, or none. */
    suspend fun setPushToken(token: PushToken?) = typed { phone.setPushToken(token) }
    override suspend fun sleep() = typed { phone.sleep() }
    override fun announced(push: Push) = phone.announced(push.announcement as Announcement)
    override fun audioActivated() = phone.audioActivated()
    override fun audioDeactivated() = phone.audioDeactivated()
    override fun audioRouteChanged() = phone.audioRouteChanged()
    override fun networkChanged(makeBeforeBreak: Boolean) =
        phone.networkChanged(if (makeBeforeBreak) Handover.MAKE_BEFORE_BREAK else Handover.BREAK_BEFORE_MAKE)
    override fun calls(): List<PhoneCall> = phone.snapshot().calls.map(::phoneCall)

    override suspend fun pump(onEvent: (PhoneEvent) -> Unit) = events().collect { numbered ->
        phoneEvent(numbered.event, ::nameOf)?.let(onEvent)
    }

    /** What an agent is called, where the team is watched; else his endpoint's name. */
    private fun nameOf(agent: String) = phone.snapshot().team?.people?.firstOrNull { it.name == agent }?.label ?: agent

    /** Ends the calls, signs out and lets go of everything. */
    suspend fun shutdown() {
        phone.shutdown()
        scope.cancel()
    }

    companion object {
        /** A phone of this configuration; [org.sidetone.ffi.StartException] says why there is none. */
        suspend fun start(config: PhoneConfig, vault: Vault? = null) = SidetonePhone(Phone.start(config, vault))
    }
}

/** What to tell the user of an error of the core: what happened, and what to do. */
fun sentences(e: Exception): String {
    val text = e.message.orEmpty()
    val (what, advice) = TWO.matchEntire(text)?.destructured ?: return text
    return "$what. $advice."
}

/** As UniFFI writes an error's fields. */
private val TWO = Regex("what=(.*), advice=(.*)", RegexOption.DOT_MATCHES_ALL)

private suspend fun <T> typed(command: suspend () -> T): T = try {
    command()
} catch (e: CommandException) {
    val why = when (e) {
        is CommandException.UnknownCall -> Refusal.Why.UNKNOWN_CALL
        is CommandException.Transferring, is CommandException.NothingToSwap, is CommandException.TooFewCalls,
        is CommandException.TooManyToLeave, is CommandException.WrongState, is CommandException.InCall,
        is CommandException.ControlUnderWay, is CommandException.AgentRequestUnderWay, is CommandException.RecordingUnderWay,
        -> Refusal.Why.NOT_NOW
        else -> Refusal.Why.OTHER
    }
    throw Refusal(sentences(e), why, e)
}

private fun phoneCall(it: CallSnapshot): PhoneCall = PhoneCall(
    it.id,
    it.direction == Direction.INCOMING,
    shownOf(it.remote, it.data),
    waiting = it.direction == Direction.INCOMING && (it.state == CallState.RINGING || it.state == CallState.ANNOUNCED && it.intent == null),
    answered = it.direction == Direction.INCOMING && (it.state == CallState.ANSWERING || it.state == CallState.ANNOUNCED && it.intent is Intent.Answer),
    over = it.state == CallState.ENDING,
    onHold = it.onHold,
    merged = it.merged,
)

private fun phoneEvent(it: Event, nameOf: (String) -> String): PhoneEvent? = when (it) {
    is Event.Incoming -> PhoneEvent.Incoming(it.call, shownOf(it.from, it.data))
    is Event.Referred -> PhoneEvent.SentOn(it.new, shownOf(it.to))
    is Event.SupervisionChanged ->
        PhoneEvent.Supervises(it.call, Shown(nameOf(it.supervision.target), null, supervision = supervisingOf(it.supervision)))
    is Event.Answered -> PhoneEvent.Answered(it.call)
    is Event.Established -> PhoneEvent.Established(it.call)
    is Event.HoldChanged, is Event.HoldFailed, is Event.Merged -> PhoneEvent.ShapeChanged
    is Event.Ended -> PhoneEvent.Ended(it.call, causeOf(it.reason))
    else -> null
}

/** What a push says: never throws, needs no phone. */
fun readPush(payload: ByteArray): Push = readPush(announce(payload))

/** A push that the core has read. */
fun readPush(report: Report): Push {
    val it = report.announcement
    val kind = when (it.kind) {
        AnnouncementKind.INCOMING -> Push.Kind.INCOMING
        AnnouncementKind.CANCELLED -> Push.Kind.CANCELLED
        AnnouncementKind.ANSWERED_ELSEWHERE -> Push.Kind.ANSWERED_ELSEWHERE
        AnnouncementKind.UNREADABLE -> Push.Kind.UNREADABLE
    }
    return Push(it.call, kind, it.deadline, Shown(it.caller.name, it.caller.number, it.queue), it, report.over?.let(::causeOf))
}

private fun supervisingOf(it: Supervision): Supervising = when {
    it.waiting -> Supervising.WAITS
    it.mode == null -> Supervising.ASKED
    !it.speaks -> Supervising.LISTENS
    !it.heard -> Supervising.UNHEARD
    it.mode == SupervisionMode.BARGE -> Supervising.BARGES_IN
    else -> Supervising.WHISPERS
}

private fun shownOf(party: Party, data: CallData? = null) = Shown(party.name, party.number, data?.queue, data?.returnedFrom)

private fun causeOf(reason: EndReason): Cause = when (reason) {
    is EndReason.Local, is EndReason.Transferred -> Cause.LOCAL
    is EndReason.Remote, is EndReason.Referred -> Cause.REMOTE
    is EndReason.Supervision -> if (reason.end == SupervisionEnd.CALL_OVER) Cause.REMOTE else Cause.ERROR
    is EndReason.Cancelled, is EndReason.NoAnswer, is EndReason.NeverCame -> Cause.MISSED
    is EndReason.AnsweredElsewhere -> Cause.ANSWERED_ELSEWHERE
    is EndReason.Declined, is EndReason.Forwarded -> Cause.REJECTED
    is EndReason.Refused -> Cause.REMOTE
    is EndReason.Busy -> Cause.BUSY
    else -> Cause.ERROR
}
