//! §2: which names of a key each operation takes, and what it answers to the others.

use strongroom_envelope::SecretBytes;
use strongroom_kms::{
    AliasName, CreateGrant, Decrypt, DescribeKey, Encrypt, GenerateDataKey, GenerateMac, GrantFilter,
    GrantOperation, GrantRef, ImportKeyMaterial, KeyTag, ListPage, MacAlgorithm, PutKeyPolicy, ReEncrypt,
    VerifyMac, WrappingAlgorithm, WrappingKeySpec,
};

use super::*;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// The operations that take a key id or key ARN and nothing else.
const MANAGEMENT: [&str; 24] = [
    "CancelKeyDeletion",
    "CreateGrant",
    "DeleteImportedKeyMaterial",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "ImportKeyMaterial",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListResourceTags",
    "PutKeyPolicy",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateKeyDescription",
];

/// Those that take an alias too.
const USE: [&str; 10] = [
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ImportPlainMaterial",
    "ReEncryptFrom",
    "ReEncryptTo",
    "VerifyMac",
];

impl World {
    async fn run(&self, cx: &CallContext, operation: &str, key: &KeyRef) -> Result<(), Error> {
        let (kms, page) = (&self.kms, ListPage::first());
        let (empty, grant) = (EncryptionContext::new(), "0".repeat(64));
        match operation {
            "CancelKeyDeletion" => kms.cancel_key_deletion(cx, key).await.map(drop),
            "CreateGrant" => {
                let request = CreateGrant::new("arn:aws:iam::000000000000:user/a", [GrantOperation::Decrypt]);
                kms.create_grant(cx, key, request).await.map(drop)
            }
            "DeleteImportedKeyMaterial" => kms.delete_imported_key_material(cx, key, None).await.map(drop),
            "DisableKey" => kms.disable_key(cx, key).await,
            "DisableKeyRotation" => kms.disable_key_rotation(cx, key).await,
            "EnableKey" => kms.enable_key(cx, key).await,
            "EnableKeyRotation" => kms.enable_key_rotation(cx, key, None).await,
            "GetKeyPolicy" => kms.get_key_policy(cx, key, None).await.map(drop),
            "GetKeyRotationStatus" => kms.get_key_rotation_status(cx, key).await.map(drop),
            "GetParametersForImport" => {
                let (algorithm, spec) = (WrappingAlgorithm::RsaesOaepSha256, WrappingKeySpec::Rsa2048);
                kms.get_parameters_for_import(cx, key, algorithm, spec).await.map(drop)
            }
            "ImportKeyMaterial" => {
                kms.import_key_material(cx, key, ImportKeyMaterial::new([1], [1])).await.map(drop)
            }
            "ListAliases" => kms.list_aliases(cx, Some(key), &page).await.map(drop),
            "ListGrants" => kms.list_grants(cx, key, &GrantFilter::all(), &page).await.map(drop),
            "ListKeyPolicies" => kms.list_key_policies(cx, key, &page).await.map(drop),
            "ListKeyRotations" => kms.list_key_rotations(cx, key, true, &page).await.map(drop),
            "ListResourceTags" => kms.list_resource_tags(cx, key, &page).await.map(drop),
            "PutKeyPolicy" => {
                let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:*","Resource":"*"}]}"#;
                kms.put_key_policy(cx, key, PutKeyPolicy::new(policy)).await
            }
            "RetireGrant" => kms.retire_grant(cx, &GrantRef::Id { key: key.clone(), id: grant }, false).await,
            "RevokeGrant" => kms.revoke_grant(cx, key, &grant, false).await,
            "RotateKeyOnDemand" => kms.rotate_key_on_demand(cx, key).await.map(drop),
            "ScheduleKeyDeletion" => kms.schedule_key_deletion(cx, key, None).await.map(drop),
            "TagResource" => kms.tag_resource(cx, key, vec![KeyTag::new("a", "b")]).await,
            "UntagResource" => kms.untag_resource(cx, key, vec!["a".into()]).await,
            "UpdateKeyDescription" => kms.update_key_description(cx, key, "d").await,
            "Decrypt" => {
                let sealed = self.encrypt(&self.key().await).await;
                kms.decrypt(cx, Decrypt::new(&sealed).context(&empty).key(key)).await.map(drop)
            }
            "DescribeKey" => kms.describe_key(cx, DescribeKey::new(key)).await.map(drop),
            "Encrypt" => kms.encrypt(cx, Encrypt::new(key, b"x").context(&empty)).await.map(drop),
            "GenerateDataKey" => {
                kms.generate_data_key(cx, GenerateDataKey::new(key).context(&empty)).await.map(drop)
            }
            "GenerateDataKeyWithoutPlaintext" => kms
                .generate_data_key_without_plaintext(cx, GenerateDataKey::new(key).context(&empty))
                .await
                .map(drop),
            "GenerateMac" => {
                kms.generate_mac(cx, GenerateMac::new(key, b"m", MacAlgorithm::HmacSha256)).await.map(drop)
            }
            "ImportPlainMaterial" => {
                let (material, stays) = (SecretBytes::from_vec(vec![1; 32]), ImportKeyMaterial::new([], []));
                kms.import_plain_material(cx, key, &material, &stays).await.map(drop)
            }
            "ReEncryptFrom" => {
                let own = self.key().await;
                let sealed = self.encrypt(&own).await;
                kms.re_encrypt(
                    cx,
                    ReEncrypt::new(&sealed, &by_id(&own))
                        .source_context(&empty)
                        .context(&empty)
                        .source_key(key),
                )
                .await
                .map(drop)
            }
            "ReEncryptTo" => {
                let sealed = self.encrypt(&self.key().await).await;
                kms.re_encrypt(cx, ReEncrypt::new(&sealed, key).source_context(&empty).context(&empty))
                    .await
                    .map(drop)
            }
            "VerifyMac" => {
                kms.verify_mac(cx, VerifyMac::new(key, b"m", b"c", MacAlgorithm::HmacSha256)).await.map(drop)
            }
            other => panic!("{other}"),
        }
    }
}

