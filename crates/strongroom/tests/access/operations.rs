//! §4.2: which permissions each operation needs. With all of them it works; without any one it does not.

use strongroom::{Error, Operation, Stage, Strongroom};

use crate::{NO_KMS, World, allow, attempt, is_denied};

use Operation as Op;

/// What is done, what it takes.
struct Row {
    what: &'static str,
    needs: &'static [&'static str],
}

const ROWS: [Row; 25] = [
    Row { what: "GetSecretValue", needs: &["secretsmanager:GetSecretValue", "kms:Decrypt"] },
    Row {
        what: "BatchGetSecretValue",
        needs: &["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "kms:Decrypt"],
    },
    Row {
        what: "batch by filter",
        needs: &[
            "secretsmanager:BatchGetSecretValue",
            "secretsmanager:ListSecrets",
            "secretsmanager:GetSecretValue",
            "kms:Decrypt",
        ],
    },
    Row { what: "CreateSecret", needs: &["secretsmanager:CreateSecret"] },
    Row {
        what: "create with key",
        needs: &["secretsmanager:CreateSecret", "kms:GenerateDataKey", "kms:Decrypt"],
    },
    Row { what: "create with tags", needs: &["secretsmanager:CreateSecret", "secretsmanager:TagResource"] },
    Row { what: "PutSecretValue", needs: &["secretsmanager:PutSecretValue", "kms:GenerateDataKey"] },
    Row {
        what: "put again",
        needs: &["secretsmanager:PutSecretValue", "kms:GenerateDataKey", "kms:Decrypt"],
    },
    Row { what: "UpdateSecret", needs: &["secretsmanager:UpdateSecret", "kms:GenerateDataKey"] },
    Row { what: "update description", needs: &["secretsmanager:UpdateSecret"] },
    Row { what: "update key", needs: &["secretsmanager:UpdateSecret", "kms:GenerateDataKey", "kms:Decrypt"] },
    Row { what: "move stage", needs: &["secretsmanager:UpdateSecretVersionStage"] },
    Row { what: "DescribeSecret", needs: &["secretsmanager:DescribeSecret"] },
    Row { what: "ListSecrets", needs: &["secretsmanager:ListSecrets"] },
    Row { what: "ListSecretVersionIds", needs: &["secretsmanager:ListSecretVersionIds"] },
    Row { what: "GetRandomPassword", needs: &["secretsmanager:GetRandomPassword"] },
    Row { what: "DeleteSecret", needs: &["secretsmanager:DeleteSecret"] },
    Row { what: "delete at once", needs: &["secretsmanager:DeleteSecret"] },
    Row { what: "RestoreSecret", needs: &["secretsmanager:RestoreSecret"] },
    Row { what: "TagResource", needs: &["secretsmanager:TagResource"] },
    Row { what: "UntagResource", needs: &["secretsmanager:UntagResource"] },
    Row { what: "GetResourcePolicy", needs: &["secretsmanager:GetResourcePolicy"] },
    Row { what: "PutResourcePolicy", needs: &["secretsmanager:PutResourcePolicy"] },
    Row { what: "DeleteResourcePolicy", needs: &["secretsmanager:DeleteResourcePolicy"] },
    Row {
        what: "ValidateResourcePolicy",
        needs: &["secretsmanager:ValidateResourcePolicy", "secretsmanager:PutResourcePolicy"],
    },
];

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

async fn does(world: &World, theirs: &Strongroom, what: &str) -> Result<(), Error> {
    match what {
        "batch by filter" => {
            let filter = (strongroom::FilterKey::Name, ["own"]);
            let page = theirs.get_matching(filter.0, filter.1).send().await?;
            page.errors.into_iter().next().map_or(Ok(()), |failure| Err(failure.error.into()))
        }
        "CreateSecret" => theirs.create("new").text("v").send().await.map(drop),
        "create with key" => theirs.create("new").key("alias/own").text("v").send().await.map(drop),
        "create with tags" => theirs.create("new").tag("a", "b").text("v").send().await.map(drop),
        "put again" => {
            // The first time it is stored, the second compared.
            theirs.put("own").text("same").token(TOKEN).send().await?;
            theirs.put("own").text("same").token(TOKEN).send().await.map(drop)
        }
        "update description" => theirs.update("own").description("d").send().await.map(drop),
        "update key" => theirs.update("own").key("alias/second").send().await.map(drop),
        "move stage" => {
            let to = world.room.describe("own").await?.versions.into_keys().next().unwrap();
            theirs.move_stage("own", Stage::from("custom")).to(&to).send().await.map(drop)
        }
        "delete at once" => theirs.delete("own").without_recovery().send().await.map(drop),
        operation => attempt(theirs, operation.parse().unwrap(), "own").await,
    }
}

#[tokio::test]
async fn each_operation_needs_each_of_its_permissions() {
    for Row { what, needs } in &ROWS {
        for left_out in (0..needs.len()).map(Some).chain([None]) {
            let world = World::new().await;
            world.room.keys().create("alias/second", "").await.unwrap();
            let given: Vec<_> = needs
                .iter()
                .enumerate()
                .filter(|(at, _)| Some(*at) != left_out)
                .map(|(_, one)| *one)
                .collect();
            // A policy needs an action; this one is of another service.
            let given = if given.is_empty() { vec!["s3:GetObject"] } else { given };
            let alice = world.user("alice", &allow(&given)).await;
            let before = world.room.describe("own").await.unwrap();
            let result = does(&world, &world.as_user(&alice), what).await;
            let Some(left_out) = left_out else {
                assert!(result.is_ok(), "{what}: {result:?}");
                continue;
            };
            let missing = needs[left_out];
            assert!(is_denied(&result), "{what} without {missing}: {result:?}");
            let error = result.unwrap_err();
            if missing.starts_with("kms:") {
                assert_eq!(error.message(), NO_KMS, "{what} without {missing}");
            } else {
                let text = error.message();
                let start = format!("User: {} is not authorized to perform: {missing}", alice.arn);
                let end = format!(" because no identity-based policy allows the {missing} action");
                assert!(text.starts_with(&start) && text.ends_with(&end), "{what}: {text}");
                // access.md §7: who lists is told of no resource.
                let on = text[start.len()..text.len() - end.len()].strip_prefix(" on resource: ");
                let names_none =
                    matches!(missing, "secretsmanager:ListSecrets" | "secretsmanager:BatchGetSecretValue");
                assert_eq!(on.is_none(), names_none, "{what}: {text}");
            }
            let first_half_done = *what == "put again" && missing == "kms:Decrypt";
            if !first_half_done {
                assert_eq!(world.room.describe("own").await.unwrap(), before, "{what} without {missing}");
            }
            assert!(world.room.describe("new").await.is_err(), "{what} without {missing}");
        }
    }
}

/// Execution and explanation read the same table: with what is explained it works, without any one of
/// it does not.
#[tokio::test]
async fn execution_asks_for_exactly_the_permissions_that_an_explanation_lists() {
    for operation in Operation::ALL {
        let secret = if *operation == Op::CreateSecret { "new" } else { "own" };
        let world = World::new().await;
        let owner = world.room.context().clone();
        let explained = world.room.iam().explain(owner, *operation, secret).await.unwrap();
        let mut needs: Vec<_> = explained.permissions.into_iter().map(|one| one.action).collect();
        // A new secret is under the managed key, which lets everybody of the account in.
        needs.retain(|need| *operation != Op::CreateSecret || !need.starts_with("kms:"));
        assert_eq!(needs.first().map(String::as_str), Some(operation.action()));
        for left_out in (0..needs.len()).map(Some).chain([None]) {
            let world = World::new().await;
            let given = needs.iter().enumerate().filter(|(at, _)| Some(*at) != left_out);
            let mut given: Vec<_> = given.map(|(_, need)| need.as_str()).collect();
            given.push("s3:GetObject");
            let alice = world.user("alice", &allow(&given)).await;
            let result = attempt(&world.as_user(&alice), *operation, secret).await;
            assert_eq!(is_denied(&result), left_out.is_some(), "{operation} with {given:?}: {result:?}");
        }
    }
}

#[tokio::test]
async fn strongrooms_own_operations_are_explained_as_what_they_need() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["secretsmanager:*", "strongroom:*"])).await;
    for operation in Operation::OWN {
        let explain = async |cx| world.room.iam().explain(cx, *operation, "own").await.unwrap();
        let owners = explain(world.room.context().clone()).await;
        assert!(owners.allowed, "{owners}");
        let hers = explain(alice.caller().unwrap().into()).await;
        match operation {
            // Whoever may read a secret may say that it was read.
            Op::ReportReads => assert_eq!(hers.permissions[0].action, "secretsmanager:GetSecretValue"),
            _ => assert!(hers.error.unwrap().ends_with("only the owner is")),
        }
    }
}

