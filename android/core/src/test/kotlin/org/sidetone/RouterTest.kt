package org.sidetone

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class RouterTest {
    private val earpiece = Route(Route.Kind.EARPIECE)
    private val speaker = Route(Route.Kind.SPEAKER)
    private val wired = Route(Route.Kind.WIRED)
    private val headset = Route(Route.Kind.BLUETOOTH, "Headset", "1")
    private val car = Route(Route.Kind.BLUETOOTH, "Car", "2")
    private val all = listOf(earpiece, speaker, wired, headset, car)
    private val sets = (0 until (1 shl all.size)).map { bits -> all.filterIndexed { i, _ -> bits shr i and 1 == 1 }.toSet() }

    @Test
    fun `what is shown is what Telecom confirmed and what is asked for is there, for every input`() {
        var inputs = 0
        for (available in sets) for (confirmed in all + null) for (choice in all + null) for (asked in 0..4) for (settling in listOf(false, true)) {
            val state = Routing(available, confirmed, choice, asked, settling)
            inputs++
            assertEquals(confirmed, state.shown)
            val request = state.request
            if (request != null) {
                assertEquals(choice, request)
                assertTrue(request in available && request != confirmed)
            } else {
                assertTrue(choice == null || choice !in available || choice == confirmed || asked >= 3, "$state asks for nothing")
            }
            for (next in all) assertEquals(next, state.chosen(next).choice)
            for (set in sets) for (now in set) {
                inputs++
                val reported = state.reported(set, now)
                assertEquals(now, reported.shown)
                if (set != available) assertEquals(choice, reported.choice, "a plug took the choice away: $state")
            }
        }
        println("router: $inputs inputs")
    }

    /** Every order of plugging, choosing and Telecom's own switches, with a Telecom that obeys: breadth first. */
    @Test
    fun `after whatever order the choice is in use where its device is there`() {
        fun settle(start: Routing): Routing {
            var state = start
            repeat(5) {
                val request = state.request ?: return state
                state = state.sent().reported(state.available, request)
            }
            throw AssertionError("does not settle: $start")
        }
        // Telecom goes to a device that comes, and away from one that goes.
        fun plug(state: Routing, device: Route): Routing {
            val there = device in state.available
            val set = if (there) state.available - device else state.available + device
            val now = if (!there) device else if (state.confirmed == device) set.last() else state.confirmed
            return settle(settle(state.reported(set, state.confirmed?.takeIf { it in set })).reported(set, now))
        }
        val begin = Routing().reported(setOf(earpiece, speaker), earpiece)
        val seen = linkedSetOf(begin)
        val queue = ArrayDeque(seen)
        var steps = 0
        while (queue.isNotEmpty()) {
            val state = queue.removeFirst()
            val next = listOf(wired, headset, car).map { plug(state, it) } + state.available.map { settle(state.chosen(it)) }
            for (it in next) {
                steps++
                if (it.choice != null && it.choice in it.available) assertEquals(it.choice, it.shown, "from $state to $it")
                if (seen.add(it)) queue.add(it)
            }
        }
        println("router: ${seen.size} states, $steps steps")
    }

    @Test
    fun `a choice made on a watch or in a car becomes the choice`() {
        val state = Routing().reported(setOf(earpiece, speaker), earpiece).chosen(speaker).sent()
            .reported(setOf(earpiece, speaker), speaker).reported(setOf(earpiece, speaker), earpiece)
        assertEquals(earpiece, state.choice)
        assertNull(state.request)
    }

    @Test
    fun `a headset that does not connect is asked for three times, and again when it was plugged anew`() {
        var state = Routing().reported(setOf(earpiece, headset), earpiece).chosen(headset)
        repeat(3) {
            assertEquals(headset, state.request)
            state = state.sent().reported(state.available, earpiece)
        }
        assertNull(state.request)
        assertEquals(earpiece, state.shown)
        state = state.reported(setOf(earpiece), earpiece).reported(setOf(earpiece, headset), earpiece)
        assertEquals(headset, state.request)
    }
}
