package org.sidetone.sample.screens

import org.sidetone.ffi.CallSnapshot
import org.sidetone.ffi.Feature
import org.sidetone.ffi.Recording
import org.sidetone.ffi.RecordingAccess
import org.sidetone.ffi.RecordingAction
import org.sidetone.ffi.RecordingPolicy
import org.sidetone.ffi.RecordingState
import org.sidetone.ffi.Snapshot

/** What is recorded of a call, and what may be done about it. */
data class Recordings(
    val lines: List<RecordingLine>,
    /** A recording more. */
    val start: Choice?,
    /** Why nothing may be started or changed. */
    val why: String?,
)

data class RecordingLine(
    val id: String,
    /** Red only where the server has said on this connection that it records. */
    val light: Light,
    val state: String,
    val requested: String?,
    val choices: List<Choice>,
    /** Why there is nothing to touch. */
    val why: String?,
)

/** Null: the call cannot be recorded yet, or any more, and nothing of it is. */
fun recordings(call: CallSnapshot, snapshot: Snapshot): Recordings? {
    val (access, withheld) = snapshot.recording to withheld(snapshot, Feature.RECORDINGS)
    val isUnderWay = call.recordings.any { it.requested != null }
    val mayChange = access == RecordingAccess.ALLOWED && withheld == null && call.isUp && call.supervision == null
    fun choice(words: String, id: String, action: RecordingAction) =
        Choice(words, Wish.Record(call.id, id, action).takeUnless { isUnderWay })
    val lines = call.recordings.map { line(it, if (mayChange) ::choice else null) }
    val running = call.recordings.filter { it.state != RecordingState.STOPPED }.map { it.id }
    val free = (1..9).map(Int::toString).firstOrNull { it !in running }
    val why = withheld ?: "The server does not allow you to record.".takeIf { access == RecordingAccess.FORBIDDEN }
    val start = free?.takeIf { mayChange }?.let { choice(if (lines.isEmpty()) "Record" else "Record also as $it", it, RecordingAction.START) }
    return Recordings(lines, start, why).takeIf { call.isUp && (lines.isNotEmpty() || start != null || why != null) }
}

private fun line(it: Recording, choice: ((String, String, RecordingAction) -> Choice)?): RecordingLine {
    val name = if (it.automatic) "automatic recording" else "recording ${it.id}"
    val (light, word) = when (it.state) {
        RecordingState.RECORDING -> (if (it.certain) Light.ALARM else Light.OFF) to "runs"
        RecordingState.PAUSED -> (if (it.certain) Light.PAUSED else Light.OFF) to "paused"
        RecordingState.STOPPED -> Light.OFF to "stopped"
    }
    val doubt = if (it.certain) "" else ", as the server said last"
    val isLocked = it.policy == RecordingPolicy.LOCKED
    val stays = it.policy == RecordingPolicy.PAUSABLE
    val choices = if (choice == null || isLocked) emptyList() else listOfNotNull(
        choice("Pause", it.id, RecordingAction.PAUSE).takeIf { _ -> it.state == RecordingState.RECORDING },
        choice("Resume", it.id, RecordingAction.RESUME).takeIf { _ -> it.state == RecordingState.PAUSED },
        choice("Stop", it.id, RecordingAction.STOP).takeIf { _ -> it.state != RecordingState.STOPPED && !stays },
    )
    return RecordingLine(
        it.id, light, "$name $word$doubt", it.requested?.let { "${it.name.lowercase()} requested…" }, choices,
        when {
            isLocked -> "Made by the rules of the site, which do not let you change it."
            stays -> "Made by the rules of the site: you may pause it, not stop it."
            else -> null
        },
    )
}
