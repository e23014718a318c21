package org.sidetone.sample

import android.Manifest
import android.annotation.TargetApi
import android.app.Activity
import android.app.NotificationManager
import android.content.ActivityNotFoundException
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.os.PowerManager
import android.provider.Settings
import android.telecom.TelecomManager
import org.sidetone.ffi.ProblemCause
import org.sidetone.ffi.Snapshot
import org.sidetone.sample.screens.DeviceState
import org.sidetone.sample.screens.Met
import org.sidetone.sample.screens.PushState
import org.sidetone.sample.screens.Requirement
import org.sidetone.sdk.PhoneAccountState
import org.sidetone.sdk.Sidetone

/** Asks for what Android asks the user for; what is refused is said by the screens. */
fun Activity.askForPermissions() {
    val wanted = mutableListOf(Manifest.permission.RECORD_AUDIO)
    if (Build.VERSION.SDK_INT >= 31) wanted += Manifest.permission.BLUETOOTH_CONNECT
    if (Build.VERSION.SDK_INT >= 33) wanted += "android.permission.POST_NOTIFICATIONS"
    val open = wanted.filterNot(::permitted)
    if (open.isNotEmpty()) requestPermissions(open.toTypedArray(), 1)
}

/**
 * Whether the device meets a [Requirement].
 *
 * Sources: developer.android.com/develop/ui/views/notifications/notification-permission (API 33),
 * source.android.com/docs/core/permissions/fsi-limits (API 34), developer.android.com/develop/connectivity/bluetooth/bt-permissions (API 31),
 * developer.android.com/training/monitoring-device-state/doze-standby.
 */
fun Context.met(requirement: Requirement): Met = when (requirement) {
    Requirement.MICROPHONE -> met(permitted(Manifest.permission.RECORD_AUDIO))
    // Of all versions: before 13 the user can only take it away, in the settings.
    Requirement.NOTIFICATIONS -> met(notifications().areNotificationsEnabled())
    Requirement.FULL_SCREEN -> if (Build.VERSION.SDK_INT >= 34) met(Api34.fullScreen(notifications())) else Met.NOT_NEEDED
    Requirement.HEADSET_NAMES -> if (Build.VERSION.SDK_INT >= 31) met(permitted(Manifest.permission.BLUETOOTH_CONNECT)) else Met.NOT_NEEDED
    Requirement.BATTERY -> met((getSystemService(Context.POWER_SERVICE) as PowerManager).isIgnoringBatteryOptimizations(packageName))
    Requirement.PUSH_TOKEN -> met(Sidetone.isWakeable)
    Requirement.PHONE_ACCOUNT -> when (Sidetone.phoneAccount()) {
        PhoneAccountState.REGISTERED -> Met.YES
        PhoneAccountState.MISSING -> Met.NO
        PhoneAccountState.NOT_TOLD -> Met.NOT_TOLD
        PhoneAccountState.NO_TELECOM -> Met.NOT_NEEDED
    }
}

/** What calls suffer from at once. */
fun Context.missing(): List<Requirement> = Requirement.entries.filter { it.missing != null && met(it) == Met.NO }

fun Context.deviceState(snapshot: Snapshot?) = DeviceState(Requirement.entries.associateWith(::met), pushState(snapshot))

private fun pushState(snapshot: Snapshot?): PushState {
    val refusal = snapshot?.registration?.problem?.takeIf { it.cause == ProblemCause.PUSH_REFUSED }
    return when {
        !HAS_PUSHES -> PushState.NoService
        !Sidetone.isWakeable -> PushState.NoToken
        refusal != null -> PushState.Refused(refusal.text)
        else -> PushState.Token
    }
}

/** Where it is mended. A refused permission is not asked for a second time by Android: the settings are the way that always works. */
fun Activity.mend(requirement: Requirement) {
    val app = Uri.fromParts("package", packageName, null)
    val details = Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, app)
    val page = when (requirement) {
        Requirement.MICROPHONE, Requirement.HEADSET_NAMES -> details
        Requirement.NOTIFICATIONS -> Intent(Settings.ACTION_APP_NOTIFICATION_SETTINGS).putExtra(Settings.EXTRA_APP_PACKAGE, packageName)
        Requirement.FULL_SCREEN -> if (Build.VERSION.SDK_INT >= 34) Api34.page(app) else details
        // The list of all apps: the question for this one alone needs a permission that shops of apps do not like.
        Requirement.BATTERY -> Intent(Settings.ACTION_IGNORE_BATTERY_OPTIMIZATION_SETTINGS)
        Requirement.PUSH_TOKEN -> return askForPushToken()
        Requirement.PHONE_ACCOUNT -> {
            Sidetone.registerPhoneAccount()
            if (Sidetone.phoneAccount() != PhoneAccountState.MISSING) return
            Intent(TelecomManager.ACTION_CHANGE_PHONE_ACCOUNTS)
        }
    }
    try {
        startActivity(page)
    } catch (e: ActivityNotFoundException) {
        // Some makers left the page out.
        startActivity(details)
    }
}

private fun Context.notifications() = getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager

private fun met(isSo: Boolean) = if (isSo) Met.YES else Met.NO

private fun Context.permitted(permission: String) = checkSelfPermission(permission) == PackageManager.PERMISSION_GRANTED

@TargetApi(34)
private object Api34 {
    fun fullScreen(notifications: NotificationManager) = notifications.canUseFullScreenIntent()

    fun page(app: Uri) = Intent(Settings.ACTION_MANAGE_APP_USE_FULL_SCREEN_INTENT, app)
}
