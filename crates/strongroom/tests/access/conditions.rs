//! §1, §4.3, §5.3: condition keys, each with a value that lets through and one that does not.

use std::time::Duration;

use strongroom::{CallContext, SessionFacts, Strongroom};

use crate::{World, allow_with, document, is_denied};

/// Whether an operation succeeds for a user who may everything of one action on these conditions.
async fn passes<F>(world: &World, action: &str, condition: &str, tried: F) -> bool
where
    F: AsyncFn(Strongroom) -> Result<(), strongroom::Error>,
{
    // What else is needed is allowed without conditions.
    let rest = r#"{"Effect":"Allow","NotAction":["ACTION"],"Resource":"*"}"#.replace("ACTION", action);
    let policy = document(&[allow_with(&[action], &format!(r#","Condition":{condition}"#)), rest]);
    world.set("alice", &policy).await;
    let room = world.room.as_caller(strongroom::Caller::Principal(
        strongroom::Arn::parse("arn:aws:iam::000000000000:user/alice").unwrap(),
    ));
    let result = tried(room).await;
    assert!(result.is_ok() || is_denied(&result), "{action} {condition}: {result:?}");
    result.is_ok()
}

macro_rules! rows {
    ($world:expr; $($action:literal, $tried:expr, $good:literal, $bad:literal;)+) => {
        $(
            assert!(passes(&$world, $action, $good, $tried).await, "{} {}", $action, $good);
            assert!(!passes(&$world, $action, $bad, $tried).await, "{} {}", $action, $bad);
        )+
    };
}

#[tokio::test]
async fn keys_of_secrets_manager() {
    let world = World::new().await;
    world.user("alice", "").await;
    let arn = world.room.describe("own").await.unwrap().arn.to_string();
    let get = async |room: Strongroom| room.get("own").send().await.map(drop);
    let by_stage = async |room: Strongroom| room.get("own").stage("AWSCURRENT").send().await.map(drop);
    let version = world.room.get("own").send().await.unwrap().version_id;
    let by_version = async |room: Strongroom| room.get("own").version(&version).send().await.map(drop);
    let describe = async |room: Strongroom| room.describe("own").await.map(drop);
    let id = format!(r#"{{"ArnEquals":{{"secretsmanager:SecretId":"{arn}"}}}}"#);
    assert!(passes(&world, "secretsmanager:DescribeSecret", &id, describe).await);
    let version_is = format!(r#"{{"StringEquals":{{"secretsmanager:VersionId":"{version}"}}}}"#);
    assert!(passes(&world, "secretsmanager:GetSecretValue", &version_is, by_version).await);
    assert!(!passes(&world, "secretsmanager:GetSecretValue", &version_is, get).await, "only if passed");
    rows!(world;
        "secretsmanager:DescribeSecret", describe,
            r#"{"StringLike":{"secretsmanager:SecretId":"*:secret:own-??????"}}"#,
            r#"{"StringLike":{"secretsmanager:SecretId":"own"}}"#;
        "secretsmanager:DescribeSecret", describe,
            r#"{"StringEquals":{"secretsmanager:ResourceTag/team":"orders"}}"#,
            r#"{"StringEquals":{"secretsmanager:ResourceTag/team":"others"}}"#;
        "secretsmanager:DescribeSecret", describe,
            r#"{"StringEquals":{"aws:ResourceTag/team":"orders"}}"#, r#"{"StringEquals":{"aws:ResourceTag/other":"orders"}}"#;
        "secretsmanager:DescribeSecret", describe,
            r#"{"StringEquals":{"secretsmanager:SecretPrimaryRegion":"us-east-1"}}"#,
            r#"{"StringEquals":{"secretsmanager:SecretPrimaryRegion":"eu-west-1"}}"#;
        "secretsmanager:DescribeSecret", describe,
            r#"{"StringEquals":{"aws:ResourceAccount":"000000000000"}}"#,
            r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#;
        "secretsmanager:GetSecretValue", by_stage,
            r#"{"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}"#,
            r#"{"StringEquals":{"secretsmanager:VersionStage":"AWSPENDING"}}"#;
        // The stage that is meant when none is named does not set the key.
        "secretsmanager:GetSecretValue", get,
            r#"{"Null":{"secretsmanager:VersionStage":"true"}}"#,
            r#"{"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}"#;
        "secretsmanager:DeleteSecret",
            async |room: Strongroom| { let done = room.delete("own").recovery_window_days(7).send().await.map(drop); let _ = world.room.restore("own").await; done },
            r#"{"NumericGreaterThanEquals":{"secretsmanager:RecoveryWindowInDays":"7"}}"#,
            r#"{"NumericGreaterThanEquals":{"secretsmanager:RecoveryWindowInDays":"8"}}"#;
        "secretsmanager:DeleteSecret",
            async |room: Strongroom| { let _ = world.room.create("gone").send().await; room.delete("gone").without_recovery().send().await.map(drop) },
            r#"{"Bool":{"secretsmanager:ForceDeleteWithoutRecovery":"true"}}"#,
            r#"{"BoolIfExists":{"secretsmanager:ForceDeleteWithoutRecovery":"false"}}"#;
        "secretsmanager:UpdateSecret", async |room: Strongroom| room.update("own").description("d").send().await.map(drop),
            r#"{"StringEquals":{"secretsmanager:Description":"d"}}"#, r#"{"StringEquals":{"secretsmanager:Description":"e"}}"#;
        "secretsmanager:UpdateSecretVersionStage",
            async |room: Strongroom| room.move_stage("own", "custom").to(&version).send().await.map(drop),
            r#"{"StringEquals":{"secretsmanager:VersionStage":"custom"}}"#,
            r#"{"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}"#;
        "secretsmanager:PutResourcePolicy",
            async |room: Strongroom| room.policy("own").put(crate::other_account()).block_public_policy().send().await.map(drop),
            r#"{"Bool":{"secretsmanager:BlockPublicPolicy":"true"}}"#, r#"{"Bool":{"secretsmanager:BlockPublicPolicy":"false"}}"#;
        "secretsmanager:TagResource", async |room: Strongroom| room.tag("own", "stage", "prod").await,
            r#"{"StringEquals":{"aws:RequestTag/stage":"prod"}}"#, r#"{"StringEquals":{"aws:RequestTag/stage":"test"}}"#;
        "secretsmanager:TagResource", async |room: Strongroom| room.tag("own", "stage", "prod").await,
            r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["stage","team"]}}"#, r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}"#;
        "secretsmanager:UntagResource", async |room: Strongroom| room.untag("own", "stage").await,
            r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["stage"]}}"#, r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["team"]}}"#;
    );
    let key = format!(r#"{{"StringEquals":{{"secretsmanager:KmsKeyArn":"{}"}}}}"#, world.key);
    let by_arn = async |room: Strongroom| room.update("own").key(&world.key).send().await.map(drop);
    assert!(passes(&world, "secretsmanager:UpdateSecret", &key, by_arn).await);
}

#[tokio::test]
async fn keys_of_creation() {
    let world = World::new().await;
    world.user("alice", "").await;
    let create = async |room: Strongroom| {
        let made =
            room.create("new").description("d").key("alias/own").tag("team", "orders").text("v").send().await;
        let _ = world.room.delete("new").without_recovery().send().await;
        made.map(drop)
    };
    rows!(world;
        "secretsmanager:CreateSecret", create,
            r#"{"StringLike":{"secretsmanager:Name":"n*"}}"#, r#"{"StringLike":{"secretsmanager:Name":"o*"}}"#;
        "secretsmanager:CreateSecret", create,
            r#"{"StringEquals":{"secretsmanager:Description":"d"}}"#, r#"{"StringEquals":{"secretsmanager:Description":""}}"#;
        "secretsmanager:CreateSecret", create,
            r#"{"StringEquals":{"secretsmanager:KmsKeyId":"alias/own"}}"#, r#"{"Null":{"secretsmanager:KmsKeyId":"true"}}"#;
        "secretsmanager:CreateSecret", create,
            r#"{"StringEquals":{"aws:RequestTag/team":"orders"}}"#, r#"{"StringEquals":{"aws:RequestTag/team":"others"}}"#;
        "secretsmanager:TagResource", create,
            r#"{"StringEquals":{"aws:RequestTag/team":"orders"}}"#, r#"{"StringEquals":{"aws:RequestTag/team":"others"}}"#;
        // A secret that is not there yet has no tags, and no ARN to be named by.
        "secretsmanager:CreateSecret", create,
            r#"{"Null":{"secretsmanager:SecretId":"true"}}"#, r#"{"StringEquals":{"aws:ResourceTag/team":"orders"}}"#;
    );
}

#[tokio::test]
async fn keys_of_the_key_service_behind_the_secret() {
    let world = World::new().await;
    world.user("alice", "").await;
    let secret = world.room.get("own").send().await.unwrap();
    let get = async |room: Strongroom| room.get("own").send().await.map(drop);
    for (name, value) in
        [("SecretARN", secret.arn.to_string()), ("SecretVersionId", secret.version_id.to_string())]
    {
        let context = format!(r#"{{"StringEquals":{{"kms:EncryptionContext:{name}":"{value}"}}}}"#);
        assert!(passes(&world, "kms:Decrypt", &context, get).await, "{name}");
        let other = format!(r#"{{"StringEquals":{{"kms:EncryptionContext:{name}":"{value}x"}}}}"#);
        assert!(!passes(&world, "kms:Decrypt", &other, get).await, "{name}");
    }
    rows!(world;
        "kms:Decrypt", get,
            r#"{"StringEquals":{"kms:ViaService":"secretsmanager.us-east-1.amazonaws.com"}}"#,
            r#"{"StringEquals":{"kms:ViaService":"ssm.us-east-1.amazonaws.com"}}"#;
        "kms:Decrypt", get,
            r#"{"StringEquals":{"kms:CallerAccount":"000000000000"}}"#, r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#;
        "kms:Decrypt", get,
            r#"{"Bool":{"aws:ViaAWSService":"true"}}"#, r#"{"Bool":{"aws:ViaAWSService":"false"}}"#;
        "kms:Decrypt", get,
            r#"{"ForAnyValue:StringEquals":{"aws:CalledVia":"secretsmanager.amazonaws.com"}}"#,
            r#"{"StringEquals":{"aws:CalledViaLast":"ssm.amazonaws.com"}}"#;
        "kms:Decrypt", get,
            r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["SecretARN","SecretVersionId"]}}"#,
            r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["SecretARN"]}}"#;
        "kms:Decrypt", get,
            r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/own"}}"#,
            r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/other"}}"#;
        // The engine names the key by its ARN when it reads, and as the secret does when it writes.
        "kms:Decrypt", get,
            r#"{"Null":{"kms:RequestAlias":"true"}}"#, r#"{"StringEquals":{"kms:RequestAlias":"alias/own"}}"#;
        "kms:GenerateDataKey", async |room: Strongroom| room.put("own").text("x").send().await.map(drop),
            r#"{"StringEquals":{"kms:RequestAlias":"alias/own"}}"#, r#"{"Null":{"kms:RequestAlias":"true"}}"#;
    );
    // Called directly, nothing of this is there.
    let context = strongroom::EncryptionContext::new();
    let sealed = world.room.keys().encrypt("alias/own", b"x", &context).await.unwrap();
    let direct = async |room: Strongroom| {
        room.keys().decrypt(&sealed, &context).await.map(drop).inspect_err(|error| {
            // Who does not name the key is not told why; it is a denial all the same.
            assert_eq!(error.code(), "AccessDeniedException");
        })
    };
    rows!(world;
        "kms:Decrypt", direct,
            r#"{"Null":{"kms:ViaService":"true","aws:CalledVia":"true","kms:EncryptionContextKeys":"true"}}"#,
            r#"{"Bool":{"aws:ViaAWSService":"true"}}"#;
    );
}

/// §1: what is known of the caller and its session.
#[tokio::test]
async fn keys_of_the_caller_and_the_session() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let role = world.role("reader", "").await;
    let now = 1_800_000_000i64;
    let mfa = |ago: u64| {
        strongroom::Timestamp::from_millis(now * 1000).after(Duration::ZERO).as_millis() - (ago * 1000) as i64
    };
    let facts = SessionFacts::new()
        .source_ip([10, 0, 0, 7])
        .secure_transport(true)
        .user_agent("curl/8")
        .mfa(strongroom::Timestamp::from_millis(mfa(60)))
        .issued(strongroom::Timestamp::from_millis(mfa(100)))
        .tag("area", "own")
        .key("aws:SourceVpce", "vpce-1");
    let user = CallContext::new(alice.caller().unwrap());
    let full = user.clone().with_facts(facts.clone());
    let session = CallContext::new(role.session("run-1").unwrap());
    let tries = async |cx: &CallContext, condition: &str| {
        let policy = document(&[allow_with(
            &["secretsmanager:DescribeSecret"],
            &format!(r#","Condition":{condition}"#),
        )]);
        world.set("alice", &policy).await;
        world.room.iam().put_policy(&role, "own", &policy).await.unwrap();
        world.room.with_context(cx.clone()).describe("own").await.is_ok()
    };
    for (cx, condition, expected) in [
        (&user, r#"{"StringEquals":{"aws:username":"alice"}}"#, true),
        (&session, r#"{"Null":{"aws:username":"false"}}"#, false),
        (&user, r#"{"StringEquals":{"aws:PrincipalType":"User"}}"#, true),
        (&session, r#"{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}"#, true),
        (&session, r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::000000000000:role/reader"}}"#, true),
        (&session, r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::*:assumed-role/*"}}"#, false),
        (&session, r#"{"StringLike":{"aws:userid":"AROA*:run-1"}}"#, true),
        (&user, r#"{"StringLike":{"aws:userid":"AIDA*"}}"#, true),
        (
            &user,
            r#"{"StringEquals":{"aws:PrincipalAccount":"000000000000","aws:RequestedRegion":"us-east-1"}}"#,
            true,
        ),
        (&user, r#"{"Bool":{"aws:PrincipalIsAWSService":"false","aws:SecureTransport":"true"}}"#, true),
        (&user, r#"{"Null":{"aws:SourceIp":"true","aws:MultiFactorAuthPresent":"true"}}"#, true),
        (&session, r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#, true),
        (&full, r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, true),
        (&full, r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
        (&full, r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#, true),
        (&full, r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"61"}}"#, true),
        (&full, r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}"#, false),
        (&full, r#"{"DateGreaterThan":{"aws:TokenIssueTime":"1799999000"}}"#, true),
        (&full, r#"{"DateLessThan":{"aws:CurrentTime":"2027-01-15T08:00:01Z"}}"#, true),
        (&full, r#"{"DateLessThan":{"aws:CurrentTime":"2027-01-15T08:00:00Z"}}"#, false),
        (&full, r#"{"StringLike":{"aws:UserAgent":"curl/*"}}"#, true),
        (&full, r#"{"StringEquals":{"aws:SourceVpce":"vpce-1","aws:PrincipalTag/area":"own"}}"#, true),
        // Only what is temporary says whether there was a second factor.
        (&user, r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#, false),
    ] {
        assert_eq!(tries(cx, condition).await, expected, "{condition}");
    }
    // A session that is over may nothing.
    let ends = strongroom::Timestamp::from_millis((now + 10) * 1000);
    let ending = user.with_facts(facts.expires(ends));
    assert!(tries(&ending, r#"{"Null":{"aws:userid":"false"}}"#).await);
    world.clock.advance(Duration::from_secs(10));
    let over = world.room.with_context(ending).describe("own").await.unwrap_err();
    assert_eq!(
        (over.code(), over.message()),
        ("ExpiredTokenException", "The security token included in the request is expired")
    );
}

/// What the service knows itself nobody can say otherwise.
#[tokio::test]
async fn a_caller_cannot_claim_what_the_service_knows() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    for (key, value) in [
        ("kms:ViaService", "secretsmanager.us-east-1.amazonaws.com"),
        ("aws:PrincipalArn", "arn:aws:iam::000000000000:user/bob"),
        ("AWS:principalarn", "arn:aws:iam::000000000000:user/bob"),
        ("aws:ViaAWSService", "true"),
        ("kms:CallerAccount", "111122223333"),
        ("aws:username", "bob"),
        ("aws:ResourceTag/team", "others"),
        ("kms:EncryptionContext:a", "b"),
        ("aws:CalledVia", "secretsmanager.amazonaws.com"),
        ("aws:PrincipalTag/x", "y"),
    ] {
        let condition = format!(r#","Condition":{{"StringEquals":{{"{key}":"{value}"}}}}"#);
        let policy =
            document(&[allow_with(&["secretsmanager:DescribeSecret", "kms:DescribeKey"], &condition)]);
        world.set("alice", &policy).await;
        let claims =
            CallContext::new(alice.caller().unwrap()).with_facts(SessionFacts::new().key(key, value));
        let room = world.room.with_context(claims);
        assert!(is_denied(&room.describe("own").await), "{key}");
        assert_eq!(
            room.keys().describe(&world.key).await.unwrap_err().code(),
            "AccessDeniedException",
            "{key}"
        );
    }
}
