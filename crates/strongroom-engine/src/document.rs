//! What a resource policy says, as far as it is checked when it is put. Deciding by it is the authorizer's.

use serde_json::{Map, Value};
use strongroom_types::{Arn, Caller, Realm};

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

/// A policy document that has the form of one.
pub(crate) struct Document(Vec<Statement>);

struct Statement {
    allows: bool,
    /// `NotPrincipal` covers everybody but a few.
    everybody_but: bool,
    principals: Vec<(String, String)>,
    /// `NotAction` covers everything but a few.
    everything_but: bool,
    actions: Vec<String>,
    /// `NotResource` covers every secret but a few.
    every_secret_but: bool,
    resources: Vec<String>,
    condition: Option<Map<String, Value>>,
}

/// A text or a list of texts.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) if !list.is_empty() => {
            list.iter().map(|one| one.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    }
}

/// Exactly one of a pair of elements, and whether it is the second.
fn one_of<'a>(statement: &'a Map<String, Value>, yes: &str, no: &str) -> Option<(&'a Value, bool)> {
    match (statement.get(yes), statement.get(no)) {
        (Some(value), None) => Some((value, false)),
        (None, Some(value)) => Some((value, true)),
        _ => None,
    }
}

impl Document {
    /// Reads a document: JSON, a version that exists, statements of known elements.
    pub(crate) fn parse(text: &str) -> Result<Self, Flaw> {
        Self::read(text).ok_or(Flaw::Syntax)
    }

    fn read(text: &str) -> Option<Self> {
        let document: Map<String, Value> = serde_json::from_str(text).ok()?;
        if !document.keys().all(|key| ["Version", "Id", "Statement"].contains(&key.as_str())) {
            return None;
        }
        let version = document.get("Version").map_or(Some("2008-10-17"), Value::as_str)?;
        if !["2012-10-17", "2008-10-17"].contains(&version)
            || !document.get("Id").is_none_or(Value::is_string)
        {
            return None;
        }
        let statements = match document.get("Statement")? {
            Value::Array(list) if !list.is_empty() => list.iter().map(Statement::read).collect(),
            one @ Value::Object(_) => Statement::read(one).map(|one| vec![one]),
            _ => None,
        };
        statements.map(Self)
    }

    /// What is wrong with it for this author and the secret of this ARN, each flaw once, in the order in which AWS's errors
    /// take precedence.
    pub(crate) fn flaws(&self, author: &Caller, realm: &Realm, secret: &str) -> Vec<Flaw> {
        let principals = || self.0.iter().flat_map(|statement| &statement.principals);
        let bad = |kind: &str, good: fn(&str) -> bool| {
            principals().any(|(known, name)| known == kind && !good(name))
        };
        let found = [
            (bad("AWS", is_principal), Flaw::Principal),
            (bad("Service", is_service), Flaw::Service),
            (self.shuts_out(author, realm, secret), Flaw::LockOut),
            (self.0.iter().any(Statement::is_public), Flaw::Public),
        ];
        found.into_iter().filter_map(|(found, flaw)| found.then_some(flaw)).collect()
    }
}

impl Document {
    /// Whether it forbids its author, without any condition, both to put another policy and to take this one away. One
    /// statement may forbid the one, another the other.
    fn shuts_out(&self, author: &Caller, realm: &Realm, secret: &str) -> bool {
        ["secretsmanager:putresourcepolicy", "secretsmanager:deleteresourcepolicy"]
            .iter()
            .all(|action| self.0.iter().any(|statement| statement.forbids(author, realm, secret, action)))
    }
}

impl Statement {
    fn read(value: &Value) -> Option<Self> {
        const ELEMENTS: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        let statement = value.as_object()?;
        if !statement.keys().all(|key| ELEMENTS.contains(&key.as_str())) {
            return None;
        }
        let allows = match statement.get("Effect")?.as_str()? {
            "Allow" => true,
            "Deny" => false,
            _ => return None,
        };
        let (principal, everybody_but) = one_of(statement, "Principal", "NotPrincipal")?;
        let principals = match principal {
            Value::String(all) if all == "*" => vec![("AWS".to_owned(), all.clone())],
            Value::Object(kinds) if !kinds.is_empty() => {
                let mut principals = Vec::new();
                for (kind, names) in kinds {
                    if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind.as_str()) {
                        return None;
                    }
                    principals.extend(texts(names)?.into_iter().map(|name| (kind.clone(), name)));
                }
                principals
            }
            _ => return None,
        };
        let (actions, everything_but) = one_of(statement, "Action", "NotAction")?;
        let actions = texts(actions)?;
        if !actions.iter().all(|action| action == "*" || action.contains(':')) {
            return None;
        }
        let (resources, every_secret_but) = one_of(statement, "Resource", "NotResource")?;
        let resources = texts(resources)?;
        let condition = match statement.get("Condition") {
            None => None,
            Some(Value::Object(operators)) if operators.values().all(Value::is_object) => {
                Some(operators.clone())
            }
            Some(_) => return None,
        };
        Some(Self {
            allows,
            everybody_but,
            principals,
            everything_but,
            actions,
            every_secret_but,
            resources,
            condition,
        })
    }

    /// Whether it forbids an action to its author, without any condition. `action` is in small letters.
    fn forbids(&self, author: &Caller, realm: &Realm, secret: &str, action: &str) -> bool {
        let account = realm.account();
        let root = format!("arn:{}:iam::{account}:root", realm.region().partition());
        let is_author = |name: &str| {
            name == "*" || name == author.to_string() || name == root || name == account.to_string()
        };
        let named = self.principals.iter().any(|(kind, name)| kind == "AWS" && is_author(name));
        let acts = self.actions.iter().any(|pattern| is_like(&pattern.to_lowercase(), action));
        let meant = self.resources.iter().any(|pattern| is_like(pattern, secret));
        !self.allows
            && self.condition.is_none()
            && named != self.everybody_but
            && acts != self.everything_but
            && meant != self.every_secret_but
    }

    /// Whether it lets in people nobody has named: everybody, unless a condition ties it to fixed values of where or whose
    /// the request is.
    fn is_public(&self) -> bool {
        let anybody = self.everybody_but || self.principals.iter().any(|(_, name)| name == "*");
        self.allows && anybody && !self.condition.as_ref().is_some_and(is_tied)
    }
}

