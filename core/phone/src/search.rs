//! What is typed to find somebody: digits in any writing, or words of a name, whatever their accents.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The most characters of what is typed that are looked at.
const LONGEST: usize = 64;
/// A trunk prefix is no part of the international number (ITU-T E.164 §6.2): it is left out where so
/// many digits follow.
const TRUNK: usize = 4;

/// What somebody is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name and number or user name, folded.
    words: String,
    /// The digits of the number.
    digits: String,
}

/// What was typed.
#[derive(Debug)]
pub(crate) struct Query {
    words: Vec<String>,
    /// The number as typed, and without what only a country's own callers dial first.
    digits: Vec<String>,
}

impl Key {
    pub(crate) fn new(name: &str, number: &str) -> Self {
        let is_number = number.chars().all(is_of_number);
        let digits = if is_number { dialled(number) } else { String::new() };
        Self { words: fold(&format!("{name} {number}")), digits }
    }
}

impl Query {
    pub(crate) fn new(text: &str) -> Self {
        let text: String = text.trim().chars().take(LONGEST).collect();
        let words = fold(&text).split_whitespace().map(str::to_owned).collect();
        let mut digits = Vec::new();
        if text.chars().all(is_of_number) {
            let typed = dialled(&text);
            // As one calls abroad: 00 is how most of the world writes the +.
            let abroad = typed.strip_prefix("00").filter(|rest| rest.len() >= TRUNK);
            let at_home = typed.strip_prefix('0').filter(|rest| rest.len() >= TRUNK);
            digits.extend(abroad.or(at_home).map(str::to_owned));
            digits.push(typed);
            digits.retain(|digits| !digits.is_empty());
        }
        Self { words, digits }
    }

    pub(crate) fn finds(&self, key: &Key) -> bool {
        self.digits.iter().any(|digits| key.digits.contains(digits.as_str()))
            || self.words.iter().all(|word| key.words.contains(word.as_str()))
    }
}

/// Letters without case, accents and ligatures.
fn fold(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let mut folded = String::with_capacity(decomposed.len());
    for character in decomposed.chars().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase) {
        match character {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            other => folded.push(other),
        }
    }
    folded
}

/// The combining marks of the alphabets that have accents (Unicode blocks of combining diacritical
/// marks, Hebrew points, Arabic vowel signs).
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Digits, and what people write between them (RFC 3966 §5.1.1).
fn is_of_number(character: char) -> bool {
    character.is_ascii_digit() || " \u{a0}\u{202f}+-./()*#".contains(character)
}

fn dialled(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_digit() || "*#".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_found_in_whatever_way_they_are_written() {
        let key = Key::new("", "+493012345");
        for typed in [
            "+49 30 12345",
            "0049 (30) 123-45",
            "030 123",
            "3012",
            "49",
            "+49",
            "12.345",
            "030/12345",
        ] {
            assert!(Query::new(typed).finds(&key), "{typed}");
        }
        for typed in ["999", "0039 30 12345", "031 2345", "12 3456", "4930123456"] {
            assert!(!Query::new(typed).finds(&key), "{typed}");
        }
    }

    #[test]
    fn a_name_is_found_without_its_accents_and_by_its_words_in_any_order() {
        let key = Key::new("Jürgen Müller-Ångström, Straße", "100");
        for typed in [
            "muller",
            "Müller",
            "MÜLL jurg",
            "angstrom",
            "strasse",
            "Mu\u{308}ller",
            "straße",
            "100 jür",
        ] {
            assert!(Query::new(typed).finds(&key), "{typed}");
        }
        for typed in ["mueller", "jurgen meier", "101"] {
            assert!(!Query::new(typed).finds(&key), "{typed}");
        }
    }

    #[test]
    fn nothing_typed_finds_everything_and_too_much_is_cut() {
        assert!(Query::new("  ").finds(&Key::new("Anna", "1")));
        assert!(Query::new(&"a".repeat(100_000)).words[0].len() <= LONGEST);
    }
}
