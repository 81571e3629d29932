//! What is stored of a grant, and what it allows.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_envelope::EncryptionContext;
use strongroom_kms::{CreateGrant, Error, Grant, GrantConstraint, GrantOperation};
use strongroom_policy::{GrantReport, Principal};
use strongroom_root::UnknownMembers;
use strongroom_types::{Arn, Timestamp, hex};

use crate::call::KeyCall;
use crate::layout::encode;

/// A grant's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) name: Option<String>,
    pub(crate) created: i64,
    pub(crate) grantee: String,
    /// The grantee's unique id, where it was known when the grant was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) grantee_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) retiring: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) retiring_id: Option<String>,
    pub(crate) issuing_account: String,
    pub(crate) operations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) constraint: Option<Constraint>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Constraint {
    /// Exactly these pairs, or these among others.
    pub(crate) exact: bool,
    pub(crate) pairs: Vec<(String, String)>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

impl GrantRecord {
    pub(crate) fn operations(&self) -> impl Iterator<Item = GrantOperation> {
        self.operations.iter().filter_map(|word| GrantOperation::from_word(word))
    }

    pub(crate) fn constraint(&self) -> Result<Option<GrantConstraint>, Error> {
        let Some(constraint) = &self.constraint else { return Ok(None) };
        let context = EncryptionContext::from_pairs(constraint.pairs.iter().cloned())?;
        Ok(Some(if constraint.exact {
            GrantConstraint::EncryptionContextEquals(context)
        } else {
            GrantConstraint::EncryptionContextSubset(context)
        }))
    }

    /// Which request made it: its name and all that it asked for. Only named ones are kept.
    pub(crate) fn digest(&self) -> Result<Option<String>, Error> {
        let Some(name) = &self.name else { return Ok(None) };
        let mut operations = self.operations.clone();
        operations.sort_unstable();
        let whom = (&self.grantee, &self.grantee_id, &self.retiring, &self.retiring_id);
        let asked = encode(&(name, whom, operations, &self.constraint))?;
        Ok(Some(hex(&Sha256::digest(asked))))
    }

    pub(crate) fn to_grant(&self, key_arn: &Arn) -> Result<Grant, Error> {
        Ok(Grant {
            key_arn: key_arn.clone(),
            id: self.id.clone(),
            name: self.name.clone().unwrap_or_default(),
            created: Timestamp::from_millis(self.created),
            grantee: self.grantee.clone(),
            retiring: self.retiring.clone(),
            issuing_account: self.issuing_account.clone(),
            operations: self.operations().collect(),
            constraint: self.constraint()?,
        })
    }

    /// Whether the principal, under this name, is the grantee.
    pub(crate) fn is_for(&self, name: &str, who: &Principal) -> bool {
        self.grantee == name && self.grantee_id.as_deref().is_none_or(|id| who.unique_id() == Some(id))
    }

    pub(crate) fn grantee(&self) -> &str {
        &self.grantee
    }

    /// What it says to a request of this principal.
    pub(crate) fn report(
        &self,
        wanted: GrantOperation,
        call: &KeyCall<'_>,
        who: &Principal,
    ) -> Result<GrantReport, Error> {
        let is_theirs = names_of(who).any(|name| self.is_for(name, who));
        let matches = is_theirs && self.allows(wanted, call)?;
        let why = if matches {
            format!("allows {wanted}")
        } else if !is_theirs {
            "is for somebody who had this name before".to_owned()
        } else if !self.operations().any(|one| one == wanted) {
            format!("{wanted} is not among {}", self.operations.join(", "))
        } else {
            "its constraint is not met by the encryption context".to_owned()
        };
        Ok(GrantReport::new(&self.id, self.name.as_deref(), &self.grantee, matches, why))
    }

    /// Whether it lets its grantee do this.
    pub(crate) fn allows(&self, wanted: GrantOperation, call: &KeyCall<'_>) -> Result<bool, Error> {
        if !self.operations().any(|one| one == wanted) {
            return Ok(false);
        }
        let Some(constraint) = self.constraint()? else {
            return Ok(call.grant.is_none_or(|grant| self.covers(grant, None)));
        };
        Ok(match (wanted, call.grant, call.context) {
            (GrantOperation::DescribeKey | GrantOperation::RetireGrant, ..) => true,
            (GrantOperation::CreateGrant, Some(grant), _) => self.covers(grant, Some(&constraint)),
            (_, _, Some(context)) => constraint.allows(context),
            _ => false,
        })
    }

    /// Who may make grants by a grant makes none that allows more.
    pub(crate) fn covers(&self, grant: &CreateGrant, constraint: Option<&GrantConstraint>) -> bool {
        let operations: Vec<_> = self.operations().collect();
        grant.operations.iter().all(|one| operations.contains(one))
            && constraint.is_none_or(|own| grant.constraint.as_ref().is_some_and(|other| own.covers(other)))
    }
}

/// Under which names a principal may be a grantee.
pub(crate) fn names_of(who: &Principal) -> impl Iterator<Item = &str> {
    let session = (who.arn() != who.identity_arn()).then(|| who.arn());
    [Some(who.identity_arn()), session].into_iter().flatten().filter(|name| !name.is_empty())
}
