//! The keys of a strongroom.

use std::sync::Arc;

use strongroom_engine::{KeyUse, RewrapProgress};
use strongroom_envelope::{EncryptionContext, SecretBytes};
use strongroom_kms::{
    AliasName, CreateKey, Decrypt, Decrypted, DescribeKey, Encrypt, ImportKeyMaterial, KeyMetadata, KeyRef,
    Kms, KmsAdmin,
};
use strongroom_local_kms::{LocalKms, Retirement};
use strongroom_types::Timestamp;

use crate::room::Own;
use crate::{Error, Strongroom};

/// The strongroom's own key service, for the account's customer keys. Made by
/// [`Strongroom::keys`].
///
/// ```
/// # use strongroom::{EncryptionContext, RootKey, Strongroom};
/// # pollster::block_on(async {
/// # let root = RootKey::from_bytes([1; 32]);
/// # let room = Strongroom::builder().memory().root_key(root).open().await?;
/// room.keys().create("alias/orders", "for the orders").await?;
/// room.create("prod/db").key("alias/orders").text("s3cret").send().await?;
///
/// let context = EncryptionContext::new();
/// let ciphertext = room.keys().encrypt("alias/orders", b"a file's key", &context).await?;
/// let opened = room.keys().decrypt(&ciphertext, &context).await?;
/// assert_eq!(opened.plaintext.expose(), b"a file's key");
/// # Ok::<_, strongroom::Error>(())
/// # }).unwrap();
/// ```
///
/// The everyday operations are here; all others are on the traits [`Kms`] and [`KmsAdmin`] through
/// [`Keys::service`].
#[derive(Clone, Debug)]
pub struct Keys {
    room: Strongroom,
}

impl Strongroom {
    /// The keys of this strongroom.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys { room: self.clone() }
    }
}

impl Keys {
    /// The key service itself, for everything else.
    ///
    /// # Errors
    /// `Unsupported` over another store.
    pub fn service(&self) -> Result<Arc<dyn KmsAdmin>, Error> {
        Ok(Arc::new(self.local()?.clone()))
    }

    /// The local key service itself, for what the traits lack.
    ///
    /// # Errors
    /// `Unsupported` over another store.
    pub fn local(&self) -> Result<&LocalKms, Error> {
        Ok(&self.room.own("use its keys")?.0.kms)
    }

    /// Creates a key and its alias in one commit: `keys.create("alias/orders", "for the orders")`.
    ///
    /// # Errors
    /// As `LocalKms::create_named_key`.
    pub async fn create(&self, alias: &str, description: &str) -> Result<KeyMetadata, Error> {
        let request = CreateKey::new().description(description);
        Ok(self.local()?.create_named_key(self.room.context(), request, &AliasName::parse(alias)?).await?)
    }

    /// Describes a key, named by id, ARN, alias or alias ARN.
    ///
    /// # Errors
    /// As `Kms::describe_key`.
    pub async fn describe(&self, key: &str) -> Result<KeyMetadata, Error> {
        let key = KeyRef::parse(key)?;
        Ok(self.local()?.describe_key(self.room.context(), DescribeKey::new(&key)).await?)
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
        let request = Encrypt::new(&key, plaintext).context(context);
        Ok(self.local()?.encrypt(self.room.context(), request).await?.ciphertext)
    }

    /// Decrypts what [`Keys::encrypt`] returned, with the same context.
    ///
    /// # Errors
    /// As `Kms::decrypt`.
    pub async fn decrypt(&self, ciphertext: &[u8], context: &EncryptionContext) -> Result<Decrypted, Error> {
        let request = Decrypt::new(ciphertext).context(context);
        Ok(self.local()?.decrypt(self.room.context(), request).await?)
    }

