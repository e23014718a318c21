//! Session timers: what is asked for, what is agreed to, and who refreshes (RFC 4028).

use crate::{HeaderName, Headers, Method, Request, StatusCode};
use std::fmt;
use std::time::Duration;

/// The shortest interval that RFC 4028 §5 allows, and ours.
pub const MIN_SE: Duration = Duration::from_secs(90);
/// The interval that RFC 4028 §4 recommends.
pub const RECOMMENDED: Duration = Duration::from_secs(1800);
/// No longer one is believed.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Who refreshes, by its role in the transaction that says so (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answers it.
    Uas,
}

/// Session-Expires (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// How long the session lasts without a refresh.
    pub interval: Duration,
    /// Who refreshes, where it is said.
    pub refresher: Option<Refresher>,
}

/// What a request for a session timer is answered with (RFC 4028 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The session has no timer.
    None,
    /// The 2xx says this; `required`: with `Require: timer`.
    Agreed {
        /// Session-Expires, with its refresher.
        expires: SessionExpires,
        /// The other side must know of it.
        required: bool,
    },
}

impl SessionExpires {
    /// Reads the field; `None` where it is missing or is none.
    pub fn of(headers: &Headers) -> Option<Self> {
        let seconds = headers.number(&HeaderName::SESSION_EXPIRES)?;
        let value = headers.get(&HeaderName::SESSION_EXPIRES)?;
        let refresher = value.split(';').skip(1).find_map(|param| {
            let (name, value) = param.split_once('=')?;
            match (name.trim().eq_ignore_ascii_case("refresher"), value.trim()) {
                (true, role) if role.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
                (true, role) if role.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
                _ => None,
            }
        });
        Some(Self { interval: Duration::from_secs(seconds.into()).min(LONGEST), refresher })
    }

    /// What a 2xx to a request of ours agrees to. Without a refresher it is the side that asked; an
    /// interval shorter than what may be asked for is not believed.
    pub fn agreed(response: &Headers) -> Option<(Duration, Refresher)> {
        let agreed = Self::of(response)?;
        Some((agreed.interval.max(MIN_SE), agreed.refresher.unwrap_or(Refresher::Uac)))
    }

    /// Whether a request asks for less than [`MIN_SE`] and can be told so: 422 (RFC 4028 §9).
    pub fn is_too_small(request: &Request) -> bool {
        let asks = matches!(request.method, Method::Invite | Method::Update);
        asks && knows(&request.headers)
            && Self::of(&request.headers).is_some_and(|asked| asked.interval < MIN_SE)
    }

    /// The least interval that a 422 asks for, where it is one that can be asked for.
    pub fn least(headers: &Headers) -> Option<Duration> {
        let least = Duration::from_secs(headers.number(&HeaderName::MIN_SE)?.into());
        (MIN_SE..=LONGEST).contains(&least).then_some(least)
    }
}

