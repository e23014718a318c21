//! The libraries for phones as programs (android/bench, ios/Sources/cold-phone): their user acts on the
//! platform's call screen, and a platform that forgives nothing ends them where a rule is broken.
//!
//! `SIDETONE_KOTLIN` and `SIDETONE_SWIFT` name the commands that run them, `scripts/kotlin run` and
//! `scripts/swift run`; without one, its journeys say so and are left out.

use serde_json::json;
use sidetone_interop::phone::{PATIENCE, Phone, Scratch};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// A JVM starts, on a machine that is busy with other journeys.
const COLD: Duration = Duration::from_secs(40);

/// The library under test.
pub(crate) struct Cold {
    name: &'static str,
    stage: Stage,
    command: Vec<String>,
    state: Scratch,
}

impl Cold {
    /// The one whose command this variable holds.
    pub(crate) fn new(name: &'static str, variable: &str) -> Option<Self> {
        let Ok(command) = std::env::var(variable) else {
            println!("left out: {variable} does not name the program");
            return None;
        };
        let command = command.split_whitespace().map(str::to_owned).collect();
        Some(Self { name, stage: Stage::asterisk(), command, state: Scratch::new("cold") })
    }

    fn start(&self, voice: &Voice) -> Phone {
        let setup = self.stage.server.setup(&self.stage.line.agent());
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let mut phone = Phone::start_other(self.name, &setup, voice, &command, &self.state.0);
        phone.wait_lamp("registered", COLD);
        phone
    }
}

/// The platform is told once, and the call rings there.
fn reported(phone: &mut Phone) -> String {
    let reported = phone.wait_for("reported");
    let call = reported["call"].as_str().expect("a call has an id").to_owned();
    phone.wait_call("incoming", &call);
    assert_eq!(phone.count("reported"), 1, "one call is reported once");
    call
}

fn leave(mut phone: Phone) {
    phone.listen(Duration::from_millis(200));
    assert_eq!(phone.leave(), 0, "{} ends well", phone.name());
    assert_eq!(phone.count("rule_broken"), 0);
}

/// A whole call.
pub(crate) fn a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up(cold: &Cold) {
    let [a, c] = Tone::draw();
    let mut customer = cold.stage.customer(&Voice::steady(c));
    let mut agent = cold.start(&Voice::steady(a));
    let theirs = customer.dial(&cold.stage.line.queue());
    let call = reported(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    customer.wait_call("established", &theirs);
    agent.hears(c);
    customer.hears(a);
    agent.ask("mute", &call, json!({ "on": true }));
    agent.wait_call("mute", &call);
    customer.hears_silence();
    agent.ask("mute", &call, json!({ "on": false }));
    agent.wait_call("mute", &call);
    customer.hears(a);
    agent.ask("hold", &call, json!({ "on": true }));
    assert_eq!(agent.wait_call("hold", &call)["local"], true);
    customer.hears(Tone::MUSIC);
    agent.ask("hold", &call, json!({ "on": false }));
    assert_eq!(agent.wait_call("hold", &call)["local"], false);
    customer.hears(a);
    agent.hears(c);
    agent.ask("dtmf", &call, json!({ "digits": "5" }));
    agent.wait_call("dtmf_sent", &call);
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    customer.wait_ended(&theirs, "remote");
    leave(agent);
    cold.stage.leave(customer);
}

/// Calls that nobody takes.
pub(crate) fn a_caller_who_gives_up_stops_the_ringing_and_is_a_missed_call(cold: &Cold) {
    let [a, c] = Tone::draw();
    let mut customer = cold.stage.customer(&Voice::steady(c));
    let mut agent = cold.start(&Voice::steady(a));
    let theirs = customer.dial(&cold.stage.line.agent_number());
    let call = reported(&mut agent);
    customer.ask("hangup", &theirs, json!({}));
    agent.wait_ended(&call, "cancelled");
    // Declined: the caller learns it, and nothing rings on.
    let theirs = customer.dial(&cold.stage.line.agent_number());
    let again = agent.wait_for("reported")["call"].as_str().unwrap_or_default().to_owned();
    agent.ask("decline", &again, json!({}));
    agent.wait_ended(&again, "declined");
    customer.wait("the caller's end", PATIENCE, |e| e["event"] == "ended" && e["call"] == *theirs);
    leave(agent);
    cold.stage.leave(customer);
}

/// Death in a call.
pub(crate) fn a_phone_that_was_killed_in_a_call_takes_the_next_one(cold: &Cold) {
    let [a, c] = Tone::draw();
    let mut customer = cold.stage.customer(&Voice::steady(c));
    let mut agent = cold.start(&Voice::steady(a));
    let first = customer.dial(&cold.stage.line.agent_number());
    let call = reported(&mut agent);
    agent.ask("answer", &call, json!({}));
    customer.wait_call("established", &first);
    agent.kill();
    customer.ask("hangup", &first, json!({}));
    customer.wait_ended(&first, "local");
    let mut agent = cold.start(&Voice::steady(a));
    let second = customer.dial(&cold.stage.line.agent_number());
    let call = reported(&mut agent);
    agent.ask("answer", &call, json!({}));
    customer.wait_call("established", &second);
    agent.hears(c);
    customer.hears(a);
    customer.ask("hangup", &second, json!({}));
    agent.wait_ended(&call, "remote");
    leave(agent);
    cold.stage.leave(customer);
}
