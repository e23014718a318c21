package org.sidetone.sample

import org.sidetone.Route
import org.sidetone.sample.screens.AgentBar
import org.sidetone.sample.screens.CallCard
import org.sidetone.sample.screens.Choice
import org.sidetone.sample.screens.ConnectionLine
import org.sidetone.sample.screens.FeaturesPage
import org.sidetone.sample.screens.LevelLine
import org.sidetone.sample.screens.Light
import org.sidetone.sample.screens.MessagesPage
import org.sidetone.sample.screens.Recordings
import org.sidetone.sample.screens.Requirement
import org.sidetone.sample.screens.RequirementLine
import org.sidetone.sample.screens.Roster
import org.sidetone.sample.screens.RouteLine
import org.sidetone.sample.screens.Setting
import org.sidetone.sample.screens.SettingsPage
import org.sidetone.sample.screens.SupervisionCard
import org.sidetone.sample.screens.TeamPage
import org.sidetone.sample.screens.Together
import org.sidetone.sample.screens.Wish

/** A piece of a screen, as data; [show] makes views of it. */
internal sealed interface Piece

internal enum class Style { TITLE, PLAIN, SMALL, ASKED, AVATAR }

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
            small(listOfNotNull(bar.direct, bar.signedIn, bar.doubt)),
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

    fun connection(lines: List<ConnectionLine>): List<Piece> =
        lines.map { Card(listOf(Words("${it.title}: ${it.state}", Style.PLAIN, it.light), Words(it.why, Style.SMALL))) }

    fun of(page: FeaturesPage): Piece =
        Card(listOf(Words("What the server has", Style.TITLE)) + listOfNotNull(page.note?.let { Words(it, Style.SMALL) }) + page.lines.map { Words(it.words, Style.PLAIN, it.light) })

    fun of(page: SettingsPage, choose: (Route) -> Unit, pickRingtone: () -> Unit): List<Piece> {
        val pick = Press("Choose another", pickRingtone).takeIf { page.ringtone.locked == null }
        val profile = page.profile?.let {
            listOf(
                Words(it.initials, Style.AVATAR), Words(it.name), Words((listOf(it.address) + it.servers).joinToString("\n"), Style.SMALL), Words(it.note, Style.SMALL),
            )
        }
        return listOf(
            card("Audio", routes(page.routes, choose).orEmpty() + listOfNotNull(page.routesNote).map { Words(it, Style.SMALL) } + page.levels.map(::of) + listOfNotNull(page.levelsNote).map { Words(it, Style.SMALL) }),
            card("Ringtone", of(page.ringtone, listOfNotNull(pick))),
            card("Auto-answer", of(page.autoAnswer, page.autoAnswer.choices.map(::press))),
            card("Profile", profile ?: listOf(Words("Nobody is signed in.", Style.SMALL))),
            card("About", page.about.map { Words(it, Style.SMALL) }),
        )
    }

    /** Where the sound goes is marked; a touch has it go elsewhere. */
    fun routes(lines: List<RouteLine>, choose: (Route) -> Unit): Line? =
        line(lines.map { Press(if (it.isInUse) "✓ ${it.words}" else it.words) { choose(it.route) } })

    private fun of(it: LevelLine): Piece = Words("${it.title}: ${"▮".repeat(it.bars)}${"▯".repeat(LevelLine.MOST - it.bars)} ${it.words}")

    private fun of(it: Setting, buttons: List<Piece>): List<Piece> =
        listOfNotNull(Words(it.state, Style.PLAIN, it.light), it.locked?.let { Words("🔒 $it", Style.SMALL) }, line(buttons))

    private fun card(title: String, pieces: List<Piece>) = Card(listOf(Words(title, Style.TITLE)) + pieces)

    private fun press(it: Choice) = Press(it.words, it.wish?.let { wish -> { this.wish(wish) } })

    private fun line(buttons: List<Piece>) = if (buttons.isEmpty()) null else Line(buttons)

    private fun Line?.orEmpty() = listOfNotNull(this)

    private fun small(words: List<String>) = if (words.isEmpty()) null else Words(words.joinToString(" · "), Style.SMALL)

    private fun mark(word: String, isOpen: Boolean) = if (isOpen) "$word ▴" else "$word ▾"
}
