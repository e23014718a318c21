package org.sidetone

import java.util.UUID

/**
 * What Telecom is told, whatever way leads into it: a ConnectionService (API 26), CallControl (API 34), or none where
 * the device has no Telecom. No call of these may wait.
 */
interface TelecomPort {
    /** A call comes in: `addNewIncomingCall`. Answered by [TelecomActions.onCreated] or [TelecomActions.onRefused]. */
    fun reportIncoming(call: UUID, shown: Shown)

    /** The user calls someone: `placeCall`. Answered likewise. */
    fun placeOutgoing(call: UUID, shown: Shown)

    /** What is known of the other side changed. */
    fun update(call: UUID, shown: Shown)

    /** The call is answered, or taken back from hold. Answered by [TelecomActions.onActive]. */
    fun setActive(call: UUID)

    /** The call is on hold. */
    fun setHeld(call: UUID)

    /** The call is over: `setDisconnected`, then `destroy`. The last word on it. */
    fun setEnded(call: UUID, cause: Cause)

    /** Ask for a route; what comes of it is told by [TelecomActions.onRoutes]. */
    fun requestRoute(route: Route)

    /** Be in the foreground and show the calls as decided; the last one counts. */
    fun show(screen: Screen)

    /** A call that the user did not see to its end, or a push that could not be read: a quiet notification. */
    fun notice(call: UUID, shown: Shown, cause: Cause)
}

/** What Telecom and the user do; all may be called at any time, from any thread, and return at once. */
interface TelecomActions {
    /** Telecom took the call; it can be told its states from now on. */
    fun onCreated(call: UUID)

    /** Telecom does not allow the call now (an emergency call, too many calls). */
    fun onRefused(call: UUID)

    /** Telecom says: show that it rings. */
    fun onShowIncoming(call: UUID)

    /** The call is active as far as the platform is concerned: sound may begin. */
    fun onActive(call: UUID)

    /** The user answers; `touched`: on our own screen or notification, not on a headset, watch or car. */
    fun onAnswer(call: UUID, touched: Boolean)

    fun onReject(call: UUID)

    fun onDisconnect(call: UUID)

    /** Another call needs the audio (a cellular one): obeyed at once. */
    fun onHold(call: UUID)

    fun onUnhold(call: UUID)

    /** The ringing shall be silent (a volume key). */
    fun onSilence(call: UUID)

    fun onMute(muted: Boolean)

    fun onRoutes(available: Set<Route>, confirmed: Route?)

    fun onDtmf(call: UUID, digit: Char)

    /** What the device and the user allow changed. */
    fun onStanding(standing: Standing)
}

/** Whom to show, as the server lets us: masked where it masks. */
data class Shown(
    val name: String?, val number: String?, val queue: String? = null, val returnedFrom: String? = null,
    /** Of a call that supervises an agent's: how far it goes. It has no number, for there is nobody to call back. */
    val supervision: Supervising? = null,
) {
    /** One line for a title; null where nothing is known. */
    val title: String? get() = name ?: number

    /** One line below it: the queue, and where the caller had been sent and nobody took him. */
    val detail: String? get() = listOfNotNull(queue, returnedFrom?.let { "↩ $it" }).joinToString(" · ").ifEmpty { null }

    /** This, and what the other says of what it leaves open. */
    fun or(other: Shown) = Shown(
        name ?: other.name, number ?: other.number, queue ?: other.queue, returnedFrom ?: other.returnedFrom,
        supervision ?: other.supervision,
    )
}

/** What a supervision is, as the server has confirmed it; its words are the app's. */
enum class Supervising {
    /** No mode is confirmed. */
    ASKED,
    /** Nobody hears the supervisor. */
    LISTENS,
    WHISPERS,
    BARGES_IN,
    /** Either side holds the call, and nobody hears the supervisor. */
    UNHEARD,
    /** The agent's next call is not there yet. */
    WAITS,
}

/** What the user hears for a call that waits for an answer. */
enum class Ring { NONE, RINGTONE, CALL_WAITING }

/** All that is to be seen and heard of the calls outside the app's own screens. */
data class Screen(val foreground: Foreground, val call: UUID?, val shown: Shown?, val ring: Ring) {
    companion object {
        val EMPTY = Screen(Foreground.NONE, null, null, Ring.NONE)
    }
}

/** Why a call ended, in Telecom's words (`android.telecom.DisconnectCause`). */
enum class Cause(val code: Int) {
    ERROR(1), LOCAL(2), REMOTE(3), CANCELED(4), MISSED(5), REJECTED(6), BUSY(7), OTHER(9), ANSWERED_ELSEWHERE(11),
}
