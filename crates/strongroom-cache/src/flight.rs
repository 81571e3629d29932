//! Deduplicates concurrent calls for the same key.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

type Cell<T> = Arc<OnceCell<T>>;

/// Calls in flight, by key.
pub(crate) struct Flights<K: Hash + Eq + Clone, T> {
    calls: Mutex<HashMap<K, Cell<T>>>,
}

impl<K: Hash + Eq + Clone, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { calls: Mutex::default() }
    }
}

/// A participant in a call. The last one to leave removes the call.
struct Passenger<'a, K: Hash + Eq + Clone, T> {
    flights: &'a Flights<K, T>,
    key: &'a K,
    /// Dropped under the lock, so that concurrent drops count correctly.
    cell: Option<Cell<T>>,
}

impl<K: Hash + Eq + Clone, T> Drop for Passenger<'_, K, T> {
    fn drop(&mut self) {
        let mut calls = self.flights.lock();
        let Some(own) = self.cell.take() else { return };
        let known = calls.get(self.key).is_some_and(|cell| Arc::ptr_eq(cell, &own));
        // A completed call is not joined any more. An abandoned call is removed with its last
        // participant: two handles are left, this one and the map's.
        if known && (own.initialized() || Arc::strong_count(&own) <= 2) {
            calls.remove(self.key);
        }
        drop(own);
    }
}

impl<K: Hash + Eq + Clone, T> Flights<K, T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Cell<T>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone, T: Clone> Flights<K, T> {
    /// The outcome of the call for this key: joins the one in flight or makes `call`. If the caller
    /// that makes the call is dropped, the next participant takes over.
    pub(crate) async fn join<F: Future<Output = T>>(&self, key: &K, call: impl FnOnce() -> F) -> T {
        let cell = Arc::clone(self.lock().entry(key.clone()).or_default());
        let passenger = Passenger { flights: self, key, cell: Some(cell) };
        match &passenger.cell {
            Some(cell) => cell.get_or_init(call).await.clone(),
            // It is taken when it is dropped.
            None => call().await,
        }
    }

    #[cfg(test)]
    pub(crate) fn under_way(&self) -> usize {
        self.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn many_make_one_call_and_nothing_is_left() {
        let (flights, calls) = (Arc::new(Flights::default()), Arc::new(AtomicU32::new(0)));
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let (flights, calls) = (Arc::clone(&flights), Arc::clone(&calls));
                tokio::spawn(async move {
                    flights
                        .join(&"key", || async move {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                            calls.fetch_add(1, Ordering::Relaxed)
                        })
                        .await
                })
            })
            .collect();
        for one in waiting {
            assert_eq!(one.await.unwrap(), 0);
        }
        assert_eq!((calls.load(Ordering::Relaxed), flights.under_way()), (1, 0));
        // Later callers make a new call.
        flights.join(&"key", || async { 7 }).await;
        assert_eq!(flights.under_way(), 0);
    }

    #[test]
    fn who_is_dropped_leaves_it_to_the_next() {
        let flights = Flights::<&str, u32>::default();
        let mut first = Box::pin(flights.join(&"key", std::future::pending));
        let mut second = Box::pin(flights.join(&"key", || async { 2 }));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        drop(first);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(2));
        drop(second);
        assert_eq!(flights.under_way(), 0);
        // Abandoned by all participants.
        let mut only = Box::pin(flights.join(&"key", std::future::pending));
        assert_eq!(only.as_mut().poll(&mut context), Poll::Pending);
        drop(only);
        assert_eq!(flights.under_way(), 0);
    }
}
