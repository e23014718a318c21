//! The direction of a media stream and what may be answered to it (RFC 8866 §6.7, RFC 3264 §6.1).

use std::fmt;

/// The direction of a media stream (RFC 8866 §6.7, RFC 3264 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Direction {
    /// `a=sendrecv`
    #[default]
    SendRecv,
    /// `a=sendonly`
    SendOnly,
    /// `a=recvonly`
    RecvOnly,
    /// `a=inactive`
    Inactive,
}

impl Direction {
    /// From what each side wants: may we send, may we receive.
    pub fn new(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The direction of this attribute name, if it is one.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    /// Whether the describing side sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the describing side receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same stream seen from the other side.
    pub fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What may be answered to this offer by a side that wants `wanted` (RFC 3264 §6.1).
    pub fn answer(self, wanted: Self) -> Self {
        Self::new(wanted.sends() && self.receives(), wanted.receives() && self.sends())
    }

    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{self, Inactive, RecvOnly, SendOnly, SendRecv};

    const ALL: [Direction; 4] = [SendRecv, SendOnly, RecvOnly, Inactive];

    #[test]
    fn an_answer_is_one_of_those_the_standard_allows() {
        // RFC 3264 §6.1: the rows are offers, each with the answers that may stand.
        let allowed: [(Direction, &[Direction]); 4] = [
            (SendRecv, &ALL),
            (SendOnly, &[RecvOnly, Inactive]),
            (RecvOnly, &[SendOnly, Inactive]),
            (Inactive, &[Inactive]),
        ];
        for (offer, answers) in allowed {
            for wanted in ALL {
                let answer = offer.answer(wanted);
                assert!(answers.contains(&answer), "{offer} answered with {answer}");
                assert!(!answer.sends() || wanted.sends());
                assert!(!answer.receives() || wanted.receives());
            }
            assert_eq!(offer.answer(SendRecv), offer.reversed());
        }
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for direction in ALL {
            assert_eq!(Direction::from_name(direction.as_str()), Some(direction));
            assert_eq!(direction.reversed().reversed(), direction);
        }
        assert_eq!(Direction::from_name("SENDRECV"), None);
    }
}
