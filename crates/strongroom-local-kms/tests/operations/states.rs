//! The whole table of operation and key state, run.

use strongroom_envelope::SecretBytes;
use strongroom_kms::{
    AliasName, CreateGrant, Decrypt, DescribeKey, Encrypt, GenerateDataKey, GenerateMac, GrantFilter,
    GrantOperation, GrantRef, ImportKeyMaterial, KeyOrigin, KeyTag, ListPage, MacAlgorithm, PutKeyPolicy,
    ReEncrypt, VerifyMac, WrappingAlgorithm, WrappingKeySpec,
};

use super::*;

/// The states of the columns.
const STATES: [&str; 4] = ["Enabled", "Disabled", "PendingDeletion", "PendingImport"];

/// The specification's rows, for symmetric keys made here in the first three columns and an external one in the last. `-` is ok.
const TABLE: [(&str, [&str; 4]); 33] = [
    ("CancelKeyDeletion", ["X4", "X4", "-", "X4"]),
    ("CreateAlias", ["-", "-", "X3", "-"]),
    ("UpdateAlias", ["-", "-", "X3", "-"]),
    ("DeleteAlias", ["-", "-", "-", "-"]),
    ("DescribeKey", ["-", "-", "-", "-"]),
    ("ListAliases", ["-", "-", "-", "-"]),
    ("ListGrants", ["-", "-", "-", "-"]),
    ("RetireGrant", ["-", "-", "-", "-"]),
    ("RevokeGrant", ["-", "-", "-", "-"]),
    ("GetKeyPolicy", ["-", "-", "-", "-"]),
    ("PutKeyPolicy", ["-", "-", "-", "-"]),
    ("ListKeyPolicies", ["-", "-", "-", "-"]),
    ("ListResourceTags", ["-", "-", "-", "-"]),
    ("CreateGrant", ["-", "X1", "X3", "X5"]),
    ("Encrypt", ["-", "X1", "X3", "X5"]),
    ("Decrypt", ["-", "X1", "X3", "X5"]),
    ("ReEncryptFrom", ["-", "X1", "X3", "X5"]),
    ("ReEncryptTo", ["-", "X1", "X3", "X5"]),
    ("GenerateDataKey", ["-", "X1", "X3", "X5"]),
    ("GenerateDataKeyWithoutPlaintext", ["-", "X1", "X3", "X5"]),
    ("EnableKey", ["-", "-", "X3", "X5"]),
    ("DisableKey", ["-", "-", "X3", "X5"]),
    ("EnableKeyRotation", ["-", "X1", "X3", "X6"]),
    ("DisableKeyRotation", ["-", "X1", "X3", "X6"]),
    ("RotateKeyOnDemand", ["-", "X1", "X3", "X5"]),
    ("GetKeyRotationStatus", ["-", "-", "-", "X6"]),
    ("ScheduleKeyDeletion", ["-", "-", "X3", "-"]),
    ("TagResource", ["-", "-", "X3", "-"]),
    ("UntagResource", ["-", "-", "X3", "-"]),
    ("UpdateKeyDescription", ["-", "-", "X3", "-"]),
    ("GetParametersForImport", ["X9", "X9", "X3", "import"]),
    ("ImportKeyMaterial", ["X9", "X9", "X3", "-"]),
    ("DeleteImportedKeyMaterial", ["X9", "X9", "X9", "-"]),
];

/// Of HMAC keys.
const MACS: [(&str, [&str; 4]); 2] =
    [("GenerateMac", ["-", "X1", "X3", "X5"]), ("VerifyMac", ["-", "X1", "X3", "X5"])];

/// A key in a state, with what the operations need.
struct Subject {
    world: World,
    key: KeyMetadata,
    grant: Option<strongroom_kms::CreatedGrant>,
    ciphertext: Vec<u8>,
    mac: Vec<u8>,
}

