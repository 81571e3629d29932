//! [`ClientEncrypted`]: a secret store around any other that seals each value before it is stored, so that the other store and its keys never see
//! it. Secrets that AWS keeps, for one, under a key that AWS does not have.
//!
//! ```
//! # use strongroom::{RootKey, Strongroom};
//! # pollster::block_on(async {
//! use std::sync::Arc;
//! use strongroom_client_encryption::ClientEncrypted;
//!
//! # let aws = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
//! # let own = Strongroom::builder().memory().root_key(RootKey::from_bytes([2; 32])).open().await?;
//! // `own` keeps the key, `aws` keeps the secrets.
//! own.keys().create("alias/outer", "seals what AWS keeps").await?;
//! let key = own.keys().service()?;
//! let store = ClientEncrypted::new(aws.store(), key, own.context().clone(), "alias/outer")?;
//! let room = Strongroom::over(Arc::new(store), aws.realm().clone());
//!
//! room.create("prod/db").text("s3cret").send().await?;
//! assert_eq!(room.get("prod/db").send().await?.expose_text()?, "s3cret");
//! let seen = aws.get("prod/db").send().await?; // what AWS has
//! assert!(seen.expose_bytes().starts_with(b"strongroom-sealed:1:"));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! * **Bound.** What is sealed opens as the secret and version that was asked for only: the other store cannot put one in another's place.
//!   Which version is the current one is its to say: it may show an older one, under that one's id. Where a store counts its versions itself
//!   ([`Capabilities::token_is_version_id`](strongroom_store::Capabilities)), it may put one version in another's place too. Of a batch found
//!   by filters, nobody can say what should be in it.
//! * **Repeats.** A repeat with the same token and value changes nothing, although sealing again gives other bytes: what is stored is
//!   opened and compared.
//! * **Room.** Sealing takes up to 896 bytes, and a third more where a store takes text only;
//!   [`Capabilities::max_value_len`](strongroom_store::Capabilities) says what is left.
//! * **Moving in.** [`ClientEncrypted::accept_plain`] reads what is not sealed yet, [`ClientEncrypted::seal_in_place`] seals it;
//!   [`ClientEncrypted::accept_kms_encrypted`] reads what was encrypted by hand with `kms encrypt`. What was plain stays in the other store's older
//!   versions until it forgets them: give such secrets a new value.
//! * **What it costs.** A write asks the other store for the secret's name first (DescribeSecret); a repeat that it refuses reads what is stored
//!   (GetSecretValue). Random passwords are made here, so that the other store does not know them.
//!
//! The bytes are in `docs/format.md`.

mod client_encrypted;
mod error;
mod form;
mod open;
mod requested_secret;
mod store;

pub use client_encrypted::ClientEncrypted;
