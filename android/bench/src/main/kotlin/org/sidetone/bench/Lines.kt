package org.sidetone.bench

import java.io.PrintStream
import java.time.Duration
import java.util.UUID
import org.json.JSONArray
import org.json.JSONObject
import org.sidetone.Shown
import org.sidetone.ffi.*

/** The JSON lines of docs/cli.md: one object a line, the same words as `sidetone agent --json`. */
class Lines(private val out: PrintStream = System.out) {
    private val began = System.nanoTime()

    @Synchronized
    fun print(event: String, vararg fields: Pair<String, Any?>) {
        val line = JSONObject().put("event", event).put("at_ms", (System.nanoTime() - began) / 1_000 / 1_000.0)
        for ((name, value) in fields) line.put(name, value ?: JSONObject.NULL)
        out.println(line)
        out.flush()
    }

    fun reported(call: UUID, shown: Shown, push: Report?) = print(
        "reported", "call" to call.toString(),
        "caller" to JSONObject().put("name", shown.name ?: JSONObject.NULL).put("number", shown.number ?: JSONObject.NULL),
        "queue" to shown.queue, "deadline" to push?.announcement?.deadline?.epochSecond, "over" to push?.over?.let(::word),
    )

    fun print(event: Event) {
        when (event) {
            is Event.RegistrationChanged -> print(
                "registration", "state" to event.registration.state.name.lowercase(), "reason" to event.registration.problem?.text,
            )
            is Event.Incoming -> print(
                "incoming", "call" to event.call.toString(), "from" to party(event.from),
                "data" to with(event.data) {
                    val said = mapOf(
                        "queue" to queue, "waited_s" to waited?.seconds, "group" to group, "caller_ref" to callerRef,
                        "returned_from" to returnedFrom,
                    )
                    JSONObject(said.mapValues { it.value ?: JSONObject.NULL })
                },
                "headers" to JSONObject(event.headers.associate { it.name to it.value }),
                "announced" to event.announced,
            )
            is Event.Announced -> print(
                "announced", "call" to event.call.toString(),
                "name" to event.announcement.caller.name, "number" to event.announcement.caller.number,
                "queue" to event.announcement.queue, "deadline" to event.announcement.deadline.epochSecond,
            )
            is Event.Dialing -> print("dialing", "call" to event.call.toString(), "to" to party(event.to))
            is Event.Ringing -> print("ringing", "call" to event.call.toString())
            is Event.EarlyMedia -> print("early_media", "call" to event.call.toString())
            is Event.Answered -> print("answered", "call" to event.call.toString())
            is Event.Established -> print("established", "call" to event.call.toString())
            is Event.MediaFlowing -> print(
                "media", "call" to event.call.toString(), "first_sent_ms" to event.firstSent?.let(::ms), "first_heard_ms" to event.firstHeard?.let(::ms),
            )
            is Event.HoldChanged -> print("hold", "call" to event.call.toString(), "local" to event.hold.local, "remote" to event.hold.remote)
            is Event.Reconnecting -> print("reconnecting", "call" to event.call.toString())
            is Event.Reconnected -> print("reconnected", "call" to event.call.toString(), "gap_ms" to event.gap?.let(::ms))
            is Event.HoldFailed -> print("hold_failed", "call" to event.call.toString(), "reason" to event.text)
            is Event.Merged -> print("merged", "calls" to JSONArray(event.calls.map { it.toString() }))
            is Event.TransferProgress -> print(
                "transfer_progress", "call" to event.call.toString(), "to" to party(event.to), "status" to event.status.toInt(),
            )
            is Event.TransferFailed -> print("transfer_failed", "call" to event.call.toString(), "reason" to event.text)
            is Event.Referred -> print(
                "referred", "call" to event.call.toString(), "new" to event.new.toString(), "to" to party(event.to),
            )
            is Event.ReferralFailed -> print(
                "referral_failed", "call" to event.call.toString(), "new" to event.new.toString(), "to" to party(event.to), "reason" to event.text,
            )
            is Event.MuteChanged -> print("mute", "call" to event.call.toString(), "on" to event.muted)
            is Event.MessageReceived -> print("message_received", *message(event.message))
            is Event.MessageSent -> print("message_sent", "message" to event.message.toString(), "delivered" to event.delivered)
            is Event.MessageFailed -> print(
                "message_failed", "message" to event.message.toString(), "reason" to snake(event.reason::class.simpleName!!), "text" to event.text,
            )
            is Event.MessageUncertain -> print("message_uncertain", "message" to event.message.toString(), "text" to event.text)
            is Event.ControlDone -> print("control_done", "control" to event.control.toString())
            is Event.ControlFailed -> print(
                "control_failed", "control" to event.control.toString(), "reason" to snake(event.reason::class.simpleName!!), "text" to event.text,
            )
            is Event.AgentChanged -> print("agent", "agent" to agent(event.agent))
            is Event.AgentFailed -> print(
                "agent_failed", "request" to request(event.request), "reason" to snake(event.reason::class.simpleName!!), "text" to event.text,
            )
            is Event.RecordingAccessChanged -> print("recording_access", "access" to event.access.name.lowercase())
            is Event.RecordingsChanged -> print(
                "recordings", "call" to event.call.toString(), "recordings" to JSONArray(event.recordings.map(::recording)),
            )
            is Event.RecordingFailed -> print(
                "recording_failed", "call" to event.call.toString(), "recording" to event.recording, "action" to event.action.name.lowercase(),
                "reason" to snake(event.reason::class.simpleName!!), "text" to event.text,
            )
            is Event.FeaturesChanged -> print("features", "features" to features(event.features))
            is Event.UnreadPacksChanged -> print("unread_packs", "list" to JSONArray(event.packs.map(::unreadPack)))
            is Event.TeamChanged -> print("team", "team" to team(event.team))
            is Event.ColleagueChanged -> print("colleague", "colleague" to colleague(event.colleague))
            is Event.TeamQueueChanged -> print("team_queue", "queue" to teamQueue(event.queue))
            is Event.SupervisionChanged -> print(
                "supervision", "call" to event.call.toString(), "target" to event.supervision.target,
                "mode" to event.supervision.mode?.name?.lowercase(), "requested" to event.supervision.requested?.name?.lowercase(),
                "speaks" to event.supervision.speaks, "heard" to event.supervision.heard, "follow" to event.supervision.follow, "waiting" to event.supervision.waiting,
            )
            is Event.SupervisionFailed -> print(
                "supervision_failed", "call" to event.call.toString(), "mode" to event.mode.name.lowercase(),
                "reason" to snake((event.reason as? SupervisionFailure.Unread)?.problem?.name ?: event.reason::class.simpleName!!), "text" to event.text,
            )
            is Event.AutoAnswering -> print("auto_answering", "call" to event.call.toString(), "after_ms" to ms(event.after))
            is Event.DtmfFailed -> print("dtmf_failed", "call" to event.call.toString(), "digits" to event.digits, "reason" to event.text)
            is Event.DtmfSent -> print("dtmf_sent", "call" to event.call.toString())
            is Event.Quality -> quality(event.call, event.report)
            is Event.Ended -> print(
                "ended", "call" to event.call.toString(), "reason" to word(event.reason),
                "status" to statusOf(event.reason), "text" to event.text,
            )
            is Event.HistoryChanged -> print("history_changed", "revision" to event.revision.toLong())
            is Event.AudioLost -> print("error", "text" to event.text)
            is Event.NotSaved -> print("error", "text" to event.text)
        }
    }

