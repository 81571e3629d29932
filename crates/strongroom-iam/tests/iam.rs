//! Users, roles, policies, guardrails, sessions.

#![cfg(test)]

use std::sync::Arc;

use strongroom_iam::{
    AssumeRole, CreateRole, CreateUser, ErrorKind, Iam, Identity, IdentityKind, IdentityRef, presets,
};
use strongroom_policy::{Authorizer, Decision, Known};
use strongroom_records::{Expect, Key, MemoryRecords};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_testkit::ManualClock;
use strongroom_types::{AccountId, Arn, CallContext, Caller, Clock, Realm, SessionFacts, Timestamp};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db-AbCdEf";
const READ: &str = r#"{"Version":"2012-10-17","Statement":{"Sid":"read","Effect":"Allow","Action":"secretsmanager:Get*","Resource":"*"}}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}}"#;

struct World {
    records: TrustedRecords,
    iam: Iam,
    /// The same storage, as another process has it.
    other: Iam,
    cx: CallContext,
    clock: Arc<ManualClock>,
    realm: Realm,
}

async fn world() -> World {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
    let storage = Arc::new(MemoryRecords::new());
    let open = || TrustedRecords::open(storage.clone(), RootKey::from_bytes([7; 32]), None, &*clock);
    let (records, others) = (open().await.unwrap(), open().await.unwrap());
    let realm = records.realm().clone();
    let cx = CallContext::owner(&realm);
    World {
        records: records.clone(),
        iam: Iam::new(records, clock.clone()),
        other: Iam::new(others, clock.clone()),
        cx,
        clock,
        realm,
    }
}

impl World {
    async fn user(&self, name: &str) -> Identity {
        self.iam.create_user(&self.cx, name.into()).await.unwrap()
    }

    async fn role(&self, name: &str) -> Identity {
        self.iam.create_role(&self.cx, CreateRole::new(name, TRUST)).await.unwrap()
    }

    async fn decide(&self, iam: &Iam, cx: &CallContext, action: &str) -> Decision {
        let subject = iam.subject(cx, &self.realm, self.clock.now()).await.unwrap();
        let request = subject.request(action, SECRET, &self.realm, self.clock.now());
        subject.policies().decide(&request)
    }

    async fn may_read(&self, cx: &CallContext) -> bool {
        let here = self.decide(&self.iam, cx, "secretsmanager:GetSecretValue").await.is_allowed();
        let there = self.decide(&self.other, cx, "secretsmanager:GetSecretValue").await.is_allowed();
        assert_eq!(here, there, "both processes see the same");
        here
    }
}

fn context(identity: &Identity) -> CallContext {
    match identity.kind {
        IdentityKind::User => identity.caller().unwrap().into(),
        _ => identity.session("run").unwrap().into(),
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

#[test]
fn users_and_roles_are_made_found_listed_and_deleted() {
    run(async {
        let World { iam, cx, .. } = &world().await;
        let asked = CreateUser::new("alice").path("/teams/orders/").tag("team", "orders");
        let alice = iam.create_user(cx, asked).await.unwrap();
        assert_eq!(alice.arn.as_str(), "arn:aws:iam::000000000000:user/teams/orders/alice");
        assert!(alice.id.starts_with("AIDA") && alice.id.len() == 21, "{}", alice.id);
        assert_eq!(iam.get(cx, &IdentityRef::user("alice")).await.unwrap(), alice);
        let role = CreateRole::new("reader", TRUST).description("reads").max_session_seconds(7200);
        let reader = iam.create_role(cx, role).await.unwrap();
        assert!(reader.id.starts_with("AROA") && reader.trust.as_deref() == Some(TRUST));
        assert_eq!((reader.max_session_seconds, reader.description.as_deref()), (Some(7200), Some("reads")));

        // Names differ by more than case; a role may have a user's name.
        let taken = iam.create_user(cx, "Alice".into()).await.unwrap_err();
        assert_eq!(
            (taken.kind(), taken.message()),
            (ErrorKind::AlreadyExists, "User with name Alice already exists.")
        );
        assert_eq!(taken.code(), "EntityAlreadyExists");
        iam.create_role(cx, CreateRole::new("alice", TRUST)).await.unwrap();
        let missing = iam.get(cx, &IdentityRef::user("ALICE")).await.unwrap_err();
        assert_eq!(
            (missing.code(), missing.message()),
            ("NoSuchEntity", "The user with name ALICE cannot be found.")
        );

        for name in ["bob", "carol", "dave"] {
            iam.create_user(cx, name.into()).await.unwrap();
        }
        let mut names = Vec::new();
        let mut marker = None;
        loop {
            let page = iam.list(cx, IdentityKind::User, "/", marker.as_deref(), 3).await.unwrap();
            names.extend(page.identities.into_iter().map(|one| one.name));
            match page.next_marker {
                Some(next) => marker = Some(next),
                None => break,
            }
        }
        assert_eq!(names, ["alice", "bob", "carol", "dave"]);
        let orders = iam.list(cx, IdentityKind::User, "/teams/", None, 100).await.unwrap().identities;
        assert_eq!(orders, [alice]);
        assert_eq!(
            iam.list(cx, IdentityKind::User, "/", None, 0).await.unwrap_err().kind(),
            ErrorKind::Validation
        );

        iam.delete(cx, &IdentityRef::user("alice")).await.unwrap();
        let gone = iam.delete(cx, &IdentityRef::user("alice")).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NoSuchEntity);
        assert!(iam.get(cx, &IdentityRef::role("alice")).await.is_ok());
    });
}

#[test]
fn what_is_not_of_its_form_is_refused_and_changes_nothing() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let long = "x".repeat(65);
        for name in ["", "a b", "a/b", "ä", long.as_str()] {
            let error = iam.create_user(cx, name.into()).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidationError"), "{name}");
            assert!(error.message().contains("userName"), "{error}");
        }
        iam.create_user(cx, "x".repeat(64).as_str().into()).await.unwrap();
        for path in ["", "a", "/a", "a/", "/ä/"] {
            let error = iam.create_user(cx, CreateUser::new("p").path(path)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Validation, "{path}");
        }
        let twice = CreateUser::new("p").tag("a", "1").tag("A", "2");
        assert_eq!(iam.create_user(cx, twice).await.unwrap_err().kind(), ErrorKind::Validation);
        let mut many = CreateUser::new("p");
        for n in 0..51 {
            many = many.tag(format!("k{n}"), "");
        }
        assert_eq!(iam.create_user(cx, many.clone()).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
        many.tags.pop();
        iam.create_user(cx, many).await.unwrap();

        let bad = iam.create_role(cx, CreateRole::new("r", READ)).await.unwrap_err();
        assert_eq!((bad.kind(), bad.code()), (ErrorKind::MalformedPolicy, "MalformedPolicyDocument"));
        assert!(bad.message().contains("Principal"), "{bad}");
        let with_resource = TRUST.replace("\"Action\"", "\"Resource\":\"*\",\"Action\"");
        let bad = iam.create_role(cx, CreateRole::new("r", with_resource)).await.unwrap_err();
        assert_eq!(bad.kind(), ErrorKind::MalformedPolicy);
        for seconds in [3599, 43_201] {
            let role = CreateRole::new("r", TRUST).max_session_seconds(seconds);
            assert_eq!(iam.create_role(cx, role).await.unwrap_err().kind(), ErrorKind::Validation);
        }
        assert!(iam.list(cx, IdentityKind::Role, "/", None, 10).await.unwrap().identities.is_empty());

        let user = world.user("u").await;
        let id = IdentityRef::from(&user);
        let error =
            iam.put_policy(cx, &id, "p", "{\n\"Statement\":[{\"Effect\":\"allow\"}]}").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedPolicy);
        assert!(error.message().contains("line 2") && error.message().contains("Effect"), "{error}");
        assert!(iam.policies(cx, &id).await.unwrap().is_empty());
        let missing = CreateUser::new("v").boundary("arn:aws:iam::000000000000:policy/none");
        assert_eq!(iam.create_user(cx, missing).await.unwrap_err().kind(), ErrorKind::NoSuchEntity);
        assert!(iam.get(cx, &IdentityRef::user("v")).await.is_err());
    });
}

