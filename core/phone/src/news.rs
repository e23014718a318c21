//! What the server's packs tell: JSON of version 1, read within a limit, and what is known of a pack that tells anything else
//! (docs/agent-plane.md).

use crate::phone::Phone;
use crate::{Event, Pack, PackProblem, UnreadPack};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Which version a body is of.
#[derive(Deserialize)]
struct Version {
    v: Option<u64>,
}

/// Reads a body; fields that are not known are passed over.
///
/// # Errors
/// It is longer than `longest` bytes, of another version than 1, or not what is looked for.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8], longest: usize) -> Result<T, PackProblem> {
    if body.len() > longest {
        return Err(PackProblem::Malformed);
    }
    // Of another version nothing else need be as it is here.
    match serde_json::from_slice::<Version>(body).map_err(|_| PackProblem::Malformed)?.v {
        Some(1) => serde_json::from_slice(body).map_err(|_| PackProblem::Malformed),
        // A body of before there were versions does not say of which it is.
        None | Some(0) => Err(PackProblem::TooOld),
        Some(_) => Err(PackProblem::TooNew),
    }
}

/// The packs whose last word on this connection was not read.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnreadPacks {
    known: BTreeMap<Pack, PackProblem>,
    told: BTreeMap<Pack, PackProblem>,
}

impl UnreadPacks {
    /// What came of reading a word of this pack.
    pub(crate) fn note<T>(&mut self, pack: Pack, news: Result<T, PackProblem>) -> Option<T> {
        match news {
            Ok(news) => {
                self.known.remove(&pack);
                Some(news)
            }
            Err(problem) => {
                log::warn!("{}", UnreadPack { pack, problem });
                self.known.insert(pack, problem);
                None
            }
        }
    }

    /// Why this pack is not understood.
    pub(crate) fn of(&self, pack: Pack) -> Option<PackProblem> {
        self.known.get(&pack).copied()
    }

    /// Whether it need not be asked: it would say the same.
    pub(crate) fn is_of_another_version(&self, pack: Pack) -> bool {
        self.of(pack).is_some_and(|problem| problem != PackProblem::Malformed)
    }

    /// It is asked as if it had said nothing.
    pub(crate) fn forget(&mut self, pack: Pack) {
        self.known.remove(&pack);
    }

    /// The connection is gone: the server may be another on the next.
    pub(crate) fn forget_all(&mut self) {
        self.known.clear();
    }

    /// All of them.
    pub(crate) fn list(&self) -> Vec<UnreadPack> {
        self.known
            .iter()
            .map(|(pack, problem)| UnreadPack { pack: *pack, problem: *problem })
            .collect()
    }
}

impl Phone {
    /// After each step: whether others are not understood.
    pub(crate) fn settle_unread_packs(&mut self) {
        let unread = &mut self.ua.unread;
        if unread.told != unread.known {
            unread.told.clone_from(&unread.known);
            let packs = unread.list();
            self.ua.tell(Event::UnreadPacksChanged { packs });
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What no reader takes for news, whatever it looks for.
    pub(crate) fn broken() -> Vec<Vec<u8>> {
        let texts = [
            "",
            "\0",
            "null",
            "1",
            "[]",
            "{",
            "}",
            "{}",
            "{\"v\":1",
            "{\"v\":1,}",
            "{'v':1}",
            "{\"v\":1}{\"v\":1}",
            "{\"v\":1,\"v\":1}",
            "{\"v\":null}",
            "{\"v\":\"1\"}",
            "{\"v\":1e400}",
            "{\"v\":18446744073709551617}",
            "{\"v\":1,\"number\":-1,\"at\":-1,\"queues\":{},\"calls\":{},\"people\":{},\"features\":{},\"mode\":1}",
            "{\"v\":1,\"number\":\"1\",\"at\":\"1\",\"queues\":[1],\"calls\":[1],\"people\":[1],\"features\":[1],\"mode\":[]}",
            "{\"v\":1,\"\\ud800\":1}",
        ];
        let mut all: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).to_vec();
        all.push(b"{\"v\":1,\"x\":\"\xff\"}".to_vec());
        // As deep as a stack, in what is passed over.
        all.push(format!("{{\"v\":1,\"x\":{}", "[".repeat(3_000)).into_bytes());
        all.push(
            format!("{{\"v\":1,\"x\":{}1{}}}", "[".repeat(2_000), "]".repeat(2_000)).into_bytes(),
        );
        all
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Word {
        word: String,
    }

    fn word(body: &[u8]) -> Option<String> {
        read::<Word>(body, 64).ok().map(|read| read.word)
    }

    #[test]
    fn a_body_of_version_1_is_read_up_to_its_limit() {
        let body = br#"{"v":1,"word":"yes","more":[{}]}"#;
        assert_eq!(word(body).as_deref(), Some("yes"));
        let filled = |length: usize| [&body[..], &vec![b' '; length - body.len()]].concat();
        assert!(word(&filled(64)).is_some());
        assert_eq!(word(&filled(65)), None);
    }

    #[test]
    fn a_body_of_another_version_or_shape_is_none() {
        let deep = "[".repeat(64);
        for body in [
            "",
            "{}",
            "[1]",
            "null",
            r#"{"word":"yes"}"#,
            r#"{"v":1}"#,
            r#"{"v":2,"word":"yes"}"#,
            r#"{"v":-1,"word":"yes"}"#,
            r#"{"v":1.0,"word":"yes"}"#,
            r#"{"v":"1","word":"yes"}"#,
            r#"{"v":1,"v":1,"word":"yes"}"#,
            r#"{"v":1,"word":7}"#,
            r#"{"v":1,"word":"yes"}{"#,
            r#"{"v":1,"word":"yes""#,
            r#"{"v":1,"word":"\ud800"}"#,
            &deep,
        ] {
            assert_eq!(word(body.as_bytes()), None, "{body}");
        }
        assert_eq!(word(b"{\"v\":1,\"word\":\"\xff\"}"), None);
    }

    #[test]
    fn a_pack_that_is_not_read_is_kept_in_mind_until_it_is_or_the_connection_goes() {
        let mut packs = UnreadPacks::default();
        let say = |packs: &mut UnreadPacks, pack, body: &str| {
            packs.note(pack, read::<Word>(body.as_bytes(), 64)).is_some()
        };
        let word = r#"{"v":1,"word":"yes"}"#;
        for (body, problem) in [
            (r#"{"v":2}"#, Some(PackProblem::TooNew)),
            ("{", Some(PackProblem::Malformed)),
            (r#"{"v":0}"#, Some(PackProblem::TooOld)),
            (word, None),
            (r#"{"word":"yes"}"#, Some(PackProblem::TooOld)),
        ] {
            assert_eq!(say(&mut packs, Pack::Team, body), body == word, "{body}");
            assert_eq!(packs.of(Pack::Team), problem, "{body}");
        }
        say(&mut packs, Pack::Agent, r#"{"v":18446744073709551615}"#);
        let words: Vec<_> = packs.list().iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "the server's agent.conf is newer than this phone; update the app",
                "the server's team.conf is older than this phone; ask its administrator to update it",
            ]
        );
        packs.forget(Pack::Team);
        assert_eq!((packs.of(Pack::Team), packs.list().len()), (None, 1));
        packs.forget_all();
        assert_eq!(packs.list(), []);
    }
}
