//! The store.

use std::sync::Arc;

use strongroom_envelope::{AnySealer, DataKey, Provider};
use strongroom_kms::{GenerateDataKey, KeyRef, Kms};
use strongroom_store::validate::Violations;
use strongroom_store::{
    Error, ErrorKind, GetSecretValue, Operation, PutSecretValue, SecretAdmin, SecretId, SecretStore,
    SecretValue, SecretVersion, Stage, UpdateSecretVersionStage, VersionId,
};
use strongroom_types::CallContext;

use crate::error::{encryption, sealing};
use crate::form::{Form, Stored, context, fits, key_fits};
use crate::requested_secret::RequestedSecret;

/// A secret store around another that seals every value under a key of its own choice.
#[derive(Clone, Debug)]
pub struct ClientEncrypted<S> {
    pub(crate) inner: S,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) kms_cx: CallContext,
    pub(crate) key: KeyRef,
    pub(crate) older: Vec<KeyRef>,
    pub(crate) plain: bool,
    pub(crate) by_hand: bool,
    pub(crate) sealer: AnySealer,
}

impl<S: SecretStore> ClientEncrypted<S> {
    /// Around `inner`, under the key of this name, which `kms` keeps and is asked for by the caller of `kms_cx`. Whoever may call this store
    /// has what that caller may do with the key: give parts of a program that must not, a store of their own.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for what is no key's name.
    pub fn new(inner: S, kms: Arc<dyn Kms>, kms_cx: CallContext, key: &str) -> Result<Self, Error> {
        let key = parse(key)?;
        let sealer = AnySealer::default();
        Ok(Self { inner, kms, kms_cx, key, older: Vec::new(), plain: false, by_hand: false, sealer })
    }

    /// Opens what was sealed under this key too: the one before, while its values are still about. No other key opens anything here,
    /// whatever a stored value says of itself.
    ///
    /// # Errors
    /// As [`ClientEncrypted::new`].
    pub fn also_opens(mut self, key: &str) -> Result<Self, Error> {
        self.older.push(parse(key)?);
        Ok(self)
    }

    /// Reads values that are not sealed too, to move in. Whoever can write to the other store can then put values of theirs in place of
    /// sealed ones: take it back as soon as everything is sealed.
    #[must_use]
    pub fn accept_plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Reads values too that were encrypted by hand under one of the keys, without a context, as with `kms encrypt`: the ciphertext, as
    /// bytes or in base64. Nothing binds them to a secret or version.
    #[must_use]
    pub fn accept_kms_encrypted(mut self) -> Self {
        self.by_hand = true;
        self
    }

    /// Seals and opens with the primitives of this provider; the bytes are the same.
    #[must_use]
    pub fn provider<P: Provider>(mut self) -> Self {
        self.sealer = AnySealer::of::<P>();
        self
    }

    /// The store inside.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The most bytes of a value.
    pub(crate) fn room(&self) -> usize {
        let inner = self.inner.capabilities();
        fits(inner.max_value_len, inner.binary_values)
    }

    /// That a value has a length for which there is room once it is sealed.
    pub(crate) fn check(&self, value: &SecretValue) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.value_within(value, self.room());
        violations.finish()
    }

    /// The version's id before there is the version, where the store takes it from the token.
    pub(crate) fn token(&self, given: Option<VersionId>) -> Result<Option<VersionId>, Error> {
        match given {
            None if self.inner.capabilities().token_is_version_id => VersionId::random().map(Some),
            given => Ok(given),
        }
    }

    /// Seals a value for a version of a secret.
    pub(crate) async fn seal(
        &self,
        name: &str,
        version: Option<&VersionId>,
        value: &SecretValue,
    ) -> Result<SecretValue, Error> {
        let inner = self.inner.capabilities();
        let bound = version.filter(|_| inner.token_is_version_id);
        let text = value.is_text();
        let context = context(name, bound, text).map_err(sealing)?;
        let made =
            self.kms.generate_data_key(&self.kms_cx, GenerateDataKey::new(&self.key).context(&context)).await;
        let pair = made.map_err(encryption)?;
        let arn = pair.key_arn.as_str();
        let data_key = DataKey::from_bytes(pair.plaintext).map_err(sealing)?;
        if !key_fits(arn.len(), pair.ciphertext.len()) {
            let text = "the key's name and its wrapping of a data key are longer than sealing has room for";
            return Err(Error::new(ErrorKind::EncryptionFailure, text).with("key", arn));
        }
        let sealed = self.sealer.seal(&data_key, arn, &pair.ciphertext, &context, value.expose_bytes());
        let form = Form { text, bound: bound.is_some(), envelope: sealed.map_err(sealing)? };
        Ok(form.write(inner.binary_values))
    }
}

