package org.sidetone.sample.screens

import java.time.Instant
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.util.UUID
import org.sidetone.SidetonePhone
import org.sidetone.ffi.Feature
import org.sidetone.ffi.MessagePage
import org.sidetone.ffi.MessageState
import org.sidetone.ffi.Snapshot
import org.sidetone.ffi.TextMessage

/** The messages that were written and that came in, latest first. */
data class MessagesPage(
    /** Why none can be written, or why the list is empty. */
    val note: String?,
    val rows: List<MessageRow>,
    /** There are earlier ones. */
    val more: Boolean,
)

data class MessageRow(
    val id: UUID,
    val light: Light,
    val title: String,
    val text: String,
    /** What has become of it, and when. */
    val state: String,
    /** What happened and what to do, where it failed or is uncertain. */
    val advice: String?,
    /** Whom a reply goes to; null: the writer is hidden. */
    val reply: String?,
    val choices: List<Choice>,
)

/** So many of the last messages, in as many pages of the core's as that takes. */
suspend fun lastMessages(phone: SidetonePhone, count: Int): MessagePage {
    var page = phone.messages(limit = minOf(count, LARGEST).toUInt())
    while (page.more && page.messages.size < count) {
        val next = phone.messages(page.messages.last().id, minOf(count - page.messages.size, LARGEST).toUInt())
        page = MessagePage(page.messages + next.messages, next.more)
    }
    return page
}

fun messagesPage(page: MessagePage, snapshot: Snapshot, now: Instant, zone: ZoneId = ZoneId.systemDefault()): MessagesPage {
    val withheld = withheld(snapshot, Feature.MESSAGES)
    val rows = page.messages.map { row(it, withheld == null, now, zone) }
    return MessagesPage(withheld ?: "No messages yet.".takeIf { rows.isEmpty() }, rows, page.more)
}

private fun row(message: TextMessage, mayWrite: Boolean, now: Instant, zone: ZoneId): MessageRow {
    val (light, word) = when (message.state) {
        is MessageState.Received -> Light.READY to "came in"
        is MessageState.Sending -> Light.PAUSED to "on its way"
        is MessageState.Accepted -> Light.BUSY to "the server has it"
        is MessageState.Delivered -> Light.READY to "delivered"
        is MessageState.Failed -> Light.ALARM to "not delivered"
        is MessageState.Uncertain -> Light.PAUSED to "not certain"
    }
    val isOurs = message.state !is MessageState.Received
    val reply = message.reply.takeIf { mayWrite }
    val again = reply?.takeIf { message.advice != null }?.let { Choice("Send again", Wish.SendMessage(it, message.text)) }
    return MessageRow(
        message.id, light, if (isOurs) "to ${nameOf(message.party)}" else nameOf(message.party), message.text,
        "$word, ${time(message.at, now, zone)}", message.advice?.let(::sentence),
        reply, listOfNotNull(again),
    )
}

/** The time of today, else the day too. */
private fun time(at: Instant, now: Instant, zone: ZoneId): String {
    val (then, today) = at.atZone(zone) to now.atZone(zone).toLocalDate()
    return DateTimeFormatter.ofPattern(if (then.toLocalDate() == today) "H:mm" else "d.M.yyyy H:mm").format(then)
}

/** The core's largest page. */
private const val LARGEST = 200
