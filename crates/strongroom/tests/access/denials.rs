//! What AWS denies where it is easily overlooked, through the whole house: variables without a value, NotPrincipal, federated
//! users, and policies that IAM refuses.

use strongroom::kms::PutKeyPolicy;
use strongroom::{CallContext, Caller, CreateRole, IdentityRef, Operation, SessionFacts};

use crate::{DELEGATION, World, allow, document, is_denied};

const READ: Operation = Operation::GetSecretValue;
const ALICE: &str = "arn:aws:iam::000000000000:user/alice";
const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

/// "Inverted condition operators like StringNotEquals or StringNotLike do match against a null value." (IAM User Guide,
/// `reference_policies_variables.html`.) The secret `own` has a tag `team`, and alice has none.
#[tokio::test]
async fn a_deny_for_all_but_ones_own_team_denies_who_has_no_team() {
    let not_mine =
        r#""Condition":{"StringNotEquals":{"secretsmanager:ResourceTag/team":"${aws:PrincipalTag/team}"}}"#;
    let deny =
        format!(r#"{{"Effect":"Deny",PRINCIPAL"Action":"secretsmanager:*","Resource":"*",{not_mine}}}"#);
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["*"])).await.caller().unwrap();
    let plain = CallContext::new(alice.clone());
    let tagged =
        |team: &str| CallContext::new(alice.clone()).with_facts(SessionFacts::new().tag("team", team));
    let tries = async || {
        assert!(is_denied(&world.tries_as(&plain, READ, "own").await), "without a tag");
        assert!(is_denied(&world.tries_as(&tagged("sales"), READ, "own").await), "of another team");
        world.tries_as(&tagged("orders"), READ, "own").await.unwrap();
    };
    world.tries_as(&plain, READ, "own").await.unwrap();
    // In her own policy.
    world.set("alice", &document(&[ALL.to_owned(), deny.replace("PRINCIPAL", "")])).await;
    tries().await;
    // In the secret's.
    world.set("alice", &allow(&["*"])).await;
    let named = format!(r#""Principal":{{"AWS":"{ALICE}"}},"#);
    world.room.policy("own").put(document(&[deny.replace("PRINCIPAL", &named)])).send().await.unwrap();
    tries().await;
    world.room.policy("own").delete().await.unwrap();
    // In the key's, over a key that its requests have.
    let by_service =
        r#"{"StringNotEquals":{"kms:EncryptionContext:SecretARN":"${aws:PrincipalTag/secret}"}}"#;
    let of_key = format!(
        r#"{{"Effect":"Deny","Principal":{{"AWS":"{ALICE}"}},"Action":"kms:Decrypt","Resource":"*","Condition":{by_service}}}"#
    );
    world.tries_as(&plain, READ, "own").await.unwrap();
    world.key_policy(&[DELEGATION, &of_key]).await;
    assert!(is_denied(&world.tries_as(&plain, READ, "own").await));
    let arn = world.room.describe("own").await.unwrap().arn.to_string();
    let hers = CallContext::new(alice.clone()).with_facts(SessionFacts::new().tag("secret", &arn));
    world.tries_as(&hers, READ, "own").await.unwrap();
}

/// "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions boundary policy
/// attached." (IAM User Guide, `reference_policies_elements_notprincipal.html`.)
#[tokio::test]
async fn not_principal_denies_whoever_has_a_boundary() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["*"])).await.caller().unwrap();
    let all_but = |action: &str| {
        format!(
            r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":["000000000000","{ALICE}"]}},"Action":"{action}","Resource":"*"}}"#
        )
    };
    world
        .room
        .policy("managed")
        .put(document(&[all_but("secretsmanager:GetSecretValue")]))
        .send()
        .await
        .unwrap();
    world.key_policy(&[DELEGATION, &all_but("kms:Decrypt")]).await;
    for secret in ["managed", "own"] {
        world.tries(&alice, READ, secret).await.unwrap();
    }
    let boundary = world.room.iam().create_managed_policy("boundary", &allow(&["*"])).await.unwrap();
    world.room.iam().put_boundary(IdentityRef::user("alice"), boundary.arn.as_str()).await.unwrap();
    for secret in ["managed", "own"] {
        assert!(is_denied(&world.tries(&alice, READ, secret).await), "{secret}");
    }
    world.tries(&alice, Operation::DescribeSecret, "managed").await.unwrap();
    world.room.iam().delete_boundary(IdentityRef::user("alice")).await.unwrap();
    world.tries(&alice, READ, "managed").await.unwrap();
}

