//! A disk in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A disk in memory that loses what was not synced: for testing a backend whose input and output go
/// through an interface that can stand in for files.
///
/// Content is durable after [`sync`](Self::sync) of the file, and a name after
/// [`sync_names`](Self::sync_names), as with a real file and its directory. A handle is valid until
/// the next crash: whoever still holds an old one, such as a thread of the backend, can do nothing
/// with it.
///
/// ```
/// use strongroom_testkit::SimulatedDisk;
///
/// let disk = SimulatedDisk::new();
/// disk.write("log", 0, b"kept")?;
/// disk.sync("log")?;
/// disk.sync_names()?;
/// disk.write("log", 4, b" and lost")?;
/// let after = disk.lose_power();
/// assert_eq!(after.read("log")?, b"kept");
/// assert!(disk.read("log").is_err(), "a handle from before the crash");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
    /// How many crashes there were before this handle.
    crashes: u64,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    crashes: u64,
    /// Steps until nothing reaches the disk any more.
    steps_left: Option<u64>,
}

#[derive(Debug, Default)]
struct File {
    content: Vec<u8>,
    durable: Vec<u8>,
}

/// How a step goes.
enum Step {
    Whole,
    /// The power fails in the middle of it.
    Half,
}

impl Default for SimulatedDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimulatedDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::default(), crashes: 0 }
    }

    fn lock(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.crashes == self.crashes { Ok(state) } else { Err(off()) }
    }

    /// The whole content of a file, as the process sees it.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; if the handle is from before a crash.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.lock()?;
        let file = state.find(name)?;
        Ok(state.files[file].content.clone())
    }

    /// Writes into a file, and makes it if there is none. Fills the gap between its end and
    /// `offset` with zeros.
    ///
    /// # Errors
    /// If the power has failed. Half of the bytes may have been written.
    pub fn write(&self, name: &str, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock()?;
        let step = state.step()?;
        let arrives = match step {
            Step::Whole => bytes,
            Step::Half => &bytes[..bytes.len() / 2],
        };
        let file = match state.find(name) {
            Ok(file) => file,
            Err(_) => {
                let file = state.files.len();
                state.files.push(File::default());
                state.names.insert(name.to_owned(), file);
                file
            }
        };
        let content = &mut state.files[file].content;
        let end = offset + arrives.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[offset..end].copy_from_slice(arrives);
        step.done()
    }

    /// Truncates a file, or extends it with zeros.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; if the power has failed.
    pub fn set_len(&self, name: &str, len: usize) -> io::Result<()> {
        let mut state = self.lock()?;
        let file = state.find(name)?;
        let step = state.step()?;
        if let Step::Whole = step {
            state.files[file].content.resize(len, 0);
        }
        step.done()
    }

    /// Makes the content of a file durable, but not its name.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; if the power has failed.
    pub fn sync(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock()?;
        let file = state.find(name)?;
        let step = state.step()?;
        if let Step::Whole = step {
            let file = &mut state.files[file];
            file.durable.clone_from(&file.content);
        }
        step.done()
    }

    /// Renames a file, replacing the file that has the new name.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; if the power has failed.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock()?;
        let file = state.find(from)?;
        let step = state.step()?;
        if let Step::Whole = step {
            state.names.remove(from);
            state.names.insert(to.to_owned(), file);
        }
        step.done()
    }

    /// Removes a file's name.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; if the power has failed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock()?;
        state.find(name)?;
        let step = state.step()?;
        if let Step::Whole = step {
            state.names.remove(name);
        }
        step.done()
    }

    /// Makes all names durable, as the sync of a directory does.
    ///
    /// # Errors
    /// If the power has failed.
    pub fn sync_names(&self) -> io::Result<()> {
        let mut state = self.lock()?;
        let step = state.step()?;
        if let Step::Whole = step {
            state.durable_names = state.names.clone();
        }
        step.done()
    }

    /// Makes the power fail in the middle of the step after this many: each write, sync and change
    /// of a name is a step.
    pub fn fail_after(&self, steps: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).steps_left = Some(steps);
    }

    /// Fails the power: everything that was not synced is lost. Returns the disk as it is when the
    /// power is back.
    #[must_use]
    pub fn lose_power(&self) -> Self {
        self.crash(|state| {
            state.names = state.durable_names.clone();
            for file in &mut state.files {
                file.content.clone_from(&file.durable);
            }
        })
    }

    /// Kills the process: everything that it has written stays, including half of a write. Returns
    /// the disk as the next process finds it.
    #[must_use]
    pub fn kill_process(&self) -> Self {
        self.crash(|_| {})
    }

    fn crash(&self, lose: impl FnOnce(&mut State)) -> Self {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        lose(&mut state);
        state.steps_left = None;
        state.crashes += 1;
        Self { state: Arc::clone(&self.state), crashes: state.crashes }
    }
}

impl State {
    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, name.to_owned()))
    }

    fn step(&mut self) -> io::Result<Step> {
        let Some(left) = self.steps_left else { return Ok(Step::Whole) };
        match left {
            0 => {
                // Nothing more after this one.
                self.steps_left = Some(u64::MAX);
                Ok(Step::Half)
            }
            u64::MAX => Err(off()),
            left => {
                self.steps_left = Some(left - 1);
                Ok(Step::Whole)
            }
        }
    }
}

impl Step {
    fn done(self) -> io::Result<()> {
        match self {
            Self::Whole => Ok(()),
            Self::Half => Err(off()),
        }
    }
}

fn off() -> io::Error {
    io::Error::other("the power has failed")
}
