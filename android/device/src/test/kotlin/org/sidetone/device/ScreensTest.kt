package org.sidetone.device

import java.io.File
import java.time.Instant
import java.time.ZoneOffset
import java.util.UUID
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.mapNotNull
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.sidetone.CallCoordinator
import org.sidetone.Home
import org.sidetone.Refusal
import org.sidetone.Route
import org.sidetone.Routing
import org.sidetone.SidetonePhone
import org.sidetone.Standing
import org.sidetone.ffi.*
import org.sidetone.sample.screens.*
import org.sidetone.testing.FakeTelecom

/** What the screens show of real snapshots, and what their buttons ask: the core in this process, at the model PBX. */
class ScreensTest {
    private val server = Server()
    private val phones = ArrayList<SidetonePhone>()

    /** No screen here sends it anything. */
    private val nobody = Standing(35, visible = true).let { standing ->
        CallCoordinator(FakeTelecom(standing, queue = { it() }), CoroutineScope(SupervisorJob() + Dispatchers.Default), { error("no push here") }, standing) {
            error("no phone here")
        }
    }

    @After
    fun end() {
        runBlocking { phones.forEach { it.shutdown() } }
        server.stop()
    }

    private fun test(body: suspend () -> Unit) = runBlocking { withTimeout(40.seconds) { body() } }

    private suspend fun phone(user: String, answers: AnswerMode = AnswerMode.MANUAL): SidetonePhone {
        val phone = SidetonePhone.start(server.config(user).copy(answerMode = answers)).also { phones += it }
        phone.signIn()
        phone.until("registered") { it.registration.state == RegistrationState.REGISTERED }
        return phone
    }

    private suspend fun SidetonePhone.until(what: String, condition: (Snapshot) -> Boolean): Snapshot = try {
        withTimeout(8.seconds) { snapshot.first(condition) }
    } catch (e: TimeoutCancellationException) {
        throw AssertionError("not $what: ${snapshot.value}")
    }

    private suspend fun SidetonePhone.bar(what: String, condition: (AgentBar) -> Boolean): AgentBar =
        agentBar(until(what) { snapshot -> agentBar(snapshot, Instant.now())?.let(condition) == true }, Instant.now())!!

    private suspend fun SidetonePhone.card(what: String, condition: (CallCard) -> Boolean): CallCard =
        callCards(until(what) { snapshot -> callCards(snapshot, Instant.now()).any(condition) }, Instant.now()).first(condition)

    /** The first event of which this makes something: a snapshot may be passed over, an event is not. */
    private suspend fun <T : Any> SidetonePhone.asked(of: (Event) -> T?): T = withTimeout(8.seconds) { events().mapNotNull { of(it.event) }.first() }

    private suspend fun SidetonePhone.touch(choices: List<Choice>, words: String) {
        val choice = choices.firstOrNull { it.words == words } ?: throw AssertionError("no $words among $choices")
        send(choice.wish ?: throw AssertionError("$words cannot be touched"), nobody, this)
    }

    private fun words(choices: List<Choice>) = choices.map { it.words }

    /** A customer calls, the agent answers, and both talk. */
    private suspend fun talk(agent: SidetonePhone, number: String): UUID {
        val customer = phone("customer1")
        customer.dial(number)
        val call = agent.until("ringing") { it.calls.singleOrNull()?.state == CallState.RINGING }.calls.single()
        assertEquals(listOf("Answer", "Decline"), words(callCards(agent.snapshot.value, Instant.now()).single().choices))
        agent.answer(call.id)
        agent.card("talking") { it.state == "talking" }
        return call.id
    }

