//! Users, roles and their policies, so that parts of one program can have different permissions.
//!
//! ```
//! use std::sync::Arc;
//! use strongroom_iam::{CreateUser, Iam, IdentityRef};
//! use strongroom_policy::Authorizer;
//! # use strongroom_records::MemoryRecords;
//! # use strongroom_root::{RootKey, TrustedRecords};
//! use strongroom_types::{CallContext, Clock, SystemClock};
//!
//! # pollster::block_on(async {
//! # let root = RootKey::from_bytes([7; 32]);
//! # let records = TrustedRecords::open(Arc::new(MemoryRecords::new()), root, None, &SystemClock).await?;
//! let iam = Iam::new(records.clone(), Arc::new(SystemClock));
//! let owner = CallContext::owner(records.realm());
//! let alice = iam.create_user(&owner, CreateUser::new("alice").tag("team", "orders")).await?;
//! let read = r#"{"Version": "2012-10-17", "Statement": {
//!     "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}}"#;
//! iam.put_policy(&owner, &IdentityRef::user("alice"), "read", read).await?;
//!
//! // The engine and the key service look up callers here, and decide by what they find.
//! let cx = CallContext::new(alice.caller()?);
//! let now = SystemClock.now();
//! let subject = iam.subject(&cx, records.realm(), now).await?;
//! let request = subject.request("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:::secret:db", records.realm(), now);
//! assert!(subject.policies().decide(&request).is_allowed());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! Names, limits and errors are those of AWS IAM. [`Iam::of_account`] stores the users and roles of
//! another account; if each account has its own directory, [`Iam::among`] finds them.

mod access_keys;
mod account;
mod at_hand;
mod authorizer;
mod cache;
mod credentials;
mod directory;
mod error;
mod guardrails;
mod iam;
mod identities;
mod identity;
mod managed_policies;
mod names;
mod other_accounts;
mod owner_keys;
mod policies;
mod policy_versions;
pub mod presets;
mod record;
mod session;
mod session_token;
mod verify;

pub use access_keys::{AccessKey, AccessKeyInfo, AccessKeyOrigin, AccessKeys};
pub use account::{AccountItem, AccountItemKind, AccountPage};
pub use at_hand::Credentials;
pub use error::{Error, ErrorKind};
pub use guardrails::Guardrails;
pub use iam::{Iam, OtherAccounts};
pub use identity::{CreateRole, CreateUser, Identity, IdentityKind, IdentityPage, IdentityRef};
pub use managed_policies::{CreatePolicy, ManagedPolicies, ManagedPolicy, PolicyEntity, PolicyUse};
pub use owner_keys::OwnerAccessKeys;
pub use policy_versions::PolicyVersion;
pub use session::{AssumeRole, AssumedRole};
pub use session_token::TemporaryCredentials;
