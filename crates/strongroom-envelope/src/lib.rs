//! Committing envelope encryption and the memory that holds its secrets.
//!
//! A value is sealed under its own **data key**, which is stored with the value, wrapped by a key
//! service. The result, an [`Envelope`], is self-describing: it names format, suite, wrapping key
//! and wrapped data key, so that anyone with access to that key service can open it. It does not
//! contain the [`EncryptionContext`], which must be given again to open it.
//!
//! ```
//! use strongroom_envelope::{DataKey, EncryptionContext, Envelope, SecretBytes};
//!
//! // In a real program, the data key and its wrapped form come from a key service.
//! let data_key = DataKey::generate()?;
//! let wrapped = b"the data key, wrapped by the key service";
//! let context = EncryptionContext::from_pairs([("SecretARN", "arn:..."), ("SecretVersionId", "v1")])?;
//!
//! let sealed = Envelope::seal(&data_key, "arn:aws:kms:...:key/1234", wrapped, &context, b"s3cret")?;
//!
//! let envelope = Envelope::parse(&sealed)?;
//! assert_eq!(envelope.key_id(), "arn:aws:kms:...:key/1234");
//! assert_eq!(envelope.wrapped_key(), wrapped);
//! let value: SecretBytes = envelope.open(&data_key, &context)?;
//! assert_eq!(value.expose(), b"s3cret");
//! assert_eq!(format!("{value:?}"), "SecretBytes([redacted])");
//! # Ok::<(), strongroom_envelope::Error>(())
//! ```
//!
//! `docs/format.md` specifies and justifies the format. The caller never supplies a nonce: each
//! seal derives its own message key from the data key and 32 fresh random bytes. [`SealedBox`] is
//! the same construction without the envelope's fields, for custom formats.
//!
//! No I/O, no async, no clock, no `unsafe`.

mod aad;
mod any_sealer;
mod context;
mod derive;
#[cfg(feature = "serde")]
mod deserialize;
mod envelope;
mod error;
mod key;
mod mac;
mod message;
mod provider;
mod sealed_box;
mod sealer;
mod secret;
mod wrapping;

pub use any_sealer::AnySealer;
pub use context::EncryptionContext;
pub use derive::Label;
pub use envelope::{Envelope, Suite};
pub use error::{Error, ErrorKind};
pub use key::{DataKey, SecretKey, random_array, random_uuid};
pub use mac::MacKey;
#[cfg(feature = "aws-lc-rs")]
pub use provider::AwsLc;
pub use provider::{Provider, RustCrypto};
pub use sealed_box::SealedBox;
pub use sealer::Sealer;
pub use secret::{SecretBytes, SecretText, wipe};
pub use wrapping::WrappingKey;
