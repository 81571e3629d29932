//! A complete software key service: [`LocalKms`], `Kms` and `KmsAdmin` over any
//! [`Records`](strongroom_records::Records).
//!
//! Keys have several generations of key material, the newest encrypts and all decrypt; the material
//! is sealed under the store key, the store key under the roots. Each wrap derives a key of its own
//! from the material and 32 random bytes, so that one key serves any number of secrets.
//!
//! ```
//! use std::sync::Arc;
//! use strongroom_envelope::EncryptionContext;
//! use strongroom_kms::{AliasName, CreateKey, Decrypt, Encrypt, Kms, KmsAdmin, KeyRef};
//! use strongroom_local_kms::LocalKms;
//! use strongroom_records::MemoryRecords;
//! use strongroom_root::{RootKey, TrustedRecords};
//! use strongroom_types::{CallContext, SystemClock};
//!
//! # pollster::block_on(async {
//! let root = RootKey::from_bytes([7; 32]);
//! let records = TrustedRecords::open(Arc::new(MemoryRecords::new()), root, None, &SystemClock).await?;
//! let cx = CallContext::owner(records.realm());
//! let kms = LocalKms::new(records, Arc::new(SystemClock));
//!
//! let key = kms.create_key(&cx, CreateKey::new().description("orders")).await?;
//! kms.create_alias(&cx, &AliasName::parse("alias/orders")?, &key.id.into()).await?;
//!
//! let context = EncryptionContext::from_pairs([("table", "orders")])?;
//! let key = KeyRef::parse("alias/orders")?;
//! let request = Encrypt::new(&key, b"42").context(&context);
//! let sealed = kms.encrypt(&cx, request).await?;
//! let opened = kms.decrypt(&cx, Decrypt::new(&sealed.ciphertext).context(&context)).await?;
//! assert_eq!(opened.plaintext.expose(), b"42");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod admin;
mod cache;
mod call;
mod crypto;
mod document;
mod explain;
mod facts;
mod gate;
mod grants;
mod keys;
mod kms;
mod kms_admin;
mod layout;
mod local;
mod managed;
mod material;
mod naming;
mod needs;
mod options;
mod parts;
mod states;
mod upkeep;

pub use explain::{KeyAccess, KeyPrincipals};
pub use local::{LocalKms, Retirement};
pub use options::LocalKmsOptions;
