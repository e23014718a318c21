//! `sidetone demo` as a newcomer runs it: it is heard, its report opens in a browser, and a call in
//! which nobody is heard is not called a success.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail by panic and speak")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sidetone-demo-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs the demo and gives back its lines, each held against the schema.
fn demo(arguments: &[&str], report: &Path) -> (Output, Vec<Value>) {
    run(&[&["--report", report.to_str().unwrap()], arguments].concat())
}

fn run(arguments: &[&str]) -> (Output, Vec<Value>) {
    let binary = std::env::var("SIDETONE_BINARY").expect("SIDETONE_BINARY names the program");
    let output = Command::new(binary).args(["demo", "--json"]).args(arguments).output().unwrap();
    let schema = serde_json::from_str(include_str!("../../../docs/cli.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        assert!(schema.is_valid(line), "{line} is not in the schema");
    }
    (output, lines)
}

fn named<'a>(lines: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["event"] == event)
}

#[test]
fn they_hear_each_other_and_the_report_opens_in_a_browser() {
    let folder = folder("heard");
    let report = folder.join("report.html");
    let (output, lines) = demo(&["--talk", "7"], &report);
    assert!(output.status.success(), "{lines:#?}");
    for event in ["incoming", "answered", "established", "media", "quality", "hold", "ended"] {
        assert!(named(&lines, event).next().is_some(), "no {event}");
    }
    let checks: Vec<&Value> = named(&lines, "check").collect();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["customer_hears_agent", "agent_hears_customer", "silent_on_hold"]);
    assert!(checks.iter().all(|check| check["ok"] == true), "{checks:#?}");

    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.len() < 500_000 && !page.contains("<script"), "{} bytes", page.len());
    let Some(browser) = BROWSERS.into_iter().find(|name| is_there(name)) else {
        eprintln!("skipped: the report in a browser (install chromium)");
        return;
    };
    let opened = browse(browser, &folder, &report, "--dump-dom");
    let shown = String::from_utf8(opened.stdout).unwrap();
    for text in
        ["They heard each other.", "The SIP ladder", "INVITE", "puts on hold", "All figures"]
    {
        assert!(shown.contains(text), "the page does not show {text:?}");
    }
    // A parser that had to mend the page would count otherwise.
    for tag in ["<svg", "<path", "<details", "<li", "<tr", "<figure"] {
        assert_eq!(shown.matches(tag).count(), page.matches(tag).count(), "{tag}");
    }
    assert!(page.matches("<svg").count() > 20);
    let picture = folder.join("report.png");
    browse(browser, &folder, &report, &format!("--screenshot={}", picture.display()));
    assert!(std::fs::metadata(&picture).unwrap().len() > 20_000, "an empty picture");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_customer_who_says_nothing_is_not_heard() {
    let folder = folder("silent");
    let voice = folder.join("silence.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&voice, spec).unwrap();
    (0..48_000).for_each(|_| writer.write_sample(0_i16).unwrap());
    writer.finalize().unwrap();
    let report = folder.join("report.html");
    let (output, lines) = demo(&["--talk", "3", "--customer", voice.to_str().unwrap()], &report);
    assert_eq!(output.status.code(), Some(1), "{lines:#?}");
    let verdicts: Vec<(&str, bool)> = named(&lines, "check")
        .map(|check| (check["name"].as_str().unwrap(), check["ok"].as_bool().unwrap()))
        .collect();
    assert_eq!(verdicts, [("customer_hears_agent", true), ("agent_hears_customer", false)]);
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.contains("They did not hear each other."));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_team_is_watched_and_in_each_mode_the_right_ones_hear_the_supervisor() {
    let (output, lines) = run(&["--team"]);
    assert!(output.status.success(), "{lines:#?}");
    let modes: Vec<&str> = named(&lines, "supervision")
        .filter(|line| line["requested"].is_null())
        .filter_map(|line| line["mode"].as_str())
        .collect();
    assert_eq!(modes, ["listen", "whisper", "barge"]);
    let checks: Vec<&Value> = named(&lines, "check").collect();
    assert!(checks.iter().all(|check| check["ok"] == true), "{checks:#?}");
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in [
        "listen_customer_hears_no_supervisor",
        "whisper_agent_hears_supervisor",
        "whisper_customer_hears_no_supervisor",
        "barge_agent_hears_supervisor",
        "barge_customer_hears_supervisor",
        "supervisor_hears_agent",
        "supervisor_hears_customer",
        "pause_shown",
        "paused_is_spared",
        "recording_confirmed",
        "over_with_the_call",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert_eq!(names.len(), 4 + 3 * 2 + 4);
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Opens the page without a window, a network or an error on its console.
fn browse(browser: &str, folder: &Path, page: &Path, what: &str) -> Output {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--v=0", what])
        .arg(format!("--user-data-dir={}", folder.join("browser").display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let errors = String::from_utf8_lossy(&output.stderr);
    let console: Vec<&str> = errors.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "the page complains: {console:?}");
    output
}
