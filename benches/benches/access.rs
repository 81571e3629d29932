//! The cost of evaluating policies: reads of one secret by the owner, by a user, under the
//! managed key and under a customer key.
//!
//! Ids: `access/get/owner`, `access/get/user`, `access/get/user_own_key`,
//! `access/get/user_secret_policy` (in memory), the same with `_sqlite`; `access/explain`,
//! `access/who_can_100` (100 users).

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use criterion::{Criterion, criterion_group, criterion_main};
use pollster::block_on;
use strongroom::{Builder, Operation, RootKey, Strongroom};

const READ: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:*:*:secret:prod/*"},
    {"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#;

async fn open(builder: Builder) -> Strongroom {
    let room = builder.root_key(RootKey::from_bytes([7; 32])).open().await.unwrap();
    room.keys().create("alias/own", "").await.unwrap();
    room.create("prod/managed").text("s3cret").send().await.unwrap();
    room.create("prod/own").key("alias/own").text("s3cret").send().await.unwrap();
    room.create("prod/named").text("s3cret").send().await.unwrap();
    let alice = room.iam().create_user("alice").await.unwrap();
    room.iam().put_policy(&alice, "read", READ).await.unwrap();
    let named = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"secretsmanager:*","Resource":"*"}}}}"#,
        alice.arn
    );
    room.policy("prod/named").put(named).send().await.unwrap();
    room
}

fn reads(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let places = [
        ("", Strongroom::builder().memory()),
        ("_sqlite", Strongroom::builder().directory(directory.path())),
    ];
    let mut group = c.benchmark_group("access");
    for (place, builder) in places {
        let room = block_on(open(builder));
        let alice = block_on(room.iam().get(strongroom::IdentityRef::user("alice"))).unwrap();
        let hers = room.as_caller(alice.caller().unwrap());
        for (who, handle, secret) in [
            ("owner", &room, "prod/managed"),
            ("user", &hers, "prod/managed"),
            ("user_own_key", &hers, "prod/own"),
            ("user_secret_policy", &hers, "prod/named"),
        ] {
            group.bench_function(format!("get/{who}{place}"), |b| {
                b.iter(|| block_on(handle.get(secret).send()).unwrap());
            });
        }
        if place.is_empty() {
            let caller = alice.caller().unwrap();
            group.bench_function("explain", |b| {
                b.iter(|| {
                    block_on(room.iam().explain(caller.clone(), Operation::GetSecretValue, "prod/own"))
                        .unwrap()
                });
            });
            for n in 0..99 {
                block_on(room.iam().create_user(format!("user-{n}"))).unwrap();
            }
            group.sample_size(20);
            group.bench_function("who_can_100", |b| {
                b.iter(|| block_on(room.iam().who_can(Operation::GetSecretValue, "prod/own")).unwrap());
            });
        }
    }
}

criterion_group!(benches, reads);
criterion_main!(benches);