    @Test
    fun `the bar of an agent from his first queue to his good-bye`() = test {
        val agent = phone("agent1")
        val out = agent.bar("logged out") { it.state == "logged out" }
        assertEquals(Light.OFF, out.light)
        assertEquals(listOf("Log in to all", "Log in to desk1", "Log in to back1"), words(out.queues))
        assertEquals(listOf("break", "lunch", "training").map { "Log in paused: $it" }, words(out.pausedLogins))
        assertNull(out.ready)

        agent.touch(out.queues, "Log in to desk1")
        val asks = agent.asked { (it as? Event.AgentChanged)?.let { news -> agentBar(agent.snapshot.value.copy(agent = news.agent), Instant.now()) }?.takeIf { it.requested != null } }
        assertEquals("logging in to desk1…", asks.requested)
        assertTrue("nothing else can be asked for meanwhile", (asks.queues + asks.pausedLogins).all { it.wish == null })
        val ready = agent.bar("ready") { it.state == "ready" && it.requested == null }
        assertEquals(Light.READY, ready.light)
        assertTrue(ready.signedIn, ready.signedIn!!.startsWith("in desk1, signed in for 0:0"))
        assertEquals(listOf("Log in to all", "Log out of all", "Log out of desk1", "Log in to back1"), words(ready.queues))
        assertEquals(emptyList<Choice>(), ready.pausedLogins)

        agent.touch(ready.pauses, "lunch")
        val lunch = agent.bar("paused") { it.state == "paused: lunch" && it.requested == null }
        assertEquals(Light.PAUSED, lunch.light)
        val snapshot = agent.snapshot.value
        val later = snapshot.agent!!.pause!!.since!!.plusSeconds(3_725)
        assertEquals("the clocks tick by the times of the snapshot", "for 1:02:05", agentBar(snapshot, later)!!.pause)
        assertEquals("a pause on a pause is not offered", emptyList<Choice>(), lunch.pauses)

        agent.touch(listOf(lunch.ready!!), "Ready")
        val back = agent.bar("ready again") { it.state == "ready" && it.requested == null }
        agent.touch(back.queues, "Log out of all")
        assertNull(agent.bar("out") { it.state == "logged out" && it.requested == null }.signedIn)

        agent.touch(out.pausedLogins, "Log in paused: break")
        agent.bar("in, paused") { it.state == "paused: break" && it.signedIn!!.startsWith("in desk1 (paused), back1 (paused)") }
        agent.signOut()
        assertNull("nobody is signed in", agentBar(agent.until("signed out") { it.registration.state == RegistrationState.UNREGISTERED }, Instant.now()))
    }

    @Test
    fun `what is refused is told with what to do, at once or later`() = test {
        val agent = phone("agent1")
        agent.bar("logged out") { it.state == "logged out" }
        val refused = runCatching { send(Wish.Agent(AgentRequest.Pause("lunch")), nobody, agent) }.exceptionOrNull() as Refusal
        assertTrue(refused.cause.toString(), refused.cause is CommandException.LoggedOut)
        assertEquals("You are logged in to no queue. Log in first.", refused.message)

        val supervisor = phone("colleague1")
        supervisor.supervise("agent2", SupervisionMode.LISTEN)
        val told = withTimeout(8.seconds) { supervisor.events().first { failureOf(it.event) != null } }
        assertEquals("The server does not let you supervise this agent in this way; ask its administrator.", failureOf(told.event))
        val customer = phone("customer1")
        customer.dial("600")
        val call = customer.card("talking") { it.state == "talking" }
        send(Wish.Transfer(call.call, "603"), nobody, customer)
        val failed = withTimeout(8.seconds) { customer.events().first { it.event is Event.TransferFailed } }
        assertTrue(failureOf(failed.event), failureOf(failed.event)!!.endsWith("."))
    }

    @Test
    fun `after a call of a queue the bar counts wrap-up down, and the server ends it`() = test {
        val agent = phone("agent1")
        agent.logIn("desk1")
        agent.bar("ready") { it.state == "ready" }
        val call = talk(agent, "1821")
        assertEquals("on a call", agent.bar("on a call") { it.state == "on a call" }.state)
        agent.hangUp(call)
        val wrapUp = agent.bar("wrap-up") { it.state == "wrap-up" }
        assertTrue(wrapUp.pause, Regex("0:0[0-3] left").matches(wrapUp.pause!!))
        assertEquals("Ready", wrapUp.ready!!.words)
        agent.bar("ready again") { it.state == "ready" }
    }

    @Test
    fun `what the server does not do here is shown as it would tell it`() = test {
        val agent = phone("agent1")
        val snapshot = agent.until("known") { it.agent?.certain == true }
        val now = Instant.now()
        fun shown(change: (AgentSnapshot) -> AgentSnapshot) = agentBar(snapshot.copy(agent = change(snapshot.agent!!)), now)
        val wrapUp = Pause("wrapup", now.minusSeconds(18), now.plusSeconds(12))
        val after = shown { it.copy(state = AgentState.WRAP_UP, pause = wrapUp) }!!
        assertEquals(listOf("wrap-up", "0:12 left", "Ready"), listOf(after.state, after.pause, after.ready!!.words))
        val forced = shown { it.copy(state = AgentState.NOT_READY, pause = Pause(null, null, null)) }!!
        assertEquals(listOf("paused: reason unknown", null), listOf(forced.state, forced.pause))
        val left = shown { it.copy(state = AgentState.NOT_READY, pause = Pause("lunch", now, null), doNotDisturb = true) }!!
        assertEquals(listOf("direct calls are refused", null), listOf(left.direct, forced.direct))
        val busy = shown { it.copy(state = AgentState.ON_CALL, pause = Pause("lunch", now.minusSeconds(5), null)) }!!
        assertEquals(listOf("on a call, then paused: lunch", null), listOf(busy.state, busy.pause))
        val old = shown { it.copy(state = AgentState.READY, certain = false) }!!
        assertEquals(listOf(Light.OFF, "as the server said last"), listOf(old.light, old.doubt))
        val unread = listOf(UnreadPack(Pack.AGENT, PackProblem.TOO_NEW, "the server's agent.conf is newer than this phone; update the app"))
        assertEquals(
            listOf("The server's agent.conf is newer than this phone; update the app."), unreadPacks(snapshot.copy(unreadPacks = unread)),
        )
        assertTrue(unreadPacks(snapshot).isEmpty())
        assertNull(shown { it.copy(state = AgentState.UNAVAILABLE) })
        assertNull(agentBar(snapshot.copy(agent = null), now))
    }

