//! The types that all parts of Strongroom share: names of places ([`Realm`], [`Arn`]), time
//! ([`Timestamp`], [`Clock`]), callers ([`CallContext`]), and the structure of errors ([`Frame`],
//! [`Retry`]). No behaviour, no dependencies.
//!
//! ```
//! use strongroom_types::{AccountId, Arn, CallContext, Realm, Region};
//!
//! let realm = Realm::new(AccountId::parse("111122223333")?, Region::parse("eu-central-1")?);
//! let arn = realm.arn("secretsmanager", "secret:prod/db-a1B2c3");
//! assert_eq!(arn.to_string(), "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-a1B2c3");
//! assert_eq!(Arn::parse(&arn.to_string())?, arn);
//!
//! // Every call names its caller; there is no default.
//! let cx = CallContext::owner(&realm);
//! assert!(cx.caller().is_owner_of(realm.account()));
//! # Ok::<(), strongroom_types::ParseError>(())
//! ```

mod arn;
mod call_context;
mod caller;
mod chain;
mod clock;
mod error;
mod hex;
mod operation_name;
mod purge_permit;
mod realm;
mod request_info;
mod serialize;
mod session;

pub use arn::Arn;
pub use call_context::CallContext;
pub use caller::{Caller, Service};
pub use chain::{Chain, chain};
pub use clock::{Clock, SystemClock, Timestamp};
pub use error::{ErrorClass, Failure, Fault, Frame, ParseError, Retry};
pub use hex::{from_hex, hex};
pub use operation_name::OperationName;
pub use purge_permit::{AlwaysPermitted, PurgePermit};
pub use realm::{AccountId, Realm, Region};
pub use request_info::{RequestInfo, RequestParameters, TlsInfo};
pub use session::SessionFacts;