/// Users of AWS report the text since 2015; the specification has it in §2.
#[tokio::test]
async fn an_alias_is_refused_where_a_key_id_or_arn_must_stand_whoever_asks_and_whether_or_not_it_exists() {
    let world = World::new().await;
    let key = world.key().await;
    world.kms.create_alias(&world.cx, &AliasName::parse("alias/mine").unwrap(), &by_id(&key)).await.unwrap();
    let other = CallContext::new(Caller::Owner(strongroom_types::AccountId::parse("111122223333").unwrap()));
    for operation in MANAGEMENT {
        for name in [
            "alias/mine",
            "alias/nobodys",
            "alias/aws/secretsmanager",
            "arn:aws:kms:us-east-1:000000000000:alias/mine",
            "arn:aws:kms:us-east-1:000000000000:alias/nobodys",
            "arn:aws:kms:eu-west-1:000000000000:alias/mine",
            "arn:aws:kms:us-east-1:111122223333:alias/mine",
        ] {
            let key = KeyRef::parse(name).unwrap();
            for cx in [&world.cx, &user("alice"), &other] {
                let error = world.run(cx, operation, &key).await.unwrap_err();
                assert_eq!(
                    (error.kind(), error.message()),
                    (ErrorKind::InvalidArn, "Key Aliases are not supported for this operation."),
                    "{operation} of {name} by {}",
                    cx.caller()
                );
            }
        }
    }
    let described = world.kms.describe_key(&world.cx, DescribeKey::new(&by_id(&key))).await.unwrap();
    assert_eq!((described.state, described.description), (key.state, key.description));
}

#[tokio::test]
async fn a_key_that_is_not_there_or_is_of_another_region_is_told_alike_by_every_operation() {
    let world = World::new().await;
    let here = format!("arn:aws:kms:us-east-1:000000000000:key/{NOBODY}");
    let missing = format!("Key '{here}' does not exist");
    let elsewhere = "Invalid arn eu-west-1".to_owned();
    for operation in MANAGEMENT.into_iter().chain(USE) {
        for (name, text) in [
            (NOBODY.to_owned(), &missing),
            (here.clone(), &missing),
            (here.replace("us-east-1", "eu-west-1"), &elsewhere),
        ] {
            let error = world.run(&world.cx, operation, &KeyRef::parse(&name).unwrap()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.message()),
                (ErrorKind::NotFound, text.as_str()),
                "{operation} {name}"
            );
        }
    }
}

#[tokio::test]
async fn a_grant_is_retired_by_key_id_or_key_arn() {
    let world = World::new().await;
    let key = world.key().await;
    for name in [key.id.as_str(), key.arn.as_str()] {
        let request = CreateGrant::new("arn:aws:iam::000000000000:user/a", [GrantOperation::Decrypt]);
        let made = world.kms.create_grant(&world.cx, &by_id(&key), request).await.unwrap();
        let grant = GrantRef::Id { key: KeyRef::parse(name).unwrap(), id: made.id.clone() };
        world.kms.retire_grant(&world.cx, &grant, false).await.unwrap();
        refused(
            world.kms.retire_grant(&world.cx, &grant, false).await,
            ErrorKind::NotFound,
            &format!("Grant ID {} not found", made.id),
        );
    }
}
