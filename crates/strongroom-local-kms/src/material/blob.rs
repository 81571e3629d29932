//! The ciphertext of the local key service.

use strongroom_envelope::{AnySealer, EncryptionContext, Label, SealedBox, SecretBytes, SecretKey};
use strongroom_kms::{Error, ErrorKind, KeyId};

use crate::cache::keys::RawKeyId;

const LABEL: Label = Label::new("strongroom-kms");
const MAGIC: [u8; 2] = *b"SK";
const VERSION: u8 = 1;
const HEADER: usize = 2 + 1 + 1 + 16 + 4;
/// The longest ciphertext any key service returns.
const MAX_LEN: usize = 6144;

/// A ciphertext taken apart: `SK` (2) · version (1) · id form (1: 0 UUID, 1 multi-Region) · key id
/// (16) · generation `u32` · sealed box. The header and the canonical encryption context are
/// authenticated.
pub(crate) struct Blob<'a> {
    pub(crate) key: RawKeyId,
    pub(crate) generation: u32,
    header: &'a [u8; HEADER],
    sealed: &'a [u8],
}

/// AWS tells lengths that no ciphertext has by their own text.
pub(crate) fn check_length(ciphertext: &[u8]) -> Result<(), Error> {
    let bound = match ciphertext.len() {
        0 => "greater than or equal to 1",
        1..=MAX_LEN => return Ok(()),
        _ => "less than or equal to 6144",
    };
    let text = format!(
        "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length {bound}"
    );
    Err(Error::new(ErrorKind::Validation, text))
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
        let key = (*id, *form == 1);
        Ok(Self { key, generation: u32::from_be_bytes(generation), header, sealed })
    }

    /// Opens it with the material it names.
    pub(crate) fn open(
        &self,
        sealer: AnySealer,
        material: &SecretKey,
        context: &EncryptionContext,
    ) -> Result<SecretBytes, Error> {
        let aad = Aad::of(self.header, context);
        sealer.open_box(material, LABEL, aad.as_slice(), self.sealed).map_err(|_| invalid())
    }
}

/// A ciphertext to be made: its header, and what is authenticated with it.
pub(crate) struct New {
    out: Vec<u8>,
    aad: Aad,
}

impl New {
    /// Under this generation of this key, in this context, for a plaintext of this length.
    pub(crate) fn of(key: &KeyId, generation: u32, context: &EncryptionContext, len: usize) -> Self {
        let (id, multi_region) = key.to_bytes();
        let mut out = Vec::with_capacity(HEADER + len + SealedBox::OVERHEAD);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[VERSION, u8::from(multi_region)]);
        out.extend_from_slice(&id);
        out.extend_from_slice(&generation.to_be_bytes());
        let aad = Aad::of(&out, context);
        Self { out, aad }
    }

    pub(crate) fn seal(
        mut self,
        sealer: AnySealer,
        material: &SecretKey,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        sealer.seal_box(material, LABEL, self.aad.as_slice(), plaintext, &mut self.out)?;
        Ok(self.out)
    }

    /// Of fresh random bytes, which are given too.
    pub(crate) fn seal_fresh(
        mut self,
        sealer: AnySealer,
        material: &SecretKey,
        len: usize,
    ) -> Result<(SecretBytes, Vec<u8>), Error> {
        let plaintext = sealer.seal_fresh_box(material, LABEL, self.aad.as_slice(), len, &mut self.out)?;
        Ok((plaintext, self.out))
    }
}

/// What is authenticated with a ciphertext: header and context. The usual context fits without an
/// allocation.
struct Aad {
    small: [u8; Self::SMALL],
    large: Vec<u8>,
    len: usize,
}

impl Aad {
    const SMALL: usize = 256;

    fn of(header: &[u8], context: &EncryptionContext) -> Self {
        let len = header.len() + context.encoded_len();
        let mut aad = Self { small: [0; Self::SMALL], large: Vec::new(), len };
        if len > Self::SMALL {
            aad.large = vec![0; len];
        }
        let bytes = if len > Self::SMALL { aad.large.as_mut_slice() } else { &mut aad.small };
        let (head, rest) = bytes.split_at_mut(header.len());
        head.copy_from_slice(header);
        context.write(rest);
        aad
    }

    fn as_slice(&self) -> &[u8] {
        if self.len > Self::SMALL { &self.large } else { &self.small[..self.len] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_and_a_wrong_context_look_alike() {
        let (key, material) = (KeyId::from_bytes([7; 16], false), SecretKey::generate().unwrap());
        let context = EncryptionContext::from_pairs([("a", "b")]).unwrap();
        let sealed =
            New::of(&key, 3, &context, 9).seal(AnySealer::default(), &material, b"plaintext").unwrap();
        let blob = Blob::parse(&sealed).unwrap();
        assert_eq!((blob.key, blob.generation), (key.to_bytes(), 3));
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

    /// Contexts around the length up to which nothing is allocated.
    #[test]
    fn contexts_of_all_lengths() {
        let (key, material) = (KeyId::from_bytes([7; 16], false), SecretKey::generate().unwrap());
        for len in (200..260).chain([1000]) {
            let context = EncryptionContext::from_pairs([("a", "b".repeat(len))]).unwrap();
            let sealed = New::of(&key, 3, &context, 1).seal(AnySealer::default(), &material, b"x").unwrap();
            let mut aad = sealed[..HEADER].to_vec();
            context.encode_into(&mut aad);
            assert_eq!(Aad::of(&sealed[..HEADER], &context).as_slice(), aad, "{len}");
            let opened = Blob::parse(&sealed).unwrap().open(AnySealer::default(), &material, &context);
            assert_eq!(opened.unwrap().expose(), b"x");
        }
    }

    #[test]
    fn the_longest_plaintext_fits_the_longest_ciphertext() {
        let material = SecretKey::generate().unwrap();
        let key = KeyId::from_bytes([7; 16], true);
        let new = New::of(&key, 1, &EncryptionContext::new(), 4096);
        let sealed = new.seal(AnySealer::default(), &material, &[1; 4096]).unwrap();
        assert!(sealed.len() <= MAX_LEN);
        assert_eq!(Blob::parse(&sealed).unwrap().key, ([7; 16], true));
        assert!(Blob::parse(&[b"SK".as_slice(), &[0; MAX_LEN]].concat()).is_err());
    }
}
