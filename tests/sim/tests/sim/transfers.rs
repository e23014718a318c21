//! Several calls of one agent, in virtual time: who hears whom when calls are swapped and transferred.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, call, queue_call_answered, state};
use sidetone_pbx::Treatment;
use sidetone_phone::{CallId, CallState, Command, EndReason, Event};
use sidetone_sim::media::Heard;
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

/// An agent talks to a customer; a colleague is there.
struct Trio {
    world: World,
    agent: PhoneId,
    customer: PhoneId,
    colleague: PhoneId,
    call: CallId,
}

impl Trio {
    fn new() -> Self {
        let (mut world, agent, customer) = queue_call_answered();
        let colleague = world.add_phone("agent2");
        world.command(colleague, Command::Register).unwrap();
        world.run_for(Duration::from_secs(2));
        world.ladder().clear();
        let call = call(&world, agent);
        Self { world, agent, customer, colleague, call }
    }

    /// The agent calls the colleague, who answers.
    fn consult(&mut self) -> CallId {
        let call = self.world.dial(self.agent, "1002").unwrap();
        self.colleague_answers();
        let Self { world, agent, .. } = self;
        let is_up = |w: &World| {
            w.calls(*agent).iter().any(|c| c.id == call && c.state == CallState::Established)
        };
        world.run_until("the agent and the colleague talk", is_up);
        world.run_for(Duration::from_secs(1));
        call
    }

    fn colleague_answers(&mut self) {
        let Self { world, colleague, .. } = self;
        world.run_until("it rings", |w| state(w, *colleague) == Some(CallState::Ringing));
        world.run_for(Duration::from_secs(1));
        let id = call(world, *colleague);
        world.command(*colleague, Command::Answer { call: id }).unwrap();
    }

    fn others_talk(&self) {
        let Self { world, customer, colleague, .. } = self;
        for phone in [*customer, *colleague] {
            let id = call(world, phone);
            assert!(world.speaks(phone, id));
            assert!(matches!(world.hears(phone, id), Some(Heard::Leg(_))), "they hear each other");
        }
        assert!(world.calls(self.agent).is_empty());
    }

    fn end(mut self) {
        let id = call(&self.world, self.customer);
        self.world.command(self.customer, Command::HangUp { call: id }).unwrap();
        self.world.run_for(Duration::from_secs(1));
        assert_eq!(self.world.end_reasons(self.colleague), [EndReason::Remote]);
        assert_quiet(&mut self.world);
    }
}

fn transferred(to: &str) -> EndReason {
    EndReason::Transferred(format!("sip:{to}@bench.test"))
}

#[test]
fn a_blind_transfer_is_answered() {
    let mut trio = Trio::new();
    let transfer = Command::Transfer { call: trio.call, to: "1002".to_owned() };
    trio.world.command(trio.agent, transfer).unwrap();
    trio.colleague_answers();
    trio.world.run_for(Duration::from_secs(2));
    trio.others_talk();
    let ladder = trio.world.ladder().text().to_owned();
    assert_golden(
        "transfer-blind",
        "The agent sends the customer on, and a colleague answers.",
        &ladder,
    );
    assert_eq!(trio.world.end_reasons(trio.agent), [transferred("1002")]);
    trio.end();
}

#[test]
fn a_blind_transfer_to_who_is_busy_fails_and_ends() {
    let mut trio = Trio::new();
    let transfer = Command::Transfer { call: trio.call, to: "603".to_owned() };
    trio.world.command(trio.agent, transfer).unwrap();
    trio.world.run_for(Duration::from_secs(2));
    let failed = |event: &Event| matches!(event, Event::TransferFailed { .. });
    assert!(trio.world.events(trio.agent).iter().any(failed));
    let ladder = trio.world.ladder().text().to_owned();
    let title = "The agent sends the customer on to who is busy; no dial plan brings him back.";
    assert_golden("transfer-blind-busy", title, &ladder);
    assert_eq!(trio.world.end_reasons(trio.agent), [EndReason::Remote]);
    assert_eq!(trio.world.end_reasons(trio.customer), [EndReason::Remote]);
    assert_quiet(&mut trio.world);
}

