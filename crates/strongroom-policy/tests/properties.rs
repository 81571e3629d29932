//! Properties of all policies and requests.

#![cfg(test)]

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use strongroom_policy::{Change, Decision, Ground, Policies, Policy, Possible, Principal, Request};
use strongroom_types::Arn;

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];

fn condition() -> impl Strategy<Value = Value> {
    let operator = select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringEqualsIfExists",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringLike",
        "ForAnyValue:StringNotEquals",
    ]);
    let key = select(vec!["aws:username", "aws:TagKeys", "kms:ViaService", "aws:PrincipalArn"]);
    let value = select(vec!["alice", "a*", "*", "blue", "${aws:username}", "${kms:ViaService}"]);
    (operator, key, value).prop_map(|(operator, key, value)| json!({operator: {key: value}}))
}

/// A statement, without whom it is about.
fn statement() -> impl Strategy<Value = Value> {
    let effect = proptest::bool::weighted(0.3);
    let action = select(vec!["*", "kms:*", "kms:Decrypt", "kms:De*", "secretsmanager:*", "s3:Get?bject"]);
    let resource = select(vec![
        "*",
        "arn:aws:kms:*:111122223333:key/*",
        "arn:aws:kms:us-east-1:111122223333:key/1",
        "arn:aws:kms:us-east-1:111122223333:key/${aws:username}",
    ]);
    let conditions = proptest::option::weighted(0.4, condition());
    (effect, action, any::<bool>(), resource, any::<bool>(), conditions).prop_map(
        |(deny, action, not_action, resource, not_resource, condition)| {
            let mut statement = json!({"Effect": if deny { "Deny" } else { "Allow" }});
            statement[if not_action { "NotAction" } else { "Action" }] = action.into();
            statement[if not_resource { "NotResource" } else { "Resource" }] = resource.into();
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            statement
        },
    )
}

