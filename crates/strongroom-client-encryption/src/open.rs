//! Opens stored values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_envelope::{DataKey, EncryptionContext, Envelope, SecretBytes, SecretText};
use strongroom_kms::{Decrypt, Decrypted, ErrorKind as KmsError};
use strongroom_store::{Error, ErrorKind, SecretStore, SecretValue, SecretVersion};

use crate::client_encrypted::ClientEncrypted;
use crate::error::{decryption, not_opened, sealing};
use crate::form::{Form, Stored, context};
use crate::requested_secret::RequestedSecret;

/// The lengths of ciphertexts from `kms encrypt`, with a margin: 1 to 4,096 bytes of plaintext and
/// AWS's overhead.
const BY_HAND: std::ops::RangeInclusive<usize> = 64..=6144;

impl<S: SecretStore> ClientEncrypted<S> {
    /// Opens a version, if it is the requested one.
    pub(crate) async fn open_asked(
        &self,
        asked: &RequestedSecret,
        stored: SecretVersion,
    ) -> Result<SecretVersion, Error> {
        if asked.answered_by(&stored) { self.open(stored).await } else { Err(not_opened()) }
    }

    /// Opens a version.
    pub(crate) async fn open(&self, mut stored: SecretVersion) -> Result<SecretVersion, Error> {
        stored.value = match Form::read(&stored.value)? {
            Stored::Sealed(form) => self.open_form(&stored, form).await?,
            Stored::Plain => self.open_other(stored.value).await?,
        };
        Ok(stored)
    }

    async fn open_form(&self, stored: &SecretVersion, form: Form) -> Result<SecretValue, Error> {
        // A store that binds values to versions must not accept an unbound one.
        if form.bound != self.inner.capabilities().token_is_version_id {
            return Err(not_opened());
        }
        let envelope = Envelope::parse(&form.envelope).map_err(|_| not_opened())?;
        let version = form.bound.then_some(&stored.version_id);
        let context = context(&stored.name, version, form.text).map_err(sealing)?;
        let opened = self.decrypt(envelope.wrapped_key(), &context).await.map_err(decryption)?;
        if opened.key_arn.as_str() != envelope.key_id() {
            return Err(not_opened());
        }
        let data_key = DataKey::from_bytes(opened.plaintext).map_err(|_| not_opened())?;
        let plaintext = self.sealer.open(&envelope, &data_key, &context).map_err(|_| not_opened())?;
        if form.text { text(plaintext).ok_or_else(not_opened) } else { Ok(SecretValue::binary(plaintext)) }
    }

    /// Reads an unsealed value, encrypted with `kms encrypt` or plain, if this store accepts it.
    async fn open_other(&self, value: SecretValue) -> Result<SecretValue, Error> {
        if self.by_hand {
            let ciphertext = if value.is_text() {
                STANDARD.decode(value.expose_bytes().trim_ascii()).ok()
            } else {
                Some(value.expose_bytes().to_vec())
            };
            if let Some(ciphertext) = ciphertext.filter(|ciphertext| BY_HAND.contains(&ciphertext.len())) {
                match self.decrypt(&ciphertext, &EncryptionContext::new()).await {
                    Ok(opened) => return Ok(either(opened.plaintext)),
                    // Not a ciphertext of this key service.
                    Err(error) if self.plain && error.kind() == KmsError::InvalidCiphertext => (),
                    Err(error) => return Err(decryption(error)),
                }
            }
        }
        if self.plain {
            return Ok(value);
        }
        let text =
            "the stored value is not sealed; to migrate it, use accept_plain() or accept_kms_encrypted()";
        Err(Error::new(ErrorKind::DecryptionFailure, text))
    }

    /// Decrypts by one of our keys only: a ciphertext names its own key, and anyone may have stored
    /// it.
    async fn decrypt(
        &self,
        ciphertext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Decrypted, strongroom_kms::Error> {
        let first = match self.decrypt_by(&self.key, ciphertext, context).await {
            Err(error) if of_this_key(error.kind()) => error,
            answer => return answer,
        };
        let mut told = first;
        for key in &self.older {
            match self.decrypt_by(key, ciphertext, context).await {
                // IncorrectKey is the least informative error: prefer that of an unusable key.
                Err(error) if of_this_key(error.kind()) => {
                    if told.kind() == KmsError::IncorrectKey {
                        told = error;
                    }
                }
                answer => return answer,
            }
        }
        Err(told)
    }

    async fn decrypt_by(
        &self,
        key: &strongroom_kms::KeyRef,
        ciphertext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Decrypted, strongroom_kms::Error> {
        self.kms.decrypt(&self.kms_cx, Decrypt::new(ciphertext).context(context).key(key)).await
    }
}

/// Whether a failure concerns one key only, so that another key may open the value.
fn of_this_key(kind: KmsError) -> bool {
    matches!(
        kind,
        KmsError::IncorrectKey
            | KmsError::Disabled
            | KmsError::InvalidState
            | KmsError::NotFound
            | KmsError::AccessDenied
    )
}

fn text(plaintext: SecretBytes) -> Option<SecretValue> {
    SecretText::from_utf8(plaintext).ok().map(SecretValue::from_text)
}

/// Text if it is valid UTF-8, else bytes: `kms encrypt` does not record which it was.
fn either(plaintext: SecretBytes) -> SecretValue {
    if std::str::from_utf8(plaintext.expose()).is_err() {
        return SecretValue::binary(plaintext);
    }
    text(plaintext).unwrap_or_else(|| SecretValue::binary(Vec::new()))
}
