//! What Asterisk has: its channels, its contacts and what each channel received; asked for once a second for all
//! who want to know, since each question starts a process.

use crate::bench::Bench;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is asked.
const PERIOD: Duration = Duration::from_secs(1);
/// As much of a channel's name is printed beside its figures.
const STATS_NAME: usize = 18;

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// `PJSIP/agent1-0000002a`.
    pub name: String,
    /// Where it is in the dialplan.
    pub extension: String,
    /// `Up`, `Ringing` …
    pub state: String,
}

/// Where a user's phone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    user: String,
    /// Its beginning, as much as the console shows.
    pub uri: String,
    /// `NonQual`, `Avail`, `Unavail`: that one is not rung.
    pub status: String,
}

/// What the server had at a moment.
#[derive(Debug, Clone)]
pub struct View {
    /// Before the first question.
    pub at: Instant,
    /// All channels.
    pub channels: Vec<Channel>,
    contacts: Vec<Contact>,
    /// The packets that each channel received, by the beginning of its name without its technology.
    received: BTreeMap<String, u64>,
}

impl View {
    /// Asks now.
    pub fn of(bench: &Bench) -> Self {
        let at = Instant::now();
        let channels = bench.asterisk("core show channels concise");
        let contacts = bench.asterisk("pjsip show contacts");
        let stats = bench.asterisk("pjsip show channelstats");
        Self {
            at,
            channels: channels.lines().filter_map(channel).collect(),
            contacts: contacts.lines().filter_map(contact).collect(),
            received: stats.lines().filter_map(received).collect(),
        }
    }

    /// The channels to a user's phone.
    pub fn phone(&self, user: &str) -> impl Iterator<Item = &Channel> {
        let prefix = format!("PJSIP/{user}-");
        self.channels.iter().filter(move |channel| channel.name.starts_with(&prefix))
    }

    /// All channels that have to do with a user, whose number is this: also the caller's, while it waits.
    pub fn about(&self, user: &str, number: &str) -> impl Iterator<Item = &Channel> {
        let (phone, local) = (format!("PJSIP/{user}-"), format!("Local/{user}@"));
        self.channels.iter().filter(move |channel| {
            channel.name.starts_with(&phone)
                || channel.name.starts_with(&local)
                || channel.extension == number
                || channel.extension == user
        })
    }

    /// The contacts of a user.
    pub fn contacts(&self, user: &str) -> Vec<&Contact> {
        self.contacts.iter().filter(|contact| contact.user == user).collect()
    }

    /// How many packets came from the phone of this channel.
    pub fn received(&self, channel: &Channel) -> Option<u64> {
        let name = channel.name.trim_start_matches("PJSIP/");
        self.received.get(&name[..name.len().min(STATS_NAME)]).copied()
    }
}

fn channel(line: &str) -> Option<Channel> {
    let mut fields = line.split('!').map(str::to_owned);
    let (name, _context, extension) = (fields.next()?, fields.next()?, fields.next()?);
    let (_priority, state) = (fields.next()?, fields.next()?);
    Some(Channel { name, extension, state })
}

fn contact(line: &str) -> Option<Contact> {
    let mut words = line.trim().strip_prefix("Contact:")?.split_whitespace();
    let (user, uri) = words.next()?.split_once('/')?;
    let (user, uri) = (user.to_owned(), uri.to_owned());
    let _hash = words.next()?;
    Some(Contact { user, uri, status: words.next()?.to_owned() })
}

/// `[bridge] channel time codec received lost …`; the bridge is missing where there is none.
fn received(line: &str) -> Option<(String, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let time = words.iter().position(|word| word.len() == 8 && word.matches(':').count() == 2)?;
    let name = words.get(time.checked_sub(1)?)?;
    Some(((*name).to_owned(), words.get(time + 2)?.parse().ok()?))
}

/// Asks once a second, for as long as it is there.
#[derive(Debug)]
pub struct Watch {
    last: Arc<Mutex<View>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    /// Begins to ask.
    pub fn start(bench: &Bench) -> Self {
        let last = Arc::new(Mutex::new(View::of(bench)));
        let over = Arc::new(AtomicBool::new(false));
        let (asked, is_over, bench) = (last.clone(), over.clone(), bench.clone());
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let view = View::of(&bench);
                let pause = PERIOD.saturating_sub(view.at.elapsed());
                *asked.lock().unwrap_or_else(PoisonError::into_inner) = view;
                std::thread::sleep(pause);
            }
        });
        Self { last, over }
    }

    /// The last answer.
    pub fn last(&self) -> View {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_console_prints_is_read() {
        let line = "PJSIP/agent1-0000002a!phones!1801!2!Up!Queue!line1!0302000001!!!3!2!!bench-1.3";
        let Channel { name, extension, state } = channel(line).expect("a channel");
        assert_eq!(
            (name.as_str(), extension.as_str(), state.as_str()),
            ("PJSIP/agent1-0000002a", "1801", "Up")
        );
        let line = "  Contact:  agent1/sip:agent1@198.18.12.10:4001;transport=ws 1a2b NonQual nan";
        let Contact { user, uri, status } = contact(line).expect("a contact");
        assert_eq!((user.as_str(), status.as_str()), ("agent1", "NonQual"));
        assert_eq!(uri, "sip:agent1@198.18.12.10:4001;transport=ws");
        let line = "   1f2e3d4c agent1-0000002a 00:00:03 opus 120 0 0 0.000 119 0 0 0.002 0.000";
        assert_eq!(received(line), Some(("agent1-0000002a".to_owned(), 120)));
        let line = "            trunk-00000000  00:00:03 ulaw 7 0 0 0.000 119 0 0 0.002 0.000";
        assert_eq!(received(line), Some(("trunk-00000000".to_owned(), 7)));
        assert_eq!(received("BridgeId ChannelId ........ UpTime.. Codec. Count"), None);
    }
}
