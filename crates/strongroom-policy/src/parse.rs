//! The policy parser.

use crate::condition::OPERATORS;
use crate::document::Patterns;
use crate::json::{Kind, Node, describe, path};
use crate::pattern::{Pattern, Reading};
use crate::{Condition, Effect, ParseError, Policy, PrincipalName, Principals, Statement, Version};

/// What a policy is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PolicyKind {
    Identity,
    Resource,
    /// A role: its trust policy.
    Role,
}

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

/// How strictly documents are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strictness {
    /// The document is about to be put: reject everything that IAM rejects.
    New,
    /// The document is stored: accept what earlier versions accepted, so that it stays readable.
    Kept,
}

impl Policy {
    /// Parses a policy without principals: an identity-based policy, a permissions boundary, a
    /// session policy or a service control policy.
    ///
    /// # Errors
    /// [`ParseError`] with line, element and reason.
    pub fn identity(text: &str) -> Result<Self, ParseError> {
        policy(text, PolicyKind::Identity, Strictness::New)
    }

    /// Parses a resource-based policy, in which each statement has principals. Invalid principal
    /// names are not an error here: see [`Policy::invalid_principals`].
    ///
    /// # Errors
    /// [`ParseError`] with line, element and reason.
    pub fn resource(text: &str) -> Result<Self, ParseError> {
        policy(text, PolicyKind::Resource, Strictness::New)
    }

    /// Parses the trust policy of a role, which has principals but no resources.
    ///
    /// # Errors
    /// [`ParseError`] with line, element and reason.
    pub fn trust(text: &str) -> Result<Self, ParseError> {
        policy(text, PolicyKind::Role, Strictness::New)
    }

    /// Parses a stored identity-based policy, which was checked when it was put. It accepts what
    /// [`Policy::identity`] rejects only since later versions.
    ///
    /// # Errors
    /// [`ParseError`] with line, element and reason.
    pub fn kept_identity(text: &str) -> Result<Self, ParseError> {
        policy(text, PolicyKind::Identity, Strictness::Kept)
    }

    /// Parses a stored resource-based policy: see [`Policy::kept_identity`].
    ///
    /// # Errors
    /// [`ParseError`] with line, element and reason.
    pub fn kept_resource(text: &str) -> Result<Self, ParseError> {
        policy(text, PolicyKind::Resource, Strictness::Kept)
    }

    /// Parses a stored trust policy: see [`Policy::kept_identity`].
    ///
    /// # Errors
    /// [`ParseError`] with line, element and reason.
    pub fn kept_trust(text: &str) -> Result<Self, ParseError> {
        policy(text, PolicyKind::Role, Strictness::Kept)
    }
}

fn policy(text: &str, kind: PolicyKind, strictness: Strictness) -> Result<Policy, ParseError> {
    if text.len() > Policy::MAX_LEN {
        return Err(ParseError::new(1, "", format!("is longer than {} bytes", Policy::MAX_LEN)));
    }
    let document = Node::parse(text)?;
    let mut version = Version::V2008;
    let (mut id, mut statements) = (None, None);
    for (name, value) in document.members("")? {
        match name.as_str() {
            "Version" => {
                version = match value.string("Version")?.as_str() {
                    "2012-10-17" => Version::V2012,
                    "2008-10-17" => Version::V2008,
                    _ => return Err(value.error("Version", "must be 2012-10-17 or 2008-10-17")),
                };
            }
            "Id" => id = Some(value.string("Id")?),
            "Statement" => statements = Some(value),
            other => {
                return Err(value.error(&path("", other), unknown(other, &["Version", "Id", "Statement"])));
            }
        }
    }
    let statements = statements.ok_or_else(|| document.error("Statement", "is missing"))?;
    let several = statements.kind() == Kind::Array;
    let mut read: Vec<Statement> = Vec::new();
    for (index, node) in statements.list("Statement")?.into_iter().enumerate() {
        let place = if several { format!("Statement[{index}]") } else { "Statement".to_owned() };
        let statement = statement(node, &place, (kind, strictness), version)?;
        let taken = |sid: &String| read.iter().any(|earlier| earlier.sid.as_ref() == Some(sid));
        if kind == PolicyKind::Identity && statement.sid.as_ref().is_some_and(taken) {
            return Err(node.error(&path(&place, "Sid"), "is that of another statement"));
        }
        read.push(statement);
    }
    Ok(Policy { version, id, statements: read })
}