#[test]
fn a_transfer_to_a_number_that_does_not_exist_leaves_the_call() {
    let mut trio = Trio::new();
    let transfer = Command::Transfer { call: trio.call, to: "999".to_owned() };
    trio.world.command(trio.agent, transfer).unwrap();
    trio.world.run_for(Duration::from_secs(2));
    let failed = |event: &Event| matches!(event, Event::TransferFailed { .. });
    assert!(trio.world.events(trio.agent).iter().any(failed));
    assert_eq!(state(&trio.world, trio.agent), Some(CallState::Established));
    let id = call(&trio.world, trio.customer);
    assert!(matches!(trio.world.hears(trio.customer, id), Some(Heard::Leg(_))));
    trio.world.command(trio.agent, Command::HangUp { call: trio.call }).unwrap();
    assert_quiet(&mut trio.world);
}

#[test]
fn an_attended_transfer_brings_the_others_together() {
    let mut trio = Trio::new();
    let second = trio.consult();
    let id = call(&trio.world, trio.customer);
    assert_eq!(trio.world.hears(trio.customer, id), Some(Heard::Made(Treatment::Music)));
    let transfer = Command::TransferTo { call: trio.call, with: second };
    trio.world.command(trio.agent, transfer).unwrap();
    trio.world.run_for(Duration::from_secs(2));
    let ladder = trio.world.ladder().text().to_owned();
    let title = "The agent holds the customer, asks a colleague, and brings both together.";
    assert_golden("transfer-attended", title, &ladder);
    let ends = trio.world.end_reasons(trio.agent);
    assert!(
        ends.len() == 2 && ends.iter().all(|e| matches!(e, EndReason::Transferred(_))),
        "{ends:?}"
    );
    // The customer was held by the agent: whoever takes his place does not hold him.
    trio.others_talk();
    trio.end();
}

#[test]
fn swapped_calls_change_places() {
    let mut trio = Trio::new();
    let second = trio.consult();
    trio.world.command(trio.agent, Command::Swap).unwrap();
    assert!(!trio.world.speaks(trio.agent, second), "at once");
    trio.world.run_for(Duration::from_secs(2));
    assert!(trio.world.speaks(trio.agent, trio.call));
    let (theirs, colleagues) =
        (call(&trio.world, trio.customer), call(&trio.world, trio.colleague));
    assert!(matches!(trio.world.hears(trio.customer, theirs), Some(Heard::Leg(_))));
    assert_eq!(trio.world.hears(trio.colleague, colleagues), Some(Heard::Made(Treatment::Music)));
    let ladder = trio.world.ladder().text().to_owned();
    let title = "The agent talks to a colleague while the customer is held, and swaps.";
    assert_golden("swap", title, &ladder);
    for call in [trio.call, second] {
        trio.world.command(trio.agent, Command::HangUp { call }).unwrap();
    }
    assert_quiet(&mut trio.world);
}

#[test]
fn those_who_are_joined_are_left_to_themselves() {
    let mut trio = Trio::new();
    let second = trio.consult();
    trio.world.ladder().clear();
    let calls = vec![trio.call, second];
    trio.world.command(trio.agent, Command::Merge { calls }).unwrap();
    trio.world.run_for(Duration::from_secs(2));
    // To each of the two the server plays what comes from the agent, whose phone mixes.
    assert!(trio.world.calls(trio.agent).iter().all(|c| c.merged && c.active));
    for phone in [trio.customer, trio.colleague] {
        let id = call(&trio.world, phone);
        assert!(matches!(trio.world.hears(phone, id), Some(Heard::Leg(_))));
    }
    trio.world.command(trio.agent, Command::Leave).unwrap();
    trio.world.run_for(Duration::from_secs(2));
    let ladder = trio.world.ladder().text().to_owned();
    let title = "The agent joins the customer and a colleague, and leaves them.";
    assert_golden("three-way", title, &ladder);
    trio.others_talk();
    trio.end();
}
