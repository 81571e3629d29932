//! Names of operations.

use std::fmt::Debug;
use std::hash::Hash;

/// An operation of a service, named as AWS names it. Each service has an enum of its operations
/// that implements this.
pub trait OperationName: Copy + Debug + Eq + Hash + Send + Sync + 'static {
    /// As errors, logs and audit name it: `GetSecretValue`.
    fn name(self) -> &'static str;

    /// As policies name it: `secretsmanager:GetSecretValue`.
    fn action(self) -> &'static str;

    /// The service, as CloudTrail's `eventSource` names it: `secretsmanager.amazonaws.com`.
    fn event_source(self) -> &'static str;
}
