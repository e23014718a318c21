package org.sidetone.sample.screens

import org.sidetone.ffi.CallSnapshot
import org.sidetone.ffi.IceServerCheck
import org.sidetone.ffi.IceServerGiven
import org.sidetone.ffi.Snapshot

/** How one step of the way that calls take stands, and what it is for. */
data class ConnectionLine(val title: String, val light: Light, val state: String, val why: String)

/** The server, the servers that help audio through networks, and the audio. [servers] null: they have not answered yet. Without a [snapshot] nobody is signed in. */
fun connectionLines(snapshot: Snapshot?, servers: List<IceServerCheck>?): List<ConnectionLine> {
    val (light, state) = snapshot?.let { lampOf(it.registration) } ?: (Light.OFF to "nobody is signed in")
    val server = ConnectionLine("Server", light, state, "Network, name, certificate and account: what fails is named, with what to do.")
    if (snapshot == null) return listOf(server)
    return listOf(server) + iceServerLines(servers) + audioLine(snapshot.calls.firstOrNull { it.active && it.isUp })
}

private fun iceServerLines(servers: List<IceServerCheck>?): List<ConnectionLine> {
    fun line(light: Light, state: String) = ConnectionLine("STUN and TURN", light, state, HELPS)
    if (servers == null) return listOf(line(Light.OFF, "being asked"))
    if (servers.isEmpty()) return listOf(line(Light.OFF, "this app was built without one"))
    return servers.map { (url, given) ->
        val (light, state) = when (given) {
            is IceServerGiven.ServerReflexive -> Light.READY to "sees this phone as ${given.address}"
            is IceServerGiven.Relayed -> Light.READY to "takes audio at ${given.address}"
            is IceServerGiven.Nothing -> Light.PAUSED to given.text
        }
        ConnectionLine(url, light, state, HELPS)
    }
}

/** Of the call that is talked in: whether audio passes both ways only a call shows. */
private fun audioLine(call: CallSnapshot?): ConnectionLine {
    val (light, state) = when (val report = call?.quality) {
        null -> Light.OFF to if (call == null) "not known: call somebody, an echo best, and look here again" else "not known yet"
        else -> {
            val passes = report.packetsSent > 0u && report.packetsReceived > 0u
            val trip = report.roundTrip?.let { ", round trip ${it.toMillis()} ms" }.orEmpty()
            (if (passes) Light.READY else Light.ALARM) to
                "${report.codec}, ${report.packetsSent} packets sent and ${report.packetsReceived} received$trip"
        }
    }
    return ConnectionLine("Audio", light, state, "Both sides hear each other where packets go both ways.")
}

private const val HELPS = "A phone behind a router finds a way for its audio by such a server, or through it where the direct way is blocked."
