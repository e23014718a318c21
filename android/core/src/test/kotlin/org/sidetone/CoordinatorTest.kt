package org.sidetone

import java.time.Duration
import java.util.UUID
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.async
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.UnconfinedTestDispatcher
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.sidetone.testing.FakeTelecom
import org.sidetone.testing.FakeTelecom.State

@OptIn(ExperimentalCoroutinesApi::class)
class CoordinatorTest {
    private val one = UUID(1, 1)
    private val two = UUID(1, 2)

    private fun test(body: suspend TestScope.() -> Unit) = runTest(UnconfinedTestDispatcher(), testBody = body)

    private fun talking(rig: Rig, call: UUID) {
        rig.push(call)
        rig.telecom.create(call)
        rig.phoneStarts()
        rig.invite(call)
        rig.telecom.userAnswers(call)
        rig.telecom.check()
    }

    @Test
    fun `a push whose phone never comes up ends by its deadline and leaves a missed call`() = test {
        val rig = Rig(scope = backgroundScope)
        rig.push(one)
        rig.telecom.create(one)
        advanceTimeBy(29_000)
        assertEquals(State.RINGING, rig.telecom.calls.getValue(one).state)
        advanceTimeBy(5_000)
        assertEquals(State.ENDED, rig.telecom.calls.getValue(one).state)
        assertEquals(Cause.MISSED, rig.telecom.calls.getValue(one).cause)
        rig.telecom.check()
    }

    @Test
    fun `a push whose INVITE was faster is seen before Telecom has made the call`() = test {
        val rig = Rig(scope = backgroundScope)
        rig.phoneStarts()
        rig.invite(one)
        assertEquals(Alert.NONE, rig.telecom.screen.foreground.alert)
        rig.push(one)
        assertEquals(Alert.QUIET, rig.telecom.screen.foreground.alert)
        rig.telecom.create(one)
        assertEquals(Alert.FULL_SCREEN, rig.telecom.screen.foreground.alert)
        rig.phone.callerGone(one)
        rig.push(one)
        assertEquals(Alert.NONE, rig.telecom.screen.foreground.alert)
        rig.telecom.check()
    }

    @Test
    fun `a push of what the phone knows to be over is seen until Telecom has made it, and not for ever`() = test {
        for (telecomMakesIt in listOf(true, false)) {
            val rig = Rig(scope = backgroundScope)
            rig.phone.overBefore(one)
            rig.phoneStarts()
            rig.coordinator.phone()
            rig.push(one)
            assertEquals(Alert.QUIET, rig.telecom.screen.foreground.alert)
            if (telecomMakesIt) rig.telecom.create(one) else advanceTimeBy(3_000)
            assertEquals(Screen.EMPTY, rig.telecom.screen)
        }
    }

    @Test
    fun `a phone that refuses to sleep is asked again until it does`() = test {
        val rig = Rig(scope = backgroundScope, sleepAfter = { Duration.ofSeconds(2) })
        talking(rig, one)
        rig.phone.refusesSleep = 3
        rig.telecom.userHangsUp(one)
        advanceTimeBy(3_000)
        assertFalse(rig.phone.asleep)
        advanceTimeBy(2_000)
        assertTrue(rig.phone.asleep)
        assertEquals(4, rig.phone.sleepsAsked)
    }

    @Test
    fun `a phone that refused to sleep is let alone when the user is back`() = test {
        val standing = Standing(35, visible = false, locked = true)
        val rig = Rig(standing, backgroundScope) { Duration.ofSeconds(2) }
        talking(rig, one)
        rig.phone.refusesSleep = Int.MAX_VALUE
        rig.telecom.userHangsUp(one)
        advanceTimeBy(3_000)
        rig.telecom.standingChanges(standing.copy(visible = true, locked = false))
        val asked = rig.phone.sleepsAsked
        advanceTimeBy(5_000)
        assertTrue(asked > 0)
        assertEquals(asked, rig.phone.sleepsAsked)
    }

    @Test
    fun `the phone knows of the push before it can have signed in`() = test {
        val rig = Rig(scope = backgroundScope)
        rig.push(one)
        rig.phone.signedIn = CompletableDeferred()
        rig.phoneStarts()
        assertEquals(setOf(one), rig.phone.calls.keys)
    }

    @Test
    fun `a phone that cannot start ends what rang, and the next push tries anew`() = test {
        val rig = Rig(scope = backgroundScope)
        rig.push(one)
        rig.telecom.create(one)
        rig.phoneFails()
        assertEquals(Cause.ERROR, rig.telecom.calls.getValue(one).cause)
        rig.push(two)
        rig.telecom.create(two)
        rig.phoneStarts()
        assertEquals(2, rig.starts)
        assertEquals(State.RINGING, rig.telecom.calls.getValue(two).state)
    }

