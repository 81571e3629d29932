//! Where a binary's log goes.
//!
//! A request never waits for the log. Lines go into a buffer of bounded size, which one thread
//! writes to standard error; when nobody reads that, further lines are dropped and counted, and the
//! count is written once there is room again.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait for others.
const WAIT: Duration = Duration::from_millis(20);
/// The most bytes that may wait: some thousand lines. Lines beyond that are dropped.
const MOST: usize = 1024 * 1024;
/// How long the process waits at its end for what is left to be written.
const FAREWELL: Duration = Duration::from_secs(1);

/// Lines on their way to standard error, for `tracing-subscriber`. The lines of some milliseconds
/// are written in one go: writing them one by one takes a tenth of the time of the requests that
/// they report. Clones share everything.
#[derive(Clone, Default)]
pub struct Log(Arc<(Mutex<Waiting>, Condvar)>);

#[derive(Default)]
struct Waiting {
    /// Whether lines are JSON.
    json: bool,
    lines: Vec<u8>,
    /// Lines dropped since the last one that found room.
    dropped: u64,
    over: bool,
    /// The thread has written everything and has ended.
    ended: bool,
}

impl Waiting {
    fn take(&mut self) -> Vec<u8> {
        let mut lines = std::mem::take(&mut self.lines);
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            lines.extend_from_slice(
                format!("the log was not read: {dropped} lines were dropped\n").as_bytes(),
            );
        }
        lines
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}

/// Writes what waits, again and again, and once more when it is dropped.
pub struct LogWriting {
    log: Log,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// A log whose lines are text, or JSON.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let log = Self::default();
        log.lock().json = json;
        log
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That standard error cannot be written is no reason to stop.
    fn write_out(&self) {
        // Others may go on while it is written.
        let lines = self.lock().take();
        let _ = std::io::stderr().lock().write_all(&lines);
    }

    /// Begins to write, on a thread of its own, until what this returns is dropped.
    ///
    /// # Errors
    /// The operating system starts no thread.
    pub fn start(&self) -> std::io::Result<LogWriting> {
        let log = self.clone();
        let thread = std::thread::Builder::new().name("strongroom-log".into()).spawn(move || {
            loop {
                let nothing = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.over;
                let waiting = log.0.1.wait_while(log.lock(), nothing).unwrap_or_else(PoisonError::into_inner);
                let over = waiting.over;
                drop(waiting);
                if !over {
                    std::thread::sleep(WAIT);
                }
                log.write_out();
                if over {
                    log.lock().ended = true;
                    return log.0.1.notify_all();
                }
            }
        })?;
        Ok(LogWriting { log: self.clone(), thread: Some(thread) })
    }
}

impl std::fmt::Debug for LogWriting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogWriting")
    }
}

impl Drop for LogWriting {
    fn drop(&mut self) {
        self.log.lock().over = true;
        self.log.0.1.notify_all();
        let begun = Instant::now();
        let mut waiting = self.log.lock();
        while !waiting.ended && begun.elapsed() < FAREWELL {
            let left = FAREWELL.saturating_sub(begun.elapsed());
            let (again, _) = self.log.0.1.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner);
            waiting = again;
        }
        let ended = waiting.ended;
        drop(waiting);
        // A thread that waits for a full pipe ends with the process.
        if let Some(thread) = self.thread.take().filter(|_| ended) {
            let _ = thread.join();
        }
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut waiting = self.lock();
        if waiting.lines.len() + line.len() > MOST {
            waiting.dropped += 1;
        } else {
            let first = waiting.lines.is_empty();
            waiting.lines.extend_from_slice(line);
            drop(waiting);
            if first {
                self.0.1.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_nobody_reads_is_bounded_and_says_what_it_dropped() {
        // Never started: nothing is ever read.
        let mut log = Log::default();
        let line = vec![b'x'; 1000];
        for _ in 0..5000 {
            assert_eq!(log.write(&line).unwrap(), line.len());
        }
        let lines = log.lock().take();
        assert!(lines.len() <= MOST + 100);
        let text = String::from_utf8(lines).unwrap();
        assert!(text.ends_with("the log was not read: 3952 lines were dropped\n"), "{}", &text[MOST - 100..]);
        assert!(log.lock().take().is_empty());
    }
}
