package org.sidetone.sample.screens

import java.time.Instant
import java.util.UUID
import org.sidetone.ffi.CallSnapshot
import org.sidetone.ffi.CallState
import org.sidetone.ffi.MediaPath
import org.sidetone.ffi.Snapshot

/** A call, as its card shows it. */
data class CallCard(
    val call: UUID,
    val light: Light,
    val title: String,
    val state: String,
    /** Since the answer, or since it began. */
    val time: String,
    val marks: List<String>,
    val choices: List<Choice>,
    val recordings: Recordings?,
    val supervision: SupervisionCard?,
)

/** What rings comes first: it waits for nobody. */
fun callCards(snapshot: Snapshot, now: Instant): List<CallCard> = snapshot.calls.sortedBy { !rings(it) }.map { card(it, snapshot, now) }

private fun card(call: CallSnapshot, snapshot: Snapshot, now: Instant) = CallCard(
    call = call.id,
    light = if (call.isUp) Light.READY else Light.BUSY,
    title = call.supervision?.let { "supervising ${it.target}" } ?: nameOf(call.remote),
    state = stateOf(call.state),
    time = clock(call.answered ?: call.began, now),
    marks = marksOf(call, snapshot),
    choices = choicesOf(call, snapshot),
    recordings = recordings(call, snapshot),
    supervision = call.supervision?.let { supervisionCard(call, it) },
)

private fun marksOf(call: CallSnapshot, snapshot: Snapshot) = listOfNotNull(
    heldByAnswering(call, snapshot)?.let { "waits while you talk with ${nameOf(it.remote)}" },
    call.data.queue?.let { queue -> queue + call.data.waited?.let { ", waited ${it.seconds / 60}:%02d".format(it.seconds % 60) }.orEmpty() },
    call.data.returnedFrom?.let { "back from $it, where nobody took it" },
    "by itself".takeIf { call.automatic },
    "joined".takeIf { call.merged },
    call.transfer?.let { "is transferred to ${nameOf(it)}" },
    call.referredBy?.let { "sent on by ${nameOf(it)}" },
    "on hold".takeIf { call.hold.local },
    "held by the other side".takeIf { call.hold.remote },
    "muted".takeIf { call.muted },
    "the audio's path is lost; it is built anew".takeIf { call.media == MediaPath.RECONNECTING },
)

private fun choicesOf(call: CallSnapshot, snapshot: Snapshot): List<Choice> {
    val id = call.id
    if (rings(call)) {
        val answer = if (heldByAnswering(call, snapshot) == null) "Answer" else "Hold and answer"
        return listOf(Choice(answer, Wish.Answer(id)), Choice("Decline", Wish.Decline(id)))
    }
    val end = Choice(if (call.supervision == null) "Hang up" else "Stop", Wish.HangUp(id))
    if (call.state != CallState.ESTABLISHED) return listOf(end)
    val mute = Choice(if (call.muted) "Unmute" else "Mute", Wish.SetMute(id, !call.muted))
    if (call.supervision != null) return listOf(mute, end)
    val hold = Choice(if (call.hold.local) "Resume" else "Hold", Wish.SetHold(id, !call.hold.local))
    return listOfNotNull(mute, hold, Choice("Talk alone", Wish.Split(id)).takeIf { call.merged }, end)
}
