//! The decision over 20 documents of 5 statements, the last of which allows, so that all are looked
//! at.
//!
//! The floor is a hundred comparisons of the request's action and resource with plain prefixes:
//! what the least program would do.
//!
//! Ids: `policy/decide`, `policy/decide_with_conditions`, `policy/floor`, `policy/parse` (one
//! document of 5 statements).

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use strongroom_policy::{Policies, Policy, Principal, Request};
use strongroom_types::Arn;

const SERVICES: [&str; 5] = ["s3", "sqs", "kms", "secretsmanager", "ssm"];

fn document(number: usize, condition: &str) -> String {
    let statements: Vec<String> = SERVICES
        .iter()
        .enumerate()
        .map(|(index, service)| {
            let effect = if index == 0 { "Deny" } else { "Allow" };
            format!(
                r#"{{"Sid":"s{index}","Effect":"{effect}","Action":["{service}:Get*","{service}:List*"],"Resource":"arn:aws:{service}:*:111122223333:*team{number}/*"{condition}}}"#
            )
        })
        .collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn request() -> Request {
    let user = Principal::user(&Arn::parse("arn:aws:iam::111122223333:user/alice").unwrap()).unwrap();
    let secret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:team19/db-a1B2c3";
    Request::new(user, "secretsmanager:GetSecretValue", secret)
        .with("aws:SourceIp", "10.1.2.3")
        .with("aws:SecureTransport", "true")
        .with("aws:PrincipalTag/team", "team19")
}

fn policies(c: &mut Criterion) {
    let mut group = c.benchmark_group("policy");
    let condition = r#","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Bool":{"aws:SecureTransport":"true"},"StringLike":{"aws:PrincipalTag/team":"team*"}}"#;
    let request = request();
    for (id, condition) in [("decide", ""), ("decide_with_conditions", condition)] {
        let documents: Vec<Policy> =
            (0..20).map(|number| Policy::identity(&document(number, condition)).unwrap()).collect();
        let policies = documents.iter().fold(Policies::new(), Policies::identity);
        assert!(policies.decide(&request).is_allowed());
        group.bench_function(id, |b| b.iter(|| black_box(&policies).decide(black_box(&request))));
    }
    let prefixes: Vec<(String, String)> = (0..20)
        .flat_map(|number| {
            SERVICES.map(|service| {
                (
                    format!("{service}:get"),
                    format!("arn:aws:{service}:eu-central-1:111122223333:secret:team{number}/"),
                )
            })
        })
        .collect();
    let (action, resource) = ("secretsmanager:getsecretvalue", request.resource());
    group.bench_function("floor", |b| {
        b.iter(|| {
            let (action, resource) = (black_box(action), black_box(resource));
            prefixes
                .iter()
                .filter(|(a, r)| action.starts_with(a.as_str()) && resource.starts_with(r.as_str()))
                .count()
        });
    });
    let text = document(7, condition);
    group.bench_function("parse", |b| b.iter(|| Policy::identity(black_box(&text)).unwrap()));
    group.finish();
}

criterion_group!(benches, policies);
criterion_main!(benches);
