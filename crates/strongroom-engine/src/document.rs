//! What a resource policy says, as far as it is checked when it is put. Deciding by it is the authorizer's.

use strongroom_policy::{Effect, Policy, Principal, Request};

/// What is wrong with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is not a policy.
    Syntax,
    /// A principal of AWS that cannot be.
    Principal,
    /// A service principal that cannot be.
    Service,
    /// Its author could not change it again.
    LockOut,
    /// It lets anybody in.
    Public,
}

impl Flaw {
    /// AWS's text where it is known.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Syntax => "This resource policy contains a syntax error.",
            Self::Principal => "This resource policy contains an unsupported principal.",
            Self::Service => "This resource policy contains an invalid service principal.",
            Self::LockOut => "Your requested changes will not allow you to manage this secret in the future.",
            Self::Public => {
                "You can't attach a resource-based policy that allows broad access to the secret."
            }
        }
    }

    /// The name of the check in ValidateResourcePolicy; AWS's names are not known.
    pub(crate) fn check(self) -> &'static str {
        match self {
            Self::Syntax => "POLICY_SYNTAX",
            Self::Principal => "PRINCIPAL",
            Self::Service => "SERVICE_PRINCIPAL",
            Self::LockOut => "LOCK_OUT",
            Self::Public => "PUBLIC_ACCESS",
        }
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Policy, Flaw> {
    Policy::resource(text).map_err(|_| Flaw::Syntax)
}

/// What is wrong with a policy for this author and the secret of this ARN, each flaw once, in the order in which AWS's errors
/// take precedence.
pub(crate) fn flaws(policy: &Policy, author: &Principal, secret: &str) -> Vec<Flaw> {
    let bad = |wanted: &str| policy.invalid_principals().any(|(kind, _)| kind == wanted);
    let found = [
        (bad("AWS"), Flaw::Principal),
        (bad("Service"), Flaw::Service),
        (shuts_out(policy, author, secret), Flaw::LockOut),
        (policy.allows_everybody(), Flaw::Public),
    ];
    found.into_iter().filter_map(|(found, flaw)| found.then_some(flaw)).collect()
}

/// Whether it forbids its author, without any condition, both to put another policy and to take this one away. One statement
/// may forbid the one, another the other.
fn shuts_out(policy: &Policy, author: &Principal, secret: &str) -> bool {
    ["secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy"].iter().all(|action| {
        let request = Request::new(author.clone(), *action, secret);
        policy.statements().iter().any(|statement| {
            statement.effect() == Effect::Deny
                && statement.conditions().is_empty()
                && statement.matches(&request)
        })
    })
}

#[cfg(test)]
mod tests {
    use strongroom_types::{Caller, Realm};

    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-AbCdEf";

    fn flaws(statement: &str) -> Vec<Flaw> {
        let realm = Realm::default();
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let author = Principal::of(&Caller::Owner(realm.account()), &realm).unwrap();
        match parse(&text) {
            Ok(policy) => super::flaws(&policy, &author, SECRET),
            Err(flaw) => vec![flaw],
        }
    }

    fn allow(principal: &str, more: &str) -> Vec<Flaw> {
        flaws(&format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"secretsmanager:GetSecretValue","Resource":"*"{more}}}"#
        ))
    }

    #[test]
    fn what_is_no_policy() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Version":"2020-01-01","Statement":[]}"#,
            r#"{"Other":1,"Statement":[]}"#,
        ] {
            assert_eq!(parse(text).err(), Some(Flaw::Syntax), "{text}");
        }
        for statement in [
            r#"{}"#,
            r#"{"Effect":"allow","Principal":"*","Action":"a:b","Resource":"*"}"#,
            r#"{"Effect":"Allow","Action":"a:b","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"me","Action":"a:b","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":{"Who":"*"},"Action":"a:b","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","NotPrincipal":"*","Action":"a:b","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"read","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":[],"Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"a:b"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*","Condition":[]}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*","Extra":1}"#,
        ] {
            assert_eq!(flaws(statement), [Flaw::Syntax], "{statement}");
        }
    }

    #[test]
    fn each_flaw_has_its_place() {
        assert_eq!(allow(r#"{"AWS":"111122223333"}"#, ""), []);
        assert_eq!(allow(r#"{"AWS":"me"}"#, ""), [Flaw::Principal]);
        assert_eq!(allow(r#"{"Service":"rds"}"#, ""), [Flaw::Service]);
        assert_eq!(allow(r#""*""#, ""), [Flaw::Public]);
    }

    #[test]
    fn a_policy_must_not_shut_its_author_out() {
        let deny = |principal: &str, action: &str, more: &str| {
            flaws(&format!(
                r#"{{"Effect":"Deny","Principal":{principal},"Action":{action},"Resource":"*"{more}}}"#
            ))
        };
        let all = r#""secretsmanager:*""#;
        assert_eq!(deny(r#""*""#, all, ""), [Flaw::LockOut]);
        assert_eq!(deny(r#"{"AWS":"arn:aws:iam::000000000000:root"}"#, r#""*""#, ""), [Flaw::LockOut]);
        let both = r#"["secretsmanager:PutResourcePolicy","secretsmanager:Delete*"]"#;
        assert_eq!(deny(r#""*""#, both, ""), [Flaw::LockOut]);
        assert_eq!(deny(r#""*""#, r#""secretsmanager:PutResourcePolicy""#, ""), []);
        // The one forbidden here, the other there; another secret; this one by its ARN.
        let one = |action: &str, resource: &str| {
            format!(
                r#"{{"Effect":"Deny","Principal":"*","Action":"secretsmanager:{action}ResourcePolicy","Resource":"{resource}"}}"#
            )
        };
        assert_eq!(flaws(&format!("{},{}", one("Put", "*"), one("Delete", SECRET))), [Flaw::LockOut]);
        let other = SECRET.replace("s-AbCdEf", "other-AbCdEf");
        assert_eq!(flaws(&format!("{},{}", one("Put", "*"), one("Delete", &other))), []);
        assert_eq!(deny(r#"{"AWS":"111122223333"}"#, all, ""), []);
        assert_eq!(deny(r#""*""#, all, r#","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#), []);
        let but = r#"{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}"#;
        assert_eq!(flaws(but), [Flaw::LockOut]);
        let not =
            r#"{"Effect":"Deny","Principal":"*","NotAction":"secretsmanager:GetSecretValue","Resource":"*"}"#;
        assert_eq!(flaws(not), [Flaw::LockOut]);
    }
}