    @Test
    fun `a call is recorded by hand, and the light is red only where the server has said so`() = test {
        val agent = phone("agent1")
        talk(agent, "1001")
        val card = agent.card("may record") { it.recordings?.start?.wish != null }
        assertEquals(emptyList<RecordingLine>(), card.recordings!!.lines)
        agent.touch(listOf(card.recordings!!.start!!), "Record")
        val news = agent.asked { (it as? Event.RecordingsChanged)?.recordings?.takeIf { all -> all.any { one -> one.requested != null } } }
        val asked = agent.snapshot.value.let { recordings(it.calls.single().copy(recordings = news), it) }!!.lines.single()
        assertEquals(listOf("start requested…", Light.OFF), listOf(asked.requested, asked.light))
        suspend fun line(light: Light) = agent.card("recording: $light") { it.recordings!!.lines.single().run { this.light == light && requested == null } }
            .recordings!!.lines.single()
        val runs = line(Light.ALARM)
        assertEquals(listOf("recording 1 runs", "Pause, Stop"), listOf(runs.state, words(runs.choices).joinToString()))
        agent.touch(runs.choices, "Pause")
        val paused = line(Light.PAUSED)
        assertEquals(listOf("recording 1 paused", "Resume, Stop"), listOf(paused.state, words(paused.choices).joinToString()))
        agent.touch(paused.choices, "Resume")
        line(Light.ALARM)
        // Not certain: no red light, whatever it was.
        val snapshot = agent.snapshot.value
        val doubtful = snapshot.copy(calls = snapshot.calls.map { call -> call.copy(recordings = call.recordings.map { it.copy(certain = false) }) })
        val last = callCards(doubtful, Instant.now()).single().recordings!!.lines.single()
        assertEquals(listOf(Light.OFF, "recording 1 runs, as the server said last"), listOf(last.light, last.state))
        agent.touch(agent.card("both") { it.recordings!!.start != null }.recordings!!.lines.single().choices, "Stop")
        assertEquals(emptyList<Choice>(), line(Light.OFF).choices)
    }

    @Test
    fun `a recording by rule is shown, with what the rule leaves to the agent`() = test {
        val agent = phone("agent1")
        val call = talk(agent, "1881")
        val pausable = agent.card("recorded by rule") { it.recordings?.lines?.singleOrNull()?.light == Light.ALARM }.recordings!!
        assertEquals(listOf("Pause"), words(pausable.lines.single().choices))
        assertTrue(pausable.lines.single().why, "not stop it" in pausable.lines.single().why!!)
        assertEquals("a second one beside it", "Record also as 1", pausable.start!!.words)
        val snapshot = agent.snapshot.value
        fun shown(access: RecordingAccess, policy: RecordingPolicy) = snapshot.calls.single { it.id == call }.let { it ->
            recordings(it.copy(recordings = it.recordings.map { one -> one.copy(policy = policy) }), snapshot.copy(recording = access))!!
        }
        val locked = shown(RecordingAccess.ALLOWED, RecordingPolicy.LOCKED).lines.single()
        assertEquals(listOf(emptyList<Choice>(), "Made by the rules of the site, which do not let you change it."), listOf(locked.choices, locked.why))
        val forbidden = shown(RecordingAccess.FORBIDDEN, RecordingPolicy.PAUSABLE)
        assertEquals(listOf(emptyList<Choice>(), null), listOf(forbidden.lines.single().choices, forbidden.start))
        assertEquals("The server does not allow you to record.", forbidden.why)
    }

