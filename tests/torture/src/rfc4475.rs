//! RFC 4475: SIP torture test messages.

use crate::case::{
    Case,
    Verdict::{Accept, Answer, Drop},
    contacts, field, from_and_to, nothing, request, response, user, vias,
};
use sidetone_sip::{HeaderName, Message, Uri};

#[rustfmt::skip]
pub(crate) const CASES: &[Case] = &[
    // Valid messages.
    Case { name: "wsinv", section: "3.1.1.1", verdict: Accept, read: tortuous,
        rfc: r#"SIP/2.0/UDP 192.0.2.2;branch=390skdjuw, SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8, SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239 | "J Rosenberg \\\"" <sip:jdrosen@example.com>;tag=98asjd8 <sip:vivekg@chair-dnrc.example.com>;tag=1918181833n | "Quoted string \"\"" <sip:jdrosen@example.com>;newparam=newvalue;secondparam;q=0.33 | Some(68) | 9 INVITE | <sip:services.example.com;lr;unknownwith=value;unknown-no-value> |  | 150 | newfangled value continued newfangled value"#,
        own: r#"SIP/2.0/UDP 198.51.100.7;branch=lwsone, SIP/2.0/TCP b.example.org;branch=z9hG4bKws2, SIP/2.0/UDP 10.9.8.7;branch=z9hG4bKws3 | "Mia \\ \"Moss\"" <sip:mia@example.org>;tag=f0-12 <sip:desk-4@pbx.example.org>;tag=t0-77 | "A \"B\"" <sip:mia@example.org>;fresh=leaf;flag;q=0.5 | Some(42) | 3 INVITE | <sip:edge.example.org;lr;x=y;z> |  | 111 | one two"# },
    Case { name: "intmeth", section: "3.1.1.2", verdict: Accept, read: wide_range,
        rfc: r#"!interesting-Method0123456789_*+`.%indeed'~ | 1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it) | "\"token1~` token2'+_ token3*%!.-\" <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-. \"BEL:\\\u{7} NUL:\\\0 DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>""#,
        own: r#"A!b-C0.9_*+`%'~ | 9_odd.U~(to-see!me)&is+it$/nuts?,/;*:pw&=+$, | "\"one~` two'+_ three*%!.-\" <sip:plain@example.org>;odd''~+*_!.-%=\"λк中\";tag=_t~9'+`*%!-. \"BEL:\\\u{7} NUL:\\\0 DEL:\\\u{7f}\" <sip:9_odd.U~(to-see!me)&is+it$/nuts?,/;*@example.org>""# },
    Case { name: "esc01", section: "3.1.1.3", verdict: Accept,
        read: |m| format!("{} {} {}", user(m), contacts(m), m.headers().to().unwrap().uri.matches(&request_to(m))),
        rfc: "sips%3Auser%40example.com <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31> true",
        own: "sip%3Aann%40example.com <sip:%61nn@gw.example.org;%6C%72;k%65y=%76al%25%34%32> true" },
    Case { name: "escnull", section: "3.1.1.4", verdict: Accept, read: contacts,
        rfc: "<sip:%00@host5.example.com>, <sip:%00%00@host5.example.com>",
        own: "<sip:%00@a.example.org>, <sip:%00%00@a.example.org>" },
    // The escaped method is no REGISTER and the escaped name no Contact. (The answer: 405 or 501.)
    Case { name: "esc02", section: "3.1.1.5", verdict: Accept, read: |m| format!("{:?} {}", request(m).method, contacts(m)),
        rfc: r#"Other("RE%47IST%45R") <sip:alias1@host1.example.com>, <sip:alias3@host3.example.com>"#,
        own: r#"Other("OPT%49ONS") <sip:one@a.example.org>, <sip:three@c.example.org>"# },
    Case { name: "lwsdisp", section: "3.1.1.6", verdict: Accept, read: from_and_to,
        rfc: r#""caller" <sip:caller@example.com>;tag=323 <sip:user@example.com>"#,
        own: r#""Bo" <sip:bo@example.org>;tag=d1 <sip:bo@example.org>"# },
    Case { name: "longreq", section: "3.1.1.7", verdict: Accept,
        read: |m| format!("{} Vias, From of {}, Call-ID of {}", m.headers().vias().unwrap().len(), m.headers().from().unwrap().to_string().len(), m.headers().call_id().unwrap().len()),
        rfc: "34 Vias, From of 592, Call-ID of 141",
        own: "31 Vias, From of 817, Call-ID of 160" },
    // What follows the first message's end is not its body.
    Case { name: "dblreq", section: "3.1.1.8", verdict: Accept, read: |m| format!("{} {}", request(m).method, request(m).body.len()),
        rfc: "REGISTER 0",
        own: "REGISTER 0" },
    Case { name: "semiuri", section: "3.1.1.9", verdict: Accept, read: |m| format!("{} {:?}", user(m), m.headers().list(&HeaderName::ACCEPT)),
        rfc: r#"user;par=u%40example.net ["application/sdp", "application/pkcs7-mime", "multipart/mixed", "multipart/signed", "message/sip", "message/sipfrag"]"#,
        own: r#"ext;sub=x%40example.com ["application/sdp", "application/dialog-info+xml"]"# },
    Case { name: "transports", section: "3.1.1.10", verdict: Accept, read: vias,
        rfc: "SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw, SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf, SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj, SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en, SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee",
        own: "SIP/2.0/WSS w1.invalid;branch=z9hG4bKtr1, SIP/2.0/TLS-SCTP w2.example.org;branch=z9hG4bKtr2, SIP/2.0/PIGEON w3.example.org;branch=z9hG4bKtr3, SIP/2.0/UDP w4.example.org;branch=z9hG4bKtr4" },
    Case { name: "mpart01", section: "3.1.1.11", verdict: Accept,
        read: |m| format!("{:?} {} bytes", m.headers().content_type().unwrap(), request(m).body.len()),
        rfc: r#"ContentType { media_type: "multipart/mixed", params: [("boundary", "7a9cbec02ceef655")] } 553 bytes"#,
        own: r#"ContentType { media_type: "multipart/mixed", params: [("boundary", "cut")] } 362 bytes"# },
    Case { name: "unreason", section: "3.1.1.12", verdict: Accept, read: status_line,
        rfc: r#"200 "= 2**3 * 5**2 но сто девяносто девять - простое""#,
        own: r#"200 "= 7*11 – おけ {}\"<""# },
    Case { name: "noreason", section: "3.1.1.13", verdict: Accept, read: status_line,
        rfc: r#"100 """#,
        own: r#"180 """# },

    // Invalid messages.
    Case { name: "badinv01", section: "3.1.2.1", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    Case { name: "clerr", section: "3.1.2.2", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    Case { name: "ncl", section: "3.1.2.3", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    Case { name: "scalar02", section: "3.1.2.4", verdict: Answer(400),
        read: |m| format!("{:?} {:?}", m.headers().cseq().is_ok(), m.headers().number(&HeaderName::EXPIRES)),
        rfc: "false None", own: "false None" },
    Case { name: "scalarlg", section: "3.1.2.5", verdict: Drop,
        read: |m| format!("{:?} {:?}", m.headers().cseq().is_ok(), m.headers().number(&HeaderName::RETRY_AFTER)),
        rfc: "false None", own: "false None" },
    Case { name: "quotbal", section: "3.1.2.6", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    Case { name: "ltgtruri", section: "3.1.2.7", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    Case { name: "lwsruri", section: "3.1.2.8", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    Case { name: "lwsstart", section: "3.1.2.9", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    Case { name: "trws", section: "3.1.2.10", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    Case { name: "escruri", section: "3.1.2.11", verdict: Answer(400),
        read: |m| format!("{} {:?}", m.headers().has(&HeaderName::ROUTE), request(m).uri.headers),
        rfc: r#"false Some("Route=%3Csip:example.com%3E")"#,
        own: r#"false Some("Accept-Contact=%3Csip:example.org%3E")"# },
    // A date that cannot be read is no reason to refuse a call: it is left alone.
    Case { name: "baddate", section: "3.1.2.12", verdict: Accept, read: |m| field(m, "Date"),
        rfc: "Fri, 01 Jan 2010 16:00:00 EST", own: "Thu, 31 Feb 2030 25:00:00 CET" },
    // Brackets are needed: whose would the header be?
    Case { name: "regbadct", section: "3.1.2.13", verdict: Answer(400), read: |m| m.headers().contacts().is_err().to_string(),
        rfc: "true", own: "true" },
    // Spaces inside the brackets, commas in a display name: their end is clear, so they are let pass.
    Case { name: "badaspec", section: "3.1.2.14", verdict: Accept, read: from_and_to,
        rfc: r#""Bell, Alexander" <sip:a.g.bell@example.com>;tag=433423 "Watson, Thomas" <sip:t.watson@example.org>"#,
        own: r#""Dam, Kim" <sip:kim@example.org>;tag=as1 "Lee, Jo" <sip:jo@example.org>"# },
    Case { name: "baddn", section: "3.1.2.15", verdict: Accept, read: from_and_to,
        rfc: r#""Bell, Alexander" <sip:a.g.bell@example.com>;tag=43 "Watson, Thomas" <sip:t.watson@example.org>"#,
        own: r#""Dam, Kim" <sip:kim@example.org>;tag=dn1 "Lee, Jo" <sip:jo@example.org>"# },
    Case { name: "badvers", section: "3.1.2.16", verdict: Answer(505), read: nothing, rfc: "", own: "" },
    Case { name: "mismatch01", section: "3.1.2.17", verdict: Answer(400), read: |m| request(m).method.to_string(),
        rfc: "OPTIONS", own: "OPTIONS" },
    // 400 or 501 are both right.
    Case { name: "mismatch02", section: "3.1.2.18", verdict: Answer(400), read: |m| request(m).method.to_string(),
        rfc: "NEWMETHOD", own: "SHOUT" },
    Case { name: "bigcode", section: "3.1.2.19", verdict: Drop, read: nothing, rfc: "", own: "" },

    // The transaction layer: a branch that is the magic cookie and nothing else.
    Case { name: "badbranch", section: "3.2.1", verdict: Answer(400), read: vias,
        rfc: "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK", own: "SIP/2.0/TCP 198.51.100.1;branch=z9hG4bK" },

    // The application layer.
    Case { name: "insuf", section: "3.3.1", verdict: Answer(400), read: |m| format!("{:?}", m.validate()),
        rfc: r#"Err(Missing("To"))"#, own: r#"Err(Missing("To"))"# },
    Case { name: "unkscm", section: "3.3.2", verdict: Answer(416), read: |m| request(m).uri.to_string(),
        rfc: "nobodyknowsthisscheme:totallyopaquecontent", own: "mystery:box?of;things" },
    Case { name: "novelsc", section: "3.3.3", verdict: Answer(416), read: |m| request(m).uri.to_string(),
        rfc: "soap.beep://192.0.2.103:3002", own: "coap+ws://198.51.100.3:5683" },
    // Well formed, but a registrar needs an address of record.
    Case { name: "unksm2", section: "3.3.4", verdict: Answer(400), read: |m| format!("{} {}", from_and_to(m), contacts(m)),
        rfc: "<http://www.example.com>;tag=3234233 <isbn:2983792873> <name:John_Smith>",
        own: "<ftp://files.example.org>;tag=u2 <urn:isbn:0000000000> <called:Kim>" },
    Case { name: "bext01", section: "3.3.5", verdict: Answer(420), read: unsupported,
        rfc: "nothingSupportsThis, nothingSupportsThisEither", own: "moonlight, tide" },
    // (The answer: 415.)
    Case { name: "invut", section: "3.3.6", verdict: Accept, read: |m| format!("{:?} {} bytes", m.headers().content_type().unwrap(), request(m).body.len()),
        rfc: r#"ContentType { media_type: "application/unknownformat", params: [] } 40 bytes"#,
        own: r#"ContentType { media_type: "audio/x-whistle", params: [("tone", "a;b")] } 11 bytes"# },
    // (The answer: 401, as if the field were not there.)
    Case { name: "regaut01", section: "3.3.7", verdict: Accept, read: |m| field(m, "Authorization"),
        rfc: "NoOneKnowsThisScheme opaque-data=here", own: "Handshake firm=yes" },
    Case { name: "multi01", section: "3.3.8", verdict: Answer(400), read: |m| format!("{:?}", m.validate().is_err()),
        rfc: "true", own: "true" },
    Case { name: "mcl01", section: "3.3.9", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    // A second Via: the response is another's, and the address must never be sent to.
    Case { name: "bcast", section: "3.3.10", verdict: Drop, read: vias,
        rfc: "SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923, SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23",
        own: "SIP/2.0/UDP 198.51.100.198;branch=z9hG4bKbc1, SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKbc2" },
    // 483 is a proxy's answer; here the request has arrived.
    Case { name: "zeromf", section: "3.3.11", verdict: Accept, read: |m| format!("{:?}", m.headers().number(&HeaderName::MAX_FORWARDS)),
        rfc: "Some(0)", own: "Some(0)" },
    // Outside the brackets the parameter is the Contact's, inside the URI's.
    Case { name: "cparam01", section: "3.3.12", verdict: Accept, read: contacts,
        rfc: "<sip:+19725552222@gw1.example.net>;unknownparam", own: "<sip:+4930555@gw.example.org>;mood" },
    Case { name: "cparam02", section: "3.3.13", verdict: Accept, read: contacts,
        rfc: "<sip:+19725552222@gw1.example.net;unknownparam>", own: "<sip:+4930555@gw.example.org;mood>" },
    // The header belongs to the binding and is no Route of this request.
    Case { name: "regescrt", section: "3.3.14", verdict: Accept, read: |m| format!("{} {}", contacts(m), m.headers().has(&HeaderName::ROUTE)),
        rfc: "<sip:user@example.com?Route=%3Csip:sip.example.com%3E> false",
        own: "<sip:kim@example.org?Route=%3Csip:edge.example.org%3E> false" },
    // (The answer: 406.)
    Case { name: "sdp01", section: "3.3.15", verdict: Accept, read: |m| field(m, "Accept"),
        rfc: "text/nobodyKnowsThis", own: "text/x-morse" },

    // RFC 2543: no branch, no tag, no Max-Forwards, no Content-Length.
    Case { name: "inv2543", section: "3.4.1", verdict: Accept, read: old_style,
        rfc: "None None None <sip:UserB@example.com;maddr=ss1.example.com> 105 bytes",
        own: "None None None <sip:KimD@example.org;maddr=ss.example.org> 111 bytes" },
];

fn tortuous(message: &Message) -> String {
    let headers = message.headers();
    format!(
        "{} | {} | {} | {:?} | {} | {} | {} | {} | {}",
        vias(message),
        from_and_to(message),
        contacts(message),
        headers.number(&HeaderName::MAX_FORWARDS),
        headers.cseq().unwrap(),
        field(message, "Route"),
        field(message, "s"),
        request(message).body.len(),
        field(message, "NewFangledHeader") + &field(message, "Shiny-New-Field"),
    )
}

fn wide_range(message: &Message) -> String {
    format!("{} | {} | {:?}", request(message).method, user(message), from_and_to(message))
}

fn request_to(message: &Message) -> Uri {
    let user = if field(message, "i").starts_with("esc01") { "user" } else { "anne" };
    Uri::sip(user, "EXAMPLE.com")
}

fn status_line(message: &Message) -> String {
    let response = response(message);
    format!("{} {:?}", response.status, response.reason)
}

fn unsupported(message: &Message) -> String {
    let response = request(message).rejection(&["replaces"], "t1").unwrap();
    response.headers.get(&HeaderName::UNSUPPORTED).unwrap().into_owned()
}

fn old_style(message: &Message) -> String {
    let headers = message.headers();
    format!(
        "{:?} {:?} {:?} {} {} bytes",
        headers.via().unwrap().branch(),
        headers.from().unwrap().tag(),
        headers.number(&HeaderName::MAX_FORWARDS),
        headers.addresses(&HeaderName::RECORD_ROUTE).unwrap().first().unwrap(),
        request(message).body.len()
    )
}
