//! The constraints of the requests that write values, as AWS checks them before it looks at
//! anything else.

use crate::validate::Violations;
use crate::{CreateSecret, Error, PutSecretValue, UpdateSecret};

impl CreateSecret {
    /// Checks the length of every member. Name and token have further rules, checked afterwards.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`](crate::ErrorKind::Validation) naming every violation.
    pub fn check_shape(&self) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.length("name", &self.name, 1, 512);
        violations.length("description", self.description.as_deref().unwrap_or_default(), 0, 2048);
        violations.length("kmsKeyId", self.kms_key_id.as_deref().unwrap_or_default(), 0, 2048);
        violations.tags(&self.tags);
        if let Some(value) = &self.value {
            violations.value(value);
        }
        violations.finish()
    }
}

impl PutSecretValue {
    /// As [`CreateSecret::check_shape`].
    ///
    /// # Errors
    /// The same as there.
    pub fn check_shape(&self) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.secret_id(&self.id);
        violations.value(&self.value);
        if let Some(stages) = &self.stages {
            violations.stages("versionStages", stages);
        }
        violations.finish()
    }
}

impl UpdateSecret {
    /// As [`CreateSecret::check_shape`].
    ///
    /// # Errors
    /// The same as there.
    pub fn check_shape(&self) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.secret_id(&self.id);
        violations.length("description", self.description.as_deref().unwrap_or_default(), 0, 2048);
        violations.length("kmsKeyId", self.kms_key_id.as_deref().unwrap_or_default(), 0, 2048);
        if let Some(value) = &self.value {
            violations.value(value);
        }
        violations.finish()
    }
}
