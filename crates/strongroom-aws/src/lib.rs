//! AWS itself behind Strongroom's traits: [`AwsKms`] is a `Kms` over AWS KMS, for the embedded engine and everything else that takes one;
//! [`SecretsManagerStore`] is a `SecretStore` over AWS Secrets Manager.
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
//! Calls are made with the credentials of the configuration and no others: a [`CallContext`](strongroom_types::CallContext) of somebody
//! else is refused, because AWS would decide about the credentials and not about them. AWS managed keys (`alias/aws/...`) are refused for
//! encryption: AWS lets them be used through their own service only.
//!
//! Retries, time limits and endpoints are those of the configuration. What is decrypted is wiped when it is dropped; the SDK's own
//! buffers, which it was read from, are not in our hands.

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
    allow(dead_code, reason = "only what changes something is watched")
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