    fun print(page: MessagePage) =
        print("messages", "messages" to JSONArray(page.messages.map { json(*message(it)) }), "more" to page.more)

    private fun message(it: TextMessage) = listOfNotNull(
        "message" to it.id.toString(), "party" to party(it.party), "text" to it.text, "at" to it.at.epochSecond,
        "state" to snake(it.state::class.simpleName!!), it.reply?.let { "reply" to it },
        (it.state as? MessageState.Failed)?.let { "reason" to snake(it.reason::class.simpleName!!) }, it.advice?.let { "advice" to it },
    ).toTypedArray()

    private fun agent(it: AgentSnapshot) = json(
        "state" to it.state.name.lowercase(), "certain" to it.certain,
        "pause" to it.pause?.let(::pause),
        "queues" to JSONArray(it.queues.map { queue -> json("name" to queue.name, "logged_in" to queue.loggedIn, "paused" to queue.paused) }),
        "reasons" to JSONArray(it.reasons), "logged_in_since" to it.loggedInSince?.epochSecond, "do_not_disturb" to it.doNotDisturb,
        "requested" to it.requested?.let(::request),
    )

    private fun pause(it: Pause) =
        json("reason" to it.reason, "since" to it.since?.epochSecond, "until" to it.until?.epochSecond)

