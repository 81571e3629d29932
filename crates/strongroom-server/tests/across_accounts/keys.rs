//! Keys of another account, named by ARN.

use super::*;

#[tokio::test]
async fn keys_are_used_by_arn_and_alias_arn() {
    let world = World::new().await;
    let (a, b) = (Who::Root(A), Who::Root(B));
    let key = world
        .key(
            A,
            &[B],
            &[
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:GenerateDataKey*",
                "kms:DescribeKey",
                "kms:ReEncrypt*",
                "kms:PutKeyPolicy",
            ],
        )
        .await;
    world.done(&a, "kms:CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})).await;
    let alias = format!("arn:aws:kms:us-east-1:{A}:alias/a");
    for named in [&key, &alias] {
        let sealed = world.done(&b, "kms:Encrypt", json!({"KeyId": named, "Plaintext": "dg=="})).await;
        assert_eq!(sealed["KeyId"], json!(key));
        let opened = world
            .done(&b, "kms:Decrypt", json!({"KeyId": named, "CiphertextBlob": sealed["CiphertextBlob"]}))
            .await;
        assert_eq!(opened["Plaintext"], "dg==");
        assert_eq!(
            world.done(&b, "kms:DescribeKey", json!({"KeyId": named})).await["KeyMetadata"]["AWSAccountId"],
            A
        );
        world.done(&b, "kms:GenerateDataKey", json!({"KeyId": named, "KeySpec": "AES_256"})).await;
    }
    // By id it would be a key of B; and what does not cross accounts does not.
    let id = key.rsplit('/').next().unwrap();
    let (_, report) = world.call(&b, "kms:Encrypt", json!({"KeyId": id, "Plaintext": "dg=="})).await;
    assert_eq!(report["__type"], "NotFoundException", "{report}");
    for (operation, more) in [
        ("PutKeyPolicy", json!({"PolicyName": "default", "Policy": "{}"})),
        ("GetKeyPolicy", json!({"PolicyName": "default"})),
        ("ScheduleKeyDeletion", json!({})),
        ("DisableKey", json!({})),
        ("TagResource", json!({"Tags": []})),
    ] {
        let mut body = more;
        body["KeyId"] = json!(key);
        assert_eq!(world.call(&b, &format!("kms:{operation}"), body).await.0, 400, "{operation}");
    }
    let state = world.done(&a, "kms:DescribeKey", json!({"KeyId": key})).await;
    assert_eq!(state["KeyMetadata"]["KeyState"], "Enabled");
    // A grant of A's key, made and used from B.
    let granting = world.key(A, &[B], &["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]).await;
    let bob = world.user(B, "bob").await;
    world.allow(B, "bob", &[can(&["kms:Encrypt"])]).await;
    let body = json!({"KeyId": granting, "Plaintext": "dg=="});
    denied(&world.call(&bob, "kms:Encrypt", body.clone()).await);
    let grant = json!({"KeyId": granting, "GranteePrincipal": format!("arn:aws:iam::{B}:user/bob"), "Operations": ["Encrypt"]});
    let made = world.done(&b, "kms:CreateGrant", grant).await;
    world.done(&bob, "kms:Encrypt", body.clone()).await;
    assert_eq!(
        world.done(&b, "kms:ListGrants", json!({"KeyId": granting})).await["Grants"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    world.done(&b, "kms:RevokeGrant", json!({"KeyId": granting, "GrantId": made["GrantId"]})).await;
    denied(&world.call(&bob, "kms:Encrypt", body).await);
}

#[tokio::test]
async fn a_ciphertext_moves_from_one_accounts_key_to_anothers() {
    let world = World::new().await;
    let (a, b) = (Who::Root(A), Who::Root(B));
    let theirs = world.key(A, &[B], &["kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"]).await;
    let closed = world.key(A, &[B], &["kms:Encrypt"]).await;
    let own = world.key(B, &[B], &["kms:*"]).await;
    let context = json!({"k": "v"});
    let sealed = world
        .done(&b, "kms:Encrypt", json!({"KeyId": theirs, "Plaintext": "dg==", "EncryptionContext": context}))
        .await;
    let moving = |blob: &Value, from: &str, to: &str| json!({"CiphertextBlob": blob, "SourceKeyId": from, "DestinationKeyId": to, "SourceEncryptionContext": context, "DestinationEncryptionContext": context});
    // There and back.
    let here = world.done(&b, "kms:ReEncrypt", moving(&sealed["CiphertextBlob"], &theirs, &own)).await;
    assert_eq!((&here["SourceKeyId"], &here["KeyId"]), (&json!(theirs), &json!(own)));
    let open = json!({"CiphertextBlob": here["CiphertextBlob"], "EncryptionContext": context});
    assert_eq!(world.done(&b, "kms:Decrypt", open).await["Plaintext"], "dg==");
    let mut back = moving(&here["CiphertextBlob"], &own, &theirs);
    back.as_object_mut().unwrap().remove("SourceKeyId");
    let back = world.done(&b, "kms:ReEncrypt", back).await;
    let open = json!({"CiphertextBlob": back["CiphertextBlob"], "EncryptionContext": context});
    assert_eq!(world.done(&a, "kms:Decrypt", open).await["Plaintext"], "dg==");
    // Each side is asked for its own key.
    let shut = world
        .done(&b, "kms:Encrypt", json!({"KeyId": closed, "Plaintext": "dg==", "EncryptionContext": context}))
        .await;
    denied(&world.call(&b, "kms:ReEncrypt", moving(&shut["CiphertextBlob"], &closed, &own)).await);
    denied(&world.call(&b, "kms:ReEncrypt", moving(&here["CiphertextBlob"], &own, &closed)).await);
    denied(&world.call(&a, "kms:ReEncrypt", moving(&sealed["CiphertextBlob"], &theirs, &own)).await);
    denied(
        &world
            .call(&b, "kms:ReEncrypt", moving(&here["CiphertextBlob"], &own, &theirs.replace(A, NOBODY)))
            .await,
    );
}
