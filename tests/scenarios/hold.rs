//! Hold and resume, from each side: who is held hears music or nothing, who holds hears nothing,
//! and afterwards both hear each other again.

use super::{A_WHILE, Talk};
use serde_json::json;
use sidetone_interop::phone::Phone;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};

/// The agent holds and resumes, twice.
pub(crate) fn by_the_agent(stage: &Stage) {
    let mut talk = Talk::through_the_queue(stage, Voice::swapping);
    talk.both_hear();
    for _ in 0..2 {
        let Talk { agent, agent_call, customer, .. } = &mut talk;
        held(agent, agent_call, customer);
        talk.both_hear();
    }
    talk.end(stage);
}

/// The customer holds and resumes.
pub(crate) fn by_the_customer(stage: &Stage) {
    let mut talk = Talk::through_the_queue(stage, Voice::swapping);
    talk.both_hear();
    let Talk { agent, customer, customer_call, .. } = &mut talk;
    held(customer, customer_call, agent);
    talk.both_hear_both_tones();
    talk.end(stage);
}

/// Both hold; it is resumed only when both have resumed.
pub(crate) fn by_both(stage: &Stage) {
    let mut talk = Talk::through_the_queue(stage, Voice::swapping);
    talk.both_hear();
    hold(&mut talk.agent, &talk.agent_call, true);
    hold(&mut talk.customer, &talk.customer_call, true);
    talk.agent.hears_silence();
    talk.agent.hears_nothing_but(&[], A_WHILE);
    hold(&mut talk.agent, &talk.agent_call, false);
    talk.customer.hears_nothing_but(&[], A_WHILE);
    hold(&mut talk.customer, &talk.customer_call, false);
    talk.both_hear();
    talk.end(stage);
}

/// `holder` holds for a while and resumes.
#[track_caller]
fn held(holder: &mut Phone, call: &str, other: &mut Phone) {
    hold(holder, call, true);
    holder.hears_silence();
    holder.hears_nothing_but(&[], A_WHILE);
    other.hears_nothing_but(&[Tone::MUSIC], A_WHILE);
    hold(holder, call, false);
}

#[track_caller]
fn hold(phone: &mut Phone, call: &str, on: bool) {
    phone.ask("hold", call, json!({ "on": on }));
    let changed = phone.wait_call("hold", call);
    assert_eq!(changed["local"], on, "{changed}");
}
