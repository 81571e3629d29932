//! How a key service keeps what it has read.

use std::time::Duration;

/// What a [`LocalKms`](crate::LocalKms) keeps in memory, and for how long it trusts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalKmsOptions {
    /// How long another process's changes to keys may go unnoticed here: a key disabled, rotated or
    /// renamed there. Default: 100 ms. Zero is strict: the storage is asked whether anything has
    /// changed on every call. This process's own changes are seen at once in any case.
    pub staleness: Duration,
    /// How many generations of unwrapped key material are kept in memory. Default: 1,024. Zero
    /// keeps none: each call unwraps what it needs and wipes it.
    pub material_in_memory: usize,
}

impl Default for LocalKmsOptions {
    fn default() -> Self {
        Self { staleness: Duration::from_millis(100), material_in_memory: 1024 }
    }
}

impl LocalKmsOptions {
    /// Sets [`LocalKmsOptions::staleness`].
    #[must_use]
    pub fn staleness(mut self, staleness: Duration) -> Self {
        self.staleness = staleness;
        self
    }

    /// Asks on every call whether another process has changed anything.
    #[must_use]
    pub fn strict(self) -> Self {
        self.staleness(Duration::ZERO)
    }

    /// Sets [`LocalKmsOptions::material_in_memory`].
    #[must_use]
    pub fn material_in_memory(mut self, generations: usize) -> Self {
        self.material_in_memory = generations;
        self
    }
}
