package org.sidetone.sample.screens

import java.time.Instant
import org.sidetone.ffi.AgentState
import org.sidetone.ffi.CallSnapshot
import org.sidetone.ffi.Feature
import org.sidetone.ffi.Snapshot
import org.sidetone.ffi.Supervision
import org.sidetone.ffi.SupervisionMode
import org.sidetone.ffi.TeamSnapshot
import org.sidetone.ffi.TeamState

/** A call that supervises: the confirmed mode, what is asked for, and whether anybody hears the supervisor. */
data class SupervisionCard(
    val mode: String,
    val requested: String?,
    val microphone: String,
    /** The microphone is open: somebody hears him. */
    val isHeard: Boolean,
    /** What becomes of it when the agent's call is over. */
    val follow: String?,
    val choices: List<Choice>,
)

fun supervisionCard(call: CallSnapshot, it: Supervision): SupervisionCard {
    val isOpen = it.speaks && !call.hold.local && !call.hold.remote
    val isHeard = isOpen && !call.muted && it.heard
    return SupervisionCard(
        mode = it.mode?.let { "${word(it)}, confirmed" } ?: "not confirmed yet",
        requested = it.requested?.let { "${word(it)} requested…" },
        microphone = when {
            isOpen && !it.heard -> "the call is on hold: nobody hears you"
            isHeard && it.mode == SupervisionMode.BARGE -> "microphone open: the agent and his caller hear you"
            isHeard -> "microphone open: the agent hears you"
            isOpen -> "muted by you: nobody hears you"
            else -> "microphone closed: nobody hears you"
        },
        isHeard = isHeard,
        follow = when {
            it.waiting -> "waits for the agent's next call"
            it.follow -> "goes on with the agent's next call"
            else -> null
        },
        choices = SupervisionMode.entries.map { mode ->
            Choice(verb(mode), Wish.SetSupervisionMode(call.id, mode).takeIf { _ -> mode != (it.requested ?: it.mode) })
        },
    )
}

/** The agents whom a supervisor may look for. */
data class Roster(val note: String?, val rows: List<RosterRow>)

data class RosterRow(val name: String, val light: Light, val title: String, val state: String, val choices: List<Choice>)

/** `found` as for [teamPage]. `follow`: what is begun here goes on with the agent's next call. */
fun roster(found: TeamSnapshot?, snapshot: Snapshot, follow: Boolean, now: Instant): Roster {
    val withheld = withheld(snapshot, Feature.SUPERVISION)
    val supervised = snapshot.calls.mapNotNull { it.supervision?.target }
    val rows = found?.people.orEmpty().map { person ->
        val (light, words) = seen(person, found!!.state, now)
        // Where his state is certain and he is in no call there is nothing to hear.
        val offers = withheld == null && supervised.isEmpty() && (found.state != TeamState.CURRENT || person.state == AgentState.ON_CALL)
        val title = listOfNotNull(person.label ?: person.name, person.team.ifEmpty { null }).joinToString(" · ")
        val choices = SupervisionMode.entries.map { Choice(verb(it), Wish.Supervise(person.name, it, follow)) }
        RosterRow(person.name, light, title, words, choices.takeIf { offers }.orEmpty())
    }
    val other = "To supervise another, stop first.".takeIf { supervised.isNotEmpty() }
    return Roster(withheld ?: withheld(snapshot, Feature.TEAM) ?: noteOf(found?.copy(queues = emptyList())) ?: other, rows)
}

private fun word(mode: SupervisionMode) = mode.name.lowercase()

private fun verb(mode: SupervisionMode) = when (mode) {
    SupervisionMode.LISTEN -> "Listen"
    SupervisionMode.WHISPER -> "Whisper"
    SupervisionMode.BARGE -> "Barge in"
}
