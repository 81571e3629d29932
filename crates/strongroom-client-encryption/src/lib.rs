//! [`ClientEncrypted`] wraps any secret store and encrypts each value before it is stored. The
//! inner store and its keys never see plaintext: for example, AWS stores your secrets, encrypted
//! under a key that AWS does not have.
//!
//! ```
//! # use strongroom::{RootKey, Strongroom};
//! # pollster::block_on(async {
//! use std::sync::Arc;
//! use strongroom_client_encryption::ClientEncrypted;
//!
//! # let aws = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
//! # let own = Strongroom::builder().memory().root_key(RootKey::from_bytes([2; 32])).open().await?;
//! // `own` holds the key, `aws` stores the secrets.
//! own.keys().create("alias/outer", "encrypts what AWS stores").await?;
//! let key = own.keys().service()?;
//! let store = ClientEncrypted::new(aws.store(), key, own.context().clone(), "alias/outer")?;
//! let room = Strongroom::over(Arc::new(store), aws.realm().clone());
//!
//! room.create("prod/db").text("s3cret").send().await?;
//! assert_eq!(room.get("prod/db").send().await?.expose_text()?, "s3cret");
//! let seen = aws.get("prod/db").send().await?; // what AWS stores
//! assert!(seen.expose_bytes().starts_with(b"strongroom-sealed:1:"));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! * **Binding.** A sealed value opens only as the secret and version it was sealed for, so the
//!   inner store cannot substitute one for another. The inner store still decides which version is
//!   current: it can present an older one, under that version's id. A store that numbers versions
//!   itself ([`Capabilities::token_is_version_id`](strongroom_store::Capabilities) is false) can
//!   also swap versions of the same secret. The contents of a batch selected by filters cannot be
//!   checked.
//! * **Idempotency.** Repeating a write with the same token and value changes nothing, although
//!   sealing again produces different bytes: the stored value is opened and compared.
//! * **Size.** Sealing adds up to 896 bytes, and a third more in a store that takes only text.
//!   [`Capabilities::max_value_len`](strongroom_store::Capabilities) is the remaining size.
//! * **Migration.** [`ClientEncrypted::accept_plain`] also reads unsealed values, and
//!   [`ClientEncrypted::seal_in_place`] seals them. [`ClientEncrypted::accept_kms_encrypted`] also
//!   reads values encrypted with `kms encrypt`. Plaintext stays in the inner store's older versions
//!   until it removes them: give such secrets a new value.
//! * **Cost.** A put or update with a value first asks the inner store for the secret's name
//!   (DescribeSecret). A repeated write that the inner store refuses reads the stored value
//!   (GetSecretValue). Random passwords are generated locally, so the inner store does not know
//!   them.
//!
//! `docs/format.md` specifies the stored bytes.

mod client_encrypted;
mod error;
mod form;
mod open;
mod requested_secret;
mod store;

pub use client_encrypted::ClientEncrypted;
