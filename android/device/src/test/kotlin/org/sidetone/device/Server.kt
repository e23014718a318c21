package org.sidetone.device

import java.io.File
import java.net.URLEncoder
import java.util.UUID
import java.util.concurrent.TimeUnit
import org.sidetone.Home
import org.sidetone.ffi.AudioEndpoint
import org.sidetone.ffi.AudioGate
import org.sidetone.ffi.PhoneConfig
import org.sidetone.ffi.Trust

/** The model PBX, `sidetone demo --serve`. */
internal class Server {
    private val process = ProcessBuilder(System.getProperty("sidetone.binary"), "demo", "--serve", "--port", "0", "--json")
        .redirectError(ProcessBuilder.Redirect.DISCARD).start()
    private val ready = process.inputStream.bufferedReader().lineSequence().first { "\"ready\"" in it }
    private val account = Regex("\"(sip:[^\"]+)\"").find(ready)!!.groupValues[1]
    private val authority = Trust.Pem(File(word("ca")).readText())

    val password = passwordOf(account.substringAfter(':').substringBefore('@'))
    val link = "sidetone://sign-in?account=${escaped(account)}&server=${escaped(word("server"))}&name=Agent"

    /** A user's phone without a device. */
    fun config(user: String) = PhoneConfig(
        aor = "sip:$user@${account.substringAfter('@')}", password = passwordOf(user), servers = listOf(word("server")), instance = UUID.randomUUID(),
        trust = authority, microphone = AudioEndpoint.Null, speaker = AudioEndpoint.Null, audioGate = AudioGate.OPEN, queues = true, recordings = true, features = true,
    )

    /** Who signs in on the device. */
    fun account(user: String) = Home.Account("sip:$user@${account.substringAfter('@')}", passwordOf(user), listOf(word("server")))

    /** Gives its authority to the device. */
    fun trusted() = apply {
        DeviceApp.configuration = { it.copy(trust = authority, microphone = AudioEndpoint.Null, speaker = AudioEndpoint.Null) }
    }

    private fun passwordOf(user: String) = word("password").replace("<user>", user)

    private fun word(name: String) = Regex("\"$name\":\"([^\"]+)\"").find(ready)!!.groupValues[1]

    private fun escaped(text: String) = URLEncoder.encode(text, "UTF-8")

    fun stop() {
        process.destroy()
        process.waitFor(5, TimeUnit.SECONDS)
    }
}
