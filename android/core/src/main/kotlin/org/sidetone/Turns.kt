package org.sidetone

import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger

/**
 * One thing at a time, without a lock: whoever comes while another is at work leaves its turn behind and goes on. So
 * neither a callback within a callback nor a second thread can wait for the first.
 */
internal class Turns {
    private val waiting = ConcurrentLinkedQueue<() -> Unit>()
    private val pending = AtomicInteger()

    fun take(turn: () -> Unit) {
        waiting.add(turn)
        if (pending.getAndIncrement() > 0) return
        var failed: Throwable? = null
        do {
            try {
                waiting.poll()?.invoke()
            } catch (e: Throwable) {
                // The turns behind it are not at fault.
                failed?.addSuppressed(e) ?: run { failed = e }
            }
        } while (pending.decrementAndGet() > 0)
        failed?.let { throw it }
    }
}
