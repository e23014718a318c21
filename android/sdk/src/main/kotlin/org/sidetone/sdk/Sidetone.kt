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
import java.util.UUID
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import org.json.JSONObject
import org.sidetone.CallCoordinator
import org.sidetone.Home
import org.sidetone.PhonePort
import org.sidetone.SidetonePhone
import org.sidetone.Push
import org.sidetone.Standing
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

    @Volatile internal var line: PlatformLine? = null
    @Volatile internal var screens: CallScreen? = null
    @Volatile private var coordinator: CallCoordinator? = null
    @Volatile private var home: Home? = null
    private lateinit var application: Application
    private var seen = 0

    /** The calls: what the user does on the app's screens, routes, hindrances. */
    val calls: CallCoordinator get() = checkNotNull(coordinator) { "call Sidetone.init in Application.onCreate first" }

    /** Once for each process, before anything else; no network, no waiting. `callActivity` shows calls. */
    fun init(application: Application, callActivity: Class<out Activity>, texts: Texts = Texts()) {
        if (coordinator != null) return
        Native.init(application)
        val directory = File(application.noBackupFilesDir, "sidetone")
        val kept = Home(SealedStore(directory, VaultKey(File(directory, "key"))))
        home = kept
        connect(application, callActivity, texts) { kept.start() }
    }

    /** The same with a phone from elsewhere. */
    internal fun connect(
        application: Application, callActivity: Class<out Activity>, texts: Texts = Texts(), startPhone: suspend () -> PhonePort,
    ) {
        this.application = application
        val screens = CallScreen(application, callActivity, texts)
        val line = PlatformLine(application, screens)
        val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
        val calls = CallCoordinator(line, scope, ::readPush, standing(), startPhone = startPhone)
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

    /** Signs in and stays so, also over the death of the process. */
    suspend fun signIn(account: Home.Account): SidetonePhone {
        home().keep(account)
        return calls.phone() as SidetonePhone
    }

    /** Who is signed in; null: nobody. */
    suspend fun account(): Home.Account? = home().account()

    /** Another ringtone than the system's; null: the system's. */
    fun setRingtone(tone: Uri?) {
        screens?.setRingtone(tone)
    }

    private fun home() = checkNotNull(home) { "call Sidetone.init in Application.onCreate first" }

    internal fun standing(): Standing = Standing(
        apiLevel = Build.VERSION.SDK_INT,
        visible = seen > 0,
        locked = application.service<KeyguardManager>().isKeyguardLocked,
        microphonePermitted = application.checkSelfPermission(Manifest.permission.RECORD_AUDIO) == PackageManager.PERMISSION_GRANTED,
        fullScreenPermitted = Build.VERSION.SDK_INT < 34 || Api34.fullScreen(application),
    )

    private fun watchNetwork(context: Context) {
        val callback = object : ConnectivityManager.NetworkCallback() {
            private var last: Pair<Network, Set<String>>? = null

            override fun onLinkPropertiesChanged(network: Network, link: LinkProperties) {
                val now = network to link.linkAddresses.map { it.address.hostAddress.orEmpty() }.toSet()
                if (last != null && last != now) coordinator?.networkChanged()
                last = now
            }
        }
        context.service<ConnectivityManager>().registerDefaultNetworkCallback(callback)
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
