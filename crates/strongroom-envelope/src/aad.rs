//! Additional authenticated data: a header and the canonical context in one piece.

use crate::EncryptionContext;

/// Up to this many bytes, header and context are concatenated without allocating.
const INLINE: usize = 1024;

/// The canonical context, encoded once, with space in front for the header of each message.
///
/// Headers and contexts are self-delimiting, so their concatenation is unambiguous.
pub(crate) struct Aad {
    /// The context is at the end.
    inline: [u8; INLINE],
    context_len: usize,
    /// The context, when it is too long to be inline.
    long: Vec<u8>,
}

impl Aad {
    #[inline]
    pub(crate) fn new(context: &EncryptionContext) -> Self {
        let context_len = context.encoded_len();
        let mut aad = Self { inline: [0; INLINE], context_len, long: Vec::new() };
        match INLINE.checked_sub(context_len) {
            Some(at) => context.write(&mut aad.inline[at..]),
            None => aad.long = context.encode(),
        }
        aad
    }

    /// Calls `with` with `header` and the context.
    #[inline]
    pub(crate) fn with<T>(&mut self, header: &[u8], with: impl FnOnce(&[u8]) -> T) -> T {
        let len = header.len() + self.context_len;
        if let Some(start) = INLINE.checked_sub(len) {
            self.inline[start..start + header.len()].copy_from_slice(header);
            return with(&self.inline[start..]);
        }
        let context =
            if self.long.is_empty() { &self.inline[INLINE - self.context_len..] } else { &self.long };
        with(&[header, context].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_parts_give_the_same_concatenation() {
        for (header, value) in [
            (0, 0),
            (10, 20),
            (500, 500),
            (1000, 1000),
            (2000, 10),
            (10, 2000),
            (1, 1024 - 11 - 1),
            (1, 1024 - 11),
        ] {
            let context = EncryptionContext::from_pairs([("k", "v".repeat(value))]).unwrap();
            let mut aad = Aad::new(&context);
            // Twice: what the first header left must not show in the second.
            for byte in [1, 2] {
                let header = vec![byte; header];
                let expected = [header.as_slice(), &context.encode()].concat();
                aad.with(&header, |aad| assert_eq!(aad, expected));
            }
        }
    }
}
