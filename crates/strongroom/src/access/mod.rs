//! Who may do what with a secret, and why.
//!
//! Several documents decide together about access to a secret: the caller's policies, the secret's
//! own, the key's, grants, and whether the call came through Secrets Manager. `Access` asks the
//! store, its key service and its directory what they would decide, and combines their answers: for
//! one caller ([`Strongroom::explain`](crate::Strongroom::explain)), or for everybody known
//! ([`Strongroom::who_can`](crate::Strongroom::who_can)).

mod explain;
mod report;
mod who_can;

pub(crate) use explain::Access;
pub use report::AccessReport;
pub use who_can::{Candidate, Verdict, WhoCan};
