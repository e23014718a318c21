@file:JvmName("ColdPhone")

package org.sidetone.bench

import java.io.File
import java.security.SecureRandom
import java.time.Duration
import java.util.UUID
import java.util.concurrent.Executors
import kotlin.system.exitProcess
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject
import org.sidetone.CallCoordinator
import org.sidetone.Home
import org.sidetone.PhonePort
import org.sidetone.Push
import org.sidetone.Refusal
import org.sidetone.SidetonePhone
import org.sidetone.Standing
import org.sidetone.ffi.AudioEndpoint
import org.sidetone.ffi.AudioGate
import org.sidetone.ffi.StartException
import org.sidetone.ffi.PushProvider
import org.sidetone.ffi.PushToken
import org.sidetone.ffi.Report
import org.sidetone.ffi.Trust
import org.sidetone.ffi.Vault
import org.sidetone.ffi.announce
import org.sidetone.readPush
import org.sidetone.testing.FakeTelecom
import org.sidetone.testing.RuleBroken

/**
 * The Android library as a program of the JVM: the real coordinator and core, and the strict [FakeTelecom] in the
 * platform's place. Speaks docs/cli.md's JSON lines; commands are what the user does on the platform's call screen.
 *
 * With `--payload FILE` it does what an app does that a push has started: tells the platform first, then starts the
 * phone. A broken rule of the platform ends it with status 3.
 */
fun main(arguments: Array<String>) {
    val flags = try {
        flagsOf(arguments)
    } catch (e: IllegalArgumentException) {
        System.err.println("cold-phone: ${e.message}")
        exitProcess(2)
    }
    exitProcess(runBlocking { Session(flags).run() })
}

private class Session(private val flags: Map<String, String>) {
    private val lines = Lines()
    // As on a device: all of the platform's calls come on one thread.
    private val main = Executors.newSingleThreadExecutor().asCoroutineDispatcher()
    private val scope = CoroutineScope(SupervisorJob() + main + CoroutineExceptionHandler { _, e -> failed(e) })
    private val standing = Standing(apiLevel = 35, visible = false, locked = true)
    private val telecom = FakeTelecom(standing, { scope.launch { strict(it) } }, ::told)
    private val state = File(flags.getValue("state")).also { it.mkdirs() }
    private val home = Home({ openVault(state) }) { config ->
        config.copy(
            trust = flags["ca"]?.let { Trust.Pem(File(it).readText()) } ?: Trust.Platform,
            microphone = endpoint(flags["mic"]), speaker = endpoint(flags["speaker"]),
            audioGate = AudioGate.PLATFORM,
        )
    }
    // Only a process that a push has started sleeps again: nothing has told the server how to wake another.
    private val calls = CallCoordinator(
        telecom, scope, ::read, standing, sleepAfter = { SLEEP_AFTER.takeIf { "payload" in flags } },
    ) { start() }
    /** What the core has read in the pushes, for `reported`. */
    private val pushes = HashMap<UUID, Report>()
    private var phone: SidetonePhone? = null

    suspend fun run(): Int {
        telecom.actions = calls
        val payload = flags["payload"]?.let { File(it).readBytes() }
        withContext(main) {
            strict { if (payload != null) push(payload) }
        }
        if (payload == null) scope.launch { open() }
        return commands()
    }

    private fun push(payload: ByteArray) {
        telecom.push { calls.onPush(payload) }
    }

    private fun read(payload: ByteArray): Push {
        val report = announce(payload)
        pushes[report.announcement.call] = report
        return readPush(report)
    }

    /** The user opens the app, or something other than a push needs the phone. */
    private suspend fun open() = try {
        calls.phone()
        true
    } catch (e: Exception) {
        lines.print("error", "text" to (e.message ?: e.toString()))
        false
    }

