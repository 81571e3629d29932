//! Checks that the inner store returned the requested secret: it must not be able to substitute one
//! secret for another.

use strongroom_store::{SecretArn, SecretId, SecretVersion, VersionId};
use strongroom_types::Arn;

/// The secret and version that a caller named.
#[derive(Clone)]
pub(crate) struct RequestedSecret {
    id: SecretId,
    version: Option<VersionId>,
}

impl RequestedSecret {
    pub(crate) fn new(id: &SecretId, version: Option<&VersionId>) -> Self {
        Self { id: id.clone(), version: version.cloned() }
    }

    /// Whether this name and ARN are those of the requested secret.
    pub(crate) fn is(&self, name: &str, arn: &Arn) -> bool {
        let text = self.id.as_str();
        if !text.starts_with("arn:") {
            // Parameters may be named with or without a leading slash.
            return text == name || text.strip_prefix('/') == Some(name);
        }
        // An ARN may omit Secrets Manager's suffix; the name must be the one in the ARN.
        SecretArn::is(arn.as_str(), text) && holds(arn, name)
    }

    pub(crate) fn answered_by(&self, stored: &SecretVersion) -> bool {
        let version = self.version.as_ref().is_none_or(|version| *version == stored.version_id);
        version && self.is(&stored.name, &stored.arn)
    }
}

/// Whether a secret of this name may have this ARN.
fn holds(arn: &Arn, name: &str) -> bool {
    let resource = arn.resource();
    if let Some(own) = resource.strip_prefix("secret:") {
        return own.strip_prefix(name).is_some_and(|suffix| suffix.len() == 7 && suffix.starts_with('-'));
    }
    // Below a path, as in `parameter/app/db`.
    resource.strip_suffix(name).is_some_and(|path| path.is_empty() || path.ends_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_for_what_was_asked() {
        let arn =
            |resource: &str| Arn::parse(&format!("arn:aws:x:us-east-1:000000000000:{resource}")).unwrap();
        let is = |id: &str, name: &str, resource: &str| {
            RequestedSecret::new(&SecretId::new(id), None).is(name, &arn(resource))
        };
        let full = "arn:aws:x:us-east-1:000000000000:secret:prod/db-AbCdEf";
        let partial = "arn:aws:x:us-east-1:000000000000:secret:prod/db";
        for (id, name, resource) in [
            ("prod/db", "prod/db", "secret:prod/db-AbCdEf"),
            (full, "prod/db", "secret:prod/db-AbCdEf"),
            (partial, "prod/db", "secret:prod/db-AbCdEf"),
            ("/prod/db", "prod/db", "parameter/prod/db"),
            ("arn:aws:x:us-east-1:000000000000:parameter/app/db", "db", "parameter/app/db"),
        ] {
            assert!(is(id, name, resource), "{id} {name} {resource}");
        }
        for (id, name, resource) in [
            ("prod/db", "test/db", "secret:test/db-AbCdEf"),
            ("prod/db", "db", "secret:prod/db-AbCdEf"),
            (full, "test/db", "secret:prod/db-AbCdEf"),
            (full, "db", "secret:prod/db-AbCdEf"),
            (full, "test/db", "secret:test/db-AbCdEf"),
            (partial, "prod/db-x", "secret:prod/db-x-AbCdEf"),
        ] {
            assert!(!is(id, name, resource), "{id} {name} {resource}");
        }
    }
}
