//! The SIP ladder of a phone, masked, and compared between two servers.
//!
//! Compared are the order of the messages of each Call-ID and, of each message, the names of its fields,
//! the options in it, and what its session description says of codecs, direction, roles and transport.
//! What is random or a matter of address (tags, branches, nonces, ports) is not, nor in which order
//! messages of two calls meet.

use crate::phone::Phone;
use std::collections::BTreeMap;

/// The messages of one phone in their order.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// Whose it is.
    pub phone: String,
    rungs: Vec<Rung>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rung {
    /// `> INVITE`, `< 200 INVITE`.
    title: String,
    call_id: String,
    /// What is compared, by what it is.
    facts: BTreeMap<String, String>,
}

impl Ladder {
    /// The ladder of what a phone told with `--sip`.
    pub fn of(phone: &Phone) -> Self {
        let messages = phone.told().filter(|event| event["event"] == "sip");
        let rungs = messages.filter_map(|event| {
            Rung::read(event["sent"] == true, event["message"].as_str().unwrap_or_default())
        });
        // Probes and session timers of the server come when their time comes.
        let rungs = rungs.filter(|rung| !rung.title.contains("OPTIONS")).collect();
        let phone = phone.name().split('-').next().unwrap_or_default().to_owned();
        Self { phone, rungs }
    }

    /// The messages, one a line.
    pub fn titles(&self) -> String {
        self.rungs.iter().map(|rung| rung.title.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// In what two ladders differ, a sentence each, without repetition.
    pub fn differences(&self, other: &Self, ours: &str, theirs: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut tell = |text: String| {
            if !found.contains(&text) {
                found.push(text);
            }
        };
        let (mut mine, mut others) = (self.by_call(), other.by_call());
        let calls = mine.len().max(others.len());
        mine.resize(calls, Vec::new());
        others.resize(calls, Vec::new());
        for (mine, other) in mine.iter().zip(&others).flat_map(|(one, two)| align(one, two)) {
            match (mine, other) {
                (Some(mine), Some(other)) => {
                    let names = mine.facts.keys().chain(other.facts.keys());
                    for name in names {
                        let value = |rung: &Rung| {
                            rung.facts.get(name).cloned().unwrap_or_else(|| "-".to_owned())
                        };
                        let (mine_is, other_is) = (value(mine), value(other));
                        if mine_is != other_is {
                            let title = &mine.title;
                            tell(format!("{title}: {name}: {ours} {mine_is}, {theirs} {other_is}"));
                        }
                    }
                }
                (Some(mine), None) => tell(format!("{}: only {ours}", mine.title)),
                (None, Some(other)) => tell(format!("{}: only {theirs}", other.title)),
                (None, None) => {}
            }
        }
        found
    }

    /// The messages of each Call-ID, the calls in the order of their first message.
    fn by_call(&self) -> Vec<Vec<&Rung>> {
        let mut calls: Vec<Vec<&Rung>> = Vec::new();
        for rung in &self.rungs {
            match calls.iter_mut().find(|call| call[0].call_id == rung.call_id) {
                Some(call) => call.push(rung),
                None => calls.push(vec![rung]),
            }
        }
        // Whether two BYEs meet is chance: then the one that came is enough.
        for call in &mut calls {
            if call.iter().any(|rung| rung.title == "< BYE") {
                call.retain(|rung| rung.title != "> BYE" && rung.title != "< 200 BYE");
            }
        }
        calls
    }
}

impl Rung {
    fn read(sent: bool, message: &str) -> Option<Self> {
        let mut lines = message.lines();
        let start = lines.next()?;
        let mut facts = BTreeMap::new();
        let (mut method, mut call_id) = (String::new(), String::new());
        for line in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "cseq" => method = value.split_whitespace().nth(1).unwrap_or_default().to_owned(),
                "call-id" => value.clone_into(&mut call_id),
                "via" | "from" | "to" | "max-forwards" | "content-length" | "route"
                | "record-route" => {}
                "allow" | "supported" | "require" | "reason" | "content-type" | "expires"
                | "session-expires" | "event" => {
                    facts.insert(name, list(value));
                }
                _ => {
                    facts.insert(name, "is there".to_owned());
                }
            }
        }
        read_description(lines, &mut facts);
        let mut words = start.split_whitespace();
        let arrow = if sent { '>' } else { '<' };
        let title = match words.next()? {
            "SIP/2.0" => format!("{arrow} {} {method}", words.next()?),
            method => format!("{arrow} {method}"),
        };
        Some(Self { title, call_id, facts })
    }
}

/// The items of a list in the order of the alphabet.
fn list(value: &str) -> String {
    let mut items: Vec<&str> = value.split(',').map(str::trim).collect();
    items.sort_unstable();
    items.join(" ")
}

fn read_description<'a>(body: impl Iterator<Item = &'a str>, facts: &mut BTreeMap<String, String>) {
    let mut add = |name: &str, value: &str| {
        let values = facts.entry(format!("sdp {name}")).or_default();
        if !values.split(' ').any(|known| known == value) {
            *values = format!("{values} {value}").trim().to_owned();
        }
    };
    for line in body {
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split(' ');
            add("media", words.next().unwrap_or_default());
            add("profile", words.nth(1).unwrap_or_default());
        }
        let Some(attribute) = line.strip_prefix("a=") else { continue };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "sendrecv" | "sendonly" | "recvonly" | "inactive" => add("direction", name),
            "rtpmap" => add("codecs", value.split(' ').nth(1).unwrap_or_default()),
            "setup" => add("setup", value),
            "candidate" => add("candidates", "some"),
            "fingerprint" => add("fingerprint", value.split(' ').next().unwrap_or_default()),
            "rtcp-mux" | "group" | "ptime" | "maxptime" | "ice-options" | "end-of-candidates"
            | "rtcp-rsize" | "extmap-allow-mixed" | "extmap" | "msid" | "rtcp" | "rtcp-fb" => {
                add("attributes", name);
            }
            _ => {}
        }
    }
    if let Some(attributes) = facts.get_mut("sdp attributes") {
        *attributes = list(&attributes.replace(' ', ","));
    }
}

