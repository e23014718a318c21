//! A phone that signs in as it should and writes what none should: a call, or a MESSAGE, over UDP with header fields of its choice.
//!
//! `rogue-phone USER PASSWORD NUMBER SECONDS [FROM]` reads the fields from standard input, one a line, prints `rings` when the other
//! side does, and gives up after so long; or it prints the status where the call comes to an end before. FROM is the user in its From,
//! where that is not its own. With `message` in place of SECONDS it sends a MESSAGE, and prints the status. With `joins` it sends whoever has answered
//! to the number FROM, while that rings, and prints the status. It lives at the G.711 customer's address; the server knows it by the user in its From and asks for the password, which may be a wrong one.
//!
//! RFC 3261 §9.1, §17.1.1.3, §22.

#![allow(clippy::print_stdout, reason = "what came of it is told on standard output")]

use sidetone_sip::dialog::{self, Dialog};
use sidetone_sip::digest::{Credentials, DigestClient};
use sidetone_sip::{HeaderName, Message, Method, Request, Response, Uri};
use std::io::Read as _;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

const SERVER: &str = "198.18.0.1";
const HERE: &str = "198.18.0.2";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (user, password, number, seconds, from) = match &arguments[..] {
        [user, password, number, seconds] => (user, password, number, seconds, user),
        [user, password, number, seconds, from] => (user, password, number, seconds, from),
        _ => panic!("usage: rogue-phone USER PASSWORD NUMBER SECONDS [FROM]"),
    };
    let mut fields = String::new();
    std::io::stdin().read_to_string(&mut fields).expect("standard input");
    let socket = UdpSocket::bind((HERE, 0)).expect("the customer's address");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    socket.connect((SERVER, 5060)).expect("the server");

    let asked = match &seconds[..] {
        "message" => request(&socket, Method::Message, from, number, &fields),
        "joins" => invite(&socket, user, number, &fields),
        _ => invite(&socket, from, number, &fields),
    };
    let is_call = asked.method == Method::Invite;
    let (asked, response) = signed(&socket, asked, user, password);
    if seconds == "joins" {
        return joins(&socket, &asked, &response, user, password, from);
    }
    if response.status.is_final() {
        println!("{}", response.status.code());
        if !is_call {
            return;
        }
        // The server ends by itself what it has answered.
        return send(&socket, &acknowledgement(&asked, &response));
    }
    println!("rings");
    std::thread::sleep(Duration::from_secs(seconds.parse().expect("a number of seconds")));
    send(&socket, &dialog::cancel(&asked));
    let end = last(&socket, &asked);
    send(&socket, &acknowledgement(&asked, &end));
}

/// Asks again with the password, and gives what was asked and the first answer that is more than 100.
fn signed(
    socket: &UdpSocket,
    mut asked: Request,
    user: &str,
    password: &str,
) -> (Request, Response) {
    let challenge = ask(socket, &asked);
    assert_eq!(challenge.status.code(), 401, "nobody calls without a password");
    if asked.method == Method::Invite {
        send(socket, &acknowledgement(&asked, &challenge));
    }
    let mut digest = DigestClient::default();
    digest.admit("bench.test");
    digest.challenged(&asked, &challenge).expect("a challenge");
    let credentials = Credentials { username: user.to_owned(), password: password.to_owned() };
    digest.authorize(&mut asked, &credentials, "0a4f113b0a4f113b");
    asked.headers.set(HeaderName::CSEQ, format!("2 {}", asked.method));
    asked.headers.set(HeaderName::VIA, via(socket));
    send(socket, &asked);
    loop {
        let response = heard(socket, &asked);
        if response.status.code() >= 180 {
            return (asked, response);
        }
    }
}

/// The call that rings is waited for; then another number is called, and while that rings the first is sent there: an attended
/// transfer to whom nobody has talked to yet, which RFC 5589 §6 advises against. Prints what became of the REFER.
fn joins(
    socket: &UdpSocket,
    asked: &Request,
    response: &Response,
    user: &str,
    password: &str,
    number: &str,
) {
    let answer = if response.status.is_final() { response.clone() } else { last(socket, asked) };
    assert_eq!(answer.status.code(), 200, "the first is answered");
    let mut first = Dialog::uac(asked, &answer).expect("a dialog");
    let mut ack = first.ack(2);
    ack.headers.push(HeaderName::VIA, via(socket));
    send(socket, &ack);
    let (_, ringing) = signed(socket, invite(socket, user, number, ""), user, password);
    assert_eq!(ringing.status.code(), 180, "the second rings");
    let id = Dialog::id_of_response(&ringing).expect("a dialog");
    let mut refer = first.request(Method::Refer);
    refer.headers.push(HeaderName::VIA, via(socket));
    let contact = asked.headers.get(&HeaderName::CONTACT).expect("the INVITE has it").into_owned();
    refer.headers.push(HeaderName::CONTACT, contact);
    let replaces =
        format!("{}%3Bto-tag%3D{}%3Bfrom-tag%3D{}", id.call_id, id.remote_tag, id.local_tag);
    refer
        .headers
        .push(HeaderName::new("Refer-To"), format!("<sip:{number}@{SERVER}?Replaces={replaces}>"));
    let accepted = ask(socket, &refer);
    println!("{}", accepted.status.code());
}

