//! How often sealing and opening ask for memory.

#![cfg(test)]

use allocation_counter::measure;
use strongroom_envelope::{
    DataKey, EncryptionContext, Envelope, Provider, RustCrypto, Sealer, SecretKey, WrappingKey,
};

const KEY_ID: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn context() -> EncryptionContext {
    EncryptionContext::from_pairs([
        ("SecretARN", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-a1B2c3"),
        ("SecretVersionId", "9a1b2c3d-1111-4222-8333-abcdefabcdef"),
    ])
    .unwrap()
}

fn allocations(run: impl FnOnce()) -> u64 {
    measure(run).count_total
}

/// Allocations of (seal into a buffer, seal into a new one, open into a buffer, open into new
/// memory).
fn counts<P: Provider>(size: usize) -> [u64; 4] {
    let (context, plaintext, wrapped) = (context(), vec![7; size], [9; 136]);
    let (key, sealer) = (DataKey::generate().unwrap(), Sealer::<P>::with_provider());
    let mut out = vec![0; Envelope::sealed_len(KEY_ID.len(), wrapped.len(), size)];
    let mut opened = vec![0; size];
    // Whatever a provider sets up at its first use.
    sealer.seal_into(&key, KEY_ID, &wrapped, &context, &plaintext, &mut out).unwrap();
    let into = allocations(|| {
        sealer.seal_into(&key, KEY_ID, &wrapped, &context, &plaintext, &mut out).unwrap();
    });
    let new = allocations(|| drop(sealer.seal(&key, KEY_ID, &wrapped, &context, &plaintext).unwrap()));
    let open_into = allocations(|| {
        let envelope = Envelope::parse(&out).unwrap();
        sealer.open_into(&envelope, &key, &context, &mut opened).unwrap();
    });
    let open_new = allocations(|| {
        let envelope = Envelope::parse(&out).unwrap();
        drop(sealer.open(&envelope, &key, &context).unwrap());
    });
    [into, new, open_into, open_new]
}

#[test]
fn nothing_is_allocated_beyond_the_one_output() {
    for size in [0, 64, 1024, 4096, 65_536] {
        let expected = if size == 0 { [0, 1, 0, 0] } else { [0, 1, 0, 1] };
        assert_eq!(counts::<RustCrypto>(size), expected, "{size} bytes");
        #[cfg(feature = "aws-lc-rs")]
        assert_eq!(
            counts::<strongroom_envelope::AwsLc>(size),
            expected,
            "{size} bytes, AWS-LC (its own C memory is not counted)"
        );
    }
}

#[test]
fn a_wrapping_key_allocates_as_little() {
    let (context, plaintext) = (context(), vec![7; 1024]);
    let key = WrappingKey::new(KEY_ID, &SecretKey::generate().unwrap());
    let mut out = vec![0; key.sealed_len(plaintext.len())];
    key.seal_into(&context, &plaintext, &mut out).unwrap();
    assert_eq!(
        allocations(|| {
            key.seal_into(&context, &plaintext, &mut out).unwrap();
        }),
        0
    );
    assert_eq!(allocations(|| drop(key.seal(&context, &plaintext).unwrap())), 1);
    assert_eq!(allocations(|| drop(key.open(&context, &out).unwrap())), 1);
}
