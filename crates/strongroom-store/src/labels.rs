//! The rules of version stages, as pure functions.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, ErrorKind, Stage, VersionId};

/// The labels of each version. A version without labels is *deprecated*: hidden, but readable by
/// its id until purged.
///
/// Each rule takes the state before and returns the state after, or the reason why it failed. Every
/// rule preserves these invariants: a label is on at most one version; once any version was
/// current, exactly one is; at most [`Labels::MAX`] labels.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Labels {
    versions: BTreeMap<VersionId, BTreeSet<Stage>>,
}

/// Why a rule failed. Texts are AWS's if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelError {
    /// More than [`Labels::MAX`] labels in all.
    TooMany,
    /// The label has a holder, and the request did not name it.
    HolderNotNamed {
        /// The label.
        stage: Stage,
        /// The version that holds it.
        holder: VersionId,
    },
    /// The version named as the holder does not hold the label.
    NotTheHolder {
        /// The label.
        stage: Stage,
    },
    /// `AWSCURRENT` cannot be removed, only moved.
    CurrentCannotBeRemoved,
    /// The secret has no such version.
    UnknownVersion(VersionId),
    /// Neither a version to move to nor one to remove from was named.
    NothingToDo,
}

impl From<LabelError> for Error {
    fn from(error: LabelError) -> Self {
        let (kind, text) = match error {
            LabelError::TooMany => (
                ErrorKind::LimitExceeded,
                format!("A secret can have at most {} staging labels.", Labels::MAX),
            ),
            LabelError::HolderNotNamed { stage, holder } => (
                ErrorKind::InvalidParameter,
                format!("The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."),
            ),
            LabelError::NotTheHolder { stage } => (
                ErrorKind::InvalidParameter,
                format!("When you move staging label {stage}, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label {stage}."),
            ),
            LabelError::CurrentCannotBeRemoved => (
                ErrorKind::InvalidParameter,
                "You can only move staging label AWSCURRENT to a different secret version. It can\u{2019}t be completely removed.".to_owned(),
            ),
            LabelError::UnknownVersion(version) => {
                (ErrorKind::InvalidParameter, format!("Not a valid version: {version}"))
            }
            LabelError::NothingToDo => (
                ErrorKind::InvalidParameter,
                "You must specify MoveToVersionId, RemoveFromVersionId or both.".to_owned(),
            ),
        };
        Self::new(kind, text)
    }
}

impl Labels {
    /// The maximum number of labels of all versions of a secret together.
    pub const MAX: usize = 20;

    /// No versions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The state with these versions and labels.
    #[must_use]
    pub fn from_versions(versions: impl IntoIterator<Item = (VersionId, BTreeSet<Stage>)>) -> Self {
        Self { versions: versions.into_iter().collect() }
    }

    /// The version that holds `stage`.
    #[must_use]
    pub fn holder(&self, stage: &Stage) -> Option<&VersionId> {
        self.versions.iter().find(|(_, stages)| stages.contains(stage)).map(|(version, _)| version)
    }

    /// The labels of `version`; `None` when there is no such version.
    #[must_use]
    pub fn of(&self, version: &VersionId) -> Option<&BTreeSet<Stage>> {
        self.versions.get(version)
    }

    /// All versions with their labels.
    pub fn iter(&self) -> impl Iterator<Item = (&VersionId, &BTreeSet<Stage>)> {
        self.versions.iter()
    }

    /// How many labels there are on all versions.
    #[must_use]
    pub fn count(&self) -> usize {
        self.versions.values().map(BTreeSet::len).sum()
    }

    /// A version was purged, and its labels with it. Holders of `AWSCURRENT` must not be
    /// purged.
    pub fn forget(&mut self, version: &VersionId) {
        self.versions.remove(version);
    }

    fn attach(&mut self, stage: &Stage, version: &VersionId) {
        self.detach(stage);
        self.versions.entry(version.clone()).or_default().insert(stage.clone());
    }

    fn detach(&mut self, stage: &Stage) {
        for stages in self.versions.values_mut() {
            stages.remove(stage);
        }
    }

    /// Moves `AWSCURRENT` to `new`, and `AWSPREVIOUS` to the version that had it.
    fn move_current(&mut self, new: &VersionId) {
        let old = self.holder(&Stage::CURRENT).cloned();
        if old.as_ref() == Some(new) {
            return;
        }
        if let Some(old) = old {
            self.attach(&Stage::PREVIOUS, &old);
        }
        if self.holder(&Stage::PREVIOUS) == Some(new) {
            self.detach(&Stage::PREVIOUS);
        }
        self.attach(&Stage::CURRENT, new);
    }

    fn bounded(self) -> Result<Self, LabelError> {
        if self.count() > Self::MAX { Err(LabelError::TooMany) } else { Ok(self) }
    }

    /// A value is stored as version `new` (PutSecretValue, CreateSecret, UpdateSecret with a
    /// value).
    ///
    /// Without `stages`, or when they name `AWSCURRENT`, or when no version is current yet, the new
    /// version becomes current: `AWSPREVIOUS` follows, and `AWSPENDING` is removed from any other
    /// version that had it. Other named labels move to the new version.
    ///
    /// # Errors
    /// [`LabelError::TooMany`].
    pub fn put(&self, new: &VersionId, stages: Option<&[Stage]>) -> Result<Self, LabelError> {
        let mut after = self.clone();
        after.versions.entry(new.clone()).or_default();
        let named = stages.unwrap_or(&[]);
        let promote =
            stages.is_none() || named.contains(&Stage::CURRENT) || after.holder(&Stage::CURRENT).is_none();
        if promote {
            after.move_current(new);
            if after.holder(&Stage::PENDING).is_some_and(|holder| holder != new) {
                after.detach(&Stage::PENDING);
            }
        }
        for stage in named.iter().filter(|stage| **stage != Stage::CURRENT) {
            after.attach(stage, new);
        }
        after.bounded()
    }

    /// UpdateSecretVersionStage: moves, attaches or removes one label.
    ///
    /// Moving `AWSCURRENT` also moves `AWSPREVIOUS`; every other label moves alone.
    ///
    /// # Errors
    /// All of [`LabelError`].
    pub fn move_stage(
        &self,
        stage: &Stage,
        remove_from: Option<&VersionId>,
        move_to: Option<&VersionId>,
    ) -> Result<Self, LabelError> {
        for version in [remove_from, move_to].into_iter().flatten() {
            if !self.versions.contains_key(version) {
                return Err(LabelError::UnknownVersion(version.clone()));
            }
        }
        let holder = self.holder(stage);
        let mut after = self.clone();
        let Some(to) = move_to else {
            let from = remove_from.ok_or(LabelError::NothingToDo)?;
            if holder != Some(from) {
                return Err(LabelError::NotTheHolder { stage: stage.clone() });
            }
            if *stage == Stage::CURRENT {
                return Err(LabelError::CurrentCannotBeRemoved);
            }
            after.detach(stage);
            return Ok(after);
        };
        match (holder, remove_from) {
            (Some(holder), None) if holder != to => {
                return Err(LabelError::HolderNotNamed { stage: stage.clone(), holder: holder.clone() });
            }
            (holder, Some(from)) if holder != Some(from) => {
                return Err(LabelError::NotTheHolder { stage: stage.clone() });
            }
            _ => {}
        }
        if *stage == Stage::CURRENT {
            after.move_current(to)
        } else {
            after.attach(stage, to)
        }
        after.bounded()
    }
}
