//! What policies see of a call on a key.

use strongroom_kms::{GrantConstraint, KeyRef};
use strongroom_policy::Context;

use crate::call::KeyCall;
use crate::layout::StoredKey;
use crate::needs::Permission;

/// The condition keys that a permission on a key is decided by, but for those of the caller: what
/// the key is, what the call says, and whether a service makes it.
pub(crate) fn facts_of(
    permission: &Permission,
    key: &StoredKey,
    call: &KeyCall<'_>,
    by_service: bool,
) -> Context {
    let mut facts = Context::new();
    facts.set("kms:KeySpec", key.spec.to_string());
    facts.set("kms:KeyUsage", key.spec.usage().to_string());
    facts.set("kms:KeyOrigin", key.origin().to_string());
    facts.set("kms:MultiRegion", key.id.is_multi_region().to_string());
    if key.id.is_multi_region() {
        facts.set("kms:MultiRegionKeyType", "PRIMARY");
    }
    for (tag, value) in &key.record.tags {
        facts.set_first(format!("aws:ResourceTag/{tag}"), value);
    }
    if let Some(KeyRef::Alias(name) | KeyRef::AliasArn(_, name)) = call.reference {
        facts.set("kms:RequestAlias", name.as_str());
    }
    if let Some(context) = call.context {
        if permission.encrypts {
            facts.set("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
        }
        for (name, value) in context.iter() {
            facts.set(format!("kms:EncryptionContext:{name}"), value);
        }
        if !context.is_empty() {
            facts.set_many("kms:EncryptionContextKeys", context.iter().map(|(name, _)| name));
        }
    }
    if let Some(grant) = call.grant {
        facts.set_many("kms:GrantOperations", grant.operations.iter().map(|one| one.as_str()));
        facts.set("kms:GranteePrincipal", &grant.grantee);
        if let Some(retiring) = &grant.retiring {
            facts.set("kms:RetiringPrincipal", retiring);
        }
        if let Some(constraint) = &grant.constraint {
            let kind = match constraint {
                GrantConstraint::EncryptionContextEquals(_) => "EncryptionContextEquals",
                _ => "EncryptionContextSubset",
            };
            facts.set("kms:GrantConstraintType", kind);
            for (name, value) in constraint.context().iter() {
                facts.set_first(format!("kms:EncryptionContext:{name}"), value);
            }
            facts.set_many("kms:EncryptionContextKeys", constraint.context().iter().map(|(name, _)| name));
        }
    }
    if permission.about_grants {
        facts.set("kms:GrantIsForAWSResource", by_service.to_string());
    }
    facts.extend(call.facts());
    facts
}
