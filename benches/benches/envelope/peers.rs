//! What others do for the same job: a payload sealed under a data key of its own, that key wrapped
//! under a key in the process. None of the first three is the same: tink binds no context to the
//! wrapped key and commits to nothing, envelopers binds none of ours and commits to nothing, the
//! AWS Encryption SDK (committing, unsigned, raw AES keyring) does both; orion has one layer and no
//! context.

use std::collections::HashMap;
use std::hint::black_box;

use aws_esdk::material_providers::types::{AesWrappingAlg, EsdkAlgorithmSuiteId};
use criterion::Criterion;
use tink_core::Aead as _;

use crate::{CONTEXT, context};

fn bench<T>(
    criterion: &mut Criterion,
    name: &str,
    size: usize,
    seal: impl Fn(&[u8]) -> T,
    open: impl Fn(&T) -> Vec<u8>,
) {
    let plaintext = vec![7; size];
    let sealed = seal(&plaintext);
    assert_eq!(open(&sealed), plaintext, "{name}");
    criterion.bench_function(&format!("{name}_seal/{size}"), |bencher| {
        bencher.iter(|| seal(black_box(&plaintext)));
    });
    criterion.bench_function(&format!("{name}_open/{size}"), |bencher| {
        bencher.iter(|| open(black_box(&sealed)));
    });
}

pub(crate) fn all(criterion: &mut Criterion, size: usize) {
    tink(criterion, size);
    envelopers(criterion, size);
    orion(criterion, size);
    esdk(criterion, size);
}

fn tink(criterion: &mut Criterion, size: usize) {
    tink_aead::init();
    let kek = Box::new(tink_aead::subtle::AesGcm::new(&[1; 32]).unwrap());
    let envelope = tink_aead::KmsEnvelopeAead::new(tink_aead::aes256_gcm_key_template(), kek);
    let context = context().encode();
    let seal = |plaintext: &[u8]| envelope.encrypt(plaintext, &context).unwrap();
    bench(criterion, "tink", size, seal, |sealed| envelope.decrypt(sealed, &context).unwrap());
}

fn envelopers(criterion: &mut Criterion, size: usize) {
    let provider = envelopers::SimpleKeyProvider::<envelopers::Aes256Gcm>::init([1; 16]);
    let cipher: envelopers::EnvelopeCipher<_> = envelopers::EnvelopeCipher::init(provider);
    let seal = |plaintext: &[u8]| pollster::block_on(cipher.encrypt(plaintext)).unwrap();
    bench(criterion, "envelopers", size, seal, |sealed| pollster::block_on(cipher.decrypt(sealed)).unwrap());
}

fn orion(criterion: &mut Criterion, size: usize) {
    let key = orion::aead::SecretKey::generate().unwrap();
    let seal = |plaintext: &[u8]| orion::aead::seal(&key, plaintext).unwrap();
    bench(criterion, "orion", size, seal, |sealed| orion::aead::open(&key, sealed).unwrap());
}

fn esdk(criterion: &mut Criterion, size: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config =
        aws_esdk::types::aws_encryption_sdk_config::AwsEncryptionSdkConfig::builder().build().unwrap();
    let client = aws_esdk::client::Client::from_conf(config).unwrap();
    let config =
        aws_esdk::material_providers::types::material_providers_config::MaterialProvidersConfig::builder()
            .build()
            .unwrap();
    let materials = aws_esdk::material_providers::client::Client::from_conf(config).unwrap();
    let keyring = materials
        .create_raw_aes_keyring()
        .key_name("bench")
        .key_namespace("strongroom")
        .wrapping_key(vec![1; 32])
        .wrapping_alg(AesWrappingAlg::AlgAes256GcmIv12Tag16)
        .send();
    let keyring = runtime.block_on(keyring).unwrap();
    let context: HashMap<_, _> =
        CONTEXT.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let seal = |plaintext: &[u8]| {
        let sealed = client
            .encrypt()
            .plaintext(plaintext)
            .keyring(keyring.clone())
            .encryption_context(context.clone())
            .algorithm_suite_id(EsdkAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKey)
            .send();
        runtime.block_on(sealed).unwrap().ciphertext.unwrap()
    };
    bench(criterion, "esdk", size, seal, |sealed| {
        let opened = client
            .decrypt()
            .ciphertext(sealed.clone())
            .keyring(keyring.clone())
            .encryption_context(context.clone())
            .send();
        runtime.block_on(opened).unwrap().plaintext.unwrap().into_inner()
    });
}
