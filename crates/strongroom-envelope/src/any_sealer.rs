//! Sealing with a provider that is chosen when the program starts.

use std::fmt;

use crate::provider::{Provider, RustCrypto};
use crate::{DataKey, EncryptionContext, Envelope, Error, Label, Sealer, SecretBytes, SecretKey};

/// A [`Sealer`] of any provider, for code that must not be generic over it: the provider is chosen
/// once, when the program is assembled. The output is the same with every provider.
///
/// ```
/// use strongroom_envelope::{AnySealer, Label, RustCrypto, SecretKey};
///
/// const LABEL: Label = Label::new("my-app-tokens");
/// let sealer = AnySealer::of::<RustCrypto>();
/// let (key, mut sealed) = (SecretKey::generate()?, Vec::new());
/// sealer.seal_box(&key, LABEL, b"user 42", b"token", &mut sealed)?;
/// assert_eq!(sealer.open_box(&key, LABEL, b"user 42", &sealed)?.expose(), b"token");
/// # Ok::<(), strongroom_envelope::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct AnySealer(&'static dyn Seals);

/// The object-safe interface of a sealer.
trait Seals: fmt::Debug + Send + Sync {
    fn seal(
        &self,
        data_key: &DataKey,
        key_id: &str,
        wrapped_key: &[u8],
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error>;
    fn open(
        &self,
        envelope: &Envelope<'_>,
        data_key: &DataKey,
        context: &EncryptionContext,
    ) -> Result<SecretBytes, Error>;
    fn seal_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error>;
    fn seal_fresh_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<SecretBytes, Error>;
    fn open_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Error>;
}

impl<P: Provider> Seals for Sealer<P> {
    fn seal(
        &self,
        data_key: &DataKey,
        key_id: &str,
        wrapped_key: &[u8],
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        Self::seal(self, data_key, key_id, wrapped_key, context, plaintext)
    }

    fn open(
        &self,
        envelope: &Envelope<'_>,
        data_key: &DataKey,
        context: &EncryptionContext,
    ) -> Result<SecretBytes, Error> {
        Self::open(self, envelope, data_key, context)
    }

    fn seal_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        Self::seal_box(self, key, label, aad, plaintext, out)
    }

    fn seal_fresh_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<SecretBytes, Error> {
        Self::seal_fresh_box(self, key, label, aad, len, out)
    }

    fn open_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Error> {
        Self::open_box(self, key, label, aad, sealed)
    }
}

impl AnySealer {
    /// With the provider named by the type.
    #[must_use]
    pub const fn of<P: Provider>() -> Self {
        Self(const { &Sealer::<P>::with_provider() })
    }

    /// As [`Sealer::seal`].
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
        self.0.seal(data_key, key_id, wrapped_key, context, plaintext)
    }

    /// As [`Sealer::open`].
    ///
    /// # Errors
    /// As [`Envelope::open`].
    pub fn open(
        &self,
        envelope: &Envelope<'_>,
        data_key: &DataKey,
        context: &EncryptionContext,
    ) -> Result<SecretBytes, Error> {
        self.0.open(envelope, data_key, context)
    }

    /// As [`Sealer::seal_box`].
    ///
    /// # Errors
    /// As [`Sealer::seal_box`].
    pub fn seal_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.0.seal_box(key, label, aad, plaintext, out)
    }

    /// As [`Sealer::seal_fresh_box`].
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
        self.0.seal_fresh_box(key, label, aad, len, out)
    }

    /// As [`Sealer::open_box`].
    ///
    /// # Errors
    /// As [`Sealer::open_box`].
    pub fn open_box(
        &self,
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Error> {
        self.0.open_box(key, label, aad, sealed)
    }
}

impl Default for AnySealer {
    fn default() -> Self {
        Self::of::<RustCrypto>()
    }
}

impl fmt::Debug for AnySealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Any{:?}", self.0)
    }
}
