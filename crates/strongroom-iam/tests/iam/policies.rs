//! The effect of policies, boundaries, guardrails and tags.

use super::*;

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
        let policy = iam.managed_policies().create(cx, CreatePolicy::new("Readers", READ)).await.unwrap();
        assert_eq!(policy.arn.as_str(), "arn:aws:iam::000000000000:policy/Readers");
        let arn = policy.arn.as_str();
        let taken = iam.managed_policies().create(cx, CreatePolicy::new("readers", READ)).await.unwrap_err();
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
        assert_eq!(iam.managed_policies().get(cx, arn).await.unwrap().attachments, 2);
        world.other.managed_policies().update(cx, arn, &READ.replace("Get*", "List*")).await.unwrap();
        assert!(!world.may_read(&context(&alice)).await && !world.may_read(&context(&role)).await);
        world.other.managed_policies().update(cx, arn, READ).await.unwrap();

        let kept = iam.managed_policies().delete(cx, arn).await.unwrap_err();
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
        assert_eq!(iam.managed_policies().get(cx, arn).await.unwrap().attachments, 0);
        assert_eq!(iam.managed_policies().list(cx).await.unwrap().len(), 1);
        iam.managed_policies().delete(cx, arn).await.unwrap();
        let gone = iam.attach_policy(cx, &IdentityRef::from(&alice), arn).await.unwrap_err();
        assert_eq!(gone.message(), format!("Policy {arn} does not exist or is not attachable."));

        // Those that every account has; ten at most.
        let id = IdentityRef::from(&alice);
        iam.attach_policy(cx, &id, presets::ADMINISTRATOR_ACCESS).await.unwrap();
        assert!(world.may_read(&context(&alice)).await);
        for n in 0..9 {
            let policy =
                iam.managed_policies().create(cx, CreatePolicy::new(format!("p{n}"), READ)).await.unwrap();
            iam.attach_policy(cx, &id, policy.arn.as_str()).await.unwrap();
        }
        let power = presets::KEY_MANAGEMENT_POWER_USER;
        assert_eq!(iam.attach_policy(cx, &id, power).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
        let big =
            iam.managed_policies().create(cx, CreatePolicy::new("big", document(6145))).await.unwrap_err();
        assert_eq!(big.kind(), ErrorKind::LimitExceeded);
        iam.managed_policies().create(cx, CreatePolicy::new("big", document(6144))).await.unwrap();
    });
}

#[test]
fn boundaries_limit_and_are_counted() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let lists = iam
            .managed_policies()
            .create(cx, CreatePolicy::new("lists", READ.replace("Get*", "List*")))
            .await
            .unwrap();
        let reads = iam.managed_policies().create(cx, CreatePolicy::new("reads", READ)).await.unwrap();
        let alice = iam.create_user(cx, CreateUser::new("alice").boundary(lists.arn.as_str())).await.unwrap();
        let (id, hers) = (IdentityRef::from(&alice), context(&alice));
        iam.put_policy(cx, &id, "read", READ).await.unwrap();
        assert!(!world.may_read(&hers).await);
        assert_eq!(iam.managed_policies().get(cx, lists.arn.as_str()).await.unwrap().attachments, 1);
        iam.put_boundary(cx, &id, reads.arn.as_str()).await.unwrap();
        iam.put_boundary(cx, &id, reads.arn.as_str()).await.unwrap();
        assert!(world.may_read(&hers).await);
        let count = async |arn: &Arn| iam.managed_policies().get(cx, arn.as_str()).await.unwrap().attachments;
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
        iam.guardrails().put(cx, "reserved", &reserved.document()).await.unwrap();
        assert!(!world.may_read(&context(&alice)).await && world.may_read(&context(&platform)).await);
        assert!(world.may_read(cx).await);
        let denied = world.decide(iam, &context(&alice), "secretsmanager:PutSecretValue").await;
        assert!(matches!(denied, Decision::Denied(_)));
        // Readable for callers whose other policies allow reading.
        iam.guardrails().put(cx, "reserved", &reserved.clone().readable().document()).await.unwrap();
        assert!(world.may_read(&context(&alice)).await);
        assert!(!world.decide(iam, &context(&alice), "secretsmanager:PutSecretValue").await.is_allowed());
        assert_eq!(iam.guardrails().list(cx).await.unwrap().len(), 1);
        iam.guardrails().delete(cx, "reserved").await.unwrap();
        assert!(world.decide(iam, &context(&alice), "secretsmanager:PutSecretValue").await.is_allowed());
        assert_eq!(
            iam.guardrails().delete(cx, "reserved").await.unwrap_err().kind(),
            ErrorKind::NoSuchEntity
        );
        for n in 0..5 {
            iam.guardrails().put(cx, &format!("g{n}"), READ).await.unwrap();
        }
        assert_eq!(iam.guardrails().put(cx, "g6", READ).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
        // Not even an administrator.
        let hers = context(&alice);
        assert_eq!(
            iam.guardrails().put(&hers, "mine", READ).await.unwrap_err().kind(),
            ErrorKind::AccessDenied
        );
        assert_eq!(iam.guardrails().list(&hers).await.unwrap_err().kind(), ErrorKind::AccessDenied);
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
        // No access to others or beyond; an unauthorized caller does not learn whether an identity
        // exists.
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
        assert_eq!(iam.managed_policies().list(&its).await.unwrap_err().kind(), ErrorKind::AccessDenied);

        // Another account's root has no permissions here, nor in the part that describes its
        // account.
        let there = AccountId::parse("111122223333").unwrap();
        let foreign = CallContext::new(Caller::Owner(there));
        for directory in [iam.clone(), iam.of_account(there)] {
            assert_eq!(
                directory.create_user(&foreign, "x".into()).await.unwrap_err().kind(),
                ErrorKind::AccessDenied
            );
            assert_eq!(
                directory.managed_policies().list(&foreign).await.unwrap_err().kind(),
                ErrorKind::AccessDenied
            );
        }
    });
}

