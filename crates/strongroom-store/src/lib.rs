//! The secret-store interface: [`SecretStore`] reads and writes secrets, their versions and stages,
//! and [`SecretAdmin`] does the rest. Names, behaviour and error texts are those of [AWS Secrets
//! Manager](https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html).
//!
//! Implement them for a remote secret manager and every program written against Strongroom runs on
//! it; a read-only store needs three methods ([`ReadSecrets`]). The rules of version stages are
//! pure functions ([`Labels`]), which any store with versions can use.
//!
//! ```
//! use strongroom_store::{GetSecretValue, PutSecretValue, SecretStore, SecretValue, Stage};
//! use strongroom_types::CallContext;
//!
//! /// Stores a new password and returns the old one.
//! async fn replace(
//!     store: &dyn SecretStore,
//!     cx: &CallContext,
//!     password: SecretValue,
//! ) -> Result<SecretValue, strongroom_store::Error> {
//!     store.put_secret_value(cx, PutSecretValue::new("prod/db", password)).await?;
//!     let before = GetSecretValue::new("prod/db").stage(Stage::PREVIOUS);
//!     Ok(store.get_secret_value(cx, before).await?.value)
//! }
//! ```

mod admin;
mod answer;
mod any_store;
mod call_error;
mod capabilities;
mod error;
mod filter;
mod forward;
mod id;
mod json;
mod json_type;
mod labels;
mod operation;
mod password;
mod read_only;
mod reads;
mod request;
mod serialize;
mod shape;
mod stage;
mod store;
mod tag;
mod value;

pub mod validate;

pub use admin::SecretAdmin;
pub use answer::{
    BatchFailure, BatchPage, PolicyFinding, PolicyValidation, ResourcePolicy, SecretCreated, SecretDeleted,
    SecretMetadata, SecretPage, SecretRef, SecretUpdated, SecretVersion, ValuePut, VersionMetadata,
    VersionPage,
};
pub use any_store::AnyStore;
pub use capabilities::Capabilities;
pub use error::{Error, ErrorKind};
pub use filter::{Filter, FilterKey};
pub use id::{SecretArn, SecretId, Target, VersionId};
pub use json::json_text;
pub use labels::{LabelError, Labels};
pub use operation::Operation;
pub use password::GetRandomPassword;
pub use read_only::{ReadOnly, ReadSecrets};
pub use reads::ServedReads;
pub use request::{
    BatchGetSecretValue, CreateSecret, DeleteSecret, GetSecretValue, ListSecretVersionIds, ListSecrets,
    PutResourcePolicy, PutSecretValue, SortBy, SortOrder, UpdateSecret, UpdateSecretVersionStage,
    ValidateResourcePolicy,
};
pub use stage::Stage;
pub use store::{SecretStore, batch_get};
pub use tag::Tag;
pub use value::SecretValue;