/// A document of so many characters that count.
fn document(size: usize) -> String {
    let empty = READ.replace("read", "").chars().filter(|c| !c.is_whitespace()).count();
    READ.replace("read", &"a".repeat(size - empty)).replace(',', ",   ")
}

#[test]
fn inline_policies_count_at_once_and_have_a_size() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let alice = world.user("alice").await;
        let (id, hers) = (IdentityRef::from(&alice), context(&alice));
        assert!(!world.may_read(&hers).await);
        iam.put_policy(cx, &id, "read", READ).await.unwrap();
        assert!(world.may_read(&hers).await);
        // The other process changes it; both see it.
        let deny = READ.replace("Allow", "Deny");
        world.other.put_policy(cx, &id, "not", &deny).await.unwrap();
        assert!(!world.may_read(&hers).await);
        assert_eq!(iam.policies(cx, &id).await.unwrap(), ["not", "read"]);
        assert_eq!(iam.policy(cx, &id, "not").await.unwrap(), deny);
        world.other.delete_policy(cx, &id, "not").await.unwrap();
        assert!(world.may_read(&hers).await);
        let gone = iam.delete_policy(cx, &id, "not").await.unwrap_err();
        assert_eq!(gone.message(), "The user policy with name not cannot be found.");
        assert_eq!(iam.policy(cx, &id, "not").await.unwrap_err().kind(), ErrorKind::NoSuchEntity);

        // In place of the one of its name; all together have a bound.
        iam.put_policy(cx, &id, "read", &document(2048)).await.unwrap();
        let more = iam.put_policy(cx, &id, "read", &document(2049)).await.unwrap_err();
        assert_eq!((more.kind(), more.code()), (ErrorKind::LimitExceeded, "LimitExceeded"));
        assert_eq!(iam.put_policy(cx, &id, "more", READ).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
        let role = IdentityRef::from(&world.role("r").await);
        iam.put_policy(cx, &role, "read", &document(10_240)).await.unwrap();
        assert_eq!(
            iam.put_policy(cx, &role, "more", READ).await.unwrap_err().kind(),
            ErrorKind::LimitExceeded
        );

        let kept = iam.delete(cx, &id).await.unwrap_err();
        assert_eq!(
            (kept.code(), kept.message()),
            ("DeleteConflict", "Cannot delete entity, must delete policies first.")
        );
    });
}

