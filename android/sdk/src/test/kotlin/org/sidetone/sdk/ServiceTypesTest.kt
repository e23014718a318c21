package org.sidetone.sdk

import android.content.Context
import android.content.pm.ServiceInfo
import java.io.File
import java.util.Optional
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.w3c.dom.Element

/**
 * Android's own judgement of the manifest's foreground service: the policy by which `startForeground` throws since
 * Android 14. Its class is hidden from apps, and so called by its name.
 */
@RunWith(RobolectricTestRunner::class)
@Config(minSdk = 34)
class ServiceTypesTest {
    private val manifest = DocumentBuilderFactory.newInstance().apply { isNamespaceAware = true }
        .newDocumentBuilder().parse(File("src/main/AndroidManifest.xml")).documentElement
    private val permissions = all("uses-permission").map { android(it, "name").removePrefix("android.permission.") }.toSet()
    private val types = android(all("service").first { android(it, "name").endsWith("CallService") }, "foregroundServiceType").split('|')

    private fun all(tag: String) = manifest.getElementsByTagName(tag).let { list -> (0 until list.length).map { list.item(it) as Element } }

    private fun android(element: Element, name: String) = element.getAttributeNS("http://schemas.android.com/apk/res/android", name)

    /** The permissions that the policy asks for with a type: all of the first, one of the second. */
    private fun asked(type: String): Pair<Set<String>, Set<String>> {
        val policy = Class.forName("android.app.ForegroundServiceTypePolicy")
        val int = Int::class.javaPrimitiveType
        val default = policy.getMethod("getDefaultPolicy").invoke(null)
        val rule = policy.getMethod("getForegroundServiceTypePolicyInfo", int, int).invoke(default, VALUES.getValue(type), 0)
        fun names(getter: String): Set<String> {
            val found = rule.javaClass.getMethod(getter, Context::class.java).invoke(rule, RuntimeEnvironment.getApplication()) as Optional<*>
            val listed = if (found.isPresent) (found.get() as Array<*>).toList() else emptyList()
            return listed.map { (it as String).removePrefix("android.permission.") }.toSet()
        }
        return names("getRequiredAllOfPermissionsForTest") to names("getRequiredAnyOfPermissionsForTest")
    }

    @Test
    fun `the manifest has each permission that its types need`() {
        assertEquals(setOf("phoneCall", "microphone"), types.toSet())
        for (type in types) {
            val (all, one) = asked(type)
            assertEquals("$type needs all", emptySet<String>(), all - permissions)
            assertTrue("$type needs one of $one", one.isEmpty() || one.any { it in permissions })
        }
    }

    @Test
    fun `the policy is the one that the rules speak of`() {
        assertEquals(setOf("FOREGROUND_SERVICE_PHONE_CALL"), asked("phoneCall").first)
        assertTrue("MANAGE_OWN_CALLS" in asked("phoneCall").second)
        assertEquals(setOf("FOREGROUND_SERVICE_MICROPHONE"), asked("microphone").first)
        assertTrue("RECORD_AUDIO" in asked("microphone").second)
    }

    private companion object {
        val VALUES = mapOf(
            "phoneCall" to ServiceInfo.FOREGROUND_SERVICE_TYPE_PHONE_CALL,
            "microphone" to ServiceInfo.FOREGROUND_SERVICE_TYPE_MICROPHONE,
        )
    }
}
