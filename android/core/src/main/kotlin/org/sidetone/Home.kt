package org.sidetone

import java.util.UUID
import org.sidetone.ffi.*

/** Small things that survive the process; nothing in it may be kept in the clear. */
interface Store {
    suspend fun read(name: String): ByteArray?
    suspend fun write(name: String, bytes: ByteArray)
    suspend fun remove(name: String)
}

/**
 * Who is signed in, sealed in a store, and the phone made of it: what a process that a push has started needs.
 */
class Home(
    private val store: Store,
    /** What the device adds: audio ends, trust. */
    private val complete: (PhoneConfig) -> PhoneConfig = { it },
) {
    /** An account as it is kept. */
    data class Account(
        val aor: String,
        val password: String,
        val servers: List<String>,
        val displayName: String? = null,
        val username: String? = null,
    ) {
        override fun toString() = "Account($aor)"
    }

    suspend fun account(): Account? = store.read(ACCOUNT)?.let { bytes ->
        val lines = String(bytes).split('\n')
        if (lines.size < FIELDS) return null
        Account(lines[0], lines[1], lines.drop(FIELDS), lines[2].ifEmpty { null }, lines[3].ifEmpty { null })
    }

    /** Keeps who signs in from now on; null: nobody. */
    suspend fun keep(account: Account?) {
        if (account == null) return store.remove(ACCOUNT)
        val fields = listOf(account.aor, account.password, account.displayName.orEmpty(), account.username.orEmpty())
        require(fields.none { '\n' in it }) { "A line break is in the account's words; take it out" }
        store.write(ACCOUNT, (fields + account.servers).joinToString("\n").toByteArray())
    }

    /** The phone of the account that is kept. */
    suspend fun start(): SidetonePhone {
        val account = account() ?: throw Refusal("Nobody is signed in on this phone; sign in first", Refusal.Why.NOT_NOW)
        val config = PhoneConfig(
            aor = account.aor, displayName = account.displayName, username = account.username,
            password = account.password, servers = account.servers, instance = instance(),
            trust = Trust.Platform, microphone = AudioEndpoint.Default, speaker = AudioEndpoint.Default,
            audioGate = AudioGate.PLATFORM,
        )
        return SidetonePhone.start(complete(config)).also { it.signIn() }
    }

    /** Drawn once and kept for ever (RFC 5626 §4.1). */
    private suspend fun instance(): UUID {
        store.read(INSTANCE)?.let { return UUID.fromString(String(it)) }
        return UUID.randomUUID().also { store.write(INSTANCE, it.toString().toByteArray()) }
    }

    private companion object {
        const val ACCOUNT = "account"
        const val INSTANCE = "instance"
        const val FIELDS = 4
    }
}
