//! One ICE candidate as a line of a description (RFC 8839 §5.1).

use std::net::IpAddr;

/// What the normaliser must know of an `a=candidate` value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    pub(super) component: u16,
    pub(super) transport: &'a str,
    pub(super) priority: u32,
    pub(super) address: &'a str,
    pub(super) port: u16,
}

impl<'a> Candidate<'a> {
    /// Reads the value, with or without `candidate:` or `a=candidate:` in front of it.
    ///
    /// `None` for what the WebRTC stack would refuse together with the whole description.
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let mut fields = attribute_value(value).split_ascii_whitespace();
        let _foundation = fields.next()?;
        let candidate = Self {
            component: fields.next()?.parse().ok()?,
            transport: fields.next()?,
            priority: fields.next()?.parse().ok()?,
            address: fields.next()?,
            port: fields.next()?.parse().ok()?,
        };
        let readable = candidate.ip().is_some() || candidate.address.ends_with(".local");
        let typed = fields.next() == Some("typ")
            && matches!(fields.next(), Some("host" | "srflx" | "prflx" | "relay"));
        let related = match fields.next() {
            Some("raddr") => {
                fields.next().is_some()
                    && fields.next() == Some("rport")
                    && fields.next()?.parse::<u16>().is_ok()
            }
            Some(_) | None => true,
        };
        (readable && typed && related).then_some(candidate)
    }

    /// Whether this is a candidate for RTP over UDP: the kind that is left where RTCP is
    /// multiplexed and nothing listens on TCP.
    pub(super) fn is_usable(value: &str) -> bool {
        let usable = |c: Candidate<'_>| c.component == 1 && c.transport.eq_ignore_ascii_case("udp");
        Candidate::parse(value).is_some_and(usable)
    }

    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.address.parse().ok()
    }

    pub(super) fn is_at_the_address_of(&self, other: &Candidate<'_>) -> bool {
        let same_host = match (self.ip(), other.ip()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.address.eq_ignore_ascii_case(other.address),
            (Some(_), None) | (None, Some(_)) => false,
        };
        same_host && self.port == other.port
    }
}

/// The value of an `a=candidate` line, whichever way it came to be quoted.
pub(super) fn attribute_value(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix("a=").unwrap_or(text);
    text.strip_prefix("candidate:").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_read_however_it_is_quoted() {
        let value = "Hac120002 1 UDP 2130706431 172.18.0.2 12002 typ host";
        let plain = Candidate::parse(value).unwrap();
        assert_eq!((plain.priority, plain.port), (2_130_706_431, 12002));
        assert!(Candidate::is_usable(value));
        for quoted in [format!("candidate:{value}"), format!("a=candidate:{value}")] {
            assert_eq!(Candidate::parse(&quoted), Some(plain));
        }
    }

    #[test]
    fn what_the_stack_would_refuse_is_no_candidate() {
        for value in [
            "",
            "1 1 udp 2130706431 10.0.0.1",
            "1 1 udp 2130706431 10.0.0.1 99999 typ host",
            "1 1 udp 2130706431 pbx.example.com 5000 typ host",
            "1 1 udp 2130706431 10.0.0.1 5000 typ guess",
            "1 1 udp 1694498815 203.0.113.7 5000 typ srflx raddr 10.0.0.1",
            "1 1 udp 1694498815 203.0.113.7 5000 typ srflx raddr 10.0.0.1 rport x",
            "1 x udp 2130706431 10.0.0.1 5000 typ host",
        ] {
            assert_eq!(Candidate::parse(value), None, "{value}");
        }
    }

    #[test]
    fn neither_the_second_component_nor_tcp_is_usable() {
        assert!(!Candidate::is_usable("1 2 udp 2130706431 10.0.0.1 5000 typ host"));
        assert!(!Candidate::is_usable("1 1 tcp 1518280447 10.0.0.1 9 typ host tcptype active"));
    }

    #[test]
    fn an_address_is_the_same_in_any_spelling() {
        let a = Candidate::parse("1 1 udp 1 2001:db8::1 5000 typ host").unwrap();
        let b = Candidate::parse("2 1 udp 2 2001:DB8:0::1 5000 typ host").unwrap();
        let c = Candidate::parse("2 1 udp 2 2001:db8::1 5001 typ host").unwrap();
        assert!(a.is_at_the_address_of(&b));
        assert!(!a.is_at_the_address_of(&c));
    }
}