    @Test
    fun `the team is found as one types, called, and given the call`() = test {
        val agent = phone("agent1")
        fun page(text: String) = teamPage(agent.findInTeam(text), agent.snapshot.value, Instant.now())
        assertEquals("The server has not told it yet.", page("").note)
        agent.watchTeam(true)
        agent.until("told") { it.team?.state == TeamState.CURRENT }
        assertEquals(listOf("Desk 1", "Ager & Söhne (1) \"west\\", "Colleague 1"), page("").rows.map { it.name })
        assertEquals("queue: 0 waiting, 0 free", page("desk").rows.single().state)
        assertEquals("accents are the core's to ignore", listOf("1831"), page("sohne").rows.map { it.number })
        assertEquals("Nobody is found.", page("xyz").note)
        assertEquals(listOf("Call"), words(page("colleague").rows.single().choices))
        assertNull(page("colleague").warning)
        val call = talk(agent, "1001")
        agent.until("seen on a call") { it.team!!.people.first().state == AgentState.ON_CALL }
        val row = page("2001").rows.single()
        assertEquals(listOf(Wish.Dial("2001"), Wish.Transfer(call, "2001")), row.choices.map { it.wish })
        assertEquals("A caller whom nobody takes there is lost.", page("").warning)
        val unknown = agent.snapshot.value.copy(transfersReturn = TransfersReturn.UNKNOWN)
        assertEquals("A caller whom nobody takes there may be lost.", teamPage(agent.findInTeam(""), unknown, Instant.now()).warning)
        assertTrue(page("ager").rows.single().state, page("ager").rows.single().state.startsWith("on a call, for 0:0"))
        val talks = agent.findInTeam("ager")!!.run {
            copy(people = people.map { it.copy(call = ColleagueCall("desk1", null, it.since)) })
        }
        val words = teamPage(talks, agent.snapshot.value, Instant.now()).rows.single().state
        assertTrue("he talks for a queue: $words", words.endsWith(", desk1"))
        val outdated = agent.findInTeam("")!!.copy(state = TeamState.OUTDATED)
        assertTrue("nobody is lit who is not known", teamPage(outdated, agent.snapshot.value, Instant.now()).rows.filter { "for" in it.state }.all { it.light == Light.OFF })
        val colleague = phone("colleague1")
        agent.touch(row.choices, "Transfer")
        colleague.until("the caller is there") { it.calls.singleOrNull()?.state == CallState.RINGING }
        agent.watchTeam(false)
        assertEquals("The server has not told it yet.", page("").note)
    }

    private suspend fun SidetonePhone.together(what: String, condition: (Together) -> Boolean): Together =
        together(until(what) { snapshot -> together(snapshot)?.let(condition) == true })!!

    private suspend fun SidetonePhone.answerThatRings() {
        answer(until("ringing") { snapshot -> snapshot.calls.any { it.state == CallState.RINGING } }.calls.first { it.state == CallState.RINGING }.id)
    }

    @Test
    fun `a call that waits is shown with its caller, and two are swapped, joined and left to themselves`() = test {
        val agent = phone("agent1")
        val first = talk(agent, "1001")
        assertNull(together(agent.snapshot.value))
        val other = phone("colleague1")
        other.dial("1001")
        val waits = agent.card("waiting") { it.state == "rings" }
        assertEquals(listOf("Hold and answer", "Decline"), words(waits.choices))
        val talking = agent.snapshot.value.calls.single { it.id == first }.remote.name
        assertTrue(waits.marks.toString(), "waits while you talk with $talking" in waits.marks)
        assertEquals("what rings comes first", waits.call, callCards(agent.snapshot.value, Instant.now()).first().call)
        agent.answer(waits.call)
        val two = agent.together("two calls") { words(it.choices) == listOf("Swap", "Join them", "Connect them") }
        assertEquals("You talk with ${waits.title}. On hold: $talking.", two.words)
        agent.touch(two.choices, "Swap")
        val swapped = agent.together("swapped") { it.words == "You talk with $talking. On hold: ${waits.title}." }
        agent.touch(swapped.choices, "Join them")
        val joined = agent.together("joined") { words(it.choices) == listOf("Leave them") }
        assertEquals("You talk with $talking and ${waits.title} together.", joined.words)
        val card = agent.card("joined") { it.call == first && "Talk alone" in words(it.choices) }
        assertTrue("joined" in card.marks)
        agent.touch(card.choices, "Talk alone")
        val apart = agent.together("apart") { "Join them" in words(it.choices) && "Swap" in words(it.choices) }
        agent.touch(apart.choices, "Join them")
        agent.touch(agent.together("joined again") { "Leave them" in words(it.choices) }.choices, "Leave them")
        agent.until("out of it") { it.calls.isEmpty() }
        delay(300)
        for (left in phones.filter { it !== agent }) assertEquals(CallState.ESTABLISHED, left.snapshot.value.calls.single().state)
    }

