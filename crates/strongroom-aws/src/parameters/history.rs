//! A parameter's versions, and the metadata derived from them.

use std::collections::BTreeSet;

use aws_sdk_ssm::primitives::DateTime;
use aws_sdk_ssm::types::{ParameterHistory, ParameterType};
use strongroom_store::{Error, ErrorKind, Labels, Stage, VersionId, VersionMetadata};
use strongroom_types::Timestamp;

use crate::time::timestamp;

/// The key of parameters without a customer managed key.
pub(super) const MANAGED_KEY: &str = "alias/aws/ssm";

pub(super) fn unreadable(member: &'static str) -> Error {
    Error::new(ErrorKind::Internal, "AWS's answer was not readable").with("member", member)
}

pub(super) fn time(date: Option<DateTime>) -> Result<Timestamp, Error> {
    date.as_ref().and_then(timestamp).ok_or_else(|| unreadable("LastModifiedDate"))
}

pub(super) fn version_id(version: i64) -> VersionId {
    VersionId::new(version.to_string())
}

/// The version number that an id stands for.
pub(super) fn number(version: &VersionId) -> Option<i64> {
    let number = version.as_str().parse().ok().filter(|number| *number > 0)?;
    // Reject other spellings of the number: each version has one id.
    (version_id(number) == *version).then_some(number)
}

pub(super) fn not_secure() -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        "this parameter is not a secret: secrets are parameters of type SecureString",
    )
}

/// All versions of a parameter that still exist, oldest first.
pub(super) struct History(Vec<ParameterHistory>);

impl History {
    pub(super) fn new(mut versions: Vec<ParameterHistory>) -> Result<Self, Error> {
        versions.sort_by_key(|version| version.version);
        let newest = versions.last().ok_or_else(|| unreadable("Parameters"))?;
        if newest.r#type != Some(ParameterType::SecureString) {
            return Err(not_secure());
        }
        Ok(Self(versions))
    }

    pub(super) fn newest(&self) -> &ParameterHistory {
        // `new` rejects an empty history.
        &self.0[self.0.len() - 1]
    }

    pub(super) fn oldest(&self) -> &ParameterHistory {
        &self.0[0]
    }

    /// The customer managed key, if there is one.
    pub(super) fn key(&self) -> Option<String> {
        self.newest().key_id.clone().filter(|key| key != MANAGED_KEY)
    }

    /// The labels of a version. The newest is `AWSCURRENT`, the one before it `AWSPREVIOUS`.
    fn stages(&self, index: usize) -> BTreeSet<Stage> {
        let labels = self.0[index].labels.iter().flatten().map(Stage::new);
        let place = match self.0.len() - index {
            1 => Some(Stage::CURRENT),
            2 => Some(Stage::PREVIOUS),
            _ => None,
        };
        labels.chain(place).collect()
    }

    pub(super) fn versions(&self) -> Result<Vec<VersionMetadata>, Error> {
        let version = |(index, told): (usize, &ParameterHistory)| {
            let created = time(told.last_modified_date)?;
            let mut version = VersionMetadata::new(version_id(told.version), created);
            version.stages = self.stages(index);
            version.kms_key_ids = match told.key_id.as_deref() {
                None | Some(MANAGED_KEY) => vec!["DefaultEncryptionKey".to_owned()],
                Some(key) => vec![key.to_owned()],
            };
            Ok(version)
        };
        self.0.iter().enumerate().map(version).collect()
    }

    pub(super) fn labels(&self) -> Labels {
        let all = self.0.iter().enumerate();
        Labels::from_versions(all.map(|(index, told)| (version_id(told.version), self.stages(index))))
    }
}
