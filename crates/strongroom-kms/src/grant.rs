//! Grants: permission for one principal, given by a call instead of a policy.

use strongroom_envelope::EncryptionContext;
use strongroom_types::{AccountId, Arn, Timestamp};

use crate::key::words;
use crate::{Error, ErrorKind, KeyRef, KeyUsage};

words!(
    /// The operations that a grant can allow.
    GrantOperation {
        /// Decrypt.
        Decrypt = "Decrypt",
        /// Encrypt.
        Encrypt = "Encrypt",
        /// GenerateDataKey.
        GenerateDataKey = "GenerateDataKey",
        /// GenerateDataKeyWithoutPlaintext.
        GenerateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext",
        /// ReEncrypt, as the source key.
        ReEncryptFrom = "ReEncryptFrom",
        /// ReEncrypt, as the destination key.
        ReEncryptTo = "ReEncryptTo",
        /// CreateGrant, for grants that allow no more than this one.
        CreateGrant = "CreateGrant",
        /// RetireGrant, of this grant.
        RetireGrant = "RetireGrant",
        /// DescribeKey.
        DescribeKey = "DescribeKey",
        /// GenerateMac.
        GenerateMac = "GenerateMac",
        /// VerifyMac.
        VerifyMac = "VerifyMac",
    }
);

impl GrantOperation {
    /// Whether a grant of a key with this usage can allow it.
    #[must_use]
    pub fn fits(self, usage: KeyUsage) -> bool {
        match self {
            Self::CreateGrant | Self::RetireGrant | Self::DescribeKey => true,
            Self::GenerateMac | Self::VerifyMac => usage == KeyUsage::GenerateVerifyMac,
            _ => usage == KeyUsage::EncryptDecrypt,
        }
    }
}

/// A constraint on the encryption context of requests that a grant covers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantConstraint {
    /// Exactly these pairs.
    EncryptionContextEquals(EncryptionContext),
    /// At least these pairs.
    EncryptionContextSubset(EncryptionContext),
}

impl GrantConstraint {
    /// The maximum number of pairs.
    pub const MAX_PAIRS: usize = 8;
    /// The maximum length of a value, in characters.
    pub const MAX_CHARS: usize = 384;

    /// The pairs.
    #[must_use]
    pub fn context(&self) -> &EncryptionContext {
        match self {
            Self::EncryptionContextEquals(context) | Self::EncryptionContextSubset(context) => context,
        }
    }

    /// Whether the grant covers a request with this context.
    ///
    /// Keys are compared ignoring case, but values are not, unlike in cryptographic operations ("in
    /// a grant constraint, the key in each key-value pair is not case sensitive, but the value is
    /// case sensitive", KMS API Reference, `GrantConstraints`).
    #[must_use]
    pub fn allows(&self, context: &EncryptionContext) -> bool {
        match self {
            Self::EncryptionContextEquals(wanted) => equals(context, wanted),
            Self::EncryptionContextSubset(wanted) => holds(context, wanted),
        }
    }

    /// Whether this constraint allows everything that `other` allows.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::EncryptionContextEquals(own), Self::EncryptionContextEquals(other)) => equals(own, other),
            (Self::EncryptionContextEquals(_), Self::EncryptionContextSubset(_)) => false,
            (Self::EncryptionContextSubset(own), other) => holds(other.context(), own),
        }
    }
}

/// A context with its keys in lower case, in order. Pairs that differ only in the case of their
/// keys stay separate.
fn folded(context: &EncryptionContext) -> Vec<(String, &str)> {
    let mut pairs: Vec<_> = context.iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
    pairs.sort_unstable();
    pairs
}

/// Whether both have the same pairs.
fn equals(context: &EncryptionContext, wanted: &EncryptionContext) -> bool {
    folded(context) == folded(wanted)
}

