//! The key-service interface: [`Kms`] encrypts and decrypts with keys that the program never sees,
//! and [`KmsAdmin`] manages those keys. Both follow [AWS
//! KMS](https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html) in names, behaviour and
//! error texts.
//!
//! Implement [`Kms`] for an HSM or a cloud service to encrypt Strongroom's secrets under its keys;
//! [`KmsAdmin`] is not needed for that. `strongroom-testkit` has the conformance suite,
//! `strongroom-local-kms` a complete implementation.
//!
//! ```
//! use strongroom_envelope::EncryptionContext;
//! use strongroom_kms::{Error, GenerateDataKey, Kms, KeyRef};
//! use strongroom_types::CallContext;
//!
//! /// Wraps a fresh data key for one tenant.
//! async fn tenant_key(kms: &dyn Kms, cx: &CallContext, tenant: &str) -> Result<Vec<u8>, Error> {
//!     let key = KeyRef::parse("alias/tenants")?;
//!     let context = EncryptionContext::from_pairs([("tenant", tenant)])?;
//!     let request = GenerateDataKey::new(&key).context(&context);
//!     let pair = kms.generate_data_key(cx, request).await?;
//!     // ... use pair.plaintext; it wipes itself.
//!     Ok(pair.ciphertext)
//! }
//! ```
//!
//! # Implementing a key service
//!
//! Read the fields of the request, reject what cannot be honoured, and name the operation in
//! errors:
//!
//! ```
//! use async_trait::async_trait;
//! use strongroom_kms::{
//!     Ciphertext, DataKeyPair, Decrypt, Decrypted, DescribeKey, Encrypt, Error, ErrorKind,
//!     GenerateDataKey, KeyMetadata, Kms, Operation, ReEncrypt, ReEncrypted, random_bytes,
//! };
//! use strongroom_types::CallContext;
//!
//! #[derive(Debug)]
//! struct Hsm;
//!
//! impl Hsm {
//!     # fn wrap(&self, _: &Encrypt<'_>) -> Result<Ciphertext, Error> { Err(Error::new(ErrorKind::Unsupported, "")) }
//!     # fn unwrap(&self, _: &Decrypt<'_>) -> Result<Decrypted, Error> { Err(Error::new(ErrorKind::Unsupported, "")) }
//!     // ... wrap(&Encrypt) and unwrap(&Decrypt) talk to the device ...
//! }
//!
//! #[async_trait]
//! impl Kms for Hsm {
//!     async fn encrypt(&self, _cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, Error> {
//!         if request.dry_run {
//!             let refused = Error::new(ErrorKind::Unsupported, "this HSM has no dry runs");
//!             return Err(refused.during(Operation::Encrypt.name()));
//!         }
//!         self.wrap(&request).map_err(|error| error.during(Operation::Encrypt.name()))
//!     }
//!
//!     async fn decrypt(&self, _cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, Error> {
//!         self.unwrap(&request).map_err(|error| error.during(Operation::Decrypt.name()))
//!     }
//!
//!     async fn generate_data_key(
//!         &self,
//!         cx: &CallContext,
//!         request: GenerateDataKey<'_>,
//!     ) -> Result<DataKeyPair, Error> {
//!         let plaintext = random_bytes(request.spec.len())?;
//!         let wrap = Encrypt::new(request.key, plaintext.expose())
//!             .context(request.context)
//!             .with_dry_run(request.dry_run);
//!         let Ciphertext { ciphertext, key_arn, key_material_id } = self.encrypt(cx, wrap).await?;
//!         Ok(DataKeyPair { plaintext, ciphertext, key_arn, key_material_id })
//!     }
//!
//!     async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, Error> {
//!         let mut open = Decrypt::new(request.ciphertext).context(request.source_context);
//!         open.key = request.source_key;
//!         let opened = self.decrypt(cx, open).await?;
//!         let seal = Encrypt::new(request.key, opened.plaintext.expose())
//!             .context(request.context)
//!             .with_dry_run(request.dry_run);
//!         let sealed = self.encrypt(cx, seal).await?;
//!         Ok(ReEncrypted {
//!             ciphertext: sealed.ciphertext,
//!             source_key_arn: opened.key_arn,
//!             key_arn: sealed.key_arn,
//!             source_key_material_id: opened.key_material_id,
//!             key_material_id: sealed.key_material_id,
//!         })
//!     }
//!
//!     async fn describe_key(
//!         &self,
//!         _cx: &CallContext,
//!         _request: DescribeKey<'_>,
//!     ) -> Result<KeyMetadata, Error> {
//!         // ... ask the device ...
//!         # Err(Error::new(ErrorKind::Unsupported, ""))
//!     }
//! }
//! ```

mod admin;
mod answer;
mod error;
mod ext;
mod grant;
mod import;
mod key;
mod key_ref;
mod operation;
mod policy;
mod random;
mod request;
mod rotation;
mod serialize;
mod service;
mod tags;

pub use admin::{AliasEntry, AliasPage, CreateKey, KeyEntry, KeyPage, KmsAdmin, ListPage, ScheduledDeletion};
pub use answer::{Ciphertext, DataKeyPair, Decrypted, Mac, ReEncrypted, WrappedDataKey};
pub use error::{Error, ErrorKind};
pub use ext::{KmsAdminExt, KmsExt};
pub use grant::{
    CreateGrant, CreatedGrant, Grant, GrantConstraint, GrantFilter, GrantOperation, GrantPage, GrantRef,
    check_principal,
};
pub use import::{
    ExpirationModel, ImportKeyMaterial, ImportParameters, ImportType, ImportedMaterial, WrappingAlgorithm,
    WrappingKeySpec,
};
pub use key::{
    KeyManager, KeyMetadata, KeyOrigin, KeySpec, KeyState, KeyUsage, MacAlgorithm, MultiRegionConfiguration,
    MultiRegionKeyType,
};
pub use key_ref::{AliasName, KeyId, KeyRef};
pub use operation::Operation;
pub use policy::{PolicyNamePage, PutKeyPolicy};
pub use random::random_bytes;
pub use request::{
    DataKeySpec, Decrypt, DescribeKey, Encrypt, GenerateDataKey, GenerateMac, GenerateRandom, ReEncrypt,
    VerifyMac,
};
pub use rotation::{ImportedState, Rotation, RotationPage, RotationPeriod, RotationStatus, RotationType};
pub use service::{Capabilities, Kms};
pub use tags::{KeyTag, TagPage};
