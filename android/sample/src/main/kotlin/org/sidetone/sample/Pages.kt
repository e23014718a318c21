package org.sidetone.sample

import org.sidetone.sample.screens.AgentBar
import org.sidetone.sample.screens.CallCard
import org.sidetone.sample.screens.Choice
import org.sidetone.sample.screens.FeaturesPage
import org.sidetone.sample.screens.Light
import org.sidetone.sample.screens.MessagesPage
import org.sidetone.sample.screens.Recordings
import org.sidetone.sample.screens.Requirement
import org.sidetone.sample.screens.RequirementLine
import org.sidetone.sample.screens.Roster
import org.sidetone.sample.screens.SupervisionCard
import org.sidetone.sample.screens.TeamPage
import org.sidetone.sample.screens.Together
import org.sidetone.sample.screens.Wish

/** A piece of a screen, as data; [show] makes views of it. */
internal sealed interface Piece

internal enum class Style { TITLE, PLAIN, SMALL, ASKED }

/** Words, with a light before them, and what a touch does. */
internal class Words(val text: String, val style: Style = Style.PLAIN, val light: Light? = null, val touched: (() -> Unit)? = null) : Piece

/** A button; one that does nothing cannot be touched. */
internal class Press(val text: String, val touched: (() -> Unit)?) : Piece

/** Side by side, and on more lines where there is no room. */
internal class Line(val pieces: List<Piece>) : Piece

/** What belongs together. */
internal class Card(val pieces: List<Piece>) : Piece

/** What is open below the bar. */
internal enum class Panel { PAUSE, QUEUES }

internal class Pages(private val wish: (Wish) -> Unit) {
    fun of(bar: AgentBar, open: Panel?, toggle: (Panel) -> Unit): List<Piece> {
        val buttons = listOfNotNull(
            bar.ready?.let(::press),
            Press(mark("Pause", open == Panel.PAUSE)) { toggle(Panel.PAUSE) }.takeIf { bar.pauses.isNotEmpty() },
            Press(mark("Queues", open == Panel.QUEUES)) { toggle(Panel.QUEUES) }.takeIf { bar.queues.isNotEmpty() },
        )
        val more = when (open) {
            Panel.PAUSE -> bar.pauses
            Panel.QUEUES -> bar.queues + bar.pausedLogins
            null -> emptyList()
        }
        return listOfNotNull(
            Words(listOfNotNull(bar.state, bar.pause).joinToString("  "), Style.TITLE, bar.light),
            small(listOfNotNull(bar.signedIn, bar.doubt)),
            bar.requested?.let { Words(it, Style.ASKED) },
            line(buttons), line(more.map(::press)),
        )
    }

    fun of(card: CallCard): Piece = Card(
        listOfNotNull(
            Words(card.title, Style.TITLE, card.light),
            small(listOf(card.state, card.time) + card.marks),
        ) + card.supervision?.let(::of).orEmpty() + line(card.choices.map(::press)).orEmpty() + card.recordings?.let(::of).orEmpty(),
    )

    private fun of(it: SupervisionCard): List<Piece> = listOfNotNull(
        Words(it.mode), it.requested?.let { Words(it, Style.ASKED) },
        Words(it.microphone, Style.PLAIN, if (it.isHeard) Light.ALARM else Light.OFF),
        it.follow?.let { Words(it, Style.SMALL) }, line(it.choices.map(::press)),
    )

    private fun of(it: Recordings): List<Piece> = it.lines.flatMap { line ->
        listOfNotNull(
            Words(line.state, Style.PLAIN, line.light), line.requested?.let { Words(it, Style.ASKED) },
            line.why?.let { Words(it, Style.SMALL) }, line(line.choices.map(::press)),
        )
    } + listOfNotNull(it.why?.let { Words(it, Style.SMALL) }, it.start?.let { line(listOf(press(it))) })

    fun of(together: Together): Piece = Card(listOf(Words(together.words)) + line(together.choices.map(::press)).orEmpty())

    fun of(page: MessagesPage, reply: (String) -> Unit, earlier: () -> Unit): List<Piece> =
        listOfNotNull(page.note?.let { Words(it, Style.SMALL) }) + page.rows.map { row ->
            val buttons = listOfNotNull(row.reply?.let { to -> Press("Reply") { reply(to) } }) + row.choices.map(::press)
            Card(
                listOfNotNull(
                    Words(row.title, Style.PLAIN, row.light), Words(row.text), small(listOf(row.state)),
                    row.advice?.let { Words(it, Style.SMALL) }, line(buttons),
                ),
            )
        } + listOfNotNull(Line(listOf(Press("Earlier", earlier))).takeIf { page.more })

    fun of(page: TeamPage): List<Piece> =
        listOfNotNull(page.note?.let { Words(it, Style.SMALL) }, page.warning?.let { Words(it, Style.SMALL) }) + page.rows.map { row ->
            val number = row.number ?: "no number to call"
            Card(listOfNotNull(Words(row.name, Style.PLAIN, row.light), small(listOf(row.state, number)), line(row.choices.map(::press))))
        }

    fun of(roster: Roster): List<Piece> = listOfNotNull(roster.note?.let { Words(it, Style.SMALL) }) + roster.rows.map { row ->
        Card(listOfNotNull(Words(row.title, Style.PLAIN, row.light), small(listOf(row.state)), line(row.choices.map(::press))))
    }

    fun of(lines: List<RequirementLine>, mend: (Requirement) -> Unit): List<Piece> = lines.map { line ->
        Card(
            listOfNotNull(
                Words("${line.requirement.title}: ${line.state}", Style.PLAIN, line.light), Words(line.requirement.why, Style.SMALL),
                line.mend?.let { words -> Line(listOf(Press(words) { mend(line.requirement) })) },
            ),
        )
    }

    fun of(page: FeaturesPage): Piece =
        Card(listOf(Words("What the server has", Style.TITLE)) + listOfNotNull(page.note?.let { Words(it, Style.SMALL) }) + page.lines.map { Words(it.words, Style.PLAIN, it.light) })

    private fun press(it: Choice) = Press(it.words, it.wish?.let { wish -> { this.wish(wish) } })

    private fun line(buttons: List<Piece>) = if (buttons.isEmpty()) null else Line(buttons)

    private fun Line?.orEmpty() = listOfNotNull(this)

    private fun small(words: List<String>) = if (words.isEmpty()) null else Words(words.joinToString(" · "), Style.SMALL)

    private fun mark(word: String, isOpen: Boolean) = if (isOpen) "$word ▴" else "$word ▾"
}
