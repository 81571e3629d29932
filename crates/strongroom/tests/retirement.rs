//! Retiring a generation of a key: only when nothing uses it, and with nothing coming under it meanwhile.

#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use strongroom::Retirement;
use strongroom::kms::{
    self, Capabilities, Ciphertext, DataKeyPair, Decrypt, Decrypted, DescribeKey, Encrypt, GenerateDataKey,
    KeyMetadata, ReEncrypt, ReEncrypted,
};
use strongroom::kms::{LocalKms, LocalKmsOptions};
use strongroom::records::{Key, Scan};
use strongroom::{
    CallContext, EncryptionContext, Error, ErrorKind, KeyErrorKind, Kms, MemoryRecords, Records, RootKey,
    SecretErrorKind, Strongroom,
};

const CONFIRMED: Retirement = Retirement::LosesCiphertextsElsewhere;

async fn open(records: &Arc<dyn Records>) -> Strongroom {
    let root = RootKey::from_bytes([1; 32]);
    Strongroom::builder().records(Arc::clone(records)).root_key(root).open().await.unwrap()
}

async fn room() -> (Arc<dyn Records>, Strongroom, String) {
    let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    let room = open(&records).await;
    let first = room.keys().create("alias/k", "").await.unwrap().current_key_material_id.unwrap();
    (records, room, first)
}

async fn materials(records: &Arc<dyn Records>) -> usize {
    let prefix = Key::realm(&strongroom::Realm::default()).then("material");
    records.snapshot().await.unwrap().scan(&Scan::prefix(&prefix)).await.unwrap().records.len()
}

fn refused(result: Result<(), Error>, kind: ErrorKind) -> Error {
    let error = result.expect_err("it is refused");
    assert_eq!(error.kind(), kind, "{error}");
    error
}

#[tokio::test]
async fn a_generation_goes_when_nothing_uses_it() {
    let (records, room, first) = room().await;
    room.create("s").key("alias/k").text("v").send().await.unwrap();
    let elsewhere = room.keys().encrypt("alias/k", b"elsewhere", &EncryptionContext::new()).await.unwrap();
    let encrypts = room.keys().retire_material("alias/k", &first, CONFIRMED).await;
    refused(encrypts, ErrorKind::Secret(SecretErrorKind::InvalidRequest));
    room.keys().rotate("alias/k").await.unwrap();
    let used = room.keys().retire_material("alias/k", &first, CONFIRMED).await;
    let error = refused(used, ErrorKind::Secret(SecretErrorKind::InvalidRequest));
    assert!(
        error.to_string().contains(" of s and maybe others are encrypted under this key material"),
        "{error}"
    );
    let opened = room.keys().decrypt(&elsewhere, &EncryptionContext::new()).await.unwrap();
    assert_eq!(opened.plaintext.expose(), b"elsewhere");
    room.keys().rewrap("alias/k", |_| ()).await.unwrap();
    room.keys().retire_material("alias/k", &first, CONFIRMED).await.unwrap();
    room.keys().retire_material("alias/k", &first, CONFIRMED).await.unwrap();
    assert_eq!(materials(&records).await, 1);
    assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "v");
    for room in [room.clone(), open(&records).await] {
        let lost = room.keys().decrypt(&elsewhere, &EncryptionContext::new()).await.unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::Key(KeyErrorKind::InvalidCiphertext));
        assert!(room.verify().await.unwrap().is_clean());
    }
    let unknown = room.keys().retire_material("alias/k", &"0".repeat(64), CONFIRMED).await;
    refused(unknown, ErrorKind::Key(KeyErrorKind::NotFound));
    room.keys().rotate("alias/k").await.unwrap();
    room.put("s").text("again").send().await.unwrap();
    assert!(room.verify().await.unwrap().is_clean());
}

/// Versions without labels count too.
#[tokio::test]
async fn deprecated_versions_are_uses() {
    let (_, room, first) = room().await;
    room.create("s").key("alias/k").text("1").send().await.unwrap();
    room.keys().rotate("alias/k").await.unwrap();
    for value in ["2", "3"] {
        room.put("s").text(value).send().await.unwrap();
    }
    let used = room.keys().retire_material("alias/k", &first, CONFIRMED).await;
    refused(used, ErrorKind::Secret(SecretErrorKind::InvalidRequest));
    room.delete("s").recovery_window_days(7).send().await.unwrap();
    let used = room.keys().retire_material("alias/k", &first, CONFIRMED).await;
    refused(used, ErrorKind::Secret(SecretErrorKind::InvalidRequest));
}

/// A key service that answers a request for a data key only when it is let.
#[derive(Clone, Debug)]
struct HeldUp {
    inner: LocalKms,
    holds: Arc<AtomicBool>,
    free: Arc<AtomicBool>,
}

#[async_trait]
impl Kms for HeldUp {
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<DataKeyPair, kms::Error> {
        let pair = self.inner.generate_data_key(cx, request).await;
        self.holds.store(true, Ordering::Release);
        while !self.free.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        pair
    }

    async fn encrypt(&self, cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, kms::Error> {
        self.inner.encrypt(cx, request).await
    }

    async fn decrypt(&self, cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, kms::Error> {
        self.inner.decrypt(cx, request).await
    }

    async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, kms::Error> {
        self.inner.re_encrypt(cx, request).await
    }

    async fn describe_key(
        &self,
        cx: &CallContext,
        request: DescribeKey<'_>,
    ) -> Result<KeyMetadata, kms::Error> {
        self.inner.describe_key(cx, request).await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}

/// Of a put that has sealed its value under the old generation and a retirement of that generation, one gives way to the other:
/// never is a value stored that cannot be opened.
#[tokio::test]
async fn a_put_in_flight_is_not_lost() {
    let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    let room = open(&records).await;
    let key = room.keys().create("alias/k", "").await.unwrap();
    // Without a value: nothing of it is moved meanwhile, so that nothing but the retirement meets the put.
    room.create("s").key("alias/k").send().await.unwrap();
    // Another process, whose key service answers and is then held up.
    let kms = HeldUp { inner: local(&records).await, holds: Arc::default(), free: Arc::default() };
    let other = {
        let root = RootKey::from_bytes([1; 32]);
        let builder = Strongroom::builder().records(Arc::clone(&records)).root_key(root);
        builder.kms(Arc::new(kms.clone())).open().await.unwrap()
    };
    let done = Arc::new(AtomicBool::new(false));
    let put = {
        let done = Arc::clone(&done);
        async move {
            other.put("s").text("2").send().await.unwrap();
            done.store(true, Ordering::Release);
        }
    };
    let retire = async {
        while !kms.holds.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        assert!(!done.load(Ordering::Acquire));
        room.keys().rotate("alias/k").await.unwrap();
        room.keys().rewrap("alias/k", |_| ()).await.unwrap();
        let first = key.current_key_material_id.as_deref().unwrap();
        room.keys().retire_material("alias/k", first, CONFIRMED).await.unwrap();
        kms.free.store(true, Ordering::Release);
    };
    tokio::join!(put, retire);
    let reopened = open(&records).await;
    assert_eq!(reopened.get("s").send().await.unwrap().expose_text().unwrap(), "2");
    assert!(reopened.verify().await.unwrap().is_clean());
}

async fn local(records: &Arc<dyn Records>) -> LocalKms {
    let root = RootKey::from_bytes([1; 32]);
    let clock = strongroom::SystemClock;
    let records =
        strongroom::root::TrustedRecords::open(Arc::clone(records), root, None, &clock).await.unwrap();
    let options = LocalKmsOptions::default().strict();
    LocalKms::with_options(records, Arc::new(clock), options)
}
