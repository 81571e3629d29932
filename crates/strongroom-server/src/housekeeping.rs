//! Housekeeping in every stored strongroom, open or not.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use strongroom::strongrooms::Strongrooms;
use strongroom::{Error, HousekeepingEvent, Maintained, Realm};

/// The default interval.
pub(crate) const EVERY: Duration = Duration::from_secs(10 * 60);
/// The maximum delay before the first round, for servers that are restarted often.
const FIRST: Duration = Duration::from_secs(10);

/// Housekeeping for the lifetime of a server. Runs on a dedicated thread, because opening and
/// closing strongrooms may block on the disk. Dropping this value stops it; a running round stops
/// between two commits.
#[derive(Debug)]
pub(crate) struct Housekeeping {
    stopped: Arc<AtomicBool>,
    thread: Thread,
}

impl Housekeeping {
    pub(crate) fn start(rooms: Strongrooms, every: Duration) -> std::io::Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stopped);
        let housekeeper = rooms.housekeeper_telling(tell);
        let keep = move || {
            let mut wait = jittered(every.min(FIRST));
            while pause(&ended, wait) {
                match until_done(&ended, rooms.maintain(&housekeeper, log)) {
                    Some(Ok(())) => {}
                    Some(Err(error)) => {
                        tracing::warn!(%error, "housekeeping failed to list the strongrooms");
                    }
                    None => return,
                }
                wait = jittered(every);
            }
        };
        let thread = thread::Builder::new().name("housekeeping".into()).spawn(keep)?;
        Ok(Self { stopped, thread: thread.thread().clone() })
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// What the owner should know, such as a clock that has jumped.
fn tell(event: &HousekeepingEvent) {
    if event.is_warning() {
        tracing::warn!("{event}");
    } else {
        tracing::info!("{event}");
    }
}

fn log(realm: &Realm, result: Result<Maintained, Error>) {
    match result {
        Ok(done) if done.secrets_purged > 0 || done.keys_deleted > 0 => tracing::info!(
            %realm,
            secrets_purged = done.secrets_purged,
            keys_deleted = done.keys_deleted,
            "housekeeping"
        ),
        Ok(done) => tracing::debug!(%realm, busy_elsewhere = done.busy_elsewhere, "housekeeping"),
        Err(error) => tracing::warn!(%realm, %error, "housekeeping failed; the next round tries again"),
    }
}

/// Randomly shortens `time` by up to a tenth, so that servers started together do not stay in step.
/// Returns `time` itself if the operating system returned no random bytes.
fn jittered(time: Duration) -> Duration {
    let random = strongroom_envelope::random_array::<1>().map_or(0, |[byte]| byte);
    time - time * u32::from(random) / 2560
}

/// Blocks for `time`, or until housekeeping is stopped. Returns whether it continues.
fn pause(stopped: &AtomicBool, time: Duration) -> bool {
    let begun = Instant::now();
    loop {
        let left = time.saturating_sub(begun.elapsed());
        if stopped.load(Ordering::Acquire) || left.is_zero() {
            return !stopped.load(Ordering::Acquire);
        }
        thread::park_timeout(left);
    }
}

/// Runs a future to completion on this thread, or until housekeeping is stopped.
fn until_done<T>(stopped: &AtomicBool, future: impl Future<Output = T>) -> Option<T> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    while !stopped.load(Ordering::Acquire) {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return Some(value),
            Poll::Pending => thread::park(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_never_longer_than_asked_for_nor_shorter_by_more_than_a_tenth() {
        for _ in 0..1000 {
            let pause = jittered(Duration::from_secs(600));
            assert!((Duration::from_secs(540)..=Duration::from_secs(600)).contains(&pause), "{pause:?}");
        }
    }

    #[test]
    fn a_stop_ends_a_pause_and_a_future_that_never_ends() {
        let stopped = Arc::new(AtomicBool::new(false));
        let waits =
            [(|stopped: &AtomicBool| pause(stopped, Duration::MAX)) as fn(&AtomicBool) -> bool, |stopped| {
                until_done(stopped, std::future::pending::<()>()).is_some()
            }];
        let threads = waits.map(|wait| {
            let stopped = Arc::clone(&stopped);
            thread::spawn(move || wait(&stopped))
        });
        thread::sleep(Duration::from_millis(20));
        stopped.store(true, Ordering::Release);
        for waiting in threads {
            waiting.thread().unpark();
            assert!(!waiting.join().unwrap());
        }
        assert_eq!(until_done(&AtomicBool::new(false), async { 7 }), Some(7));
    }
}
