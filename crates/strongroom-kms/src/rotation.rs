//! Rotation of key material.

use strongroom_types::{Arn, Timestamp};

use crate::{Error, ErrorKind};

/// The response of GetKeyRotationStatus.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationStatus {
    /// The key.
    pub key_arn: Arn,
    /// Whether the key rotates automatically.
    pub enabled: bool,
    /// The rotation period in days; only if it rotates automatically.
    pub period_days: Option<u16>,
    /// The next rotation; only if it rotates automatically.
    pub next_rotation: Option<Timestamp>,
}

impl RotationStatus {
    /// A key that does not rotate automatically, for implementations to complete.
    #[must_use]
    pub fn new(key_arn: Arn) -> Self {
        Self { key_arn, enabled: false, period_days: None, next_rotation: None }
    }
}

/// The trigger of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RotationType {
    /// Its schedule.
    Automatic,
    /// A request.
    OnDemand,
}

impl RotationType {
    /// The value in AWS's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}

/// One generation of a key's material: an entry of ListKeyRotations.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The key.
    pub key_arn: Arn,
    /// The material: 64 hexadecimal digits.
    pub key_material_id: String,
    /// Whether it is the one that encrypts.
    pub current: bool,
    /// When the key received it; absent for the first.
    pub date: Option<Timestamp>,
    /// The trigger of the rotation; absent for the first.
    pub kind: Option<RotationType>,
    /// Whether it waits for a rotation to become the one that encrypts; imported material only.
    pub pending: bool,
    /// The properties of imported material in ListKeyRotations.
    pub imported: Option<ImportedState>,
}

/// The properties of imported material in ListKeyRotations.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportedState {
    /// Whether it is present; if not, it was deleted or expired and can be imported again.
    pub present: bool,
    /// When it expires, if it does.
    pub valid_to: Option<Timestamp>,
    /// Its description.
    pub description: Option<String>,
}

impl ImportedState {
    /// For implementations.
    #[must_use]
    pub fn new(present: bool, valid_to: Option<Timestamp>, description: Option<String>) -> Self {
        Self { present, valid_to, description }
    }
}

impl Rotation {
    /// A generation, for implementations to complete.
    #[must_use]
    pub fn new(key_arn: Arn, key_material_id: String, current: bool) -> Self {
        Self { key_arn, key_material_id, current, date: None, kind: None, pending: false, imported: None }
    }
}

/// A page of ListKeyRotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct RotationPage {
    /// Oldest first.
    pub rotations: Vec<Rotation>,
    /// Where the next page begins; `None` at the end.
    pub next_marker: Option<String>,
}

/// A rotation period in days.
#[derive(Clone, Copy, Debug)]
pub struct RotationPeriod;

impl RotationPeriod {
    /// The default period.
    pub const DEFAULT: u16 = 365;

    /// 90 to 2,560 days, 365 when absent.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`].
    pub fn check(days: Option<u16>) -> Result<u16, Error> {
        let days = days.unwrap_or(Self::DEFAULT);
        let bound = match days {
            ..90 => "greater than or equal to 90",
            90..=2560 => return Ok(days),
            _ => "less than or equal to 2560",
        };
        Err(Error::new(
            ErrorKind::Validation,
            format!(
                "1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value {bound}"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_90_to_2560_days() {
        assert_eq!(RotationPeriod::check(None).unwrap(), 365);
        for good in [90, 2560] {
            assert_eq!(RotationPeriod::check(Some(good)).unwrap(), good);
        }
        for bad in [0, 89, 2561, u16::MAX] {
            let error = RotationPeriod::check(Some(bad)).unwrap_err();
            assert!(error.message().contains("at 'rotationPeriodInDays'"), "{error}");
        }
    }
}
