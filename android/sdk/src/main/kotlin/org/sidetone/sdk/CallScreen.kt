package org.sidetone.sdk

import android.annotation.TargetApi
import android.app.Activity
import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.app.Person
import android.app.Service
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.content.pm.ServiceInfo
import android.net.Uri
import android.os.Build
import android.os.Handler
import android.os.IBinder
import android.os.Looper
import java.util.UUID
import org.sidetone.Alert
import org.sidetone.Cause
import org.sidetone.Hindrance
import org.sidetone.Screen
import org.sidetone.ServiceType
import org.sidetone.Shown
import org.sidetone.Supervising

/** The words in notifications; give your own to translate them. */
data class Texts(
    val channelIncoming: String = "Incoming calls",
    val channelOngoing: String = "Calls",
    val channelMissed: String = "Missed calls",
    val unknown: String = "Unknown caller",
    val arriving: String = "A call is arriving",
    val answer: String = "Answer",
    val decline: String = "Decline",
    val hangUp: String = "Hang up",
    val missed: String = "Missed call",
    val elsewhere: String = "Answered on another phone",
    val openToSpeak: String = "Open the app to be heard",
    val permitMicrophone: String = "Permit the microphone to be heard",
    val supervises: String = "Supervising",
    val listens: String = "Listening: nobody hears you",
    val whispers: String = "Whispering to the agent",
    val bargesIn: String = "Barging in on the call",
    val unheard: String = "On hold: nobody hears you",
    val waitsForCall: String = "Waiting for the agent's next call",
) {
    /** One line below the name, or behind it. */
    internal fun detail(shown: Shown): String? = when (shown.supervision) {
        null -> shown.detail
        Supervising.ASKED -> supervises
        Supervising.LISTENS -> listens
        Supervising.WHISPERS -> whispers
        Supervising.BARGES_IN -> bargesIn
        Supervising.UNHEARD -> unheard
        Supervising.WAITS -> waitsForCall
    }
}

/** What is seen and heard of calls outside the app: notification, foreground service, ringing. Shows what was decided. */
internal class CallScreen(private val context: Context, private val activity: Class<out Activity>, private val texts: Texts) {
    private val notifications = context.service<NotificationManager>()
    private val main = Handler(Looper.getMainLooper())
    private val ringer = Ringer(context)
    internal var screen = Screen.EMPTY
        private set
    private var service: CallService? = null
    private var starting = false

    init {
        // The ringtone is ours to play: a channel's sound would not loop.
        channel(INCOMING, texts.channelIncoming, NotificationManager.IMPORTANCE_HIGH)
        channel(ONGOING, texts.channelOngoing, NotificationManager.IMPORTANCE_LOW)
        channel(MISSED, texts.channelMissed, NotificationManager.IMPORTANCE_DEFAULT)
    }

    private fun channel(id: String, name: String, importance: Int) {
        val channel = NotificationChannel(id, name, importance)
        if (id == INCOMING) channel.setSound(null, null)
        channel.lockscreenVisibility = Notification.VISIBILITY_PUBLIC
        notifications.createNotificationChannel(channel)
    }

    fun show(next: Screen) {
        // A push lets us start a service only while its handler runs: not by way of the main thread.
        synchronized(this) {
            screen = next
            if (next.foreground.types.isNotEmpty() && service == null && !starting) starting = start(next)
        }
        main.post {
            ringer.set(screen.ring)
            service?.apply()
        }
    }

    private fun start(next: Screen): Boolean = try {
        context.startForegroundService(Intent(context, CallService::class.java))
        true
    } catch (e: IllegalStateException) {
        // Not allowed from where we are (ForegroundServiceStartNotAllowedException): still to be seen.
        notifications.notify(ID, notification(next))
        false
    }

    /** The service is there. It must be in the foreground at once, also when the call is over by now. */
    fun serviceStarted(started: CallService) {
        synchronized(this) {
            service = started
            starting = false
        }
        started.apply()
    }

    fun serviceGone() {
        service = null
    }

    /** Who it is, in one line, for a car or a watch. */
    fun name(shown: Shown): String {
        val supervision = texts.detail(shown).takeIf { shown.supervision != null }
        return listOfNotNull(shown.title, supervision).joinToString(" · ")
    }

    fun setRingtone(tone: Uri?) {
        main.post { ringer.ringtone = tone }
    }

    fun notice(call: UUID, shown: Shown, cause: Cause) {
        val text = if (cause == Cause.ANSWERED_ELSEWHERE) texts.elsewhere else texts.missed
        val notice = Notification.Builder(context, MISSED).setSmallIcon(android.R.drawable.sym_call_missed)
            .setContentTitle(shown.title ?: texts.unknown).setContentText(listOfNotNull(text, shown.detail).joinToString(" · "))
            .setCategory(Notification.CATEGORY_MISSED_CALL)
            .setContentIntent(open(Sidetone.ACTION_OPEN, null)).setAutoCancel(true).build()
        notifications.notify(call.toString(), ID, notice)
    }