/// Whether `context` has all pairs of `wanted`.
fn holds(context: &EncryptionContext, wanted: &EncryptionContext) -> bool {
    let mut pairs = folded(context);
    folded(wanted).iter().all(|pair| {
        // Each pair satisfies only one of the constraint's.
        pairs.iter().position(|own| own == pair).map(|at| pairs.remove(at)).is_some()
    })
}

/// The request of CreateGrant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreateGrant {
    /// The grantee: the ARN of a principal, or a service such as `rds.amazonaws.com`.
    pub grantee: String,
    /// The principal that can retire the grant. When absent, only the account and, if allowed to,
    /// the grantee can.
    pub retiring: Option<String>,
    /// The allowed operations.
    pub operations: Vec<GrantOperation>,
    /// The constraint on the encryption context; none when absent.
    pub constraint: Option<GrantConstraint>,
    /// A name, which makes repeating the same request return the same grant.
    pub name: Option<String>,
    /// Tokens of grants that may not have propagated everywhere yet.
    pub grant_tokens: Vec<String>,
    /// Check the request without executing it.
    pub dry_run: bool,
}

impl CreateGrant {
    /// A grant for the principal of this ARN, or a service.
    #[must_use]
    pub fn new(grantee: impl Into<String>, operations: impl IntoIterator<Item = GrantOperation>) -> Self {
        Self {
            grantee: grantee.into(),
            retiring: None,
            operations: operations.into_iter().collect(),
            constraint: None,
            name: None,
            grant_tokens: Vec::new(),
            dry_run: false,
        }
    }

    /// Lets this principal retire the grant.
    #[must_use]
    pub fn retiring(mut self, principal: impl Into<String>) -> Self {
        self.retiring = Some(principal.into());
        self
    }

    /// For requests with exactly this encryption context.
    #[must_use]
    pub fn context_equals(mut self, context: EncryptionContext) -> Self {
        self.constraint = Some(GrantConstraint::EncryptionContextEquals(context));
        self
    }

    /// For requests whose encryption context holds these pairs.
    #[must_use]
    pub fn context_subset(mut self, context: EncryptionContext) -> Self {
        self.constraint = Some(GrantConstraint::EncryptionContextSubset(context));
        self
    }

    /// Names the grant.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes it a dry run.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Checks everything about the request that does not depend on the key.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`], [`ErrorKind::InvalidArn`] for principals.
    pub fn check(&self) -> Result<(), Error> {
        check_principal("granteePrincipal", &self.grantee)?;
        if let Some(retiring) = &self.retiring {
            check_principal("retiringPrincipal", retiring)?;
        }
        if self.operations.is_empty() {
            return Err(invalid(
                "Value '[]' at 'operations' failed to satisfy constraint: Member must not be empty",
            ));
        }
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        if self.grant_tokens.len() > 10 {
            return Err(invalid(
                "Value at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10",
            ));
        }
        let Some(constraint) = &self.constraint else { return Ok(()) };
        let long =
            constraint.context().iter().any(|(_, value)| value.chars().count() > GrantConstraint::MAX_CHARS);
        // AWS's texts are unconfirmed.
        if constraint.context().is_empty() {
            return Err(Error::new(
                ErrorKind::Validation,
                "The encryption context of a grant constraint must not be empty",
            ));
        }
        if constraint.context().len() > GrantConstraint::MAX_PAIRS || long {
            return Err(Error::new(
                ErrorKind::Validation,
                "The encryption context of a grant constraint may hold at most 8 pairs, with values of at most 384 characters",
            ));
        }
        Ok(())
    }
}

fn invalid(violated: &str) -> Error {
    Error::new(ErrorKind::Validation, format!("1 validation error detected: {violated}"))
}

fn check_name(name: &str) -> Result<(), Error> {
    let bound = match name.chars().count() {
        0 => "Member must have length greater than or equal to 1",
        257.. => "Member must have length less than or equal to 256",
        _ if !name.chars().all(|c| c.is_ascii_alphanumeric() || ":/_-".contains(c)) => {
            "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
        }
        _ => return Ok(()),
    };
    Err(invalid(&format!("Value '{name}' at 'name' failed to satisfy constraint: {bound}")))
}

