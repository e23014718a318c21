package org.sidetone

import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger

/**
 * One thing at a time, without a lock: whoever comes while another is at work leaves its turn behind and goes on. So
 * neither a callback within a callback nor a second thread can wait for the first, but one that asks to by [finish].
 */
internal class Turns {
    private val waiting = ConcurrentLinkedQueue<() -> Unit>()
    private val pending = AtomicInteger()
    @Volatile private var worker: Thread? = null

    /** Returns when this turn is over, whoever takes it; within a turn, which it cannot wait for, at once. */
    fun finish(turn: () -> Unit) {
        if (worker === Thread.currentThread()) return take(turn)
        val over = CountDownLatch(1)
        take { try { turn() } finally { over.countDown() } }
        over.await()
    }

    fun take(turn: () -> Unit) {
        waiting.add(turn)
        if (pending.getAndIncrement() > 0) return
        var failed: Throwable? = null
        do {
            worker = Thread.currentThread()
            try {
                waiting.poll()?.invoke()
            } catch (e: Throwable) {
                // The turns behind it are not at fault.
                failed?.addSuppressed(e) ?: run { failed = e }
            }
            worker = null
        } while (pending.decrementAndGet() > 0)
        failed?.let { throw it }
    }
}