/// §4.2: "changing KmsKeyId without kms:Encrypt on the new key (or kms:Decrypt on the old) succeeds but skips re-encryption".
#[tokio::test]
async fn a_changed_key_re_encrypts_only_for_those_who_may() {
    for (rights, moved) in [
        (&["kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt"][..], true),
        (&["kms:GenerateDataKey", "kms:Decrypt"][..], false),
    ] {
        let world = World::new().await;
        let second = world.room.keys().create("alias/second", "").await.unwrap();
        let all = [rights, &["secretsmanager:UpdateSecret"]].concat();
        let alice = world.user("alice", &allow(&all)).await;
        world.as_user(&alice).update("own").key("alias/second").send().await.unwrap();
        let versions = world.room.versions("own").all().await.unwrap();
        let expected = if moved { second.arn.to_string() } else { world.key.clone() };
        assert_eq!(versions[0].kms_key_ids, [expected], "{rights:?}");
        assert_eq!(world.room.describe("own").await.unwrap().kms_key_id.as_deref(), Some("alias/second"));
        assert_eq!(world.room.get("own").send().await.unwrap().expose_text().unwrap(), "v");
    }
}

/// [R]: evaluated against the full ARN; against what was given where there is no such secret.
#[tokio::test]
async fn who_may_not_is_not_told_whether_there_is_a_secret() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let hers = world.as_user(&alice);
    let text = |error: Error| error.message().to_owned();
    let arn = world.room.describe("own").await.unwrap().arn.to_string();
    for named in ["own", arn.as_str(), &arn[..arn.len() - 7]] {
        let told = text(hers.get(named).send().await.unwrap_err());
        assert!(told.contains(&format!("on resource: {arn} because")), "{told}");
    }
    let told = text(hers.get("none").send().await.unwrap_err());
    assert!(told.contains("on resource: none because"), "{told}");
    // Nor whether it is deleted, nor what else is wrong.
    world.room.delete("own").send().await.unwrap();
    assert!(is_denied(&hers.get("own").send().await));
    assert!(is_denied(&hers.policy("own").put("{").send().await));
    assert!(is_denied(&hers.delete("own").recovery_window_days(3).send().await));
    // Those who may are told.
    world.set("alice", &allow(&["secretsmanager:*"])).await;
    let told = |error: Error| error.code();
    assert_eq!(told(hers.get("none").send().await.unwrap_err()), "ResourceNotFoundException");
    assert_eq!(told(hers.get("own").send().await.unwrap_err()), "InvalidRequestException");
    // A pattern of ARNs is not like a name: as AWS decides.
    let pattern = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"secretsmanager:*","Resource":"arn:aws:secretsmanager:*:*:secret:*"}}"#;
    world.set("alice", pattern).await;
    assert!(is_denied(&hers.get("none").send().await));
    assert_eq!(told(hers.get("own").send().await.unwrap_err()), "InvalidRequestException");
}

