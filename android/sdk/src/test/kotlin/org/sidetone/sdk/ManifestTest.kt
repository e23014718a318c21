package org.sidetone.sdk

import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.w3c.dom.Element

/** What the manifest must say, since Android 14 ends an app for what it does not say. */
class ManifestTest {
    private val manifest = DocumentBuilderFactory.newInstance().apply { isNamespaceAware = true }
        .newDocumentBuilder().parse(File("src/main/AndroidManifest.xml")).documentElement

    private fun Element.all(tag: String) = getElementsByTagName(tag).let { list -> (0 until list.length).map { list.item(it) as Element } }

    private fun Element.android(name: String) = getAttributeNS(ANDROID, name)

    private val permissions = manifest.all("uses-permission").map { it.android("name").removePrefix("android.permission.") }.toSet()

    @Test
    fun `each type of the foreground service has its permission`() {
        val types = manifest.all("service").first { it.android("name").endsWith("CallService") }.android("foregroundServiceType")
        assertEquals(setOf("phoneCall", "microphone"), types.split('|').toSet())
        val needed = setOf("FOREGROUND_SERVICE", "FOREGROUND_SERVICE_PHONE_CALL", "FOREGROUND_SERVICE_MICROPHONE", "MANAGE_OWN_CALLS", "RECORD_AUDIO")
        assertEquals(emptySet<String>(), needed - permissions)
    }

    @Test
    fun `every component says whether it is exported, and what is exported is behind the system's permission`() {
        val components = listOf("service", "receiver", "activity", "provider").flatMap { manifest.all(it) }
        assertEquals(3, components.size)
        for (it in components) {
            val name = it.android("name")
            assertTrue(name, it.hasAttributeNS(ANDROID, "exported"))
            if (it.android("exported") == "true") assertEquals(name, "android.permission.BIND_TELECOM_CONNECTION_SERVICE", it.android("permission"))
            Class.forName(name, false, javaClass.classLoader)
        }
    }

    @Test
    fun `Telecom finds the connection service`() {
        val service = manifest.all("service").first { it.android("name").endsWith("SidetoneConnectionService") }
        assertEquals("android.telecom.ConnectionService", service.all("action").single().android("name"))
    }

    @Test
    fun `it runs from Android 8 on and asks for nothing that it does not need`() {
        assertEquals("26", manifest.all("uses-sdk").single().android("minSdkVersion"))
        val all = setOf(
            "INTERNET", "ACCESS_NETWORK_STATE", "RECORD_AUDIO", "MODIFY_AUDIO_SETTINGS", "VIBRATE", "MANAGE_OWN_CALLS",
            "FOREGROUND_SERVICE", "FOREGROUND_SERVICE_PHONE_CALL", "FOREGROUND_SERVICE_MICROPHONE", "POST_NOTIFICATIONS",
            "USE_FULL_SCREEN_INTENT",
        )
        assertEquals(all, permissions)
    }

    private companion object {
        const val ANDROID = "http://schemas.android.com/apk/res/android"
    }
}
