//! What explanations say.

use strongroom::iam::Verdict;
use strongroom::kms::GrantOperation;
use strongroom::{Operation, SessionFacts};

use crate::{DELEGATION, World, allow, allow_with, document};

const GET: Operation = Operation::GetSecretValue;

#[tokio::test]
async fn an_explanation_names_each_document_and_each_statement() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["secretsmanager:GetSecretValue"])).await;
    let lists =
        world.room.iam().create_managed_policy("Lists", &allow(&["secretsmanager:List*"])).await.unwrap();
    world.room.iam().attach_policy(&alice, lists.arn.as_str()).await.unwrap();
    let grant = world.grant(alice.arn.as_str(), GrantOperation::Encrypt).await;
    let told = world.room.iam().explain(alice.caller().unwrap(), GET, "own").await.unwrap();
    assert_eq!(
        (told.allowed, told.operation, told.error.as_deref()),
        (false, "GetSecretValue", Some(crate::NO_KMS))
    );
    assert_eq!(told.secret, world.room.describe("own").await.unwrap().arn.to_string());
    let text = told.to_string();
    for line in [
        "arn:aws:iam::000000000000:user/alice MAY NOT GetSecretValue",
        "and is told: Access to KMS is not allowed",
        "1. ALLOWED: secretsmanager:GetSecretValue",
        "because statement 1 of the identity-based policy own allows it",
        "identity-based policy arn:aws:iam::000000000000:policy/Lists",
        "2. DENIED: kms:Decrypt",
        "key policy",
        "Encrypt",
        "Decrypt is not among Encrypt",
        "what would allow it, any one of:",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(text.contains(&grant[..12]));
    // For programs.
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["permissions"][1]["action"], "kms:Decrypt");
    assert_eq!(json["permissions"][1]["grants"][0]["matches"], false);
    assert_eq!(json["permissions"][1]["remedies"][0]["changes"][0]["change"], "add");
    assert_eq!(json["permissions"][0]["documents"][1]["statements"][0]["effect"], "Allow");
}

/// Whatever would help is tried: an owner who does what it says has it allowed.
#[tokio::test]
async fn what_would_help_helps() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let caller = alice.caller().unwrap();
    let mut steps = 0;
    loop {
        let told = world.room.iam().explain(caller.clone(), GET, "own").await.unwrap();
        if told.allowed {
            break;
        }
        let remedy = told.permissions.iter().find(|one| !one.allowed).unwrap().remedies[0].clone();
        let [strongroom::policy::Change::Add { document: to, statement }] = remedy.changes.as_slice() else {
            panic!("{remedy}")
        };
        assert!(to.contains("user/alice"), "{to}");
        let name = format!("step-{steps}");
        let policy = document(std::slice::from_ref(statement));
        world.room.iam().put_policy(&alice, &name, &policy).await.unwrap();
        steps += 1;
    }
    assert_eq!(steps, 2);
    world.tries(&caller, GET, "own").await.unwrap();
}

