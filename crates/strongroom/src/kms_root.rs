//! A root that a key of another key service wraps.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_envelope::{EncryptionContext, SecretKey};
use strongroom_kms::{Decrypt, ErrorKind as KmsError, GenerateDataKey, KeyRef, Kms};
use strongroom_root::{Error, ErrorKind, RootKey, RootWrapper, WrappedKey};
use strongroom_types::CallContext;

/// A root that is wrapped by a key of another key service: AWS KMS, an HSM, another strongroom.
/// Only those who may use that key can open the strongroom, and nobody can once the key is
/// disabled.
///
/// ```
/// # pollster::block_on(async {
/// use strongroom::{KmsRoot, RootKey, Strongroom};
///
/// // The strongroom that holds the key, and the one that the key opens.
/// let keeper = Strongroom::builder().memory().root_key(RootKey::from_bytes([7; 32])).open().await?;
/// keeper.keys().create("alias/roots", "opens the others").await?;
///
/// let root = KmsRoot::new(keeper.keys().service()?, keeper.context().clone(), "alias/roots")?;
/// let room = Strongroom::builder().memory().root_key(root).open().await?;
/// room.create("prod/db").text("s3cret").send().await?;
/// # Ok::<(), strongroom::Error>(())
/// # }).unwrap();
/// ```
///
/// The service is called once, when the strongroom is opened. The encryption context names the
/// strongroom's id, so that a root wrapped for one does not open another.
#[derive(Clone, Debug)]
pub struct KmsRoot {
    kms: Arc<dyn Kms>,
    cx: CallContext,
    key: KeyRef,
}

impl KmsRoot {
    /// A key of a service, by id, ARN or alias, used on behalf of this caller.
    ///
    /// # Errors
    /// If the key's name is invalid.
    pub fn new(kms: Arc<dyn Kms>, cx: CallContext, key: &str) -> Result<Self, crate::Error> {
        Ok(Self { kms, cx, key: KeyRef::parse(key)? })
    }
}

fn context(store_id: &str) -> Result<EncryptionContext, Error> {
    Ok(EncryptionContext::from_pairs([("strongroom:purpose", "root"), ("strongroom:store", store_id)])?)
}

fn unavailable(error: strongroom_kms::Error) -> Error {
    Error::new(ErrorKind::RootUnavailable, "the key service that wraps the root cannot be asked, or refuses")
        .with("reason", &error)
        .because(error)
}

#[async_trait]
impl RootWrapper for KmsRoot {
    async fn generate(&self, store_id: &str) -> Result<WrappedKey, Error> {
        let pair = self
            .kms
            .generate_data_key(&self.cx, GenerateDataKey::new(&self.key).context(&context(store_id)?))
            .await;
        let pair = pair.map_err(unavailable)?;
        Ok(WrappedKey {
            key: SecretKey::from_bytes(pair.plaintext)?,
            wrapped: pair.ciphertext,
            by: pair.key_arn.into(),
        })
    }

    async fn unwrap(&self, store_id: &str, wrapped: &[u8]) -> Result<Option<SecretKey>, Error> {
        match self
            .kms
            .decrypt(&self.cx, Decrypt::new(wrapped).context(&context(store_id)?).key(&self.key))
            .await
        {
            Ok(opened) => Ok(Some(SecretKey::from_bytes(opened.plaintext)?)),
            // Wrapped by another key, or for another store.
            Err(error) if matches!(error.kind(), KmsError::IncorrectKey | KmsError::InvalidCiphertext) => {
                Ok(None)
            }
            Err(error) => Err(unavailable(error)),
        }
    }
}

impl From<KmsRoot> for RootKey {
    fn from(root: KmsRoot) -> Self {
        Self::wrapped_by(Arc::new(root))
    }
}
