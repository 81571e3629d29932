//! The constraints of requests, which AWS checks before anything else.

use crate::validate::Violations;
use crate::{BatchGetSecretValue, CreateSecret, Error, ErrorKind, Filter, PutSecretValue, UpdateSecret};

impl CreateSecret {
    /// Checks the length of every member. Name and token have further rules, checked afterwards.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] naming every violation.
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

impl BatchGetSecretValue {
    /// The maximum number of secrets per call.
    pub(crate) const MAX: i64 = 20;

    /// Checks every member: either secrets or filters must be given.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] naming every violation; [`ErrorKind::InvalidParameter`] with AWS's
    /// text.
    pub fn check_shape(&self) -> Result<(), Error> {
        let invalid = |text: &'static str| Err(Error::new(ErrorKind::InvalidParameter, text));
        let mut violations = Violations::new();
        violations.count("secretIdList", self.ids.len(), 0, 20);
        for (index, id) in self.ids.iter().enumerate() {
            violations.length(&format!("secretIdList.{}.member", index + 1), id.as_str(), 1, 2048);
        }
        if let Some(max_results) = self.max_results {
            violations.number("maxResults", max_results, 1, Self::MAX);
        }
        if let Some(token) = &self.next_token {
            violations.length("nextToken", token, 1, 4096);
        }
        Filter::check(&self.filters, &mut violations)?;
        violations.finish()?;
        match (self.ids.is_empty(), self.filters.is_empty()) {
            (true, true) | (false, false) => {
                invalid("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
            }
            (false, true) if self.max_results.is_some() => invalid(
                "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
            ),
            (false, true) if self.next_token.is_some() => invalid(
                "'Filters' not specified. 'Filters' must also be specified when 'NextToken' is provided.",
            ),
            _ => Ok(()),
        }
    }
}
