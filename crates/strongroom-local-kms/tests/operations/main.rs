//! The rows of the specification's tables, operation by operation, each under a name of its own.

#![cfg(test)]

mod aliases;
mod crypto;
mod grants;
mod identifiers;
mod imports;
mod keys;
mod life;
mod macs;
mod naming;
mod permissions;
mod policies;
mod rotation;
mod states;
mod tags;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{
    CreateKey, Decrypt, DescribeKey, Encrypt, Error, ErrorKind, KeyMetadata, KeyRef, KeySpec, Kms, KmsAdmin,
};
use strongroom_local_kms::LocalKms;
use strongroom_records::{MemoryRecords, Records};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_testkit::ManualClock;
use strongroom_types::{Arn, CallContext, Caller, Clock as _, PurgePermit};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct World {
    kms: LocalKms,
    cx: CallContext,
    clock: Arc<ManualClock>,
    records: Arc<dyn Records>,
}

/// Permits when told.
#[derive(Debug, Default)]
struct Permit(AtomicBool);

impl Permit {
    fn grant(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl PurgePermit for Permit {
    fn may_destroy(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Kind, and text.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, message: &str) {
    let error = result.expect_err(message);
    assert_eq!((error.kind(), error.message()), (kind, message));
}

impl World {
    async fn new() -> Self {
        Self::over(Arc::new(MemoryRecords::new()), Arc::default()).await
    }

    async fn over(records: Arc<dyn Records>, clock: Arc<ManualClock>) -> Self {
        let root = RootKey::from_bytes([5; 32]);
        let trusted = TrustedRecords::open(Arc::clone(&records), root, None, &*clock).await.unwrap();
        let cx = CallContext::owner(trusted.realm());
        Self { kms: LocalKms::new(trusted, clock.clone()), cx, clock, records }
    }

    /// The same store, opened by another process.
    async fn another(&self) -> Self {
        Self::over(Arc::clone(&self.records), Arc::clone(&self.clock)).await
    }

    async fn key(&self) -> KeyMetadata {
        self.kms.create_key(&self.cx, CreateKey::new()).await.unwrap()
    }

    async fn hmac(&self, spec: KeySpec) -> KeyMetadata {
        self.kms.create_key(&self.cx, CreateKey::hmac(spec)).await.unwrap()
    }

    async fn encrypt(&self, key: &KeyMetadata) -> Vec<u8> {
        let (key, context) = (key.id.clone().into(), EncryptionContext::new());
        self.kms
            .encrypt(&self.cx, Encrypt::new(&key, b"plaintext").context(&context))
            .await
            .unwrap()
            .ciphertext
    }

    /// Encrypts under a context, as the account.
    async fn encrypt_for(&self, key: &KeyMetadata, context: &EncryptionContext) -> Vec<u8> {
        self.kms
            .encrypt(&self.cx, Encrypt::new(&by_id(key), b"plaintext").context(context))
            .await
            .unwrap()
            .ciphertext
    }

    /// Decrypts as somebody, naming the key.
    async fn decrypt_as(
        &self,
        cx: &CallContext,
        key: &KeyMetadata,
        ciphertext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, Error> {
        Ok(self
            .kms
            .decrypt(cx, Decrypt::new(ciphertext).context(context).key(&by_id(key)))
            .await?
            .plaintext
            .expose()
            .to_vec())
    }

    async fn decrypt(&self, ciphertext: &[u8]) -> Result<Vec<u8>, Error> {
        let context = EncryptionContext::new();
        let opened = self.kms.decrypt(&self.cx, Decrypt::new(ciphertext).context(&context)).await?;
        Ok(opened.plaintext.expose().to_vec())
    }

    async fn material(&self, key: &KeyMetadata) -> Option<String> {
        let described =
            self.kms.describe_key(&self.cx, DescribeKey::new(&key.id.clone().into())).await.unwrap();
        described.current_key_material_id
    }
}

fn by_id(key: &KeyMetadata) -> KeyRef {
    key.id.clone().into()
}

/// A caller of this account.
fn caller(resource: &str) -> CallContext {
    CallContext::new(Caller::Principal(Arn::parse(&format!("arn:aws:{resource}")).unwrap()))
}

fn user(name: &str) -> CallContext {
    caller(&format!("iam::000000000000:user/{name}"))
}

fn pairs(pairs: &[(&str, &str)]) -> EncryptionContext {
    EncryptionContext::from_pairs(pairs.iter().copied()).unwrap()
}
