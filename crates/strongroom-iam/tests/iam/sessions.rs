//! Sessions and credentials: of roles, of federated users, by access keys.

use super::*;

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
        // A missing role is indistinguishable from one that the caller cannot assume; the path is
        // part of the ARN.
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

        // A user created again under a trusted name is not trusted.
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
        let first = iam.access_keys().create(cx, "alice").await.unwrap();
        assert!(first.id.starts_with("AKIA") && first.id.len() == 20 && first.secret.expose().len() == 40);
        assert!(!format!("{first:?}").contains(first.secret.expose()));
        for directory in [iam, &world.other] {
            let found = directory.credentials(&first.id).await.unwrap().unwrap();
            assert_eq!(found.secret.expose(), first.secret.expose().as_bytes());
            assert_eq!(found.context.caller().to_string(), alice.arn.as_str());
        }
        let second = iam.access_keys().create(cx, "alice").await.unwrap();
        assert_eq!(iam.access_keys().create(cx, "alice").await.unwrap_err().kind(), ErrorKind::LimitExceeded);
        let listed = iam.access_keys().list(cx, "alice").await.unwrap();
        let ids: Vec<_> = listed.iter().map(|key| key.id.clone()).collect();
        assert_eq!(ids, [first.id.clone(), second.id.clone()]);
        assert!(
            listed
                .iter()
                .all(|key| key.active && key.user.as_deref() == Some("alice") && key.origin.is_none())
        );
        let kept = iam.delete(cx, &(&alice).into()).await.unwrap_err();
        assert_eq!(kept.message(), "Cannot delete entity, must delete access keys first.");
        iam.access_keys().delete(cx, "alice", &first.id).await.unwrap();
        assert!(iam.credentials(&first.id).await.unwrap().is_none());
        let gone = iam.access_keys().delete(cx, "alice", &first.id).await.unwrap_err();
        assert_eq!(gone.message(), format!("The Access Key with id {} cannot be found.", first.id));
        assert!(iam.credentials("AKIANOBODY").await.unwrap().is_none());
        assert_eq!(iam.access_keys().create(cx, "nobody").await.unwrap_err().kind(), ErrorKind::NoSuchEntity);
        let hers = context(&alice);
        assert_eq!(
            iam.access_keys().create(&hers, "alice").await.unwrap_err().kind(),
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
