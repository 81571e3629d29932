//! Unwrapped key material, kept in memory for a while.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_envelope::{SecretBytes, SecretKey};
use strongroom_kms::{Error, ErrorKind, KeyId, KeySpec};

use crate::cache::keys::{ById, RawKeyId};

/// Unwrapped key material.
pub(crate) enum Material {
    Symmetric(SecretKey),
    Hmac(SecretBytes),
}

impl Material {
    pub(crate) fn new(spec: KeySpec, bytes: SecretBytes) -> Result<Self, Error> {
        if bytes.len() != spec.material_len() {
            return Err(Error::new(ErrorKind::Tampered, "the key material has a wrong length"));
        }
        Ok(match spec {
            KeySpec::SymmetricDefault => Self::Symmetric(SecretKey::from_bytes(bytes)?.precomputed()),
            _ => Self::Hmac(bytes),
        })
    }

    /// The key that encrypts and decrypts. Whoever asks has looked at the key's spec.
    pub(crate) fn symmetric(&self) -> Result<&SecretKey, Error> {
        match self {
            Self::Symmetric(key) => Ok(key),
            Self::Hmac(_) => Err(Error::new(ErrorKind::Internal, "the key does not encrypt")),
        }
    }

    /// The key of codes, likewise.
    pub(crate) fn hmac(&self) -> Result<&SecretBytes, Error> {
        match self {
            Self::Hmac(key) => Ok(key),
            Self::Symmetric(_) => Err(Error::new(ErrorKind::Internal, "the key makes no codes")),
        }
    }
}

/// Unwrapped material by key and generation. Material never changes, so an entry is never wrong,
/// only no longer wanted; whether the key may be used is decided elsewhere, on every call. Entries
/// wipe themselves when the last user lets go.
pub(crate) struct MaterialCache {
    /// The most generations kept; beyond it an arbitrary one goes. Zero keeps none.
    capacity: usize,
    entries: Mutex<ById<(RawKeyId, u32), Arc<Material>>>,
}

impl MaterialCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, ById<(RawKeyId, u32), Arc<Material>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &KeyId, generation: u32) -> Option<Arc<Material>> {
        self.lock().get(&(key.to_bytes(), generation)).cloned()
    }

    pub(crate) fn insert(&self, key: &KeyId, generation: u32, material: &Arc<Material>) {
        if self.capacity == 0 {
            return;
        }
        let mut entries = self.lock();
        if entries.len() >= self.capacity {
            let victim = entries.keys().next().copied();
            victim.map(|victim| entries.remove(&victim));
        }
        entries.insert((key.to_bytes(), generation), Arc::clone(material));
    }

    /// Forgets a key that was disabled or is to be deleted.
    pub(crate) fn forget(&self, key: &KeyId) {
        self.lock().retain(|(entry, _), _| *entry != key.to_bytes());
    }
}

impl fmt::Debug for MaterialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaterialCache({} entries)", self.lock().len())
    }
}