    @Test
    fun `a colleague is asked first, and then connected with the caller`() = test {
        val agent = phone("agent1")
        val call = talk(agent, "1001")
        val (customer, colleague) = phones.last() to phone("colleague1")
        agent.dial("2001")
        colleague.answerThatRings()
        val asked = agent.together("the colleague asked") { "Connect them" in words(it.choices) }
        val consulted = agent.snapshot.value.calls.single { it.id != call }.id
        assertEquals(Wish.TransferTo(call, consulted), asked.choices.single { it.words == "Connect them" }.wish)
        agent.touch(asked.choices, "Connect them")
        agent.until("done with both") { it.calls.isEmpty() }
        delay(300)
        for (left in listOf(customer, colleague)) assertEquals(CallState.ESTABLISHED, left.snapshot.value.calls.single().state)
    }

    @Test
    fun `messages are listed with what became of them, and what failed is sent again by hand`() = test {
        val (agent, colleague) = phone("agent1") to phone("colleague1")
        val zone = ZoneOffset.UTC
        suspend fun SidetonePhone.page() = messagesPage(lastMessages(this, 50), snapshot.value, Instant.now(), zone)
        assertEquals("No messages yet.", agent.page().note)
        send(Wish.SendMessage("2001", "a customer for you,\nsoon"), nobody, agent)
        colleague.asked { (it as? Event.MessageReceived)?.message }
        val came = colleague.page().rows.single()
        assertEquals("a customer for you,\nsoon", came.text)
        assertTrue(came.state, came.state.startsWith("came in, "))
        assertTrue("to reply, not to send again", came.reply != null && came.choices.isEmpty())
        send(Wish.SendMessage(came.reply!!, "who is it?"), nobody, colleague)
        agent.asked { (it as? Event.MessageReceived)?.message }
        assertEquals(listOf(Light.READY, Light.BUSY), agent.page().rows.map { it.light })

        send(Wish.SendMessage("1009", "to nobody"), nobody, agent)
        val told = agent.asked { event -> failureOf(event)?.takeIf { event is Event.MessageFailed } }
        assertTrue(told, told.startsWith("Message not delivered: the other side cannot be reached now; "))
        val failed = agent.page().rows.first()
        assertEquals(listOf("to 1009", Light.ALARM), listOf(failed.title, failed.light))
        assertTrue(failed.advice, failed.advice!!.endsWith("send it again later."))
        agent.touch(failed.choices, "Send again")
        assertEquals("another message", listOf("to nobody", "to nobody"), agent.page().rows.take(2).map { it.text })

        val page = lastMessages(agent, 50)
        val old = page.messages.last().copy(state = MessageState.Uncertain, advice = "ask, or send it again", at = Instant.parse("2026-01-02T03:04:05Z"))
        val uncertain = messagesPage(page.copy(messages = listOf(old)), agent.snapshot.value, Instant.parse("2026-01-03T00:00:00Z"), zone).rows.single()
        assertEquals(listOf(Light.PAUSED, "not certain, 2.1.2026 3:04", "Ask, or send it again."), listOf(uncertain.light, uncertain.state, uncertain.advice))
        val hidden = messagesPage(page.copy(messages = listOf(old.copy(reply = null))), agent.snapshot.value, Instant.now(), zone).rows.single()
        assertTrue("nobody to write to", hidden.reply == null && hidden.choices.isEmpty())
        (1..4).forEach { send(Wish.SendMessage("1001", "note $it"), nobody, agent) }
        assertEquals("as many as are wanted", listOf(2, true), lastMessages(agent, 2).let { listOf(it.messages.size, it.more) })
    }

