//! Derived signing keys, each for one day, region and service.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use strongroom_envelope::{SecretBytes, wipe};

use super::parse::Presented;

/// The maximum number of cached keys.
const MOST: usize = 1024;

/// Access key, day, region and service.
type Scope = [String; 4];

/// A cache of derived signing keys, each with the secret it was derived from. Wiped on drop.
#[derive(Default)]
pub(crate) struct SigningKeys(Mutex<HashMap<Scope, (SecretBytes, SecretBytes)>>);

impl SigningKeys {
    /// The signing key of a secret for a presented signature's scope.
    pub(super) fn key(&self, secret: &SecretBytes, presented: &Presented) -> SecretBytes {
        let Presented { key_id, scope_date, region, service, .. } = presented;
        let scope = [key_id, scope_date, region, service].map(Clone::clone);
        if let Some((of, key)) = self.lock().get(&scope)
            && of == secret
        {
            return SecretBytes::copy_from(key.expose());
        }
        let key = derive(secret, presented);
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        let kept = [secret, &key].map(|bytes| SecretBytes::copy_from(bytes.expose()));
        known.insert(scope, kept.into());
        key
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Scope, (SecretBytes, SecretBytes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn derive(secret: &SecretBytes, presented: &Presented) -> SecretBytes {
    let mut key = SecretBytes::copy_from(b"AWS4");
    key.extend_from_slice(secret.expose());
    let Presented { scope_date, region, service, .. } = presented;
    for part in [scope_date.as_bytes(), region.as_bytes(), service.as_bytes(), b"aws4_request"] {
        let mut next = mac(key.expose(), part);
        key = SecretBytes::copy_from(&next);
        wipe(&mut next);
    }
    key
}

pub(super) fn mac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        // HMAC accepts keys of any length.
        Err(_) => return [0; 32],
    };
    mac.update(data);
    mac.finalize().into_bytes().into()
}