    @Test
    fun `what a dead process had answered is answered and active again, what it had not rings`() = test {
        for (answered in listOf(false, true)) {
            val rig = Rig(Standing(35, visible = true), backgroundScope)
            rig.phone.signIn()
            rig.phone.announced(Push(one, Push.Kind.INCOMING, java.time.Instant.now(), Shown(null, null)))
            if (answered) rig.phone.answer(one)
            rig.invite(one)
            rig.phoneStarts()
            rig.telecom.create(one)
            assertEquals(if (answered) State.ACTIVE else State.RINGING, rig.telecom.calls.getValue(one).state)
            rig.telecom.check()
        }
    }

    @Test
    fun `who answers before Telecom has made the call gets no service from the background, and talks when it is made`() = test {
        val rig = Rig(scope = backgroundScope)
        rig.invite(one)
        rig.phoneStarts()
        assertEquals(State.ASKED, rig.telecom.calls.getValue(one).state)
        rig.telecom.userAnswers(one)
        rig.telecom.create(one)
        assertEquals(State.ACTIVE, rig.telecom.calls.getValue(one).state)
        assertEquals(emptyList<Throwable>(), rig.failures)
        rig.telecom.check()
    }

    @Test
    fun `a second call waits with its own tone, and its answer holds the first`() = test {
        val rig = Rig(scope = backgroundScope)
        talking(rig, one)
        rig.push(two)
        rig.telecom.create(two)
        rig.invite(two)
        assertEquals(Ring.CALL_WAITING, rig.telecom.screen.ring)
        rig.telecom.userAnswers(two)
        assertEquals(State.HELD, rig.telecom.calls.getValue(one).state)
        assertTrue(rig.phone.calls.getValue(one).held)
        assertEquals(State.ACTIVE, rig.telecom.calls.getValue(two).state)
        rig.phone.bye(two)
        rig.telecom.userResumes(one)
        assertFalse(rig.phone.calls.getValue(one).held)
        rig.telecom.check()
    }

    @Test
    fun `a hold that the other side refuses is taken back, one that Telecom demands stays`() = test {
        val rig = Rig(scope = backgroundScope)
        talking(rig, one)
        rig.phone.refusesHold = true
        rig.coordinator.setHold(one, true)
        assertEquals(State.ACTIVE, rig.telecom.calls.getValue(one).state)
        rig.telecom.anotherCallBegins()
        assertEquals(State.HELD, rig.telecom.calls.getValue(one).state)
        assertFalse(rig.telecom.audio)
        rig.telecom.check()
    }

    private fun states(rig: Rig) = listOf(one, two).map { rig.telecom.calls.getValue(it).state }

    private fun held(rig: Rig) = listOf(one, two).map { rig.phone.calls.getValue(it).held }

    private fun talkingToTwo(rig: Rig) {
        talking(rig, one)
        rig.push(two)
        rig.telecom.create(two)
        rig.invite(two)
        rig.telecom.userAnswers(two)
    }

    @Test
    fun `calls that the app swaps are swapped at Telecom`() = test {
        val rig = Rig(scope = backgroundScope)
        talkingToTwo(rig)
        rig.phone.swap()
        assertEquals(listOf(State.ACTIVE, State.HELD), states(rig))
        assertEquals(listOf(false, true), held(rig))
        rig.telecom.userResumes(two)
        assertEquals(listOf(State.HELD, State.ACTIVE), states(rig))
        assertEquals(listOf(true, false), held(rig))
        rig.telecom.check()
    }

    @Test
    fun `calls that are joined are one for Telecom, whichever of them it sees, and are held and resumed together`() = test {
        val rig = Rig(scope = backgroundScope)
        talkingToTwo(rig)
        rig.phone.merge(one, two)
        assertEquals(listOf(State.HELD, State.ACTIVE), states(rig))
        assertEquals(listOf(false, false), held(rig))
        rig.telecom.userResumes(one)
        assertEquals(listOf(State.ACTIVE, State.HELD), states(rig))
        assertEquals(listOf(false, false), held(rig))
        rig.telecom.anotherCallBegins()
        assertEquals(listOf(true, true), held(rig))
        assertFalse(rig.telecom.audio)
        rig.telecom.userResumes(two)
        assertEquals(listOf(State.HELD, State.ACTIVE), states(rig))
        assertEquals(listOf(false, false), held(rig))
        rig.phone.bye(two)
        assertEquals(State.ACTIVE, states(rig).first())
        assertTrue(rig.telecom.audio)
        rig.telecom.check()
    }