    @Test
    fun `a supervisor listens, whispers and barges in, and sees when he is heard`() = test {
        val (agent, supervisor) = phone("agent1") to phone("colleague1")
        supervisor.watchTeam(true)
        fun rows(follow: Boolean = false) = roster(supervisor.findInTeam("agent1"), supervisor.snapshot.value, follow, Instant.now()).rows
        supervisor.until("told") { it.team?.state == TeamState.CURRENT }
        assertEquals("in no call, nothing to hear", emptyList<Choice>(), rows().single().choices)
        val watched = talk(agent, "1001")
        supervisor.until("on a call") { snapshot -> snapshot.team!!.people.any { it.name == "agent1" && it.state == AgentState.ON_CALL } }
        assertEquals(listOf("Listen", "Whisper", "Barge in"), words(rows().single().choices))
        assertEquals(Wish.Supervise("agent1", SupervisionMode.LISTEN, follow = true), rows(follow = true).single().choices.first().wish)
        supervisor.touch(rows().single().choices, "Listen")
        val listens = supervisor.card("listening") { it.supervision?.mode == "listen, confirmed" && it.state == "talking" }
        assertEquals("supervising agent1", listens.title)
        assertEquals(listOf("Mute", "Stop"), words(listens.choices))
        val quiet = listens.supervision!!
        assertEquals("microphone closed: nobody hears you", quiet.microphone)
        assertNull(quiet.follow)
        assertEquals("what is confirmed is not asked for again", listOf("Whisper", "Barge in"), words(quiet.choices.filter { it.wish != null }))
        assertEquals("one at a time", emptyList<Choice>(), rows().single().choices)

        supervisor.touch(quiet.choices, "Whisper")
        val news = supervisor.asked { (it as? Event.SupervisionChanged)?.supervision?.takeIf { seen -> seen.requested == SupervisionMode.WHISPER } }
        val call = supervisor.snapshot.value.calls.single()
        val asks = supervisionCard(call, news)
        assertEquals(listOf("whisper requested…", "microphone closed: nobody hears you"), listOf(asks.requested, asks.microphone))
        val follows = supervisionCard(call, news.copy(follow = true))
        val waits = supervisionCard(call, news.copy(follow = true, waiting = true))
        assertEquals(listOf("goes on with the agent's next call", "waits for the agent's next call"), listOf(follows.follow, waits.follow))
        val whispers = supervisor.card("whispering") { it.supervision!!.mode == "whisper, confirmed" }
        assertEquals(listOf(true, "microphone open: the agent hears you"), whispers.supervision!!.run { listOf(isHeard, microphone) })
        agent.setHold(watched, true)
        supervisor.card("the agent holds") { it.supervision!!.microphone == "the call is on hold: nobody hears you" }
        agent.setHold(watched, false)
        supervisor.card("he resumes") { it.supervision!!.microphone == "microphone open: the agent hears you" }
        val held = supervisor.snapshot.value.calls.single().let { it.copy(hold = Hold(local = true, remote = false)) }
        assertEquals("microphone closed: nobody hears you", supervisionCard(held, held.supervision!!).microphone)
        supervisor.setMute(whispers.call, true)
        assertEquals("muted by you: nobody hears you", supervisor.card("muted") { "muted" in it.marks }.supervision!!.microphone)
        supervisor.setMute(whispers.call, false)
        supervisor.touch(whispers.supervision!!.choices, "Barge in")
        val barges = supervisor.card("barging in") { it.supervision!!.mode == "barge, confirmed" && it.supervision!!.isHeard }
        assertEquals("microphone open: the agent and his caller hear you", barges.supervision!!.microphone)
        agent.setHold(watched, true)
        supervisor.card("the agent holds") { it.supervision!!.microphone == "the call is on hold: nobody hears you" }
        supervisor.hangUp(barges.call)
        supervisor.until("over") { it.calls.isEmpty() }
    }

    @Test
    fun `what is missing or not allowed is not offered, and the reason stands in its place`() = test {
        val (agent, customer) = phone("agent1") to phone("customer1")
        val known = agent.until("told") { it.features?.certain == true }
        val page = featuresPage(known)!!
        assertNull(page.note)
        fun words(feature: Feature) = page.lines.single { it.feature == feature }.run { listOf(light, words) }
        assertEquals(listOf(Light.READY, "queues: there"), words(Feature.QUEUES))
        assertEquals(listOf(Light.PAUSED, "transfers return: not there: the model PBX does not have it; tell its administrator"), words(Feature.TRANSFERS_RETURN))
        assertEquals(listOf(Light.OFF, "supervision: not allowed to you; ask the administrator for it"), words(Feature.SUPERVISION))
        agent.watchTeam(true)
        agent.until("the team") { it.team?.state == TeamState.CURRENT }
        val shown = roster(agent.findInTeam(""), agent.snapshot.value, false, Instant.now())
        assertEquals("Supervision: not allowed to you; ask the administrator for it.", shown.note)
        assertTrue(shown.rows.isNotEmpty() && shown.rows.all { it.choices.isEmpty() })

        val told = customer.until("told") { it.features?.certain == true }
        assertEquals("Team: not allowed to you; ask the administrator for it.", teamPage(null, told, Instant.now()).note)
        customer.dial("600")
        val card = customer.card("talking") { it.state == "talking" }
        assertEquals(listOf("Recordings: not allowed to you; ask the administrator for it.", null), card.recordings!!.run { listOf(why, start) })
        // Of an earlier connection nothing is refused.
        val old = told.copy(features = told.features!!.copy(certain = false))
        assertEquals("The server has not told it yet.", teamPage(null, old, Instant.now()).note)
        assertEquals("As the server said last.", featuresPage(old)!!.note)
        assertTrue(featuresPage(old)!!.lines.all { it.light == Light.OFF })
    }

