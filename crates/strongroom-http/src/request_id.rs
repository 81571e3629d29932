//! Request ids.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Generates a UUID for each request: unique within a server, and almost certainly distinct from
/// those of other servers. Request ids need not be unpredictable, so generating one makes no system
/// call.
#[derive(Debug)]
pub struct RequestIds {
    count: AtomicU64,
    server: u64,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestIds {
    /// A generator for one server.
    #[must_use]
    pub fn new() -> Self {
        // The standard library seeds its hashers from the operating system's random numbers.
        let random = || RandomState::new().hash_one(0_u8);
        Self { count: AtomicU64::new(random()), server: random() }
    }

    /// Generates the next id.
    #[must_use]
    pub fn next(&self) -> Arc<str> {
        // Multiplying by an odd number is a bijection, so each id occurs once, and consecutive ids
        // look different. The version is inserted as four bits in the middle.
        let number = self.count.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) << 4 >> 4;
        let high = number >> 12 << 16 | 0x4000 | number & 0xfff;
        let low = self.server << 2 >> 2 | 1 << 63;
        let uuid = u128::from(high) << 64 | u128::from(low);
        let mut text = [b'-'; 36];
        let mut place = 0;
        for (index, byte) in uuid.to_be_bytes().into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                place += 1;
            }
            for digit in [byte >> 4, byte & 0xf] {
                text[place] = b"0123456789abcdef"[usize::from(digit)];
                place += 1;
            }
        }
        Arc::from(str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_each_once() {
        let ids = RequestIds::new();
        let some: std::collections::BTreeSet<Arc<str>> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(some.len(), 10_000);
        for id in &some {
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
            assert!(id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
        assert_ne!(ids.next()[19..], RequestIds::new().next()[19..]);
    }
}
