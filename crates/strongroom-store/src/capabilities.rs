//! The capabilities of a store.

use crate::SecretValue;

/// The capabilities of an implementation. A request beyond them fails with
/// [`crate::ErrorKind::Unsupported`]; nothing is omitted silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether secrets can be created and changed. A read-only store declares `false` and rejects
    /// writes.
    pub writes: bool,
    /// Whether the store has the admin part, [`SecretAdmin`](crate::SecretAdmin): deletion and
    /// tags, and, where declared, recovery windows and policies.
    pub admin: bool,
    /// The maximum length of a value, in bytes.
    pub max_value_len: usize,
    /// The maximum number of versions of a secret.
    pub max_versions: usize,
    /// Whether values can be arbitrary bytes.
    pub binary_values: bool,
    /// Whether a secret can be created without a value.
    pub empty_secrets: bool,
    /// Whether the caller's token becomes the version id and makes repeats safe. A store that
    /// numbers versions itself declares `false` and rejects tokens.
    pub token_is_version_id: bool,
    /// Whether versions can have custom labels.
    pub custom_stages: bool,
    /// Whether `AWSCURRENT`, `AWSPREVIOUS` and `AWSPENDING` can be moved to any version, and a put
    /// can name the labels it moves. A store whose newest version is always the current one
    /// declares `false`.
    pub free_stages: bool,
    /// Whether deletion has a recovery window.
    pub recovery_window: bool,
    /// Whether listings take filters and sort by every key.
    pub filters: bool,
    /// Whether it records when values were last read.
    pub last_accessed: bool,
    /// Whether it accepts reports of reads that a cache has served
    /// ([`report_reads`](crate::SecretStore::report_reads)).
    pub served_reads: bool,
    /// Whether secrets have resource policies.
    pub resource_policies: bool,
}

impl Capabilities {
    /// Everything that Secrets Manager can do. It does not accept reports of served reads.
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
