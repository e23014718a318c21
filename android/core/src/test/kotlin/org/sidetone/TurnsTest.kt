package org.sidetone

import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class TurnsTest {
    @Test
    fun `who finishes a turn waits for it behind another thread's, and within a turn does not`() {
        val turns = Turns()
        val (begun, go, finished) = List(3) { CountDownLatch(1) }
        val done = java.util.Collections.synchronizedList(ArrayList<String>())
        val worker = thread {
            turns.take {
                begun.countDown()
                go.await()
                done += "first"
                turns.finish { done += "within" }
                done += "first is over"
            }
        }
        begun.await()
        val other = thread {
            turns.finish { done += "second" }
            finished.countDown()
        }
        assertFalse(finished.await(100, TimeUnit.MILLISECONDS))
        go.countDown()
        assertTrue(finished.await(5, TimeUnit.SECONDS))
        worker.join()
        other.join()
        assertEquals(listOf("first", "first is over", "second", "within"), done)
    }
}
