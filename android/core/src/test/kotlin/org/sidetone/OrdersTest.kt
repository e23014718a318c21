package org.sidetone

import java.util.UUID
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.sidetone.testing.FakeTelecom
import org.sidetone.testing.Rule
import org.sidetone.testing.ScriptedPhone

/** Every order of what can happen to a pushed call, on the strict platform. */
class OrdersTest {
    private enum class Act {
        PUSH, PUSH_AGAIN, INVITE, INVITE_AGAIN, CREATE, REFUSE, PHONE_STARTS, ANSWER, DECLINE, HANG_UP, CALLER_GONE,
        CANCEL_PUSH, ELSEWHERE_PUSH, BYE, OTHER_CALL, HOLD, RESUME, MUTE,
    }

    private val call = UUID(0x51de, 0x704e)

    private fun Rig.act(act: Act) {
        when (act) {
            Act.PUSH, Act.PUSH_AGAIN -> push(call)
            Act.CANCEL_PUSH -> push(call, Push.Kind.CANCELLED)
            Act.ELSEWHERE_PUSH -> push(call, Push.Kind.ANSWERED_ELSEWHERE)
            Act.PHONE_STARTS -> phoneStarts()
            Act.INVITE, Act.INVITE_AGAIN -> invite(call)
            Act.CREATE -> if (call in telecom.calls) telecom.create(call)
            Act.REFUSE -> if (call in telecom.calls) telecom.refuse(call)
            Act.CALLER_GONE -> callerGone(call)
            Act.BYE -> phone.bye(call)
            Act.ANSWER -> if (rings()) telecom.userAnswers(call)
            Act.DECLINE -> if (rings()) telecom.userDeclines(call)
            Act.HANG_UP -> if (there()) telecom.userHangsUp(call)
            Act.OTHER_CALL -> telecom.anotherCallBegins()
            Act.HOLD -> if (there()) coordinator.setHold(call, true)
            Act.RESUME -> if (there()) telecom.userResumes(call)
            Act.MUTE -> if (there()) coordinator.setMute(call, true)
        }
    }

    // What a user can touch is what Telecom shows.
    private fun Rig.there() = telecom.calls[call]?.let { it.state != FakeTelecom.State.ASKED && it.state != FakeTelecom.State.ENDED } == true
    private fun Rig.rings() = telecom.calls[call]?.state == FakeTelecom.State.RINGING

    private fun run(order: List<Act>) {
        val rig = Rig()
        try {
            for (act in order) rig.act(act)
            // The world comes to rest: Telecom answers, the phone is up, the caller does not wait for ever.
            if (call in rig.telecom.calls) rig.telecom.create(call)
            rig.phoneStarts()
            rig.telecom.check()
            judge(rig, order)
            rig.callerGone(call)
            rig.phone.bye(call)
            rig.telecom.check()
            rig.telecom.calls[call]?.let {
                assertEquals(FakeTelecom.State.ENDED, it.state, "rings on")
                assertTrue(it.ends <= 1)
            }
            rig.failures.firstOrNull()?.let { throw it }
            rig.phone.calls[call]?.let { assertTrue(it.responses.size <= 1 && it.ends <= 1, "responses ${it.responses}, ends ${it.ends}") }
        } catch (e: Throwable) {
            throw AssertionError("$order: $e", e)
        } finally {
            rig.job.cancel()
        }
    }

    private fun judge(rig: Rig, order: List<Act>) {
        val platform = rig.telecom.calls[call]
        val phone = rig.phone.calls[call]
        if (platform == null) {
            assertTrue(phone == null || phone.state == ScriptedPhone.State.OVER, "the phone has a call that nobody was told of")
            return
        }
        assertEquals(1, platform.reports)
        val over = platform.state == FakeTelecom.State.ENDED
        val phoneOver = phone == null || phone.state == ScriptedPhone.State.OVER
        assertEquals(phoneOver, over, "platform ${platform.state}, phone ${phone?.state}")
        if (!over && phone != null) {
            val active = platform.state == FakeTelecom.State.ACTIVE
            val held = platform.state == FakeTelecom.State.HELD
            if (phone.wantsAnswer) assertTrue(active || held)
            if (phone.state == ScriptedPhone.State.ANSWERED) assertEquals(held, phone.held, "hold: platform and phone differ")
            if (Act.MUTE in order && phone.muted) assertTrue(active || held || platform.state == FakeTelecom.State.RINGING)
        }
    }

    private fun permute(acts: List<Act>): Int {
        var count = 0
        fun go(done: MutableList<Act>, left: MutableList<Act>) {
            if (left.isEmpty()) {
                count++
                run(done)
            }
            for (i in left.indices) {
                val act = left.removeAt(i)
                done.add(act)
                go(done, left)
                done.removeAt(done.size - 1)
                left.add(i, act)
            }
        }
        go(mutableListOf(), acts.toMutableList())
        return count
    }

