//! A caller who writes what no phone would: one call or one MESSAGE over UDP with a From of his choice.
//!
//! `raw-caller call NUMBER SECONDS` reads the From's display part from standard input, byte for byte, prints
//! `answered`, and hangs up after so long, or prints the status of the refusal; `raw-caller message USER FROM TYPE` sends
//! standard input and prints the status. It lives at the G.711 customer's address, whom the bench's server knows by it.
//!
//! RFC 3261 §13.2, §15.1, RFC 3428.

#![allow(clippy::print_stdout, reason = "what was answered is told on standard output")]

use std::io::Read as _;
use std::net::UdpSocket;
use std::time::{Duration, SystemTime};

const SERVER: &str = "198.18.0.1:5060";
const HERE: &str = "198.18.0.2";
const SDP: &str = "v=0\r\no=c 1 1 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\n\
                   m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).expect("standard input");
    let socket = UdpSocket::bind((HERE, 0)).expect("the customer's address");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    socket.connect(SERVER).expect("the server");
    let caller = Caller { socket, id: format!("{:?}", SystemTime::now()).replace(' ', "") };
    match words[..] {
        ["call", number, seconds] => {
            let seconds = seconds.parse().expect("a number of seconds");
            let from = [&input[..], b" <sip:0302000001@198.18.0.2>"].concat();
            let call = Request { method: "INVITE", user: number, from: &from, to_tag: "" };
            let (status, to_tag) = caller.ask(&call, 1, "application/sdp", SDP.as_bytes());
            let call = Request { to_tag: &to_tag, ..call };
            caller.send(&Request { method: "ACK", ..call }, 1, "", b"");
            if status != 200 {
                return println!("{status}");
            }
            println!("answered");
            std::thread::sleep(Duration::from_secs(seconds));
            caller.ask(&Request { method: "BYE", ..call }, 2, "", b"");
        }
        ["message", user, from, kind] => {
            let from = format!("<sip:{from}@bench.test>");
            let message = Request { method: "MESSAGE", user, from: from.as_bytes(), to_tag: "" };
            println!("{}", caller.ask(&message, 1, kind, &input).0);
        }
        _ => panic!("usage: raw-caller call NUMBER SECONDS | message USER FROM TYPE"),
    }
}

struct Caller {
    socket: UdpSocket,
    id: String,
}

#[derive(Clone, Copy)]
struct Request<'a> {
    method: &'a str,
    user: &'a str,
    from: &'a [u8],
    to_tag: &'a str,
}

impl Caller {
    /// Sends a request and waits for its final response: the status, and what follows the To's address.
    fn ask(&self, request: &Request<'_>, sequence: u32, kind: &str, body: &[u8]) -> (u16, String) {
        self.send(request, sequence, kind, body);
        let wanted = format!("CSeq: {sequence} {}", request.method);
        loop {
            let mut packet = [0; 8192];
            let length = self.socket.recv(&mut packet).expect("a response in time");
            let text = String::from_utf8_lossy(&packet[..length]);
            let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
            if text.starts_with("SIP/2.0 ") && status >= 200 && text.contains(&wanted) {
                let to = text.lines().find(|line| line.starts_with("To:")).unwrap_or_default();
                return (status, to.split_once('>').unwrap_or_default().1.to_owned());
            }
        }
    }

    fn send(&self, request: &Request<'_>, sequence: u32, kind: &str, body: &[u8]) {
        let Request { method, user, from, to_tag } = request;
        let Self { socket, id } = self;
        let port = socket.local_addr().expect("an address").port();
        let branch = format!("z9hG4bK{id}{method}");
        let mut packet = format!(
            "{method} sip:{user}@198.18.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP {HERE}:{port};branch={}\r\nFrom: ",
            branch.replace(|c: char| !c.is_ascii_alphanumeric(), "")
        )
        .into_bytes();
        packet.extend(*from);
        let kind =
            if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        packet.extend(
            format!(
                ";tag=1\r\nTo: <sip:{user}@198.18.0.1>{to_tag}\r\nCall-ID: {}\r\n\
                 CSeq: {sequence} {method}\r\nMax-Forwards: 70\r\n\
                 Contact: <sip:0302000001@{HERE}:{port}>\r\n{kind}Content-Length: {}\r\n\r\n",
                id.replace(|c: char| !c.is_ascii_alphanumeric(), ""),
                body.len()
            )
            .into_bytes(),
        );
        packet.extend(body);
        socket.send(&packet).expect("a way to the server");
    }
}
