package org.sidetone.sample

import android.content.Context
import android.content.Intent
import android.media.RingtoneManager
import android.net.Uri
import android.provider.MediaStore
import android.provider.Settings
import org.sidetone.sdk.Sidetone

/** The ringtone that the user has picked, also in an earlier process; null: the system's. */
internal fun Context.keptRingtone(): Uri? = kept().getString(RINGTONE, null)?.let(Uri::parse)

/** Rings by this one from now on; null: by the system's. */
internal fun Context.keepRingtone(tone: Uri?) {
    kept().edit().putString(RINGTONE, tone?.toString()).apply()
    Sidetone.setRingtone(tone)
}

/** As the picker calls it; null: the system's. */
internal fun Context.ringtoneName(): String? = keptRingtone()?.let { tone ->
    try {
        contentResolver.query(tone, arrayOf(MediaStore.MediaColumns.TITLE), null, null, null)
            ?.use { if (it.moveToFirst()) it.getString(0) else null } ?: "one that is gone: the phone only vibrates"
    } catch (e: SecurityException) {
        // One of the user's own recordings, whose name this app may not read.
        "another than the system's"
    }
}

/** The system's page of ringtones, on which the system's own is the first. */
internal fun Context.ringtonePicker(): Intent = Intent(RingtoneManager.ACTION_RINGTONE_PICKER)
    .putExtra(RingtoneManager.EXTRA_RINGTONE_TYPE, RingtoneManager.TYPE_RINGTONE)
    .putExtra(RingtoneManager.EXTRA_RINGTONE_SHOW_DEFAULT, true)
    .putExtra(RingtoneManager.EXTRA_RINGTONE_SHOW_SILENT, false)
    .putExtra(RingtoneManager.EXTRA_RINGTONE_EXISTING_URI, keptRingtone() ?: Settings.System.DEFAULT_RINGTONE_URI)

/** What was picked there; null: the system's. */
@Suppress("DEPRECATION")
internal fun pickedRingtone(answer: Intent): Uri? =
    answer.getParcelableExtra<Uri>(RingtoneManager.EXTRA_RINGTONE_PICKED_URI)?.takeIf { it != Settings.System.DEFAULT_RINGTONE_URI }

private fun Context.kept() = getSharedPreferences("settings", Context.MODE_PRIVATE)

private const val RINGTONE = "ringtone"