    private fun features(it: FeaturesSnapshot) = json(
        "certain" to it.certain,
        "list" to JSONArray(it.features.map { (feature, state) ->
            json(
                "feature" to feature.name.lowercase(), "state" to snake(state::class.simpleName!!),
                "why" to (state as? FeatureState.Missing)?.why,
            )
        }),
        "problem" to it.problem?.name?.lowercase(), "text" to it.problemText,
    )

    private fun unreadPack(it: UnreadPack) = json(
        "pack" to it.pack.name.lowercase(), "problem" to it.problem.name.lowercase(), "text" to it.text,
    )

    private fun team(it: TeamSnapshot) = json(
        "state" to it.state.name.lowercase(), "people" to JSONArray(it.people.map(::colleague)),
        "queues" to JSONArray(it.queues.map(::teamQueue)),
    )

    private fun colleague(it: Colleague) = json(
        "name" to it.name, "label" to it.label, "number" to it.number, "team" to it.team,
        "state" to it.state.name.lowercase(), "since" to it.since.epochSecond, "pause" to it.pause?.let(::pause),
        "call" to it.call?.let { call ->
            json("queue" to call.queue, "group" to call.group, "since" to call.since.epochSecond)
        },
    )

    private fun teamQueue(it: TeamQueue) = json(
        "name" to it.name, "label" to it.label, "number" to it.number, "waiting" to it.waiting.toLong(), "free" to it.free.toLong(),
    )

    private fun request(it: AgentRequest) = when (it) {
        is AgentRequest.LogIn -> json("command" to "login", "queue" to it.queue, "reason" to it.reason)
        is AgentRequest.LogOut -> json("command" to "logout", "queue" to it.queue, "reason" to null)
        is AgentRequest.Pause -> json("command" to "pause", "queue" to null, "reason" to it.reason)
        is AgentRequest.Unpause -> json("command" to "unpause", "queue" to null, "reason" to null)
    }

    private fun recording(it: Recording) = json(
        "id" to it.id, "state" to it.state.name.lowercase(), "certain" to it.certain, "automatic" to it.automatic,
        "policy" to it.policy.name.lowercase(), "requested" to it.requested?.name?.lowercase(),
    )

    private fun json(vararg fields: Pair<String, Any?>) =
        JSONObject().apply { for ((name, value) in fields) put(name, value ?: JSONObject.NULL) }

    private fun quality(call: UUID, it: QualityReport) = print(
        "quality", "call" to call.toString(), "codec" to it.codec,
        "packets_sent" to it.packetsSent.toLong(), "packets_received" to it.packetsReceived.toLong(),
        "packets_lost" to it.packetsLost.toLong(), "packets_late" to it.packetsLate.toLong(),
        "concealed_ms" to ms(it.concealed), "jitter_ms" to ms(it.jitter), "playout_delay_ms" to ms(it.playoutDelay),
        "round_trip_ms" to it.roundTrip?.let(::ms), "level_sent_dbfs" to it.levelSent, "level_heard_dbfs" to it.levelHeard,
    )

    private fun statusOf(reason: EndReason): Int? = when (reason) {
        is EndReason.Unreachable -> reason.status.toInt()
        is EndReason.Rejected -> reason.status.toInt()
        else -> null
    }

    private fun party(it: Party) = JSONObject().put("name", it.name ?: JSONObject.NULL).put("uri", it.uri)

    private fun ms(it: Duration) = it.toNanos() / 1_000 / 1_000.0

    private fun word(reason: EndReason) = when (reason) {
        is EndReason.Supervision -> "supervision_" + reason.end.name.lowercase()
        else -> snake(reason::class.simpleName!!)
    }

    private fun snake(name: String) = name.replace(Regex("(?<=[a-z])[A-Z]")) { "_" + it.value }.lowercase()
}