fn about(statement: (Value, &'static str, bool)) -> Value {
    let (mut statement, who, but) = statement;
    let deny = statement["Effect"] == "Deny";
    let who = if who == "*" { json!("*") } else { json!({"AWS": who}) };
    statement[if but && deny { "NotPrincipal" } else { "Principal" }] = who;
    statement
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(statement(), 1..5)
}

fn resource_statements() -> impl Strategy<Value = Vec<Value>> {
    let who = select(vec![
        "*",
        "111122223333",
        "444455556666",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::111122223333:role/app",
        "arn:aws:sts::111122223333:assumed-role/app/one",
    ]);
    proptest::collection::vec((statement(), who, any::<bool>()).prop_map(about), 1..5)
}

fn request() -> impl Strategy<Value = Request> {
    let who = (0..4usize, select(ACCOUNTS.to_vec()));
    let action = select(vec!["kms:Decrypt", "kms:Encrypt", "secretsmanager:GetSecretValue", "s3:GetObject"]);
    let key = select(vec!["1", "alice", "2"]);
    let tags = proptest::option::of(proptest::collection::vec(select(vec!["blue", "alice", "red"]), 0..3));
    (who, action, key, tags, any::<bool>()).prop_map(|((kind, account), action, key, tags, via)| {
        let arn = |text: String| Arn::parse(&text).unwrap();
        let role = arn(format!("arn:aws:iam::{account}:role/app"));
        let who = match kind {
            0 => Principal::root(&arn(format!("arn:aws:iam::{account}:root"))).unwrap(),
            1 => Principal::user(&arn(format!("arn:aws:iam::{account}:user/alice"))).unwrap(),
            2 => Principal::role_session(&arn(format!("arn:aws:sts::{account}:assumed-role/app/one")), &role)
                .unwrap(),
            _ => Principal::service("rds.amazonaws.com"),
        };
        let mut request = Request::new(who, action, format!("arn:aws:kms:us-east-1:111122223333:key/{key}"));
        if let Some(tags) = tags {
            request = request.with_many("aws:TagKeys", tags);
        }
        if via { request.with("kms:ViaService", "blue") } else { request }
    })
}

/// All documents of a decision, as lists of statements.
#[derive(Clone, Debug)]
struct Documents {
    identity: Vec<Value>,
    resource: Option<Vec<Value>>,
    boundary: Option<Vec<Value>>,
    key: bool,
    granted: bool,
}

fn documents() -> impl Strategy<Value = Documents> {
    let boundary = proptest::option::weighted(0.2, statements());
    let resource = proptest::option::weighted(0.8, resource_statements());
    (statements(), resource, boundary, any::<bool>(), proptest::bool::weighted(0.1)).prop_map(
        |(identity, resource, boundary, key, granted)| Documents {
            identity,
            resource,
            boundary,
            key,
            granted,
        },
    )
}

fn text(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn decide(documents: &Documents, request: &Request) -> Decision {
    over(documents, |policies| decide_over(policies, request))
}

fn over<T>(documents: &Documents, f: impl FnOnce(Policies<'_>) -> T) -> T {
    let identity = Policy::identity(&text(&documents.identity)).unwrap();
    let resource = documents.resource.as_ref().map(|some| Policy::resource(&text(some)).unwrap());
    let boundary = documents.boundary.as_ref().map(|some| Policy::identity(&text(some)).unwrap());
    let mut policies = Policies::new().identity(&identity).granted(documents.granted);
    if let Some(resource) = &resource {
        policies = if documents.key { policies.key(resource) } else { policies.resource(resource) };
    }
    if let Some(boundary) = &boundary {
        policies = policies.boundary(boundary);
    }
    f(policies)
}

fn decide_over(policies: Policies<'_>, request: &Request) -> Decision {
    let decision = policies.decide(request);
    // The explanation's verdict is the decision's, and so is the statement that it says decided.
    let explained = policies.explain(request);
    assert_eq!(explained.allowed, decision.is_allowed());
    let deciding =
        explained.documents.iter().flat_map(|document| &document.statements).filter(|one| one.decides);
    let by_statement = matches!(decision, Decision::Denied(_) | Decision::Allowed(Ground::Statement(_)));
    assert_eq!(deciding.filter(|one| one.matches).count(), usize::from(by_statement), "{explained}");
    if let Decision::Denied(place) = decision {
        assert!(policies.matches(policies.statement(place).unwrap(), request));
    }
    decision
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_deny_never_allows_more(
        documents in documents(), request in request(), mut deny in statement(), in_resource in any::<bool>(),
    ) {
        deny["Effect"] = "Deny".into();
        let mut more = documents.clone();
        match &mut more.resource {
            Some(resource) if in_resource => resource.push(about((deny, "*", false))),
            _ => more.identity.push(deny),
        }
        prop_assert!(decide(&documents, &request).is_allowed() || !decide(&more, &request).is_allowed());
    }

    #[test]
    fn another_allow_never_denies_more(
        documents in documents(), request in request(), mut allow in statement(), who in select(vec!["*", "111122223333"]),
    ) {
        allow["Effect"] = "Allow".into();
        let mut more = documents.clone();
        more.identity.push(allow.clone());
        if let Some(resource) = &mut more.resource {
            resource.push(about((allow, who, false)));
        }
        prop_assert!(!decide(&documents, &request).is_allowed() || decide(&more, &request).is_allowed());
    }

    #[test]
    fn the_order_of_statements_does_not_matter(documents in documents(), request in request()) {
        let mut turned = documents.clone();
        turned.identity.reverse();
        if let Some(resource) = &mut turned.resource {
            resource.reverse();
        }
        let (one, two) = (decide(&documents, &request), decide(&turned, &request));
        prop_assert_eq!(one.is_allowed(), two.is_allowed());
        prop_assert_eq!(matches!(one, Decision::Denied(_)), matches!(two, Decision::Denied(_)));
    }

    #[test]
    fn a_boundary_never_allows_more(documents in documents(), request in request(), boundary in statements()) {
        let (mut without, mut with) = (documents.clone(), documents);
        (without.boundary, with.boundary) = (None, Some(boundary));
        prop_assert!(decide(&without, &request).is_allowed() || !decide(&with, &request).is_allowed());
    }

    #[test]
    fn a_grant_never_takes_away(documents in documents(), request in request()) {
        let (mut without, mut with) = (documents.clone(), documents);
        (without.granted, with.granted) = (false, true);
        prop_assert!(!decide(&without, &request).is_allowed() || decide(&with, &request).is_allowed());
        // And wins over no deny.
        if matches!(decide(&without, &request), Decision::Denied(_)) {
            prop_assert!(!decide(&with, &request).is_allowed());
        }
    }

    /// "Always" is allowed under all circumstances, and "never" under none.
    #[test]
    fn what_is_possible_under_some_circumstances(
        documents in documents(),
        request in request(),
        mut tied in statement(),
        address in select(vec!["10.0.0.1", "192.0.2.1"]),
        mfa in any::<bool>(),
    ) {
        let mut documents = documents;
        tied["Condition"] = if mfa {
            json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})
        } else {
            json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
        };
        documents.identity.push(tied);
        let possible = over(&documents, |policies| policies.possible(&request));
        let under = request.with("aws:SourceIp", address).with("aws:MultiFactorAuthPresent", mfa.to_string());
        let allowed = decide(&documents, &under).is_allowed();
        match possible {
            Possible::Always => prop_assert!(allowed),
            Possible::Never => prop_assert!(!allowed),
            Possible::Sometimes(conditions) => prop_assert!(!conditions.is_empty()),
            _ => prop_assert!(false),
        }
    }

    /// Every remedy works when it is taken, and none is offered for what is allowed.
    #[test]
    fn remedies_work(documents in documents(), request in request()) {
        let remedies = over(&documents, |policies| policies.remedies(&request));
        prop_assert_eq!(remedies.is_empty(), decide(&documents, &request).is_allowed());
        for remedy in remedies {
            let mut mended = documents.clone();
            let mut lifted: Vec<(bool, usize)> = Vec::new();
            for change in &remedy.changes {
                match change {
                    Change::Lift { document, statement, .. } => {
                        lifted.push((document.contains("identity"), *statement));
                    }
                    Change::Grant { .. } => mended.granted = true,
                    _ => {}
                }
            }
            // Those of the boundary are looked at with the rest; here only documents of one kind
            // are taken apart.
            if documents.boundary.is_some() {
                continue;
            }
            for change in &remedy.changes {
                match change {
                    Change::Add { document, statement } => {
                        let statement: Value = serde_json::from_str(statement).unwrap();
                        if document.contains("identity") {
                            mended.identity.push(statement);
                        } else {
                            mended.resource.get_or_insert_default().push(statement);
                        }
                    }
                    Change::Meet { document, statement, .. } => {
                        let identity = document.contains("identity");
                        let all = if identity { &mut mended.identity } else { mended.resource.as_mut().unwrap() };
                        let at = *statement - 1;
                        all[at].as_object_mut().unwrap().remove("Condition");
                    }
                    _ => {}
                }
            }
            let keep = |identity: bool, all: &mut Vec<Value>| {
                let mut at = 0;
                all.retain(|_| { at += 1; !lifted.contains(&(identity, at)) });
                if all.is_empty() {
                    // A document has a statement at least.
                    let mut nothing = json!({"Effect": "Allow", "Action": "none:none", "Resource": "*"});
                    if !identity {
                        nothing["Principal"] = "*".into();
                    }
                    all.push(nothing);
                }
            };
            keep(true, &mut mended.identity);
            if let Some(resource) = &mut mended.resource {
                keep(false, resource);
            }
            prop_assert!(decide(&mended, &request).is_allowed(), "{} {:?}", remedy, mended);
        }
    }
}
