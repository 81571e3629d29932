//! What somebody reads in an incident has to be so: reasons, ways out that work, and no answer that is only half of one.

use strongroom::iam::Verdict;
use strongroom::kms::{AliasName, GrantOperation};
use strongroom::{AccountId, Caller, Operation, SessionFacts, Timestamp};

use crate::{DELEGATION, NO_KMS, World, allow, allow_with, document, is_denied};

const GET: Operation = Operation::GetSecretValue;
const BOB: &str = "arn:aws:iam::111122223333:user/bob";

impl World {
    /// What would help, of each permission that is not there, as text.
    async fn remedies(&self, caller: &Caller, operation: Operation, secret: &str) -> Vec<String> {
        let told = self.room.iam().explain(caller.clone(), operation, secret).await.unwrap();
        let missing = told.permissions.iter().filter(|one| !one.allowed);
        missing.flat_map(|one| one.remedies.iter().map(ToString::to_string)).collect()
    }

    async fn verdict(&self, secret: &str, who: &str) -> (Verdict, Vec<String>) {
        let who_can = self.room.iam().who_can(GET, secret).await.unwrap();
        let found = who_can.candidates.iter().find(|one| one.principal == who);
        let found = found.unwrap_or_else(|| panic!("{who} is not in\n{who_can}"));
        (found.verdict, found.conditions.clone())
    }

    async fn bob(&self, policy: &str) -> Caller {
        let directory =
            self.room.iam().directory().unwrap().of_account(AccountId::parse("111122223333").unwrap());
        let owner = self.room.context();
        let bob = directory.create_user(owner, "bob".into()).await.unwrap();
        if !policy.is_empty() {
            directory.put_policy(owner, &(&bob).into(), "own", policy).await.unwrap();
        }
        bob.caller().unwrap()
    }
}

/// What is about no secret that is there has no policy that could be changed.
#[tokio::test]
async fn no_way_out_leads_over_a_policy_that_cannot_be() {
    let world = World::new().await;
    let alice = world.user("alice", "").await.caller().unwrap();
    for (operation, secret) in [
        (Operation::ListSecrets, "own"),
        (Operation::GetRandomPassword, "own"),
        (Operation::CreateSecret, "new"),
        (GET, "missing"),
    ] {
        let remedies = world.remedies(&alice, operation, secret).await;
        assert!(!remedies.iter().any(|one| one.contains("resource-based")), "{operation}: {remedies:?}");
        if secret != "missing" {
            assert!(remedies[0].contains("identity-based policy of arn:aws:iam::000000000000:user/alice"));
        }
    }
    // For a secret that is there it may be either.
    assert!(world.remedies(&alice, GET, "managed").await.iter().any(|one| one.contains("resource-based")));
}

/// A condition key that does not exist, or that the service hides, is never met.
#[tokio::test]
async fn what_nobody_can_meet_is_no_way_out() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["secretsmanager:*"])).await.caller().unwrap();
    for condition in [
        r#"{"ArnEquals":{"kms:CallerArn":"arn:aws:iam::000000000000:user/alice"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
    ] {
        let odd = format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::000000000000:user/alice"}},"Action":"kms:Decrypt","Resource":"*","Condition":{condition}}}"#
        );
        world.key_policy(&[DELEGATION, &odd]).await;
        let remedies = world.remedies(&alice, GET, "own").await;
        assert!(
            !remedies.is_empty() && !remedies.iter().any(|one| one.contains("meet")),
            "{condition}: {remedies:?}"
        );
    }
    // What a session can show, it can.
    let shown = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/alice"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}"#;
    world.key_policy(&[DELEGATION, shown]).await;
    assert!(world.remedies(&alice, GET, "own").await.iter().any(|one| one.contains("meet")));
}

/// A grant is half of what a caller from elsewhere needs, and the other half is what is missing.
#[tokio::test]
async fn a_grant_that_is_one_half_is_counted() {
    let world = World::new().await;
    let allows = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"secretsmanager:*","Resource":"*"}"#;
    let bob = world.bob(&allow(&["secretsmanager:*"])).await;
    world.room.policy("own").put(document(&[allows.to_owned()])).send().await.unwrap();
    world.grant(BOB, GrantOperation::Decrypt).await;
    let arn = world.room.describe("own").await.unwrap().arn.to_string();
    assert_eq!(world.tries(&bob, GET, &arn).await.unwrap_err().message(), NO_KMS);
    let told = world.room.iam().explain(bob.clone(), GET, arn.as_str()).await.unwrap();
    let key = &told.permissions[1];
    assert!(key.reason.contains("identity-based policy"), "{}", key.reason);
    assert_eq!(key.remedies.len(), 1, "{:?}", key.remedies);
    assert!(
        key.remedies[0]
            .to_string()
            .starts_with("add to an identity-based policy of arn:aws:iam::111122223333:user/bob")
    );
    // A role whose boundary is in the way is told so, not that it needs another grant.
    let role = world.role("reader", &allow(&["secretsmanager:*"])).await;
    let boundary = world.room.iam().create_managed_policy("b", &allow(&["secretsmanager:*"])).await.unwrap();
    let (directory, id) = (world.room.iam().directory().unwrap().clone(), (&role).into());
    directory.put_boundary(world.room.context(), &id, boundary.arn.as_str()).await.unwrap();
    world.grant(role.arn.as_str(), GrantOperation::Decrypt).await;
    let session = role.session("run-1").unwrap();
    let told = world.room.iam().explain(session.clone(), GET, "own").await.unwrap();
    assert!(told.permissions[1].reason.contains("permissions boundary"), "{}", told.permissions[1].reason);
    let remedies = world.remedies(&session, GET, "own").await;
    assert!(remedies[0].starts_with("add to the permissions boundary"), "{remedies:?}");
    assert!(world.tries(&session, GET, "own").await.is_err());
}

