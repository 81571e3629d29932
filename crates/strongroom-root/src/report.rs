//! What a walk through a store found.

use std::fmt;

/// What a walk through a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many things were looked at: records, versions opened, keys unwrapped, indexes compared.
    pub checked: u64,
    /// What is wrong; empty when all is well.
    pub problems: Vec<Problem>,
    /// What could not be looked into because its key is disabled or pending deletion. Nothing is known to be wrong with it.
    pub locked: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The record, secret, version or key.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl Report {
    /// Nothing looked at yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Counts a thing that was looked at.
    pub fn check(&mut self) {
        self.checked += 1;
    }

    /// Notes something wrong.
    pub fn problem(&mut self, place: impl fmt::Display, what: impl fmt::Display) {
        self.problems.push(Problem { place: place.to_string(), what: what.to_string() });
    }

    /// Notes something that its key keeps shut.
    pub fn locked(&mut self, place: impl fmt::Display, what: impl fmt::Display) {
        self.locked.push(Problem { place: place.to_string(), what: what.to_string() });
    }

    /// Adds what another walk found.
    pub fn merge(&mut self, other: Self) {
        self.checked += other.checked;
        self.problems.extend(other.problems);
        self.locked.extend(other.locked);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} checked, {} wrong", self.checked, self.problems.len())?;
        if !self.locked.is_empty() {
            write!(f, ", {} locked", self.locked.len())?;
        }
        self.problems
            .iter()
            .chain(&self.locked)
            .try_for_each(|problem| write!(f, "\n  {}: {}", problem.place, problem.what))
    }
}
