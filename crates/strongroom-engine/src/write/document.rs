//! The flaws of a resource policy, as far as they do not depend on who puts it.

use strongroom_policy::Policy;

/// What is wrong with a policy, in the order in which AWS's errors take precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flaw {
    /// The document cannot be parsed.
    Syntax,
    /// An impossible AWS principal.
    Principal,
    /// An impossible service principal.
    Service,
    /// Its author could not change it again.
    LockOut,
    /// It allows everybody.
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

/// The flaws of a policy that do not depend on who puts it.
pub(crate) fn flaws(policy: &Policy) -> Vec<Flaw> {
    let bad = |wanted: &str| policy.invalid_principals().any(|(kind, _)| kind == wanted);
    let found = [
        (bad("AWS"), Flaw::Principal),
        (bad("Service"), Flaw::Service),
        (policy.allows_everybody(), Flaw::Public),
    ];
    found.into_iter().filter_map(|(found, flaw)| found.then_some(flaw)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaws(statement: &str) -> Vec<Flaw> {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        match Policy::resource(&text) {
            Ok(policy) => super::flaws(&policy),
            Err(_) => vec![Flaw::Syntax],
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
            assert!(Policy::resource(text).is_err(), "{text}");
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
}