    private suspend fun start(): PhonePort {
        val account = Home.Account(
            flags.getValue("account"), System.getenv("SIDETONE_PASSWORD").orEmpty(), flags.getValue("server").split(','),
        )
        home.keep(account)
        val started = try {
            home.start()
        } catch (e: StartException) {
            lines.print("error", "text" to e.message)
            throw e
        }
        phone = started
        scope.launch { started.events().collect { lines.print(it.event) } }
        return Watched(started, telecom)
    }

    private suspend fun commands(): Int {
        for (text in generateSequence(::readLine)) {
            val command = try {
                JSONObject(text)
            } catch (e: JSONException) {
                lines.print("refused", "command" to "", "call" to null, "reason" to "invalid_command", "text" to "a line is a JSON object")
                continue
            }
            if (command.optString("command") == "quit") {
                withContext(main) { strict { leave() } }
                return 0
            }
            withContext(main) { obey(command) }
        }
        // Standard input ended: the program goes on until it is ended.
        while (true) kotlinx.coroutines.delay(Long.MAX_VALUE)
    }

    private fun obey(command: JSONObject) {
        val name = command.optString("command")
        val call = runCatching { UUID.fromString(command.getString("call")) }.getOrNull()
        fun refused(reason: String, text: String) =
            lines.print("refused", "command" to name, "call" to call?.toString(), "reason" to reason, "text" to text)
        fun accepted(call: UUID? = null) = lines.print("accepted", "command" to name, "call" to call?.toString())
        fun later(what: suspend () -> Unit) {
            scope.launch {
                try {
                    what()
                    accepted(call)
                } catch (e: Refusal) {
                    refused("wrong_state", e.message.orEmpty())
                }
            }
        }
        when (name) {
            "announce" -> {
                val payload = command.opt("payload")?.toString().orEmpty().toByteArray()
                strict { push(payload) }
                accepted()
            }
            "dial" -> scope.launch {
                // Who dials has the app before him.
                strict { telecom.standingChanges(standing.copy(visible = true, locked = false)) }
                try {
                    accepted(calls.dial(command.getString("uri")))
                } catch (e: Exception) {
                    refused("invalid_target", e.message.orEmpty())
                }
            }
            "look" -> {
                val shown = telecom.calls.values.filter { it.state != FakeTelecom.State.ENDED }.map { it.call.toString() }
                val there = phone?.calls().orEmpty().filter { !it.over }
                lines.print(
                    "seen", "shown" to JSONArray(shown), "phone" to JSONArray(there.map { it.call.toString() }),
                    "answered" to JSONArray(there.filter { !it.waiting }.map { it.call.toString() }), "audio" to telecom.audio,
                )
            }
            "sleep" -> later { phone?.sleep() }
            "forward" -> if (call == null) refused("unknown_call", "there is no such call") else later {
                phone?.forward(call, command.optString("to"))
            }
            "swap" -> later { phone?.swap() }
            "leave" -> later { phone?.leave() }
            "merge" -> try {
                val merged = uuids(command)
                later { phone?.merge(merged) }
            } catch (e: JSONException) {
                refused("invalid_command", e.message.orEmpty())
            } catch (e: IllegalArgumentException) {
                refused("invalid_command", "a call is a UUID")
            }
            "split" -> if (call == null) refused("unknown_call", "there is no such call") else later { phone?.split(call) }
            "transfer" -> if (call == null) refused("unknown_call", "there is no such call") else later {
                phone?.transfer(call, command.optString("to"))
            }
            "attended" -> {
                val other = runCatching { UUID.fromString(command.getString("with")) }.getOrNull()
                if (call == null || other == null) refused("unknown_call", "there is no such call") else later {
                    phone?.transferTo(call, other)
                }
            }
            "push_token" -> try {
                val token = tokenOf(command)
                later { tokenIs(token) }
            } catch (e: JSONException) {
                refused("invalid_command", e.message.orEmpty())
            } catch (e: IllegalArgumentException) {
                refused("invalid_command", "a provider is fcm or apns")
            }
            "register" -> later { if (open()) phone?.signIn() }
            "unregister" -> later { phone?.signOut() }
            "answer", "decline", "hangup", "hold", "mute", "dtmf" -> {
                val there = telecom.calls[call]
                if (call == null || there == null || there.state == FakeTelecom.State.ENDED) {
                    return refused("unknown_call", "there is no such call; it may have ended")
                }
                accepted(call)
                strict {
                    when (name) {
                        "answer" -> if (command.optBoolean("headset")) telecom.headsetAnswers(call) else telecom.userAnswers(call)
                        "decline" -> if (command.optBoolean("busy")) calls.decline(call, busy = true) else telecom.userDeclines(call)
                        "hangup" -> telecom.userHangsUp(call)
                        "hold" -> telecom.userHolds(call, command.getBoolean("on"))
                        "mute" -> calls.setMute(call, command.getBoolean("on"))
                        else -> command.getString("digits").forEach { calls.onDtmf(call, it) }
                    }
                }
            }
            else -> refused("invalid_command", "no command of this name")
        }
    }

