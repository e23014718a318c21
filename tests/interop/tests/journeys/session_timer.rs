//! Session timers against a real Asterisk whose interval is 90 s: one refresh each way (RFC 4028).

use crate::scenarios::rings;
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::beside_others;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// Half of the interval, and a bit.
const REFRESH: Duration = Duration::from_secs(50);

fn phone(user: &str, voice: Tone) -> Phone {
    let arguments = ["agent", "--sip", "--session-interval", "90"];
    let setup = Bench::get().setup(user);
    let mut phone = Phone::start_with("timer", &setup, &Voice::steady(voice), &arguments);
    phone.wait_lamp("registered", PATIENCE);
    phone
}

/// Waits for a request that keeps the call alive, and for its 200.
#[track_caller]
fn refreshed(phone: &mut Phone, sent: bool) -> String {
    let is = |event: &serde_json::Value, sent: bool, what: &dyn Fn(&str) -> bool| {
        event["event"] == "sip"
            && event["sent"] == sent
            && event["message"].as_str().is_some_and(what)
    };
    let inside = |text: &str| {
        let to = text.lines().find(|line| line.starts_with("To:")).unwrap_or_default();
        let method = text.split(' ').next().unwrap_or_default();
        ["UPDATE", "INVITE"].contains(&method) && to.contains("tag=")
    };
    let request = phone.wait("a refresh", REFRESH, |event| {
        is(event, sent, &|text| inside(text) && text.contains("Session-Expires: 90"))
    });
    let text = request["message"].as_str().unwrap_or_default();
    let cseq = text.lines().find(|line| line.starts_with("CSeq:")).unwrap_or_default().to_owned();
    phone.wait("its 200", PATIENCE, |event| {
        is(event, !sent, &|text| text.starts_with("SIP/2.0 200") && text.contains(&cseq))
    });
    text.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn the_phone_refreshes_a_call_that_it_made() {
    let _unharmed = beside_others();
    let [voice] = Tone::draw();
    let mut phone = phone("timer1", voice);
    let call = phone.dial("600");
    phone.wait_call("established", &call);
    let method = refreshed(&mut phone, true);
    println!("the phone refreshed by {method}");
    phone.hears(voice);
    phone.ask("hangup", &call, json!({}));
    phone.wait_ended(&call, "local");
    assert_eq!(phone.leave(), 0);
}

#[test]
fn asterisk_refreshes_a_call_that_it_made() {
    let _unharmed = beside_others();
    let [voice] = Tone::draw();
    let mut phone = phone("timer2", voice);
    let bench = Bench::get();
    bench.asterisk("channel originate PJSIP/timer2 extension 600@phones");
    let call = rings(&mut phone);
    phone.ask("answer", &call, json!({}));
    phone.wait_call("established", &call);
    let method = refreshed(&mut phone, false);
    println!("Asterisk refreshed by {method}");
    phone.hears(voice);
    phone.ask("hangup", &call, json!({}));
    phone.wait_ended(&call, "local");
    assert_eq!(phone.leave(), 0);
}
