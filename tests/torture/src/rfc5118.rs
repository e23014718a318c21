//! RFC 5118: SIP torture test messages for IPv6.

use crate::case::{
    Case,
    Verdict::{Accept, Answer},
    contacts, nothing, request, sdp_addresses, uri, vias,
};
use sidetone_sip::Message;

#[rustfmt::skip]
pub(crate) const CASES: &[Case] = &[
    Case { name: "ipv6-good", section: "4.1", verdict: Accept, read: uri_and_contact,
        rfc: r#"sip:[2001:db8::10] "Caller" <sip:caller@[2001:db8::1]>"#,
        own: r#"sip:[2001:db8:1::99] "K" <sip:kim@[2001:db8:1::5]>"# },
    // No brackets, so what is the port?
    Case { name: "ipv6-bad", section: "4.2", verdict: Answer(400), read: nothing, rfc: "", own: "" },
    // A port was meant, but in the brackets it is part of the address.
    Case { name: "port-ambiguous", section: "4.3", verdict: Accept, read: host_and_port,
        rfc: "[2001:db8::10:5070] None", own: "[2001:db8:1::99:5080] None" },
    Case { name: "port-unambiguous", section: "4.4", verdict: Accept, read: host_and_port,
        rfc: "[2001:db8::10] Some(5070)", own: "[2001:db8:1::99] Some(5080)" },
    // `received` with and without brackets.
    Case { name: "via-received-param-with-delim", section: "4.5", verdict: Accept, read: received,
        rfc: "Some(2001:db8::9:255)", own: "Some(2001:db8:1::aa)" },
    Case { name: "via-received-param-no-delim", section: "4.5", verdict: Accept, read: received,
        rfc: "Some(2001:db8::9:255)", own: "Some(2001:db8:1::aa)" },
    Case { name: "ipv6-in-sdp", section: "4.6", verdict: Accept, read: sdp_addresses,
        rfc: "c=IN IP6 2001:db8::20|m=audio 6000 RTP/AVP 2|m=video 6024 RTP/AVP 107",
        own: "c=IN IP6 2001:db8:1::5|m=audio 40000 RTP/AVP 0 8" },
    Case { name: "mult-ip-in-header", section: "4.7", verdict: Accept, read: vias,
        rfc: "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111, \
              SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144, \
              SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200",
        own: "SIP/2.0/UDP [2001:db8:1::5]:6070;branch=z9hG4bKm1, \
              SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKm2, \
              SIP/2.0/TCP [2001:db8:1::ff];branch=z9hG4bKm3;received=198.51.100.200" },
    Case { name: "mult-ip-in-sdp", section: "4.8", verdict: Accept, read: sdp_addresses,
        rfc: "m=audio 22334 RTP/AVP 0|c=IN IP4 192.0.2.1|m=video 6024 RTP/AVP 107|c=IN IP6 2001:db8::1",
        own: "c=IN IP4 198.51.100.7|m=audio 40000 RTP/AVP 0 8|m=video 40002 RTP/AVP 96|c=IN IP6 2001:db8:1::5" },
    Case { name: "ipv4-mapped-ipv6", section: "4.9", verdict: Accept, read: |m| format!("{} {}", vias(m), contacts(m)),
        rfc: r#"SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19, SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111 "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>"#,
        own: r#"SIP/2.0/UDP [::ffff:198.51.100.10]:19000;branch=z9hG4bKm4, SIP/2.0/UDP [::ffff:198.51.100.2];branch=z9hG4bKm5 "K" <sip:kim@[::ffff:198.51.100.2]>"# },
    // RFC 3261's grammar makes three colons; both are tolerated and mean the same.
    Case { name: "ipv6-bug-abnf-3-colons", section: "4.10", verdict: Accept, read: uri,
        rfc: "sip:user@[2001:db8::c000:201]", own: "sip:kim@[2001:db8:1::c633:6401]" },
    Case { name: "ipv6-correct-abnf-2-colons", section: "4.10", verdict: Accept, read: uri,
        rfc: "sip:user@[2001:db8::c000:201]", own: "sip:kim@[2001:db8:1::c633:6401]" },
];

fn uri_and_contact(message: &Message) -> String {
    format!("{} {}", uri(message), contacts(message))
}

fn host_and_port(message: &Message) -> String {
    let uri = &request(message).uri;
    format!("{} {:?}", uri.host.as_ref().unwrap(), uri.port)
}

fn received(message: &Message) -> String {
    format!("{:?}", message.headers().via().unwrap().received())
}
