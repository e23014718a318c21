package org.sidetone.bench

import java.io.File
import java.io.PrintStream
import java.util.UUID
import java.util.concurrent.ConcurrentHashMap
import kotlin.concurrent.thread
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject
import org.sidetone.CallCoordinator
import org.sidetone.Home
import org.sidetone.Push
import org.sidetone.Refusal
import org.sidetone.Shown
import org.sidetone.SidetonePhone
import org.sidetone.ffi.AudioEndpoint
import org.sidetone.ffi.PhoneConfig
import org.sidetone.ffi.PushProvider
import org.sidetone.ffi.PushToken
import org.sidetone.ffi.RecordingAction
import org.sidetone.ffi.Report
import org.sidetone.ffi.SupervisionMode
import org.sidetone.ffi.Trust
import org.sidetone.ffi.announce
import org.sidetone.readPush
import org.sidetone.sentences

/**
 * What the programs of the library have in common, whatever stands in the platform's place: who signs in and what with, docs/cli.md's
 * JSON lines both ways, and the commands that go to the phone itself. The call screen is the platform's.
 *
 * With `--payload FILE` it does what an app does that a push has started: tells the platform first, then starts the
 * phone. A broken rule of the platform ends it with status 3.
 */
abstract class Program(private val flags: Map<String, String>, out: PrintStream) {
    protected val lines = Lines(out)
    protected val account = Home.Account(
        flags.getValue("account"), System.getenv("SIDETONE_PASSWORD").orEmpty(), flags.getValue("server").split(','),
    )
    protected val state = File(flags.getValue("state")).also { it.mkdirs() }

    /** What the core has read in the pushes, for `reported`. */
    private val pushes = ConcurrentHashMap<UUID, Report>()

    /** The core starts so much later, in milliseconds: a device that is slow. */
    protected val lag = flags["lag"]?.toLong() ?: 0

    protected abstract val scope: CoroutineScope
    protected abstract val calls: CallCoordinator
    protected abstract val phone: SidetonePhone?

    /** The calls on the call screen. */
    protected abstract val shown: List<UUID>

    /** Whether a call has the platform's audio. */
    protected abstract val hasAudio: Boolean

    /** The user opens the app, and it starts the phone. */
    protected abstract suspend fun signIn()

    /** A push of high priority comes, and must lead to something that is seen. */
    protected abstract fun push(payload: ByteArray)

    /** Where pushes go from now on; null: nowhere. */
    protected abstract suspend fun tokenIs(token: PushToken?)

    /** The user has the app before him. */
    protected abstract fun open()

    /** What the user does on the call screen, or Telecom for him. */
    protected abstract fun touch(command: Command, call: UUID)

    /** Hangs up, signs out, and ends. */
    protected abstract fun quit()

    protected fun configure(config: PhoneConfig) = config.copy(
        queues = flags["queues"] == "true",
        recordings = flags["recordings"] == "true",
        features = flags["features"] == "true",
        trust = flags["ca"]?.let { Trust.Pem(File(it).readText()) } ?: Trust.Platform,
        microphone = endpoint(flags["mic"]), speaker = endpoint(flags["speaker"]),
    )

    /** The process begins, for the user or for a push; each line that comes is obeyed where [main] says. */
    protected fun begin(main: (() -> Unit) -> Unit) {
        // A pipe, maybe: then it begins when the push comes.
        val payload = flags["payload"]?.let { File(it).readBytes() }
        thread(isDaemon = true) { for (line in generateSequence(::readLine)) main { obey(line) } }
        if (payload != null) return main { push(payload) }
        scope.launch { runCatching { signIn() } }
    }

    /** Says why there is no phone. */
    protected suspend fun <T> saying(start: suspend () -> T): T = try {
        start()
    } catch (e: Exception) {
        lines.print("error", "text" to sentences(e))
        throw e
    }

    protected fun follow(phone: SidetonePhone) {
        scope.launch { phone.events().collect { lines.print(it.event) } }
    }

    protected fun read(payload: ByteArray): Push {
        val report = announce(payload)
        pushes[report.announcement.call] = report
        return readPush(report)
    }

    protected fun reported(call: UUID, shown: Shown) = lines.reported(call, shown, pushes[call])

    protected fun broken(rule: String, text: String): Nothing {
        lines.print("rule_broken", "rule" to rule, "text" to text)
        Runtime.getRuntime().halt(3)
        throw IllegalStateException("halted")
    }

    /** A line that came in, and its answer. */
    protected inner class Command(text: String) {
        val json = try { JSONObject(text) } catch (e: JSONException) { JSONObject() }
        val name: String = json.optString("command")
        val call = uuid("call")

        fun uuid(field: String): UUID? = runCatching { UUID.fromString(json.getString(field)) }.getOrNull()

        fun isOn() = json.getBoolean("on")

        fun accepted(call: UUID? = this.call) = lines.print("accepted", "command" to name, "call" to call?.toString())

        fun refused(reason: String, text: String) =
            lines.print("refused", "command" to name, "call" to call?.toString(), "reason" to reason, "text" to text)
    }

