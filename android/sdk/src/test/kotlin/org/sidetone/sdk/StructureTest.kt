package org.sidetone.sdk

import android.annotation.TargetApi
import java.io.File
import java.lang.reflect.Modifier
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.w3c.dom.Element

/** What no compiler sees: that two builds are one, that names on both sides of a border agree. Reads the sources. */
class StructureTest {
    private val android = File("..").canonicalFile
    private val root = android.parentFile

    /** `group:name` to version, as the Maven reactor has them. */
    private val maven: Map<String, String> by lazy {
        val poms = listOf("pom.xml", "core/pom.xml", "sdk/pom.xml", "sample/pom.xml").map { File(android, it) }
        val documents = poms.map { DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(it).documentElement }
        val properties = documents.flatMap { it.all("properties") }.flatMap { it.children() }.associate { it.tagName to it.textContent }
        documents.flatMap { it.all("dependency") }.mapNotNull { dependency ->
            val text = { tag: String -> dependency.children().firstOrNull { it.tagName == tag }?.textContent }
            val version = text("version")?.let { VARIABLE.replace(it) { found -> properties[found.groupValues[1]] ?: found.value } }
            version?.let { "${text("groupId")}:${text("artifactId")!!.removeSuffix("-jvm")}" to it }
        }.toMap() + ("kotlin" to properties.getValue("kotlin.version")) + ("bytes" to properties.getValue("maven.compiler.release"))
    }

    private fun gradle(module: String) = File(android, if (module.isEmpty()) "build.gradle.kts" else "$module/build.gradle.kts").readText()

