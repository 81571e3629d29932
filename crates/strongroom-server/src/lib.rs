//! Strongroom over the AWS wire protocol, for any AWS client in any language: Secrets Manager, KMS,
//! and the parts of STS and IAM that identities and sessions need.
//!
//! A [`Server`] is a `tower` service, which a program can mount in its own HTTP server. It can also
//! listen itself, and it is available as a binary, `strongroom-server`.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! // For tests: an in-memory server on a free port. It stops when `server` is dropped.
//! let server = strongroom_server::test_server().await?;
//! println!("AWS_ENDPOINT_URL={}", server.endpoint_url());
//! println!("AWS_ACCESS_KEY_ID={}", server.access_key_id());
//! assert_eq!(server.secret_access_key().expose().len(), 40);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! Every request must be signed with [Signature Version 4], and is authorized by its signer's
//! policies. One server serves many regions: the signature names the region. Each region has its
//! own secrets and keys; users and roles are shared by all regions of an account.
//!
//! * **Regions**: by default, AWS's public regions. [`ServerBuilder::regions`] or `--regions`
//!   changes them. A request for another region is refused with `InvalidSignatureException`, as on
//!   AWS. Storage for a region is created only by an authorized operation that writes to it.
//! * **Housekeeping** purges secrets and keys past their deletion date. It runs every ten minutes,
//!   in every stored strongroom, open or not. [`ServerBuilder::housekeeping`] or `--housekeeping`
//!   changes the interval.
//! * **Custom storage, key service, cache or secret store**: [`ServerBuilder::strongrooms`] serves
//!   strongrooms that the program opened itself.
//!
//! [Signature Version 4]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html

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
