package org.sidetone.sdk

import android.Manifest
import android.annotation.TargetApi
import android.app.Activity
import android.app.Application
import android.app.KeyguardManager
import android.app.NotificationManager
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.ConnectivityManager
import android.net.LinkProperties
import android.net.Network
import android.net.Uri
import android.os.Build
import android.os.Bundle
import java.io.File
import java.time.Duration
import java.util.UUID
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.withContext
import org.json.JSONObject
import org.sidetone.CallCoordinator
import org.sidetone.Home
import org.sidetone.PhonePort
import org.sidetone.SidetonePhone
import org.sidetone.Push
import org.sidetone.Standing
import org.sidetone.ffi.PhoneConfig
import org.sidetone.ffi.PushProvider
import org.sidetone.ffi.PushToken
import org.sidetone.ffi.Vault
import org.sidetone.readPush

/**
 * Where an app begins: [init] in `Application.onCreate`, [calls] for its screens,
 * [handle] in the activity that shows calls.
 */
object Sidetone {
    const val ACTION_OPEN = "org.sidetone.OPEN"
    const val ACTION_ANSWER = "org.sidetone.ANSWER"
    const val ACTION_DECLINE = "org.sidetone.DECLINE"
    const val ACTION_HANG_UP = "org.sidetone.HANG_UP"
    const val EXTRA_CALL = "org.sidetone.call"
    private const val INIT = "call Sidetone.init in Application.onCreate first"

    /** After so long unseen and without a call the phone waits for a push, unless the app wants it otherwise. */
    val SLEEP_AFTER: Duration = Duration.ofSeconds(30)

    @Volatile internal var line: PlatformLine? = null
    @Volatile internal var screens: CallScreen? = null
    @Volatile private var coordinator: CallCoordinator? = null
    @Volatile private var home: Home? = null
    private lateinit var application: Application
    private var seen = 0

    /** The calls: what the user does on the app's screens, routes, hindrances. */
    val calls: CallCoordinator get() = checkNotNull(coordinator) { INIT }

    /**
     * Once for each process, before anything else; no network, no waiting. `callActivity` shows calls; `configure` is for
     * what the app wants otherwise, an authority of its own to trust, say.
     */
    fun init(
        application: Application, callActivity: Class<out Activity>, texts: Texts = Texts(),
        configure: (PhoneConfig) -> PhoneConfig = { it }, sleepAfter: Duration = SLEEP_AFTER,
    ) {
        if (coordinator != null) return
        Native.init(application)
        val kept = Home({ openVault(application) }, configure)
        home = kept
        connect(application, callActivity, texts, { sleepAfter.takeIf { kept.isWakeable } }) { kept.start() }
    }

    /** The same with a phone from elsewhere. */
    internal fun connect(
        application: Application, callActivity: Class<out Activity>, texts: Texts = Texts(),
        sleepAfter: () -> Duration? = { null }, startPhone: suspend () -> PhonePort,
    ) {
        this.application = application
        val screens = CallScreen(application, callActivity, texts)
        val line = PlatformLine(application, screens)
        val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
        val calls = CallCoordinator(line, scope, ::readPush, standing(), sleepAfter = sleepAfter, startPhone = startPhone)
        line.actions = calls
        this.screens = screens
        this.line = line
        coordinator = calls
        line.register()
        application.registerActivityLifecycleCallbacks(Visibility)
        watchNetwork(application)
    }

    /** The data of a push (FCM: `message.data`), as soon as it comes. */
    fun onPush(data: Map<String, String>): Push {
        val calls = calls
        calls.onStanding(standing())
        return calls.onPush(JSONObject(data).toString().toByteArray())
    }

    /** The intent of the call activity or of a notification's button; true where it was about a call. */
    fun handle(intent: Intent?): Boolean {
        val call = intent?.getStringExtra(EXTRA_CALL)?.let { runCatching { UUID.fromString(it) }.getOrNull() } ?: return false
        when (intent.action) {
            ACTION_ANSWER -> calls.answer(call)
            ACTION_DECLINE -> calls.decline(call)
            ACTION_HANG_UP -> calls.hangUp(call)
        }
        return true
    }