#[test]
fn managed_policies_are_attached_counted_and_changed_for_all() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let (alice, role) = (world.user("alice").await, world.role("reader").await);
        let policy = iam.create_managed_policy(cx, "Readers", READ).await.unwrap();
        assert_eq!(policy.arn.as_str(), "arn:aws:iam::000000000000:policy/Readers");
        let arn = policy.arn.as_str();
        let taken = iam.create_managed_policy(cx, "readers", READ).await.unwrap_err();
        assert_eq!(
            (taken.kind(), taken.message()),
            (
                ErrorKind::AlreadyExists,
                "A policy called readers already exists. Duplicate names are not allowed."
            )
        );
        for identity in [&alice, &role] {
            let id = IdentityRef::from(identity);
            iam.attach_policy(cx, &id, arn).await.unwrap();
            iam.attach_policy(cx, &id, arn).await.unwrap();
            assert_eq!(iam.attached_policies(cx, &id).await.unwrap(), [arn]);
            assert!(world.may_read(&context(identity)).await);
        }
        assert_eq!(iam.managed_policy(cx, arn).await.unwrap().attachments, 2);
        world.other.update_managed_policy(cx, arn, &READ.replace("Get*", "List*")).await.unwrap();
        assert!(!world.may_read(&context(&alice)).await && !world.may_read(&context(&role)).await);
        world.other.update_managed_policy(cx, arn, READ).await.unwrap();

        let kept = iam.delete_managed_policy(cx, arn).await.unwrap_err();
        assert_eq!(
            (kept.kind(), kept.message()),
            (ErrorKind::DeleteConflict, "Cannot delete a policy attached to entities.")
        );
        let kept = iam.delete(cx, &IdentityRef::from(&alice)).await.unwrap_err();
        assert_eq!(kept.message(), "Cannot delete entity, must detach all policies first.");
        for identity in [&alice, &role] {
            let id = IdentityRef::from(identity);
            iam.detach_policy(cx, &id, arn).await.unwrap();
            assert!(!world.may_read(&context(identity)).await);
            assert_eq!(iam.detach_policy(cx, &id, arn).await.unwrap_err().kind(), ErrorKind::NoSuchEntity);
        }
        assert_eq!(iam.managed_policy(cx, arn).await.unwrap().attachments, 0);
        assert_eq!(iam.managed_policies(cx).await.unwrap().len(), 1);
        iam.delete_managed_policy(cx, arn).await.unwrap();
        let gone = iam.attach_policy(cx, &IdentityRef::from(&alice), arn).await.unwrap_err();
        assert_eq!(gone.message(), format!("Policy {arn} does not exist or is not attachable."));

        // Those that every account has; ten at most.
        let id = IdentityRef::from(&alice);
        iam.attach_policy(cx, &id, presets::ADMINISTRATOR_ACCESS).await.unwrap();
        assert!(world.may_read(&context(&alice)).await);
        for n in 0..9 {
            let policy = iam.create_managed_policy(cx, &format!("p{n}"), READ).await.unwrap();
            iam.attach_policy(cx, &id, policy.arn.as_str()).await.unwrap();
        }
        let power = presets::KEY_MANAGEMENT_POWER_USER;
        assert_eq!(iam.attach_policy(cx, &id, power).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
        let big = iam.create_managed_policy(cx, "big", &document(6145)).await.unwrap_err();
        assert_eq!(big.kind(), ErrorKind::LimitExceeded);
        iam.create_managed_policy(cx, "big", &document(6144)).await.unwrap();
    });
}

#[test]
fn boundaries_limit_and_are_counted() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let lists = iam.create_managed_policy(cx, "lists", &READ.replace("Get*", "List*")).await.unwrap();
        let reads = iam.create_managed_policy(cx, "reads", READ).await.unwrap();
        let alice = iam.create_user(cx, CreateUser::new("alice").boundary(lists.arn.as_str())).await.unwrap();
        let (id, hers) = (IdentityRef::from(&alice), context(&alice));
        iam.put_policy(cx, &id, "read", READ).await.unwrap();
        assert!(!world.may_read(&hers).await);
        assert_eq!(iam.managed_policy(cx, lists.arn.as_str()).await.unwrap().attachments, 1);
        iam.put_boundary(cx, &id, reads.arn.as_str()).await.unwrap();
        iam.put_boundary(cx, &id, reads.arn.as_str()).await.unwrap();
        assert!(world.may_read(&hers).await);
        let count = async |arn: &Arn| iam.managed_policy(cx, arn.as_str()).await.unwrap().attachments;
        assert_eq!((count(&lists.arn).await, count(&reads.arn).await), (0, 1));
        assert_eq!(iam.get(cx, &id).await.unwrap().boundary.as_deref(), Some(reads.arn.as_str()));
        iam.put_boundary(cx, &id, lists.arn.as_str()).await.unwrap();
        iam.delete_boundary(cx, &id).await.unwrap();
        iam.delete_boundary(cx, &id).await.unwrap();
        assert!(world.may_read(&hers).await);
        assert_eq!((count(&lists.arn).await, count(&reads.arn).await), (0, 0));
        // A boundary goes with its user.
        iam.put_boundary(cx, &id, lists.arn.as_str()).await.unwrap();
        iam.delete_policy(cx, &id, "read").await.unwrap();
        iam.delete(cx, &id).await.unwrap();
        assert_eq!(count(&lists.arn).await, 0);
    });
}

