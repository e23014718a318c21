package org.sidetone.sample

import android.util.Log
import com.google.firebase.FirebaseApp
import com.google.firebase.messaging.FirebaseMessaging
import com.google.firebase.messaging.FirebaseMessagingService
import com.google.firebase.messaging.RemoteMessage
import kotlin.concurrent.thread
import kotlinx.coroutines.runBlocking
import org.sidetone.Refusal
import org.sidetone.sdk.Sidetone

/**
 * All that Firebase is for: a push goes to the library at once, a token to the server by way of it. The library knows no Firebase.
 *
 * Source: firebase.google.com/docs/cloud-messaging/android/receive.
 */
class PushService : FirebaseMessagingService() {
    override fun onMessageReceived(message: RemoteMessage) {
        Sidetone.onPush(message.data)
    }

    // Firebase calls on a thread that may wait, and keeps the process until this returns.
    override fun onNewToken(token: String) = keep(token)
}

internal const val HAS_PUSHES = true

/** Firebase tells of a new token once; what this app has kept of it may be lost with the device's key. */
internal fun askForPushToken() {
    FirebaseMessaging.getInstance().token.addOnSuccessListener { token -> thread { keep(token) } }
}

private fun keep(token: String) {
    try {
        runBlocking { Sidetone.setPushToken(FirebaseApp.getInstance().options.projectId.orEmpty(), token) }
    } catch (e: Refusal) {
        // It is kept all the same, and handed over when the phone registers next.
        Log.w("Sidetone", "The server was not told where pushes go", e)
    }
}