    private fun explore(name: String, vararg acts: Act) {
        val began = System.nanoTime()
        val count = permute(acts.toList())
        println("orders: $name: $count in ${(System.nanoTime() - began) / 1_000_000} ms")
    }

    @Test
    fun `every order of push, INVITE, their repetitions, start and answer gives one report and one decision`() =
        explore("answer", Act.PUSH, Act.PUSH_AGAIN, Act.INVITE, Act.INVITE_AGAIN, Act.CREATE, Act.PHONE_STARTS, Act.ANSWER, Act.BYE)

    @Test
    fun `every order with a decline`() =
        explore("decline", Act.PUSH, Act.PUSH_AGAIN, Act.INVITE, Act.CREATE, Act.PHONE_STARTS, Act.DECLINE, Act.ANSWER)

    @Test
    fun `every order with a caller who gives up, told by CANCEL and by push`() =
        explore("cancel", Act.PUSH, Act.CANCEL_PUSH, Act.CALLER_GONE, Act.INVITE, Act.CREATE, Act.PHONE_STARTS, Act.ANSWER)

    @Test
    fun `every order with a colleague who answers`() =
        explore("elsewhere", Act.PUSH, Act.ELSEWHERE_PUSH, Act.PUSH_AGAIN, Act.CREATE, Act.PHONE_STARTS, Act.ANSWER, Act.HANG_UP)

    @Test
    fun `every order with a Telecom that refuses the call`() =
        explore("refused", Act.PUSH, Act.INVITE, Act.REFUSE, Act.PHONE_STARTS, Act.CALLER_GONE, Act.PUSH_AGAIN, Act.CREATE)

    @Test
    fun `every order of hold, another app's call, mute and resume around an answer`() =
        explore("hold", Act.PUSH, Act.CREATE, Act.PHONE_STARTS, Act.INVITE, Act.ANSWER, Act.OTHER_CALL, Act.HOLD, Act.RESUME)

    @Test
    fun `the platform finds what breaks its rules`() {
        fun rule(break_: FakeTelecom.() -> Unit): Rule {
            val fake = FakeTelecom()
            fake.actions = Rig().coordinator
            return org.junit.jupiter.api.assertThrows<org.sidetone.testing.RuleBroken> { fake.break_() }.rule
        }
        val nobody = Shown(null, null)
        /** A call with its service: nothing is wrong so far. */
        fun FakeTelecom.served() {
            standingChanges(Standing(apiLevel = 35, visible = true))
            placeOutgoing(call, nobody)
            create(call)
            show(Screen(Foreground(setOf(ServiceType.PHONE_CALL), Alert.ONGOING, emptySet()), call, nobody, Ring.NONE))
            check()
        }
        assertEquals(Rule.REPORT_ONCE, rule { repeat(2) { reportIncoming(call, nobody) } })
        assertEquals(Rule.STATE_NEEDS_CONNECTION, rule { setActive(call) })
        assertEquals(Rule.STATE_NEEDS_CONNECTION, rule { reportIncoming(call, nobody); setEnded(call, Cause.LOCAL) })
        assertEquals(Rule.SHOW_INCOMING, rule { reportIncoming(call, nobody); create(call) })
        assertEquals(Rule.AT_MOST_TEN, rule { for (n in 0L..10L) placeOutgoing(UUID(1, n), nobody) })
        assertEquals(Rule.AUDIO_NEEDS_ACTIVE, rule { audio(true) })
        assertEquals(Rule.PUSH_IS_SEEN, rule { push { reportIncoming(call, nobody) } })
        assertEquals(
            Rule.PUSH_IS_SEEN,
            rule {
                push {
                    reportIncoming(call, nobody)
                    show(Screen(Foreground(setOf(ServiceType.PHONE_CALL), Alert.QUIET, emptySet()), call, nobody, Ring.NONE))
                    show(Screen.EMPTY)
                }
            },
        )
        assertEquals(Rule.ROUTE_EXISTS, rule { requestRoute(Route(Route.Kind.WIRED)) })
        assertEquals(Rule.ENDED_IS_FINAL, rule { placeOutgoing(call, nobody); create(call); repeat(2) { setEnded(call, Cause.LOCAL) } })
        assertEquals(Rule.HOLD_IS_OBEYED, rule { placeOutgoing(call, nobody); create(call); setActive(call); anotherCallBegins() })
        assertEquals(Rule.SERVICE_WHILE_CALLS, rule { placeOutgoing(call, nobody); create(call); check() })
        assertEquals(Rule.AUDIO_FOLLOWS_ACTIVE, rule { served(); setActive(call); check() })
    }
}
