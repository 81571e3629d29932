//! Strongroom over the AWS wire protocol: Secrets Manager, KMS, and as much of STS and IAM as
//! sessions and identities need, for any AWS client in any language. A [`Server`] is a `tower`
//! service, to be mounted in a program's own server; it can listen by itself; and there is a
//! binary, `strongroom-server`.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! // For tests: a server in memory on a port of its own, gone with its guard.
//! let server = strongroom_server::test_server().await?;
//! println!("AWS_ENDPOINT_URL={}", server.endpoint_url());
//! println!("AWS_ACCESS_KEY_ID={}", server.access_key_id());
//! assert_eq!(server.secret_access_key().expose().len(), 40);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! Every request is signed (Signature Version 4) and decided by the policies of who signed it. One
//! server answers for many regions: the signature names one, each has its own secrets and keys, and
//! all have one directory of users and roles.
//!
//! * **Regions** are AWS's public ones, unless [`ServerBuilder::regions`] or `--regions` says
//!   otherwise: names separated by commas, `aws`, or `all`. Another region is refused, as AWS does
//!   it, with `InvalidSignatureException`. Nothing is made in a region before an operation that
//!   creates something there was permitted.
//! * **Housekeeping** is done in every strongroom that is kept, opened or not, every ten minutes:
//!   [`ServerBuilder::housekeeping`], `--housekeeping`. It purges what is past its deletion date.
//! * **Storage, key service, cache, other stores**: [`ServerBuilder::strongrooms`] serves
//!   strongrooms that a program opened itself.

mod access_log;
mod across;
mod answer;
mod api;
mod apis;
mod builder;
pub mod credentials;
mod housekeeping;
mod input;
mod keys;
mod named;
mod opening;
mod operation;
mod owner_key;
mod query;
mod redaction;
mod secrets;
mod server;
mod service;
mod setup;
mod sigv4;
mod test_server;
mod wire_call;

pub use builder::{Identities, ServerBuilder};
pub use server::Server;
#[cfg(feature = "tls")]
pub use strongroom_http::Tls;
pub use strongroom_http::{BodyError, Metrics};
pub use test_server::{TestServer, test_server};
