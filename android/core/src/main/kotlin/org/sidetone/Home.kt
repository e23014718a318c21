package org.sidetone

import java.util.UUID
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import org.sidetone.ffi.*

/**
 * Who is signed in, where pushes go, and the phone made of it: what a process that a push has started needs.
 * All of it lies sealed in a vault, beside what the phone itself keeps there.
 */
class Home(
    /** Opens the vault; asked once. */
    private val open: suspend () -> Vault,
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

    private val turn = Mutex()
    private var opened: Vault? = null

    /** What was kept could not be opened any more: its key is lost. */
    private var lost = false

    /** Pushes can wake the phone, as far as is known in this process. */
    @Volatile
    var isWakeable = false
        private set

    suspend fun account(): Account? = read(ACCOUNT)?.let { bytes ->
        val lines = String(bytes).split('\n')
        if (lines.size < FIELDS) return null
        Account(lines[0], lines[1], lines.drop(FIELDS), lines[2].ifEmpty { null }, lines[3].ifEmpty { null })
    }

    /** Keeps who signs in from now on; null: nobody. */
    suspend fun keep(account: Account?) {
        if (account == null) return vault().remove(ACCOUNT)
        val fields = listOf(account.aor, account.password, account.displayName.orEmpty(), account.username.orEmpty())
        require(fields.none { '\n' in it }) { "A line break is in the account's words; take it out" }
        vault().write(ACCOUNT, (fields + account.servers).joinToString("\n").toByteArray())
    }

    /** Keeps where pushes go from now on; null: nowhere. */
    suspend fun keepPush(token: PushToken?) {
        isWakeable = token != null
        if (token == null) return vault().remove(PUSH)
        vault().write(PUSH, listOf(token.provider.name, token.param, token.prid).joinToString("\n").toByteArray())
    }

    private suspend fun push(): PushToken? = read(PUSH)?.let { bytes ->
        val lines = String(bytes).split('\n')
        if (lines.size == 3) PushToken(PushProvider.valueOf(lines[0]), lines[1], lines[2]) else null
    }

    /** The phone of the account that is kept, not signed in yet. */
    suspend fun start(): SidetonePhone {
        val account = account() ?: throw Refusal(if (lost) LOST else NOBODY, Refusal.Why.NOT_NOW)
        val push = push().also { isWakeable = it != null }
        val config = PhoneConfig(
            aor = account.aor, displayName = account.displayName, username = account.username,
            password = account.password, servers = account.servers, instance = instance(),
            trust = Trust.Platform, microphone = AudioEndpoint.Default, speaker = AudioEndpoint.Default,
            audioGate = AudioGate.PLATFORM, push = push,
        )
        return begin(complete(config))
    }

    /** What a lost key has sealed must not keep the phone from starting. */
    private suspend fun begin(config: PhoneConfig): SidetonePhone = try {
        SidetonePhone.start(config, vault())
    } catch (e: StartException.Vault) {
        // It can be read: something else is wrong.
        if (read(PHONE) != null) throw e
        SidetonePhone.start(config, vault())
    }

    /** Drawn once and kept for ever (RFC 5626 §4.1). */
    private suspend fun instance(): UUID {
        read(INSTANCE)?.let { return UUID.fromString(String(it)) }
        return UUID.randomUUID().also { vault().write(INSTANCE, it.toString().toByteArray()) }
    }

    private suspend fun vault(): Vault = turn.withLock { opened ?: open().also { opened = it } }

    /** What is kept under this name; what another key has sealed is as good as gone. */
    private suspend fun read(name: String): ByteArray? = try {
        vault().read(name)
    } catch (e: VaultException.Damaged) {
        lost = true
        vault().remove(name)
        null
    }

    private companion object {
        const val ACCOUNT = "account"
        const val INSTANCE = "instance"
        const val PUSH = "push"

        /** The core's own. */
        const val PHONE = "phone"
        const val NOBODY = "Nobody is signed in on this phone; sign in first"
        const val LOST = "What this phone kept of its sign-in cannot be opened any more, for the device has lost the key; sign in again"
        const val FIELDS = 4
    }
}
