//! What goes wrong while signing in: each failure is told by the lamp, in words that say what to do.

use sidetone_interop::bench::Bench;
use sidetone_interop::lines::beside_others;
use sidetone_interop::phone::{Phone, Scratch, Setup};
use sidetone_interop::tones::Voice;
use std::time::Duration;

/// What a failed attempt may take: longer than any of the program's own limits.
const LIMIT: Duration = Duration::from_secs(40);

/// The phone says so in the lamp, and `sidetone call` fails and says so too.
#[track_caller]
fn told(setup: &Setup, state: &str, words: &str) {
    let _unharmed = beside_others();
    let mut phone = Phone::start("agent", setup, &Voice::silence());
    let lamp = phone.wait("a reason", LIMIT, |event| {
        event["event"] == "registration" && event["reason"].is_string()
    });
    assert_eq!(lamp["state"], state, "{lamp}");
    let reason = lamp["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(words), "{reason:?} does not say {words:?}");
    assert_eq!(phone.leave(), 1, "it was never registered");

    let folder = Scratch::new("call");
    let mut command =
        setup.command(&["call", "600", "--mic", "null", "--speaker", "null"], &folder.0);
    let output = command.output().expect("the program runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(words), "{text:?} does not say {words:?}");
}

fn at(server: &str) -> Setup {
    Setup { server: server.to_owned(), ..Bench::get().setup("agent1") }
}

#[test]
fn a_wrong_password() {
    let setup = Setup { password: "wrong".to_owned(), ..Bench::get().setup("agent1") };
    told(&setup, "failed", "refused the user name or password; check both");
}

#[test]
fn a_user_who_does_not_exist() {
    told(&Bench::get().setup("nobody"), "failed", "refused the user name or password; check both");
}

#[test]
fn a_certificate_that_has_expired() {
    told(&at("wss://pbx.bench.test:8441/ws"), "failed", "certificate has expired");
}

#[test]
fn a_certificate_for_another_name() {
    told(&at("wss://pbx.bench.test:8442/ws"), "failed", "certificate is for another name");
}

#[test]
fn a_certificate_that_nobody_known_has_signed() {
    told(&at("wss://pbx.bench.test:8443/ws"), "failed", "not signed by a trusted authority");
}

#[test]
fn a_certificate_of_an_authority_that_is_not_given() {
    let setup = Setup { ca: None, ..Bench::get().setup("agent1") };
    told(&setup, "failed", "not signed by a trusted authority");
}

#[test]
fn a_web_server_that_is_no_phone_server() {
    told(&at("wss://pbx.bench.test:8444/ws"), "failed", "does not speak SIP over WebSocket");
}

#[test]
fn a_path_that_does_not_exist() {
    told(&at("wss://pbx.bench.test:8089/nothing"), "failed", "does not speak SIP over WebSocket");
}

#[test]
fn a_server_that_is_down() {
    told(&at("wss://pbx.bench.test:8450/ws"), "unreachable", "could not be reached");
}

#[test]
fn a_server_behind_a_firewall_that_says_nothing() {
    // The bench forwards nothing, and says nothing.
    told(&at("wss://198.18.3.10:8089/ws"), "unreachable", "did not answer in time");
}

#[test]
fn a_server_whose_name_nobody_knows() {
    told(&at("wss://nowhere.bench.test:8089/ws"), "unreachable", "name could not be resolved");
}