/// §4.1: six question marks for the suffix; creation by the same patterns.
#[tokio::test]
async fn resources_are_matched_by_full_arns() {
    let world = World::new().await;
    world.room.create("db").text("v").send().await.unwrap();
    world.room.create("db-other").text("v").send().await.unwrap();
    let alice = world.user("alice", "").await;
    let hers = world.as_user(&alice);
    for (pattern, db, other, made) in [
        ("secret:db-??????", true, false, false),
        ("secret:db-*", true, true, false),
        ("secret:db", false, false, false),
        ("secret:new-??????", false, false, true),
        ("secret:n*", false, false, true),
        ("secret:DB-??????", false, false, false),
    ] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","secretsmanager:CreateSecret"],
                "Resource":"arn:aws:secretsmanager:us-east-1:000000000000:{pattern}"}}}}"#
        );
        world.set("alice", &policy).await;
        assert_eq!(hers.get("db").send().await.is_ok(), db, "{pattern}");
        assert_eq!(hers.get("db-other").send().await.is_ok(), other, "{pattern}");
        assert_eq!(hers.create("new").text("v").send().await.is_ok(), made, "{pattern}");
        let _ = world.room.delete("new").without_recovery().send().await;
    }
}

#[tokio::test]
async fn housekeeping_is_the_owners() {
    let world = World::new().await;
    let admin = world.user("admin", &allow(&["*"])).await;
    let its = world.as_user(&admin);
    assert!(is_denied(&its.verify().await));
    assert!(is_denied(&its.maintain().await));
    assert!(is_denied(&its.roots().list().await));
    assert!(is_denied(&its.roots().add(strongroom::RootKey::from_bytes([1; 32]), "mine").await));
    assert!(is_denied(&its.roots().add_recovery_code("mine").await));
    assert!(is_denied(&its.roots().remove("0").await));
    assert!(is_denied(&its.roots().rekey(Vec::new(), |_| ()).await));
    assert!(is_denied(&its.backup("nowhere").await));
    assert!(is_denied(&its.keys().uses(&world.key).await));
    assert!(is_denied(&its.keys().rewrap(&world.key, |_| ()).await));
    let confirmed = strongroom::Retirement::LosesCiphertextsElsewhere;
    assert!(is_denied(&its.keys().retire_material(&world.key, "x", confirmed).await));
    assert!(is_denied(&its.iam().explain(admin.caller().unwrap(), Op::GetSecretValue, "own").await));
    assert!(is_denied(&its.iam().who_can(Op::GetSecretValue, "own").await));
    assert_eq!(world.room.roots().list().await.unwrap().len(), 1);
}
