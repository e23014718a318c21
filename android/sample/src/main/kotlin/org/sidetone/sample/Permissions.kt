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
import android.provider.Settings

/**
 * What the user has not permitted, and what comes of it: a sentence each, and the page of the settings where it is permitted.
 *
 * Sources: developer.android.com/develop/ui/views/notifications/notification-permission (API 33),
 * source.android.com/docs/core/permissions/fsi-limits (API 34), developer.android.com/develop/connectivity/bluetooth/bt-permissions (API 31).
 */
enum class Missing(val sentence: String) {
    MICROPHONE("Others cannot hear you: the microphone is not permitted. Touch here to permit it."),
    NOTIFICATIONS("You do not see calls while this app is closed: notifications are not permitted. Touch here to permit them."),
    FULL_SCREEN("Calls do not show over the lock screen: full-screen notifications are not permitted. Touch here to permit them."),
    HEADSET_NAMES("Headsets are shown without their names: nearby devices are not permitted. Touch here to permit them."),
}

/** Asks for what Android asks the user for; what is refused is said by [missing]. */
fun Activity.askForPermissions() {
    val wanted = mutableListOf(Manifest.permission.RECORD_AUDIO)
    if (Build.VERSION.SDK_INT >= 31) wanted += Manifest.permission.BLUETOOTH_CONNECT
    if (Build.VERSION.SDK_INT >= 33) wanted += "android.permission.POST_NOTIFICATIONS"
    val open = wanted.filterNot(::permitted)
    if (open.isNotEmpty()) requestPermissions(open.toTypedArray(), 1)
}

fun Context.missing(): List<Missing> {
    val notifications = getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager
    return Missing.entries.filterNot {
        when (it) {
            Missing.MICROPHONE -> permitted(Manifest.permission.RECORD_AUDIO)
            // Of all versions: before 13 the user can only take it away, in the settings.
            Missing.NOTIFICATIONS -> notifications.areNotificationsEnabled()
            Missing.FULL_SCREEN -> Build.VERSION.SDK_INT < 34 || Api34.fullScreen(notifications)
            Missing.HEADSET_NAMES -> Build.VERSION.SDK_INT < 31 || permitted(Manifest.permission.BLUETOOTH_CONNECT)
        }
    }
}

/** A refused permission is not asked for a second time by Android: the settings are the way that always works. */
fun Activity.openSettings(missing: Missing) {
    val app = Uri.fromParts("package", packageName, null)
    val details = Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, app)
    val page = when (missing) {
        Missing.MICROPHONE, Missing.HEADSET_NAMES -> details
        Missing.NOTIFICATIONS -> Intent(Settings.ACTION_APP_NOTIFICATION_SETTINGS).putExtra(Settings.EXTRA_APP_PACKAGE, packageName)
        Missing.FULL_SCREEN -> if (Build.VERSION.SDK_INT >= 34) Api34.page(app) else details
    }
    try {
        startActivity(page)
    } catch (e: ActivityNotFoundException) {
        // Some makers left the page out.
        startActivity(details)
    }
}

private fun Context.permitted(permission: String) = checkSelfPermission(permission) == PackageManager.PERMISSION_GRANTED

@TargetApi(34)
private object Api34 {
    fun fullScreen(notifications: NotificationManager) = notifications.canUseFullScreenIntent()

    fun page(app: Uri) = Intent(Settings.ACTION_MANAGE_APP_USE_FULL_SCREEN_INTENT, app)
}
