//! What one commit does.

use std::collections::HashSet;

use crate::{Error, ErrorKind, Key, Limits, Revision};

/// What must be true of a record for the commit to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a backend must not be able to ignore a precondition it does not know"
)]
pub enum Expect {
    /// Nothing.
    Any,
    /// There is no record under the key.
    Absent,
    /// The record exists and was last written at this revision.
    At(Revision),
}

/// What a commit does with one key.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a backend must not be able to ignore an action it does not know")]
pub enum Action {
    /// Writes this value, whether or not there was one.
    Put(Vec<u8>),
    /// Removes the record; fine when there is none.
    Delete,
    /// Only checks the precondition.
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

/// One line of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The record.
    pub key: Key,
    /// What must be true of it.
    pub expect: Expect,
    /// What happens to it.
    pub action: Action,
}

/// What one commit does: any number of puts, deletes and checks, each key at most once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    operations: Vec<Operation>,
}

impl Batch {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value` under `key`.
    #[must_use]
    pub fn put(self, key: &Key, value: impl Into<Vec<u8>>, expect: Expect) -> Self {
        self.then(Operation { key: key.clone(), expect, action: Action::Put(value.into()) })
    }

    /// Removes `key`.
    #[must_use]
    pub fn delete(self, key: &Key, expect: Expect) -> Self {
        self.then(Operation { key: key.clone(), expect, action: Action::Delete })
    }

    /// Takes back what was said of `key` so far: a batch names each key once.
    #[must_use]
    pub fn withdraw(mut self, key: &Key) -> Self {
        self.operations.retain(|operation| operation.key != *key);
        self
    }

    /// Demands something of `key` without changing it.
    #[must_use]
    pub fn check(self, key: &Key, expect: Expect) -> Self {
        self.then(Operation { key: key.clone(), expect, action: Action::Check })
    }

    /// Adds an operation.
    #[must_use]
    pub fn then(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    /// The operations, in the order they were added. The order has no meaning.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operations, taken out.
    #[must_use]
    pub fn into_operations(self) -> Vec<Operation> {
        self.operations
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = |operation: &Operation| match &operation.action {
            Action::Put(value) => operation.key.as_bytes().len() + value.len(),
            Action::Delete | Action::Check => operation.key.as_bytes().len(),
        };
        self.operations.iter().map(size).sum()
    }

    /// What every backend checks before it begins.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidBatch`] when a key occurs twice, [`ErrorKind::TooLarge`] beyond `limits`.
    pub fn validate(&self, limits: &Limits) -> Result<(), Error> {
        if self.operations.len() > limits.batch_operations || self.bytes() > limits.batch_bytes {
            return Err(Error::new(ErrorKind::TooLarge, "the batch is larger than the storage allows"));
        }
        let mut seen = HashSet::with_capacity(self.operations.len());
        for operation in &self.operations {
            if !seen.insert(operation.key.as_bytes()) {
                return Err(Error::new(ErrorKind::InvalidBatch, "the batch names a record twice")
                    .with("record", &operation.key));
            }
            if operation.key.as_bytes().len() > limits.key {
                return Err(Error::new(ErrorKind::TooLarge, "the key is longer than the storage allows")
                    .with("record", &operation.key));
            }
            if matches!(&operation.action, Action::Put(value) if value.len() > limits.value) {
                return Err(Error::new(ErrorKind::TooLarge, "the value is longer than the storage allows")
                    .with("record", &operation.key));
            }
        }
        Ok(())
    }
}
