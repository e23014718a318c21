package org.sidetone.sample.screens

import java.time.Instant
import org.sidetone.ffi.AgentQueue
import org.sidetone.ffi.AgentRequest
import org.sidetone.ffi.AgentSnapshot
import org.sidetone.ffi.AgentState
import org.sidetone.ffi.RegistrationState
import org.sidetone.ffi.Snapshot

/** The agent at his queues, as the bar shows him that is always in view. */
data class AgentBar(
    val light: Light,
    val state: String,
    /** How long he is paused, or how long wrap-up lasts yet. */
    val pause: String?,
    /** What becomes of calls to himself, where they do not ring. */
    val direct: String?,
    /** The queues that he is in, and for how long he is in one. */
    val signedIn: String?,
    /** What is asked for and not confirmed. */
    val requested: String?,
    /** Why the state is not to be relied on. */
    val doubt: String?,
    /** Ends the pause. */
    val ready: Choice?,
    /** A pause for each reason that the server takes. */
    val pauses: List<Choice>,
    /** In or out: of all queues, and of each. */
    val queues: List<Choice>,
    /** Into all queues, paused from the beginning. */
    val pausedLogins: List<Choice>,
)

/** Null: nobody is signed in, or the server has no queues for him. */
fun agentBar(snapshot: Snapshot, now: Instant): AgentBar? {
    val agent = snapshot.agent?.takeIf { it.state != AgentState.UNAVAILABLE } ?: return null
    if (snapshot.registration.state == RegistrationState.UNREGISTERED) return null
    val (light, word) = stateOf(agent.state, agent.pause)
    val isIn = agent.queues.any { it.loggedIn }
    fun choice(words: String, request: AgentRequest) =
        Choice(words, Wish.Agent(request).takeIf { agent.requested == null })
    return AgentBar(
        light = if (agent.certain) light else Light.OFF,
        state = if (comesAfter(agent)) "$word, then paused: ${why(agent.pause)}" else word,
        pause = pauseOf(agent, now),
        direct = "direct calls are refused".takeIf { agent.doNotDisturb },
        signedIn = signedIn(agent, now),
        requested = agent.requested?.let(::wordsOf),
        doubt = "as the server said last".takeIf { !agent.certain && agent.state != AgentState.UNKNOWN },
        ready = choice("Ready", AgentRequest.Unpause).takeIf { agent.pause != null },
        pauses = agent.reasons.takeIf { isIn && agent.pause == null }.orEmpty().map { choice(it, AgentRequest.Pause(it)) },
        queues = all(agent.queues).map { (words, request) -> choice(words, request) } + agent.queues.map { queue ->
            if (queue.loggedIn) choice("Log out of ${queue.name}", AgentRequest.LogOut(queue.name))
            else choice("Log in to ${queue.name}", AgentRequest.LogIn(queue.name, null))
        },
        pausedLogins = agent.reasons.takeIf { !isIn }.orEmpty().map { choice("Log in paused: $it", AgentRequest.LogIn(null, it)) },
    )
}

/** The pause begins when the call is over. */
private fun comesAfter(agent: AgentSnapshot) =
    agent.pause != null && (agent.state == AgentState.ON_CALL || agent.state == AgentState.RINGING)

private fun pauseOf(agent: AgentSnapshot, now: Instant): String? {
    val pause = agent.pause?.takeUnless { comesAfter(agent) } ?: return null
    pause.until?.let { return "${clock(now, it)} left" }
    return pause.since?.let { "for ${clock(it, now)}" }
}

private fun signedIn(agent: AgentSnapshot, now: Instant): String? {
    val names = agent.queues.filter { it.loggedIn }.joinToString { if (it.paused) "${it.name} (paused)" else it.name }
    if (names.isEmpty()) return null
    return "in $names" + agent.loggedInSince?.let { ", signed in for ${clock(it, now)}" }.orEmpty()
}

private fun all(queues: List<AgentQueue>): List<Pair<String, AgentRequest>> = listOfNotNull(
    ("Log in to all" to AgentRequest.LogIn(null, null)).takeIf { queues.any { !it.loggedIn } },
    ("Log out of all" to AgentRequest.LogOut(null)).takeIf { queues.any { it.loggedIn } },
)

private fun wordsOf(request: AgentRequest): String = when (request) {
    is AgentRequest.LogIn -> "logging in${request.queue?.let { " to $it" }.orEmpty()}…"
    is AgentRequest.LogOut -> "logging out${request.queue?.let { " of $it" }.orEmpty()}…"
    is AgentRequest.Pause -> "pause requested: ${request.reason}…"
    is AgentRequest.Unpause -> "ready requested…"
}
