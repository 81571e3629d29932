//! §2.2, §4.4: policies of secrets, within the account and across.

use strongroom::{AccountId, CallContext, Caller, Operation, Stage};

use crate::{DEFAULT_KEY, DELEGATION, NO_KMS, World, allow, document, is_denied};

const GET: Operation = Operation::GetSecretValue;

fn names(principal: &str, effect: &str, action: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"*"}}"#
    )
}

impl World {
    async fn policy(&self, secret: &str, statements: &[String]) {
        self.room.policy(secret).put(document(statements)).send().await.unwrap();
    }
}

#[tokio::test]
async fn the_policy_of_a_secret_lets_in_whom_it_names() {
    let world = World::new().await;
    let (alice, bob) = (world.user("alice", "").await, world.user("bob", "").await);
    world.policy("managed", &[names(alice.arn.as_str(), "Allow", "secretsmanager:GetSecretValue")]).await;
    world.tries(&alice.caller().unwrap(), GET, "managed").await.unwrap();
    assert!(world.tries(&alice.caller().unwrap(), Operation::PutSecretValue, "managed").await.is_err());
    assert!(world.tries(&bob.caller().unwrap(), GET, "managed").await.is_err());
    // The account: its own policies decide.
    world.policy("managed", &[names("000000000000", "Allow", "secretsmanager:GetSecretValue")]).await;
    assert!(world.tries(&alice.caller().unwrap(), GET, "managed").await.is_err());
    world.set("alice", &allow(&["secretsmanager:GetSecretValue"])).await;
    world.tries(&alice.caller().unwrap(), GET, "managed").await.unwrap();
    // It denies whatever others allow, the owner too.
    world.policy("managed", &[names("*", "Deny", "secretsmanager:GetSecretValue")]).await;
    let refused = world.tries(&alice.caller().unwrap(), GET, "managed").await.unwrap_err();
    assert!(refused.message().ends_with("with an explicit deny in a resource-based policy"), "{refused}");
    assert!(is_denied(&world.room.get("managed").send().await));
    let owner = Caller::Owner(world.room.realm().account());
    assert!(world.tries(&owner, GET, "managed").await.is_err());
    world.tries(&owner, Operation::DeleteResourcePolicy, "managed").await.unwrap();
    world.tries(&owner, GET, "managed").await.unwrap();
}

/// §2.2: role ARNs are limited by session policies, sessions' ARNs and users are not.
#[tokio::test]
async fn sessions_and_what_limits_them() {
    let world = World::new().await;
    let role = world.role("reader", "").await;
    let session = role.session("run-1").unwrap();
    let nothing = strongroom::SessionFacts::new().policy(allow(&["s3:GetObject"]));
    let limited = world.room.with_context(CallContext::new(session.clone()).with_facts(nothing));
    world.policy("managed", &[names(role.arn.as_str(), "Allow", "secretsmanager:GetSecretValue")]).await;
    world.tries(&session, GET, "managed").await.unwrap();
    let refused = limited.get("managed").send().await.unwrap_err();
    assert!(
        refused
            .message()
            .ends_with("because no session policy allows the secretsmanager:GetSecretValue action")
    );
    world.policy("managed", &[names(&session.to_string(), "Allow", "secretsmanager:GetSecretValue")]).await;
    limited.get("managed").send().await.unwrap();
    let other = role.session("run-2").unwrap();
    assert!(world.tries(&other, GET, "managed").await.is_err());
}

