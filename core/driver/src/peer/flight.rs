//! A DTLS handshake over a link that loses packets: our last flight, sent again when the other side repeats its own
//! (RFC 6347 §4.2.4), and theirs from its first message on.
//!
//! The stack's client stops its timer at the first message it hears in a flight that it waits in: where its
//! certificate and Finished are lost and the server repeats what came before, neither gets on, for ever. What is
//! repeated here is what was sent, record numbers and all: what arrived the first time is dropped as a replay.
//!
//! And where the first message of the server's flight is lost and a later one is not, the stack's client ends the
//! handshake by a fatal alert, and Asterisk the call: what comes before a flight's first message is kept from it, and
//! comes again with that.
//!
//! And where the server's repetition crosses with our last flight, its end stops the timer of that flight too: if the
//! server's last flight is lost then, which it sends again only when asked to, neither gets on. What says nothing new
//! then is kept from the stack, whose timer asks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A flight is repeated no sooner after it was sent: a repetition of theirs is several datagrams.
const PAUSE: Duration = Duration::from_millis(80);
/// As much of a flight is kept: a certificate in fragments fits.
const MOST_DATAGRAMS: usize = 16;
/// As many messages of theirs are remembered.
const MOST_HEARD: usize = 64;
/// A flight is repeated so often.
const MOST_REPEATS: u32 = 20;

const RECORD_HEADER: usize = 13;
const MESSAGE_HEADER: usize = 12;
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// What the two have said of a handshake.
#[derive(Debug, Default)]
pub(super) struct Flight {
    sent: Vec<(SocketAddr, Vec<u8>)>,
    last_sent: Option<Instant>,
    /// Number and fragment of what was heard.
    heard: BTreeSet<(u16, u32)>,
    /// Something new was heard since: what is sent next is another flight.
    answered: bool,
    repeats: u32,
}

impl Flight {
    /// Whether a datagram may be DTLS (RFC 7983 §7).
    pub(super) fn is_dtls(datagram: &[u8]) -> bool {
        datagram.first().is_some_and(|first| (20..=63).contains(first))
    }

    /// We sent this.
    pub(super) fn sent(&mut self, to: SocketAddr, datagram: &[u8], now: Instant) {
        if !matches!(datagram.first(), Some(&CHANGE_CIPHER_SPEC | &HANDSHAKE)) {
            return;
        }
        let begins = records(datagram).any(|(header, body)| {
            is_clear(header)
                && body.first() == Some(&CLIENT_HELLO)
                && body.get(4..6) == Some(&[0, 0])
        });
        if begins {
            *self = Self::default();
        }
        if std::mem::take(&mut self.answered) {
            self.sent.clear();
            self.repeats = 0;
        }
        self.last_sent = Some(now);
        let is_new = self.sent.iter().all(|(_, kept)| kept != datagram);
        if is_new && self.sent.len() < MOST_DATAGRAMS {
            self.sent.push((to, datagram.to_vec()));
        }
    }

    /// They sent this, and its flight's first message has not come: it is to be taken as lost.
    pub(super) fn is_early(&self, datagram: &[u8]) -> bool {
        let messages = messages(datagram);
        let begins = messages.iter().chain(&self.heard).any(|(number, _)| *number == 0);
        !messages.is_empty() && !begins
    }

    /// They sent this, all of it for another time, while our last flight is out.
    pub(super) fn is_stale(&self, datagram: &[u8]) -> bool {
        let is_last =
            |sent: &[u8]| records(sent).any(|(header, _)| header[0] == CHANGE_CIPHER_SPEC);
        let messages = messages(datagram);
        self.sent.iter().any(|(_, sent)| is_last(sent))
            && records(datagram).all(|(header, _)| is_clear(header))
            && !messages.is_empty()
            && messages.iter().all(|message| self.heard.contains(message))
    }

    /// They sent this; gives what is to be sent again.
    pub(super) fn received(&mut self, datagram: &[u8], now: Instant) -> Vec<(SocketAddr, Vec<u8>)> {
        let messages = messages(datagram);
        let Some(first) = messages.first() else { return Vec::new() };
        let is_repeated = self.heard.contains(first);
        for message in messages {
            if self.heard.len() < MOST_HEARD {
                self.answered |= self.heard.insert(message);
            }
        }
        let waited = self.last_sent.is_some_and(|at| now.saturating_duration_since(at) >= PAUSE);
        if !is_repeated || self.answered || !waited || self.repeats >= MOST_REPEATS {
            return Vec::new();
        }
        self.repeats += 1;
        self.last_sent = Some(now);
        self.sent.clone()
    }
}

/// The header and the body of each record (RFC 6347 §4.1).
fn records(datagram: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let (header, after) = rest.split_at_checked(RECORD_HEADER)?;
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (body, next) = after.split_at_checked(length)?;
        rest = next;
        Some((header, body))
    })
}

/// Whether a record is of a handshake that nothing seals yet.
fn is_clear(header: &[u8]) -> bool {
    header[0] == HANDSHAKE && header[3] == 0 && header[4] == 0
}

