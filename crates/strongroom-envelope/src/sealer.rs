//! Sealing and opening with a chosen provider.

use std::fmt;
use std::marker::PhantomData;

use crate::aad::Aad;
use crate::envelope::Header;
use crate::key::fill_random;
use crate::message::{COMMITMENT_LEN, MAX_PLAINTEXT, Message, SALT_LEN, TAG_LEN};
use crate::provider::{Parent, Provider, RustCrypto};
use crate::{DataKey, EncryptionContext, Envelope, Error, ErrorKind, Label, SecretBytes, SecretKey};

/// Seals and opens envelopes with the primitives of one provider. The output is the same with every
/// provider.
///
/// [`Envelope::seal`], [`Envelope::open`] and [`crate::SealedBox`] use the default provider.
///
/// ```
/// use strongroom_envelope::{DataKey, EncryptionContext, Envelope, Sealer};
///
/// let sealer = Sealer::new(); // with the feature `aws-lc-rs`: Sealer::<strongroom_envelope::AwsLc>::with_provider()
/// let (key, context) = (DataKey::generate()?, EncryptionContext::new());
///
/// // Seal into the caller's buffer, without allocating.
/// let mut buffer = [0; 256];
/// let len = sealer.seal_into(&key, "key id", b"wrapped key", &context, b"s3cret", &mut buffer)?;
/// let envelope = Envelope::parse(&buffer[..len])?;
/// let mut plaintext = [0; 6];
/// sealer.open_into(&envelope, &key, &context, &mut plaintext)?;
/// assert_eq!(&plaintext, b"s3cret");
/// # Ok::<(), strongroom_envelope::Error>(())
/// ```
pub struct Sealer<P = RustCrypto>(PhantomData<P>);

impl Sealer {
    /// With the default provider.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl Default for Sealer {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Clone for Sealer<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Sealer<P> {}

impl<P> fmt::Debug for Sealer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer<{}>", std::any::type_name::<P>().rsplit("::").next().unwrap_or_default())
    }
}

impl<P: Provider> Sealer<P> {
    /// With the provider named by the type.
    #[must_use]
    pub const fn with_provider() -> Self {
        Self(PhantomData)
    }

    /// Seals into a new buffer: see [`Envelope::seal`].
    ///
    /// # Errors
    /// As [`Envelope::seal`].
    pub fn seal(
        &self,
        data_key: &DataKey,
        key_id: &str,
        wrapped_key: &[u8],
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let header = Header::new(key_id, wrapped_key, plaintext)?;
        let mut out = vec![0; header.sealed_len()];
        self.seal_with_header(data_key, &header, context, plaintext, &mut out)?;
        Ok(out)
    }