impl<S: SecretAdmin> ClientEncrypted<S> {
    /// Seals the current value of a secret, if it is not sealed yet, as a new version; the one before keeps the plain value until it is
    /// deprecated and the other store forgets it, which may be never: then give the secret another value. Whether there was anything to do.
    /// Needs [`ClientEncrypted::accept_plain`] or [`ClientEncrypted::accept_kms_encrypted`]. A value that somebody else puts meanwhile stays current.
    ///
    /// # Errors
    /// As reading and putting; [`ErrorKind::InvalidParameter`] when somebody else was faster; [`ErrorKind::Unsupported`] where versions
    /// cannot be staged: put the value again yourself there.
    pub async fn seal_in_place(&self, cx: &CallContext, id: &SecretId) -> Result<bool, Error> {
        let stored = self.inner.get_secret_value(cx, GetSecretValue::new(id.clone())).await?;
        let form = Form::read(&stored.value).map_err(|error| unopened(error, id))?;
        if matches!(form, Stored::Sealed(_)) {
            return Ok(false);
        }
        self.put_again(cx, id, stored).await.map(|()| true)
    }

    /// Seals the current value of a secret again, as a new version under the key of this store: after the key has changed, so that the one
    /// before ([`ClientEncrypted::also_opens`]) is needed no more.
    ///
    /// # Errors
    /// As [`ClientEncrypted::seal_in_place`].
    pub async fn seal_again(&self, cx: &CallContext, id: &SecretId) -> Result<(), Error> {
        let stored = self.inner.get_secret_value(cx, GetSecretValue::new(id.clone())).await?;
        self.put_again(cx, id, stored).await
    }

    async fn put_again(&self, cx: &CallContext, id: &SecretId, stored: SecretVersion) -> Result<(), Error> {
        const STAGE: &str = "strongroom-sealing";
        if !self.inner.capabilities().free_stages {
            let text = "this store makes every new version the current one, whatever was put meanwhile: put the value again yourself";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let before = stored.version_id.clone();
        let opened = self.open_asked(&RequestedSecret::new(id, None), stored).await;
        let opened = opened.map_err(|error| unopened(error, id))?;
        // By ARN: a secret deleted and made again in between is another one.
        let id = SecretId::new(String::from(opened.arn));
        let put = PutSecretValue::new(id.clone(), opened.value).stage(STAGE);
        let made = self.put_secret_value(cx, put).await?.version_id;
        // Refused if another version has become the current one.
        let current =
            UpdateSecretVersionStage::new(id.clone(), Stage::CURRENT).remove_from(before).move_to(&made);
        let moved = self.inner.update_secret_version_stage(cx, current).await;
        let done = UpdateSecretVersionStage::new(id, STAGE).remove_from(made);
        let cleared = self.inner.update_secret_version_stage(cx, done).await;
        moved.and(cleared).map(drop)
    }
}

/// The error of a value that was read and could not be opened.
fn unopened(error: Error, id: &SecretId) -> Error {
    error.of_call(Operation::GetSecretValue, Some(id.as_str()))
}

fn parse(key: &str) -> Result<KeyRef, Error> {
    let refused = |error: strongroom_kms::Error| {
        Error::new(ErrorKind::InvalidParameter, error.message().to_owned()).because(error)
    };
    KeyRef::parse(key).map_err(refused)
}
