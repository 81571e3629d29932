//! Record keys: ordered byte strings made of segments.

use std::fmt;

use strongroom_types::{Realm, Timestamp};

/// The key of a record: an ordered byte string built of segments.
///
/// The byte order of keys is the order of their segments, compared one by one, and different lists
/// of segments give different keys. Each segment is encoded with `00` replaced by `00 FF` and
/// terminated by `00 01`. A backend orders keys by [`Key::as_bytes`] and need not understand
/// segments.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key(Vec<u8>);

impl Key {
    /// Creates a key from segments.
    #[must_use]
    pub fn of<S: AsRef<[u8]>>(segments: impl IntoIterator<Item = S>) -> Self {
        segments.into_iter().fold(Self::default(), |key, segment| key.then(segment))
    }

    /// The prefix of all keys of an account and region.
    #[must_use]
    pub fn realm(realm: &Realm) -> Self {
        Self::of(["realm", realm.account().as_str(), realm.region().as_str()])
    }

    /// Appends a segment.
    #[must_use]
    pub fn then(mut self, segment: impl AsRef<[u8]>) -> Self {
        let mut parts = segment.as_ref().split(|byte| *byte == 0);
        self.0.extend_from_slice(parts.next().unwrap_or_default());
        for part in parts {
            self.0.extend_from_slice(&[0, 0xff]);
            self.0.extend_from_slice(part);
        }
        self.0.extend_from_slice(&[0, 1]);
        self
    }

    /// Appends a number as a segment. Numbers sort numerically.
    #[must_use]
    pub fn then_number(self, number: u64) -> Self {
        self.then(number.to_be_bytes())
    }

    /// Appends a timestamp as a segment. Earlier timestamps sort first.
    #[must_use]
    pub fn then_time(self, time: Timestamp) -> Self {
        // Flipping the sign bit makes two's complement numbers sort as unsigned bytes.
        self.then_number(time.as_millis().cast_unsigned() ^ (1 << 63))
    }

    /// Restores a key from a backend's bytes. Any bytes are a valid key; [`Key::segments`] returns
    /// `None` if they do not encode segments.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to sort by and to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the key starts with `prefix`.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// Appends all of `key`.
    pub(crate) fn join(&self, key: &Self) -> Self {
        Self([self.0.as_slice(), key.0.as_slice()].concat())
    }

    /// The rest of the key after `prefix`, if the key starts with it.
    pub(crate) fn strip_prefix(&self, prefix: &Self) -> Option<Self> {
        self.0.strip_prefix(prefix.0.as_slice()).map(|rest| Self(rest.to_vec()))
    }

    /// The smallest byte string that sorts after every key with this prefix, or `None` if there is
    /// none.
    #[must_use]
    pub fn prefix_end(&self) -> Option<Self> {
        let mut end = self.0.clone();
        while let Some(last) = end.last_mut() {
            if let Some(next) = last.checked_add(1) {
                *last = next;
                return Some(Self(end));
            }
            end.pop();
        }
        None
    }

    /// The segments, or `None` if the bytes do not encode segments.
    #[must_use]
    pub fn segments(&self) -> Option<Vec<Vec<u8>>> {
        let mut segments = Vec::new();
        let mut segment = Vec::new();
        let mut bytes = self.0.iter().copied();
        while let Some(byte) = bytes.next() {
            match (byte, if byte == 0 { bytes.next()? } else { byte }) {
                (0, 1) => segments.push(std::mem::take(&mut segment)),
                (0, 0xff) => segment.push(0),
                (0, _) => return None,
                (byte, _) => segment.push(byte),
            }
        }
        segment.is_empty().then_some(segments)
    }

    /// Decodes a segment that [`Key::then_time`] appended.
    #[must_use]
    pub fn time_from_segment(segment: &[u8]) -> Option<Timestamp> {
        let number = u64::from_be_bytes(segment.try_into().ok()?);
        Some(Timestamp::from_millis((number ^ (1 << 63)).cast_signed()))
    }
}

impl fmt::Display for Key {
    /// Shows the segments joined by `/`, with bytes that are not printable ASCII as `\xNN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments = self.segments().unwrap_or_else(|| vec![self.0.clone()]);
        for (index, segment) in segments.iter().enumerate() {
            let slash = if index == 0 { "" } else { "/" };
            write!(f, "{slash}{}", segment.escape_ascii())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segments() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let byte = prop_oneof![Just(0u8), Just(1), Just(0xfe), Just(0xff), any::<u8>()];
        proptest::collection::vec(proptest::collection::vec(byte, 0..4), 0..4)
    }

    proptest! {
        #[test]
        fn byte_order_is_segment_order(a in segments(), b in segments()) {
            prop_assert_eq!(Key::of(&a).cmp(&Key::of(&b)), a.cmp(&b));
        }

        #[test]
        fn segments_come_back(a in segments()) {
            prop_assert_eq!(Key::of(&a).segments(), Some(a));
        }

        #[test]
        fn a_prefix_range_holds_exactly_the_keys_below_it(a in segments(), b in segments()) {
            let (prefix, key) = (Key::of(&a), Key::of(&b));
            let inside = key >= prefix && prefix.prefix_end().is_none_or(|end| key < end);
            prop_assert_eq!(inside, b.starts_with(&a));
        }

        #[test]
        fn times_order_and_come_back(a in any::<i64>(), b in any::<i64>()) {
            let key = |millis| Key::default().then_time(Timestamp::from_millis(millis));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            let segment = key(a).segments().unwrap().remove(0);
            prop_assert_eq!(Key::time_from_segment(&segment), Some(Timestamp::from_millis(a)));
        }
    }

    #[test]
    fn foreign_bytes_have_no_segments() {
        for bytes in [&b"a"[..], b"\0", b"\0\x02", b"a\0\x01b"] {
            assert_eq!(Key::from_bytes(bytes.to_vec()).segments(), None);
        }
        assert_eq!(Key::of(["a", "b\n"]).to_string(), "a/b\\n");
    }
}