#[test]
fn guardrails_bind_everybody_but_the_owner() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let (alice, platform) = (world.user("alice").await, world.role("platform-deploy").await);
        for identity in [&alice, &platform] {
            iam.attach_policy(cx, &identity.into(), presets::ADMINISTRATOR_ACCESS).await.unwrap();
        }
        let reserved = presets::ReservedNames::new(["prod/*"]).except("arn:aws:iam::*:role/platform-*");
        iam.put_guardrail(cx, "reserved", &reserved.document()).await.unwrap();
        assert!(!world.may_read(&context(&alice)).await && world.may_read(&context(&platform)).await);
        assert!(world.may_read(cx).await);
        let denied = world.decide(iam, &context(&alice), "secretsmanager:PutSecretValue").await;
        assert!(matches!(denied, Decision::Denied(_)));
        // Readable for whoever may read otherwise.
        iam.put_guardrail(cx, "reserved", &reserved.clone().readable().document()).await.unwrap();
        assert!(world.may_read(&context(&alice)).await);
        assert!(!world.decide(iam, &context(&alice), "secretsmanager:PutSecretValue").await.is_allowed());
        assert_eq!(iam.guardrails(cx).await.unwrap().len(), 1);
        iam.delete_guardrail(cx, "reserved").await.unwrap();
        assert!(world.decide(iam, &context(&alice), "secretsmanager:PutSecretValue").await.is_allowed());
        assert_eq!(iam.delete_guardrail(cx, "reserved").await.unwrap_err().kind(), ErrorKind::NoSuchEntity);
        for n in 0..5 {
            iam.put_guardrail(cx, &format!("g{n}"), READ).await.unwrap();
        }
        assert_eq!(iam.put_guardrail(cx, "g6", READ).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
        // Not even an administrator.
        let hers = context(&alice);
        assert_eq!(iam.put_guardrail(&hers, "mine", READ).await.unwrap_err().kind(), ErrorKind::AccessDenied);
        assert_eq!(iam.guardrails(&hers).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    });
}

