package org.sidetone.sample.screens

import org.sidetone.ffi.CallSnapshot
import org.sidetone.ffi.CallState
import org.sidetone.ffi.Direction
import org.sidetone.ffi.Snapshot

/** The calls among themselves: who talks, who waits, and what may be done with two of them. */
data class Together(val words: String, val choices: List<Choice>)

/** Null: there are no two calls that somebody has answered. */
fun together(snapshot: Snapshot): Together? {
    val up = snapshot.calls.filter { it.state == CallState.ESTABLISHED && it.supervision == null && it.transfer == null }
    if (up.size < 2) return null
    val (joined, others) = up.partition { it.merged }
    val talking = others.firstOrNull { it.active } ?: joined.firstOrNull()
    val held = others.filter { it.onHold }
    val words = listOfNotNull(
        names(joined)?.let { "You talk with $it together." } ?: talking?.let { "You talk with ${nameOf(it.remote)}." },
        names(held)?.let { "On hold: $it." },
    )
    return Together(
        words.joinToString(" "),
        listOfNotNull(
            Choice("Swap", Wish.Swap).takeIf { talking != null && held.size == 1 },
            Choice("Join them", Wish.Merge(up.map { it.id })).takeIf { others.isNotEmpty() },
            // Who was asked last takes the one who waits.
            held.singleOrNull()?.takeIf { joined.isEmpty() }?.let { waits -> talking?.let { Choice("Connect them", Wish.TransferTo(waits.id, it.id)) } },
            Choice("Leave them", Wish.Leave).takeIf { joined.size == 2 && others.isEmpty() },
        ),
    )
}

/** It rings here while another call is talked in: to answer it holds that one. */
internal fun heldByAnswering(call: CallSnapshot, snapshot: Snapshot): CallSnapshot? =
    snapshot.calls.firstOrNull { it.active && it.isUp && it.id != call.id }.takeIf { rings(call) }

internal fun rings(call: CallSnapshot) = call.direction == Direction.INCOMING && call.state == CallState.RINGING

private fun names(calls: List<CallSnapshot>) = calls.joinToString(" and ") { nameOf(it.remote) }.ifEmpty { null }
