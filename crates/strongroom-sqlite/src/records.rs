//! `Records` in a SQLite file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_records::{
    Batch, ChangeToken, Error, FreshRecords, Key, Limits, Record, Records, Revision, Snapshot,
};

use crate::error::gone;
use crate::files::Files;
use crate::limits::LIMITS;
use crate::reader::Readers;
use crate::thread::on_a_thread;
use crate::token::Token;
use crate::writer::Writer;
use crate::{backup, erase, schema};

/// Options to open a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long a writer waits for another process before it fails with
    /// [`strongroom_records::ErrorKind::Busy`]. Default: 10 seconds.
    pub busy_timeout: Duration,
    /// The maximum number of connections for reading, which are opened on demand. Default: 64.
    pub max_readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(10), max_readers: 64 }
    }
}

impl Options {
    /// Sets [`Options::busy_timeout`].
    #[must_use]
    pub fn busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// Sets [`Options::max_readers`], to at least one.
    #[must_use]
    pub fn max_readers(mut self, max_readers: usize) -> Self {
        self.max_readers = max_readers.max(1);
        self
    }
}

/// `Records` in a SQLite file. Clones share connections and threads, which end with the last clone.
/// Dropping the last clone blocks until all queued batches are written.
#[derive(Clone, Debug)]
pub struct SqliteRecords {
    path: Arc<Path>,
    options: Options,
    writer: Writer,
    files: Arc<Files>,
    readers: Arc<Readers>,
    token: Arc<Token>,
}

impl SqliteRecords {
    /// Opens the file, or creates it (mode 0600). Its directory must exist.
    ///
    /// # Errors
    /// [`strongroom_records::ErrorKind::Incompatible`] if the file was written by another program
    /// or a newer version. [`strongroom_records::ErrorKind::InvalidPath`] if the path cannot be
    /// used. Also [`strongroom_records::ErrorKind::Corrupt`],
    /// [`strongroom_records::ErrorKind::Busy`] and [`strongroom_records::ErrorKind::Unavailable`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_with(path, Options::default()).await
    }

    /// Like [`SqliteRecords::open`], with options.
    ///
    /// # Errors
    /// As [`SqliteRecords::open`].
    pub async fn open_with(path: impl Into<PathBuf>, options: Options) -> Result<Self, Error> {
        // Made absolute, so that connections opened later do not depend on the current directory.
        let path = path.into();
        let path: Arc<Path> = std::path::absolute(&path)
            .map_err(|error| crate::error::file("failed to resolve the database's path", &path, error))?
            .into();
        let prepared = {
            let path = Arc::clone(&path);
            let busy_timeout = options.busy_timeout;
            on_a_thread(move || schema::prepare(&path, busy_timeout)).await?
        };
        let files = Arc::new(Files::of(&path)?);
        let writer = Writer::start(prepared, options.busy_timeout, Arc::clone(&files))
            .map_err(|error| gone().because(error))?;
        let most = options.max_readers.max(1);
        let token = Arc::new(Token::new(&path, options.busy_timeout));
        let readers = Readers::new(path.to_path_buf(), options.busy_timeout, most, Arc::clone(&files));
        Ok(Self { path, options, writer, files, readers, token })
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl Records for SqliteRecords {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        self.files.not_lost()?;
        Ok(Box::new(self.readers.snapshot().await?))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.files.not_lost()?;
        self.readers.read(keys.to_vec()).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        batch.validate(&LIMITS)?;
        self.writer.commit(batch).await
    }

    async fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        batch.validate(&LIMITS)?;
        self.writer.commit_soon(batch)
    }

    async fn erase_deleted(&self) -> Result<(), Error> {
        let (path, busy_timeout) = (Arc::clone(&self.path), self.options.busy_timeout);
        on_a_thread(move || erase::erase(&path, busy_timeout)).await
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        self.files.not_lost()?;
        self.token.get().await
    }

    async fn read_if_changed(
        &self,
        since: Option<ChangeToken>,
        keys: &[Key],
    ) -> Result<Option<FreshRecords>, Error> {
        self.files.not_lost()?;
        // Before the records are read: a commit in between makes them newer than their token.
        let token = self.token.get().await?;
        if since == Some(token) {
            return Ok(None);
        }
        Ok(Some(FreshRecords { token, records: self.readers.read(keys.to_vec()).await? }))
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    async fn backup(&self, target: &Path) -> Result<(), Error> {
        let (source, target) = (Arc::clone(&self.path), target.to_path_buf());
        let busy_timeout = self.options.busy_timeout;
        on_a_thread(move || backup::backup(&source, &target, busy_timeout)).await
    }
}
