package org.sidetone

/**
 * What the foreground service may be and what the user is shown: a pure function, since Android 14 and later end the
 * app for each wrong combination.
 *
 * Sources: developer.android.com/develop/background-work/services/fgs/restrictions-bg-start and .../fgs/service-types;
 * source.android.com/docs/core/permissions/fsi-limits.
 */
enum class ServiceType { PHONE_CALL, MICROPHONE }

/** How a call comes before the user's eyes. */
enum class Alert {
    /** Nothing is shown. */
    NONE,
    /** A call is being set up: a quiet line. */
    QUIET,
    /** It rings, over the lock screen. */
    FULL_SCREEN,
    /** It rings, at the top of the screen: the full screen is not permitted. */
    HEADS_UP,
    /** A call is on. */
    ONGOING,
}

/** What stands in the way of a good call, to be told to the user. */
enum class Hindrance { MICROPHONE_NOT_PERMITTED, OPEN_APP_TO_SPEAK, FULL_SCREEN_NOT_PERMITTED }

/** What the device and the user allow now. */
data class Standing(
    val apiLevel: Int,
    /** An activity of the app is seen. */
    val visible: Boolean,
    val locked: Boolean = false,
    val microphonePermitted: Boolean = true,
    /** `NotificationManager.canUseFullScreenIntent`; always so before Android 14. */
    val fullScreenPermitted: Boolean = true,
)

/** How far the calls are. */
enum class Stage { IDLE, ARRIVING, RINGING, TALKING }

/** The decision: the service's types (none: no service), what is shown, what to tell. */
data class Foreground(val types: Set<ServiceType>, val alert: Alert, val hindrances: Set<Hindrance>) {
    companion object {
        val NONE = Foreground(emptySet(), Alert.NONE, emptySet())
    }
}

/**
 * Decides. `touched` says that the user answered by touching something of ours, which is what lets a service that is
 * not seen use the microphone; `before` is what the service is now: a type once lawfully held may be kept.
 */
fun foreground(standing: Standing, stage: Stage, touched: Boolean, before: Set<ServiceType>): Foreground {
    if (stage == Stage.IDLE) return Foreground.NONE
    val hindrances = mutableSetOf<Hindrance>()
    val types = mutableSetOf(ServiceType.PHONE_CALL)
    if (stage == Stage.TALKING) {
        val eligible = standing.visible || touched || ServiceType.MICROPHONE in before
        when {
            !standing.microphonePermitted -> hindrances += Hindrance.MICROPHONE_NOT_PERMITTED
            // The type exists since Android 11; before it any foreground service may record.
            standing.apiLevel < 30 -> {}
            eligible -> types += ServiceType.MICROPHONE
            else -> hindrances += Hindrance.OPEN_APP_TO_SPEAK
        }
    }
    val alert = when (stage) {
        Stage.IDLE -> Alert.NONE
        Stage.ARRIVING -> Alert.QUIET
        Stage.TALKING -> Alert.ONGOING
        Stage.RINGING -> if (standing.fullScreenPermitted) Alert.FULL_SCREEN else Alert.HEADS_UP
    }
    if (alert == Alert.HEADS_UP) hindrances += Hindrance.FULL_SCREEN_NOT_PERMITTED
    return Foreground(types, alert, hindrances)
}