    private fun obey(text: String) {
        val command = Command(text)
        when (command.name) {
            "quit" -> quit()
            "announce" -> {
                push(command.json.opt("payload")?.toString().orEmpty().toByteArray())
                command.accepted()
            }
            "dial" -> {
                open()
                scope.launch {
                    try {
                        command.accepted(calls.dial(command.json.getString("uri")))
                    } catch (e: Exception) {
                        command.refused("invalid_target", sentences(e))
                    }
                }
            }
            "look" -> look()
            "register" -> later(command) {
                calls.phone()
                phone?.signIn()
            }
            "push_token" -> later(command) { tokenIs(tokenOf(command.json)) }
            "answer", "decline", "hangup", "hold", "mute", "dtmf" -> {
                val call = command.call?.takeIf { it in shown }
                if (call == null) command.refused("unknown_call", "there is no such call; it may have ended") else touch(command, call)
            }
            else -> {
                val phone = phone ?: return command.refused("not_registered", "there is no phone yet")
                val act = toPhone(command, phone) ?: return command.refused("invalid_command", "no command of this name")
                // As who dials: a call that the user begins, he begins in the app.
                if (command.name == "supervise") open()
                later(command, act)
            }
        }
    }

    private fun toPhone(command: Command, phone: SidetonePhone): (suspend () -> Unit)? {
        val json = command.json
        // Who names no call asks it of one that is not there.
        fun call(field: String = "call") = command.uuid(field) ?: UUID.randomUUID()
        return when (command.name) {
            "unregister" -> { -> phone.signOut() }
            "sleep" -> { -> phone.sleep() }
            "swap" -> { -> phone.swap() }
            "leave" -> { -> phone.leave() }
            "split" -> { -> phone.split(call()) }
            "forward" -> { -> phone.forward(call(), json.getString("to")) }
            "transfer" -> { -> phone.transfer(call(), json.getString("to")) }
            "attended" -> { -> phone.transferTo(call(), call("with")) }
            "login" -> { -> phone.logIn(text(json, "queue"), text(json, "reason")) }
            "logout" -> { -> phone.logOut(text(json, "queue")) }
            "pause" -> { -> phone.pause(json.getString("reason")) }
            "unpause" -> { -> phone.unpause() }
            "record" -> {
                val action = RecordingAction.valueOf(json.getString("action").uppercase())
                suspend { phone.record(call(), json.getString("recording"), action) }
            }
            "watch" -> { -> phone.watchTeam(json.getBoolean("on")) }
            "supervise" -> { -> phone.supervise(json.getString("target"), mode(json), json.optBoolean("follow")) }
            "set_supervision_mode" -> { -> phone.setSupervisionMode(call(), mode(json)) }
            "message" -> { -> phone.sendMessage(json.getString("to"), json.getString("text"), command.uuid("message")) }
            "messages" -> { -> lines.print(phone.messages(command.uuid("before"), json.optInt("limit", 50).toUInt())) }
            "merge" -> { -> phone.merge(json.getJSONArray("calls").map(UUID::fromString)) }
            else -> null
        }
    }

    private fun mode(json: JSONObject) = SupervisionMode.valueOf(json.getString("mode").uppercase())

    private fun text(json: JSONObject, field: String): String? = if (json.isNull(field)) null else json.getString(field)

    private fun later(command: Command, what: suspend () -> Unit) {
        scope.launch {
            try {
                what()
                command.accepted()
            } catch (e: CancellationException) {
                throw e
            } catch (e: Refusal) {
                command.refused("wrong_state", e.message.orEmpty())
            } catch (e: Exception) {
                // What is missing in the line, or no UUID, or no provider.
                command.refused("invalid_command", sentences(e))
            }
        }
    }

    private fun look() {
        val there = phone?.calls().orEmpty().filter { !it.over }
        fun array(calls: List<UUID>) = JSONArray(calls.map { it.toString() })
        lines.print(
            "seen", "shown" to array(shown), "phone" to array(there.map { it.call }),
            "answered" to array(there.filter { !it.waiting }.map { it.call }), "audio" to hasAudio,
        )
    }

    private fun tokenOf(command: JSONObject) = command.optJSONObject("token")?.let {
        PushToken(PushProvider.valueOf(it.getString("provider").uppercase()), it.getString("param"), it.getString("prid"))
    }
}

private fun <T> JSONArray.map(of: (String) -> T) = List(length()) { of(getString(it)) }

/** An end of the sound by its name: `null`, a file, a device. */
private fun endpoint(text: String?): AudioEndpoint = when {
    text == null -> AudioEndpoint.Default
    text == "null" -> AudioEndpoint.Null
    text.endsWith(".wav") -> AudioEndpoint.File(text)
    else -> AudioEndpoint.Device(text)
}

/** Flags with their values. */
fun flagsOf(arguments: Array<String>): Map<String, String> {
    val flags = LinkedHashMap<String, String>()
    val iterator = arguments.iterator()
    while (iterator.hasNext()) {
        val name = iterator.next().removePrefix("--")
        // The events have one form here; what asks for it elsewhere is taken.
        if (name == "json" || name == "sip") continue
        if (name == "queues" || name == "recordings" || name == "features") {
            flags[name] = "true"
            continue
        }
        require(name in FLAGS) { "unknown flag --$name; there are ${FLAGS.joinToString { "--$it" }}" }
        require(iterator.hasNext()) { "--$name needs a value" }
        flags[name] = iterator.next()
    }
    for (name in listOf("server", "account", "state")) require(name in flags) { "--$name is missing" }
    return flags
}

private val FLAGS = listOf("server", "account", "ca", "mic", "speaker", "state", "payload", "lag", "api", "queues", "recordings", "features")