/// "If a resource-based policy grants permission to the ARN of the IAM user who federated, then requests made by the federated
/// user during the session are limited by an implicit deny in a permission boundary or session policy." (IAM User Guide,
/// `reference_policies_evaluation-logic.html`.)
#[tokio::test]
async fn what_names_a_user_reaches_the_sessions_that_it_federated() {
    let world = World::new().await;
    let user = world.user("alice", "").await;
    let guest = Caller::federated(&user.arn, "guest").unwrap();
    let with = |policy: &str| CallContext::new(guest.clone()).with_facts(SessionFacts::new().policy(policy));
    let all = with(&allow(&["*"]));
    let statement = |effect: &str| {
        format!(
            r#"{{"Effect":"{effect}","Principal":{{"AWS":"{ALICE}"}},"Action":"secretsmanager:*","Resource":"*"}}"#
        )
    };
    assert!(is_denied(&world.tries_as(&all, READ, "managed").await));
    world.room.policy("managed").put(document(&[statement("Allow")])).send().await.unwrap();
    world.tries_as(&all, READ, "managed").await.unwrap();
    let other = with(&allow(&["secretsmanager:ListSecrets"]));
    assert!(is_denied(&world.tries_as(&other, READ, "managed").await), "beyond the session policy");
    assert!(is_denied(&world.tries(&guest, READ, "managed").await), "without a session policy");
    let boundary = world
        .room
        .iam()
        .create_managed_policy("boundary", &allow(&["secretsmanager:Describe*"]))
        .await
        .unwrap();
    world.room.iam().put_boundary(IdentityRef::user("alice"), boundary.arn.as_str()).await.unwrap();
    assert!(is_denied(&world.tries_as(&all, READ, "managed").await), "beyond the boundary");
    world.tries_as(&all, Operation::DescribeSecret, "managed").await.unwrap();
    world.room.iam().delete_boundary(IdentityRef::user("alice")).await.unwrap();
    // The name is bound to who had it when the policy was put.
    world.room.iam().delete(IdentityRef::user("alice")).await.unwrap();
    world.user("alice", "").await;
    assert!(is_denied(&world.tries_as(&all, READ, "managed").await), "of another user of the name");
    // And for Deny.
    world.set("alice", &allow(&["*"])).await;
    world.tries_as(&all, READ, "managed").await.unwrap();
    world.room.policy("managed").put(document(&[statement("Deny")])).send().await.unwrap();
    assert!(is_denied(&world.tries_as(&all, READ, "managed").await), "denied by its maker's name");
    // Keys alike.
    let of_key = |effect: &str| {
        format!(
            r#"{{"Effect":"{effect}","Principal":{{"AWS":"{ALICE}"}},"Action":"kms:Decrypt","Resource":"*"}}"#
        )
    };
    world.tries_as(&all, READ, "own").await.unwrap();
    world.key_policy(&[DELEGATION, &of_key("Deny")]).await;
    assert!(is_denied(&world.tries_as(&all, READ, "own").await));
}

#[tokio::test]
async fn what_iam_refuses_is_refused_wherever_a_policy_is_put() {
    let world = World::new().await;
    let iam = world.room.iam();
    world.user("alice", "").await;
    let malformed = |result: Result<(), strongroom::Error>, place: &str| {
        let error = result.unwrap_err();
        let codes = ["MalformedPolicyDocument", "MalformedPolicyDocumentException"];
        assert!(codes.contains(&error.code()), "{place}: {error}");
    };
    for (action, resource) in
        [("k*:Encrypt", "*"), ("kms:Encrypt", "arn:aws"), ("kms:Encrypt", "arn:aws::::key/1")]
    {
        let own = document(&[format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)]);
        let named = document(&[format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"000000000000"}},"Action":"{action}","Resource":"{resource}"}}"#
        )]);
        malformed(iam.put_policy(IdentityRef::user("alice"), "own", &own).await, "identity");
        malformed(iam.create_managed_policy("managed", &own).await.map(drop), "managed");
        malformed(iam.put_guardrail("guardrail", &own).await, "guardrail");
        malformed(world.room.policy("own").put(named.clone()).send().await.map(drop), "secret");
        malformed(world.room.validate_policy(named.clone()).send().await.map(drop), "validation");
        let key = strongroom::kms::KeyRef::parse(&world.key).unwrap();
        let keys = world.room.keys().service().unwrap().clone();
        let put = keys.put_key_policy(world.room.context(), &key, PutKeyPolicy::new(named.clone())).await;
        assert_eq!(put.unwrap_err().code(), "MalformedPolicyDocumentException");
        if resource == "*" {
            let trust = crate::TRUST.replace("sts:AssumeRole", "s*:AssumeRole");
            malformed(iam.create_role(CreateRole::new("reader", trust)).await.map(drop), "trust");
        }
    }
    let twice = r#"{"Sid":"","Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}"#.to_owned();
    iam.put_policy(IdentityRef::user("alice"), "own", &document(&[twice.clone(), twice])).await.unwrap();
    let alice = iam.get(IdentityRef::user("alice")).await.unwrap().caller().unwrap();
    world.tries(&alice, READ, "managed").await.unwrap();
}

/// The forms of <https://www.w3.org/TR/NOTE-datetime>. It is 2027-01-15T08:00:00Z.
#[tokio::test]
async fn dates_may_be_written_in_every_form_of_the_w3c() {
    let world = World::new().await;
    let alice = world.user("alice", "").await.caller().unwrap();
    let until = async |date: &str| {
        let condition = format!(r#","Condition":{{"DateLessThan":{{"aws:CurrentTime":"{date}"}}}}"#);
        world.set("alice", &document(&[crate::allow_with(&["secretsmanager:*"], &condition)])).await;
        world.tries(&alice, READ, "managed").await
    };
    for later in [
        "2028",
        "2027-02",
        "2027-01-16",
        "2027-01-15T08:01",
        "2027-01-15T08:00:01",
        "2027-01-15T08:00:00.5",
        "2027-01-15T10:00:01+02:00",
    ] {
        until(later).await.unwrap_or_else(|error| panic!("{later}: {error}"));
    }
    for earlier in [
        "2027",
        "2027-01",
        "2027-01-15",
        "2027-01-15T08:00",
        "2027-01-15T08:00:00",
        "2027-01-15T08:00:00.0",
        "2027-01-15T10:00:00+02:00",
    ] {
        assert!(is_denied(&until(earlier).await), "{earlier}");
    }
}
