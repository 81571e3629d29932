//! The decisions against those of an independent evaluator: the npm package
//! `@cloud-copilot/iam-simulate`, which is installed below `target/` at the first run and needs
//! `node` and `npm`.
//!
//! Not compared, because the simulator has no notion of it: the account's root, grants, several
//! session policies, documents of version 2008-10-17 (it replaces variables there too), plain
//! operators over a key of several values, `${*}` and its like under operators without wildcards.

#![cfg(test)]

mod generate;
mod known;
mod simulator;

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use strongroom_policy::{Decision, Policies, Policy, Principal, Request, ResourceRule};
use strongroom_types::Arn;

use crate::generate::{Case, HERE, Who, case};
use crate::known::{forgiven, translated, without_nothing};
use crate::simulator::simulate;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Allowed,
    ExplicitlyDenied,
    ImplicitlyDenied,
}

/// The keys that the caller's kind brings.
const OF_THE_CALLER: [&str; 8] = [
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalType",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalServiceName",
    "aws:username",
    "aws:userid",
    "aws:ResourceAccount",
];

/// A deliberately falsified rule, to verify that the comparison detects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// Permissions boundaries do not count.
    NoBoundary,
    /// Session policies do not count.
    NoSession,
    /// Resource policies do not count.
    NoResource,
    /// All policies count as those of the key's own account.
    OtherRule,
    /// The creator of a federated session is unknown.
    NoMaker,
    /// Each operator is the one without `Not`.
    NoNegation,
    /// `IfExists` is left out.
    NoIfExists,
    /// Nothing denies.
    NoDeny,
}

impl Case {
    fn arn(text: String) -> Arn {
        Arn::parse(&text).unwrap()
    }

    fn principal(&self, wrong: Wrong) -> Principal {
        let account = self.account;
        match self.who {
            Who::User => Principal::user(&Self::arn(format!("arn:aws:iam::{account}:user/alice"))).unwrap(),
            Who::RoleSession => Principal::role_session(
                &Self::arn(format!("arn:aws:sts::{account}:assumed-role/app/one")),
                &Self::arn(format!("arn:aws:iam::{account}:role/app")),
            )
            .unwrap(),
            Who::Federated => {
                let session = Self::arn(format!("arn:aws:sts::{account}:federated-user/alice"));
                let maker = Self::arn(format!("arn:aws:iam::{account}:user/alice"));
                match wrong {
                    Wrong::NoMaker => Principal::federated_user(&session).unwrap(),
                    _ => Principal::federated_by(&session, &maker).unwrap(),
                }
            }
            Who::Service => Principal::service("rds.amazonaws.com"),
            Who::Anonymous => Principal::anonymous(),
        }
    }

    fn request(&self, wrong: Wrong) -> Request {
        let mut request = Request::new(self.principal(wrong), self.action, self.resource);
        for (key, values) in &self.context {
            match values {
                Value::Array(values) => {
                    request = request.with_many(key, values.iter().map(|one| one.as_str().unwrap()));
                }
                one => request = request.with(key, one.as_str().unwrap()),
            }
        }
        request
    }

    /// All condition keys of the request, for the simulator, which finds none by itself.
    fn whole_context(&self) -> Map<String, Value> {
        let request = self.request(Wrong::Nothing);
        let mut context = self.context.clone();
        for key in OF_THE_CALLER {
            if let Some([value]) = request.context().get(key) {
                context.insert(key.to_owned(), value.as_str().into());
            }
        }
        context
    }

    fn ours(&self, wrong: Wrong) -> Verdict {
        let text = |document: &Value| told(document, wrong).to_string();
        let own = |document: &Value| {
            Policy::identity(&text(document)).unwrap_or_else(|error| panic!("{error}: {document}"))
        };
        let identity: Vec<_> = self.identity.iter().map(own).collect();
        let boundary = self.boundary.as_ref().map(own);
        let session = self.session.as_ref().map(own);
        let service_control = self.service_control.as_ref().map(own);
        let resource = self.resource_policy.as_ref().map(|one| Policy::resource(&text(one)).unwrap());
        let rule = match (self.action.starts_with("kms:"), wrong == Wrong::OtherRule) {
            (true, false) | (false, true) => ResourceRule::Key,
            _ => ResourceRule::Either,
        };
        let mut policies = Policies::new().rule(rule);
        policies = identity.iter().fold(policies, Policies::identity);
        policies = resource.iter().filter(|_| wrong != Wrong::NoResource).fold(policies, Policies::resource);
        policies = boundary.iter().filter(|_| wrong != Wrong::NoBoundary).fold(policies, Policies::boundary);
        policies = session.iter().filter(|_| wrong != Wrong::NoSession).fold(policies, Policies::session);
        policies = service_control.iter().fold(policies, Policies::service_control);
        let request = self.request(wrong);
        let decision = policies.decide(&request);
        assert_eq!(policies.explain(&request).allowed, decision.is_allowed(), "{self:?}");
        match decision {
            Decision::Allowed(_) => Verdict::Allowed,
            Decision::Denied(_) => Verdict::ExplicitlyDenied,
            _ => Verdict::ImplicitlyDenied,
        }
    }

