package org.sidetone

/**
 * Where the sound goes: a pure function of what Telecom has, what it has confirmed and what the user chose.
 *
 * Telecom is the one owner of routes. What is shown is what it confirmed, never what was asked for; the user's choice
 * is kept while its device is away and asked for again when it is back.
 */
data class Route(val kind: Kind, val name: String = "", val id: String = "") {
    enum class Kind { EARPIECE, SPEAKER, WIRED, BLUETOOTH, STREAMING }
}

/** All that is known of the routes of a call. */
data class Routing(
    val available: Set<Route> = emptySet(),
    /** The route in use, as Telecom says. */
    val confirmed: Route? = null,
    /** The user's wish; stays while its device is unplugged. */
    val choice: Route? = null,
    /** How often the wish was asked for since something changed. */
    val asked: Int = 0,
    /** Devices came or went and Telecom's own switch that follows has not been seen yet. */
    val settling: Boolean = false,
) {
    /** The route to mark in the list. */
    val shown: Route? get() = confirmed

    /** What Telecom must be asked for now, if anything. */
    val request: Route?
        get() = choice?.takeIf { it in available && it != confirmed && asked < MOST_TRIES }

    /** The same after the request was sent. */
    fun sent() = copy(asked = asked + 1)

    /** The user's choice in our list. */
    fun chosen(route: Route) = copy(choice = route, asked = 0, settling = false)

    /** Telecom refused what was asked for; it may be tried again a few times. */
    fun refused() = this

    /** Telecom's word on devices and on the route in use. */
    fun reported(available: Set<Route>, confirmed: Route?): Routing {
        val plugged = available != this.available
        val moved = confirmed != this.confirmed
        // Nobody plugged anything and we asked for nothing: someone chose on a watch, in a car, on the system's screen.
        val elsewhere = moved && !plugged && !settling && asked == 0 && this.confirmed != null
        return Routing(
            available,
            confirmed,
            choice = if (elsewhere && confirmed != null) confirmed else choice,
            asked = if (plugged || confirmed == choice) 0 else asked,
            settling = if (plugged) !moved else settling && !moved,
        )
    }

    private companion object {
        /** A headset that does not connect must not be asked for for ever. */
        const val MOST_TRIES = 3
    }
}
