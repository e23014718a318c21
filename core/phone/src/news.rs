//! What the server's packs tell: JSON of version 1, read within a limit (docs/agent-plane.md).

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Which version a body is of.
#[derive(Deserialize)]
struct Version {
    v: Option<u64>,
}

/// Why a body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is of another version than 1, or does not say of which.
    Version(Option<u64>),
    /// It is too long, no JSON, or not what is looked for.
    Malformed,
}

/// Reads a body; fields that are not known are passed over.
///
/// # Errors
/// It is longer than `longest` bytes, of another version than 1, or not what is looked for.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8], longest: usize) -> Result<T, Unread> {
    if body.len() > longest {
        return Err(Unread::Malformed);
    }
    // Of another version nothing else need be as it is here.
    let version = serde_json::from_slice::<Version>(body).map_err(|_| Unread::Malformed)?;
    if version.v != Some(1) {
        return Err(Unread::Version(version.v));
    }
    serde_json::from_slice(body).map_err(|_| Unread::Malformed)
}

/// The same, where why it is not read does not matter.
pub(crate) fn versioned<T: DeserializeOwned>(body: &[u8], longest: usize) -> Option<T> {
    read(body, longest).ok()
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
        versioned::<Word>(body, 64).map(|read| read.word)
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
}