impl Subject {
    async fn new(state: &str, mut request: CreateKey) -> Self {
        let world = World::new().await;
        let hmac = request.spec != KeySpec::SymmetricDefault;
        if state == "PendingImport" {
            request.origin = KeyOrigin::External;
        }
        let key = world.kms.create_key(&world.cx, request).await.unwrap();
        let named = by_id(&key);
        let (kms, cx) = (&world.kms, &world.cx);
        let stays = ImportKeyMaterial::new([], []);
        if state == "PendingImport" {
            let material = SecretBytes::from_vec(vec![1; 32]);
            kms.import_plain_material(cx, &named, &material, &stays).await.unwrap();
        }
        kms.create_alias(cx, &AliasName::parse("alias/own").unwrap(), &named).await.unwrap();
        kms.tag_resource(cx, &named, vec![KeyTag::new("a", "b")]).await.unwrap();
        let (mut grant, mut ciphertext, mut mac) = (None, Vec::new(), Vec::new());
        if hmac {
            let algorithm = MacAlgorithm::HmacSha256;
            mac = kms.generate_mac(cx, GenerateMac::new(&named, b"m", algorithm)).await.unwrap().mac;
        } else {
            let request = CreateGrant::new("arn:aws:iam::000000000000:user/a", [GrantOperation::Decrypt]);
            grant = Some(kms.create_grant(cx, &named, request).await.unwrap());
            ciphertext = world.encrypt(&key).await;
        }
        match state {
            "Disabled" => kms.disable_key(cx, &named).await.unwrap(),
            "PendingDeletion" => drop(kms.schedule_key_deletion(cx, &named, None).await.unwrap()),
            "PendingImport" => drop(kms.delete_imported_key_material(cx, &named, None).await.unwrap()),
            _ => {}
        }
        assert_eq!(kms.describe_key(cx, DescribeKey::new(&named)).await.unwrap().state.as_str(), state);
        Self { world, key, grant, ciphertext, mac }
    }

    async fn run(&self, operation: &str) -> Result<(), Error> {
        let (kms, cx, key) = (&self.world.kms, &self.world.cx, &by_id(&self.key));
        let (empty, page) = (EncryptionContext::new(), ListPage::first());
        let alias = AliasName::parse("alias/own").unwrap();
        match operation {
            "CancelKeyDeletion" => kms.cancel_key_deletion(cx, key).await.map(drop),
            "CreateAlias" => kms.create_alias(cx, &AliasName::parse("alias/new").unwrap(), key).await,
            "UpdateAlias" => {
                let other = self.world.key().await;
                let name = AliasName::parse("alias/other").unwrap();
                kms.create_alias(cx, &name, &by_id(&other)).await?;
                kms.update_alias(cx, &name, key).await
            }
            "DeleteAlias" => kms.delete_alias(cx, &alias).await,
            "DescribeKey" => kms.describe_key(cx, DescribeKey::new(key)).await.map(drop),
            "ListAliases" => {
                let found = kms.list_aliases(cx, Some(key), &page).await?;
                assert_eq!(found.aliases.len(), 1);
                Ok(())
            }
            "ListGrants" => {
                let found = kms.list_grants(cx, key, &GrantFilter::all(), &page).await?;
                assert_eq!(found.grants.len(), 1);
                assert_eq!(found.grants[0].created, self.world.clock.now());
                Ok(())
            }
            "RetireGrant" => {
                let token = self.grant.as_ref().unwrap().token.clone();
                kms.retire_grant(cx, &GrantRef::Token(token), false).await
            }
            "RevokeGrant" => kms.revoke_grant(cx, key, &self.grant.as_ref().unwrap().id, false).await,
            "GetKeyPolicy" => kms.get_key_policy(cx, key, None).await.map(drop),
            "PutKeyPolicy" => {
                let policy = kms.get_key_policy(cx, key, None).await?;
                kms.put_key_policy(cx, key, PutKeyPolicy::new(policy)).await
            }
            "ListKeyPolicies" => kms.list_key_policies(cx, key, &page).await.map(drop),
            "ListResourceTags" => kms.list_resource_tags(cx, key, &page).await.map(drop),
            "CreateGrant" => {
                let request = CreateGrant::new("arn:aws:iam::000000000000:user/b", [GrantOperation::Encrypt]);
                kms.create_grant(cx, key, request).await.map(drop)
            }
            "Encrypt" => kms.encrypt(cx, Encrypt::new(key, b"x").context(&empty)).await.map(drop),
            "Decrypt" => kms.decrypt(cx, Decrypt::new(&self.ciphertext).context(&empty)).await.map(drop),
            "ReEncryptFrom" => {
                let to = by_id(&self.world.key().await);
                kms.re_encrypt(
                    cx,
                    ReEncrypt::new(&self.ciphertext, &to).source_context(&empty).context(&empty),
                )
                .await
                .map(drop)
            }
            "ReEncryptTo" => {
                let sealed = self.world.encrypt(&self.world.key().await).await;
                kms.re_encrypt(cx, ReEncrypt::new(&sealed, key).source_context(&empty).context(&empty))
                    .await
                    .map(drop)
            }
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
            "VerifyMac" => kms
                .verify_mac(cx, VerifyMac::new(key, b"m", &self.mac, MacAlgorithm::HmacSha256))
                .await
                .map(drop),
            "EnableKey" => kms.enable_key(cx, key).await,
            "DisableKey" => kms.disable_key(cx, key).await,
            "EnableKeyRotation" => kms.enable_key_rotation(cx, key, None).await,
            "DisableKeyRotation" => kms.disable_key_rotation(cx, key).await,
            "RotateKeyOnDemand" => kms.rotate_key_on_demand(cx, key).await.map(drop),
            "GetKeyRotationStatus" => kms.get_key_rotation_status(cx, key).await.map(drop),
            "ScheduleKeyDeletion" => {
                let planned = kms.schedule_key_deletion(cx, key, Some(8)).await?;
                assert_eq!(
                    (planned.state, planned.pending_window_days),
                    (strongroom_kms::KeyState::PendingDeletion, 8)
                );
                Ok(())
            }
            "TagResource" => kms.tag_resource(cx, key, vec![KeyTag::new("c", "d")]).await,
            "UntagResource" => kms.untag_resource(cx, key, vec!["a".into()]).await,
            "UpdateKeyDescription" => kms.update_key_description(cx, key, "d").await,
            "GetParametersForImport" => {
                let (algorithm, spec) = (WrappingAlgorithm::RsaesOaepSha256, WrappingKeySpec::Rsa2048);
                kms.get_parameters_for_import(cx, key, algorithm, spec).await.map(drop)
            }
            "ImportKeyMaterial" => {
                let (material, stays) = (SecretBytes::from_vec(vec![1; 32]), ImportKeyMaterial::new([], []));
                kms.import_plain_material(cx, key, &material, &stays).await.map(drop)
            }
            "DeleteImportedKeyMaterial" => kms.delete_imported_key_material(cx, key, None).await.map(drop),
            other => panic!("{other}"),
        }
    }