impl Answer {
    /// The answer to a request: its interval is taken, and the side that asks refreshes where it
    /// leaves the choice and can (RFC 4028 §9 table 2).
    pub fn to(request: &Headers) -> Self {
        let knows = knows(request);
        match SessionExpires::of(request) {
            Some(SessionExpires { interval, refresher }) if interval >= MIN_SE => {
                let refresher = match (knows, refresher) {
                    (true, Some(refresher)) => refresher,
                    (true, None) => Refresher::Uac,
                    (false, _) => Refresher::Uas,
                };
                let expires = SessionExpires { interval, refresher: Some(refresher) };
                Self::Agreed { expires, required: knows }
            }
            Some(_) | None => Self::None,
        }
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval.as_secs())?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// The response to a request that [`SessionExpires::is_too_small`].
pub fn too_small(request: &Request, to_tag: &str) -> crate::Response {
    let mut response = request.response(StatusCode::SESSION_INTERVAL_TOO_SMALL, Some(to_tag));
    response.headers.push(HeaderName::MIN_SE, MIN_SE.as_secs().to_string());
    response
}

fn knows(headers: &Headers) -> bool {
    headers.has_token(&HeaderName::SUPPORTED, "timer")
        || headers.has_token(&HeaderName::REQUIRE, "timer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Uri;

    fn headers(fields: &[(HeaderName, &str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in fields {
            headers.push(name.clone(), *value);
        }
        headers
    }

    fn expires(value: &str) -> Option<SessionExpires> {
        SessionExpires::of(&headers(&[(HeaderName::SESSION_EXPIRES, value)]))
    }

    #[test]
    fn the_field_is_read_and_printed() {
        for (text, seconds, refresher) in [
            ("1800", 1800, None),
            ("90;refresher=uac", 90, Some(Refresher::Uac)),
            ("4000 ; x=y;Refresher=UAS", 4000, Some(Refresher::Uas)),
            ("90;refresher=proxy", 90, None),
            ("4294967295", 86_400, None),
        ] {
            let read = expires(text).unwrap();
            assert_eq!((read.interval.as_secs(), read.refresher), (seconds, refresher), "{text}");
            assert_eq!(expires(&read.to_string()), Some(read));
        }
        for none in ["", "soon", "-1;refresher=uac", "99999999999"] {
            assert_eq!(expires(none), None, "{none}");
        }
        assert_eq!(SessionExpires::of(&Headers::default()), None);
        let compact = HeaderName::new("x");
        assert!(SessionExpires::of(&headers(&[(compact, "90")])).is_some(), "RFC 4028 §4");
    }

    #[test]
    fn the_answer_is_that_of_table_2() {
        use Refresher::{Uac, Uas};
        // The other side knows timers, what it asks for, and who refreshes then.
        for (supports, asked, refresher) in [
            (true, "1800", Some(Uac)),
            (true, "1800;refresher=uac", Some(Uac)),
            (true, "1800;refresher=uas", Some(Uas)),
            (false, "1800", Some(Uas)),
        ] {
            let mut request = headers(&[(HeaderName::SESSION_EXPIRES, asked)]);
            if supports {
                request.push(HeaderName::SUPPORTED, "path, timer");
            }
            let expires = SessionExpires { interval: RECOMMENDED, refresher };
            let agreed = Answer::Agreed { expires, required: supports };
            assert_eq!(Answer::to(&request), agreed, "{supports} {asked}");
        }
        assert_eq!(Answer::to(&headers(&[(HeaderName::SUPPORTED, "timer")])), Answer::None);
    }

    #[test]
    fn an_interval_below_the_minimum_is_refused_where_that_is_understood() {
        let mut request = Request::new(Method::Invite, Uri::sip("a", "b"));
        request.headers.push(HeaderName::SESSION_EXPIRES, "89");
        assert!(!SessionExpires::is_too_small(&request));
        assert_eq!(Answer::to(&request.headers), Answer::None);
        request.headers.push(HeaderName::SUPPORTED, "timer");
        assert!(SessionExpires::is_too_small(&request));
        let refusal = too_small(&request, "t");
        assert_eq!(
            (refusal.status.code(), SessionExpires::least(&refusal.headers)),
            (422, Some(MIN_SE))
        );
        request.headers.set(HeaderName::SESSION_EXPIRES, "90");
        assert!(!SessionExpires::is_too_small(&request));
    }

    #[test]
    fn what_a_server_agrees_to_cannot_make_a_storm_of_refreshes() {
        let agreed =
            |value| SessionExpires::agreed(&headers(&[(HeaderName::SESSION_EXPIRES, value)]));
        assert_eq!(agreed("1;refresher=uas"), Some((MIN_SE, Refresher::Uas)));
        assert_eq!(agreed("300"), Some((Duration::from_secs(300), Refresher::Uac)));
        for wrong in ["0", "89", "86401", "x"] {
            assert_eq!(SessionExpires::least(&headers(&[(HeaderName::MIN_SE, wrong)])), None);
        }
    }
}
