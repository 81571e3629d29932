//! The key-service joint: [`Kms`], what a program needs to encrypt and decrypt with keys it never sees, and
//! [`KmsAdmin`], the management of those keys. Both follow AWS KMS in names, behaviour and error texts.
//!
//! Implement [`Kms`] for an HSM or a cloud and Strongroom keeps its secrets under it; [`KmsAdmin`] is not needed for
//! that. `strongroom-testkit` has the conformance suite, `strongroom-local-kms` a complete implementation.
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

mod admin;
mod answer;
mod error;
mod grant;
mod import;
mod key;
mod key_ref;
mod policy;
mod random;
mod request;
mod rotation;
mod service;
mod tags;

pub use admin::{AliasEntry, AliasPage, CreateKey, KeyEntry, KeyPage, KmsAdmin, ListPage, ScheduledDeletion};
pub use answer::{Ciphertext, DataKeyPair, Decrypted, Mac, ReEncrypted, WrappedDataKey};
pub use error::{Error, ErrorKind};
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
pub use policy::{PolicyNamePage, PutKeyPolicy};
pub use random::random_bytes;
pub use request::{
    DataKeySpec, Decrypt, DescribeKey, Encrypt, GenerateDataKey, GenerateMac, GenerateRandom, ReEncrypt,
    VerifyMac,
};
pub use rotation::{ImportedState, Rotation, RotationPage, RotationPeriod, RotationStatus, RotationType};
pub use service::{Capabilities, Kms};
pub use tags::{KeyTag, TagPage};