    @Test
    fun `what the phone needs is said with its state, and with a button where something is to be mended`() {
        fun lines(met: Met, push: PushState) = requirementLines(DeviceState(Requirement.entries.associateWith { met }, push))
        assertTrue(lines(Met.YES, PushState.Token).all { it.light == Light.READY && it.mend == null })
        val bad = lines(Met.NO, PushState.NoToken)
        assertTrue(bad.all { it.light == Light.ALARM && it.mend != null })
        assertEquals(Requirement.entries, bad.map { it.requirement })
        val states = lines(Met.NOT_TOLD, PushState.Refused("the server does not take it")).associate { it.requirement to it.state }
        assertEquals("this Android does not tell", states[Requirement.PHONE_ACCOUNT])
        assertEquals("the server does not take it", states[Requirement.PUSH_TOKEN])
        val plain = lines(Met.NOT_NEEDED, PushState.NoService)
        assertTrue(plain.all { it.mend == null })
    }

    @Test
    fun `the way that calls take is said step by step`() = test {
        assertEquals(listOf("nobody is signed in"), connectionLines(null, null).map { it.state })
        val agent = phone("agent1")
        val servers = agent.checkIceServers()
        assertEquals(emptyList<IceServerCheck>(), servers)
        assertEquals(
            listOf("registered", "this app was built without one", "not known: call somebody, an echo best, and look here again"),
            connectionLines(agent.snapshot.value, servers).map { it.state },
        )
        assertEquals("being asked", connectionLines(agent.snapshot.value, null)[1].state)
        val checks = listOf(
            IceServerCheck("stun:a", IceServerGiven.ServerReflexive("198.51.100.7:4000")), IceServerCheck("turn:b", IceServerGiven.Relayed("198.51.100.8:5000")),
            IceServerCheck("turn:c", IceServerGiven.Nothing(IceServerProblem.NO_ANSWER, "it has not answered; check its port")),
        )
        val lines = connectionLines(agent.snapshot.value, checks)
        assertEquals(listOf("Server", "stun:a", "turn:b", "turn:c", "Audio"), lines.map { it.title })
        assertEquals(listOf(Light.READY, Light.READY, Light.READY, Light.PAUSED, Light.OFF), lines.map { it.light })
        assertEquals("it has not answered; check its port", lines[3].state)
        val call = agent.dial("600")
        val talking = agent.until("audio") { (it.calls.singleOrNull()?.quality?.packetsReceived ?: 0u) > 0u }
        val audio = connectionLines(talking, servers)[2]
        assertEquals(Light.READY, audio.light)
        assertTrue(audio.state, audio.state.startsWith("opus, "))
        agent.hangUp(call)
    }

    /** A server that is asked for real, and is not there. */
    @Test
    fun `a server that does not answer is named with what to do`() = test {
        val servers = listOf(IceServer("stun:127.0.0.1:9"), IceServer("turn:nobody.invalid:3478", "agent", "secret"))
        val phone = SidetonePhone.start(server.config("agent1").copy(iceServers = servers)).also { phones += it }
        val (stun, turn) = phone.checkIceServers().map { it.given as IceServerGiven.Nothing }
        assertEquals(listOf(IceServerProblem.NO_ANSWER, IceServerProblem.NAME_RESOLUTION), listOf(stun.cause, turn.cause))
        assertTrue(stun.text, "; check that it runs" in stun.text)
    }

    private val app = AppState(
        Home.Account("sip:agent1@bench.test", "secret", listOf("wss://pbx.bench.test:8089/ws"), "Ager & Söhne"), Routing(), null, AnswerMode.ASKED, "1.2", libraryVersion(),
    )

    private fun locked(feature: String) = "$feature: not allowed to you; ask the administrator for it."

