//! The push gateway's place in the tests: takes POSTs at an address and prints each body as a line. It can
//! be told on standard input to fail an agent: `hang AGENT` leaves his POSTs without an answer, `gone AGENT`
//! answers that his token is dead, `well AGENT` takes it back. It ends with its standard input.
//!
//! RFC 9112 as far as a POST with a Content-Length needs it.

#![allow(clippy::print_stdout, reason = "what came is told on standard output")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Moods = Arc<Mutex<BTreeMap<String, String>>>;

fn main() {
    let address = std::env::args().nth(1).expect("usage: push-receiver ADDRESS:PORT");
    let listener = TcpListener::bind(&address).expect("the address is ours");
    let moods = Moods::default();
    let told = moods.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if let Some((mood, agent)) = line.split_once(' ') {
                let mut moods = told.lock().unwrap_or_else(PoisonError::into_inner);
                moods.insert(agent.to_owned(), mood.to_owned());
            }
        }
        std::process::exit(0);
    });
    println!("{}", serde_json::json!({ "listens": address }));
    for stream in listener.incoming().flatten() {
        let moods = moods.clone();
        std::thread::spawn(move || take(stream, &moods));
    }
}

fn take(stream: TcpStream, moods: &Moods) {
    let mut reader = BufReader::new(stream);
    let (mut length, mut kind) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "content-type" => kind = value.trim().to_owned(),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    let whole = reader.read_exact(&mut body).is_ok();
    let text = String::from_utf8_lossy(&body).into_owned();
    // What is no JSON is shown as it is, so that a test fails with it in sight.
    let value = serde_json::from_slice(&body).unwrap_or(serde_json::Value::String(text));
    let agent = value["agent"].as_str().unwrap_or_default().to_owned();
    // Whoever reads of this POST may tell us then how the next is to be answered.
    let mood = moods.lock().unwrap_or_else(PoisonError::into_inner).get(&agent).cloned();
    println!("{}", serde_json::json!({ "post": value, "content_type": kind, "whole": whole }));
    let answer = match mood.as_deref() {
        Some("hang") => {
            std::thread::sleep(Duration::from_secs(60));
            return;
        }
        Some("gone") => "gone",
        _ => "",
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
    // A server that has hung up meanwhile is its own business.
    let _ = reader.get_mut().write_all(head.as_bytes());
}
