//! Bytes that are read as choices: any bytes say something, and a digit says its number, so that people can write them.

/// What is left of the bytes.
pub(super) struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next byte; none at the end.
    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number: of a digit its own, of another byte the byte; 0 at the end.
    pub(super) fn number(&mut self) -> usize {
        let byte = self.next().unwrap_or(0);
        usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte })
    }

    /// The choice of this number, counted round.
    pub(super) fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.number() % choices.len()].clone()
    }

    /// The choice that this letter names; another byte names one by its number, counted round.
    pub(super) fn named<T: Clone>(&mut self, choices: &[(u8, T)]) -> Option<T> {
        let byte = self.next()?;
        let named = choices.iter().find(|(name, _)| *name == byte);
        let (_, choice) = named.unwrap_or(&choices[usize::from(byte) % choices.len()]);
        Some(choice.clone())
    }

    /// All up to the next `;`, as it is.
    pub(super) fn raw(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b';').unwrap_or(self.0.len());
        let (raw, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        raw
    }
}