/// Of a new transaction (RFC 3261 §8.1.1.7).
fn via(socket: &UdpSocket) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let port = socket.local_addr().expect("an address").port();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("SIP/2.0/UDP {HERE}:{port};branch=z9hG4bKrogue{port}n{number}")
}

fn request(socket: &UdpSocket, method: Method, user: &str, number: &str, fields: &str) -> Request {
    let port = socket.local_addr().expect("an address").port();
    let time = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos();
    let uri = Uri::parse(&format!("sip:{number}@{SERVER}")).expect("an address");
    let mut request = Request::new(method.clone(), uri);
    for (name, value) in [
        (HeaderName::VIA, via(socket)),
        (HeaderName::MAX_FORWARDS, "70".to_owned()),
        (HeaderName::FROM, format!("<sip:{user}@bench.test>;tag=rogue")),
        (HeaderName::TO, format!("<sip:{number}@bench.test>")),
        (HeaderName::CALL_ID, format!("rogue-{time}")),
        (HeaderName::CSEQ, format!("1 {method}")),
        (HeaderName::CONTACT, format!("<sip:{user}@{HERE}:{port}>")),
    ] {
        request.headers.push(name, value);
    }
    for (name, value) in fields.lines().filter_map(|line| line.split_once(": ")) {
        request.headers.push(HeaderName::new(name), value);
    }
    if method == Method::Message {
        request.set_body("text/plain", b"read this".to_vec());
    }
    request
}

fn invite(socket: &UdpSocket, user: &str, number: &str, fields: &str) -> Request {
    let mut invite = request(socket, Method::Invite, user, number, fields);
    let fingerprint = ["AB"; 32].join(":");
    let sdp = format!(
        "v=0\r\no=r 1 1 IN IP4 {HERE}\r\ns=-\r\nc=IN IP4 {HERE}\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=audio 6000 UDP/TLS/RTP/SAVPF 107\r\na=mid:0\r\na=rtpmap:107 opus/48000/2\r\na=rtcp-mux\r\na=sendrecv\r\n\
         a=setup:actpass\r\na=fingerprint:sha-256 {fingerprint}\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
         a=candidate:1 1 UDP 2130706431 {HERE} 6000 typ host\r\n"
    );
    invite.set_body("application/sdp", sdp.into_bytes());
    invite
}

fn send(socket: &UdpSocket, request: &Request) {
    socket.send(&Message::from(request.clone()).to_bytes()).expect("a way to the server");
}

/// The next response to this request.
fn heard(socket: &UdpSocket, request: &Request) -> Response {
    loop {
        let mut packet = [0; 8192];
        let length = socket.recv(&mut packet).expect("a response in time");
        if let Ok(Message::Response(response)) = Message::parse(&packet[..length])
            && response.headers.get(&HeaderName::CSEQ) == request.headers.get(&HeaderName::CSEQ)
        {
            return response;
        }
    }
}

/// The final one.
fn last(socket: &UdpSocket, request: &Request) -> Response {
    loop {
        let response = heard(socket, request);
        if response.status.is_final() {
            return response;
        }
    }
}

fn ask(socket: &UdpSocket, request: &Request) -> Response {
    send(socket, request);
    last(socket, request)
}

/// The ACK of a response that is no 2xx.
fn acknowledgement(invite: &Request, response: &Response) -> Request {
    let mut ack = Request::new(Method::Ack, invite.uri.clone());
    for name in [HeaderName::VIA, HeaderName::MAX_FORWARDS, HeaderName::FROM, HeaderName::CALL_ID] {
        let value = invite.headers.get(&name).expect("the INVITE has it").into_owned();
        ack.headers.push(name, value);
    }
    let to = response.headers.get(&HeaderName::TO).expect("a response has it").into_owned();
    ack.headers.push(HeaderName::TO, to);
    let number = invite.headers.cseq().expect("the INVITE has it").sequence;
    ack.headers.push(HeaderName::CSEQ, format!("{number} ACK"));
    ack
}
