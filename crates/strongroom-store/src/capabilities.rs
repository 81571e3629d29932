//! What a store can do.

use crate::SecretValue;

/// What an implementation can and cannot do. A request for what it cannot do fails with
/// [`crate::ErrorKind::Unsupported`]; nothing is omitted silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether secrets can be created and changed. A read-only store declares `false` and refuses
    /// writes.
    pub writes: bool,
    /// Whether the store has the admin part, [`SecretAdmin`](crate::SecretAdmin): deletion and tags, and, where
    /// declared, recovery windows and policies.
    pub admin: bool,
    /// The longest value, in bytes.
    pub max_value_len: usize,
    /// How many versions of a secret are kept.
    pub max_versions: usize,
    /// Whether values may be arbitrary bytes.
    pub binary_values: bool,
    /// Whether a secret may begin without a value.
    pub empty_secrets: bool,
    /// Whether the caller's token becomes the version id and makes repeats safe. A store that counts
    /// versions itself declares `false` and refuses tokens.
    pub token_is_version_id: bool,
    /// Whether versions may carry custom labels.
    pub custom_stages: bool,
    /// Whether `AWSCURRENT`, `AWSPREVIOUS` and `AWSPENDING` can be moved to any version, and a put
    /// may say which labels it moves. A store whose newest version is always the current one declares
    /// `false`.
    pub free_stages: bool,
    /// Whether deletion has a recovery window.
    pub recovery_window: bool,
    /// Whether listings take filters and sort by every key.
    pub filters: bool,
    /// Whether it records when values were last read.
    pub last_accessed: bool,
    /// Whether it takes reports of reads that a cache has served
    /// ([`report_reads`](crate::SecretStore::report_reads)).
    pub served_reads: bool,
    /// Whether secrets have resource policies.
    pub resource_policies: bool,
}

impl Capabilities {
    /// Everything that Secrets Manager can do. It takes no reports of reads by others.
    #[must_use]
    pub fn full() -> Self {
        Self {
            writes: true,
            admin: true,
            max_value_len: SecretValue::MAX_LEN,
            max_versions: 100,
            binary_values: true,
            empty_secrets: true,
            token_is_version_id: true,
            custom_stages: true,
            free_stages: true,
            recovery_window: true,
            filters: true,
            last_accessed: true,
            served_reads: false,
            resource_policies: true,
        }
    }

    /// The capabilities of a read-only store ([`ReadOnly`](crate::ReadOnly)); its version ids are
    /// its own.
    #[must_use]
    pub fn read_only() -> Self {
        Self {
            writes: false,
            admin: false,
            token_is_version_id: false,
            recovery_window: false,
            last_accessed: false,
            resource_policies: false,
            ..Self::full()
        }
    }
}
