//! Who may decrypt: a secret under the managed key, then under a key of its own.
//!
//! `cargo run --example who_can_decrypt` tells two stories of access in a strongroom in memory. It
//! tries each step and compares the explanation with what happened.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks")]

use std::error::Error;
use std::process::ExitCode;

use strongroom::kms::{CreateGrant, GrantOperation, PutKeyPolicy};
use strongroom::{Caller, CreateRole, IdentityRef, Operation, RootKey, Strongroom, presets};

type Done = Result<(), Box<dyn Error>>;

const SECRET: &str = "prod/db";
/// Anyone in the account whose own policies allow it may assume the role.
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {
  "Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}}"#;
/// The default policy of a key: the account's own policies decide.
const DELEGATION: &str = r#"{"Sid": "account", "Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "kms:*", "Resource": "*"}"#;

fn main() -> ExitCode {
    let done: Done = pollster::block_on(async {
        let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([7; 32])).open().await?;
        one_permission_or_two(&room).await?;
        decrypt_alone(&room).await
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", strongroom::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn chapter(text: &str) {
    println!("\n== {text}\n");
}

/// Tries to read or write, says how it went and why, and compares the explanation with it.
async fn tries(room: &Strongroom, caller: &Caller, operation: Operation, expected: bool) -> Done {
    let theirs = room.as_caller(caller.clone());
    let outcome = match operation {
        Operation::PutSecretValue => theirs.put(SECRET).text("newer").send().await.map(|_| ()),
        _ => theirs.get(SECRET).send().await.map(|_| ()),
    };
    match &outcome {
        Ok(()) => println!("   {operation}: done"),
        Err(error) => println!("   {operation}: {}: {}", error.code(), error.message()),
    }
    let explained = room.iam().explain(caller.clone(), operation, SECRET).await?;
    for permission in &explained.permissions {
        println!("     {}: {}", permission.action, permission.reason);
    }
    if outcome.is_ok() != expected || explained.allowed != expected {
        return Err(format!("not as told: {outcome:?}\n{explained}").into());
    }
    Ok(())
}

async fn shows(room: &Strongroom, caller: &Caller, operation: Operation) -> Done {
    let explained = room.iam().explain(caller.clone(), operation, SECRET).await?;
    for line in explained.to_string().lines() {
        println!("   | {line}");
    }
    Ok(())
}

async fn one_permission_or_two(room: &Strongroom) -> Done {
    chapter("One permission is enough under the managed key");
    room.create(SECRET).text("s3cret").send().await?;
    let alice = room.iam().create_user("alice").await?;
    let caller = alice.caller()?;
    println!("alice is new and may nothing:");
    tries(room, &caller, Operation::GetSecretValue, false).await?;
    room.iam().put_policy(&alice, "read-prod", &presets::read_names(["prod/*"])).await?;
    println!("with secretsmanager:GetSecretValue on prod/*:");
    tries(room, &caller, Operation::GetSecretValue, true).await?;
    shows(room, &caller, Operation::GetSecretValue).await?;

    chapter("The same secret under a key of one's own needs a second one");
    let key = room.keys().create("alias/prod", "for production").await?;
    room.update(SECRET).key("alias/prod").send().await?;
    println!("the secret moved to alias/prod, and alice's read is refused:");
    tries(room, &caller, Operation::GetSecretValue, false).await?;
    shows(room, &caller, Operation::GetSecretValue).await?;

    println!("\n1. a policy of hers, as the key's policy leaves it to the account:");
    let decrypt = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "{}"}}}}"#,
        key.arn
    );
    room.iam().put_policy(&alice, "decrypt", &decrypt).await?;
    tries(room, &caller, Operation::GetSecretValue, true).await?;
    room.iam().delete_policy(&alice, "decrypt").await?;
    println!("   taken away again:");
    tries(room, &caller, Operation::GetSecretValue, false).await?;

    println!("\n2. the key's policy names her:");
    let (service, owner) = (room.keys().service()?, room.context());
    let id = key.id.clone().into();
    let named = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{DELEGATION},
        {{"Sid": "alice", "Effect": "Allow", "Principal": {{"AWS": "{}"}}, "Action": "kms:Decrypt", "Resource": "*"}}]}}"#,
        alice.arn
    );
    service.put_key_policy(owner, &id, PutKeyPolicy::new(&named)).await?;
    tries(room, &caller, Operation::GetSecretValue, true).await?;
    let before = format!(r#"{{"Version": "2012-10-17", "Statement": [{DELEGATION}]}}"#);
    service.put_key_policy(owner, &id, PutKeyPolicy::new(&before)).await?;
    println!("   taken away again:");
    tries(room, &caller, Operation::GetSecretValue, false).await?;

    println!("\n3. a grant:");
    let grant = CreateGrant::new(alice.arn.as_str(), [GrantOperation::Decrypt]).named("for-alice");
    let grant = service.create_grant(owner, &id, grant).await?;
    tries(room, &caller, Operation::GetSecretValue, true).await?;
    shows(room, &caller, Operation::GetSecretValue).await?;
    service.revoke_grant(owner, &id, &grant.id, false).await?;
    println!("   revoked:");
    tries(room, &caller, Operation::GetSecretValue, false).await
}

async fn decrypt_alone(room: &Strongroom) -> Done {
    chapter("A function that reads and cannot write");
    let role = room.iam().create_role(CreateRole::new("orders-function", TRUST)).await?;
    let all = r#"{"Version": "2012-10-17", "Statement": {
      "Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], "Resource": "*"}}"#;
    room.iam().put_policy(IdentityRef::role("orders-function"), "secrets", all).await?;
    let key = room.keys().describe("alias/prod").await?;
    let policy = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{DELEGATION},
        {{"Sid": "function", "Effect": "Allow", "Principal": {{"AWS": "*"}}, "Action": "kms:Decrypt", "Resource": "*",
          "Condition": {{"ArnLike": {{"aws:PrincipalArn": "{}"}}}}}}]}}"#,
        role.arn
    );
    let (service, owner) = (room.keys().service()?, room.context());
    service.put_key_policy(owner, &key.id.into(), PutKeyPolicy::new(&policy)).await?;
    println!(
        "its role may both read and write secrets, and of the key has kms:Decrypt alone, on condition of its ARN:"
    );
    let session = role.session("run-1")?;
    tries(room, &session, Operation::GetSecretValue, true).await?;
    tries(room, &session, Operation::PutSecretValue, false).await?;
    shows(room, &session, Operation::PutSecretValue).await?;

    chapter("Who can read it, of all that are known");
    for line in room.iam().who_can(Operation::GetSecretValue, SECRET).await?.to_string().lines() {
        println!("   | {line}");
    }
    Ok(())
}
