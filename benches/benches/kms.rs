//! The key service with warm key material, on memory and on SQLite, next to its floor: at the
//! method, boxed future included, with the default staleness and strict.
//!
//! The floor of GenerateDataKey is one OS random call for all bytes needed, the hash calls of
//! derivation and commitment, and the AEAD of the 32-byte data key, with the same primitives; that
//! of Decrypt the same without the random call.
//!
//! Ids: `kms/generate_data_key/<where>`, `kms/decrypt/<where>` for `memory`, `sqlite`,
//! `memory_strict`, `sqlite_strict`; `kms/floor_generate_data_key`, `kms/floor_decrypt`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a benchmark")]

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use pollster::block_on;
use strongroom::EncryptionContext;
use strongroom::RootKey;
use strongroom::kms::{CreateKey, Decrypt, GenerateDataKey, KeyRef};
use strongroom::kms::{LocalKms, LocalKmsOptions};
use strongroom::root::TrustedRecords;
use strongroom::{CallContext, MemoryRecords, Records, SystemClock};
use strongroom::{Kms, KmsAdmin};
use strongroom_sqlite::SqliteRecords;

/// Header of the ciphertext and the context, encoded.
const AAD: usize = 24 + 177;

fn context() -> EncryptionContext {
    EncryptionContext::from_pairs([
        ("SecretARN", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-a1B2c3"),
        ("SecretVersionId", "9a1b2c3d-1111-4222-8333-abcdefabcdef"),
    ])
    .unwrap()
}

async fn service(records: Arc<dyn Records>, options: LocalKmsOptions) -> (LocalKms, CallContext, KeyRef) {
    let root = RootKey::from_bytes([7; 32]);
    let records = TrustedRecords::open(records, root, None, &SystemClock).await.unwrap();
    let cx = CallContext::owner(records.realm());
    let kms = LocalKms::with_options(records, Arc::new(SystemClock), options);
    let key = kms.create_key(&cx, CreateKey::new()).await.unwrap();
    (kms, cx, key.id.into())
}

/// What a warm call answers at once, without a runtime's part in the time.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a warm call waits for nothing"),
    }
}

fn hashes(key: &[u8; 32], message: &[u8; 55]) -> [[u8; 32]; 2] {
    use hmac::{KeyInit, Mac};
    let keyed = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    [1u8, 2].map(|index| {
        let mut mac = keyed.clone();
        let mut message = *message;
        message[3] = index;
        mac.update(&message);
        mac.finalize().into_bytes().into()
    })
}

fn cipher(key: &[u8; 32]) -> aes_gcm::Aes256Gcm {
    aes_gcm::KeyInit::new(key.into())
}

fn floor(criterion: &mut Criterion) {
    use aes_gcm::AeadInOut;
    use aes_gcm::aead::inout::InOutBuf;
    let (material, aad, message) = ([1; 32], [2; AAD], [3; 55]);
    criterion.bench_function("kms/floor_generate_data_key", |bencher| {
        bencher.iter(|| {
            let mut random = [0u8; 64];
            getrandom::fill(&mut random).unwrap();
            let [key, _] = hashes(black_box(&material), &message);
            let mut out = [0; 32];
            let buffers = InOutBuf::new(&random[..32], &mut out).unwrap();
            black_box(cipher(&key).encrypt_inout_detached(&[0; 12].into(), &aad, buffers).unwrap());
            black_box(out)
        });
    });
    let [key, _] = hashes(&material, &message);
    let mut sealed = [0; 32];
    let buffers = InOutBuf::new(&[5; 32], &mut sealed).unwrap();
    let tag = cipher(&key).encrypt_inout_detached(&[0; 12].into(), &aad, buffers).unwrap();
    criterion.bench_function("kms/floor_decrypt", |bencher| {
        bencher.iter(|| {
            let [key, _] = hashes(black_box(&material), &message);
            let mut out = [0; 32];
            let buffers = InOutBuf::new(black_box(&sealed), &mut out).unwrap();
            cipher(&key).decrypt_inout_detached(&[0; 12].into(), &aad, buffers, &tag).unwrap();
            black_box(out)
        });
    });
}

fn kms(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let usual = LocalKmsOptions::default();
    let sqlite = |name: &str| block_on(SqliteRecords::open(directory.path().join(name))).unwrap();
    let places: [(&str, Arc<dyn Records>, LocalKmsOptions); 4] = [
        ("memory", Arc::new(MemoryRecords::new()), usual),
        ("sqlite", Arc::new(sqlite("usual.sqlite3")), usual),
        ("memory_strict", Arc::new(MemoryRecords::new()), usual.strict()),
        ("sqlite_strict", Arc::new(sqlite("strict.sqlite3")), usual.strict()),
    ];
    floor(criterion);
    for (place, records, options) in places {
        let (kms, cx, key) = block_on(service(records, options));
        let kms: Arc<dyn Kms> = Arc::new(kms);
        let context = context();
        let wrapped = block_on(kms.generate_data_key(&cx, GenerateDataKey::new(&key).context(&context)))
            .unwrap()
            .ciphertext;
        criterion.bench_with_input(BenchmarkId::new("kms/generate_data_key", place), &(), |bencher, ()| {
            bencher.iter(|| {
                now(kms.generate_data_key(&cx, GenerateDataKey::new(&key).context(&context))).unwrap()
            });
        });
        criterion.bench_with_input(BenchmarkId::new("kms/decrypt", place), &(), |bencher, ()| {
            bencher
                .iter(|| now(kms.decrypt(&cx, Decrypt::new(black_box(&wrapped)).context(&context))).unwrap());
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = kms
}
criterion_main!(benches);
