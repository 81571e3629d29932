//! The two stories that this is for.

use strongroom::kms::GrantOperation;
use strongroom::{IdentityRef, Operation, presets};

use crate::{DELEGATION, NO_KMS, World, allow};

const GET: Operation = Operation::GetSecretValue;

#[tokio::test]
async fn a_secret_under_the_managed_key_and_then_under_ones_own() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let caller = alice.caller().unwrap();
    assert!(world.tries(&caller, GET, "managed").await.is_err());
    world.set("alice", &presets::read_names(["managed"])).await;
    world.tries(&caller, GET, "managed").await.unwrap();

    world.room.update("managed").key("alias/own").send().await.unwrap();
    let refused = async || world.tries(&caller, GET, "managed").await.unwrap_err().message().to_owned();
    assert_eq!(refused().await, NO_KMS);
    let explained = world.room.iam().explain(caller.clone(), GET, "managed").await.unwrap();
    let [secret, key] = explained.permissions.as_slice() else { panic!("two permissions") };
    assert!(secret.allowed && !key.allowed);
    assert_eq!(key.reason, "no identity-based policy allows it, which is needed beside the key policy");
    let remedies: Vec<String> = key.remedies.iter().map(ToString::to_string).collect();
    assert_eq!(remedies.len(), 3, "{remedies:?}");
    assert!(remedies[0].starts_with(&format!("add to an identity-based policy of {}", alice.arn)));
    assert!(remedies[1].starts_with("add to the key policy"));
    assert!(remedies[2].starts_with("create a grant"));

    // A policy of the caller, which the key's policy leaves it to.
    let decrypt = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"{}"}}}}"#,
        world.key
    );
    world.room.iam().put_policy(&alice, "decrypt", &decrypt).await.unwrap();
    world.tries(&caller, GET, "managed").await.unwrap();
    world.room.iam().delete_policy(&alice, "decrypt").await.unwrap();
    assert_eq!(refused().await, NO_KMS);

    // The key's policy.
    let named = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"kms:Decrypt","Resource":"*"}}"#,
        alice.arn
    );
    world.key_policy(&[DELEGATION, &named]).await;
    world.tries(&caller, GET, "managed").await.unwrap();
    world.key_policy(&[DELEGATION]).await;
    assert_eq!(refused().await, NO_KMS);

    // A grant.
    let grant = world.grant(alice.arn.as_str(), GrantOperation::Decrypt).await;
    world.tries(&caller, GET, "managed").await.unwrap();
    world.revoke(&grant).await;
    assert_eq!(refused().await, NO_KMS);
    assert!(world.room.get("managed").send().await.is_ok());
}

#[tokio::test]
async fn a_function_that_may_decrypt_reads_and_does_not_write() {
    let world = World::new().await;
    let secrets = allow(&["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]);
    let (function, other) =
        (world.role("orders-function", &secrets).await, world.role("other-function", &secrets).await);
    let statement = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"kms:Decrypt","Resource":"*",
            "Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{}"}}}}}}"#,
        function.arn
    );
    world.key_policy(&[DELEGATION, &statement]).await;
    let run = function.session("run-1").unwrap();
    world.tries(&run, GET, "own").await.unwrap();
    assert_eq!(world.tries(&run, Operation::PutSecretValue, "own").await.unwrap_err().message(), NO_KMS);
    let others = other.session("run-1").unwrap();
    assert_eq!(world.tries(&others, GET, "own").await.unwrap_err().message(), NO_KMS);
    // The same by a policy of the role on condition of its ARN.
    world.key_policy(&[DELEGATION]).await;
    assert!(world.tries(&run, GET, "own").await.is_err());
    let own = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
            "Condition":{{"ArnLike":{{"aws:PrincipalArn":"{}"}}}}}}}}"#,
        function.arn
    );
    for role in ["orders-function", "other-function"] {
        world.room.iam().put_policy(IdentityRef::role(role), "decrypt", &own).await.unwrap();
    }
    world.tries(&run, GET, "own").await.unwrap();
    assert!(world.tries(&run, Operation::PutSecretValue, "own").await.is_err());
    assert!(world.tries(&others, GET, "own").await.is_err());
}

#[tokio::test]
async fn the_managed_key_is_nobodys_directly() {
    let world = World::new().await;
    let all = world.user("all", &allow(&["*"])).await;
    let hers = world.as_user(&all);
    assert!(hers.get("managed").send().await.is_ok());
    let context = strongroom::EncryptionContext::new();
    for room in [&hers, &world.room] {
        let direct = room.keys().encrypt("alias/aws/secretsmanager", b"x", &context).await;
        assert_eq!(direct.unwrap_err().code(), "AccessDeniedException");
        room.keys().describe("alias/aws/secretsmanager").await.unwrap();
    }
}
