package org.sidetone.device

import android.Manifest
import android.app.Application
import android.app.Notification
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.ComponentName
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.content.pm.ServiceInfo
import android.os.Build
import android.os.Looper
import java.util.UUID
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.android.controller.ServiceController
import org.sidetone.sample.PhoneActivity
import org.sidetone.sdk.CallReceiver
import org.sidetone.sdk.CallService

/**
 * The rest of the system as far as a call meets it: starts the app's service and activity, shows its notification, and has a
 * user who touches the notification's buttons. Main thread.
 */
class Shell(private val application: Application) {
    private var service: ServiceController<CallService>? = null
    private var activity: ActivityController<PhoneActivity>? = null
    private var isOpen = false
    private var touched = false
    private var starts = 0

    val isServiceThere get() = service != null

    /** There, or to be started: its notification comes with it. */
    val isServiceAsked get() = isServiceThere || shadowOf(application).peekNextStartedService() != null

    /** Starts and ends what the app has asked for since, and looks at how it stands. */
    fun poll() {
        while (true) {
            val intent = shadowOf(application).nextStartedService ?: break
            if (intent.component?.className != CallService::class.java.name) continue
            val running = service ?: Robolectric.buildService(CallService::class.java, intent).create().also { service = it }
            running.startCommand(0, ++starts)
            shadowOf(Looper.getMainLooper()).idle()
            val stands = shadowOf(running.get())
            if (stands.lastForegroundNotification == null && !stands.isForegroundStopped) {
                broken("service_in_foreground", "the service was started by startForegroundService and is not in the foreground")
            }
        }
        service?.let { if (shadowOf(it.get()).isStoppedBySelf) leave(it) else look(it.get()) }
    }

    private fun leave(controller: ServiceController<CallService>) {
        controller.destroy()
        service = null
        // The call is over, and the phone goes back into the pocket.
        activity?.takeIf { isOpen }?.pause()?.stop()
        isOpen = false
        touched = false
    }

    private fun look(service: CallService) {
        if (Build.VERSION.SDK_INT < 29) return
        val types = service.foregroundServiceType
        if (types and ServiceInfo.FOREGROUND_SERVICE_TYPE_PHONE_CALL == 0) broken("service_has_type", "the service is not of type phoneCall")
        if (Build.VERSION.SDK_INT < 30 || types and ServiceInfo.FOREGROUND_SERVICE_TYPE_MICROPHONE == 0) return
        if (application.checkSelfPermission(Manifest.permission.RECORD_AUDIO) != PackageManager.PERMISSION_GRANTED) {
            broken("microphone_permitted", "the service has the type microphone without RECORD_AUDIO")
        }
        if (!touched) broken("microphone_while_in_use", "the service has taken the microphone, and the user has touched and seen nothing of the app")
    }

    /** The notification of the calls, where one is shown. */
    fun notification(): Notification? = service?.get()?.let { shadowOf(it) }?.takeUnless { it.isForegroundStopped }?.lastForegroundNotification

    fun notices(): Int = (application.getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager).activeNotifications.size

    enum class Button(val extra: String, val label: String) {
        ANSWER("android.answerIntent", "Answer"), DECLINE("android.declineIntent", "Decline"), HANG_UP("android.hangUpIntent", "Hang up")
    }

    /** What this button of this call's notification does; null: it is not there. */
    fun button(button: Button, call: UUID): PendingIntent? {
        val shown = notification() ?: return null
        @Suppress("DEPRECATION")
        val action: PendingIntent? = if (Build.VERSION.SDK_INT >= 31) shown.extras.getParcelable(button.extra)
        else shown.actions?.firstOrNull { it.title.toString() == button.label }?.actionIntent
        return action?.takeIf { shadowOf(it).savedIntent.getStringExtra("org.sidetone.call") == call.toString() }
    }

    fun touch(action: PendingIntent) {
        touched = true
        val intent = shadowOf(action).savedIntent
        when {
            shadowOf(action).isActivityIntent -> open(intent)
            intent.component?.className == CallReceiver::class.java.name -> CallReceiver().onReceive(application, intent)
            else -> error("a button that leads to ${intent.component}")
        }
    }

    fun open(intent: Intent = Intent().setComponent(ComponentName(application, PhoneActivity::class.java))) {
        touched = true
        check(intent.component?.className == PhoneActivity::class.java.name) { "opens ${intent.component}" }
        val there = activity
        when {
            there == null -> activity = Robolectric.buildActivity(PhoneActivity::class.java, intent).create().start().resume()
            isOpen -> there.newIntent(intent)
            else -> there.restart().newIntent(intent).resume()
        }
        isOpen = true
    }
}
