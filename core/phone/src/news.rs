//! What the server's packs tell: JSON of version 1, read within a limit (docs/agent-plane.md).

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Which version a body is of.
#[derive(Deserialize)]
struct Version {
    v: u64,
}

/// Reads a body; fields that are not known are passed over. `None`: it is longer than `longest` bytes, of another version
/// than 1, or not what is looked for.
pub(crate) fn versioned<T: DeserializeOwned>(body: &[u8], longest: usize) -> Option<T> {
    if body.len() > longest {
        return None;
    }
    // Of another version nothing else need be as it is here.
    serde_json::from_slice::<Version>(body).ok().filter(|version| version.v == 1)?;
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Word {
        word: String,
    }

    fn read(body: &[u8]) -> Option<String> {
        versioned::<Word>(body, 64).map(|read| read.word)
    }

    #[test]
    fn a_body_of_version_1_is_read_up_to_its_limit() {
        let body = br#"{"v":1,"word":"yes","more":[{}]}"#;
        assert_eq!(read(body).as_deref(), Some("yes"));
        let filled = |length: usize| [&body[..], &vec![b' '; length - body.len()]].concat();
        assert!(read(&filled(64)).is_some());
        assert_eq!(read(&filled(65)), None);
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
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(read(b"{\"v\":1,\"word\":\"\xff\"}"), None);
    }
}
