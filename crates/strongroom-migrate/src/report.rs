//! What came of it.

use std::fmt;

use strongroom_store::Error;

/// What a run did, secret by secret.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Each secret of the source, in the order of the run.
    pub secrets: Vec<SecretReport>,
}

/// What happened to a secret.
#[derive(Debug)]
#[non_exhaustive]
pub struct SecretReport {
    /// Its name at the source.
    pub name: String,
    /// Its name at the target.
    pub target: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What the target cannot hold and was left out, as [`crate::Migration::leave_out_what_does_not_fit`] allows.
    pub left_out: Vec<String>,
    /// What else somebody should know: what the target has and the source has not, tags that are AWS's own.
    pub notes: Vec<String>,
}

/// What came of a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was written, and read back.
    Copied {
        /// How many versions were written; the rest was there.
        versions: usize,
    },
    /// All of it was there already, and was compared.
    Unchanged,
    /// A dry run: it would be made, or completed.
    Would {
        /// Whether there is no such secret yet.
        create: bool,
        /// How many versions would be written.
        versions: usize,
    },
    /// It is not to be copied: why.
    Skipped(String),
    /// It could not be copied. What was written of it stays, and a later run goes on.
    Failed(Error),
}

impl Report {
    /// Whether every secret is at the target, but for those that are not to be copied.
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

/// So many versions, in words.
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
