//! Batches: the changes of one commit.

use std::collections::HashSet;

use crate::{Error, ErrorKind, Key, Limits, Revision};

/// A precondition of a change. If it does not hold, the commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a backend must not be able to ignore a precondition it does not know"
)]
pub enum Expect {
    /// No precondition.
    Any,
    /// The record does not exist.
    Absent,
    /// The record exists and was last written at this revision.
    At(Revision),
}

/// What a commit does to one record.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a backend must not be able to ignore an action it does not know")]
pub enum Action {
    /// Writes this value, whether or not the record exists.
    Put(Vec<u8>),
    /// Deletes the record. Succeeds if it does not exist.
    Delete,
    /// Changes nothing; only checks the precondition.
    Check,
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Put(value) => write!(f, "Put({} bytes)", value.len()),
            Self::Delete => f.write_str("Delete"),
            Self::Check => f.write_str("Check"),
        }
    }
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The record's key.
    pub key: Key,
    /// The precondition.
    pub expect: Expect,
    /// The action.
    pub action: Action,
}

/// The changes of one commit: any number of puts, deletes and checks, each key at most once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// Creates an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value` under `key`.
    #[must_use]
    pub fn put(self, key: &Key, value: impl Into<Vec<u8>>, expect: Expect) -> Self {
        self.then(Change { key: key.clone(), expect, action: Action::Put(value.into()) })
    }

    /// Deletes `key`.
    #[must_use]
    pub fn delete(self, key: &Key, expect: Expect) -> Self {
        self.then(Change { key: key.clone(), expect, action: Action::Delete })
    }

    /// Removes the change of `key`, so that another one can be added: a batch names each key once.
    #[must_use]
    pub fn withdraw(mut self, key: &Key) -> Self {
        self.changes.retain(|change| change.key != *key);
        self
    }

    /// Adds a precondition on `key` without changing it.
    #[must_use]
    pub fn check(self, key: &Key, expect: Expect) -> Self {
        self.then(Change { key: key.clone(), expect, action: Action::Check })
    }

    /// Adds a change.
    #[must_use]
    pub fn then(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// The changes, in the order in which they were added. The order has no meaning.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Consumes the batch and returns its changes.
    #[must_use]
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Whether the batch has no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The total length of all keys and values, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = |change: &Change| match &change.action {
            Action::Put(value) => change.key.as_bytes().len() + value.len(),
            Action::Delete | Action::Check => change.key.as_bytes().len(),
        };
        self.changes.iter().map(size).sum()
    }

    /// Validates the batch. Every backend calls this before it applies one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidBatch`] if a key occurs twice, [`ErrorKind::TooLarge`] if the batch
    /// exceeds `limits`.
    pub fn validate(&self, limits: &Limits) -> Result<(), Error> {
        if self.changes.len() > limits.batch_operations || self.bytes() > limits.batch_bytes {
            return Err(Error::new(ErrorKind::TooLarge, "the batch is larger than the storage allows"));
        }
        let mut seen = HashSet::with_capacity(self.changes.len());
        for change in &self.changes {
            if !seen.insert(change.key.as_bytes()) {
                return Err(Error::new(ErrorKind::InvalidBatch, "the batch names a record twice")
                    .with("record", &change.key));
            }
            if change.key.as_bytes().len() > limits.key {
                return Err(Error::new(ErrorKind::TooLarge, "the key is longer than the storage allows")
                    .with("record", &change.key));
            }
            if matches!(&change.action, Action::Put(value) if value.len() > limits.value) {
                return Err(Error::new(ErrorKind::TooLarge, "the value is longer than the storage allows")
                    .with("record", &change.key));
            }
        }
        Ok(())
    }
}
