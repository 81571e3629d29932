//! A root that somebody else's key wraps.

use std::fmt::Debug;

use async_trait::async_trait;
use strongroom_envelope::SecretKey;

use crate::Error;

/// What wraps the key of a root slot: a key service in a cloud, an HSM, another strongroom. The facade has one for any `Kms`.
///
/// Each slot has a key of its own, which seals the store key; only its wrapped form is stored. So whoever opens the store
/// asks the service once, at opening, and never again.
#[async_trait]
pub trait RootWrapper: Debug + Send + Sync {
    /// A fresh key for a slot of the store of this id, in clear and wrapped. What it is wrapped for should be bound to the
    /// store's id, as a key service's encryption context does.
    ///
    /// # Errors
    /// [`crate::ErrorKind::RootUnavailable`] with the service's reason.
    async fn generate(&self, store_id: &str) -> Result<WrappedKey, Error>;

    /// The key of a slot. `None` when it was wrapped by another key or for another store: then this root does not open the
    /// slot, and others are tried.
    ///
    /// # Errors
    /// [`crate::ErrorKind::RootUnavailable`] with the service's reason: it cannot be asked, or refuses.
    async fn unwrap(&self, store_id: &str, wrapped: &[u8]) -> Result<Option<SecretKey>, Error>;
}

/// A fresh key in both forms.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct WrappedKey {
    /// The key.
    pub key: SecretKey,
    /// The key wrapped; at most 2,048 bytes.
    pub wrapped: Vec<u8>,
    /// What wrapped it, to be shown: the ARN of a key. At most 256 bytes.
    pub by: String,
}