    fun notification(screen: Screen): Notification {
        val name = screen.shown?.title ?: texts.unknown
        val alert = screen.foreground.alert
        val rings = alert == Alert.FULL_SCREEN || alert == Alert.HEADS_UP
        val hint = when {
            Hindrance.MICROPHONE_NOT_PERMITTED in screen.foreground.hindrances -> texts.permitMicrophone
            Hindrance.OPEN_APP_TO_SPEAK in screen.foreground.hindrances -> texts.openToSpeak
            alert == Alert.QUIET || alert == Alert.NONE -> texts.arriving
            else -> screen.shown?.let(texts::detail)
        }
        val builder = Notification.Builder(context, if (rings) INCOMING else ONGOING)
            .setSmallIcon(android.R.drawable.sym_call_incoming)
            .setContentTitle(name).setContentText(hint)
            .setCategory(Notification.CATEGORY_CALL).setOngoing(true)
            .setContentIntent(open(Sidetone.ACTION_OPEN, screen.call))
        if (alert == Alert.FULL_SCREEN) builder.setFullScreenIntent(open(Sidetone.ACTION_OPEN, screen.call), true)
        val call = screen.call
        if (call != null && (rings || alert == Alert.ONGOING)) {
            // The answer opens the activity itself: an activity may not be started by way of a receiver (Android 12).
            val answer = open(Sidetone.ACTION_ANSWER, call)
            val decline = send(Sidetone.ACTION_DECLINE, call)
            val hangUp = send(Sidetone.ACTION_HANG_UP, call)
            when {
                Build.VERSION.SDK_INT >= 31 -> Api31.style(builder, name, rings, answer, decline, hangUp)
                rings -> {
                    builder.addAction(action(texts.decline, decline))
                    builder.addAction(action(texts.answer, answer))
                }
                else -> builder.addAction(action(texts.hangUp, hangUp))
            }
        }
        return builder.build()
    }

    private fun action(text: String, intent: PendingIntent): Notification.Action =
        Notification.Action.Builder(null, text, intent).build()

    private fun open(action: String, call: UUID?): PendingIntent {
        val intent = Intent(context, activity).setAction(action).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK)
        call?.let { intent.putExtra(Sidetone.EXTRA_CALL, it.toString()) }
        return PendingIntent.getActivity(context, action.hashCode(), intent, FLAGS)
    }

    private fun send(action: String, call: UUID): PendingIntent {
        val intent = Intent(context, CallReceiver::class.java).setAction(action).putExtra(Sidetone.EXTRA_CALL, call.toString())
        return PendingIntent.getBroadcast(context, action.hashCode(), intent, FLAGS)
    }

    /** The system's own look of a call, since Android 12. */
    @TargetApi(31)
    private object Api31 {
        fun style(
            builder: Notification.Builder, name: String, rings: Boolean,
            answer: PendingIntent, decline: PendingIntent, hangUp: PendingIntent,
        ) {
            val person = Person.Builder().setName(name).setImportant(true).build()
            builder.setStyle(
                if (rings) Notification.CallStyle.forIncomingCall(person, decline, answer)
                else Notification.CallStyle.forOngoingCall(person, hangUp),
            )
        }
    }

    internal companion object {
        const val ID = 0x51de
        const val INCOMING = "sidetone.incoming"
        const val ONGOING = "sidetone.ongoing"
        const val MISSED = "sidetone.missed"
        const val FLAGS = PendingIntent.FLAG_UPDATE_CURRENT or PendingIntent.FLAG_IMMUTABLE
    }
}

/** The foreground service of our calls: its types and its notification are what [CallScreen] says. */
class CallService : Service() {
    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
        Sidetone.screens?.serviceStarted(this) ?: stopSelf()
        // A new process has no calls; who is announced to it starts the service anew.
        return START_NOT_STICKY
    }

    override fun onDestroy() {
        Sidetone.screens?.serviceGone()
        super.onDestroy()
    }

    internal fun apply() {
        val screens = Sidetone.screens ?: return
        val screen = screens.screen
        val notification = screens.notification(screen)
        val types = screen.foreground.types
        when {
            Build.VERSION.SDK_INT >= 29 -> Api29.start(this, notification, types)
            else -> startForeground(CallScreen.ID, notification)
        }
        if (types.isEmpty()) {
            stopForeground(STOP_FOREGROUND_REMOVE)
            stopSelf()
        }
    }

    @TargetApi(29)
    private object Api29 {
        fun start(service: Service, notification: Notification, types: Set<ServiceType>) {
            val phone = ServiceInfo.FOREGROUND_SERVICE_TYPE_PHONE_CALL
            val both = if (ServiceType.MICROPHONE in types) phone or ServiceInfo.FOREGROUND_SERVICE_TYPE_MICROPHONE else phone
            try {
                service.startForeground(CallScreen.ID, notification, both)
            } catch (e: SecurityException) {
                // A permission taken away a moment ago: the call goes on, unheard, and the notification says so.
                service.startForeground(CallScreen.ID, notification, phone)
            }
        }
    }
}

/** The buttons of the notification that open nothing. */
class CallReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        Sidetone.handle(intent)
    }
}