/// Pairs the rungs of the same title, as many as can be without changing any order.
fn align<'a>(one: &[&'a Rung], two: &[&'a Rung]) -> Vec<(Option<&'a Rung>, Option<&'a Rung>)> {
    let mut common = vec![vec![0_usize; two.len() + 1]; one.len() + 1];
    for (i, a) in one.iter().enumerate().rev() {
        for (j, b) in two.iter().enumerate().rev() {
            common[i][j] = if a.title == b.title {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < one.len() || j < two.len() {
        match (one.get(i).copied(), two.get(j).copied()) {
            (Some(a), Some(b)) if a.title == b.title => {
                pairs.push((Some(a), Some(b)));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), None) => {
                pairs.push((Some(a), None));
                i += 1;
            }
            (Some(a), Some(_)) if common[i + 1][j] >= common[i][j + 1] => {
                pairs.push((Some(a), None));
                i += 1;
            }
            (_, b) => {
                pairs.push((None, b));
                j += 1;
            }
        }
    }
    pairs
}

/// The differences that are known, each with its reason: a table of Markdown whose first column
/// may have `*` for any text.
#[derive(Debug)]
pub struct Known(Vec<String>);

impl Known {
    /// Reads the table.
    pub fn read(table: &str) -> Self {
        let rows = table.lines().filter_map(|line| {
            let cell = line.strip_prefix("| `")?.split_once("` |")?.0;
            Some(cell.to_owned())
        });
        Self(rows.collect())
    }

    /// Whether a difference is listed.
    pub fn has(&self, difference: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, difference))
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(messages: &[(bool, &str)]) -> Ladder {
        let rungs = messages.iter().filter_map(|(sent, text)| Rung::read(*sent, text)).collect();
        Ladder { phone: "agent".to_owned(), rungs }
    }

    #[test]
    fn what_is_random_makes_no_difference() {
        let message =
            |tag: &str| format!("SIP/2.0 200 OK\r\nTo: <sip:a@b>;tag={tag}\r\nCSeq: 1 BYE\r\n\r\n");
        let (one, two) = (message("x"), message("y"));
        let (one, two) = (ladder(&[(true, &one)]), ladder(&[(true, &two)]));
        assert_eq!(one.differences(&two, "a", "b"), Vec::<String>::new());
        assert_eq!(one.titles(), "> 200 BYE");
    }

    #[test]
    fn a_missing_message_a_field_and_a_direction_are_told() {
        let invite = "INVITE sip:a@b SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\nm=audio 1 RTP/AVP 0\r\na=";
        let (held, live) = (format!("{invite}sendonly\r\n"), format!("{invite}sendrecv\r\n"));
        let trying = "SIP/2.0 100 Trying\r\nServer: x\r\nCSeq: 1 INVITE\r\n\r\n";
        let one = ladder(&[(true, &held), (false, trying)]);
        let two = ladder(&[(true, &live)]);
        assert_eq!(
            one.differences(&two, "a", "b"),
            ["> INVITE: sdp direction: a sendonly, b sendrecv", "< 100 INVITE: only a"]
        );
    }

    #[test]
    fn the_order_of_a_call_is_compared_and_not_how_two_calls_meet() {
        let bye =
            |call: u8| format!("BYE sip:a@b SIP/2.0\r\nCall-ID: {call}\r\nCSeq: 1 BYE\r\n\r\n");
        let ok = |call: u8| format!("SIP/2.0 200 OK\r\nCall-ID: {call}\r\nCSeq: 1 BYE\r\n\r\n");
        let [a, b, c, d] = [bye(1), bye(2), ok(1), ok(2)];
        let one = ladder(&[(true, &a), (false, &b), (false, &c), (true, &d)]);
        let two = ladder(&[(true, &a), (false, &c), (false, &b), (true, &d)]);
        assert_eq!(one.differences(&two, "a", "b"), Vec::<String>::new());
        let missing = ladder(&[(true, &a), (false, &c), (false, &b)]);
        assert_eq!(one.differences(&missing, "a", "b"), ["> 200 BYE: only a"]);
        let turned = ladder(&[(true, &a), (false, &c), (true, &d), (false, &b)]);
        assert!(!one.differences(&turned, "a", "b").is_empty());
        let met =
            ladder(&[(true, &a), (false, &c), (true, &b), (false, &b), (true, &d), (false, &d)]);
        assert_eq!(one.differences(&met, "a", "b"), Vec::<String>::new());
    }

    #[test]
    fn a_listed_difference_is_known_also_by_a_pattern() {
        let known =
            Known::read("| difference | reason |\n|---|---|\n| `< 100 *: only a` | why |\n");
        assert!(known.has("< 100 INVITE: only a"));
        assert!(!known.has("< 100 INVITE: only b"));
    }
}