#[tokio::test]
async fn denies_and_conditions_are_told_with_the_way_out() {
    let world = World::new().await;
    let deny = r#"{"Sid":"no","Effect":"Deny","Action":"secretsmanager:*","Resource":"*"}"#;
    let office =
        allow_with(&["secretsmanager:*"], r#","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#);
    let alice = world.user("alice", &document(&[office, deny.to_owned()])).await;
    let told = world.room.iam().explain(alice.caller().unwrap(), GET, "managed").await.unwrap();
    let remedies: Vec<_> = told.permissions[0].remedies.iter().map(ToString::to_string).collect();
    assert_eq!(
        remedies[0],
        "remove or narrow statement 2 (line 1) of the identity-based policy own, which denies it; and meet the condition of \
         statement 1 of the identity-based policy own: IpAddress aws:SourceIp 10.0.0.0/8"
    );
    assert!(told.error.unwrap().ends_with("with an explicit deny in an identity-based policy"));
}

#[tokio::test]
async fn boundaries_session_policies_and_guardrails_are_told() {
    let world = World::new().await;
    let directory = world.room.iam();
    let boundary = directory.create_managed_policy("Boundary", &allow(&["s3:*"])).await.unwrap();
    let alice = world.user("alice", &allow(&["secretsmanager:*"])).await;
    let id = (&alice).into();
    directory
        .directory()
        .unwrap()
        .put_boundary(world.room.context(), &id, boundary.arn.as_str())
        .await
        .unwrap();
    let caller = alice.caller().unwrap();
    let refused = world.tries(&caller, GET, "managed").await.unwrap_err();
    assert!(
        refused
            .message()
            .ends_with("because no permissions boundary allows the secretsmanager:GetSecretValue action")
    );
    let told = world.room.iam().explain(caller.clone(), GET, "managed").await.unwrap().to_string();
    assert!(told.contains("permissions boundary arn:aws:iam::000000000000:policy/Boundary"), "{told}");
    assert!(
        told.contains(
            "add to the permissions boundary arn:aws:iam::000000000000:policy/Boundary: {\"Effect\""
        ),
        "{told}"
    );
    directory.directory().unwrap().delete_boundary(world.room.context(), &id).await.unwrap();
    world.tries(&caller, GET, "managed").await.unwrap();
    let reserved = strongroom::presets::ReservedNames::new(["managed"]).document();
    directory.put_guardrail("reserved", &reserved).await.unwrap();
    let refused = world.tries(&caller, GET, "managed").await.unwrap_err();
    assert!(refused.message().ends_with("with an explicit deny in a service control policy"), "{refused}");
    let told = world.room.iam().explain(caller.clone(), GET, "managed").await.unwrap().to_string();
    assert!(told.contains("service control policy reserved") && told.contains("FullAWSAccess"), "{told}");
    directory.delete_guardrail("reserved").await.unwrap();
    // A session's own limits.
    let facts = SessionFacts::new().policy(allow(&["s3:*"]));
    let cx = strongroom::CallContext::new(caller).with_facts(facts);
    let told = world.room.iam().explain(cx, GET, "managed").await.unwrap();
    assert!(!told.allowed && told.error.unwrap().contains("no session policy allows"));
}

#[tokio::test]
async fn what_else_is_in_the_way_is_told() {
    let world = World::new().await;
    let owner = world.room.context().clone();
    let notes = async |operation, secret: &str| {
        world.room.iam().explain(owner.clone(), operation, secret).await.unwrap().notes
    };
    assert!(notes(GET, "own").await.is_empty());
    world.room.keys().disable("alias/own").await.unwrap();
    assert_eq!(notes(GET, "own").await, [format!("the key {} is Disabled", world.key)]);
    world.room.delete("own").send().await.unwrap();
    assert_eq!(notes(Operation::DescribeSecret, "own").await, ["the secret is marked for deletion"]);
    assert_eq!(notes(GET, "none").await, ["there is no such secret"]);
    assert_eq!(notes(Operation::CreateSecret, "managed").await, ["the secret managed exists"]);
    let invalid = world.room.iam().explain(owner.clone(), GET, "a b").await.unwrap_err();
    assert_eq!(invalid.code(), "ValidationException");
    // Before the managed key is made it is told as it will be; explaining makes no key.
    let empty = strongroom::Strongroom::builder()
        .memory()
        .root_key(strongroom::RootKey::from_bytes([1; 32]))
        .open()
        .await
        .unwrap();
    let told = empty.iam().explain(empty.context().clone(), Operation::CreateSecret, "first").await.unwrap();
    assert!(told.allowed, "{told}");
    let keys = empty
        .keys()
        .service()
        .unwrap()
        .list_keys(empty.context(), &strongroom::kms::ListPage::first())
        .await
        .unwrap();
    assert!(keys.keys.is_empty());
}

#[tokio::test]
async fn who_can_lists_everybody_known() {
    let world = World::new().await;
    let rights = &["secretsmanager:GetSecretValue", "kms:Decrypt"];
    world.user("yes", &allow(rights)).await;
    world.user("no", &allow(&["secretsmanager:GetSecretValue"])).await;
    // From the service's own calls to the key service nobody's address is seen: a condition on it there lets nobody in.
    let at_office =
        |actions: &[&str]| allow_with(actions, r#","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#);
    let office = [at_office(&rights[..1]), allow_with(&rights[1..], "")];
    world.user("office", &document(&office)).await;
    world.user("shut", &document(&[at_office(rights)])).await;
    let by_tag = allow_with(rights, r#","Condition":{"StringEquals":{"aws:PrincipalTag/team":"orders"}}"#);
    world.role("tagged", &document(&[by_tag])).await;
    let granted = world.user("granted", &allow(&["secretsmanager:GetSecretValue"])).await;
    let grant = world.grant(granted.arn.as_str(), GrantOperation::Decrypt).await;
    let role = world.role("sessions", "").await;
    let session = role.session("run-7").unwrap().to_string();
    let names = |who: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{who},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#
        )
    };
    let policy = document(&[
        names(&format!(r#"{{"AWS":["{session}","111122223333"]}}"#)),
        names(r#"{"Service":"lambda.amazonaws.com"}"#),
    ]);
    world.room.policy("own").put(policy).send().await.unwrap();
    let key = r#"{"Effect":"Allow","Principal":{"AWS":["SESSION","arn:aws:iam::111122223333:role/theirs"]},"Action":"kms:Decrypt","Resource":"*"}"#;
    world.key_policy(&[DELEGATION, &key.replace("SESSION", &session)]).await;

    let told = world.room.iam().who_can(GET, "own").await.unwrap();
    let found: Vec<_> = told
        .candidates
        .iter()
        .map(|one| (one.principal.trim_start_matches("arn:aws:"), one.verdict))
        .collect();
    let (yes, may, no) = (Verdict::Allowed, Verdict::Conditional, Verdict::Denied);
    assert_eq!(
        found,
        [
            ("iam::000000000000:root", yes),
            ("iam::000000000000:user/granted", yes),
            ("iam::000000000000:user/yes", yes),
            ("sts::000000000000:assumed-role/sessions/run-7", yes),
            ("iam::000000000000:role/tagged", may),
            ("iam::000000000000:user/office", may),
            ("iam::000000000000:role/sessions", no),
            ("iam::000000000000:user/no", no),
            ("iam::000000000000:user/shut", no),
            ("iam::111122223333:role/theirs", no),
            ("iam::111122223333:root", no),
            ("lambda.amazonaws.com", no),
        ]
    );
    let one = |name: &str| told.candidates.iter().find(|one| one.principal.ends_with(name)).unwrap();
    assert!(one("granted").grants[0].starts_with(&grant));
    assert!(
        one("office")
            .conditions
            .iter()
            .all(|text| text.contains("allows if IpAddress aws:SourceIp 10.0.0.0/8"))
    );
    assert!(one("tagged").conditions[0].contains("aws:PrincipalTag/team orders"));
    assert_eq!(
        one("user/no").because[1],
        "kms:Decrypt: no identity-based policy allows it, which is needed beside the key policy"
    );
    assert!(told.notes[0].contains("as far as they are known here"));
    let text = told.to_string();
    assert!(text.starts_with("Who can GetSecretValue arn:aws:secretsmanager:"), "{text}");
    assert!(text.contains("ON CONDITION  arn:aws:iam::000000000000:user/office"), "{text}");
    assert_eq!(serde_json::to_value(&told).unwrap()["candidates"][4]["verdict"], "conditional");
}

/// Across accounts a grant stands for the key's policy, and the caller's account must agree.
#[tokio::test]
async fn grants_across_accounts_are_told_as_they_count() {
    let world = World::new().await;
    let there = strongroom::AccountId::parse("111122223333").unwrap();
    let directory = world.room.iam().directory().unwrap().of_account(there);
    let bob = directory.create_user(world.room.context(), "bob".into()).await.unwrap();
    let rights = allow(&["secretsmanager:GetSecretValue", "kms:Decrypt"]);
    directory.put_policy(world.room.context(), &(&bob).into(), "own", &rights).await.unwrap();
    let names = r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}"#;
    world.room.policy("own").put(document(&[names.to_owned()])).send().await.unwrap();
    let arn = world.room.describe("own").await.unwrap().arn.to_string();
    assert!(world.tries(&bob.caller().unwrap(), GET, &arn).await.is_err());
    world.grant(bob.arn.as_str(), GrantOperation::Decrypt).await;
    world.tries(&bob.caller().unwrap(), GET, &arn).await.unwrap();
    let told = world.room.iam().who_can(GET, "own").await.unwrap();
    let listed = told.candidates.iter().find(|one| one.principal == bob.arn.as_str()).unwrap();
    assert_eq!((listed.verdict, listed.grants.len()), (Verdict::Allowed, 1));
    directory.delete_policy(world.room.context(), &(&bob).into(), "own").await.unwrap();
    assert!(world.tries(&bob.caller().unwrap(), GET, &arn).await.is_err());
}