fn statement(
    node: Node<'_>,
    place: &str,
    (kind, strictness): (PolicyKind, Strictness),
    version: Version,
) -> Result<Statement, ParseError> {
    let members = node.members(place)?;
    if let Some((name, value)) = members.iter().find(|(name, _)| !ELEMENTS.contains(&name.as_str())) {
        return Err(value.error(&path(place, name), unknown(name, &ELEMENTS)));
    }
    let find = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    // Takes exactly one of a pair, and returns whether it is the second.
    let one_of = |yes: &'static str, no: &'static str| match (find(yes), find(no)) {
        (Some(value), None) => Ok((value, path(place, yes), false)),
        (None, Some(value)) => Ok((value, path(place, no), true)),
        (None, None) => Err(node.error(&path(place, yes), "is missing")),
        (Some(_), Some(value)) => Err(value.error(&path(place, no), format!("cannot stand beside {yes}"))),
    };
    let variables = version == Version::V2012;
    let sid = match find("Sid") {
        None => None,
        // An empty `Sid` counts as none, and several statements can have it.
        Some(value) => Some(sid(value, &path(place, "Sid"), kind)?).filter(|sid| !sid.is_empty()),
    };
    let effect = find("Effect").ok_or_else(|| node.error(&path(place, "Effect"), "is missing"))?;
    let effect = match effect.string(&path(place, "Effect"))?.as_str() {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        _ => return Err(effect.error(&path(place, "Effect"), "must be Allow or Deny")),
    };
    let principals = match kind {
        PolicyKind::Resource | PolicyKind::Role => {
            let (value, place, all_but) = one_of("Principal", "NotPrincipal")?;
            Some(Principals { all_but, names: principals(value, &place)? })
        }
        PolicyKind::Identity => {
            for name in ["Principal", "NotPrincipal"] {
                if let Some(value) = find(name) {
                    let reason =
                        "belongs into policies of resources: this one is about whom it is attached to";
                    return Err(value.error(&path(place, name), reason));
                }
            }
            None
        }
    };
    let (value, element, all_but) = one_of("Action", "NotAction")?;
    let actions = Patterns { all_but, patterns: actions(value, &element, strictness)? };
    let resources = match kind {
        PolicyKind::Role => {
            for name in ["Resource", "NotResource"] {
                if let Some(value) = find(name) {
                    let reason = "cannot stand in the policy of a role: it is about the role itself";
                    return Err(value.error(&path(place, name), reason));
                }
            }
            let reading = Reading { wildcards: true, variables: false };
            Patterns { all_but: false, patterns: Pattern::parse("*", reading).into_iter().collect() }
        }
        _ => {
            let (value, element, all_but) = one_of("Resource", "NotResource")?;
            Patterns { all_but, patterns: resources(value, &element, variables, strictness)? }
        }
    };
    let conditions = match find("Condition") {
        None => Vec::new(),
        Some(value) => conditions(value, &path(place, "Condition"), variables)?,
    };
    Ok(Statement { sid, line: node.line(), effect, principals, actions, resources, conditions })
}

fn sid(value: Node<'_>, place: &str, kind: PolicyKind) -> Result<String, ParseError> {
    let sid = value.string(place)?;
    let bad = |c: &char| kind == PolicyKind::Identity && !c.is_ascii_alphanumeric();
    match sid.chars().find(bad) {
        None => Ok(sid),
        Some(odd) => {
            let reason = format!("may hold letters and digits only, not {}", describe(odd));
            Err(value.error(place, reason))
        }
    }
}

fn principals(value: Node<'_>, place: &str) -> Result<Vec<PrincipalName>, ParseError> {
    if value.kind() == Kind::Text {
        return match value.string(place)?.as_str() {
            "*" => Ok(vec![PrincipalName::Everybody]),
            _ => Err(value.error(place, "must be \"*\", or an object such as {\"AWS\": ...}")),
        };
    }
    let kinds = value.members(place)?;
    if kinds.is_empty() {
        return Err(value.error(place, "must not be empty"));
    }
    let mut names = Vec::new();
    for (kind, value) in kinds {
        let name = match kind.as_str() {
            "AWS" => PrincipalName::aws,
            "Service" => PrincipalName::service,
            "Federated" => PrincipalName::Federated,
            "CanonicalUser" => PrincipalName::CanonicalUser,
            other => {
                let known = ["AWS", "Service", "Federated", "CanonicalUser"];
                return Err(value.error(&path(place, other), unknown(other, &known)));
            }
        };
        names.extend(value.strings(&path(place, &kind))?.into_iter().map(name));
    }
    Ok(names)
}

