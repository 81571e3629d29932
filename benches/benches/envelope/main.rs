//! Sealing and opening an envelope under a wrapping key at hand, next to its floor and its peers in
//! the same run.
//!
//! The floor of a seal is what no implementation can avoid: one OS random call for all bytes
//! needed, key set-up and AEAD of the payload, the AEAD wrap of a 32-byte data key under a ready
//! wrapping key, and the bare hash calls of derivation and commitment, with the same primitives.
//! Open likewise.
//!
//! Ids: `seal/<size>`, `open/<size>`, `floor_seal/<size>`, `floor_open/<size>`; with the feature
//! `aws-lc-rs` also `aws_lc_...`; the same with `two_threads_` in front, where both threads use one
//! handle; with the feature `peers` `tink_...`, `esdk_...`, `envelopers_...` and `orion_...`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

mod floor;
#[cfg(feature = "peers")]
mod peers;

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use strongroom_envelope::{EncryptionContext, Envelope, Provider, RustCrypto, SecretKey, WrappingKey};

use crate::floor::Floor;

const SIZES: [usize; 4] = [64, 1024, 4096, 65536];
const KEY_ID: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const CONTEXT: [(&str, &str); 2] = [
    ("SecretARN", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-a1B2c3"),
    ("SecretVersionId", "9a1b2c3d-1111-4222-8333-abcdefabcdef"),
];

fn context() -> EncryptionContext {
    EncryptionContext::from_pairs(CONTEXT).unwrap()
}

/// Ours: into a buffer that is there.
fn seal<P: Provider>(key: Arc<WrappingKey<P>>, size: usize) -> impl FnMut() + Send {
    let (context, plaintext) = (context(), vec![7; size]);
    let mut out = vec![0; key.sealed_len(size)];
    move || {
        black_box(key.seal_into(&context, black_box(&plaintext), &mut out).unwrap());
    }
}

fn open<P: Provider>(key: Arc<WrappingKey<P>>, size: usize) -> impl FnMut() + Send {
    let context = context();
    let sealed = key.seal(&context, &vec![7; size]).unwrap();
    let mut opened = vec![0; size];
    move || {
        let envelope = Envelope::parse(black_box(&sealed)).unwrap();
        key.open_into(&context, &envelope, &mut opened).unwrap();
    }
}

/// One thread, then two that do the same at the same time: the time of one round is that of the
/// slower thread, so that perfect scaling leaves it as it is.
fn both<W: FnMut() + Send>(criterion: &mut Criterion, id: &str, make: impl Fn() -> W) {
    let mut work = make();
    criterion.bench_function(id, |bencher| bencher.iter(&mut work));
    criterion.bench_function(&format!("two_threads_{id}"), |bencher| {
        let mut works = [make(), make()];
        bencher.iter_custom(|rounds| {
            let start = Barrier::new(works.len());
            std::thread::scope(|scope| {
                let threads = works.each_mut().map(|work| {
                    scope.spawn(|| {
                        start.wait();
                        let began = Instant::now();
                        (0..rounds).for_each(|_| work());
                        began.elapsed()
                    })
                });
                threads.map(|thread| thread.join().unwrap()).into_iter().max().unwrap()
            })
        });
    });
}

/// Ours and the floor run next to each other, so that a machine that changes its mind changes
/// both.
fn provider<P: Provider, F: Floor>(criterion: &mut Criterion, prefix: &str, size: usize) {
    let key = Arc::new(WrappingKey::<P>::with_provider(KEY_ID, &SecretKey::generate().unwrap()));
    let wrapping = Arc::new(F::ready(&[1; 32]));
    both(criterion, &format!("{prefix}seal/{size}"), || seal(Arc::clone(&key), size));
    both(criterion, &format!("{prefix}floor_seal/{size}"), || floor::seal::<F>(Arc::clone(&wrapping), size));
    both(criterion, &format!("{prefix}open/{size}"), || open(Arc::clone(&key), size));
    both(criterion, &format!("{prefix}floor_open/{size}"), || floor::open::<F>(Arc::clone(&wrapping), size));
}

fn envelope(criterion: &mut Criterion) {
    for size in SIZES {
        provider::<RustCrypto, floor::RustFloor>(criterion, "", size);
        #[cfg(feature = "aws-lc-rs")]
        provider::<strongroom_envelope::AwsLc, floor::AwsLcFloor>(criterion, "aws_lc_", size);
        #[cfg(feature = "peers")]
        peers::all(criterion, size);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = envelope
}
criterion_main!(benches);