/// What is hidden from callers of another account is refused to them.
#[tokio::test]
async fn a_key_that_is_gone_is_refused_from_afar() {
    let world = World::new().await;
    let statement = |action: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{BOB}"}},"Action":"{action}:*","Resource":"*"}}"#)
    };
    let bob = world.bob(&allow(&["secretsmanager:*", "kms:*"])).await;
    world.room.policy("own").put(document(&[statement("secretsmanager")])).send().await.unwrap();
    world.key_policy(&[DELEGATION, &statement("kms")]).await;
    let arn = world.room.describe("own").await.unwrap().arn.to_string();
    world.tries(&bob, Operation::PutSecretValue, &arn).await.unwrap();
    let alias = AliasName::parse("alias/own").unwrap();
    world.room.keys().service().unwrap().delete_alias(world.room.context(), &alias).await.unwrap();
    assert!(is_denied(&world.tries(&bob, Operation::PutSecretValue, &arn).await));
    let who = world.room.iam().who_can(Operation::PutSecretValue, arn.as_str()).await.unwrap();
    let his = who.candidates.iter().find(|one| one.principal == BOB).unwrap();
    assert_eq!(his.verdict, Verdict::Denied, "{who}");
}

/// What holds only for a while, or only with what a session says, is told under its condition.
#[tokio::test]
async fn who_can_knows_of_time_and_of_what_sessions_say() {
    let world = World::new().await;
    let conditional = |condition: &str| {
        document(&[allow_with(&["secretsmanager:*"], &format!(r#","Condition":{condition}"#))])
    };
    let alice = world.user("alice", "").await;
    let name = alice.arn.as_str();
    for open in [
        r#"{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#,
        r#"{"StringEquals":{"aws:PrincipalTag/shift":"night"}}"#,
        r#"{"StringEquals":{"saml:aud":"x"}}"#,
        r#"{"StringEquals":{"acme:ticket":"42"}}"#,
        r#"{"StringEquals":{"aws:SourceVpcArn":"arn:aws:ec2:us-east-1:000000000000:vpc/vpc-1"}}"#,
        r#"{"StringEquals":{"aws:FederatedProvider":"cognito-identity.amazonaws.com"}}"#,
    ] {
        world.set("alice", &conditional(open)).await;
        let (verdict, conditions) = world.verdict("managed", name).await;
        assert_eq!((verdict, conditions.len()), (Verdict::Conditional, 1), "{open} {conditions:?}");
    }
    // What is over is over, and what has no such condition is allowed.
    world.set("alice", &conditional(r#"{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}"#)).await;
    assert_eq!(world.verdict("managed", name).await.0, Verdict::Denied);
    world.set("alice", &allow(&["secretsmanager:*"])).await;
    assert_eq!(world.verdict("managed", name).await, (Verdict::Allowed, vec![]));
    // A session does with it what is told.
    world.set("alice", &conditional(r#"{"StringEquals":{"aws:PrincipalTag/shift":"night"}}"#)).await;
    let cx = strongroom::CallContext::new(alice.caller().unwrap());
    assert!(is_denied(&world.tries_as(&cx, GET, "managed").await));
    world.tries_as(&cx.with_facts(SessionFacts::new().tag("shift", "night")), GET, "managed").await.unwrap();
    let now = Timestamp::from_millis(1_800_000_000_000);
    assert_eq!(strongroom::Clock::now(&*world.clock), now, "the dates above are before and after it");
}

/// Somebody of another account whom only a condition of a policy for everybody means.
#[tokio::test]
async fn everybody_means_those_known_elsewhere_too() {
    let world = World::new().await;
    world.bob(&allow(&["secretsmanager:*", "kms:*"])).await;
    let everybody = |action: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"{action}:*","Resource":"*","Condition":{{"StringEquals":{{"aws:PrincipalAccount":"111122223333"}}}}}}"#
        )
    };
    world.room.policy("own").put(document(&[everybody("secretsmanager")])).send().await.unwrap();
    world.key_policy(&[DELEGATION, &everybody("kms")]).await;
    assert_eq!(world.verdict("own", BOB).await.0, Verdict::Allowed);
}

/// A value that is under another key is another key's to guard.
#[tokio::test]
async fn versions_under_another_key_are_told() {
    let world = World::new().await;
    let notes =
        async || world.room.iam().explain(world.room.context().clone(), GET, "own").await.unwrap().notes;
    assert_eq!(notes().await, [""; 0]);
    world.room.put("own").text("canary").stage("canary").send().await.unwrap();
    world.room.keys().create("alias/newer", "").await.unwrap();
    // Its labelled versions are encrypted again, but for those that nobody may open.
    world.room.update("own").key("alias/newer").text("2").send().await.unwrap();
    for note in notes().await {
        assert!(note.contains("is under another key"), "{note}");
    }
    let uses = world.room.keys().uses("alias/own").await.unwrap().len();
    assert_eq!(notes().await.len(), uses, "one for each that is left there");
}

/// Of many grants of one grantee the one that decides is shown.
#[tokio::test]
async fn the_grant_that_decides_is_shown() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["secretsmanager:*"])).await;
    for _ in 0..30 {
        world.grant(alice.arn.as_str(), GrantOperation::Encrypt).await;
    }
    let deciding = world.grant(alice.arn.as_str(), GrantOperation::Decrypt).await;
    let told = world.room.iam().explain(alice.caller().unwrap(), GET, "own").await.unwrap();
    assert_eq!((told.permissions[1].grants.len(), &told.permissions[1].grants[0].id), (20, &deciding));
    assert!(told.allowed && told.permissions[1].grants[0].matches);
}

/// The lock-out check asks for what its author really may.
#[tokio::test]
async fn an_author_who_must_block_public_policies_may_put_them() {
    let world = World::new().await;
    let only = allow_with(
        &["secretsmanager:PutResourcePolicy"],
        r#","Condition":{"Bool":{"secretsmanager:BlockPublicPolicy":"true"}}"#,
    );
    let alice = world.user("alice", &document(&[only])).await;
    let hers = world.as_user(&alice);
    assert!(is_denied(&hers.policy("managed").put(crate::other_account()).send().await));
    hers.policy("managed").put(crate::other_account()).block_public_policy().send().await.unwrap();
}

/// Neither a way out nor open: what is over, what only services say, what a request of this kind is not given.
#[tokio::test]
async fn what_cannot_come_true_is_told_as_such() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let (caller, name) = (alice.caller().unwrap(), alice.arn.as_str());
    for condition in [
        r#"{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}"#,
        r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}}"#,
        r#"{"StringEquals":{"secretsmanager:Name":"managed"}}"#,
        r#"{"StringEquals":{"secretsmanager:SecretArn":"managed"}}"#,
        r#"{"StringEquals":{"aws:VpceAccount":"000000000000"}}"#,
        r#"{"StringEquals":{"sts:ExternalId":"x"}}"#,
    ] {
        let statement = allow_with(&["secretsmanager:*"], &format!(r#","Condition":{condition}"#));
        world.set("alice", &document(&[statement])).await;
        let remedies = world.remedies(&caller, GET, "managed").await;
        assert!(!remedies.iter().any(|one| one.contains("meet")), "{condition}: {remedies:?}");
        assert_eq!(world.verdict("managed", name).await.0, Verdict::Denied, "{condition}");
    }
    // The label that is read is said to Secrets Manager, not to the key service.
    let staged = r#","Condition":{"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}"#;
    world.set("alice", &document(&[allow_with(&["secretsmanager:*", "kms:Decrypt"], staged)])).await;
    assert_eq!(world.verdict("managed", name).await.0, Verdict::Conditional);
    assert_eq!(world.verdict("own", name).await.0, Verdict::Denied);
    // With a time beside another condition both are told.
    let both = r#","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#;
    world.set("alice", &document(&[allow_with(&["secretsmanager:*"], both)])).await;
    let (verdict, conditions) = world.verdict("managed", name).await;
    assert_eq!(verdict, Verdict::Conditional);
    assert!(conditions[0].contains("aws:SourceIp") && conditions[0].contains("2030-01-01"), "{conditions:?}");
}

/// Asking changes nothing, not even by whom there is no key yet.
#[tokio::test]
async fn an_explanation_makes_no_key() {
    let root = strongroom::RootKey::from_bytes([7; 32]);
    let room = strongroom::Strongroom::builder().memory().root_key(root).open().await.unwrap();
    let foreign = Caller::Owner(AccountId::parse("111122223333").unwrap());
    room.iam().explain(foreign, Operation::CreateSecret, "x").await.unwrap();
    room.iam().explain(room.context().clone(), Operation::CreateSecret, "x").await.unwrap();
    let keys =
        room.keys().service().unwrap().list_keys(room.context(), &strongroom::kms::ListPage::first()).await;
    assert!(keys.unwrap().keys.is_empty());
}

#[tokio::test]
async fn the_owner_is_told_of_its_account_and_not_of_a_role() {
    let world = World::new().await;
    let told = world.room.iam().explain(world.room.context().clone(), GET, "own").await.unwrap().to_string();
    assert!(told.contains("names the account, whose root this is") && !told.contains("the role"), "{told}");
}