/// Whether a text is the ARN of an IAM principal, or, for the member `granteePrincipal`, the name
/// of a service.
///
/// # Errors
/// [`ErrorKind::Validation`], [`ErrorKind::InvalidArn`].
pub fn check_principal(member: &str, text: &str) -> Result<(), Error> {
    let bound = match text.chars().count() {
        0 => "greater than or equal to 1",
        257.. => "less than or equal to 256",
        _ => {
            let arn = Arn::parse(text).is_ok_and(|arn| {
                let account = AccountId::parse(arn.account()).is_ok();
                account && matches!(arn.service(), "iam" | "sts") && !arn.resource().contains(['*', '?'])
            });
            let service = [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|end| text.ends_with(end));
            if text.is_ascii()
                && (arn || (service && member == "granteePrincipal" && !text.contains([':', '*', '?', '/'])))
            {
                return Ok(());
            }
            // AWS's text is unconfirmed.
            return Err(Error::new(ErrorKind::InvalidArn, format!("{text} is not the ARN of a principal")));
        }
    };
    Err(invalid(&format!(
        "Value '{text}' at '{member}' failed to satisfy constraint: Member must have length {bound}"
    )))
}

/// The response of CreateGrant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct CreatedGrant {
    /// The grant token, which makes the grant usable before it has propagated. It is not secret and
    /// gives no one else any permission.
    pub token: String,
    /// 64 hexadecimal digits.
    pub id: String,
}

/// An entry of ListGrants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct Grant {
    /// The key.
    pub key_arn: Arn,
    /// 64 hexadecimal digits.
    pub id: String,
    /// Its name; empty if it has none.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// The grantee.
    pub grantee: String,
    /// The principal that can retire it.
    pub retiring: Option<String>,
    /// The account it was created in: `arn:aws:iam::111122223333:root`.
    pub issuing_account: String,
    /// The allowed operations.
    pub operations: Vec<GrantOperation>,
    /// The constraint on the encryption context.
    pub constraint: Option<GrantConstraint>,
}

/// A page of ListGrants or ListRetirableGrants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct GrantPage {
    /// The grants.
    pub grants: Vec<Grant>,
    /// Where the next page begins; `None` at the end.
    pub next_marker: Option<String>,
}

/// A filter for the grants of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantFilter {
    /// The one of this id.
    pub id: Option<String>,
    /// Those of this grantee.
    pub grantee: Option<String>,
}

impl GrantFilter {
    /// All.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The one of this id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Those of this grantee.
    #[must_use]
    pub fn grantee(mut self, grantee: impl Into<String>) -> Self {
        self.grantee = Some(grantee.into());
        self
    }
}

