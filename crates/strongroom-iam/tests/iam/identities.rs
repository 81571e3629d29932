//! Users and roles: creating, finding, rejecting, deleting; unknown callers.

use super::*;

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
        for path in ["", "a", "/a", "a/", "//", "/ä/", "/../", "/a/../b/", "/./"] {
            let error = iam.create_user(cx, CreateUser::new("p").path(path)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Validation, "{path}");
        }
        let twice = CreateUser::new("p").tag("a", "1").tag("A", "2");
        // As AWS has it: the list is of its form, and cannot be meant.
        assert_eq!(iam.create_user(cx, twice).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let mut many = CreateUser::new("p");
        for n in 0..51 {
            many = many.tag(format!("k{n}"), "");
        }
        // A list that is too long is refused as such; the quota counts what is there with what
        // comes.
        let long = iam.create_user(cx, many.clone()).await.unwrap_err();
        assert_eq!(
            long.message(),
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"
        );
        many.tags.pop();
        iam.create_user(cx, many).await.unwrap();
        let one_more = [("more".to_owned(), String::new())];
        let full = iam.tag(cx, &IdentityRef::user("p"), &one_more).await.unwrap_err();
        assert_eq!(full.kind(), ErrorKind::LimitExceeded);

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

#[test]
fn a_user_that_is_renamed_keeps_its_id_its_policies_and_its_access_keys() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let alice = world.user("alice").await;
        world.user("bob").await;
        iam.put_policy(cx, &(&alice).into(), "read", READ).await.unwrap();
        let key = iam.access_keys().create(cx, "alice").await.unwrap();
        let taken = iam.update_user(cx, "alice", Some("Bob"), None).await.unwrap_err();
        assert_eq!(
            (taken.kind(), taken.message()),
            (ErrorKind::AlreadyExists, "User with name Bob already exists.")
        );
        for (name, path) in [(Some("a b"), None), (None, Some("/../"))] {
            let refused = iam.update_user(cx, "alice", name, path).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Validation);
        }
        for (name, path, arn) in [
            (Some("Alice"), None, "user/Alice"),
            (Some("carol"), Some("/teams/"), "user/teams/carol"),
            (None, Some("/"), "user/carol"),
        ] {
            let before = if arn == "user/Alice" { "alice" } else { "Alice" };
            let before = if arn == "user/carol" { "carol" } else { before };
            let now = iam.update_user(cx, before, name, path).await.unwrap();
            assert_eq!(now.arn.as_str(), format!("arn:aws:iam::000000000000:{arn}"));
            assert_eq!(now.id, alice.id);
            let found = iam.credentials(&key.id).await.unwrap().unwrap();
            assert_eq!(found.context.caller().to_string(), now.arn.as_str());
            assert!(world.may_read(&found.context).await);
        }
        assert!(!world.may_read(&context(&alice)).await);
        assert_eq!(iam.access_keys().list(cx, "carol").await.unwrap()[0].user.as_deref(), Some("carol"));
        assert!(iam.verify(cx).await.unwrap().problems.is_empty());
        assert!(iam.get(cx, &IdentityRef::user("alice")).await.is_err());
    });
}

#[test]
fn everything_of_an_account_is_told_page_by_page() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let (alice, role) = (world.user("alice").await, world.role("reader").await);
        world.user("bob").await;
        let policy = iam.managed_policies().create(cx, CreatePolicy::new("Readers", READ)).await.unwrap();
        iam.managed_policies()
            .create_version(cx, policy.arn.as_str(), &READ.replace("Get*", "*"), false)
            .await
            .unwrap();
        iam.put_policy(cx, &(&alice).into(), "read", READ).await.unwrap();
        iam.attach_policy(cx, &(&role).into(), policy.arn.as_str()).await.unwrap();
        iam.attach_policy(cx, &(&role).into(), presets::ADMINISTRATOR_ACCESS).await.unwrap();
        let kinds = [
            AccountItemKind::OwnPolicies,
            AccountItemKind::PresetPolicies,
            AccountItemKind::Users,
            AccountItemKind::Roles,
        ];
        let mut told = Vec::new();
        for limit in 1..=6 {
            let (mut items, mut marker) = (Vec::new(), None::<(AccountItemKind, String)>);
            loop {
                let after = marker.as_ref().map(|(kind, name)| (*kind, name.as_str()));
                let page = iam.account_items(cx, &kinds, after, limit).await.unwrap();
                assert!(page.items.len() <= limit);
                items.extend(page.items);
                marker = page.next_marker;
                if marker.is_none() {
                    break;
                }
            }
            told.push(items);
        }
        assert!(told.iter().all(|items| *items == told[0]));
        let [
            AccountItem::Identity { identity: first, inline, .. },
            AccountItem::Identity { identity: second, .. },
            AccountItem::Identity { identity: third, attached, .. },
            AccountItem::Policy { policy: own, versions },
            AccountItem::Policy { policy: preset, .. },
        ] = &told[0][..]
        else {
            panic!("{told:?}")
        };
        assert_eq!((first, inline.len(), second.name.as_str(), third), (&alice, 1, "bob", &role));
        assert_eq!(attached.len(), 2);
        assert_eq!((own.attachments, versions.len(), preset.attachments), (1, 2, 1));
        let only = iam.account_items(cx, &[AccountItemKind::Roles], None, 10).await.unwrap();
        assert_eq!(only.items.len(), 1);
        let hers = iam.account_items(&context(&alice), &kinds, None, 10).await.unwrap_err();
        assert_eq!(hers.kind(), ErrorKind::AccessDenied);
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
        // Another path, another case, another kind: a different identity.
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
fn records_are_held_against_each_other() {
    run(async {
        let world = world().await;
        let World { iam, cx, records, realm, .. } = &world;
        assert!(iam.verify(cx).await.unwrap().problems.is_empty());
        let (alice, role) = (world.user("alice").await, world.role("reader").await);
        let policy = iam.managed_policies().create(cx, CreatePolicy::new("Readers", READ)).await.unwrap();
        for id in [IdentityRef::from(&alice), IdentityRef::from(&role)] {
            iam.attach_policy(cx, &id, policy.arn.as_str()).await.unwrap();
        }
        iam.attach_policy(cx, &(&alice).into(), presets::ADMINISTRATOR_ACCESS).await.unwrap();
        assert!(iam.verify(cx).await.unwrap().problems.is_empty());
        // Every record that someone with the root key removes or replaces is reported.
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
        assert!(take(&under("user").then("alice")).await.contains("attached 1 times, but 2 are counted"));
        assert!(take(&under("id").then(&alice.id)).await.contains("does not lead back"));
        assert!(take(&under("guardrails")).await.contains("guardrails is missing"));
        // And no decision is made without them.
        let mut batch = records.batch();
        batch.delete(&under("guardrails"), Expect::Any);
        records.commit(batch).await.unwrap();
        let refused = iam.subject(&context(&alice), realm, world.clock.now()).await.unwrap_err();
        assert_eq!(refused.code(), "InternalServiceError");
        assert!(refused.to_string().contains("guardrails"), "{refused}");
        assert_eq!(iam.verify(&context(&role)).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    });
}