    @Test
    fun `auto-answer is turned off and on, and in a call the routes and the levels are shown`() = test {
        val agent = phone("agent1", AnswerMode.ASKED)
        fun page() = settingsPage(agent.snapshot.value, app)
        agent.until("told") { it.features?.certain == true }
        assertEquals("on for calls of which the server asks it", page().autoAnswer.state)
        agent.touch(page().autoAnswer.choices, "Turn off")
        agent.until("off") { !it.autoAnswer }
        assertEquals(Light.OFF to "turned off until you sign out", page().autoAnswer.run { light to state })
        agent.touch(page().autoAnswer.choices, "Turn on")
        agent.until("on") { it.autoAnswer }
        assertEquals(listOf("Turn off"), words(page().autoAnswer.choices))
        assertEquals(listOf("Android tells where the sound can go while there is a call.", "Levels are measured while you talk."), page().run { listOf(routesNote, levelsNote) })

        val call = talk(agent, "1001")
        val shown = agent.until("measured") { it.calls.single().quality != null }
        val (ear, loud) = Route(Route.Kind.EARPIECE) to Route(Route.Kind.SPEAKER)
        val routed = settingsPage(shown, app.copy(routing = Routing(setOf(loud, ear), confirmed = loud)))
        assertEquals(listOf("earpiece" to false, "speaker" to true), routed.routes.map { it.words to it.isInUse })
        assertNull(routed.routesNote)
        assertEquals(listOf("Microphone: 0, silence", "Loudspeaker: 0, silence"), routed.levels.map { "${it.title}: ${it.bars}, ${it.words}" })
        fun levels(sent: Float, heard: Float): List<Pair<Int, String>> {
            val measured = shown.calls.single().run { copy(quality = quality!!.copy(levelSent = sent, levelHeard = heard)) }
            return settingsPage(shown.copy(calls = listOf(measured)), app).levels.map { it.bars to it.words }
        }
        assertEquals(listOf(7 to "good, -20 dBFS", 10 to "too loud, -1 dBFS"), levels(-20f, -1f))
        assertEquals(listOf(2 to "quiet, -50 dBFS", 0 to "silence"), levels(-50f, -60f))
        agent.setMute(call, true)
        agent.until("muted") { it.calls.single().muted }
        assertEquals("muted by you", page().levels.first().words)
        agent.setHold(call, true)
        agent.until("held") { it.calls.single().onHold }
        assertEquals("Levels are measured while you talk.", page().levelsNote)
    }

    @Test
    fun `what is not the user's to change is shown and locked, with the reason`() = test {
        val clerk = phone("clerk1", AnswerMode.ASKED)
        val told = clerk.until("told") { it.features?.certain == true }
        // What was said last holds in the doubt.
        for (certain in listOf(true, false)) {
            val page = settingsPage(told.copy(features = told.features!!.copy(certain = certain)), app)
            assertEquals(Setting(Light.READY, "the system's", locked("Settings")), page.ringtone)
            assertEquals(Setting(Light.OFF, "off", locked("Auto answer")), page.autoAnswer)
        }
        val states = told.features!!.features.map { if (it.feature == Feature.AUTO_ANSWER) it.copy(state = FeatureState.Available) else it }
        val answering = told.copy(autoAnswer = true, features = told.features!!.copy(features = states))
        assertEquals(Setting(Light.READY, "on for calls of which the server asks it", locked("Settings")), settingsPage(answering, app).autoAnswer)
        val byHand = settingsPage(answering, app.copy(answerMode = AnswerMode.MANUAL)).autoAnswer
        assertTrue(byHand.toString(), byHand.state == "off" && "only whoever builds it" in byHand.locked!! && byHand.choices.isEmpty())
        val agent = phone("agent1")
        val free = settingsPage(agent.until("told") { it.features?.certain == true }, app.copy(ringtone = "Bells"))
        assertEquals(Setting(Light.READY, "Bells", null), free.ringtone)
    }

    @Test
    fun `who is signed in, and what the app is made of`() {
        val page = settingsPage(null, app)
        assertEquals(listOf("AS", "Ager & Söhne", "agent1@bench.test"), page.profile!!.run { listOf(initials, name, address) })
        fun initials(name: String?) = settingsPage(null, app.copy(account = app.account!!.copy(displayName = name))).profile!!.initials
        assertEquals(listOf("A", "ÖÜ"), listOf(initials(null), initials("Ölaf von Über")))
        assertNull(settingsPage(null, app.copy(account = null)).profile)
        assertEquals("Nobody is signed in; sign in first.", page.autoAnswer.locked)
        val packages = File("../../Cargo.lock").readText()
        assertEquals("Sidetone sample 1.2, library ${libraryVersion()}", page.about.first())
        assertTrue(libraryVersion(), "name = \"sidetone-ffi\"\nversion = \"${libraryVersion()}\"" in packages)
        val named = Regex("([\\w-]+) \\(").findAll(page.about.single { "Parts of others" in it }).map { it.groupValues[1] } - setOf("JNA", "coroutines")
        assertTrue(named.count() > 5)
        for (name in named) assertTrue(name, "name = \"$name\"" in packages)
    }

    @Test
    fun `what is shown is decided without a word of Android's`() {
        val sources = File("../sample/src/main/kotlin/org/sidetone/sample/screens").listFiles()!!.filter { it.extension == "kt" }
        assertTrue(sources.size >= 7)
        for (source in sources) assertTrue(source.name, Regex("\\bandroid[x.]").find(source.readText()) == null)
    }
}
