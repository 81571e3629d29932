//! Which data keys are cached, and for how long.

use std::time::Duration;

use strongroom_kms::{Error, ErrorKind};

/// What a [`crate::CachedKms`] caches: decrypted data keys, for a maximum age. Generated data keys
/// are not reused unless [`DataKeyPolicy::reuse`] allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataKeyPolicy {
    /// How long an entry can be used. A revoked permission stays effective for as long.
    pub max_age: Duration,
    /// The maximum number of entries. Beyond it, the least recently used one is dropped.
    pub max_entries: usize,
    /// The maximum number of messages per generated key. With 1, generated keys are not cached.
    pub max_messages: u64,
    /// The maximum number of message bytes per generated key.
    pub max_bytes: u64,
    /// The assumed length of a message in bytes, since the key service does not learn its real
    /// length.
    pub bytes_a_message: u64,
}

impl DataKeyPolicy {
    /// The maximum of `max_age`: a day.
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

    /// Caches decrypted data keys for this long, at most a thousand; generated ones are not reused.
    #[must_use]
    pub fn new(max_age: Duration) -> Self {
        Self { max_age, max_entries: 1_000, max_messages: 1, max_bytes: u64::MAX, bytes_a_message: 65_536 }
    }

    /// Sets [`DataKeyPolicy::max_entries`].
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Reuses a generated key for the same caller, key and context, for at most this many messages
    /// and bytes in total. The messages then share a data key: anyone who holds it can read all of
    /// them.
    #[must_use]
    pub fn reuse(mut self, messages: u64, bytes: u64) -> Self {
        (self.max_messages, self.max_bytes) = (messages, bytes);
        self
    }

    /// Sets [`DataKeyPolicy::bytes_a_message`]. Default: 65,536, the maximum length of a secret
    /// value.
    #[must_use]
    pub fn bytes_a_message(mut self, bytes: u64) -> Self {
        self.bytes_a_message = bytes;
        self
    }

    /// The maximum number of messages per generated key.
    pub(crate) fn messages(&self) -> u64 {
        self.max_messages.min(self.max_bytes / self.bytes_a_message.max(1))
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let refused = |text: &'static str| Err(Error::new(ErrorKind::Validation, text));
        if self.max_age.is_zero() || self.max_age > Self::MAX_AGE {
            return refused("max_age must be positive and at most a day");
        }
        if self.max_entries == 0 {
            return refused("max_entries must be at least 1");
        }
        if self.max_messages == 0 || self.bytes_a_message == 0 {
            return refused("max_messages and bytes_a_message must be at least 1");
        }
        Ok(())
    }
}
