package org.sidetone

import java.time.Instant
import java.util.UUID

/**
 * What [CallCoordinator] needs of a phone; [SidetonePhone] is the one that calls.
 *
 * The commands throw [Refusal]; those that do not suspend never wait.
 */
interface PhonePort {
    /** Connects, and stays reachable. */
    suspend fun signIn()
    suspend fun dial(call: UUID, to: String)
    suspend fun answer(call: UUID)
    suspend fun decline(call: UUID, busy: Boolean)
    suspend fun hangUp(call: UUID)
    suspend fun setHold(call: UUID, on: Boolean)
    suspend fun setMute(call: UUID, on: Boolean)
    suspend fun sendDtmf(call: UUID, digits: String)

    /** Lets go of the connection until a push or a command needs it. */
    suspend fun sleep()

    /** A push, after the platform was told of it. */
    fun announced(push: Push)
    fun audioActivated()
    fun audioDeactivated()
    fun audioRouteChanged()

    /** Another network, or another address; [makeBeforeBreak]: the old one works on for a while. */
    fun networkChanged(makeBeforeBreak: Boolean)

    /** The calls that there are now. */
    fun calls(): List<PhoneCall>

    /** Gives each event since the phone's start to [onEvent], in order, until the phone ends. */
    suspend fun pump(onEvent: (PhoneEvent) -> Unit)
}

/** A command that was refused, in the coordinator's terms. */
open class Refusal(message: String, val why: Why, cause: Throwable? = null) : Exception(message, cause) {
    enum class Why { UNKNOWN_CALL, NOT_NOW, OTHER }
}

/** A push as the core has read it. */
data class Push(
    val call: UUID,
    val kind: Kind,
    /** When a call of it ends that never comes. */
    val deadline: Instant,
    val shown: Shown,
    /** The core's own announcement, to be handed over. */
    val announcement: Any? = null,
    /** It never rings: why. */
    val over: Cause? = null,
) {
    enum class Kind { INCOMING, CANCELLED, ANSWERED_ELSEWHERE, UNREADABLE }
}

/** A call as the phone has it. */
data class PhoneCall(
    val call: UUID,
    val incoming: Boolean,
    val shown: Shown,
    /** Rings, or was announced: waits for the user. */
    val waiting: Boolean,
    /** The user's answer is given, also one that a dead process took. */
    val answered: Boolean,
    val over: Boolean,
    /** This phone is to hold it, by what was asked for last. */
    val onHold: Boolean = false,
    /** Joined with others: one call, as far as the platform is concerned. */
    val merged: Boolean = false,
)

/** What a phone tells that the platform must know. */
sealed interface PhoneEvent {
    val call: UUID?

    data class Incoming(override val call: UUID, val shown: Shown) : PhoneEvent

    /** The phone calls somebody because the other side of another call has sent it there. */
    data class SentOn(override val call: UUID, val shown: Shown) : PhoneEvent

    /** The phone supervises an agent's call by this one, or what that is has changed. */
    data class Supervises(override val call: UUID, val shown: Shown) : PhoneEvent
    data class Answered(override val call: UUID) : PhoneEvent
    data class Established(override val call: UUID) : PhoneEvent

    /** Who is held, or who is joined, may have changed: [PhonePort.calls] says how it is. */
    data object ShapeChanged : PhoneEvent {
        override val call: UUID? = null
    }
    data class Ended(override val call: UUID, val cause: Cause) : PhoneEvent
}
