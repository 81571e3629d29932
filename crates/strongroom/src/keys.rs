//! The keys of a strongroom.

use std::sync::Arc;

use strongroom_envelope::{EncryptionContext, SecretBytes};
use strongroom_kms::{
    AliasName, CreateKey, Decrypt, Decrypted, DescribeKey, Encrypt, ImportKeyMaterial, KeyMetadata, KeyRef,
    Kms, KmsAdmin,
};
use strongroom_local_kms::LocalKms;
use strongroom_types::{CallContext, Timestamp};

use crate::Error;
use crate::room::elsewhere;

/// The strongroom's own key service, for the account's customer keys. Made by [`crate::Strongroom::keys`].
///
/// The everyday operations are here; all others are on the traits [`Kms`] and [`KmsAdmin`] through [`Keys::service`].
#[derive(Clone, Debug)]
pub struct Keys {
    kms: Option<LocalKms>,
    cx: CallContext,
}

impl Keys {
    pub(crate) fn new(kms: Option<LocalKms>, cx: CallContext) -> Self {
        Self { kms, cx }
    }

    fn kms(&self) -> Result<&LocalKms, Error> {
        self.kms.as_ref().ok_or_else(|| elsewhere("use its keys"))
    }

    /// The key service itself, for everything else.
    ///
    /// # Errors
    /// `Unsupported` over another store.
    pub fn service(&self) -> Result<Arc<dyn KmsAdmin>, Error> {
        Ok(Arc::new(self.kms()?.clone()))
    }

    /// The local key service itself, for what the traits do not have.
    ///
    /// # Errors
    /// `Unsupported` over another store.
    pub fn local(&self) -> Result<&LocalKms, Error> {
        self.kms()
    }

    /// Makes a key and names it, in one commit: `keys.create("alias/orders", "for the orders")`.
    ///
    /// # Errors
    /// As `LocalKms::create_named_key`.
    pub async fn create(&self, alias: &str, description: &str) -> Result<KeyMetadata, Error> {
        let request = CreateKey::new().description(description);
        Ok(self.kms()?.create_named_key(&self.cx, request, &AliasName::parse(alias)?).await?)
    }

    /// What there is to know of a key: id, ARN, alias name or alias ARN.
    ///
    /// # Errors
    /// As `Kms::describe_key`.
    pub async fn describe(&self, key: &str) -> Result<KeyMetadata, Error> {
        Ok(self.kms()?.describe_key(&self.cx, DescribeKey::new(&KeyRef::parse(key)?)).await?)
    }

    /// Encrypts 1 to 4,096 bytes.
    ///
    /// # Errors
    /// As `Kms::encrypt`.
    pub async fn encrypt(
        &self,
        key: &str,
        plaintext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, Error> {
        let key = KeyRef::parse(key)?;
        Ok(self.kms()?.encrypt(&self.cx, Encrypt::new(&key, plaintext).context(context)).await?.ciphertext)
    }

    /// Decrypts what [`Keys::encrypt`] made, with the same context.
    ///
    /// # Errors
    /// As `Kms::decrypt`.
    pub async fn decrypt(&self, ciphertext: &[u8], context: &EncryptionContext) -> Result<Decrypted, Error> {
        Ok(self.kms()?.decrypt(&self.cx, Decrypt::new(ciphertext).context(context)).await?)
    }

    /// Gives a key new material; everything encrypted before stays readable.
    ///
    /// # Errors
    /// As `KmsAdmin::rotate_key_on_demand`.
    pub async fn rotate(&self, key: &str) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        self.kms()?.rotate_key_on_demand(&self.cx, &id.into()).await?;
        Ok(())
    }

    /// Brings key material to a key that was made with [`CreateKey::external`], or brings again what it lost.
    ///
    /// # Errors
    /// As `LocalKms::import_plain_material`.
    pub async fn import(
        &self,
        key: &str,
        material: &SecretBytes,
        options: &ImportKeyMaterial,
    ) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        self.kms()?.import_plain_material(&self.cx, &id.into(), material, options).await?;
        Ok(())
    }

    /// Stops all use of a key until it is enabled again.
    ///
    /// # Errors
    /// As `KmsAdmin::disable_key`.
    pub async fn disable(&self, key: &str) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        Ok(self.kms()?.disable_key(&self.cx, &id.into()).await?)
    }

    /// Makes a disabled key usable again.
    ///
    /// # Errors
    /// As `KmsAdmin::enable_key`.
    pub async fn enable(&self, key: &str) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        Ok(self.kms()?.enable_key(&self.cx, &id.into()).await?)
    }

    /// Plans the deletion of a key in 7 to 30 days. What only it opens is lost then.
    ///
    /// # Errors
    /// As `KmsAdmin::schedule_key_deletion`.
    pub async fn schedule_deletion(&self, key: &str, days: u16) -> Result<Timestamp, Error> {
        let id = self.describe(key).await?.id;
        Ok(self.kms()?.schedule_key_deletion(&self.cx, &id.into(), Some(days)).await?.deletion_date)
    }

    /// Takes a planned deletion back; the key is disabled then.
    ///
    /// # Errors
    /// As `KmsAdmin::cancel_key_deletion`.
    pub async fn cancel_deletion(&self, key: &str) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        self.kms()?.cancel_key_deletion(&self.cx, &id.into()).await?;
        Ok(())
    }
}
