/// The messages that were written and that came in, latest first.
import Foundation
import Sidetone

public struct MessagesPage: Equatable, Sendable {
    /// Why none can be written, or why the list is empty.
    public let note: String?
    public let rows: [MessageRow]
    /// There are earlier ones.
    public let more: Bool
}

public struct MessageRow: Equatable, Sendable, Identifiable {
    public let id: UUID
    public let light: Light
    public let title: String
    public let text: String
    /// What has become of it, and when.
    public let state: String
    /// What happened and what to do, where it failed or is uncertain.
    public let advice: String?
    /// Whom a reply goes to; nil: the writer is hidden.
    public let reply: String?
    public let choices: [Choice]
}

public func messagesPage(
    _ page: MessagePage, _ snapshot: Snapshot, _ now: Date, _ calendar: Calendar = .current
) -> MessagesPage {
    let barred = withheld(snapshot, .messages)
    let rows = page.messages.map { row($0, mayWrite: barred == nil, now, calendar) }
    return MessagesPage(note: barred ?? (rows.isEmpty ? "No messages yet." : nil), rows: rows, more: page.more)
}

private func row(_ message: TextMessage, mayWrite: Bool, _ now: Date, _ calendar: Calendar) -> MessageRow {
    let (light, word): (Light, String) =
        switch message.state {
        case .received: (.ready, "came in")
        case .sending: (.paused, "on its way")
        case .accepted: (.busy, "the server has it")
        case .delivered: (.ready, "delivered")
        case .failed: (.alarm, "not delivered")
        case .uncertain: (.paused, "not certain")
        }
    let reply = mayWrite ? message.reply : nil
    let again = message.advice == nil ? nil : reply.map { Choice(words: "Send again", wish: .sendMessage(to: $0, text: message.text)) }
    return MessageRow(
        id: message.id, light: light, title: message.state == .received ? nameOf(message.party) : "to \(nameOf(message.party))",
        text: message.text, state: "\(word), \(time(message.at, now, calendar))", advice: message.advice.map(sentence),
        reply: reply, choices: again.map { [$0] } ?? [])
}

/// The time of today, else the day too.
private func time(_ at: Date, _ now: Date, _ calendar: Calendar) -> String {
    let it = calendar.dateComponents([.year, .month, .day, .hour, .minute], from: at)
    let time = "\(it.hour ?? 0):\(String(format: "%02d", it.minute ?? 0))"
    return calendar.isDate(at, inSameDayAs: now) ? time : "\(it.day ?? 0).\(it.month ?? 0).\(it.year ?? 0) \(time)"
}

/// So many of the last messages, in as many pages of the core's as that takes.
public func lastMessages(_ phone: SidetonePhone, _ count: Int) async throws -> MessagePage {
    let largest = 200
    var page = try await phone.messages(limit: UInt32(min(count, largest)))
    while page.more, page.messages.count < count, let last = page.messages.last {
        let next = try await phone.messages(before: last.id, limit: UInt32(min(count - page.messages.count, largest)))
        page = MessagePage(messages: page.messages + next.messages, more: next.more)
    }
    return page
}
