//! A parser and decision engine for IAM policy documents.
//!
//! The library is pure: no I/O, no clock, no knowledge of any service. It parses AWS's policy
//! language (both versions, every element, all condition operators, policy variables), with errors
//! that name line, element and reason. It decides requests by [AWS's evaluation
//! logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html),
//! within and across accounts, with boundaries, session and organization policies, both for
//! resources whose own policy suffices (secrets) and for keys, where the key policy decides.
//!
//! ```
//! use strongroom_policy::{Policies, Policy, Principal, Request};
//! use strongroom_types::Arn;
//!
//! let policy = Policy::identity(
//!     r#"{
//!         "Version": "2012-10-17",
//!         "Statement": {
//!             "Effect": "Allow",
//!             "Action": "secretsmanager:Get*",
//!             "Resource": "arn:aws:secretsmanager:*:*:secret:${aws:username}/*",
//!             "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
//!         }
//!     }"#,
//! )?;
//! let alice = Principal::user(&Arn::parse("arn:aws:iam::111122223333:user/alice")?)?;
//! let secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:alice/db-AbCdEf";
//! let request = Request::new(alice, "secretsmanager:GetSecretValue", secret).with("aws:SourceIp", "10.1.2.3");
//! let policies = Policies::new().identity(&policy);
//! assert!(policies.decide(&request).is_allowed());
//!
//! let from_afar = request.with("aws:SourceIp", "203.0.113.9");
//! assert_eq!(
//!     policies.decide(&from_afar).denial(&from_afar),
//!     format!(
//!         "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: secretsmanager:GetSecretValue \
//!          on resource: {secret} because no identity-based policy allows the secretsmanager:GetSecretValue action"
//!     )
//! );
//! // And why, statement by statement.
//! let explanation = policies.explain(&from_afar).to_string();
//! assert!(explanation.contains("Condition IpAddress aws:SourceIp: 203.0.113.9, not 10.0.0.0/8"), "{explanation}");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod authorizer;
mod call;
mod circumstance;
mod condition;
mod context;
mod decide;
mod document;
mod error;
mod explain;
mod json;
mod lint;
mod matching;
mod open;
mod parse;
mod pattern;
mod policies;
mod possible;
mod principal;
mod remedy;
mod request;
mod said;
mod subject;
mod value;

pub use authorizer::{Authorizer, AuthorizerError, AuthorizerErrorKind, Known, NoDirectory};
pub use call::Call;
pub use condition::{Condition, Quantifier};
pub use context::Context;
pub use decide::{Decision, Ground};
pub use document::{Effect, Policy, Statement, Version};
pub use error::ParseError;
pub use explain::{Detail, DocumentReport, Explanation, GrantReport, StatementReport};
pub use lint::Finding;
pub use policies::{DocumentKind, Place, Policies, ResourceRule};
pub use possible::Possible;
pub use principal::{Principal, PrincipalKind, PrincipalName, Principals};
pub use remedy::{Change, Remedy};
pub use request::Request;
pub use strongroom_types::Arn;
pub use subject::{NamedPolicy, Subject, SubjectError};