    @Test
    fun `Gradle and Maven build with the same versions`() {
        val shared = ArrayList<String>()
        for (module in listOf("core", "sdk", "sample")) {
            for ((name, version) in DEPENDENCY.findAll(gradle(module)).map { it.groupValues[1] to it.groupValues[2] }) {
                val here = maven[name] ?: continue
                assertEquals("$name in $module/build.gradle.kts", here, version)
                shared += name
            }
        }
        for (name in listOf("net.java.dev.jna:jna", "org.jetbrains.kotlinx:kotlinx-coroutines-core", "org.robolectric:robolectric", "junit:junit")) {
            assertTrue("$name is in both builds", name in shared)
        }
        assertEquals(maven["kotlin"], Regex("""kotlin\.jvm"\) version "([^"]+)"""").find(gradle(""))!!.groupValues[1])
        for (module in listOf("core", "sdk", "sample")) assertTrue(module, "JavaVersion.VERSION_${maven["bytes"]}" in gradle(module))
    }

    @Test
    fun `Gradle and Maven build the same sources`() {
        val settings = File(android, "settings.gradle.kts").readText()
        val included = Regex("\":(\\w+)\"").findAll(settings).map { it.groupValues[1] }.toSet()
        val reactor = Regex("<module>([^<]+)</module>").findAll(File(android, "pom.xml").readText()).map { it.groupValues[1] }.toSet()
        assertEquals("what is only for machines", setOf("androidx-test-shim", "bench", "device", "firebase-stand-in"), reactor - included)
        assertEquals(emptySet<String>(), included - reactor)
        for (module in included) {
            val pom = File(android, "$module/pom.xml").readText()
            val inMaven = Regex("<(?:sourceDir|sourceDirectory|testSourceDirectory)>([^<]+)<").findAll(pom).map { it.groupValues[1] }.toSet()
            // What a plug-in takes by itself: src/main and src/test in Gradle, and the folder of a flavour.
            val inGradle = Regex("\"(src/[^\"]+)\"").findAll(gradle(module)).map { it.groupValues[1] }.filter { it.endsWith("kotlin") }.toSet()
            val byItself = setOf("src/main/kotlin", "src/test/kotlin")
            assertEquals(module, inMaven - byItself, inGradle - byItself)
        }
    }

    @Test
    fun `the certificate verifier's two halves are of one version`() {
        val lock = File(root, "Cargo.lock").readText()
        val rust = Regex("name = \"rustls-platform-verifier-android\"\nversion = \"([^\"]+)\"").find(lock)!!.groupValues[1]
        assertTrue("rustls-platform-verifier $rust", "org.rustls:rustls-platform-verifier:$rust" in gradle("sdk"))
    }

    @Test
    fun `the native library exports what Kotlin declares, under the name that JNI prescribes`() {
        val declared = Native::class.java.let { type ->
            type.declaredMethods.filter { Modifier.isNative(it.modifiers) }.map { "Java_${type.name.replace("_", "_1").replace('.', '_')}_${it.name}" }
        }
        val exported = File(root, "ffi/src").walk().filter { it.extension == "rs" }
            .flatMap { Regex("fn (Java_\\w+)").findAll(it.readText()) }.map { it.groupValues[1] }.toList()
        assertEquals(declared, exported)
        val linked = Regex("\\bJava_\\w+").findAll(File(root, "scripts/link-phones").readText()).map { it.value }.toSet()
        assertEquals("what scripts/link-phones looks for in the library", exported.toSet(), linked)
        assertTrue("libsidetone_ffi.so", "System.loadLibrary(\"sidetone_ffi\")" in File("src/main/kotlin/org/sidetone/sdk/Native.kt").readText())
    }

    @Test
    fun `the rules that go with the library keep what native code finds by its name`() {
        val rules = File("consumer-rules.pro").readText()
        for (kept in listOf("com.sun.jna.**", "org.sidetone.ffi.**", Native::class.java.name, "org.rustls.platformverifier.**")) {
            assertTrue(kept, Regex("-keep[^\n]* class ${Regex.escape(kept)} \\{ \\*; \\}").containsMatchIn(rules))
        }
        assertTrue("consumerProguardFiles(\"consumer-rules.pro\")" in gradle("sdk"))
    }

    /** animal-sniffer lets pass what is in a class marked so; that the mark is right and asked for is held here. */
    @Test
    fun `what is newer than Android 8 is in a class of its level, reached only behind a check of that level`() {
        val sources = listOf("sdk", "sample").flatMap { File(android, "$it/src").walk().filter { file -> file.extension == "kt" && "/test/" !in file.path } }
        var used = 0
        for (file in sources) {
            val lines = file.readLines()
            val marked = lines.zipWithNext().mapNotNull { (mark, type) ->
                MARK.find(mark)?.let { level -> level.groupValues[1] to (OBJECT.find(type)?.groupValues?.get(1) ?: "nothing of its own") }
            }
            for ((level, name) in marked) assertEquals("${file.name}: the class of level $level", "Api$level", name)
            lines.forEachIndexed { number, line ->
                if (line.trimStart().startsWith("//")) return@forEachIndexed
                for (call in CALL.findAll(line)) {
                    used++
                    val before = lines.subList(maxOf(0, number - 2), number + 1).joinToString("\n")
                    val level = call.groupValues[1]
                    val asked = "SDK_INT >= $level" in before || "SDK_INT < $level ||" in before
                    assertTrue("${file.name}:${number + 1}: Api$level without a check of SDK_INT", asked)
                }
            }
        }
        assertTrue("nothing found: the pattern is wrong", used >= 8)
        assertEquals(TargetApi::class.java.name, Regex("<annotation>([^<]+)<").find(File(android, "pom.xml").readText())!!.groupValues[1])
    }

    private fun Element.all(tag: String) = getElementsByTagName(tag).let { list -> (0 until list.length).map { list.item(it) as Element } }

    private fun Element.children() = childNodes.let { list -> (0 until list.length).mapNotNull { list.item(it) as? Element } }

    private companion object {
        val VARIABLE = Regex("""\$\{([^}]+)\}""")
        val DEPENDENCY = Regex("""\("([\w.-]+:[\w.-]+):([\w.-]+)(?:@aar)?"\)""")
        val MARK = Regex("""@TargetApi\((\d+)\)""")
        val OBJECT = Regex("""object (Api\d+)\b""")
        val CALL = Regex("""\bApi(\d+)\.""")
    }
}