    /// Gives a key new material; everything encrypted before stays readable.
    ///
    /// # Errors
    /// As `KmsAdmin::rotate_key_on_demand`.
    pub async fn rotate(&self, key: &str) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        self.local()?.rotate_key_on_demand(self.room.context(), &id.into()).await?;
        Ok(())
    }

    /// Imports key material into a key that was created with [`CreateKey::external`], or imports it
    /// again after it was deleted.
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
        self.local()?.import_plain_material(self.room.context(), &id.into(), material, options).await?;
        Ok(())
    }

    /// Stops all use of a key until it is enabled again.
    ///
    /// # Errors
    /// As `KmsAdmin::disable_key`.
    pub async fn disable(&self, key: &str) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        Ok(self.local()?.disable_key(self.room.context(), &id.into()).await?)
    }

    /// Makes a disabled key usable again.
    ///
    /// # Errors
    /// As `KmsAdmin::enable_key`.
    pub async fn enable(&self, key: &str) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        Ok(self.local()?.enable_key(self.room.context(), &id.into()).await?)
    }

    /// Schedules the deletion of a key in 7 to 30 days. Ciphertexts under it are lost then.
    ///
    /// # Errors
    /// As `KmsAdmin::schedule_key_deletion`.
    pub async fn schedule_deletion(&self, key: &str, days: u16) -> Result<Timestamp, Error> {
        let id = self.describe(key).await?.id;
        Ok(self
            .local()?
            .schedule_key_deletion(self.room.context(), &id.into(), Some(days))
            .await?
            .deletion_date)
    }

    /// Cancels a scheduled deletion; the key is disabled afterwards.
    ///
    /// # Errors
    /// As `KmsAdmin::cancel_key_deletion`.
    pub async fn cancel_deletion(&self, key: &str) -> Result<(), Error> {
        let id = self.describe(key).await?.id;
        self.local()?.cancel_key_deletion(self.room.context(), &id.into()).await?;
        Ok(())
    }

    /// What is encrypted under a key, named by id, ARN or alias: every version of every secret,
    /// those without labels included. That would be lost with the key; ciphertexts that are kept
    /// elsewhere cannot be counted.
    ///
    /// # Errors
    /// As [`Engine::key_uses`](crate::store::Engine::key_uses).
    pub async fn uses(&self, key: &str) -> Result<Vec<KeyUse>, Error> {
        let (key, (_, engine)) = (KeyRef::parse(key)?, self.room.own("tell the uses of a key")?);
        let (mut uses, mut token) = (Vec::new(), None);
        loop {
            let page = engine.key_uses(self.room.context(), &key, None, token.as_deref()).await?;
            uses.extend(page.uses);
            match page.next_token {
                Some(next) => token = Some(next),
                None => return Ok(uses),
            }
        }
    }

    /// After a rotation: re-encrypts under the newest generation of a key what is under an older
    /// one. Values, labels and dates stay. It may be stopped and called again. `progress` is called
    /// after each version.
    ///
    /// # Errors
    /// As [`Engine::rewrap`](crate::store::Engine::rewrap).
    pub async fn rewrap(
        &self,
        key: &str,
        progress: impl FnMut(RewrapProgress) + Send,
    ) -> Result<RewrapProgress, Error> {
        let (_, engine) = self.room.own("encrypt again")?;
        Ok(engine.rewrap(self.room.context(), &KeyRef::parse(key)?, progress).await?)
    }

    /// Destroys the material of an older generation of a key once nothing here is encrypted under
    /// it: [`Keys::rotate`], [`Keys::rewrap`], then this. From the start of the call nothing new is
    /// encrypted under it either. Ciphertexts kept elsewhere, copies of the storage included,
    /// cannot be counted and are lost, which the caller has to confirm.
    ///
    /// ```
    /// # use strongroom::Retirement;
    /// # use strongroom::{RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// let keys = room.keys();
    /// let old = keys.create("alias/orders", "for the orders").await?.current_key_material_id;
    /// keys.rotate("alias/orders").await?;
    /// keys.rewrap("alias/orders", |_| ()).await?;
    /// let confirmed = Retirement::LosesCiphertextsElsewhere;
    /// keys.retire_material("alias/orders", &old.unwrap_or_default(), confirmed).await?;
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidRequest` while versions of secrets are under it, naming the first; as
    /// [`LocalKms::retire_material`].
    pub async fn retire_material(
        &self,
        key: &str,
        key_material_id: &str,
        confirmed: Retirement,
    ) -> Result<(), Error> {
        let (parts, engine) = self.room.owner_only("retire key material")?;
        let id = self.describe(key).await?.id;
        let cx = self.room.context();
        let uses = engine.close_material(cx, &id.clone().into(), key_material_id).await?;
        if let Some(first) = uses.first() {
            let text = format!(
                "{} of {} and maybe others are encrypted under this key material; rewrap them first",
                first.version_id, first.name
            );
            let refused = strongroom_store::Error::new(strongroom_store::ErrorKind::InvalidRequest, text);
            return Err(refused.during("RetireKeyMaterial").into());
        }
        Ok(parts.kms.retire_material(cx, &id.into(), key_material_id, confirmed).await?)
    }
}