fn actions(value: Node<'_>, place: &str, strictness: Strictness) -> Result<Vec<Pattern>, ParseError> {
    let mut patterns = Vec::new();
    for node in value.list(place)? {
        let action = node.string(place)?;
        let good = |c: char| c.is_ascii_alphanumeric() || "*?:-_".contains(c);
        if let Some(odd) = action.chars().find(|c| !good(*c)) {
            return Err(node.error(place, format!("{} cannot stand in an action", describe(odd))));
        }
        let shaped = action == "*"
            || action.split_once(':').is_some_and(|(service, name)| {
                !service.is_empty() && !name.is_empty() && !name.contains(':')
            });
        if !shaped {
            return Err(node.error(place, "an action is written as service:Operation"));
        }
        let service = action.split(':').next().unwrap_or_default();
        if strictness == Strictness::New && action != "*" && !is_service(service) {
            let reason = format!(
                "'{service}' is not the name of a service: a wildcard may stand behind the colon only"
            );
            return Err(node.error(place, reason));
        }
        let reading = Reading { wildcards: true, variables: false };
        let pattern = Pattern::parse(&action.to_lowercase(), reading);
        let pattern = pattern.map_err(|reason| node.error(place, reason))?;
        patterns.push(pattern.written(&action));
    }
    Ok(patterns)
}

/// Whether it is a valid service name: not empty, without wildcards or variables.
fn is_service(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn resources(
    value: Node<'_>,
    place: &str,
    variables: bool,
    strictness: Strictness,
) -> Result<Vec<Pattern>, ParseError> {
    let mut patterns = Vec::new();
    for node in value.list(place)? {
        let resource = node.string(place)?;
        let kept = strictness == Strictness::Kept && resource.starts_with(['*', '?', '$']);
        if !kept && resource != "*" && !resource.starts_with("arn:") {
            return Err(node.error(place, "must be an ARN or \"*\""));
        }
        if strictness == Strictness::New && resource != "*" {
            check_arn(&resource).map_err(|reason| node.error(place, reason))?;
        }
        // Before the fifth colon of an ARN, a variable is not replaced. (IAM User Guide, "Resource
        // element", `reference_policies_variables.html`.)
        let variables = variables && !has_early_variable(&resource);
        let pattern = Pattern::parse(&resource, Reading { wildcards: true, variables });
        patterns.push(pattern.map_err(|reason| node.error(place, reason))?);
    }
    Ok(patterns)
}

/// Whether a variable begins before the fifth colon.
pub(crate) fn has_early_variable(resource: &str) -> bool {
    let colons = |at: usize| resource.as_bytes()[..at].iter().filter(|byte| **byte == b':').count();
    let variable = |at: usize| !["${*}", "${?}", "${$}"].iter().any(|sign| resource[at..].starts_with(sign));
    resource.match_indices("${").any(|(at, _)| variable(at) && colons(at) < 5)
}

/// The partition and the service of an ARN: the only wildcard that IAM accepts there is `*` for the
/// partition.
fn check_arn(arn: &str) -> Result<(), String> {
    let mut parts = arn.split(':').skip(1);
    let partition = parts.next().unwrap_or_default();
    if partition != "*" && !is_service(partition) {
        return Err("an ARN begins with arn:aws: or another partition".to_owned());
    }
    match parts.next() {
        Some(service) if is_service(service) => Ok(()),
        // It is not replaced, so it names no service.
        Some(service) if service.contains("${") => Ok(()),
        Some(service) if service.contains(['*', '?']) => {
            Err("the service of an ARN must be written out: it takes no wildcard".to_owned())
        }
        _ => Err("an ARN names a service, as arn:aws:secretsmanager:region:account:secret:name".to_owned()),
    }
}

fn conditions(value: Node<'_>, place: &str, variables: bool) -> Result<Vec<Condition>, ParseError> {
    let mut conditions = Vec::new();
    for (operator, keys) in value.members(place)? {
        let place = path(place, &operator);
        let base = operator.rsplit(':').next().unwrap_or_default();
        let base = base.strip_suffix("IfExists").unwrap_or(base);
        if !OPERATORS.contains(&base) {
            return Err(keys.error(&place, unknown(base, &OPERATORS)));
        }
        for (key, values) in keys.members(&place)? {
            let place = path(&place, &key);
            let list = values.list(&place)?;
            let texts = list.iter().map(|one| one.scalar(&place)).collect::<Result<_, _>>()?;
            let condition = Condition::parse(&operator, &key, texts, variables);
            conditions.push(condition.map_err(|reason| values.error(&place, reason))?);
        }
    }
    Ok(conditions)
}

/// Describes an unknown name: an odd character in it, the name that was probably meant, or all
/// known names.
fn unknown(name: &str, known: &[&str]) -> String {
    if let Some(odd) = name.chars().find(|c| !c.is_ascii()) {
        return format!("is not known; it holds {}", describe(odd));
    }
    match known.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(meant) => format!("is not known: it is written {meant}"),
        None if known.len() <= 9 => format!("is not known: here may stand {}", known.join(", ")),
        None => "is not known".to_owned(),
    }
}