/// Number and fragment offset of each handshake message in the clear (RFC 6347 §4.2.2).
fn messages(datagram: &[u8]) -> Vec<(u16, u32)> {
    let mut found = Vec::new();
    for (_, mut body) in records(datagram).filter(|(header, _)| is_clear(header)) {
        while body.len() >= MESSAGE_HEADER {
            let number = u16::from_be_bytes([body[4], body[5]]);
            let three = |at: usize| u32::from_be_bytes([0, body[at], body[at + 1], body[at + 2]]);
            found.push((number, three(6)));
            let length = three(9) as usize;
            body = body.get(MESSAGE_HEADER + length..).unwrap_or_default();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of this epoch with one handshake message.
    fn record(epoch: u16, number: u16) -> Vec<u8> {
        let mut record = vec![HANDSHAKE, 254, 253];
        record.extend(epoch.to_be_bytes());
        record.extend([0; 6]);
        record.extend([0, 14]);
        record.extend([11, 0, 0, 2]);
        record.extend(number.to_be_bytes());
        record.extend([0, 0, 0, 0, 0, 2, 7, 7]);
        record
    }

    fn server() -> SocketAddr {
        ([192, 0, 2, 1], 4000).into()
    }

    #[test]
    fn a_flight_that_was_lost_goes_again_when_the_server_repeats_its_own() {
        let (mut flight, began) = (Flight::default(), Instant::now());
        let at = |ms| began + Duration::from_millis(ms);
        flight.sent(server(), &record(0, 0), at(0));
        assert!(flight.received(&[record(0, 0), record(0, 1)].concat(), at(50)).is_empty());
        let ours = [record(0, 1), record(1, 2)];
        ours.iter().for_each(|datagram| flight.sent(server(), datagram, at(60)));
        // The repetition crossed with ours: it is on its way.
        assert!(flight.received(&record(0, 0), at(100)).is_empty());
        let again = flight.received(&record(0, 0), at(1050));
        assert_eq!(again.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>(), ours);
        // The rest of the same repetition.
        assert!(flight.received(&record(0, 1), at(1051)).is_empty());
        assert_eq!(flight.received(&record(0, 0), at(3000)).len(), 2);
    }

    #[test]
    fn a_flight_whose_beginning_was_lost_is_taken_from_its_repetition() {
        let (mut flight, began) = (Flight::default(), Instant::now());
        flight.sent(server(), &record(0, 0), began);
        assert!(flight.is_early(&record(0, 1)));
        assert!(!flight.is_early(&[record(0, 0), record(0, 1)].concat()));
        flight.received(&record(0, 0), began);
        assert!(!flight.is_early(&record(0, 1)));
        assert!(!Flight::default().is_early(&record(1, 5)), "what is sealed is not looked at");
    }

    #[test]
    fn a_repetition_that_says_nothing_new_does_not_stop_the_timer_of_our_last_flight() {
        let (mut flight, now) = (Flight::default(), Instant::now());
        let cipher = vec![CHANGE_CIPHER_SPEC, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1];
        let mut hello = record(0, 0);
        hello[RECORD_HEADER] = CLIENT_HELLO;
        flight.sent(server(), &hello, now);
        for number in [0, 2, 0] {
            assert!(!flight.is_stale(&record(0, number)), "it still waits for what is missing");
            flight.received(&record(0, number), now);
        }
        flight.received(&record(0, 1), now);
        flight.sent(server(), &[record(0, 1), cipher.clone(), record(1, 2)].concat(), now);
        assert!(
            flight.is_stale(&record(0, 2))
                && flight.is_stale(&[record(0, 0), record(0, 1)].concat())
        );
        for new in
            [record(0, 3), cipher, record(1, 3), [record(0, 2), record(1, 3)].concat(), vec![]]
        {
            assert!(!flight.is_stale(&new), "{new:?}");
        }
        // A handshake anew numbers its messages anew.
        flight.sent(server(), &hello, now);
        assert!(!flight.is_stale(&record(0, 0)));
    }

    #[test]
    fn what_is_new_is_the_stacks_to_answer() {
        let (mut flight, began) = (Flight::default(), Instant::now());
        let later = began + Duration::from_secs(5);
        flight.sent(server(), &record(0, 0), began);
        assert!(flight.received(&record(0, 0), later).is_empty());
        assert!(flight.received(&[record(0, 0), record(0, 1)].concat(), later).is_empty());
    }

    #[test]
    fn what_is_sealed_or_broken_is_no_repetition() {
        let (mut flight, began) = (Flight::default(), Instant::now());
        let later = began + Duration::from_secs(5);
        flight.sent(server(), &record(0, 0), began);
        for datagram in [record(1, 3), record(0, 3)[..20].to_vec(), vec![HANDSHAKE], vec![]] {
            assert!(flight.received(&datagram, later).is_empty());
            assert!(flight.received(&datagram, later).is_empty());
        }
    }

    #[test]
    fn a_server_that_repeats_for_ever_is_not_answered_for_ever() {
        let (mut flight, began) = (Flight::default(), Instant::now());
        flight.sent(server(), &record(0, 0), began);
        flight.received(&record(0, 0), began);
        flight.sent(server(), &record(0, 1), began);
        let again = (1..100).map(|second| {
            flight.received(&record(0, 0), began + Duration::from_secs(second)).len()
        });
        assert_eq!(again.sum::<usize>(), MOST_REPEATS as usize);
    }
}