    /// Seals into the front of `out`, which has at least [`Envelope::sealed_len`] bytes, and
    /// returns the envelope's length. It does not allocate if header and context together have at
    /// most 1 KiB. On failure `out` holds nothing of the plaintext.
    ///
    /// # Errors
    /// As [`Envelope::seal`]; [`ErrorKind::TooLarge`] when `out` is too short.
    pub fn seal_into(
        &self,
        data_key: &DataKey,
        key_id: &str,
        wrapped_key: &[u8],
        context: &EncryptionContext,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let header = Header::new(key_id, wrapped_key, plaintext)?;
        let len = header.sealed_len();
        let out = out
            .get_mut(..len)
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "the envelope is longer than the buffer"))?;
        self.seal_with_header(data_key, &header, context, plaintext, out)?;
        Ok(len)
    }

    fn seal_with_header(
        &self,
        data_key: &DataKey,
        header: &Header<'_>,
        context: &EncryptionContext,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let mut salt = [0; SALT_LEN];
        fill_random(&mut salt)?;
        data_key.spend(plaintext.len())?;
        Self::seal_salted(data_key.key().expose(), &salt, header, &mut Aad::new(context), plaintext, out)
    }

    /// Seals with the given fresh salt. `out` has exactly the envelope's length.
    pub(crate) fn seal_salted(
        key: &[u8; 32],
        salt: &[u8; SALT_LEN],
        header: &Header<'_>,
        aad: &mut Aad,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let message = Message::<P>::new(Parent::Bytes(key), Label::ENVELOPE, salt);
        let (head, rest) = out.split_at_mut(header.len());
        header.write(salt, &message.commitment, head);
        let (ciphertext, tag) = rest.split_at_mut(plaintext.len());
        let sealed = aad.with(head, |aad| message.seal(aad, plaintext, ciphertext))?;
        tag.copy_from_slice(&sealed);
        Ok(())
    }

    /// Opens into new self-wiping memory: see [`Envelope::open`].
    ///
    /// # Errors
    /// As [`Envelope::open`].
    pub fn open(
        &self,
        envelope: &Envelope<'_>,
        data_key: &DataKey,
        context: &EncryptionContext,
    ) -> Result<SecretBytes, Error> {
        let mut out = SecretBytes::zeroed(envelope.plaintext_len());
        self.open_into(envelope, data_key, context, out.expose_mut())?;
        Ok(out)
    }

    /// Opens into `out`, which has exactly [`Envelope::plaintext_len`] bytes. On failure `out` is
    /// all zeros: nothing of the plaintext is ever in it before the tag was verified.
    ///
    /// # Errors
    /// As [`Envelope::open`]; [`ErrorKind::TooLarge`] when `out` has another length.
    pub fn open_into(
        &self,
        envelope: &Envelope<'_>,
        data_key: &DataKey,
        context: &EncryptionContext,
        out: &mut [u8],
    ) -> Result<(), Error> {
        Self::open_with(data_key.key().expose(), envelope, &mut Aad::new(context), out)
    }

    pub(crate) fn open_with(
        key: &[u8; 32],
        envelope: &Envelope<'_>,
        aad: &mut Aad,
        out: &mut [u8],
    ) -> Result<(), Error> {
        if out.len() != envelope.plaintext_len() {
            return Err(Error::new(ErrorKind::TooLarge, "the buffer has not the plaintext's length"));
        }
        let message = Message::<P>::new(Parent::Bytes(key), Label::ENVELOPE, envelope.salt);
        aad.with(envelope.header(), |aad| {
            message.open(envelope.commitment, aad, envelope.ciphertext, envelope.tag, out)
        })
    }

    /// Seals a bare box, appended to `out`: see [`crate::SealedBox`]. On failure `out` is
    /// unchanged.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] beyond 64 MiB, [`ErrorKind::Randomness`].
    pub fn seal_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(Error::new(ErrorKind::TooLarge, "the plaintext is longer than 64 MiB"));
        }
        let mut salt = [0; SALT_LEN];
        fill_random(&mut salt)?;
        Self::seal_box_salted(key, label, &salt, aad, plaintext, out)
    }

    /// Seals fresh random bytes in a bare box, appended to `out`, and returns them: a data key in
    /// plain and wrapped form. All random bytes come from one call to the operating system. On
    /// failure `out` is unchanged.
    ///
    /// # Errors
    /// As [`Sealer::seal_box`].
    pub fn seal_fresh_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<SecretBytes, Error> {
        if len > MAX_PLAINTEXT {
            return Err(Error::new(ErrorKind::TooLarge, "the plaintext is longer than 64 MiB"));
        }
        let mut fresh = SecretBytes::zeroed(len + SALT_LEN);
        fill_random(fresh.expose_mut())?;
        let (plaintext, salt) = fresh.expose().split_at(len);
        let salt = salt.try_into().map_err(|_| Error::decryption())?;
        Self::seal_box_salted(key, label, salt, aad, plaintext, out)?;
        fresh.truncate(len);
        Ok(fresh)
    }

    fn seal_box_salted(
        key: &SecretKey,
        label: Label,
        salt: &[u8; SALT_LEN],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let message = Message::<P>::new(key.parent(), label, salt);
        let start = out.len();
        out.extend_from_slice(salt);
        out.extend_from_slice(&message.commitment);
        let body = out.len();
        out.resize(body + plaintext.len(), 0);
        match message.seal(aad, plaintext, &mut out[body..]) {
            Ok(tag) => {
                out.extend_from_slice(&tag);
                Ok(())
            }
            Err(error) => {
                out.truncate(start);
                Err(error)
            }
        }
    }

    /// Opens a bare box: see [`crate::SealedBox`].
    ///
    /// # Errors
    /// [`ErrorKind::Decryption`] for every failure to open.
    pub fn open_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Error> {
        let (salt, rest) = sealed.split_first_chunk::<SALT_LEN>().ok_or_else(Error::decryption)?;
        let (commitment, rest) = rest.split_first_chunk::<COMMITMENT_LEN>().ok_or_else(Error::decryption)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or_else(Error::decryption)?;
        if ciphertext.len() > MAX_PLAINTEXT {
            return Err(Error::decryption());
        }
        let mut out = SecretBytes::zeroed(ciphertext.len());
        Message::<P>::new(key.parent(), label, salt).open(
            commitment,
            aad,
            ciphertext,
            tag,
            out.expose_mut(),
        )?;
        Ok(out)
    }
}

impl Envelope<'_> {
    /// Seals `plaintext` under `data_key` into a new buffer, with the default provider.
    ///
    /// `key_id` names the wrapping key (an ARN) and `wrapped_key` is `data_key` as that key wrapped
    /// it; both are stored in plain text and authenticated. `context` is authenticated and not
    /// stored.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] naming the part, [`ErrorKind::LimitReached`] when the data key has
    /// reached its limits, [`ErrorKind::Randomness`].
    pub fn seal(
        data_key: &DataKey,
        key_id: &str,
        wrapped_key: &[u8],
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        Sealer::new().seal(data_key, key_id, wrapped_key, context, plaintext)
    }

    /// Opens into self-wiping memory, with the default provider. `data_key` is
    /// [`Envelope::wrapped_key`] as decrypted by the key service.
    ///
    /// # Errors
    /// [`ErrorKind::Decryption`] for every failure to open.
    pub fn open(&self, data_key: &DataKey, context: &EncryptionContext) -> Result<SecretBytes, Error> {
        Sealer::new().open(self, data_key, context)
    }
}
