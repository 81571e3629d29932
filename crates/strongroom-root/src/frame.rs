//! The frame that stands around every record: which store key authenticates it, and its code.

use sha2::{Digest, Sha256};
use strongroom_records::{Key, Record};

use crate::error::tampered;
use crate::store::Keyring;
use crate::{Error, ErrorKind, TrustedRecord};

/// The content is what was written.
pub(crate) const PLAIN: u8 = 1;
/// The content is sealed under the store key, for this record.
pub(crate) const SEALED: u8 = 2;
/// Kind, epoch, tag: what stands before the content of every record.
pub(crate) const LEN: usize = 1 + 4 + 32;

/// What a record is known by, whatever the store key: other records vouch for it by this.
fn digest(store_id: &str, key: &Key, content: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [store_id.as_bytes(), key.as_bytes(), content] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// `kind (1) || epoch u32 || tag (32) || content`; the tag covers kind, store id, epoch and the digest of the record.
pub(crate) fn write(
    keyring: &Keyring,
    store_id: &str,
    kind: u8,
    key: &Key,
    content: &[u8],
) -> Result<(Vec<u8>, [u8; 32]), Error> {
    let epoch = keyring.current()?;
    let number = epoch.number.to_be_bytes();
    let digest = digest(store_id, key, content);
    let tag = epoch.mac.tag(&[&[kind], store_id.as_bytes(), &number, &digest]);
    let mut value = Vec::with_capacity(LEN + content.len());
    value.push(kind);
    value.extend_from_slice(&number);
    value.extend_from_slice(&tag);
    value.extend_from_slice(content);
    Ok((value, digest))
}

/// The store has another store key than the one this handle knows.
pub(crate) fn changed() -> Error {
    Error::new(ErrorKind::StoreChanged, "the store key was changed by another process; open the store again")
}

/// Kind and epoch of a framed record, not verified.
pub(crate) fn peek(record: &Record) -> Result<(u8, u32), Error> {
    match record.value.split_first_chunk::<5>() {
        Some((&[kind, a, b, c, d], rest)) if rest.len() >= 32 => Ok((kind, u32::from_be_bytes([a, b, c, d]))),
        _ => Err(tampered(&record.key, "it is cut")),
    }
}

pub(crate) fn verify(keyring: &Keyring, store_id: &str, record: Record) -> Result<TrustedRecord, Error> {
    let (kind, number) = peek(&record)?;
    let Record { key, revision, mut value } = record;
    let (Some(tag), Some(content)) = (value.get(5..LEN), value.get(LEN..)) else {
        return Err(tampered(&key, "it is cut"));
    };
    let Some(epoch) = keyring.epoch(number).filter(|_| matches!(kind, PLAIN | SEALED)) else {
        if number > keyring.current()?.number {
            // Written under a store key that came later than what this handle knows, or so it says: see `Inner::settle`.
            return Err(changed().with("record", &key));
        }
        return Err(tampered(&key, "it is of an unknown format or store key"));
    };
    let digest = digest(store_id, &key, content);
    let parts: [&[u8]; 4] = [&[kind], store_id.as_bytes(), &number.to_be_bytes(), &digest];
    if !<&[u8; 32]>::try_from(tag).is_ok_and(|tag| epoch.mac.verify(&parts, tag)) {
        return Err(tampered(&key, "its authentication code does not match"));
    }
    value.drain(..LEN);
    Ok(TrustedRecord { key, revision, content: value, digest })
}
