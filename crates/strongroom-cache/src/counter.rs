//! A counter without contention.

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use strongroom_types::Timestamp;

const STRIPES: usize = 8;

/// One stripe on its own cache line: the count, and the time of the last increment.
#[repr(align(128))]
struct Stripe {
    count: AtomicU64,
    last: AtomicI64,
}

impl Default for Stripe {
    fn default() -> Self {
        Self { count: AtomicU64::new(0), last: AtomicI64::new(i64::MIN) }
    }
}

/// A striped counter, with a few threads per stripe.
#[derive(Default)]
pub(crate) struct Counter([Stripe; STRIPES]);

fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
    // A thread that is ending counts on the first stripe.
    OWN.try_with(|own| *own).unwrap_or(0)
}

impl Counter {
    pub(crate) fn add(&self, now: Timestamp) {
        let stripe = &self.0[stripe()];
        // Ordered so that a reader that sees the count also sees the time.
        stripe.last.store(now.as_millis(), Ordering::Relaxed);
        stripe.count.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.count.load(Ordering::Acquire)).sum()
    }

    /// The time of the last increment.
    pub(crate) fn last(&self) -> Timestamp {
        let last = self.0.iter().map(|stripe| stripe.last.load(Ordering::Relaxed)).max();
        Timestamp::from_millis(last.unwrap_or(i64::MIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_counts() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..1000).for_each(|millis| counter.add(Timestamp::from_millis(millis))));
            }
        });
        assert_eq!((counter.sum(), counter.last()), (20_000, Timestamp::from_millis(999)));
    }
}
