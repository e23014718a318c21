package org.sidetone.sample.screens

import java.time.Duration
import java.time.Instant
import java.util.UUID
import org.sidetone.ffi.AgentState
import org.sidetone.ffi.CallSnapshot
import org.sidetone.ffi.CallState
import org.sidetone.ffi.EndReason
import org.sidetone.ffi.Event
import org.sidetone.ffi.Party
import org.sidetone.ffi.Pause
import org.sidetone.ffi.Registration
import org.sidetone.ffi.RegistrationState
import org.sidetone.ffi.Snapshot

/** The light beside a word: a hint for the eye, never the only sign. */
enum class Light { OFF, READY, BUSY, PAUSED, ALARM }

/** Something to touch, and what is asked then; without a wish it cannot be touched now. */
data class Choice(val words: String, val wish: Wish?)

/** `m:ss`, and `h:mm:ss` from an hour on; a clock that runs behind the server's shows zero. */
internal fun clock(from: Instant, to: Instant): String {
    val seconds = maxOf(0, Duration.between(from, to).seconds)
    val (hours, minutes) = seconds / 3600 to seconds / 60 % 60
    return if (hours > 0) "%d:%02d:%02d".format(hours, minutes, seconds % 60) else "%d:%02d".format(minutes, seconds % 60)
}

/** What an agent is, in the words of `sidetone agent`. */
internal fun stateOf(state: AgentState, pause: Pause?): Pair<Light, String> = when (state) {
    AgentState.UNKNOWN -> Light.OFF to "not known yet"
    AgentState.UNAVAILABLE -> Light.OFF to "the server has no queues for you"
    AgentState.LOGGED_OUT -> Light.OFF to "logged out"
    AgentState.READY -> Light.READY to "ready"
    AgentState.RINGING -> Light.BUSY to "a call rings"
    AgentState.ON_CALL -> Light.BUSY to "on a call"
    AgentState.NOT_READY -> Light.PAUSED to "paused: ${why(pause)}"
    AgentState.WRAP_UP -> Light.PAUSED to "wrap-up"
}

internal fun why(pause: Pause?): String = pause?.reason ?: "reason unknown"

internal fun stateOf(state: CallState): String = when (state) {
    CallState.DIALING -> "dialing"
    CallState.ALERTING -> "rings there"
    CallState.ANNOUNCED -> "announced"
    CallState.RINGING -> "rings"
    CallState.ANSWERING -> "answering"
    CallState.ANSWERED -> "answered"
    CallState.ESTABLISHED -> "talking"
    CallState.ENDING -> "ending"
}

internal fun nameOf(party: Party): String =
    party.name ?: party.number ?: party.uri.removePrefix("sip:").ifEmpty { "hidden" }

/** Somebody has answered, and nobody has hung up. */
internal val CallSnapshot.isUp get() = state == CallState.ANSWERED || state == CallState.ESTABLISHED

/** What went wrong after the phone had taken a command, in the core's words; null: nothing did. */
fun failureOf(event: Event): String? = when (event) {
    is Event.AgentFailed -> sentence(event.text)
    is Event.RecordingFailed -> sentence("recording ${event.recording}: ${event.text}")
    is Event.SupervisionFailed -> sentence(event.text)
    is Event.TransferFailed -> sentence(event.text)
    is Event.ReferralFailed -> sentence(event.text)
    is Event.HoldFailed -> sentence(event.text)
    is Event.DtmfFailed -> sentence(event.text)
    is Event.AudioLost -> sentence(event.text)
    is Event.NotSaved -> sentence(event.text)
    is Event.MessageFailed -> sentence("message not delivered: ${event.text}")
    is Event.MessageUncertain -> sentence(event.text)
    is Event.Ended -> if (isOrdinary(event.reason)) null else sentence(event.text)
    else -> null
}

/** An end that the user has made himself or sees in the list of calls; of another he wants to know why. */
private fun isOrdinary(reason: EndReason) = when (reason) {
    is EndReason.Local, is EndReason.Remote, is EndReason.Cancelled, is EndReason.AnsweredElsewhere, is EndReason.Declined,
    is EndReason.Forwarded, is EndReason.Transferred, is EndReason.Referred,
    -> true
    else -> false
}

internal fun sentence(text: String) = text.replaceFirstChar(Char::uppercase).removeSuffix(".") + "."

/** The server's packs that this phone does not understand, each with what to do. */
fun unreadPacks(snapshot: Snapshot): List<String> = snapshot.unreadPacks.map { sentence(it.text) }

/** The call that is talked in, which a transfer is about; never one that supervises. */
fun talkedIn(calls: List<CallSnapshot>): UUID? =
    calls.firstOrNull { it.active && it.isUp && it.supervision == null && it.transfer == null }?.id

/** What the registration is: green only where the server has answered not long ago. */
fun lampOf(registration: Registration): Pair<Light, String> {
    val (light, word) = when (registration.state) {
        RegistrationState.UNREGISTERED -> Light.OFF to "signed out"
        RegistrationState.REGISTERING -> Light.PAUSED to "registering"
        RegistrationState.REGISTERED -> Light.READY to "registered"
        RegistrationState.UNREACHABLE -> Light.PAUSED to "unreachable"
        RegistrationState.REACHABLE_BY_PUSH -> Light.BUSY to "asleep, reachable by push"
        RegistrationState.ASLEEP -> Light.ALARM to "asleep, no push"
        RegistrationState.FAILED -> Light.ALARM to "failed"
    }
    return light to listOfNotNull(word, registration.problem?.text).joinToString(" — ")
}
