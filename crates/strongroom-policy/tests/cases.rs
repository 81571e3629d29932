//! The decisions of `cases/*.json`, written from AWS's rules (format: `cases/README.md`).

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use strongroom_policy::{
    Decision, DocumentKind, Ground, Place, Policies, Policy, Principal, Request, ResourceRule,
};
use strongroom_types::Arn;

struct Case {
    value: Value,
}

impl Case {
    fn documents(
        &self,
        member: &str,
        read: fn(&str) -> Result<Policy, strongroom_policy::ParseError>,
    ) -> Vec<Policy> {
        let list = match &self.value[member] {
            Value::Null => Vec::new(),
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        };
        list.iter()
            .map(|document| read(&document.to_string()).unwrap_or_else(|error| panic!("{member}: {error}")))
            .collect()
    }

    fn principal(&self) -> Principal {
        let value = &self.value["request"]["principal"];
        let arn = |member: &str| Arn::parse(value[member].as_str().unwrap()).unwrap();
        let principal = if value == "anonymous" {
            Principal::anonymous()
        } else if let Some(account) = value["root"].as_str() {
            Principal::root(&Arn::parse(&format!("arn:aws:iam::{account}:root")).unwrap()).unwrap()
        } else if value["user"].is_string() {
            Principal::user(&arn("user")).unwrap()
        } else if value["session"].is_string() {
            Principal::role_session(&arn("session"), &arn("role")).unwrap()
        } else if value["maker"].is_string() {
            let made = Principal::federated_by(&arn("federated"), &arn("maker")).unwrap();
            match value["maker_id"].as_str() {
                Some(id) => made.maker_id(id),
                None => made,
            }
        } else if value["federated"].is_string() {
            Principal::federated_user(&arn("federated")).unwrap()
        } else {
            Principal::service(value["service"].as_str().unwrap())
        };
        match value["id"].as_str() {
            Some(id) => principal.id(id),
            None => principal,
        }
    }

    fn request(&self) -> Request {
        let value = &self.value["request"];
        let text = |member: &str| value[member].as_str().unwrap();
        let mut request = Request::new(self.principal(), text("action"), text("resource"));
        for (key, values) in value["context"].as_object().into_iter().flatten() {
            match values {
                Value::Array(values) => {
                    request = request.with_many(key, values.iter().map(|one| one.as_str().unwrap()));
                }
                one => request = request.with(key, one.as_str().unwrap()),
            }
        }
        request
    }

    /// The outcome, in the notation of the case.
    fn found(&self) -> (&'static str, String) {
        let identity = self.documents("identity", Policy::identity);
        let resource = self.documents("resource", Policy::resource);
        let boundary = self.documents("boundary", Policy::identity);
        let session = self.documents("session", Policy::identity);
        let service_control = self.documents("service_control", Policy::identity);
        let resource_control = self.documents("resource_control", Policy::resource);
        let rule = match self.value["rule"].as_str() {
            None | Some("either") => ResourceRule::Either,
            Some("key") => ResourceRule::Key,
            Some(other) => panic!("rule {other}"),
        };
        let mut policies = Policies::new().rule(rule).granted(self.value["grant"] == true);
        policies = resource.iter().fold(policies, Policies::resource);
        policies = identity.iter().fold(policies, Policies::identity);
        policies = boundary.iter().fold(policies, Policies::boundary);
        policies = session.iter().fold(policies, Policies::session);
        policies = service_control.iter().fold(policies, Policies::service_control);
        policies = resource_control.iter().fold(policies, Policies::resource_control);
        let word = |kind: DocumentKind| match kind {
            DocumentKind::ServiceControl => "service_control",
            DocumentKind::ResourceControl => "resource_control",
            DocumentKind::Resource => "resource",
            DocumentKind::Identity => "identity",
            DocumentKind::Boundary => "boundary",
            DocumentKind::Session => "session",
            other => panic!("{other}"),
        };
        let name = |place: Place| {
            let sid = policies.statement(place).unwrap().sid().unwrap_or("?");
            match place.kind {
                DocumentKind::Resource | DocumentKind::Boundary => format!("{} {sid}", word(place.kind)),
                kind => format!("{}[{}] {sid}", word(kind), place.document),
            }
        };
        let request = self.request();
        let decision = policies.decide(&request);
        assert_eq!(decision.is_allowed(), decision.denial(&request).is_empty());
        match decision {
            Decision::Allowed(Ground::Statement(place)) => ("allow", name(place)),
            Decision::Allowed(Ground::Root) => ("allow", "root".to_owned()),
            Decision::Allowed(Ground::Grant) => ("allow", "grant".to_owned()),
            Decision::Denied(place) => ("explicit-deny", name(place)),
            Decision::Missing(kind) => ("implicit-deny", word(kind).to_owned()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_case_is_decided_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let (mut names, mut wrong) = (BTreeSet::new(), Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let cases: Vec<Value> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        for value in cases {
            let case = Case { value };
            let name = case.value["name"].as_str().unwrap().to_owned();
            let text = |member: &str| case.value[member].as_str().unwrap().to_owned();
            let expected = (text("expect"), text("by"));
            let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.found()));
            match found {
                Ok((verdict, by)) if (verdict, by.as_str()) == (expected.0.as_str(), expected.1.as_str()) => {
                }
                Ok(found) => wrong.push(format!("{name}: expected {expected:?}, found {found:?}")),
                Err(_) => wrong.push(format!("{name}: cannot be read")),
            }
            assert!(names.insert(name.clone()), "{name} stands twice");
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), names.len(), wrong.join("\n"));
    assert!(names.len() >= 1_000, "only {} cases", names.len());
}
