//! Names for requests.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives each request a UUID of its own: unlike those of other servers with all likelihood, unlike this one's own for certain. Nothing
/// rests on its being hard to guess, so that the operating system need not be asked each time.
pub(crate) struct RequestIds {
    count: AtomicU64,
    server: u64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The standard library's seeds are the operating system's random numbers.
        let random = || RandomState::new().hash_one(0_u8);
        Self { count: AtomicU64::new(random()), server: random() }
    }

    pub(crate) fn next(&self) -> String {
        // An odd factor: each number comes once, and neighbours look different. The version takes four bits out of its middle.
        let number = self.count.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) << 4 >> 4;
        let high = number >> 12 << 16 | 0x4000 | number & 0xfff;
        let low = self.server << 2 >> 2 | 1 << 63;
        let uuid = u128::from(high) << 64 | u128::from(low);
        let text = strongroom_types::hex(&uuid.to_be_bytes());
        let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
        parts.join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_each_once() {
        let ids = RequestIds::new();
        let some: std::collections::BTreeSet<String> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(some.len(), 10_000);
        for id in &some {
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
            assert!(id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
        assert_ne!(ids.next()[19..], RequestIds::new().next()[19..]);
    }
}
