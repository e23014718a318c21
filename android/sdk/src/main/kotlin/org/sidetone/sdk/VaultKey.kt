package org.sidetone.sdk

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.io.File
import java.io.FileOutputStream
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.SecureRandom
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * The 32 bytes that seal what the phone stores: random, and wrapped by a key that never leaves the device's keystore.
 *
 * Where the keystore has lost its key (a restored backup, a changed lock screen on some devices) a new one is made:
 * what was sealed is lost and the user signs in again.
 */
internal class VaultKey(private val file: File, private val wrapping: () -> SecretKey = ::keystoreKey) {
    fun bytes(): ByteArray = read() ?: make()

    private fun read(): ByteArray? {
        if (!file.exists()) return null
        return try {
            val sealed = file.readBytes()
            val cipher = Cipher.getInstance(TRANSFORMATION)
            cipher.init(Cipher.DECRYPT_MODE, wrapping(), GCMParameterSpec(TAG_BITS, sealed, 0, IV))
            cipher.doFinal(sealed, IV, sealed.size - IV).takeIf { it.size == SIZE }
        } catch (e: GeneralSecurityException) {
            null
        } catch (e: IllegalArgumentException) {
            null
        }
    }

    private fun make(): ByteArray {
        val key = ByteArray(SIZE).also(SecureRandom()::nextBytes)
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.ENCRYPT_MODE, wrapping())
        val fresh = File(file.path + ".new")
        file.parentFile?.mkdirs()
        FileOutputStream(fresh).use {
            it.write(cipher.iv)
            it.write(cipher.doFinal(key))
            it.fd.sync()
        }
        check(fresh.renameTo(file)) { "cannot write ${file.name}" }
        return key
    }

    private companion object {
        const val SIZE = 32
        const val IV = 12
        const val TAG_BITS = 128
        const val TRANSFORMATION = "AES/GCM/NoPadding"
    }
}

private fun keystoreKey(): SecretKey {
    val store = KeyStore.getInstance("AndroidKeyStore").apply { load(null) }
    (store.getKey("sidetone.vault", null) as? SecretKey)?.let { return it }
    val generator = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, "AndroidKeyStore")
    generator.init(
        KeyGenParameterSpec.Builder("sidetone.vault", KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(256)
            .build(),
    )
    return generator.generateKey()
}