/// §2.2, §4.2: another account's callers need both sides, name the secret by its full ARN, and never get through the managed key.
#[tokio::test]
async fn across_accounts() {
    let world = World::new().await;
    let there = AccountId::parse("111122223333").unwrap();
    let directory = world.room.iam().directory().unwrap().of_account(there);
    let bob = directory.create_user(world.room.context(), "bob".into()).await.unwrap();
    let caller = bob.caller().unwrap();
    let arn = |secret: &'static str| {
        let room = &world.room;
        async move { room.describe(secret).await.unwrap().arn.to_string() }
    };
    let (own, managed) = (arn("own").await, arn("managed").await);
    let rights = allow(&["secretsmanager:GetSecretValue", "kms:Decrypt"]);
    directory.put_policy(world.room.context(), &(&bob).into(), "own", &rights).await.unwrap();
    let refused = world.tries(&caller, GET, &own).await.unwrap_err();
    assert!(refused.message().contains("because no resource-based policy allows"), "{refused}");
    for secret in ["own", "managed"] {
        world.policy(secret, &[names("111122223333", "Allow", "secretsmanager:GetSecretValue")]).await;
    }
    // secretsmanager.md §6.4 [R].
    let refused = world.tries(&caller, GET, &managed).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), ("InvalidRequestException", DEFAULT_KEY));
    let refused = world.tries(&caller, Operation::PutSecretValue, &managed).await.unwrap_err();
    assert!(is_denied::<()>(&Err(refused)), "what its policy does not allow is told first");
    assert_eq!(world.tries(&caller, GET, &own).await.unwrap_err().message(), NO_KMS);
    let other =
        r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Decrypt","Resource":"*"}"#;
    world.key_policy(&[DELEGATION, other]).await;
    world.tries(&caller, GET, &own).await.unwrap();
    // By name or part of the ARN it means something of its own.
    let theirs = world.room.as_caller(caller.clone());
    for named in ["own", &own[..own.len() - 7]] {
        assert!(theirs.get(named).send().await.is_err(), "{named}");
    }
    // Nor what concerns no secret.
    let all = allow(&["*"]);
    directory.put_policy(world.room.context(), &(&bob).into(), "own", &all).await.unwrap();
    assert!(is_denied(&theirs.list().send().await));
    assert!(is_denied(&theirs.random_password().send().await));
    assert!(is_denied(&theirs.create("new").text("v").send().await));
    assert!(is_denied(&theirs.keys().create("alias/theirs", "").await));
    // Its account must allow it too.
    directory.delete_policy(world.room.context(), &(&bob).into(), "own").await.unwrap();
    assert!(world.tries(&caller, GET, &own).await.is_err());
    // Its root speaks for it.
    world.tries(&Caller::Owner(there), GET, &own).await.unwrap();
}

/// §3: "user/role principals are bound to the entity's unique id at save time".
#[tokio::test]
async fn who_is_made_again_is_another() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let role = world.role("reader", "").await;
    let statements = [
        names(alice.arn.as_str(), "Allow", "secretsmanager:GetSecretValue"),
        names(role.arn.as_str(), "Allow", "secretsmanager:GetSecretValue"),
    ];
    world.policy("managed", &statements).await;
    world.tries(&alice.caller().unwrap(), GET, "managed").await.unwrap();
    world.tries(&role.session("run").unwrap(), GET, "managed").await.unwrap();
    assert!(world.room.policy("managed").get().await.unwrap().unwrap().contains(alice.arn.as_str()));
    world.room.iam().delete(&alice).await.unwrap();
    let shown = world.room.policy("managed").get().await.unwrap().unwrap();
    assert!(
        shown.contains(&alice.id) && !shown.contains(alice.arn.as_str()) && shown.contains(role.arn.as_str())
    );
    assert!(is_denied(&world.as_user(&alice).get("managed").send().await));
    let again = world.user("alice", "").await;
    assert!(world.tries(&again.caller().unwrap(), GET, "managed").await.is_err());
    world.policy("managed", &statements).await;
    world.tries(&again.caller().unwrap(), GET, "managed").await.unwrap();
    // Nobody of this account who is not there can be named.
    let missing = names("arn:aws:iam::000000000000:user/nobody", "Allow", "secretsmanager:GetSecretValue");
    let refused = world.room.policy("managed").put(document(&[missing])).send().await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        ("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal.")
    );
    let foreign = names("arn:aws:iam::111122223333:user/nobody", "Allow", "secretsmanager:GetSecretValue");
    world.policy("managed", &[foreign]).await;
}

