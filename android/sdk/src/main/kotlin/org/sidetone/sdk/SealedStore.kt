package org.sidetone.sdk

import java.io.File
import java.io.FileOutputStream
import java.security.GeneralSecurityException
import javax.crypto.Cipher
import javax.crypto.spec.GCMParameterSpec
import javax.crypto.spec.SecretKeySpec
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.sidetone.Store

/** One sealed file a name (AES-256-GCM, the name bound in); killed at any write it is the old or the new. */
internal class SealedStore(private val directory: File, private val key: VaultKey) : Store {
    override suspend fun read(name: String): ByteArray? = withContext(Dispatchers.IO) {
        val file = File(directory, name)
        if (!file.exists()) return@withContext null
        try {
            val sealed = file.readBytes()
            val cipher = Cipher.getInstance(TRANSFORMATION)
            cipher.init(Cipher.DECRYPT_MODE, secret(), GCMParameterSpec(TAG_BITS, sealed, 0, IV))
            cipher.updateAAD(name.toByteArray())
            cipher.doFinal(sealed, IV, sealed.size - IV)
        } catch (e: GeneralSecurityException) {
            // Sealed by a key that is lost: as if nothing were kept.
            null
        } catch (e: IllegalArgumentException) {
            null
        }
    }

    override suspend fun write(name: String, bytes: ByteArray) = withContext(Dispatchers.IO) {
        directory.mkdirs()
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.ENCRYPT_MODE, secret())
        cipher.updateAAD(name.toByteArray())
        val fresh = File(directory, "$name.new")
        FileOutputStream(fresh).use {
            it.write(cipher.iv)
            it.write(cipher.doFinal(bytes))
            it.fd.sync()
        }
        check(fresh.renameTo(File(directory, name))) { "cannot write $name" }
    }

    override suspend fun remove(name: String) {
        withContext(Dispatchers.IO) { File(directory, name).delete() }
    }

    private fun secret() = SecretKeySpec(key.bytes(), "AES")

    private companion object {
        const val IV = 12
        const val TAG_BITS = 128
        const val TRANSFORMATION = "AES/GCM/NoPadding"
    }
}