/// Whether a condition holds only for fixed values of a key that says where or whose the request is.
fn is_tied(condition: &Map<String, Value>) -> bool {
    const OPERATORS: [&str; 5] =
        ["StringEquals", "StringLike", "ArnEquals", "ArnLike", "StringEqualsIgnoreCase"];
    const KEYS: [&str; 8] = [
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceaccount",
        "aws:principalorgid",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:sourceorgid",
    ];
    condition.iter().filter(|(operator, _)| OPERATORS.contains(&operator.as_str())).any(|(_, keys)| {
        keys.as_object().is_some_and(|keys| {
            keys.iter().any(|(key, values)| {
                KEYS.contains(&key.to_lowercase().as_str())
                    && texts(values).is_some_and(|values| values.iter().all(|value| is_fixed(value)))
            })
        })
    })
}

fn is_fixed(value: &str) -> bool {
    !value.is_empty() && !value.contains(['*', '?']) && !value.contains("${")
}

/// `*` any characters, `?` one.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&one) if one == b'?' || one == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// An account, its root, or a user or role of it; everybody; or the unique id of one that is gone.
fn is_principal(name: &str) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let is_id = |text: &str| {
        ["AIDA", "AROA"].iter().any(|prefix| text.starts_with(prefix))
            && text.len() >= 16
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    if name == "*" || is_account(name) || is_id(name) {
        return true;
    }
    let Ok(arn) = Arn::parse(name) else { return false };
    let of = |kind: &str| {
        arn.resource().strip_prefix(kind).is_some_and(|rest| !rest.is_empty() && !rest.contains('*'))
    };
    is_account(arn.account())
        && match arn.service() {
            "iam" => arn.resource() == "root" || of("user/") || of("role/"),
            "sts" => of("assumed-role/") || of("federated-user/"),
            _ => false,
        }
}

/// `rds.amazonaws.com` and the like.
fn is_service(name: &str) -> bool {
    [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|suffix| {
        name.strip_suffix(suffix).is_some_and(|service| {
            !service.is_empty()
                && service
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-AbCdEf";

    fn flaws(statement: &str) -> Vec<Flaw> {
        let realm = Realm::default();
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        match Document::parse(&text) {
            Ok(document) => document.flaws(&Caller::Owner(realm.account()), &realm, SECRET),
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
            assert_eq!(Document::parse(text).err(), Some(Flaw::Syntax), "{text}");
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
    fn principals_that_can_and_cannot_be() {
        for good in [
            r#"{"AWS":"111122223333"}"#,
            r#"{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/path/r"]}"#,
            r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/r/session"}"#,
            r#"{"AWS":"AROAEXAMPLE1234567"}"#,
            r#"{"Service":"rds.amazonaws.com"}"#,
            r#"{"Federated":"cognito-identity.amazonaws.com"}"#,
        ] {
            assert_eq!(allow(good, ""), [], "{good}");
        }
        for bad in [
            r#"{"AWS":"me"}"#,
            r#"{"AWS":"arn:aws:iam::111122223333:user/"}"#,
            r#"{"AWS":"arn:aws:iam::111122223333:role/*"}"#,
            r#"{"AWS":"arn:aws:s3:::bucket"}"#,
        ] {
            assert_eq!(allow(bad, ""), [Flaw::Principal], "{bad}");
        }
        assert_eq!(allow(r#"{"Service":"rds"}"#, ""), [Flaw::Service]);
        assert_eq!(allow(r#"{"Service":".amazonaws.com"}"#, ""), [Flaw::Service]);
    }

    #[test]
    fn everybody_is_public_unless_tied_to_a_fixed_place_or_owner() {
        for everybody in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["111122223333","*"]}"#] {
            assert_eq!(allow(everybody, ""), [Flaw::Public], "{everybody}");
        }
        let with = |condition: &str| allow(r#""*""#, &format!(r#","Condition":{condition}"#));
        for tied in [
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#,
            r#"{"StringEquals":{"AWS:SourceAccount":["111122223333","444455556666"]}}"#,
            r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}}"#,
        ] {
            assert_eq!(with(tied), [], "{tied}");
        }
        for loose in [
            r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#,
            r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#,
            r#"{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#,
            r#"{"StringEquals":{"aws:SourceVpc":"${aws:username}"}}"#,
            r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
        ] {
            assert_eq!(with(loose), [Flaw::Public], "{loose}");
        }
        let but = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"a:b","Resource":"*"}"#;
        assert_eq!(flaws(but), [Flaw::Public]);
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

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a:*", "a:b", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a*c*e", "abcde", true),
            ("a*c", "abcd", false),
            ("", "a", false),
            ("a**", "a", true),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
    }
}
