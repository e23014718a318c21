//! Texts of others, kept short before the app sees them.

/// The most bytes of a name or address.
pub(crate) const SHOWN: usize = 256;

/// At most this many bytes of a text, cut between characters, without what a terminal obeys and
/// what turns the direction of writing.
pub(crate) fn clip(text: &str, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text[..end.unwrap_or_default()].chars().filter(|c| !c.is_control() && !turns(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clipped_text_ends_between_characters() {
        assert_eq!(clip("aé", 2), "a");
        assert_eq!(clip("aé", 3), "aé");
        assert_eq!(clip("", 3), "");
    }
}
