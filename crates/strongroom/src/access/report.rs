//! The answer for one caller.

use std::fmt;

use serde::Serialize;
use strongroom_policy::Explanation;

/// Whether a caller may do something with a secret, and why. `Display` is for people, the
/// serialized form for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AccessReport {
    /// The caller: an ARN, or a service's name.
    pub caller: String,
    /// The operation: `GetSecretValue`.
    pub operation: &'static str,
    /// The secret's ARN; the name as given if there is no such secret.
    pub secret: String,
    /// Whether the caller has all permissions that the operation needs, as far as they are decided
    /// here. Other obstacles are in the notes.
    pub allowed: bool,
    /// The text of the error that the caller gets if it is not allowed.
    pub error: Option<String>,
    /// Each permission that is needed, explained, in the order in which they are checked.
    pub permissions: Vec<Explanation>,
    /// Other obstacles: a secret marked for deletion, a disabled key.
    pub notes: Vec<String>,
}

impl fmt::Display for AccessReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.allowed { "MAY" } else { "MAY NOT" };
        writeln!(f, "{} {verdict} {} {}", self.caller, self.operation, self.secret)?;
        if let Some(error) = &self.error {
            writeln!(f, "  and is told: {error}")?;
        }
        for note in &self.notes {
            writeln!(f, "  but: {note}")?;
        }
        for (index, permission) in self.permissions.iter().enumerate() {
            let text = permission.to_string();
            let mut lines = text.lines();
            if let Some(first) = lines.next() {
                writeln!(f, "{}. {first}", index + 1)?;
            }
            for line in lines {
                writeln!(f, "   {line}")?;
            }
        }
        Ok(())
    }
}
