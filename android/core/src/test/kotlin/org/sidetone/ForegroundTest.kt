package org.sidetone

import java.util.UUID
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.sidetone.testing.FakeTelecom
import org.sidetone.testing.Rule
import org.sidetone.testing.RuleBroken

/** Android 14 ends an app for a wrong foreground service: every standing against the strict platform. */
class ForegroundTest {
    private val levels = listOf(26, 28, 29, 30, 31, 33, 34, 35, 36)
    private val flags = listOf(false, true)
    private val sets = listOf(emptySet(), setOf(ServiceType.PHONE_CALL), setOf(ServiceType.PHONE_CALL, ServiceType.MICROPHONE))

    private fun standings() = levels.flatMap { level ->
        flags.flatMap { visible -> flags.flatMap { locked -> flags.flatMap { mic -> flags.map { full ->
            Standing(level, visible, locked, mic, full)
        } } } }
    }

    @Test
    fun `no standing breaks a rule, and a permitted microphone is had as soon as it may be`() {
        var cells = 0
        for (standing in standings()) for (touched in flags) for (stage in Stage.values()) for (before in sets) {
            cells++
            val it = foreground(standing, stage, touched, before)
            assertEquals(stage == Stage.IDLE, it.types.isEmpty())
            if (stage != Stage.IDLE) assertTrue(ServiceType.PHONE_CALL in it.types)
            if (ServiceType.MICROPHONE in it.types) {
                assertTrue(stage == Stage.TALKING && standing.microphonePermitted && standing.apiLevel >= 30)
                assertTrue(standing.visible || touched || ServiceType.MICROPHONE in before)
            }
            if (stage == Stage.TALKING && standing.apiLevel >= 30 && ServiceType.MICROPHONE !in it.types) {
                assertTrue(it.hindrances.any { h -> h != Hindrance.FULL_SCREEN_NOT_PERMITTED }, "silent: $standing $touched")
            }
            if (it.alert == Alert.FULL_SCREEN) assertTrue(standing.fullScreenPermitted)
        }
        println("foreground: $cells cells")
    }

    @Test
    fun `each cell is lawful on the strict platform, from the push to the talk`() {
        var calls = 0
        for (standing in standings()) for (touched in flags) {
            calls++
            val rig = Rig(standing)
            val call = UUID(1, 1)
            rig.push(call)
            rig.telecom.create(call)
            rig.phoneStarts()
            rig.invite(call)
            if (touched) rig.telecom.userAnswers(call) else rig.telecom.headsetAnswers(call)
            rig.telecom.check()
            // The user opens the app: what was not permitted from afar is now.
            rig.telecom.standingChanges(standing.copy(visible = true))
            rig.telecom.check()
            if (standing.microphonePermitted && standing.apiLevel >= 30) {
                assertTrue(ServiceType.MICROPHONE in rig.telecom.screen.foreground.types)
                assertEquals(emptySet<Hindrance>(), rig.coordinator.hindrances.value)
            }
            rig.phone.bye(call)
            rig.telecom.check()
        }
        println("foreground: $calls calls")
    }

    @Test
    fun `the platform is strict`() {
        fun broken(standing: Standing, foreground: Foreground) =
            assertThrows(RuleBroken::class.java) { FakeTelecom(standing).show(Screen(foreground, null, null, Ring.NONE)) }.rule
        val unseen = Standing(35, visible = false)
        val phoneCall = setOf(ServiceType.PHONE_CALL)
        assertEquals(Rule.SERVICE_FROM_BACKGROUND, broken(unseen, Foreground(phoneCall, Alert.QUIET, emptySet())))
        assertEquals(Rule.SERVICE_HAS_TYPE, broken(unseen, Foreground(emptySet(), Alert.QUIET, emptySet())))
        val both = Foreground(phoneCall + ServiceType.MICROPHONE, Alert.ONGOING, emptySet())
        assertEquals(Rule.MICROPHONE_PERMITTED, broken(Standing(35, visible = true, microphonePermitted = false), both))
        val full = Foreground(phoneCall, Alert.FULL_SCREEN, emptySet())
        assertEquals(Rule.FULL_SCREEN_PERMITTED, broken(Standing(35, visible = true, fullScreenPermitted = false), full))
        val fake = FakeTelecom(unseen)
        fake.push { fake.show(Screen(Foreground(phoneCall, Alert.QUIET, emptySet()), null, null, Ring.NONE)) }
        assertEquals(
            Rule.MICROPHONE_WHILE_IN_USE,
            assertThrows(RuleBroken::class.java) { fake.show(Screen(both, null, null, Ring.NONE)) }.rule,
        )
        assertEquals(
            Rule.RING_ONLY_WHILE_RINGING,
            assertThrows(RuleBroken::class.java) { fake.show(Screen(Foreground.NONE, null, null, Ring.RINGTONE)) }.rule,
        )
    }
}
