//! The explanation's verdict is the operation's, whatever the documents, the caller and the operation.

use proptest::prelude::*;
use proptest::sample::select;
use strongroom::iam::Verdict;
use strongroom::kms::GrantOperation;
use strongroom::{AccountId, CallContext, Caller, IdentityRef, Operation, RootKey, SessionFacts, Strongroom};

use crate::{DELEGATION, World, document};

const THERE: &str = "111122223333";
const SECRETS: [&str; 3] = ["managed", "own", "none"];

fn condition() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "",
        "",
        r#","Condition":{"StringEquals":{"kms:ViaService":"secretsmanager.us-east-1.amazonaws.com"}}"#,
        r#","Condition":{"Null":{"kms:ViaService":"true"}}"#,
        r#","Condition":{"StringEquals":{"aws:ResourceTag/team":"orders"}}"#,
        r#","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#,
        r#","Condition":{"StringNotEquals":{"aws:username":"alice"}}"#,
        r#","Condition":{"StringNotEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}"#,
        r#","Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/${aws:PrincipalTag/team}"}}"#,
        r#","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2027-01"}}"#,
        r#","Condition":{"StringLike":{"kms:EncryptionContext:SecretARN":"*:secret:own-*"}}"#,
        r#","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
    ])
    .prop_map(str::to_owned)
}

fn action() -> impl Strategy<Value = &'static str> {
    select(vec![
        "*",
        "secretsmanager:*",
        "secretsmanager:GetSecretValue",
        "secretsmanager:*Secret*",
        "secretsmanager:Put*",
        "secretsmanager:TagResource",
        "kms:*",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:Encrypt",
    ])
}

fn statement() -> impl Strategy<Value = String> {
    let resource = select(vec![
        "*",
        "arn:aws:secretsmanager:*:*:secret:own-??????",
        "arn:aws:kms:*:*:key/*",
        "arn:aws:secretsmanager:*:*:secret:m*",
        "arn:aws:secretsmanager:*:*:secret:${aws:PrincipalTag/team}*",
        "arn:aws:secretsmanager:${aws:RequestedRegion}:*:secret:m*",
    ]);
    (proptest::bool::weighted(0.2), action(), any::<bool>(), resource, condition()).prop_map(
        |(deny, action, not, resource, condition)| {
            let effect = if deny { "Deny" } else { "Allow" };
            let not = if not && deny { "Not" } else { "" };
            format!(r#"{{"Effect":"{effect}","{not}Action":"{action}","Resource":"{resource}"{condition}}}"#)
        },
    )
}

fn of_resource(actions: &'static [&'static str]) -> impl Strategy<Value = String> {
    let who = select(vec![
        r#""*""#,
        r#"{"AWS":"000000000000"}"#,
        r#"{"AWS":"111122223333"}"#,
        r#"{"AWS":"arn:aws:iam::000000000000:user/alice"}"#,
        r#"{"AWS":"arn:aws:iam::000000000000:role/reader"}"#,
        r#"{"AWS":"arn:aws:sts::000000000000:assumed-role/reader/run-1"}"#,
        r#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#,
        r#"{"AWS":["000000000000","arn:aws:iam::000000000000:user/alice","arn:aws:sts::000000000000:federated-user/guest"]}"#,
        r#"{"Service":"lambda.amazonaws.com"}"#,
    ]);
    (proptest::bool::weighted(0.2), any::<bool>(), who, select(actions), condition()).prop_map(
        |(deny, all_but, who, action, condition)| {
            let effect = if deny { "Deny" } else { "Allow" };
            let not = if all_but && deny { "Not" } else { "" };
            format!(
                r#"{{"Effect":"{effect}","{not}Principal":{who},"Action":"{action}","Resource":"*"{condition}}}"#
            )
        },
    )
}