    private fun uuids(command: JSONObject): List<UUID> {
        val calls = command.getJSONArray("calls")
        return List(calls.length()) { UUID.fromString(calls.getString(it)) }
    }

    private fun tokenOf(command: JSONObject) = command.optJSONObject("token")?.let {
        PushToken(PushProvider.valueOf(it.getString("provider").uppercase()), it.getString("param"), it.getString("prid"))
    }

    private suspend fun tokenIs(token: PushToken?) {
        home.keepPush(token)
        phone?.setPushToken(token)
    }

    private suspend fun leave() {
        for (call in telecom.calls.values.filter { it.state != FakeTelecom.State.ENDED }) telecom.userHangsUp(call.call)
        phone?.shutdown()
        telecom.check()
    }

    private fun told(told: FakeTelecom.Told) {
        when (told) {
            is FakeTelecom.Told.Reported -> lines.reported(told.call, told.shown, pushes[told.call])
            is FakeTelecom.Told.Noticed -> if (told.call !in telecom.calls) lines.reported(told.call, told.shown, pushes[told.call])
            is FakeTelecom.Told.Ended, is FakeTelecom.Told.Seen -> {}
        }
    }

    private inline fun strict(what: () -> Unit) {
        try {
            what()
        } catch (e: Throwable) {
            failed(e)
        }
    }

    private fun failed(e: Throwable) {
        val broken = generateSequence(e) { it.cause }.filterIsInstance<RuleBroken>().firstOrNull()
        if (broken != null) {
            lines.print("rule_broken", "rule" to broken.rule.name.lowercase(), "text" to broken.message)
            Runtime.getRuntime().halt(3)
        }
        e.printStackTrace()
    }
}

/** The phone, its audio gate under the platform's eyes. */
private class Watched(private val phone: SidetonePhone, private val telecom: FakeTelecom) : PhonePort by phone {
    override fun audioActivated() {
        telecom.audio(true)
        phone.audioActivated()
    }

    override fun audioDeactivated() {
        telecom.audio(false)
        phone.audioDeactivated()
    }
}

/** As on a device, but for the keystore: the key lies beside the vault. */
private suspend fun openVault(state: File): Vault {
    val key = File(state, "key")
    if (!key.exists()) key.writeBytes(ByteArray(32).also(SecureRandom()::nextBytes))
    return Vault.open(File(state, "vault").path, key.readBytes())
}

/** An end of the sound by its name: `null`, a file, a device. */
fun endpoint(text: String?): AudioEndpoint = when {
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
        require(name in FLAGS) { "unknown flag --$name; there are ${FLAGS.joinToString { "--$it" }}" }
        require(iterator.hasNext()) { "--$name needs a value" }
        flags[name] = iterator.next()
    }
    for (name in listOf("server", "account", "state")) require(name in flags) { "--$name is missing" }
    return flags
}

private val SLEEP_AFTER: Duration = Duration.ofSeconds(2)
private val FLAGS = listOf("server", "account", "ca", "mic", "speaker", "state", "payload", "api")