#[test]
fn tags_stand_in_requests_and_a_sessions_own_go_first() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let role = world.role("reader").await;
        let id = IdentityRef::from(&role);
        let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:secretsmanager:*:*:secret:${aws:PrincipalTag/area}/*"}}"#;
        iam.put_policy(cx, &id, "own", own).await.unwrap();
        let mine = context(&role);
        assert!(!world.may_read(&mine).await);
        iam.tag(cx, &id, &[("area".into(), "prod".into())]).await.unwrap();
        assert!(world.may_read(&mine).await);
        let tagged = mine.clone().with_facts(SessionFacts::new().tag("area", "test"));
        assert!(!world.may_read(&tagged).await);
        iam.tag(cx, &id, &[("AREA".into(), "test".into())]).await.unwrap();
        assert!(!world.may_read(&mine).await);
        assert_eq!(iam.get(cx, &id).await.unwrap().tags, [("AREA".to_owned(), "test".to_owned())]);
        iam.untag(cx, &id, &["area".into(), "none".into()]).await.unwrap();
        assert!(iam.get(cx, &id).await.unwrap().tags.is_empty());
    });
}

#[test]
fn who_is_not_known_may_nothing() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let alice = world.user("alice").await;
        let hers = context(&alice);
        iam.put_policy(cx, &(&alice).into(), "read", READ).await.unwrap();
        assert!(world.may_read(&hers).await);
        // Another path, another case, another kind: somebody else.
        for other in ["user/x/alice", "user/Alice", "role/alice"] {
            let arn = Arn::parse(&format!("arn:aws:iam::000000000000:{other}")).unwrap();
            let caller = match other {
                "role/alice" => Caller::role_session(&arn, "run").unwrap(),
                _ => Caller::Principal(arn),
            };
            assert!(!world.may_read(&caller.into()).await, "{other}");
        }
        iam.delete_policy(cx, &(&alice).into(), "read").await.unwrap();
        iam.delete(cx, &(&alice).into()).await.unwrap();
        let subject = iam.subject(&hers, &world.realm, world.clock.now()).await.unwrap();
        let request =
            subject.request("secretsmanager:GetSecretValue", SECRET, &world.realm, world.clock.now());
        let everybody = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
        let everybody = strongroom_policy::Policy::resource(everybody).unwrap();
        let policies = subject.policies().resource(&everybody);
        assert!(!policies.decide(&request).is_allowed());
        assert_eq!(policies.explain(&request).reason, "there is no such user or role");
        // Made again, it is another: policies that named the first do not mean it.
        let again = world.user("alice").await;
        assert_ne!(again.id, alice.id);
        let mut named = strongroom_policy::Policy::resource(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"*","Resource":"*"}}}}"#,
            alice.arn
        ))
        .unwrap();
        let subject = iam.subject(&hers, &world.realm, world.clock.now()).await.unwrap();
        let request =
            subject.request("secretsmanager:GetSecretValue", SECRET, &world.realm, world.clock.now());
        assert!(subject.policies().resource(&named).decide(&request).is_allowed());
        named.bind(&[(alice.arn.to_string(), alice.id.clone())].into());
        assert!(!subject.policies().resource(&named).decide(&request).is_allowed());
        let by = async |name: &str| iam.look_up(name, &world.realm).await.unwrap();
        let known = Known::Somebody { arn: again.arn.to_string(), id: again.id.clone() };
        assert_eq!(by(again.arn.as_str()).await, known);
        assert_eq!(by(&again.id).await, known);
        assert_eq!(by(&alice.id).await, Known::Nobody);
        assert_eq!(by("arn:aws:iam::000000000000:user/bob").await, Known::Nobody);
        assert_eq!(by("arn:aws:iam::111122223333:user/bob").await, Known::Unsaid);
    });
}

#[test]
fn the_directory_asks_for_permission_itself() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let admin = world.user("admin").await;
        let its = context(&admin);
        let denied = iam.create_user(&its, "bob".into()).await.unwrap_err();
        assert_eq!((denied.kind(), denied.code()), (ErrorKind::AccessDenied, "AccessDenied"));
        assert_eq!(
            denied.message(),
            "User: arn:aws:iam::000000000000:user/admin is not authorized to perform: iam:CreateUser on resource: \
             arn:aws:iam::000000000000:user/bob because no identity-based policy allows the iam:CreateUser action"
        );
        let users = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*User*","Resource":"arn:aws:iam::*:user/b*"}}"#;
        iam.put_policy(cx, &(&admin).into(), "users", users).await.unwrap();
        iam.create_user(&its, "bob".into()).await.unwrap();
        let bob = IdentityRef::user("bob");
        iam.put_policy(&its, &bob, "read", READ).await.unwrap();
        // Nothing of others, nothing beyond: and one who may not is not told whether there is one.
        let own = IdentityRef::user("admin");
        assert_eq!(
            iam.put_policy(&its, &own, "all", READ).await.unwrap_err().kind(),
            ErrorKind::AccessDenied
        );
        for name in ["carol", "admin"] {
            let error = iam.get(&its, &IdentityRef::user(name)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied, "{name}");
        }
        assert_eq!(
            iam.list(&its, IdentityKind::User, "/", None, 9).await.unwrap_err().kind(),
            ErrorKind::AccessDenied
        );
        assert_eq!(iam.managed_policies(&its).await.unwrap_err().kind(), ErrorKind::AccessDenied);

        // Another account's root is nobody here, nor in what is kept here of its account.
        let there = AccountId::parse("111122223333").unwrap();
        let foreign = CallContext::new(Caller::Owner(there));
        for directory in [iam.clone(), iam.of_account(there)] {
            assert_eq!(
                directory.create_user(&foreign, "x".into()).await.unwrap_err().kind(),
                ErrorKind::AccessDenied
            );
            assert_eq!(
                directory.managed_policies(&foreign).await.unwrap_err().kind(),
                ErrorKind::AccessDenied
            );
        }
    });
}

#[test]
fn other_accounts_identities_may_be_known_here() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let there = AccountId::parse("111122223333").unwrap();
        let directory = iam.of_account(there);
        let bob = directory.create_user(cx, "bob".into()).await.unwrap();
        assert_eq!(bob.arn.as_str(), "arn:aws:iam::111122223333:user/bob");
        assert!(iam.get(cx, &IdentityRef::user("bob")).await.is_err());
        directory.put_policy(cx, &(&bob).into(), "read", READ).await.unwrap();
        let resource = format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"*","Resource":"*"}}}}"#,
            bob.arn
        );
        let resource = strongroom_policy::Policy::resource(&resource).unwrap();
        let decide = async || {
            let subject = iam.subject(&context(&bob), &world.realm, world.clock.now()).await.unwrap();
            let request =
                subject.request("secretsmanager:GetSecretValue", SECRET, &world.realm, world.clock.now());
            subject.policies().resource(&resource).decide(&request).is_allowed()
        };
        // Both accounts must agree.
        assert!(decide().await && !world.may_read(&context(&bob)).await);
        directory.delete_policy(cx, &(&bob).into(), "read").await.unwrap();
        assert!(!decide().await);
    });
}

#[test]
fn a_role_is_taken_on_as_its_document_says() {
    run(async {
        let world = world().await;
        let World { iam, cx, clock, .. } = &world;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole",
                 "Condition":{{"StringEquals":{{"sts:ExternalId":"seven"}}}}}},
                {{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":["sts:AssumeRole","sts:TagSession"]}}]}}"#,
            alice.arn, bob.arn
        );
        let role = iam
            .create_role(cx, CreateRole::new("reader", trust).path("/app/").max_session_seconds(7200))
            .await
            .unwrap();
        iam.put_policy(cx, &(&role).into(), "read", READ).await.unwrap();
        let ask = || AssumeRole::new(role.arn.clone(), "run-1");
        let denied = iam.assume_role(&context(&alice), ask()).await.unwrap_err();
        assert_eq!(
            denied.message(),
            format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                alice.arn, role.arn
            )
        );
        let taken = iam
            .assume_role(&context(&alice), ask().external_id("seven").duration_seconds(900))
            .await
            .unwrap();
        assert_eq!(taken.id, format!("{}:run-1", role.id));
        assert_eq!(taken.context.caller().to_string(), "arn:aws:sts::000000000000:assumed-role/reader/run-1");
        assert!(world.may_read(&taken.context).await);
        assert_eq!(taken.expires, clock.now().after(std::time::Duration::from_secs(900)));

        // Tags take a permission of their own; a session's policy limits it.
        let tagged = ask().external_id("seven").tag("team", "orders");
        assert_eq!(
            iam.assume_role(&context(&alice), tagged.clone()).await.unwrap_err().kind(),
            ErrorKind::AccessDenied
        );
        let taken_by_bob = iam.assume_role(&context(&bob), tagged).await.unwrap();
        assert_eq!(taken_by_bob.context.facts().unwrap().tags, [("team".to_owned(), "orders".to_owned())]);
        let nothing = READ.replace("Get*", "List*");
        let limited = iam.assume_role(&context(&bob), ask().policy(nothing)).await.unwrap();
        assert!(world.may_read(&taken_by_bob.context).await && !world.may_read(&limited.context).await);
        let bad = iam.assume_role(&context(&bob), ask().policy("{")).await.unwrap_err();
        assert_eq!(bad.kind(), ErrorKind::MalformedPolicy);

        for (seconds, kind) in [(899, ErrorKind::Validation), (7201, ErrorKind::Validation)] {
            let error = iam.assume_role(&context(&bob), ask().duration_seconds(seconds)).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{seconds}");
        }
        iam.assume_role(&context(&bob), ask().duration_seconds(7200)).await.unwrap();
        let nameless =
            iam.assume_role(&context(&bob), AssumeRole::new(role.arn.clone(), "a b")).await.unwrap_err();
        assert_eq!(nameless.kind(), ErrorKind::Validation);
        // A role that is not there looks like one that may not be taken on; a path is part of the name.
        for other in ["role/none", "role/reader"] {
            let other = Arn::parse(&format!("arn:aws:iam::000000000000:{other}")).unwrap();
            let error =
                iam.assume_role(&context(&bob), AssumeRole::new(other.clone(), "run-1")).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.message().contains(other.as_str())),
                (ErrorKind::AccessDenied, true)
            );
        }

        // It ends.
        clock.advance(std::time::Duration::from_secs(899));
        assert!(world.may_read(&taken.context).await);
        clock.advance(std::time::Duration::from_secs(1));
        let over = iam.subject(&taken.context, &world.realm, clock.now()).await.unwrap_err();
        assert_eq!(
            (over.code(), over.message()),
            ("ExpiredTokenException", "The security token included in the request is expired")
        );

        // Whoever is made again under a trusted name is not trusted.
        iam.delete(cx, &(&bob).into()).await.unwrap();
        let again = world.user("bob").await;
        assert_eq!(
            iam.assume_role(&context(&again), ask()).await.unwrap_err().kind(),
            ErrorKind::AccessDenied
        );
        let trust = TRUST.replace("\"000000000000\"", &format!("\"{}\"", again.arn));
        iam.update_trust(cx, "reader", &trust).await.unwrap();
        iam.assume_role(&context(&again), ask()).await.unwrap();
        assert!(iam.assume_role(&context(&alice), ask().external_id("seven")).await.is_err());
    });
}

#[test]
fn the_account_is_trusted_by_its_policies() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let (alice, role) = (world.user("alice").await, world.role("reader").await);
        let ask = || AssumeRole::new(role.arn.clone(), "run-1");
        assert_eq!(
            iam.assume_role(&context(&alice), ask()).await.unwrap_err().kind(),
            ErrorKind::AccessDenied
        );
        let assume = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;
        iam.put_policy(cx, &(&alice).into(), "assume", assume).await.unwrap();
        let first = iam.assume_role(&context(&alice), ask()).await.unwrap();
        // A session that takes on a role has an hour at most.
        iam.put_policy(cx, &(&role).into(), "assume", assume).await.unwrap();
        let long = world
            .iam
            .create_role(cx, CreateRole::new("long", TRUST).max_session_seconds(7200))
            .await
            .unwrap();
        let next = AssumeRole::new(long.arn.clone(), "run-2");
        iam.assume_role(&first.context, next.clone()).await.unwrap();
        let longer = next.duration_seconds(3601);
        assert_eq!(
            iam.assume_role(&first.context, longer.clone()).await.unwrap_err().kind(),
            ErrorKind::Validation
        );
        iam.assume_role(&context(&alice), longer).await.unwrap();
    });
}

#[test]
fn a_federated_user_has_its_makers_rights_as_far_as_its_policies_go() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let alice = world.user("alice").await;
        iam.put_policy(cx, &(&alice).into(), "read", READ).await.unwrap();
        let guest = CallContext::new(Caller::federated(&alice.arn, "guest").unwrap());
        assert!(!world.may_read(&guest).await);
        let all = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        assert!(world.may_read(&guest.clone().with_facts(SessionFacts::new().policy(all))).await);
        let put = world
            .decide(iam, &guest.with_facts(SessionFacts::new().policy(all)), "secretsmanager:PutSecretValue")
            .await;
        assert!(!put.is_allowed());
    });
}

#[test]
fn records_are_held_against_each_other() {
    run(async {
        let world = world().await;
        let World { iam, cx, records, realm, .. } = &world;
        assert!(iam.verify(cx).await.unwrap().problems.is_empty());
        let (alice, role) = (world.user("alice").await, world.role("reader").await);
        let policy = iam.create_managed_policy(cx, "Readers", READ).await.unwrap();
        for id in [IdentityRef::from(&alice), IdentityRef::from(&role)] {
            iam.attach_policy(cx, &id, policy.arn.as_str()).await.unwrap();
        }
        iam.attach_policy(cx, &(&alice).into(), presets::ADMINISTRATOR_ACCESS).await.unwrap();
        assert!(iam.verify(cx).await.unwrap().problems.is_empty());
        // Each record that somebody with the root takes away, or puts in place of another, is missed.
        let under = |kind: &str| Key::realm(realm).then("iam").then("000000000000").then(kind);
        let take = async |key: &Key| {
            let stored = records.get(key).await.unwrap().unwrap();
            let mut batch = records.batch();
            batch.delete(key, Expect::Any);
            records.commit(batch).await.unwrap();
            let report = iam.verify(cx).await.unwrap();
            let mut batch = records.batch();
            batch.put(key, &stored.content, Expect::Absent);
            records.commit(batch).await.unwrap();
            assert!(iam.verify(cx).await.unwrap().problems.is_empty());
            report.problems.iter().map(|problem| format!("{problem:?}")).collect::<Vec<_>>().join("; ")
        };
        assert!(take(&under("policy").then("readers")).await.contains("is missing"));
        assert!(take(&under("user").then("alice")).await.contains("1 have it and 2 are counted"));
        assert!(take(&under("id").then(&alice.id)).await.contains("does not lead back"));
        assert!(take(&under("guardrails")).await.contains("guardrails is missing"));
        // And decisions are not made without them.
        let mut batch = records.batch();
        batch.delete(&under("guardrails"), Expect::Any);
        records.commit(batch).await.unwrap();
        let refused = iam.subject(&context(&alice), realm, world.clock.now()).await.unwrap_err();
        assert_eq!(refused.code(), "InternalServiceError");
        assert!(refused.to_string().contains("guardrails"), "{refused}");
        assert_eq!(iam.verify(&context(&role)).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    });
}

/// IAM's own condition keys: what a delegated administrator is kept from.
#[test]
fn conditions_of_the_directory() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let admin = world.user("admin").await;
        let its = context(&admin);
        let bob = IdentityRef::from(&world.user("bob").await);
        let boundary = iam.create_managed_policy(cx, "Boundary", READ).await.unwrap();
        let rule = async |deny: &str| {
            let document = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"iam:*","Resource":"*"}},{{"Effect":"Deny",{deny},"Resource":"*"}}]}}"#
            );
            iam.put_policy(cx, &(&admin).into(), "own", &document).await.unwrap();
        };
        let denied = |result: Result<(), strongroom_iam::Error>| {
            result.is_err_and(|error| error.kind() == ErrorKind::AccessDenied)
        };
        rule(&format!(
            r#""Action":"iam:Attach*","Condition":{{"ArnEquals":{{"iam:PolicyARN":"{}"}}}}"#,
            presets::ADMINISTRATOR_ACCESS
        ))
        .await;
        assert!(denied(iam.attach_policy(&its, &bob, presets::ADMINISTRATOR_ACCESS).await));
        iam.attach_policy(&its, &bob, presets::KEY_MANAGEMENT_POWER_USER).await.unwrap();
        rule(r#""Action":["iam:TagUser","iam:UntagUser"],"Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"team"}}"#).await;
        assert!(denied(iam.tag(&its, &bob, &[("team".into(), "red".into())]).await));
        assert!(denied(iam.untag(&its, &bob, &["team".into()]).await));
        let tagged = CreateUser::new("eve").tag("team", "red");
        assert!(denied(iam.create_user(&its, tagged).await.map(drop)));
        iam.tag(&its, &bob, &[("area".into(), "x".into())]).await.unwrap();
        // Users only under a boundary, and not those of another area.
        rule(&format!(
            r#""Action":["iam:CreateUser","iam:PutUserPermissionsBoundary"],"Condition":{{"ArnNotEquals":{{"iam:PermissionsBoundary":"{}"}}}}"#,
            boundary.arn
        ))
        .await;
        assert!(denied(iam.create_user(&its, "eve".into()).await.map(drop)));
        iam.create_user(&its, CreateUser::new("eve").boundary(boundary.arn.as_str())).await.unwrap();
        assert!(denied(iam.put_boundary(&its, &bob, presets::ADMINISTRATOR_ACCESS).await));
        iam.put_boundary(&its, &bob, boundary.arn.as_str()).await.unwrap();
        rule(r#""Action":"iam:PutUserPolicy","Condition":{"StringEquals":{"aws:ResourceTag/area":"x"}}"#)
            .await;
        assert!(denied(iam.put_policy(&its, &bob, "p", READ).await));
        iam.put_policy(&its, &IdentityRef::user("eve"), "p", READ).await.unwrap();
    });
}

/// A session is of the role that was taken on, not of the next one of its name.
#[test]
fn sessions_end_with_their_role() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let alice = world.user("alice").await;
        let trust = TRUST.replace("\"000000000000\"", &format!("\"{}\"", alice.arn));
        let make = async || {
            let role = iam.create_role(cx, CreateRole::new("reader", trust.clone())).await.unwrap();
            iam.put_policy(cx, &(&role).into(), "read", READ).await.unwrap();
            role
        };
        let role = make().await;
        let taken =
            iam.assume_role(&context(&alice), AssumeRole::new(role.arn.clone(), "run")).await.unwrap();
        assert!(world.may_read(&taken.context).await);
        iam.delete_policy(cx, &(&role).into(), "read").await.unwrap();
        iam.delete(cx, &(&role).into()).await.unwrap();
        make().await;
        assert!(!world.may_read(&taken.context).await);
        // A root, and a federated user, take on no role.
        let ask = || AssumeRole::new(role.arn.clone(), "run");
        let root = iam.assume_role(cx, ask()).await.unwrap_err();
        assert_eq!(root.message(), "Roles may not be assumed by root accounts.");
        let guest = CallContext::new(Caller::federated(&alice.arn, "guest").unwrap());
        assert_eq!(iam.assume_role(&guest, ask()).await.unwrap_err().kind(), ErrorKind::AccessDenied);
        // Whom a role trusts must be there.
        for nobody in ["arn:aws:iam::000000000000:user/nobody", "AIDAAAAAAAAAAAAAAAAAA"] {
            let trust = trust.replace(alice.arn.as_str(), nobody);
            let refused = iam.create_role(cx, CreateRole::new("other", trust)).await.unwrap_err();
            assert_eq!(
                (refused.kind(), refused.message().to_owned()),
                (ErrorKind::MalformedPolicy, format!("Invalid principal in policy: \"AWS\":\"{nobody}\""))
            );
        }
        let other = trust.replace("sts:AssumeRole", "s3:GetObject");
        let refused = iam.create_role(cx, CreateRole::new("other", other)).await.unwrap_err();
        assert_eq!(refused.message(), "AssumeRole policy may only specify STS AssumeRole actions.");
    });
}

#[test]
fn access_keys_stand_for_whom_they_were_made() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let alice = world.user("alice").await;
        let first = iam.create_access_key(cx, "alice").await.unwrap();
        assert!(first.id.starts_with("AKIA") && first.id.len() == 20 && first.secret.expose().len() == 40);
        assert!(!format!("{first:?}").contains(first.secret.expose()));
        for directory in [iam, &world.other] {
            let found = directory.credentials(&first.id).await.unwrap().unwrap();
            assert_eq!(found.secret.expose(), first.secret.expose().as_bytes());
            assert_eq!(found.context.caller().to_string(), alice.arn.as_str());
        }
        let second = iam.create_access_key(cx, "alice").await.unwrap();
        assert_eq!(iam.create_access_key(cx, "alice").await.unwrap_err().kind(), ErrorKind::LimitExceeded);
        assert_eq!(iam.access_keys(cx, "alice").await.unwrap(), [first.id.clone(), second.id.clone()]);
        let kept = iam.delete(cx, &(&alice).into()).await.unwrap_err();
        assert_eq!(kept.message(), "Cannot delete entity, must delete access keys first.");
        iam.delete_access_key(cx, "alice", &first.id).await.unwrap();
        assert!(iam.credentials(&first.id).await.unwrap().is_none());
        let gone = iam.delete_access_key(cx, "alice", &first.id).await.unwrap_err();
        assert_eq!(gone.message(), format!("The Access Key with id {} cannot be found.", first.id));
        assert!(iam.credentials("AKIANOBODY").await.unwrap().is_none());
        assert_eq!(iam.create_access_key(cx, "nobody").await.unwrap_err().kind(), ErrorKind::NoSuchEntity);
        let hers = context(&alice);
        assert_eq!(iam.create_access_key(&hers, "alice").await.unwrap_err().kind(), ErrorKind::AccessDenied);

        // The owner's: given or fresh, and the same again.
        let text = |text: &str| strongroom_envelope::SecretText::copy_from(text);
        let given = || Some(("AKIAEXAMPLE000001".to_owned(), text("secret")));
        iam.put_owner_access_key(cx, given()).await.unwrap();
        iam.put_owner_access_key(cx, given()).await.unwrap();
        let other = Some(("AKIAEXAMPLE000001".to_owned(), text("another")));
        assert_eq!(iam.put_owner_access_key(cx, other).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        let hers = Some((second.id.clone(), text(second.secret.expose())));
        assert_eq!(iam.put_owner_access_key(cx, hers).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        for (id, secret) in [("short", "secret"), ("AKIAEXAMPLE00000/", "secret"), ("AKIAEXAMPLE000002", "")]
        {
            let bad = Some((id.to_owned(), text(secret)));
            assert_eq!(
                iam.put_owner_access_key(cx, bad).await.unwrap_err().kind(),
                ErrorKind::Validation,
                "{id}"
            );
        }
        let fresh = iam.put_owner_access_key(cx, None).await.unwrap();
        let found = iam.credentials(&fresh.id).await.unwrap().unwrap();
        assert!(found.context.caller().is_owner_of(world.realm.account()));
        assert_eq!(
            iam.put_owner_access_key(&context(&alice), None).await.unwrap_err().kind(),
            ErrorKind::AccessDenied
        );
        assert!(iam.verify(cx).await.unwrap().problems.is_empty());
    });
}

#[test]
fn a_sessions_credentials_are_in_its_token() {
    run(async {
        let world = world().await;
        let World { iam, cx, clock, .. } = &world;
        let alice = world.user("alice").await;
        let role = world.role("reader").await;
        iam.put_policy(cx, &(&role).into(), "read", READ).await.unwrap();
        let both = TRUST.replace("\"sts:AssumeRole\"", r#"["sts:AssumeRole","sts:TagSession"]"#);
        iam.update_trust(cx, "reader", &both).await.unwrap();
        let assume = r#"{"Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}"#;
        iam.put_policy(cx, &(&alice).into(), "assume", assume).await.unwrap();
        let ask = AssumeRole::new(role.arn.clone(), "run-1").tag("team", "orders").policy(READ);
        let assumed = iam.assume_role(&context(&alice), ask).await.unwrap();
        let made = iam.temporary_credentials(&assumed).unwrap();
        assert!(made.id.starts_with("ASIA"));
        // Another process knows them by the token alone.
        let found = world.other.session_credentials(&made.id, &made.token).unwrap();
        assert_eq!(found.secret.expose(), made.secret.expose().as_bytes());
        assert_eq!(found.context.caller(), assumed.context.caller());
        assert_eq!(found.context.facts().unwrap().tags, assumed.context.facts().unwrap().tags);
        assert!(world.may_read(&found.context).await);
        assert!(iam.session_credentials("ASIAOTHER", &made.token).is_none());
        let mut changed = made.token.clone();
        changed[40] ^= 1;
        for token in [changed.as_slice(), b"", &made.token[1..]] {
            assert!(iam.session_credentials(&made.id, token).is_none());
        }
        let plain = made.token.windows(40).any(|window| window == made.secret.expose().as_bytes());
        assert!(!plain, "the token shows nothing");
        clock.advance(std::time::Duration::from_secs(3600));
        let over = iam.session_credentials(&made.id, &made.token).unwrap();
        let refused = iam.subject(&over.context, &world.realm, clock.now()).await.unwrap_err();
        assert_eq!(refused.code(), "ExpiredTokenException");
    });
}
