package org.sidetone.sdk

import java.io.File
import javax.crypto.spec.SecretKeySpec
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Test

class VaultKeyTest {
    private val file = File.createTempFile("sidetone", ".key").also { it.delete() }
    private fun wrapping(byte: Int) = SecretKeySpec(ByteArray(32) { byte.toByte() }, "AES")

    @Test
    fun `the key is the same for ever, and never lies in the clear`() {
        val key = VaultKey(file) { wrapping(1) }.bytes()
        assertEquals(32, key.size)
        assertArrayEquals(key, VaultKey(file) { wrapping(1) }.bytes())
        val stored = file.readBytes()
        assertFalse((0..stored.size - 32).any { stored.copyOfRange(it, it + 32).contentEquals(key) })
    }

    @Test
    fun `where the keystore lost its key, or the file is torn, a new one is made`() {
        val key = VaultKey(file) { wrapping(1) }.bytes()
        val other = VaultKey(file) { wrapping(2) }.bytes()
        assertFalse(key.contentEquals(other))
        file.writeBytes(byteArrayOf(1, 2, 3))
        val third = VaultKey(file) { wrapping(2) }.bytes()
        assertArrayEquals(third, VaultKey(file) { wrapping(2) }.bytes())
    }
}