    /** Signs in and stays so, also over the death of the process. A phone that runs is of the old account, and ends. */
    suspend fun signIn(account: Home.Account): SidetonePhone {
        home().keep(account)
        return calls.renew { (it as SidetonePhone).shutdown() } as SidetonePhone
    }

    /**
     * The platform gave a push token (FCM: `onNewToken`; `project`: its project id), or none. Kept, and handed to the server.
     */
    suspend fun setPushToken(project: String, token: String?) {
        val push = token?.let { PushToken(PushProvider.FCM, project, it) }
        home().keepPush(push)
        (calls.running as? SidetonePhone)?.setPushToken(push)
    }

    /** Who is signed in; null: nobody. */
    suspend fun account(): Home.Account? = home().account()

    /** A push can wake the phone: the push service has given a token, as far as is known in this process. */
    val isWakeable: Boolean get() = home().isWakeable

    /** Whether Telecom knows this app's account, now. */
    fun phoneAccount(): PhoneAccountState = checkNotNull(line) { INIT }.accountState()

    /** Registers the account anew; done at each start as well. */
    fun registerPhoneAccount() = checkNotNull(line) { INIT }.register()

    /** Another ringtone than the system's; null: the system's. */
    fun setRingtone(tone: Uri?) {
        screens?.setRingtone(tone)
    }

    /** The folder is not in backups: the key that opens it never leaves the device. */
    private suspend fun openVault(application: Application): Vault = withContext(Dispatchers.IO) {
        val directory = application.noBackupFilesDir
        Vault.open(File(directory, "sidetone").path, VaultKey(File(directory, "sidetone.key")).bytes())
    }

    private fun home() = checkNotNull(home) { INIT }

    internal fun standing(): Standing = Standing(
        apiLevel = Build.VERSION.SDK_INT,
        visible = seen > 0,
        locked = application.service<KeyguardManager>().isKeyguardLocked,
        microphonePermitted = application.checkSelfPermission(Manifest.permission.RECORD_AUDIO) == PackageManager.PERMISSION_GRANTED,
        fullScreenPermitted = Build.VERSION.SDK_INT < 34 || Api34.fullScreen(application),
    )

    private fun watchNetwork(context: Context) {
        val connectivity = context.service<ConnectivityManager>()
        val callback = object : ConnectivityManager.NetworkCallback() {
            private var last: Pair<Network, Set<String>>? = null

            override fun onLinkPropertiesChanged(network: Network, link: LinkProperties) {
                val now = network to link.linkAddresses.map { it.address.hostAddress.orEmpty() }.toSet()
                val before = last
                last = now
                if (before == null || before == now) return
                // A network that was left lingers for a while, unless it is the one that went.
                val lingers = before.first != network && connectivity.getLinkProperties(before.first) != null
                coordinator?.networkChanged(makeBeforeBreak = lingers)
            }
        }
        connectivity.registerDefaultNetworkCallback(callback)
    }

    @TargetApi(34)
    private object Api34 {
        fun fullScreen(context: Context) = context.service<NotificationManager>().canUseFullScreenIntent()
    }

    private object Visibility : Application.ActivityLifecycleCallbacks {
        override fun onActivityStarted(activity: Activity) = change(1)
        override fun onActivityStopped(activity: Activity) = change(-1)
        override fun onActivityResumed(activity: Activity) = change(0)
        override fun onActivityCreated(activity: Activity, state: Bundle?) {}
        override fun onActivityPaused(activity: Activity) {}
        override fun onActivitySaveInstanceState(activity: Activity, state: Bundle) {}
        override fun onActivityDestroyed(activity: Activity) {}

        private fun change(by: Int) {
            seen += by
            coordinator?.onStanding(standing())
        }
    }
}
