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
//! server answers for every region that a signature names; each has its own secrets and keys, and
//! all have one directory of users and roles.

mod access_log;
mod across;
mod answer;
mod api;
mod apis;
mod builder;
pub mod credentials;
mod data_directory;
mod input;
mod keys;
mod named;
mod operation;
mod owner_key;
mod private_file;
mod query;
mod redaction;
mod rooms;
mod secrets;
mod server;
mod service;
mod sigv4;
mod test_server;
mod wire_call;

pub use builder::{Identities, ServerBuilder};
pub use server::Server;
#[cfg(feature = "tls")]
pub use strongroom_http::Tls;
pub use strongroom_http::{BodyError, Metrics};
pub use test_server::{TestServer, test_server};
