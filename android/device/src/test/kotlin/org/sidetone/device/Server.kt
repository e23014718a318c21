package org.sidetone.device

import java.io.File
import java.net.URLEncoder
import java.util.concurrent.TimeUnit
import org.sidetone.ffi.AudioEndpoint
import org.sidetone.ffi.Trust

/** The model PBX, `sidetone demo --serve`, and its authority given to the device. */
internal class Server {
    private val process = ProcessBuilder(System.getProperty("sidetone.binary"), "demo", "--serve", "--port", "0", "--json")
        .redirectError(ProcessBuilder.Redirect.DISCARD).start()
    private val ready = process.inputStream.bufferedReader().lineSequence().first { "\"ready\"" in it }
    private val account = Regex("\"(sip:[^\"]+)\"").find(ready)!!.groupValues[1]

    val password = word("password").replace("<user>", account.substringAfter(':').substringBefore('@'))
    val link = "sidetone://sign-in?account=${escaped(account)}&server=${escaped(word("server"))}&name=Agent"

    init {
        val authority = Trust.Pem(File(word("ca")).readText())
        DeviceApp.configuration = { it.copy(trust = authority, microphone = AudioEndpoint.Null, speaker = AudioEndpoint.Null) }
    }

    private fun word(name: String) = Regex("\"$name\":\"([^\"]+)\"").find(ready)!!.groupValues[1]

    private fun escaped(text: String) = URLEncoder.encode(text, "UTF-8")

    fun stop() {
        process.destroy()
        process.waitFor(5, TimeUnit.SECONDS)
    }
}
