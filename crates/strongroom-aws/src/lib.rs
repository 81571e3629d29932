//! Implements Strongroom's traits on AWS: [`AwsKms`] is a `Kms` backed by AWS KMS, for the embedded
//! engine and anything else that takes one; [`SecretsManagerStore`] is a `SecretStore` backed by
//! AWS Secrets Manager.
//!
//! ```no_run
//! # async fn example(config: aws_types::SdkConfig) -> Result<(), Box<dyn std::error::Error>> {
//! use strongroom_aws::AwsKms;
//! use strongroom_envelope::EncryptionContext;
//! use strongroom_kms::{GenerateDataKey, KeyRef, Kms};
//! use strongroom_types::{CallContext, Realm};
//!
//! // `config` is what `aws_config::load_from_env()` gives.
//! let kms = AwsKms::new(&config).only([KeyRef::parse("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")?]);
//! let cx = CallContext::owner(&Realm::default());
//! let context = EncryptionContext::from_pairs([("tenant", "42")])?;
//! let key = KeyRef::parse("alias/tenants")?;
//! let pair = kms.generate_data_key(&cx, GenerateDataKey::new(&key).context(&context)).await?;
//! println!("wrapped under {}", pair.key_arn);
//! # Ok(())
//! # }
//! ```
//!
//! Every call uses the credentials of the configuration. A
//! [`CallContext`](strongroom_types::CallContext) of any caller other than the owner is refused,
//! because AWS would authorize the credentials, not that caller. Encrypting under an AWS managed
//! key (`alias/aws/...`) is refused: AWS allows those keys only through the service that owns them.
//!
//! Retries, timeouts and endpoints come from the configuration. Decrypted bytes are wiped when they
//! are dropped; the SDK's own buffers, from which they are read, are not.

#[cfg(any(feature = "kms", feature = "secrets-manager", feature = "parameter-store"))]
mod caller;
#[cfg(feature = "connect")]
mod connect;
#[cfg(all(feature = "connect", feature = "kms", feature = "secrets-manager"))]
mod doctor;
mod error;
#[cfg(feature = "kms")]
mod kms;
#[cfg(feature = "parameter-store")]
mod parameters;
#[cfg(feature = "secrets-manager")]
mod secrets;
#[cfg(any(feature = "kms", feature = "secrets-manager", feature = "parameter-store"))]
mod time;
#[cfg_attr(
    not(any(feature = "secrets-manager", feature = "parameter-store")),
    allow(dead_code, reason = "only clients that write are watched")
)]
mod tries;

#[cfg(feature = "connect")]
pub use connect::{Connection, Identity, realm, who_am_i};
#[cfg(all(feature = "connect", feature = "kms", feature = "secrets-manager"))]
pub use doctor::{Check, Diagnosis, Doctor, Verdict};
#[cfg(feature = "kms")]
pub use kms::AwsKms;
#[cfg(feature = "parameter-store")]
pub use parameters::ParameterStore;
#[cfg(feature = "secrets-manager")]
pub use secrets::SecretsManagerStore;
