package org.sidetone.device

import android.content.Context
import java.io.File
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.time.Duration
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.sidetone.ffi.PhoneConfig
import org.sidetone.sample.SampleApp

/** The sample on a device that has what Robolectric has not: Telecom and a keystore. It falls asleep soon. */
class DeviceApp : SampleApp() {
    override fun onCreate() {
        shadowOf(packageManager).setSystemFeature("android.software.telecom", true)
        if (Security.getProvider("AndroidKeyStore") == null) Security.addProvider(Keystore())
        super.onCreate()
    }

    override val sleepAfter: Duration get() = SLEEP_AFTER

    override fun configure(config: PhoneConfig) = configuration(super.configure(config))

    override fun getNoBackupFilesDir(): File = disk ?: super.getNoBackupFilesDir()

    companion object {
        /** What outlives the process: the app's files and the keystore; null: nothing. */
        var disk: File? = null

        /** The server's authority, and the sound. */
        var configuration: (PhoneConfig) -> PhoneConfig = { it }
        private val SLEEP_AFTER = Duration.ofSeconds(2)
    }
}

/** The library for this machine needs no start, and has no entry for it. */
@Implements(className = "org.sidetone.sdk.Native", isInAndroidSdk = false)
class NativeHere {
    companion object {
        @JvmStatic
        @Implementation
        fun __staticInitializer__() {}

        @JvmStatic
        @Implementation
        fun init(context: Context) {}
    }
}

/** One key, made at the first wish and kept as long as the disk. */
private class Keystore : Provider("AndroidKeyStore", "1.0", "the keystore of a device") {
    init {
        putService(object : Service(this, "KeyStore", "AndroidKeyStore", Store::class.java.name, null, null) {
            override fun newInstance(parameter: Any?) = Store()
        })
        putService(object : Service(this, "KeyGenerator", "AES", Generator::class.java.name, null, null) {
            override fun newInstance(parameter: Any?) = Generator()
        })
    }

    private class Generator : KeyGeneratorSpi() {
        override fun engineInit(random: SecureRandom?) {}
        override fun engineInit(parameters: AlgorithmParameterSpec?, random: SecureRandom?) {}
        override fun engineInit(size: Int, random: SecureRandom?) {}
        override fun engineGenerateKey(): SecretKey = SecretKeySpec(ByteArray(32).also(SecureRandom()::nextBytes), "AES").also { made ->
            key = made
            file?.writeBytes(made.encoded)
        }
    }

    private class Store : KeyStoreSpi() {
        override fun engineGetKey(alias: String?, password: CharArray?): Key? = key
        override fun engineLoad(stream: InputStream?, password: CharArray?) {}
        override fun engineStore(stream: OutputStream?, password: CharArray?) {}
        override fun engineGetCertificateChain(alias: String?): Array<Certificate>? = null
        override fun engineGetCertificate(alias: String?): Certificate? = null
        override fun engineGetCreationDate(alias: String?): Date? = null
        override fun engineSetKeyEntry(alias: String?, key: Key?, password: CharArray?, chain: Array<out Certificate>?) = unused()
        override fun engineSetKeyEntry(alias: String?, key: ByteArray?, chain: Array<out Certificate>?) = unused()
        override fun engineSetCertificateEntry(alias: String?, certificate: Certificate?) = unused()
        override fun engineDeleteEntry(alias: String?) = unused()
        override fun engineAliases(): Enumeration<String> = Collections.emptyEnumeration()
        override fun engineContainsAlias(alias: String?) = key != null
        override fun engineSize() = if (key == null) 0 else 1
        override fun engineIsKeyEntry(alias: String?) = true
        override fun engineIsCertificateEntry(alias: String?) = false
        override fun engineGetCertificateAlias(certificate: Certificate?): String? = null

        private fun unused(): Nothing = throw UnsupportedOperationException("the library does not ask for it")
    }

    private companion object {
        @Volatile var key: SecretKey? = null
            get() = field ?: file?.takeIf { it.exists() }?.let { SecretKeySpec(it.readBytes(), "AES") }
        val file get() = DeviceApp.disk?.let { File(it, "keystore") }
    }
}
