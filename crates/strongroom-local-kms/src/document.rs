//! The documents of key policies.

use std::collections::BTreeMap;

use strongroom_kms::{Error, ErrorKind, PutKeyPolicy};
use strongroom_policy::{Effect, Policy, PrincipalName, Quantifier};
use strongroom_types::Realm;

use crate::layout::StoredKey;
use crate::managed::Managed;

/// What the one policy of a key is called.
pub(crate) const NAME: &str = "default";

/// The policy of a key that was made without one: it leaves everything to the account.
fn default_text(realm: &Realm) -> String {
    let (partition, account) = (realm.region().partition(), realm.account());
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// The policy of a service's managed key: use through the service only, metadata for the account.
fn managed_text(service: &str, realm: &Realm) -> String {
    let (partition, account, region) = (realm.region().partition(), realm.account(), realm.region());
    let managed = Managed::named(service);
    let (spoken, via) = managed.map_or((service, service), |managed| (managed.spoken, managed.via));
    let sid = format!(
        "Allow access through {spoken} for all principals in the account that are authorized to use {spoken}"
    );
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "auto-{service}-2",
  "Statement" : [ {{
    "Sid" : "{sid}",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "{via}.{region}.amazonaws.com"
      }}
    }}
  }}, {{
    "Sid" : "{sid}",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : "kms:GenerateDataKey*",
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}"
      }},
      "StringLike" : {{
        "kms:ViaService" : "{via}.*.amazonaws.com"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  }} ]
}}"#
    )
}

impl StoredKey {
    /// The policy as GetKeyPolicy tells it.
    pub(crate) fn policy_text(&self, realm: &Realm) -> String {
        match (&self.record.policy, &self.record.service) {
            (Some(text), _) => text.clone(),
            (None, Some(service)) => managed_text(service, realm),
            (None, None) => default_text(realm),
        }
    }

    /// The policy, read.
    pub(crate) fn policy(&self, realm: &Realm) -> Result<&Policy, Error> {
        if let Some(policy) = self.policy.get() {
            return Ok(policy);
        }
        let mut policy = Policy::kept_resource(&self.policy_text(realm)).map_err(|error| {
            // It was checked before it was kept.
            Error::new(ErrorKind::Tampered, "the key's policy is not readable").because(error)
        })?;
        policy.bind(&self.record.policy_ids);
        Ok(self.policy.get_or_init(|| policy))
    }
}

pub(crate) fn check_name(name: Option<&str>) -> Result<(), Error> {
    match name {
        None | Some(NAME) => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::NotFound, "No such policy exists")),
    }
}

pub(crate) fn malformed(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::MalformedPolicy, text.into())
}

pub(crate) fn nobody() -> Error {
    malformed("Policy contains a statement with one or more invalid principals.")
}

/// A document to be put, and whom it names.
pub(crate) struct NewPolicy {
    pub(crate) text: String,
    pub(crate) ids: BTreeMap<String, String>,
}

impl NewPolicy {
    /// As it will be decided by.
    pub(crate) fn read(&self) -> Result<Policy, Error> {
        let mut policy = check(&self.text)?;
        policy.bind(&self.ids);
        Ok(policy)
    }
}

/// Everything that can be wrong with a document whoever puts it.
pub(crate) fn check(text: &str) -> Result<Policy, Error> {
    if text.is_empty() {
        return Err(Error::new(
            ErrorKind::Validation,
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    if text.len() > PutKeyPolicy::MAX_LEN {
        return Err(Error::new(ErrorKind::LimitExceeded, "The key policy is longer than 32768 bytes"));
    }
    let policy = Policy::resource(text).map_err(|error| malformed(error.to_string()))?;
    let statements = || policy.statements().iter();
    let names = || statements().filter_map(|statement| statement.principals()).flat_map(|some| some.names());
    let canonical = |name: &PrincipalName| matches!(name, PrincipalName::CanonicalUser(_));
    if policy.invalid_principals().next().is_some() || names().any(canonical) {
        return Err(nobody());
    }
    let all_but = |statement: &strongroom_policy::Statement| {
        statement.effect() == Effect::Allow && statement.principals().is_some_and(|some| some.all_but())
    };
    if statements().any(all_but) {
        return Err(malformed("NotPrincipal cannot be used with Allow"));
    }
    let loose = |statement: &strongroom_policy::Statement| {
        statement.conditions().iter().any(|condition| {
            condition.quantifier() == Some(Quantifier::ForAllValues)
                && condition.key().to_ascii_lowercase().starts_with("kms:encryptioncontext:")
        })
    };
    if statements().any(loose) {
        return Err(malformed(
            "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with a single-valued condition key matches requests without the specified encryption context or with an unspecified encryption context. To fix, remove ForAllValues.",
        ));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managed::MANAGED;

    #[test]
    fn the_policies_that_come_with_keys_are_good_ones() {
        let realm = Realm::default();
        check(&default_text(&realm)).unwrap();
        for managed in &MANAGED {
            check(&managed_text(managed.service(), &realm)).unwrap();
        }
    }
}
