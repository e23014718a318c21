//! What each STUN and TURN server gives, as it crosses: for an app's page of what a call needs.

use sidetone_driver::IceServer;
use sidetone_driver::ice_server::{GatherError, Gathered, gather_each};

/// A STUN or TURN server, and what it has given when it was asked.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct IceServerCheck {
    /// Its address, as in `PhoneConfig`.
    pub url: String,
    /// What it gives.
    pub given: IceServerGiven,
}

/// What a server gives to a call (RFC 8445 §5.1.1).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum IceServerGiven {
    /// How this phone is seen from outside.
    ServerReflexive {
        /// `host:port`.
        address: String,
    },
    /// An address at which the server takes audio for this phone.
    Relayed {
        /// `host:port`.
        address: String,
    },
    /// Nothing. A call may go without it, where it is not needed.
    Nothing {
        /// What kind of thing it is.
        cause: IceServerProblem,
        /// What happened and what to do.
        text: String,
    },
}

/// Why a server gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum IceServerProblem {
    /// It is no address of a server.
    Address,
    /// Its name cannot be resolved.
    NameResolution,
    /// It has not answered.
    NoAnswer,
    /// It does not take this user and credential.
    Credentials,
    /// It has nothing left to give.
    Exhausted,
    /// It refuses for another reason.
    Refused,
    /// This phone cannot send to it.
    Network,
}

/// Asks all at once; each has six seconds.
pub(crate) async fn check(servers: Vec<IceServer>) -> Vec<IceServerCheck> {
    let mut checks = Vec::new();
    for (url, asking) in gather_each(&servers) {
        let answer = asking.await;
        let given =
            answer.map_or_else(|e| Err(GatherError::Network(e.to_string())), |(given, _)| given);
        checks.push(IceServerCheck { url, given: given.into() });
    }
    checks
}

impl From<Result<Gathered, GatherError>> for IceServerGiven {
    fn from(given: Result<Gathered, GatherError>) -> Self {
        match given {
            Ok(Gathered::Reflexive(address)) => {
                Self::ServerReflexive { address: address.to_string() }
            }
            Ok(Gathered::Relayed(address)) => Self::Relayed { address: address.to_string() },
            Err(error) => {
                let text = error.to_string();
                Self::Nothing { cause: error.into(), text }
            }
        }
    }
}

impl From<GatherError> for IceServerProblem {
    fn from(error: GatherError) -> Self {
        match error {
            GatherError::Address => Self::Address,
            GatherError::NameResolution => Self::NameResolution,
            GatherError::NoAnswer => Self::NoAnswer,
            GatherError::Credentials(_) => Self::Credentials,
            GatherError::Exhausted(_) => Self::Exhausted,
            GatherError::Refused(_) => Self::Refused,
            GatherError::Network(_) => Self::Network,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_server_is_named_with_what_it_gives_and_no_secret() {
        let quiet = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let at = quiet.local_addr().expect("bound");
        drop(quiet);
        let crossed = crate::IceServer {
            url: "turn:nobody.invalid:3478".to_owned(),
            username: Some("agent".to_owned()),
            credential: Some("a credential".to_owned()),
        };
        let stun = crate::IceServer { url: format!("stun:{at}"), username: None, credential: None };
        let checks = check(vec![crossed.into(), stun.into()]).await;
        let problems: Vec<_> = checks
            .iter()
            .filter_map(|check| match &check.given {
                IceServerGiven::Nothing { cause, text } => Some((check.url.as_str(), *cause, text)),
                IceServerGiven::ServerReflexive { .. } | IceServerGiven::Relayed { .. } => None,
            })
            .collect();
        assert_eq!(problems.len(), 2, "{checks:?}");
        assert_eq!(problems[0].0, "turn:nobody.invalid:3478");
        assert_eq!(problems[0].1, IceServerProblem::NameResolution);
        assert_eq!(
            (problems[1].0, problems[1].1),
            (&*format!("stun:{at}"), IceServerProblem::NoAnswer)
        );
        assert!(problems[1].2.contains("; check that it runs"), "{}", problems[1].2);
        assert!(!format!("{checks:?}").contains("credential"), "{checks:?}");
        assert_eq!(
            IceServerGiven::from(Ok(Gathered::Relayed(at))),
            IceServerGiven::Relayed { address: at.to_string() }
        );
    }
}
