//! Where the simulator is known to differ from AWS's documentation, and what it is given instead or
//! forgiven.

use serde_json::{Map, Value, json};

use crate::Verdict;
use crate::generate::{Case, HERE, MOMENT_FORMS, Who};

/// A pattern that matches no value of a request.
const NOTHING: &str = "nothing is like this";
const NO_PRINCIPAL: &str = "arn:aws:iam::000000000000:user/nothing-is-like-this";
const NO_RESOURCE: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:nothing-is-like-this";

/// A document as the simulator has to be given it so that it means what AWS says. Nothing is left
/// out and no verdict is excluded by this; each change says the same in words that the simulator
/// reads as AWS does.
pub(crate) fn translated(document: &Value, context: &Map<String, Value>) -> Value {
    let mut document = document.clone();
    for statement in document["Statement"].as_array_mut().unwrap() {
        // "The resource that includes a policy variable with no value will not match any resource"
        // (IAM User Guide, `reference_policies_variables.html`). The simulator has a Deny with such
        // a NotResource match nothing.
        if statement["Effect"] == "Deny" && !statement["NotResource"].is_null() {
            each(&mut statement["NotResource"], |resource| {
                (has_no_value(resource, context) && !has_early_variable(resource))
                    .then(|| NO_RESOURCE.to_owned())
            });
        }
        let Some(conditions) = statement.get_mut("Condition").and_then(Value::as_object_mut) else {
            continue;
        };
        for (operator, keys) in conditions {
            for values in keys.as_object_mut().unwrap().values_mut() {
                each(values, |value| value_for(operator, value, context));
            }
        }
    }
    document
}

fn value_for(operator: &str, value: &str, context: &Map<String, Value>) -> Option<String> {
    // "Inverted condition operators like StringNotEquals or StringNotLike do match against a null
    // value" (same page). In the simulator they do not.
    let negated = operator.contains("Not");
    if negated && has_no_value(value, context) {
        return Some(if operator.contains("Arn") { NO_PRINCIPAL } else { NOTHING }.to_owned());
    }
    // "A date in one of the W3C forms, or in epoch (UNIX) time"
    // (`reference_policies_elements_condition_operators.html`). The simulator compares seconds
    // since 1970 with milliseconds, and takes a year for seconds.
    if operator.contains("Date") {
        return MOMENT_FORMS.iter().find(|(form, _)| *form == value).map(|(_, full)| (*full).to_owned());
    }
    // An address without a prefix is that address, "the default is /32" (same page). The simulator
    // compares it as text, and finds that an address of the other family neither is nor is not
    // within it.
    if operator.contains("IpAddress") && !value.contains('/') {
        return Some(format!("{value}/{}", if value.contains(':') { 128 } else { 32 }));
    }
    None
}

fn each(values: &mut Value, change: impl Fn(&str) -> Option<String>) {
    let one = |value: &mut Value| {
        if let Some(new) = value.as_str().and_then(&change) {
            *value = new.into();
        }
    };
    match values {
        Value::Array(values) => values.iter_mut().for_each(one),
        value => one(value),
    }
}

/// Whether a text has a variable with neither a value nor a default. A key of several values has
/// none.
pub(crate) fn has_no_value(text: &str, context: &Map<String, Value>) -> bool {
    let known =
        |name: &str| context.iter().any(|(key, value)| key.eq_ignore_ascii_case(name) && value.is_string());
    text.split("${").skip(1).any(|rest| {
        let inner = rest.split('}').next().unwrap();
        !inner.contains(',') && !known(inner)
    })
}

fn has_early_variable(resource: &str) -> bool {
    resource.find("${").is_some_and(|at| resource[..at].matches(':').count() < 5)
}

/// A difference that is forgiven.
pub(crate) struct Known {
    /// The difference, with its source.
    pub(crate) name: &'static str,
    /// Our verdict and the simulator's, where they differ by this.
    verdicts: &'static [(Verdict, Verdict)],
    applies: fn(&Case, &Map<String, Value>) -> bool,
}