    fn simulation(&self) -> Value {
        let context = self.whole_context();
        let own = |document: &Value| translated(document, &context);
        let named = |document: &Value| json!({"name": "policy", "policy": own(document)});
        let principal = match self.who {
            Who::Anonymous => "anonymous".to_owned(),
            _ => self.principal(Wrong::Nothing).arn().to_owned(),
        };
        let organization: Vec<_> = self
            .service_control
            .iter()
            .map(|one| json!({"orgIdentifier": "o-1", "policies": [named(one)]}))
            .collect();
        without_nothing(json!({
            "request": {
                "principal": principal,
                "action": self.action,
                "resource": {"resource": self.resource, "accountId": HERE},
                "contextVariables": context,
            },
            "identityPolicies": self.identity.iter().map(named).collect::<Vec<_>>(),
            "resourcePolicy": self.resource_policy.as_ref().map(own),
            "permissionBoundaryPolicies": self.boundary.as_ref().map(|one| vec![named(one)]),
            "sessionPolicy": self.session.as_ref().map(own),
            "serviceControlPolicies": organization,
            "resourceControlPolicies": [],
        }))
    }
}

/// The document with a falsified rule.
fn told(document: &Value, wrong: Wrong) -> Value {
    let mut document = document.clone();
    for statement in document["Statement"].as_array_mut().unwrap() {
        if wrong == Wrong::NoDeny && statement["Effect"] == "Deny" {
            statement.as_object_mut().unwrap().retain(|element, _| element.ends_with("Principal"));
            statement["Effect"] = "Allow".into();
            (statement["Action"], statement["Resource"]) = ("none:none".into(), "*".into());
        }
        let Some(conditions) = statement.get_mut("Condition").and_then(Value::as_object_mut) else {
            continue;
        };
        for (operator, keys) in std::mem::take(conditions) {
            let operator = match wrong {
                Wrong::NoNegation => operator.replace("Not", ""),
                Wrong::NoIfExists => operator.replace("IfExists", ""),
                _ => operator,
            };
            let there = conditions.entry(operator).or_insert_with(|| json!({}));
            there.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        }
    }
    document
}

/// A number from the environment, or the usual one. `.ci/full` asks for more cases.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// So many cases, always the same ones of a seed.
fn cases(count: u64) -> Vec<Case> {
    let seed = number("STRONGROOM_DECISIONS_SEED", 16);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = case();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// The result of a comparison.
#[derive(Default)]
struct Comparison {
    /// By verdict, those that agree.
    agreed: BTreeMap<Verdict, usize>,
    forgiven: BTreeMap<&'static str, usize>,
    /// In full, those that nothing forgives.
    differing: Vec<String>,
}

fn compare(cases: &[Case], theirs: &[Verdict], wrong: Wrong) -> Comparison {
    let mut comparison = Comparison::default();
    for (case, theirs) in cases.iter().zip(theirs) {
        let ours = case.ours(wrong);
        if ours == *theirs {
            *comparison.agreed.entry(ours).or_default() += 1;
        } else if let Some(why) = forgiven(case, &case.whole_context(), ours, *theirs) {
            *comparison.forgiven.entry(why).or_default() += 1;
        } else {
            comparison.differing.push(format!("ours {ours:?}, theirs {theirs:?}: {:#}", case.simulation()));
        }
    }
    comparison
}

#[test]
fn decisions_are_those_of_an_independent_simulator() {
    let cases = cases(number("STRONGROOM_DECISIONS", 500));
    let simulations: Vec<Value> = cases.iter().map(Case::simulation).collect();
    let theirs = simulate(&simulations);
    let comparison = compare(&cases, &theirs, Wrong::Nothing);
    let forgiven: usize = comparison.forgiven.values().sum();
    println!("{} cases, {} compared: {:?}", cases.len(), cases.len() - forgiven, comparison.agreed);
    for (why, count) in &comparison.forgiven {
        println!("{count} excluded: {why}");
    }
    let differing = &comparison.differing;
    assert!(differing.is_empty(), "{} of {} differ, such as\n{}", differing.len(), cases.len(), differing[0]);
    // Exclusions are rare, and each verdict is reached often.
    assert!(forgiven * 20 <= cases.len(), "{forgiven} of {} are excluded", cases.len());
    for verdict in [Verdict::Allowed, Verdict::ExplicitlyDenied, Verdict::ImplicitlyDenied] {
        let count = comparison.agreed.get(&verdict).copied().unwrap_or_default();
        assert!(count * 10 >= cases.len(), "{verdict:?} comes out {count} times only");
    }
}

/// Every falsified rule is detected.
#[test]
fn a_wrong_rule_would_be_found() {
    let cases = cases(2_000);
    let simulations: Vec<Value> = cases.iter().map(Case::simulation).collect();
    let theirs = simulate(&simulations);
    for wrong in [
        Wrong::NoBoundary,
        Wrong::NoSession,
        Wrong::NoResource,
        Wrong::OtherRule,
        Wrong::NoMaker,
        Wrong::NoNegation,
        Wrong::NoIfExists,
        Wrong::NoDeny,
    ] {
        assert!(!compare(&cases, &theirs, wrong).differing.is_empty(), "{wrong:?} is not found");
    }
}