/// The grant to retire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantRef {
    /// By the token that CreateGrant returned.
    Token(String),
    /// By the key's id or ARN and the grant's id.
    Id {
        /// The key.
        key: KeyRef,
        /// The grant.
        id: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        EncryptionContext::from_pairs(pairs.iter().copied()).unwrap()
    }

    #[test]
    fn constraints_and_who_covers_whom() {
        let equals = |pairs| GrantConstraint::EncryptionContextEquals(context(pairs));
        let subset = |pairs| GrantConstraint::EncryptionContextSubset(context(pairs));
        let both = [("a", "1"), ("b", "2")];
        assert!(equals(&both).allows(&context(&both)) && !equals(&both[..1]).allows(&context(&both)));
        assert!(subset(&both[..1]).allows(&context(&both)) && !subset(&both).allows(&context(&both[..1])));
        assert!(!subset(&[("a", "2")]).allows(&context(&both)));
        assert!(subset(&both[..1]).covers(&subset(&both)) && !subset(&both).covers(&subset(&both[..1])));
        assert!(subset(&both[..1]).covers(&equals(&both)) && !equals(&both).covers(&subset(&both)));
        assert!(equals(&both).covers(&equals(&both)) && !equals(&both).covers(&equals(&both[..1])));
    }

    /// "In a grant constraint, the key in each key-value pair is not case sensitive, but the value
    /// is case sensitive." (KMS API Reference, `GrantConstraints`.)
    #[test]
    fn constraints_compare_keys_without_case_and_values_with_it() {
        let equals = |pairs: &[(&str, &str)]| GrantConstraint::EncryptionContextEquals(context(pairs));
        let subset = |pairs: &[(&str, &str)]| GrantConstraint::EncryptionContextSubset(context(pairs));
        let asked = context(&[("Department", "IT"), ("Stra\u{df}e", "7")]);
        for (pairs, allows) in [
            (&[("DEPARTMENT", "IT"), ("stra\u{df}e", "7")], true),
            (&[("stra\u{df}e", "7"), ("department", "IT")], true),
            (&[("Department", "it"), ("Stra\u{df}e", "7")], false),
            (&[("Department", "7"), ("Stra\u{df}e", "IT")], false),
        ] {
            assert_eq!(equals(pairs).allows(&asked), allows, "{pairs:?}");
            assert_eq!(subset(pairs).allows(&asked), allows, "{pairs:?}");
            assert_eq!(
                equals(pairs).covers(&GrantConstraint::EncryptionContextEquals(asked.clone())),
                allows
            );
            assert_eq!(
                subset(pairs).covers(&GrantConstraint::EncryptionContextSubset(asked.clone())),
                allows
            );
        }
        assert!(
            subset(&[("dEPARTMENT", "IT")]).allows(&asked) && !equals(&[("dEPARTMENT", "IT")]).allows(&asked)
        );
        assert!(!subset(&[("dEPARTMENT", "It")]).allows(&asked));
        // Of keys that differ in nothing but case, each counts for itself.
        let twice = [("a", "1"), ("A", "1")];
        assert!(equals(&twice).allows(&context(&twice)) && !equals(&twice).allows(&context(&twice[..1])));
        assert!(
            !subset(&twice).allows(&context(&twice[..1])) && !equals(&twice[..1]).allows(&context(&twice))
        );
    }

    #[test]
    fn each_wrong_member_has_its_error() {
        let role = "arn:aws:iam::111122223333:role/app";
        let good = || CreateGrant::new(role, [GrantOperation::Decrypt]).retiring(role).named("a:/_-9");
        good().check().unwrap();
        CreateGrant::new("rds.amazonaws.com", [GrantOperation::Decrypt]).check().unwrap();
        let kind = |request: CreateGrant| request.check().unwrap_err().kind();
        assert_eq!(kind(CreateGrant::new("", [GrantOperation::Decrypt])), ErrorKind::Validation);
        assert_eq!(kind(CreateGrant::new("me", [GrantOperation::Decrypt])), ErrorKind::InvalidArn);
        assert_eq!(kind(good().retiring("rds.amazonaws.com")), ErrorKind::InvalidArn);
        assert_eq!(kind(CreateGrant::new(role, [])), ErrorKind::Validation);
        assert_eq!(
            good().named("a b").check().unwrap_err().message(),
            "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
        );
        assert_eq!(kind(good().named("n".repeat(257))), ErrorKind::Validation);
        good().named("n".repeat(256)).check().unwrap();
        let pairs = |n: usize, len: usize| {
            EncryptionContext::from_pairs((0..n).map(|i| (i.to_string(), "v".repeat(len)))).unwrap()
        };
        good().context_equals(pairs(8, 384)).check().unwrap();
        assert_eq!(kind(good().context_equals(pairs(1, 385))), ErrorKind::Validation);
        assert_eq!(kind(good().context_subset(pairs(9, 1))), ErrorKind::Validation);
        assert_eq!(kind(good().context_subset(pairs(0, 1))), ErrorKind::Validation);
    }
}
