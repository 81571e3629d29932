//! The ciphertext of the local key service.

use strongroom_envelope::{AnySealer, EncryptionContext, Label, SealedBox, SecretBytes, SecretKey};
use strongroom_kms::{Error, ErrorKind, KeyId};

const LABEL: Label = Label::new("strongroom-kms");
const MAGIC: [u8; 2] = *b"SK";
const VERSION: u8 = 1;
const HEADER: usize = 2 + 1 + 1 + 16 + 4;
/// The longest ciphertext any key service returns.
const MAX_LEN: usize = 6144;

/// A ciphertext taken apart: `SK` (2) · version (1) · id form (1: 0 UUID, 1 multi-Region) · key id (16) · generation
/// `u32` · sealed box. The header and the canonical encryption context are authenticated.
pub(crate) struct Blob<'a> {
    pub(crate) key: KeyId,
    pub(crate) generation: u32,
    header: &'a [u8; HEADER],
    sealed: &'a [u8],
}

fn invalid() -> Error {
    Error::new(ErrorKind::InvalidCiphertext, "")
}

impl<'a> Blob<'a> {
    /// Reads a ciphertext. Whatever is wrong with it, the answer is the same.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_LEN {
            return Err(invalid());
        }
        let (header, sealed) = bytes.split_first_chunk::<HEADER>().ok_or_else(invalid)?;
        let [m0, m1, version, form, rest @ ..] = header;
        let (id, generation) = rest.split_first_chunk::<16>().ok_or_else(invalid)?;
        let generation = <[u8; 4]>::try_from(generation).map_err(|_| invalid())?;
        if [*m0, *m1] != MAGIC || *version != VERSION || *form > 1 || sealed.len() < SealedBox::OVERHEAD {
            return Err(invalid());
        }
        let key = KeyId::from_bytes(*id, *form == 1);
        Ok(Self { key, generation: u32::from_be_bytes(generation), header, sealed })
    }

    /// Opens it with the material it names.
    pub(crate) fn open(
        &self,
        sealer: AnySealer,
        material: &SecretKey,
        context: &EncryptionContext,
    ) -> Result<SecretBytes, Error> {
        sealer.open_box(material, LABEL, &aad(self.header, context), self.sealed).map_err(|_| invalid())
    }
}

/// Makes a ciphertext.
pub(crate) fn seal(
    sealer: AnySealer,
    key: &KeyId,
    generation: u32,
    material: &SecretKey,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let (id, multi_region) = key.to_bytes();
    let mut out = Vec::with_capacity(HEADER + plaintext.len() + SealedBox::OVERHEAD);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION, u8::from(multi_region)]);
    out.extend_from_slice(&id);
    out.extend_from_slice(&generation.to_be_bytes());
    let aad = aad(&out, context);
    sealer.seal_box(material, LABEL, &aad, plaintext, &mut out)?;
    Ok(out)
}

fn aad(header: &[u8], context: &EncryptionContext) -> Vec<u8> {
    let mut aad = Vec::with_capacity(HEADER + context.encoded_len());
    aad.extend_from_slice(header);
    context.encode_into(&mut aad);
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_and_a_wrong_context_look_alike() {
        let (key, material) = (KeyId::from_bytes([7; 16], false), SecretKey::generate().unwrap());
        let context = EncryptionContext::from_pairs([("a", "b")]).unwrap();
        let sealed = seal(AnySealer::default(), &key, 3, &material, &context, b"plaintext").unwrap();
        let blob = Blob::parse(&sealed).unwrap();
        assert_eq!((&blob.key, blob.generation), (&key, 3));
        assert_eq!(blob.open(AnySealer::default(), &material, &context).unwrap().expose(), b"plaintext");
        let expected = format!(
            "{:?}",
            blob.open(AnySealer::default(), &material, &EncryptionContext::new()).unwrap_err()
        );
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let error = Blob::parse(&changed)
                .and_then(|blob| blob.open(AnySealer::default(), &material, &context))
                .unwrap_err();
            assert_eq!(format!("{error:?}"), expected, "bit {bit}");
        }
        for cut in 0..sealed.len() {
            let error = Blob::parse(&sealed[..cut])
                .and_then(|blob| blob.open(AnySealer::default(), &material, &context))
                .unwrap_err();
            assert_eq!(format!("{error:?}"), expected);
        }
    }

    #[test]
    fn the_longest_plaintext_fits_the_longest_ciphertext() {
        let material = SecretKey::generate().unwrap();
        let sealed = seal(
            AnySealer::default(),
            &KeyId::from_bytes([7; 16], true),
            1,
            &material,
            &EncryptionContext::new(),
            &[1; 4096],
        )
        .unwrap();
        assert!(sealed.len() <= MAX_LEN);
        assert!(Blob::parse(&sealed).unwrap().key.as_str().starts_with("mrk-"));
        assert!(Blob::parse(&[b"SK".as_slice(), &[0; MAX_LEN]].concat()).is_err());
    }
}
