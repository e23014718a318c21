//! Requests that belong to no call, and what is wrong with them (RFC 3261 §8.2, §11).

use crate::Now;
use crate::messages::TEXT;
use crate::ua::{SDP, Ua};
use sidetone_sip::session_timer::{self, SessionExpires};
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{HeaderName, Method, Request, StatusCode};

/// The extensions that a request may require; the last two where a REFER may be followed (RFC 4488, RFC 7614).
const EXTENSIONS: [&str; 6] = ["timer", "100rel", "replaces", "answermode", "norefersub", "nosub"];

/// Refuses a request that no user agent can serve, or none of ours: malformed, an unknown scheme or
/// extension, a body that is not understood. `true`: it was answered.
pub(crate) fn reject(key: &ServerKey, request: &Request, ua: &mut Ua, now: Now) -> bool {
    let tag = ua.token();
    let extensions = if ua.follows_refer() { &EXTENSIONS[..] } else { &EXTENSIONS[..4] };
    let mut response = match request.rejection(extensions, &tag) {
        Some(response) => response,
        None if SessionExpires::is_too_small(request) => session_timer::too_small(request, &tag),
        None if is_foreign_body(request) => {
            request.response(StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(&tag))
        }
        None => return false,
    };
    if response.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        response.headers.set(HeaderName::ACCEPT, SDP);
        response.headers.set(HeaderName::ACCEPT_ENCODING, "identity");
    }
    ua.respond(key, response, now);
    true
}

/// Answers a request outside every dialog that opens no call.
pub(crate) fn answer(key: &ServerKey, request: &Request, ua: &mut Ua, now: Now) {
    if request.method == Method::Options {
        options(key, request, ua, now);
    } else {
        ua.refuse(key, request, status_outside(&request.method), now);
    }
}

/// What a request inside a call's dialog gets that changes nothing of the call.
pub(crate) fn status_inside(method: &Method) -> StatusCode {
    match method {
        // INFO without a package and NOTIFY without a subscription are notices of a server that
        // speaks so to every phone: taken, and nothing comes of them.
        Method::Info | Method::Notify | Method::Options => StatusCode::OK,
        Method::Invite
        | Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Update
        | Method::Prack => StatusCode::CALL_DOES_NOT_EXIST,
        // What a call is asked for is decided in `referral`.
        Method::Refer => StatusCode::FORBIDDEN,
        Method::Register | Method::Subscribe | Method::Message | Method::Publish => {
            StatusCode::METHOD_NOT_ALLOWED
        }
        Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
    }
}

fn status_outside(method: &Method) -> StatusCode {
    match method {
        Method::Info | Method::Notify => StatusCode::CALL_DOES_NOT_EXIST,
        Method::Invite
        | Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Refer
        | Method::Options
        | Method::Register
        | Method::Prack
        | Method::Update
        | Method::Subscribe
        | Method::Message
        | Method::Publish
        | Method::Other(_) => status_inside(method),
    }
}

/// What this phone can do (RFC 3261 §11.2).
fn options(key: &ServerKey, request: &Request, ua: &mut Ua, now: Now) {
    let tag = ua.token();
    let mut response = request.response(StatusCode::OK, Some(&tag));
    response.headers.set(HeaderName::ALLOW, ua.allow());
    response.headers.set(HeaderName::ACCEPT, format!("{SDP}, {TEXT}"));
    response.headers.set(HeaderName::ACCEPT_ENCODING, "identity");
    response.headers.set(HeaderName::ACCEPT_LANGUAGE, "en");
    let refer = if ua.follows_refer() { ", norefersub, nosub" } else { "" };
    response.headers.set(HeaderName::SUPPORTED, format!("outbound, path, timer, 100rel{refer}"));
    ua.respond(key, response, now);
}

/// The body of an INVITE, UPDATE or PRACK must be a plain session description; `Content-Disposition: …;handling=optional`
/// is no excuse to guess (RFC 3261 §8.2.3).
fn is_foreign_body(request: &Request) -> bool {
    let described = matches!(request.method, Method::Invite | Method::Update | Method::Prack);
    if !described || request.body.is_empty() {
        return false;
    }
    let sdp = request.headers.content_type().is_ok_and(|content| content.media_type == SDP);
    let encoding = request.headers.get(&HeaderName::CONTENT_ENCODING);
    !sdp || encoding.is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity"))
}
