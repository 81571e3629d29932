//! Walks the folder of vectors, which an implementation that shares no code with this one made (`generate.py`).

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use strongroom_envelope::{
    DataKey, EncryptionContext, Envelope, Error, ErrorKind, Provider, RustCrypto, Sealer, SecretBytes,
};

#[derive(Deserialize)]
struct Vector {
    comment: String,
    data_key: String,
    context: Vec<(String, String)>,
    envelope: String,
    expect: String,
    plaintext: Option<String>,
    message: Option<String>,
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn open<P: Provider>(vector: &Vector) -> Result<SecretBytes, Error> {
    let key = DataKey::from_bytes(unhex(&vector.data_key).into())?;
    let context = EncryptionContext::from_pairs(vector.context.clone())?;
    let bytes = unhex(&vector.envelope);
    let envelope = Envelope::parse(&bytes)?;
    Sealer::<P>::with_provider().open(&envelope, &key, &context)
}

fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Malformed => "malformed",
        ErrorKind::UnsupportedVersion => "unsupported_version",
        ErrorKind::UnsupportedSuite => "unsupported_suite",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::Decryption => "decryption",
        other => panic!("no vector expects {other:?}"),
    }
}

fn walk<P: Provider>() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut counts = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let vector: Vector = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let told = format!("{}: {}", path.file_name().unwrap().display(), vector.comment);
        match open::<P>(&vector) {
            Ok(plaintext) => {
                assert_eq!(vector.expect, "ok", "{told}");
                assert_eq!(plaintext.expose(), unhex(vector.plaintext.as_deref().unwrap()), "{told}");
            }
            Err(error) => {
                assert_eq!(word(error.kind()), vector.expect, "{told}");
                assert_eq!(error.message(), vector.message.as_deref().unwrap(), "{told}");
            }
        }
        *counts.entry(vector.expect == "ok").or_insert(0) += 1;
    }
    let (opened, refused) = (counts[&true], counts[&false]);
    assert!(opened + refused >= 60 && refused >= 45, "{opened} open, {refused} are refused");
}

#[test]
fn rust_crypto_agrees_with_every_vector() {
    walk::<RustCrypto>();
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn aws_lc_agrees_with_every_vector() {
    walk::<strongroom_envelope::AwsLc>();
}
