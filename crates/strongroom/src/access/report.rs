//! The answer for one caller.

use std::fmt;

use serde::Serialize;
use strongroom_policy::Explanation;

/// Whether a caller may do something with a secret, and why. `Display` writes it for people; it serializes for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AccessReport {
    /// Who asks: an ARN, or a service's name.
    pub caller: String,
    /// What for: `GetSecretValue`.
    pub operation: &'static str,
    /// The secret's ARN; as it was named where there is none.
    pub secret: String,
    /// Whether all permissions that are needed are there, as far as they are decided here. What else stands in the way is in the
    /// notes.
    pub allowed: bool,
    /// What the caller is told, where it is not allowed: the text of `AccessDeniedException`.
    pub error: Option<String>,
    /// Each permission that is needed, explained, in the order they are asked.
    pub permissions: Vec<Explanation>,
    /// What else stands in the way: a secret marked for deletion, a key that is disabled.
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
            let told = permission.to_string();
            let mut lines = told.lines();
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
