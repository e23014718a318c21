package org.sidetone

import java.nio.file.Files
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.sidetone.ffi.AudioEndpoint
import org.sidetone.ffi.PushProvider
import org.sidetone.ffi.PushToken
import org.sidetone.ffi.Vault

/** What outlives the process, with the real vault. */
class HomeTest {
    private val directory = Files.createTempDirectory("sidetone").toFile()
    private val account = Home.Account("sip:agent@example.com", "correct horse", listOf("wss://a", "wss://b"), "Agent")

    private fun home(byte: Int) = Home({ Vault.open(directory.path, ByteArray(32) { byte.toByte() }) }) {
        it.copy(microphone = AudioEndpoint.Null, speaker = AudioEndpoint.Null)
    }

    @Test
    fun `who is signed in is there for the next process, and lies nowhere in the clear`() = runBlocking {
        home(1).keep(account)
        home(1).keepPush(PushToken(PushProvider.FCM, "project", "stable pony"))
        assertEquals(account, home(1).account())
        for (file in directory.walk().filter { it.isFile }) {
            val text = String(file.readBytes(), Charsets.ISO_8859_1)
            assertFalse("horse" in text || "pony" in text, file.name)
        }
        home(1).keep(null)
        assertEquals(null, home(1).account())
    }

    @Test
    fun `where the key is lost nobody is signed in, it is said why, and signing in again helps`() = runBlocking {
        home(1).keep(account)
        val other = home(2)
        val refused = runCatching { other.start() }.exceptionOrNull() as Refusal
        assertTrue("lost the key" in refused.message.orEmpty(), refused.message)
        other.keep(account)
        assertEquals(account, home(2).account())
    }

    @Test
    fun `calls that a lost key has sealed do not keep the phone from starting`() = runBlocking {
        Vault.open(directory.path, ByteArray(32) { 1 }).write("phone", byteArrayOf(1, 2, 3))
        val home = home(2)
        home.keep(account)
        home.start().shutdown()
    }

    @Test
    fun `where nobody ever signed in that is what is said`() = runBlocking {
        val refused = runCatching { home(1).start() }.exceptionOrNull() as Refusal
        assertTrue("sign in first" in refused.message.orEmpty(), refused.message)
    }
}
