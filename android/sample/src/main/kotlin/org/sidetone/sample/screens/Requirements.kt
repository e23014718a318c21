package org.sidetone.sample.screens

/**
 * What this phone needs of the device and of its user, and why; [missing] is said wherever a call suffers at once.
 */
enum class Requirement(val title: String, val why: String, val missing: String? = null) {
    MICROPHONE(
        "Microphone", "Those you speak with hear you by it.",
        "Others cannot hear you: the microphone is not permitted. Touch here to permit it.",
    ),
    NOTIFICATIONS(
        "Notifications", "A call that comes while this app is closed is shown by one.",
        "You do not see calls while this app is closed: notifications are not permitted. Touch here to permit them.",
    ),
    FULL_SCREEN(
        "Full-screen notifications", "A call shows over the lock screen; without them it shows at the top of the screen.",
        "Calls do not show over the lock screen: full-screen notifications are not permitted. Touch here to permit them.",
    ),
    HEADSET_NAMES(
        "Nearby devices", "Headsets are shown with their names.",
        "Headsets are shown without their names: nearby devices are not permitted. Touch here to permit them.",
    ),
    BATTERY(
        "Exemption from battery saving",
        "Without it Android cuts this app off from the network while the device rests: calls reach it by pushes alone then.",
    ),
    PUSH_TOKEN("Push token", "The server wakes this phone by it when a call comes."),
    PHONE_ACCOUNT("Phone account", "By it Android knows of these calls: beside those of other apps, on headsets and in cars."),
}

/** How a requirement is met. */
enum class Met { YES, NO, NOT_NEEDED, NOT_TOLD }

/** Where the token stands that pushes go to. */
sealed interface PushState {
    /** The app was built without a push service. */
    data object NoService : PushState

    /** The push service has given none yet. */
    data object NoToken : PushState
    data object Token : PushState

    /** The server did not take it; [text] says why. */
    data class Refused(val text: String) : PushState
}

/** How the device stands, as it was asked. */
data class DeviceState(val met: Map<Requirement, Met>, val push: PushState)

data class RequirementLine(
    val requirement: Requirement,
    val light: Light,
    val state: String,
    /** The words of the button that leads to where it is mended; null: there is nothing to mend. */
    val mend: String?,
)

fun requirementLines(device: DeviceState): List<RequirementLine> = Requirement.entries.map { requirement ->
    if (requirement == Requirement.PUSH_TOKEN) return@map pushLine(device.push)
    val met = device.met[requirement] ?: Met.NOT_TOLD
    val (light, state) = when (met) {
        Met.YES -> Light.READY to if (requirement == Requirement.PHONE_ACCOUNT) "registered" else "permitted"
        Met.NO -> Light.ALARM to if (requirement == Requirement.PHONE_ACCOUNT) "not registered" else "not permitted"
        Met.NOT_NEEDED -> Light.READY to "not needed on this device"
        Met.NOT_TOLD -> Light.OFF to "this Android does not tell"
    }
    RequirementLine(requirement, light, state, mendOf(requirement).takeIf { met == Met.NO || met == Met.NOT_TOLD })
}

private fun pushLine(push: PushState): RequirementLine {
    fun line(light: Light, state: String, mend: String?) = RequirementLine(Requirement.PUSH_TOKEN, light, state, mend)
    return when (push) {
        PushState.NoService -> line(Light.OFF, "this app was built without pushes: calls come in while it is connected", null)
        PushState.NoToken -> line(Light.ALARM, "none yet: calls come in while this app is connected", "Ask for it")
        PushState.Token -> line(Light.READY, "there", null)
        is PushState.Refused -> line(Light.ALARM, push.text, "Ask for another")
    }
}

private fun mendOf(requirement: Requirement) = when (requirement) {
    Requirement.PHONE_ACCOUNT -> "Register it"
    else -> "Open the settings"
}