    fn expected(&self, verdict: &str) -> Result<(), (ErrorKind, String)> {
        let arn = &self.key.arn;
        let wrong = |origin: &str| format!("{arn} origin is {origin} which is not valid for this operation.");
        Err(match verdict {
            "-" => return Ok(()),
            "X1" => (ErrorKind::Disabled, format!("{arn} is disabled.")),
            "X3" => (ErrorKind::InvalidState, format!("{arn} is pending deletion.")),
            "X4" => (ErrorKind::InvalidState, format!("{arn} is not pending deletion.")),
            "X5" => (ErrorKind::InvalidState, format!("{arn} is pending import.")),
            "X6" => (ErrorKind::Unsupported, wrong("EXTERNAL")),
            "X9" => (ErrorKind::Unsupported, wrong("AWS_KMS")),
            // Fine with RSA, which is a feature.
            "import" if cfg!(feature = "aws-lc-rs") => return Ok(()),
            "import" => (ErrorKind::Unsupported, "wrapped key material needs the feature aws-lc-rs".into()),
            other => panic!("{other}"),
        })
    }
}

#[tokio::test]
async fn every_operation_in_every_state() {
    let symmetric = TABLE.iter().map(|row| (row, CreateKey::new()));
    let macs = MACS.iter().map(|row| (row, CreateKey::hmac(KeySpec::Hmac256)));
    for ((operation, verdicts), request) in symmetric.chain(macs) {
        for (state, verdict) in STATES.iter().zip(verdicts) {
            let subject = Subject::new(state, request.clone()).await;
            let found = subject.run(operation).await;
            let found = found.map_err(|error| (error.kind(), error.message().to_owned()));
            assert_eq!(found, subject.expected(verdict), "{operation} of a key that is {state}");
        }
    }
}

/// HMAC keys do not rotate, whatever their state.
#[tokio::test]
async fn what_hmac_keys_do_not_have() {
    for state in ["Enabled", "Disabled", "PendingDeletion"] {
        let subject = Subject::new(state, CreateKey::hmac(KeySpec::Hmac256)).await;
        for operation in ["EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus"] {
            refused(subject.run(operation).await, ErrorKind::Unsupported, "");
        }
    }
}