/// IAM's own condition keys, which limit a delegated administrator.
#[test]
fn conditions_of_the_directory() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let admin = world.user("admin").await;
        let its = context(&admin);
        let bob = IdentityRef::from(&world.user("bob").await);
        let boundary = iam.managed_policies().create(cx, CreatePolicy::new("Boundary", READ)).await.unwrap();
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

#[test]
fn of_a_policys_versions_one_counts() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let alice = world.user("alice").await;
        let asked =
            CreatePolicy::new("Readers", READ).path("/teams/").description("reads").tag("team", "orders");
        let policy = iam.managed_policies().create(cx, asked).await.unwrap();
        let arn = policy.arn.as_str();
        assert_eq!(arn, "arn:aws:iam::000000000000:policy/teams/Readers");
        assert_eq!((policy.version.as_str(), policy.description.as_deref()), ("v1", Some("reads")));
        iam.attach_policy(cx, &(&alice).into(), arn).await.unwrap();
        assert!(world.may_read(&context(&alice)).await);
        let other = READ.replace("Get*", "List*");
        let second = iam.managed_policies().create_version(cx, arn, &other, false).await.unwrap();
        assert_eq!((second.id.as_str(), second.is_default), ("v2", false));
        assert!(world.may_read(&context(&alice)).await);
        iam.managed_policies().set_default_version(cx, arn, "v2").await.unwrap();
        assert!(!world.may_read(&context(&alice)).await);
        iam.managed_policies().set_default_version(cx, arn, "v2").await.unwrap();
        let kept = iam.managed_policies().delete_version(cx, arn, "v2").await.unwrap_err();
        assert_eq!(
            (kept.code(), kept.message()),
            ("DeleteConflict", "Cannot delete the default version of a policy.")
        );
        for number in 3..=5 {
            iam.managed_policies().create_version(cx, arn, &other, number == 4).await.unwrap();
        }
        let sixth = iam.managed_policies().create_version(cx, arn, &other, true).await.unwrap_err();
        assert_eq!(sixth.kind(), ErrorKind::LimitExceeded);
        let ids = async || {
            let all = iam.managed_policies().versions(cx, arn).await.unwrap();
            all.into_iter().map(|version| (version.id, version.is_default)).collect::<Vec<_>>()
        };
        let expected = [("v5", false), ("v4", true), ("v3", false), ("v2", false), ("v1", false)];
        assert_eq!(ids().await, expected.map(|(id, counts)| (id.to_owned(), counts)));
        assert_eq!(iam.managed_policies().version(cx, arn, "v1").await.unwrap().document, READ);
        let missing = iam.managed_policies().version(cx, arn, "v9").await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NoSuchEntity);
        // A number is not given twice.
        iam.managed_policies().delete_version(cx, arn, "v5").await.unwrap();
        assert_eq!(iam.managed_policies().create_version(cx, arn, READ, true).await.unwrap().id, "v6");
        assert!(world.may_read(&context(&alice)).await);
        iam.detach_policy(cx, &(&alice).into(), arn).await.unwrap();
        let kept = iam.managed_policies().delete(cx, arn).await.unwrap_err();
        assert!(kept.message().starts_with("This policy has more than one version."), "{kept}");
        for id in ["v1", "v2", "v3", "v4"] {
            iam.managed_policies().delete_version(cx, arn, id).await.unwrap();
        }
        iam.managed_policies().tag(cx, arn, &[("stage".to_owned(), "prod".to_owned())]).await.unwrap();
        iam.managed_policies().untag(cx, arn, &["team".to_owned()]).await.unwrap();
        let told = iam.managed_policies().get(cx, arn).await.unwrap();
        assert_eq!(told.tags, [("stage".to_owned(), "prod".to_owned())]);
        iam.managed_policies().delete(cx, arn).await.unwrap();
        for path in ["/../", "//", "/a b/", "/a:b/"] {
            let asked = CreatePolicy::new("p", READ).path(path);
            assert_eq!(
                iam.managed_policies().create(cx, asked).await.unwrap_err().kind(),
                ErrorKind::Validation
            );
        }
    });
}

#[test]
fn who_has_a_policy_is_told_of_presets_too() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let (alice, role) = (world.user("alice").await, world.role("reader").await);
        let arn = presets::ADMINISTRATOR_ACCESS;
        iam.attach_policy(cx, &(&alice).into(), arn).await.unwrap();
        iam.put_boundary(cx, &(&role).into(), arn).await.unwrap();
        let have = iam.managed_policies().entities(cx, arn).await.unwrap();
        let named: Vec<_> = have.iter().map(|one| (one.identity.name(), one.used)).collect();
        assert_eq!(named, [("alice", PolicyUse::Policy), ("reader", PolicyUse::Boundary)]);
        let told = iam.managed_policies().get(cx, arn).await.unwrap();
        assert_eq!((told.attachments, told.boundaries, told.id.as_str()), (2, 1, "ANPAIWMBCKSKIEE64ZLYK"));
        let all = iam.managed_policies().presets(cx).await.unwrap();
        assert_eq!(all.iter().map(|one| one.attachments).collect::<Vec<_>>(), [2, 0]);
        let missing =
            iam.managed_policies().entities(cx, "arn:aws:iam::000000000000:policy/none").await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NoSuchEntity);
    });
}