const KNOWN: [Known; 3] = [
    Known {
        name: "NotPrincipal spares only who is named with account, role and session (IAM User Guide, \
               reference_policies_elements_notprincipal.html: \"you must also specify the account ARN of the not-denied \
               principal\"); the simulator spares whoever is named by any of them",
        verdicts: &[
            (Verdict::ExplicitlyDenied, Verdict::Allowed),
            (Verdict::ExplicitlyDenied, Verdict::ImplicitlyDenied),
        ],
        applies: |case, _| names_in_part(case),
    },
    Known {
        name: "what a resource's policy grants to the session itself is not limited by its session policy (IAM User Guide, \
               reference_policies_evaluation-logic.html: \"Permissions granted directly to a session are not limited by an \
               implicit deny in an identity-based policy, a permissions boundary, or session policy\"); in the simulator it is",
        verdicts: &[(Verdict::Allowed, Verdict::ImplicitlyDenied)],
        applies: |case, _| case.session.is_some() && case.account == HERE && names_directly(case),
    },
    Known {
        name: "IfExists holds where the key is missing (IAM User Guide, reference_policies_elements_condition_operators.html: \
               \"If the key is not present, evaluate the condition element as true\"); the simulator leaves it out behind \
               ForAnyValue",
        verdicts: &[
            (Verdict::Allowed, Verdict::ImplicitlyDenied),
            (Verdict::ExplicitlyDenied, Verdict::Allowed),
            (Verdict::ExplicitlyDenied, Verdict::ImplicitlyDenied),
        ],
        applies: has_any_value_if_exists,
    },
];

/// Why a difference is forgiven, if it is.
pub(crate) fn forgiven(
    case: &Case,
    context: &Map<String, Value>,
    ours: Verdict,
    theirs: Verdict,
) -> Option<&'static str> {
    let applies = |known: &&Known| known.verdicts.contains(&(ours, theirs)) && (known.applies)(case, context);
    KNOWN.iter().find(applies).map(|known| known.name)
}

fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    document["Statement"].as_array().unwrap().iter()
}

fn names(statement: &Value, element: &str) -> Vec<String> {
    match &statement[element] {
        Value::String(_) => vec!["*".to_owned()],
        Value::Object(kinds) => kinds
            .values()
            .flat_map(|names| match names {
                Value::Array(names) => names.clone(),
                one => vec![one.clone()],
            })
            .map(|name| name.as_str().unwrap().to_owned())
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a Deny with NotPrincipal names the caller by some of what it is, and not by all.
fn names_in_part(case: &Case) -> bool {
    let account = case.account;
    let roots = [account.to_owned(), format!("arn:aws:iam::{account}:root")];
    let mut wanted: Vec<Vec<String>> = vec![roots.to_vec()];
    match case.who {
        Who::User => wanted.push(vec![format!("arn:aws:iam::{account}:user/alice")]),
        Who::RoleSession => {
            wanted.push(vec![format!("arn:aws:iam::{account}:role/app")]);
            wanted.push(vec![format!("arn:aws:sts::{account}:assumed-role/app/one")]);
        }
        Who::Federated => {
            wanted.push(vec![format!("arn:aws:sts::{account}:federated-user/alice")]);
            // In the simulator, naming the user who created the session excepts the session; by
            // itself that is only a partial match.
            wanted.push(vec![format!("arn:aws:iam::{account}:user/alice")]);
        }
        Who::Service | Who::Anonymous => return false,
    }
    let in_part = |statement: &Value| {
        let names = names(statement, "NotPrincipal");
        let named = wanted.iter().filter(|any| any.iter().any(|one| names.contains(one))).count();
        named > 0 && named < wanted.len() && !names.contains(&"*".to_owned())
    };
    case.resource_policy.iter().flat_map(statements).any(in_part)
}

/// Whether an Allow of the resource's policy names the session itself, or everybody.
fn names_directly(case: &Case) -> bool {
    let account = case.account;
    let own = match case.who {
        Who::RoleSession => format!("arn:aws:sts::{account}:assumed-role/app/one"),
        Who::Federated => format!("arn:aws:sts::{account}:federated-user/alice"),
        _ => return false,
    };
    case.resource_policy.iter().flat_map(statements).any(|statement| {
        let names = names(statement, "Principal");
        statement["Effect"] == "Allow" && (names.contains(&own) || names.contains(&"*".to_owned()))
    })
}

/// Whether a condition with ForAnyValue and IfExists is about a key that the request has not.
fn has_any_value_if_exists(case: &Case, context: &Map<String, Value>) -> bool {
    let mut documents = [&case.resource_policy, &case.boundary, &case.session, &case.service_control]
        .into_iter()
        .flatten()
        .chain(&case.identity);
    let missing = |key: &String| !context.keys().any(|known| known.eq_ignore_ascii_case(key));
    documents.any(|document| {
        statements(document).filter_map(|statement| statement["Condition"].as_object()).any(|conditions| {
            conditions.iter().any(|(operator, keys)| {
                operator.starts_with("ForAnyValue:")
                    && operator.ends_with("IfExists")
                    && keys.as_object().unwrap().keys().any(missing)
            })
        })
    })
}

/// Without the key `None`, so that the simulator gets no member that it does not know.
pub(crate) fn without_nothing(mut simulation: Value) -> Value {
    if let Some(members) = simulation.as_object_mut() {
        members.retain(|_, value| *value != json!(null));
    }
    simulation
}
