//! The log of a binary.
//!
//! A request never waits for the log. Lines go into a bounded buffer, which one thread writes to
//! standard error. If nothing reads standard error, further lines are dropped and counted, and the
//! count is written once there is space again.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others, to be written together.
const WAIT: Duration = Duration::from_millis(20);
/// The maximum number of bytes in the buffer: a few thousand lines. Lines beyond that are dropped.
const MOST: usize = 1024 * 1024;
/// How long the process waits for the rest of the log to be written before it exits.
const FAREWELL: Duration = Duration::from_secs(1);

/// A buffered writer to standard error, for `tracing-subscriber`. Lines are collected for a few
/// milliseconds and written together: writing them one by one takes a tenth of the time of the
/// requests that they report. Clones share the buffer.
#[derive(Clone, Default)]
pub struct Log(Arc<(Mutex<Waiting>, Condvar)>);

#[derive(Default)]
struct Waiting {
    /// Whether lines are JSON.
    json: bool,
    lines: Vec<u8>,
    /// Lines dropped since the last one that fit.
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
                format!("the log was not read in time: {dropped} lines were dropped\n").as_bytes(),
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

/// The thread that writes the log. Dropping this value writes the rest of the log.
pub struct LogWriting {
    log: Log,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// A log in text or in JSON.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let log = Self::default();
        log.lock().json = json;
        log
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ignores errors: a log that cannot be written must not stop the program.
    fn write_out(&self) {
        // Releases the lock first, so that others can log during the write.
        let lines = self.lock().take();
        let _ = std::io::stderr().lock().write_all(&lines);
    }

    /// Starts writing, on a dedicated thread, until the returned value is dropped.
    ///
    /// # Errors
    /// If the operating system cannot start a thread.
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
        // A thread that is blocked on a full pipe ends with the process.
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
        // Never started, so nothing is ever written.
        let mut log = Log::default();
        let line = vec![b'x'; 1000];
        for _ in 0..5000 {
            assert_eq!(log.write(&line).unwrap(), line.len());
        }
        let lines = log.lock().take();
        assert!(lines.len() <= MOST + 100);
        let text = String::from_utf8(lines).unwrap();
        assert!(
            text.ends_with("the log was not read in time: 3952 lines were dropped\n"),
            "{}",
            &text[MOST - 100..]
        );
        assert!(log.lock().take().is_empty());
    }
}