    @Test
    fun `Telecom's first word on mute is no act, its changes are, and a repetition is none`() = test {
        val rig = Rig(scope = backgroundScope)
        talking(rig, one)
        rig.coordinator.setMute(one, true)
        rig.telecom.userMutes(false)
        assertTrue(rig.phone.calls.getValue(one).muted)
        rig.telecom.userMutes(true)
        rig.coordinator.setMute(one, false)
        rig.telecom.userMutes(true)
        assertFalse(rig.phone.calls.getValue(one).muted)
        rig.telecom.userMutes(false)
        rig.telecom.userMutes(true)
        assertTrue(rig.phone.calls.getValue(one).muted)
    }

    @Test
    fun `a volume key silences the ringing, not the call`() = test {
        val rig = Rig(scope = backgroundScope)
        rig.push(one)
        rig.telecom.create(one)
        assertEquals(Ring.RINGTONE, rig.telecom.screen.ring)
        rig.coordinator.onSilence(one)
        assertEquals(Ring.NONE, rig.telecom.screen.ring)
        assertEquals(Alert.FULL_SCREEN, rig.telecom.screen.foreground.alert)
    }

    @Test
    fun `an outgoing call asks Telecom first, then dials, and is active when it is answered`() = test {
        val rig = Rig(Standing(35, visible = true), backgroundScope)
        rig.phoneStarts()
        val dialled = backgroundScope.async { rig.coordinator.dial("600") }
        val call = rig.telecom.calls.keys.single()
        assertTrue(rig.phone.calls.isEmpty())
        rig.telecom.create(call)
        assertEquals(call, dialled.await())
        rig.phone.farEndAnswers(call)
        assertEquals(State.ACTIVE, rig.telecom.calls.getValue(call).state)
        rig.telecom.check()
    }

    @Test
    fun `a call that the other side of another has sent the phone to is placed, however fast it is answered`() = test {
        for (isFast in listOf(false, true)) {
            val rig = Rig(Standing(35, visible = true), backgroundScope)
            rig.phoneStarts()
            rig.coordinator.phone()
            val call = UUID.randomUUID()
            rig.phone.sentOn(call)
            if (isFast) rig.phone.farEndAnswers(call)
            rig.telecom.create(call)
            if (!isFast) rig.phone.farEndAnswers(call)
            assertEquals(State.ACTIVE, rig.telecom.calls.getValue(call).state)
            rig.phone.bye(call)
            rig.telecom.check()
        }
    }

    @Test
    fun `a call that the phone was sent to from one on hold takes nothing from the one that talks`() = test {
        for (isFast in listOf(false, true)) {
            val rig = Rig(Standing(35, visible = true), backgroundScope)
            rig.phoneStarts()
            val dialled = backgroundScope.async { rig.coordinator.dial("600") }
            val talks = rig.telecom.calls.keys.single()
            rig.telecom.create(talks)
            dialled.await()
            rig.phone.farEndAnswers(talks)
            val call = UUID.randomUUID()
            rig.phone.sentOn(call)
            rig.phone.calls.getValue(call).held = true
            if (isFast) rig.phone.farEndAnswers(call)
            rig.telecom.create(call)
            if (!isFast) rig.phone.farEndAnswers(call)
            assertEquals(State.HELD, rig.telecom.calls.getValue(call).state)
            assertEquals(State.ACTIVE, rig.telecom.calls.getValue(talks).state)
            assertFalse(rig.phone.calls.getValue(talks).held)
            rig.telecom.check()
        }
    }

    @Test
    fun `a call that the phone was sent to is hung up where Telecom allows none`() = test {
        val rig = Rig(Standing(35, visible = true), backgroundScope)
        rig.phoneStarts()
        rig.coordinator.phone()
        val call = UUID.randomUUID()
        rig.phone.sentOn(call)
        rig.telecom.refuse(call)
        assertEquals(1, rig.phone.calls.getValue(call).ends)
        rig.telecom.check()
    }

    /** A supervision that Telecom has active. */
    private suspend fun TestScope.supervising(how: Supervising): Rig {
        val rig = Rig(Standing(35, visible = true), backgroundScope)
        rig.phoneStarts()
        rig.coordinator.phone()
        rig.phone.supervises(one, Supervising.ASKED)
        rig.telecom.create(one)
        rig.phone.farEndAnswers(one)
        rig.phone.supervises(one, how)
        return rig
    }

