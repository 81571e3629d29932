//! Where the binary's log goes.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait for others.
const WAIT: Duration = Duration::from_millis(20);
/// So many bytes do not wait.
const MANY: usize = 64 * 1024;

/// Lines on their way to standard error. Those of some milliseconds are written in one go: one by one they cost a tenth of the requests
/// they tell of.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Waiting>, Condvar)>);

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    over: bool,
}

/// Writes what waits, again and again, and once more when it is dropped.
pub(crate) struct Writing {
    log: Log,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That standard error cannot be written is no reason to stop.
    fn write_out(&self) {
        // Others may go on while it is written.
        let lines = std::mem::take(&mut self.lock().lines);
        let _ = std::io::stderr().lock().write_all(&lines);
    }

    /// Begins to write.
    pub(crate) fn start(&self) -> std::io::Result<Writing> {
        let log = self.clone();
        let thread = std::thread::Builder::new().name("strongroom-log".into()).spawn(move || {
            loop {
                let nothing = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.over;
                let waiting = log.0.1.wait_while(log.lock(), nothing).unwrap_or_else(PoisonError::into_inner);
                let over = waiting.over;
                drop(waiting);
                if over {
                    return;
                }
                std::thread::sleep(WAIT);
                log.write_out();
            }
        })?;
        Ok(Writing { log: self.clone(), thread: Some(thread) })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.log.lock().over = true;
        self.log.0.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.log.write_out();
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut waiting = self.lock();
        let (first, over) = (waiting.lines.is_empty(), waiting.over);
        waiting.lines.extend_from_slice(line);
        let many = waiting.lines.len() >= MANY;
        drop(waiting);
        if many || over {
            self.write_out();
        } else if first {
            self.0.1.notify_one();
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
