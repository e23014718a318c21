package org.sidetone.sample.screens

import kotlin.math.roundToInt
import org.sidetone.Home
import org.sidetone.Route
import org.sidetone.Routing
import org.sidetone.ffi.AnswerMode
import org.sidetone.ffi.Feature
import org.sidetone.ffi.Snapshot

/** What is set on this phone, what of it the user may change, who is signed in, and what the app is. */
data class SettingsPage(
    val routes: List<RouteLine>,
    /** Why there is no route to choose. */
    val routesNote: String?,
    val levels: List<LevelLine>,
    /** Why there is no level. */
    val levelsNote: String?,
    val ringtone: Setting,
    val autoAnswer: Setting,
    /** Null: nobody is signed in. */
    val profile: Profile?,
    val about: List<String>,
)

/** How the app stands, beside the snapshot. */
data class AppState(
    val account: Home.Account?,
    val routing: Routing,
    /** The name of the ringtone that the user has picked; null: the system's. */
    val ringtone: String?,
    /** Which calls the app's configuration lets the phone answer by itself. */
    val answerMode: AnswerMode,
    val version: String,
    val libraryVersion: String,
)

data class RouteLine(val route: Route, val words: String, val isInUse: Boolean)

/** How loud it is: so many of [LevelLine.MOST] bars, and in words. */
data class LevelLine(val title: String, val bars: Int, val words: String) {
    companion object {
        const val MOST = 10
    }
}

/** How something is set. [locked] is why the user cannot change it; null: he may. */
data class Setting(val light: Light, val state: String, val locked: String?, val choices: List<Choice> = emptyList())

data class Profile(val initials: String, val name: String, val address: String, val servers: List<String>, val note: String)

/** A null [snapshot]: nobody is signed in. */
fun settingsPage(snapshot: Snapshot?, app: AppState): SettingsPage {
    val isInCall = snapshot?.calls.orEmpty().isNotEmpty()
    val locked = snapshot?.let { forbidden(it, Feature.SETTINGS) }
    val (levels, levelsNote) = levels(snapshot)
    return SettingsPage(
        routes = if (isInCall) routeLines(app.routing) else emptyList(),
        routesNote = "Android tells where the sound can go while there is a call.".takeIf { !isInCall || app.routing.available.isEmpty() },
        levels, levelsNote,
        ringtone = Setting(Light.READY, app.ringtone ?: "the system's", locked),
        autoAnswer = autoAnswer(snapshot, app.answerMode, locked),
        profile = app.account?.let(::profile),
        about = about(app),
    )
}

/** In the order of their kinds. */
fun routeLines(routing: Routing): List<RouteLine> = routing.available.sortedBy { it.kind }.map { route ->
    RouteLine(route, route.name.ifEmpty { route.kind.name.lowercase() }, route == routing.shown)
}

/** Of the call that is talked in, by its last report; else why there is none. */
private fun levels(snapshot: Snapshot?): Pair<List<LevelLine>, String?> {
    val call = snapshot?.calls?.firstOrNull { it.active && !it.onHold } ?: return emptyList<LevelLine>() to "Levels are measured while you talk."
    val report = call.quality ?: return emptyList<LevelLine>() to "The first levels come after a second of the call."
    val microphone = if (call.muted) LevelLine("Microphone", 0, "muted by you") else level("Microphone", report.levelSent)
    return listOf(microphone, level("Loudspeaker", report.levelHeard)) to null
}

/** A bar for each 6 dB above silence. */
private fun level(title: String, dbfs: Float): LevelLine {
    val bars = ((dbfs - SILENCE) * LevelLine.MOST / -SILENCE).roundToInt().coerceIn(0, LevelLine.MOST)
    val word = when {
        dbfs <= SILENCE -> return LevelLine(title, 0, "silence")
        dbfs < QUIET -> "quiet"
        dbfs <= LOUD -> "good"
        else -> "too loud"
    }
    return LevelLine(title, bars, "$word, ${dbfs.roundToInt()} dBFS")
}

private fun autoAnswer(snapshot: Snapshot?, mode: AnswerMode, locked: String?): Setting {
    val which = when (mode) {
        AnswerMode.MANUAL -> return Setting(Light.OFF, "off", "You answer each call yourself: this app was built so, and only whoever builds it can change that.")
        AnswerMode.ASKED -> "on for calls of which the server asks it"
        AnswerMode.AUTO -> "on for all calls"
    }
    if (snapshot == null) return Setting(Light.OFF, "off", "Nobody is signed in; sign in first.")
    forbidden(snapshot, Feature.AUTO_ANSWER)?.let { return Setting(Light.OFF, "off", it) }
    val isOn = snapshot.autoAnswer
    val change = Choice(if (isOn) "Turn off" else "Turn on", Wish.SetAutoAnswer(!isOn))
    return Setting(
        if (isOn) Light.READY else Light.OFF, if (isOn) which else "turned off until you sign out", locked,
        listOf(change).takeIf { locked == null }.orEmpty(),
    )
}

private fun profile(account: Home.Account): Profile {
    val address = account.aor.removePrefix("sip:")
    val name = account.displayName ?: address.substringBefore('@')
    return Profile(initials(name), name, address, account.servers, "Your administrator has set this by the sign-in link; a new link changes it.")
}

/** Of the first word and of the last. */
private fun initials(name: String): String {
    val words = name.split(Regex("[^\\p{L}\\p{N}]+")).filter { it.isNotEmpty() }
    return listOfNotNull(words.firstOrNull(), words.drop(1).lastOrNull()).joinToString("") { it.take(1).uppercase() }
}

private fun about(app: AppState) = listOf(
    "Sidetone sample ${app.version}, library ${app.libraryVersion}",
    "Licence: MIT or Apache-2.0, at your choice.",
    "Parts of others, under their licences: $OTHERS; and what the Cargo.lock of the source names.",
    "Documentation: https://github.com/sidetone/sidetone/tree/main/docs",
)

/** dBFS: nothing is heard below. */
private const val SILENCE = -60f
private const val QUIET = -40f
private const val LOUD = -3f

/** What runs in the app and is not Sidetone's, by its package. */
private const val OTHERS = "audiopus (ISC) and opusic-sys (BSD-3-Clause) with Opus, oboe (Apache-2.0), ring (Apache-2.0 and ISC), " +
    "rsip (MIT with the X11 notice), rustls (Apache-2.0, ISC or MIT), tokio (MIT), uniffi (MPL-2.0), webrtc (MIT or Apache-2.0), " +
    "JNA (Apache-2.0 or LGPL-2.1), Kotlin and its coroutines (Apache-2.0)"
