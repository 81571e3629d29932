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

/// Wraps a secret store and seals every value under a separate key. See the [crate page](crate).
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
    /// Wraps `inner`. Values are sealed under `key` of `kms`, which is called as the caller of
    /// `kms_cx`. Anyone who can call this store uses the key with that caller's permissions: give
    /// parts of a program with fewer permissions their own store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if `key` does not name a key.
    pub fn new(inner: S, kms: Arc<dyn Kms>, kms_cx: CallContext, key: &str) -> Result<Self, Error> {
        let key = parse(key)?;
        let sealer = AnySealer::default();
        Ok(Self { inner, kms, kms_cx, key, older: Vec::new(), plain: false, by_hand: false, sealer })
    }

    /// Also opens values sealed under this key, such as the previous one while values under it
    /// remain. No other key opens anything here, whichever key a stored value names.
    ///
    /// # Errors
    /// As [`ClientEncrypted::new`].
    pub fn also_opens(mut self, key: &str) -> Result<Self, Error> {
        self.older.push(parse(key)?);
        Ok(self)
    }

    /// Also reads unsealed values, for migration. Anyone who can write to the inner store can then
    /// replace sealed values with their own: remove this as soon as everything is sealed.
    #[must_use]
    pub fn accept_plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Also reads values encrypted under one of the keys without an encryption context, as by `kms
    /// encrypt`: the ciphertext as bytes or in base64. Nothing binds them to a secret or version.
    #[must_use]
    pub fn accept_kms_encrypted(mut self) -> Self {
        self.by_hand = true;
        self
    }

    /// Seals and opens with this provider's primitives. The stored format is the same.
    #[must_use]
    pub fn provider<P: Provider>(mut self) -> Self {
        self.sealer = AnySealer::of::<P>();
        self
    }

    /// The inner store.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The maximum size of a value in bytes.
    pub(crate) fn room(&self) -> usize {
        let inner = self.inner.capabilities();
        fits(inner.max_value_len, inner.binary_values)
    }

    /// Checks that a value fits into the inner store once it is sealed.
    pub(crate) fn check(&self, value: &SecretValue) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.value_within(value, self.room());
        violations.finish()
    }

    /// The id of the version to be created, if the inner store takes it from the token.
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
            let text = "the key's ARN and the wrapped data key are too long to store with a value";
            return Err(Error::new(ErrorKind::EncryptionFailure, text).with("key", arn));
        }
        let sealed = self.sealer.seal(&data_key, arn, &pair.ciphertext, &context, value.expose_bytes());
        let form = Form { text, bound: bound.is_some(), envelope: sealed.map_err(sealing)? };
        Ok(form.write(inner.binary_values))
    }
}

impl<S: SecretAdmin> ClientEncrypted<S> {
    /// Seals the current value of a secret as a new version, unless it is sealed already. Returns
    /// whether it sealed anything. Requires [`ClientEncrypted::accept_plain`] or
    /// [`ClientEncrypted::accept_kms_encrypted`].
    ///
    /// The previous version holds the plaintext until the inner store removes it, which may be
    /// never: then give the secret a new value. A value put concurrently stays current.
    ///
    /// # Errors
    /// Those of reading and putting; [`ErrorKind::InvalidParameter`] after a concurrent put;
    /// [`ErrorKind::Unsupported`] if the inner store cannot stage versions: put the value again
    /// yourself.
    pub async fn seal_in_place(&self, cx: &CallContext, id: &SecretId) -> Result<bool, Error> {
        let stored = self.inner.get_secret_value(cx, GetSecretValue::new(id.clone())).await?;
        let form = Form::read(&stored.value).map_err(|error| unopened(error, id))?;
        if matches!(form, Stored::Sealed(_)) {
            return Ok(false);
        }
        self.put_again(cx, id, stored).await.map(|()| true)
    }

    /// Seals the current value of a secret again, as a new version under this store's key. Use it
    /// after changing the key, so that the previous one ([`ClientEncrypted::also_opens`]) is no
    /// longer needed.
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
            let text = "this store makes every new version current, so a concurrent put could be lost: put the value again yourself";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let before = stored.version_id.clone();
        let opened = self.open_asked(&RequestedSecret::new(id, None), stored).await;
        let opened = opened.map_err(|error| unopened(error, id))?;
        // By ARN: a secret deleted and recreated in between is a different one.
        let id = SecretId::new(String::from(opened.arn));
        let put = PutSecretValue::new(id.clone(), opened.value).stage(STAGE);
        let made = self.put_secret_value(cx, put).await?.version_id;
        // Refused if another version has become current.
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
