//! The other side as text: its requests, and its responses to ours.

use sidetone_sip::{HeaderName, Message, Request, StatusCode};

/// Our name of the incoming call.
pub(super) const CALL: &str = "00000000-0000-4000-8000-000000000001";

/// A description of the other side.
pub(super) const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n\
    m=audio 40000 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 192.0.2.9\r\na=mid:0\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtcp-mux\r\na=setup:actpass\r\na=fingerprint:sha-256 AB:CD\r\n\
    a=ice-ufrag:uf\r\na=ice-pwd:pw\r\na=candidate:1 1 udp 1 192.0.2.9 40000 typ host\r\na=sendrecv\r\n";

/// A request of the caller.
pub(super) fn request(method: &str, branch: &str, cseq: u32, tag: &str, body: &str) -> Vec<u8> {
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:agent@phone.invalid SIP/2.0\r\nVia: SIP/2.0/WSS pbx.test;branch=z9hG4bK-{branch}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:caller@pbx.test>;tag=caller\r\nTo: <sip:agent@pbx.test>{tag}\r\n\
         Call-ID: incoming\r\nCSeq: {cseq} {method}\r\nContact: <sip:peer@pbx.test;transport=ws>\r\n\
         X-Call-UID: {CALL}\r\n{content}\r\n{body}"
    )
    .into_bytes()
}

/// What the caller tells of his going elsewhere.
pub(super) fn notify(tag: &str, status: &str) -> Vec<u8> {
    let branch = format!("notify-{}", &status[..3]);
    let notify = String::from_utf8_lossy(&request("NOTIFY", &branch, 3, tag, "")).into_owned();
    let head = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n\
                Content-Type: message/sipfrag;version=2.0\r\n\r\n";
    let end = notify.rfind("\r\n").unwrap_or_default();
    format!("{}{head}SIP/2.0 {status}\r\n", &notify[..end]).into_bytes()
}

/// The INVITE of a second leg: another caller's transaction and dialog, the same call.
pub(super) fn fork() -> Vec<u8> {
    let invite = String::from_utf8_lossy(&request("INVITE", "fork", 1, "", SDP)).into_owned();
    invite.replace("Call-ID: incoming", "Call-ID: fork").into_bytes()
}

/// A response of the other side to a request of ours.
pub(super) fn response(request: &Request, status: u16, tag: &str, body: &str) -> Vec<u8> {
    let status = StatusCode::new(status).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
    let mut response = request.response(status, Some(tag));
    response.headers.push(HeaderName::CONTACT, "<sip:peer@pbx.test;transport=ws>");
    if !body.is_empty() {
        response.set_body("application/sdp", body.as_bytes().to_vec());
    }
    Message::from(response).to_bytes()
}