/// A policy must leave its author a way back; decided as it would be.
#[tokio::test]
async fn nobody_shuts_themselves_out() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["secretsmanager:PutResourcePolicy"])).await;
    let hers = world.as_user(&alice);
    let text = "Your requested changes will not allow you to manage this secret in the future.";
    let put = async |statements: &[String]| hers.policy("managed").put(document(statements)).send().await;
    for statement in [
        names("*", "Deny", "secretsmanager:*"),
        names(alice.arn.as_str(), "Deny", "secretsmanager:*ResourcePolicy"),
        r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"alice"}}}"#.to_owned(),
        r#"{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}"#.to_owned(),
        r#"{"Effect":"Deny","Principal":"*","NotAction":"secretsmanager:GetSecretValue","Resource":"*"}"#.to_owned(),
    ] {
        let refused = put(std::slice::from_ref(&statement)).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), ("MalformedPolicyDocumentException", text), "{statement}");
        let valid = world.room.validate_policy(document(std::slice::from_ref(&statement))).secret("managed").send().await;
        let for_owner = valid.unwrap().findings.iter().any(|finding| finding.message == text);
        assert_eq!(for_owner, !statement.contains("alice"), "{statement}");
    }
    // One of the two is enough; another secret's ARN, or another's name, shuts nobody out.
    let one = names("*", "Deny", "secretsmanager:DeleteResourcePolicy");
    put(&[one]).await.unwrap();
    let bob = world.user("bob", "").await;
    put(&[names(bob.arn.as_str(), "Deny", "*")]).await.unwrap();
    let other = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:secretsmanager:us-east-1:000000000000:secret:other-AbCdEf"}"#;
    put(&[other.to_owned()]).await.unwrap();
    let away = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;
    put(&[away.to_owned()]).await.unwrap();
    // Who may by the secret's policy alone must keep that.
    let carol = world.user("carol", "").await;
    let keeps = names(carol.arn.as_str(), "Allow", "secretsmanager:*");
    world.policy("own", std::slice::from_ref(&keeps)).await;
    let theirs = world.as_user(&carol);
    let refused = theirs.policy("own").put(document(&[names(bob.arn.as_str(), "Allow", "*")])).send().await;
    assert_eq!(refused.unwrap_err().message(), text);
    theirs.policy("own").put(document(&[keeps, names(bob.arn.as_str(), "Allow", "*")])).send().await.unwrap();
}

#[tokio::test]
async fn broad_access_is_refused_where_it_is_to_be() {
    let world = World::new().await;
    let everybody = document(&[names("*", "Allow", "secretsmanager:GetSecretValue")]);
    let refused =
        world.room.policy("managed").put(&everybody).block_public_policy().send().await.unwrap_err();
    assert_eq!(refused.code(), "PublicPolicyException");
    assert_eq!(world.room.policy("managed").get().await.unwrap(), None);
    world.room.policy("managed").put(&everybody).send().await.unwrap();
    // It does what it says.
    let alice = world.user("alice", "").await;
    world.tries(&alice.caller().unwrap(), GET, "managed").await.unwrap();
    let tied = everybody.replace(
        "\"Resource\"",
        "\"Condition\":{\"StringEquals\":{\"aws:PrincipalAccount\":\"000000000000\"}},\"Resource\"",
    );
    world.room.policy("managed").put(&tied).block_public_policy().send().await.unwrap();
    world.tries(&alice.caller().unwrap(), GET, "managed").await.unwrap();
}

/// TagResource: "If the tag change would remove the caller's own access → AccessDeniedException."
#[tokio::test]
async fn tags_that_would_take_ones_own_rights_are_refused() {
    let world = World::new().await;
    let by_tag = r#"{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"orders"}}}"#;
    let alice = world.user("alice", &document(&[by_tag.to_owned()])).await;
    let hers = world.as_user(&alice);
    hers.tag("own", "more", "x").await.unwrap();
    assert!(is_denied(&hers.tag("own", "team", "others").await));
    assert!(is_denied(&hers.untag("own", "team").await));
    hers.untag("own", "more").await.unwrap();
    assert!(is_denied(&hers.tag("managed", "team", "orders").await));
    let tags = world.room.describe("own").await.unwrap().tags.unwrap();
    assert_eq!(tags, [strongroom::Tag::new("team", "orders")]);
    world.room.tag("own", "team", "others").await.unwrap();
    assert!(is_denied(&hers.describe("own").await));
}

#[tokio::test]
async fn services_are_let_in_by_name() {
    let world = World::new().await;
    let lambda = Caller::Service("lambda.amazonaws.com".to_owned());
    assert!(world.tries(&lambda, Operation::DescribeSecret, "managed").await.is_err());
    let service = r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"secretsmanager:DescribeSecret","Resource":"*"}"#;
    world.policy("managed", &[service.to_owned()]).await;
    world.tries(&lambda, Operation::DescribeSecret, "managed").await.unwrap();
    let rds = Caller::Service("rds.amazonaws.com".to_owned());
    assert!(world.tries(&rds, Operation::DescribeSecret, "managed").await.is_err());
    assert!(world.tries(&lambda, Operation::ListSecrets, "managed").await.is_err());
}

/// A right that is taken away is gone with the next call, of every handle.
#[tokio::test]
async fn what_is_revoked_is_gone_at_once() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["secretsmanager:*", "kms:*"])).await;
    let hers = world.as_user(&alice);
    for secret in ["managed", "own"] {
        hers.get(secret).stage(Stage::CURRENT).send().await.unwrap();
    }
    world.room.iam().delete_policy(&alice, "own").await.unwrap();
    for secret in ["managed", "own"] {
        assert!(is_denied(&hers.get(secret).send().await));
    }
}
