//! A phone that is connected while it rings: what its caller hears meanwhile, by the dial plan's three ways,
//! and that nothing is said before the answer.

use crate::scenarios::{A_WHILE, rings};
use serde_json::json;
use sidetone_interop::phone::Phone;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};

/// An agent who rings, and who calls him.
struct Ringing {
    stage: Stage,
    agent: Phone,
    call: String,
    caller: Phone,
    theirs: String,
    says: [Tone; 2],
}

impl Ringing {
    /// By the extension of this first digits for the agent.
    fn by(extension: &str) -> Self {
        let stage = Stage::asterisk();
        let says = Tone::draw();
        let mut agent = stage.agent(&Voice::steady(says[0]));
        let mut caller = stage.customer(&Voice::steady(says[1]));
        let number = format!("{extension}{}", stage.line.agent_number().split_off(3));
        let theirs = caller.dial(&number);
        let call = rings(&mut agent);
        Self { stage, agent, call, caller, theirs, says }
    }

    /// What the agent's phone sends while it rings, and what the caller hears; then both talk at once.
    fn rings_early(mut self, early: bool, meanwhile: &[Tone]) -> Self {
        self.agent.listen(A_WHILE);
        assert_eq!(has(&self.agent, true, "SIP/2.0 183"), early, "the agent's 183");
        self.caller.hears_nothing_but(meanwhile, A_WHILE);
        assert!(self.agent.heard().is_silent(), "nobody is heard before the answer");
        self.agent.ask("answer", &self.call, json!({}));
        self.agent.wait_call("established", &self.call);
        self.agent.hears(self.says[1]);
        self.caller.hears(self.says[0]);
        self
    }

    fn end(mut self) {
        self.agent.ask("hangup", &self.call, json!({}));
        self.agent.wait_ended(&self.call, "local");
        self.caller.wait_ended(&self.theirs, "remote");
        self.stage.leave(self.agent);
        self.stage.leave(self.caller);
    }
}

/// Whether a phone sent or received a message that begins so.
fn has(phone: &Phone, sent: bool, start: &str) -> bool {
    phone.told().any(|event| {
        event["event"] == "sip"
            && event["sent"] == sent
            && event["message"].as_str().is_some_and(|text| text.starts_with(start))
    })
}

#[test]
fn a_queue_s_caller_hears_its_music_until_the_answer() {
    let mut ringing = Ringing::by("180");
    ringing.caller.hears(Tone::MUSIC);
    ringing.rings_early(true, &[Tone::MUSIC]).end();
}

#[test]
fn a_caller_whose_server_keeps_the_tone_is_told_that_it_rings_and_nothing_else() {
    let ringing = Ringing::by("110").rings_early(true, &[]);
    assert!(has(&ringing.caller, false, "SIP/2.0 180"), "it rings");
    assert!(!has(&ringing.caller, false, "SIP/2.0 183"), "in place of the tone");
    ringing.end();
}

#[test]
fn a_caller_whose_server_does_not_hears_silence_in_place_of_the_tone() {
    let ringing = Ringing::by("120").rings_early(true, &[]);
    assert!(has(&ringing.caller, false, "SIP/2.0 183"), "the server hands the description on");
    ringing.end();
}

#[test]
fn any_other_call_is_connected_at_the_answer() {
    let ringing = Ringing::by("100").rings_early(false, &[]);
    assert!(!has(&ringing.caller, false, "SIP/2.0 183"));
    ringing.end();
}
