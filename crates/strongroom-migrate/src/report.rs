//! The report of a run.

use std::fmt;

use strongroom_store::Error;

/// The results of a run.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The result for each secret, in the order of the run.
    pub secrets: Vec<SecretReport>,
}

/// The result for a secret.
#[derive(Debug)]
#[non_exhaustive]
pub struct SecretReport {
    /// Its name at the source.
    pub name: String,
    /// Its name at the target.
    pub target: String,
    /// The outcome.
    pub outcome: Outcome,
    /// What was left out because the target cannot hold it: see
    /// [`crate::Migration::leave_out_what_does_not_fit`].
    pub left_out: Vec<String>,
    /// Other differences: what the target has and the source has not, and AWS's own tags, which are
    /// not copied.
    pub notes: Vec<String>,
}

/// The outcome for a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was written and verified.
    Copied {
        /// How many versions were written; the target had the rest.
        versions: usize,
    },
    /// The target had everything already, and it compared equal.
    Unchanged,
    /// A dry run: it would be created or completed.
    Would {
        /// Whether the target has no such secret yet.
        create: bool,
        /// How many versions would be written.
        versions: usize,
    },
    /// It is not copied, for this reason.
    Skipped(String),
    /// It could not be copied. Versions already written stay, and a later run continues.
    Failed(Error),
}

impl Report {
    /// Whether every secret is at the target, except those skipped.
    #[must_use]
    pub fn complete(&self) -> bool {
        let done = |outcome: &Outcome| {
            matches!(outcome, Outcome::Copied { .. } | Outcome::Unchanged | Outcome::Skipped(_))
        };
        self.secrets.iter().all(|secret| done(&secret.outcome))
    }

    /// The secrets that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&SecretReport, &Error)> {
        self.secrets.iter().filter_map(|secret| match &secret.outcome {
            Outcome::Failed(error) => Some((secret, error)),
            _ => None,
        })
    }
}

/// A number of versions, in words.
struct Versions(usize);

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("no version"),
            1 => f.write_str("1 version"),
            n => write!(f, "{n} versions"),
        }
    }
}

impl fmt::Display for SecretReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.target != self.name {
            write!(f, " -> {}", self.target)?;
        }
        match &self.outcome {
            Outcome::Copied { versions } => write!(f, ": copied, {} written", Versions(*versions))?,
            Outcome::Unchanged => f.write_str(": there already")?,
            Outcome::Would { create: true, versions } => {
                write!(f, ": would be made, with {}", Versions(*versions))?
            }
            Outcome::Would { create: false, versions } => {
                write!(f, ": is there, without {}", Versions(*versions))?
            }
            Outcome::Skipped(why) => write!(f, ": skipped, {why}")?,
            Outcome::Failed(error) => write!(f, ": FAILED, {error}")?,
        }
        for left_out in &self.left_out {
            write!(f, "; left out: {left_out}")?;
        }
        for note in &self.notes {
            write!(f, "; note: {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for secret in &self.secrets {
            writeln!(f, "{secret}")?;
        }
        let count = |wanted: fn(&Outcome) -> bool| {
            self.secrets.iter().filter(|secret| wanted(&secret.outcome)).count()
        };
        write!(
            f,
            "{} secrets: {} copied, {} there already, {} skipped, {} failed",
            self.secrets.len(),
            count(|outcome| matches!(outcome, Outcome::Copied { .. })),
            count(|outcome| matches!(outcome, Outcome::Unchanged)),
            count(|outcome| matches!(outcome, Outcome::Skipped(_))),
            count(|outcome| matches!(outcome, Outcome::Failed(_))),
        )?;
        match count(|outcome| matches!(outcome, Outcome::Would { .. })) {
            0 => Ok(()),
            would => write!(f, ", {would} to be looked at: nothing was written"),
        }
    }
}
