package org.sidetone

import java.time.Duration
import java.time.Instant
import java.util.UUID
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import org.sidetone.testing.FakeTelecom
import org.sidetone.testing.ScriptedPhone

/** A coordinator between the strict platform and a scripted phone; everything happens where it is asked for. */
class Rig(
    standing: Standing = Standing(35, visible = false, locked = true),
    scope: CoroutineScope? = null,
    sleepAfter: () -> Duration? = { null },
) {
    val job = SupervisorJob()
    val telecom = FakeTelecom(standing)
    var phone = ScriptedPhone(telecom)
    private var start = CompletableDeferred<PhonePort>()
    var starts = 0

    /** What went wrong out of the sight of who caused it. */
    val failures = ArrayList<Throwable>()
    val coordinator = CallCoordinator(
        telecom,
        scope ?: CoroutineScope(job + Dispatchers.Unconfined + CoroutineExceptionHandler { _, e -> failures += e }),
        ::pushOf,
        standing,
        sleepAfter = sleepAfter,
        startPhone = {
            starts++
            start.await()
        },
    ).also { telecom.actions = it }

    private var up = false
    private val invites = ArrayList<UUID>()

    fun phoneStarts() {
        up = true
        start.complete(phone)
        if (starts > 0) invites.forEach(phone::invite).also { invites.clear() }
    }

    /** The server sends the INVITE when the phone is there to take it; the user opens the app if nothing else wakes it. */
    fun invite(call: UUID) {
        if (starts == 0) CoroutineScope(job + Dispatchers.Unconfined).launch { coordinator.phone() }
        if (up) phone.invite(call) else invites += call
    }

    /** CANCEL, or nothing ever came of it. */
    fun callerGone(call: UUID) {
        invites -= call
        if (up) phone.callerGone(call)
    }

    fun phoneFails() {
        start.completeExceptionally(IllegalStateException("no thread"))
        start = CompletableDeferred()
    }

    fun push(call: UUID, kind: Push.Kind = Push.Kind.INCOMING) =
        telecom.push { coordinator.onPush("$kind $call".toByteArray()) }

    private fun pushOf(payload: ByteArray): Push {
        val (kind, call) = String(payload).split(' ')
        val k = Push.Kind.valueOf(kind)
        return Push(
            UUID.fromString(call), k, Instant.now().plusSeconds(30), Shown("Customer", "+44 ••• 42", "Sales"),
            over = if (k == Push.Kind.UNREADABLE) Cause.ERROR else null,
        )
    }
}
