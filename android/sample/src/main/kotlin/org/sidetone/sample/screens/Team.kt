package org.sidetone.sample.screens

import java.time.Instant
import java.util.UUID
import org.sidetone.ffi.Colleague
import org.sidetone.ffi.Feature
import org.sidetone.ffi.Snapshot
import org.sidetone.ffi.TeamQueue
import org.sidetone.ffi.TeamSnapshot
import org.sidetone.ffi.TeamState
import org.sidetone.ffi.TransfersReturn

/** The colleagues and queues that were found, to call or to transfer to. */
data class TeamPage(
    /** What the list is worth, or why it is empty. */
    val note: String?,
    /** What may become of a caller who is transferred; to be said before. */
    val warning: String?,
    val rows: List<TeamRow>,
)

data class TeamRow(
    val light: Light,
    val name: String,
    val number: String?,
    val state: String,
    val choices: List<Choice>,
)

/** `found` is what the core's `findInTeam` gives for what is typed; null: nothing is watched. */
fun teamPage(found: TeamSnapshot?, snapshot: Snapshot, now: Instant): TeamPage {
    val talks = talkedIn(snapshot.calls)
    val warning = when (snapshot.transfersReturn) {
        TransfersReturn.YES -> null
        TransfersReturn.NO -> "A caller whom nobody takes there is lost."
        TransfersReturn.UNKNOWN -> "A caller whom nobody takes there may be lost."
    }
    val queues = found?.queues.orEmpty().map { row(it, talks) }
    val people = found?.people.orEmpty().map { row(it, found!!.state, talks, now) }
    return TeamPage(withheld(snapshot, Feature.TEAM) ?: noteOf(found), warning.takeIf { talks != null }, queues + people)
}

/** What a team is worth; null: it is true now, and somebody is found. */
internal fun noteOf(found: TeamSnapshot?): String? = when (found?.state) {
    null, TeamState.UNKNOWN -> "The server has not told it yet."
    TeamState.OUTDATED -> "As the server said last; nobody's state is certain."
    TeamState.UNAVAILABLE -> "The server lets you watch nobody; ask its administrator."
    TeamState.CURRENT -> "Nobody is found.".takeIf { found.people.isEmpty() && found.queues.isEmpty() }
}

private fun row(it: TeamQueue, talks: UUID?) = TeamRow(
    if (it.waiting > 0u) Light.PAUSED else Light.OFF, it.label ?: it.name, it.number,
    "queue: ${it.waiting} waiting, ${it.free} free", choices(it.number, talks),
)

private fun row(it: Colleague, worth: TeamState, talks: UUID?, now: Instant): TeamRow {
    val (light, words) = seen(it, worth, now)
    return TeamRow(light, it.label ?: it.name, it.number, words, choices(it.number, talks))
}

/** What a colleague is, since when and for which queue he talks; no light where nobody's state is to be believed. */
internal fun seen(it: Colleague, worth: TeamState, now: Instant): Pair<Light, String> {
    val (light, word) = stateOf(it.state, it.pause)
    val left = it.pause?.until?.let { until -> "${clock(now, until)} left" }
    return (if (worth == TeamState.CURRENT) light else Light.OFF) to
        "$word, ${left ?: "for ${clock(it.since, now)}"}${it.call?.queue?.let { queue -> ", $queue" }.orEmpty()}"
}

private fun choices(number: String?, talks: UUID?): List<Choice> = number?.let { to ->
    listOfNotNull(Choice("Call", Wish.Dial(to)), talks?.let { Choice("Transfer", Wish.Transfer(it, to)) })
}.orEmpty()