    private fun anna(how: Supervising) = Shown("Anna", null, supervision = how)

    @Test
    fun `Telecom and the screen show a supervision by the agent's name and what it is, without a number`() = test {
        val rig = supervising(Supervising.LISTENS)
        for (how in Supervising.entries) {
            rig.phone.supervises(one, how)
            assertEquals(anna(how), rig.telecom.calls.getValue(one).shown)
            assertEquals(anna(how), rig.telecom.screen.shown)
        }
        assertEquals(State.ACTIVE, rig.telecom.calls.getValue(one).state)
        rig.telecom.check()
    }

    @Test
    fun `what a supervision has become before Telecom made it is shown when it is made, and after its end no more`() = test {
        val rig = Rig(Standing(35, visible = true), backgroundScope)
        rig.phoneStarts()
        rig.coordinator.phone()
        rig.phone.supervises(one, Supervising.ASKED)
        rig.phone.farEndAnswers(one)
        rig.phone.supervises(one, Supervising.LISTENS)
        rig.telecom.create(one)
        assertEquals(State.ACTIVE to anna(Supervising.LISTENS), rig.telecom.calls.getValue(one).run { state to shown })
        rig.telecom.userHangsUp(one)
        rig.phone.supervises(one, Supervising.WHISPERS)
        assertEquals(listOf(one), rig.telecom.calls.keys.toList())
        assertEquals(Cause.LOCAL to 1, rig.telecom.calls.getValue(one).cause to rig.phone.calls.getValue(one).ends)
        rig.telecom.check()
    }

    @Test
    fun `a supervision is muted, held and resumed by Telecom, gives way to a call that comes in, and ends as its agent's call does`() = test {
        val rig = supervising(Supervising.WHISPERS)
        rig.telecom.userMutes(false)
        rig.telecom.userMutes(true)
        assertTrue(rig.phone.calls.getValue(one).muted)
        rig.telecom.userMutes(false)
        assertFalse(rig.phone.calls.getValue(one).muted)
        rig.telecom.anotherCallBegins()
        assertTrue(rig.phone.calls.getValue(one).held && !rig.telecom.audio)
        rig.telecom.userResumes(one)
        assertTrue(!rig.phone.calls.getValue(one).held && rig.telecom.audio)
        rig.push(two)
        rig.telecom.create(two)
        rig.invite(two)
        assertEquals(Ring.CALL_WAITING to State.ACTIVE, rig.telecom.screen.ring to rig.telecom.calls.getValue(one).state)
        rig.telecom.userAnswers(two)
        assertEquals(listOf(State.HELD, State.ACTIVE), states(rig))
        assertEquals(listOf(true, false), held(rig))
        rig.phone.bye(two)
        rig.telecom.userResumes(one)
        rig.phone.bye(one)
        assertEquals(Cause.REMOTE, rig.telecom.calls.getValue(one).cause)
        rig.telecom.check()
    }

    @Test
    fun `a number that is none, and a Telecom that allows no call, are told to who dialled`() = test {
        val rig = Rig(Standing(35, visible = true), backgroundScope)
        rig.phoneStarts()
        val wrong = backgroundScope.async { runCatching { rig.coordinator.dial(" ") }.exceptionOrNull() }
        rig.telecom.create(rig.telecom.calls.keys.single())
        assertTrue(wrong.await() is Refusal)
        val refused = backgroundScope.async { runCatching { rig.coordinator.dial("600") }.exceptionOrNull() }
        rig.telecom.refuse(rig.telecom.calls.keys.last())
        assertTrue(refused.await() is Refusal)
        assertTrue(rig.phone.calls.isEmpty())
        rig.telecom.check()
    }

    @Test
    fun `turns are one at a time, none is lost, and neither a nested nor a failing one stops the rest`() {
        val turns = Turns()
        var inside = 0
        val done = AtomicInteger()
        val threads = List(8) {
            thread {
                repeat(10_000) { n ->
                    val turn = {
                        check(inside++ == 0)
                        if (n % 100 == 0) turns.take { done.incrementAndGet() }
                        done.incrementAndGet()
                        inside--
                        Unit
                    }
                    turns.take(turn)
                }
            }
        }
        threads.forEach { it.join() }
        assertEquals(80_000 + 800, done.get())
        assertThrows(IllegalStateException::class.java) {
            turns.take {
                turns.take { done.set(0) }
                error("on purpose")
            }
        }
        assertEquals(0, done.get())
    }
}
