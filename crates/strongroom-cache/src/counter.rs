//! A counter that threads do not fight for.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const STRIPES: usize = 8;

/// A cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

/// Counts in stripes, one for a few threads each.
#[derive(Default)]
pub(crate) struct Counter([Stripe; STRIPES]);

fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
    // A thread that ends counts on the first.
    OWN.try_with(|own| *own).unwrap_or(0)
}

impl Counter {
    pub(crate) fn add(&self) {
        self.0[stripe()].0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
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
                scope.spawn(|| (0..1000).for_each(|_| counter.add()));
            }
        });
        assert_eq!(counter.sum(), 20_000);
    }
}