/// All documents there are.
#[derive(Clone, Debug)]
struct Documents {
    alice: Vec<String>,
    reader: Vec<String>,
    bob: Vec<String>,
    boundary: Option<Vec<String>>,
    guardrail: Option<Vec<String>>,
    secret: Option<Vec<String>>,
    key: Vec<String>,
    grant: Option<(&'static str, GrantOperation)>,
    session: Vec<String>,
    /// What the secret calls its key is there no more.
    alias_gone: bool,
}

fn documents() -> impl Strategy<Value = Documents> {
    let some = || proptest::collection::vec(statement(), 1..4);
    let secret = proptest::collection::vec(
        of_resource(&["secretsmanager:*", "secretsmanager:GetSecretValue", "*"]),
        1..3,
    );
    let key = proptest::collection::vec(of_resource(&["kms:*", "kms:Decrypt", "kms:GenerateDataKey"]), 0..3);
    let grantee = select(vec![
        "arn:aws:iam::000000000000:user/alice",
        "arn:aws:iam::000000000000:role/reader",
        "arn:aws:iam::111122223333:user/bob",
    ]);
    let grant = (grantee, select(vec![GrantOperation::Decrypt, GrantOperation::GenerateDataKey]));
    (
        some(),
        some(),
        some(),
        proptest::option::weighted(0.2, some()),
        proptest::option::weighted(0.2, some()),
        proptest::option::of(secret),
        (key, proptest::bool::weighted(0.8)),
        proptest::option::weighted(0.3, grant),
        (some(), proptest::bool::weighted(0.1)),
    )
        .prop_map(
            |(alice, reader, bob, boundary, guardrail, secret, key, grant, (session, alias_gone))| {
                let (mut key, delegated) = key;
                if delegated || key.is_empty() {
                    key.push(DELEGATION.to_owned());
                }
                Documents { alice, reader, bob, boundary, guardrail, secret, key, grant, session, alias_gone }
            },
        )
}

async fn world(documents: &Documents) -> (World, Vec<CallContext>) {
    let world = World::new().await;
    let (room, iam) = (&world.room, world.room.iam());
    let owner = room.context();
    let (alice, reader) = (world.user("alice", "").await, world.role("reader", "").await);
    let directory = iam.directory().unwrap().of_account(AccountId::parse(THERE).unwrap());
    let bob = directory.create_user(owner, "bob".into()).await.unwrap();
    if let Some((grantee, operation)) = &documents.grant {
        world.grant(grantee, *operation).await;
    }
    iam.put_policy(&alice, "own", &document(&documents.alice)).await.unwrap();
    iam.put_policy(&reader, "own", &document(&documents.reader)).await.unwrap();
    directory.put_policy(owner, &(&bob).into(), "own", &document(&documents.bob)).await.unwrap();
    if let Some(boundary) = &documents.boundary {
        let boundary = iam.create_managed_policy("boundary", &document(boundary)).await.unwrap();
        let role = IdentityRef::role("reader");
        iam.directory().unwrap().put_boundary(owner, &role, boundary.arn.as_str()).await.unwrap();
    }
    if let Some(guardrail) = &documents.guardrail {
        iam.put_guardrail("guardrail", &document(guardrail)).await.unwrap();
    }
    if let Some(secret) = &documents.secret {
        for name in ["managed", "own"] {
            // Some shut their author out, and are not put then.
            let _ = room.policy(name).put(document(secret)).send().await;
        }
    }
    // While its owner may.
    if documents.alias_gone {
        let alias = strongroom::kms::AliasName::parse("alias/own").unwrap();
        room.keys().service().unwrap().delete_alias(owner, &alias).await.unwrap();
    }
    let put = strongroom::kms::PutKeyPolicy::new(document(&documents.key)).bypass_lockout_check();
    let key = strongroom::kms::KeyRef::parse(&world.key).unwrap();
    room.keys().service().unwrap().put_key_policy(owner, &key, put).await.unwrap();
    let session = || {
        let facts = SessionFacts::new().source_ip([10, 0, 0, 1]).tag("team", "orders");
        facts.policy(document(&documents.session))
    };
    let callers = [
        Caller::Owner(room.realm().account()),
        alice.caller().unwrap(),
        reader.session("run-1").unwrap(),
        bob.caller().unwrap(),
        Caller::Owner(AccountId::parse(THERE).unwrap()),
        Caller::Service("lambda.amazonaws.com".to_owned()),
        Caller::Principal(strongroom::Arn::parse("arn:aws:iam::000000000000:user/nobody").unwrap()),
        Caller::federated(&alice.arn, "guest").unwrap(),
    ];
    let plain = callers.iter().cloned().map(CallContext::new);
    let limited = callers.iter().cloned().map(|caller| CallContext::new(caller).with_facts(session()));
    let callers = plain.chain(limited).collect();
    (world, callers)
}

/// The name by which a caller means one of these secrets: from elsewhere only the full ARN does.
async fn full(room: &Strongroom, secret: &str, caller: &Caller) -> String {
    if caller.account() == Some("000000000000") {
        return secret.to_owned();
    }
    // Found without asking anybody for permission: the list may be forbidden to the owner too.
    let report = room.iam().explain(room.context().clone(), Operation::DescribeSecret, secret).await.unwrap();
    report.secret
}

/// So many sets of documents; more by `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn explained_as_it_is(documents in documents(), order in any::<prop::sample::Index>()) {
        pollster::block_on(async {
            let (world, callers) = world(&documents).await;
            let (mut done, mut refused) = (0, 0);
            // All there are; those that destroy come last.
            let mut operations = Operation::ALL.to_vec();
            operations.sort_by_key(|operation| match operation {
                Operation::RestoreSecret => 4,
                Operation::DeleteSecret => 3,
                Operation::CreateSecret => 2,
                Operation::PutResourcePolicy | Operation::DeleteResourcePolicy => 1,
                _ => 0,
            });
            for operation in operations {
                for at in 0..callers.len() {
                    let cx = &callers[(at + order.index(callers.len())) % callers.len()];
                    let caller = cx.caller();
                    for secret in SECRETS {
                        let named = full(&world.room, secret, caller).await;
                        let who = match operation {
                            Operation::GetSecretValue if secret != "none" => {
                                Some(world.room.iam().who_can(operation, secret).await.unwrap())
                            }
                            _ => None,
                        };
                        let name = if operation == Operation::CreateSecret { "fresh" } else { &named };
                        let result = world.tries_as(cx, operation, name).await;
                        let _ = world.room.delete("fresh").without_recovery().send().await;
                        if result.is_ok() { done += 1 } else { refused += 1 }
                        // The list of everybody says the same of those who are in it by this name, of a session where it is not in it by the name of its role.
                        let listed = who.as_ref().and_then(|who| {
                            let find = |name: &str| who.candidates.iter().find(|one| one.principal == name);
                            let role = match caller {
                                Caller::Session { role, .. } => role.to_string(),
                                _ => String::new(),
                            };
                            find(&caller.to_string()).or_else(|| find(&role))
                        });
                        // It does not know what a session is limited by, nor that a key's alias is gone.
                        let listed = listed.filter(|_| cx.facts().is_none() && !documents.alias_gone);
                        match listed.map(|one| one.verdict) {
                            Some(Verdict::Allowed) => assert!(result.is_ok(), "{caller} {secret}: {result:?}"),
                            Some(Verdict::Denied) => assert!(result.is_err(), "{caller} {secret}"),
                            _ => {}
                        }
                    }
                }
            }
            assert!(done > 0 && refused > 0, "{done} {refused}");
        });
    }
}

#[test]
fn both_verdicts_are_reached_by_everybody_who_can() {
    // What the property above lives on: with these documents some are let in and some not.
    pollster::block_on(async {
        let room =
            Strongroom::builder().memory().root_key(RootKey::from_bytes([7; 32])).open().await.unwrap();
        room.create("s").text("v").send().await.unwrap();
        let told = room.iam().who_can(Operation::GetSecretValue, "s").await.unwrap();
        assert_eq!(told.candidates.len(), 1);
        assert_eq!(told.candidates[0].verdict, Verdict::Allowed);
    });
}
