//! Managing keys, aliases, policies, grants, tags, rotation and imported material.

use serde_json::{Value, json};
use strongroom_envelope::EncryptionContext;
use strongroom_kms::{
    AliasName, CreateGrant, CreateKey, ExpirationModel, Grant, GrantConstraint, GrantFilter, GrantOperation,
    GrantRef, ImportKeyMaterial, ImportType, KeyOrigin, KeyRef, KeySpec, KeyTag, KeyUsage, KmsAdmin,
    PutKeyPolicy, Rotation, WrappingAlgorithm, WrappingKeySpec,
};
use strongroom_types::{CallContext, Timestamp};

use super::words::{
    EXPIRATION_MODEL, GRANT_OPERATIONS, IMPORT_TYPE, INCLUDE_KEY_MATERIAL, KEY_SPEC, KEY_USAGE, OLD_KEY_SPEC,
    ORIGIN, RESOURCE_OWNERS, WRAPPING_ALGORITHM, WRAPPING_KEY_SPEC,
};
use super::{
    CUSTOM_KEY_STORE, SERVICE_PRINCIPAL, SOURCE_ARN, XKS_KEY, arn_of, done, key, length, listed, metadata,
    named, page,
};
use crate::answer::{Answer, ApiError, object, seconds};
use crate::input::{Blob, Context, base64, input, read, required, within};

input!(TagInput { tag_key: String, tag_value: String });

fn tags(given: Vec<TagInput>) -> Result<Vec<KeyTag>, ApiError> {
    let read = |(tag, place): (TagInput, usize)| {
        let key = required(tag.tag_key, &format!("tags.{place}.member.tagKey"))?;
        Ok(KeyTag::new(key, required(tag.tag_value, &format!("tags.{place}.member.tagValue"))?))
    };
    given.into_iter().zip(1..).map(read).collect()
}

input!(ConstraintInput {
    encryption_context_equals: Context,
    encryption_context_subset: Context,
} refused { SourceArn: SOURCE_ARN });

fn alias(given: Option<String>) -> Result<AliasName, ApiError> {
    Ok(AliasName::parse(&required(given, "aliasName")?)?)
}

fn granted(grant: &Grant) -> Value {
    let pairs = |context: &EncryptionContext| -> Value {
        context
            .iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let constraint = grant.constraint.as_ref().map(|constraint| match constraint {
        GrantConstraint::EncryptionContextEquals(context) => {
            json!({"EncryptionContextEquals": pairs(context)})
        }
        other => json!({"EncryptionContextSubset": pairs(other.context())}),
    });
    let operations: Vec<&str> = grant.operations.iter().map(|one| one.as_str()).collect();
    object(vec![
        ("KeyId", Some(json!(grant.key_arn.as_str()))),
        ("GrantId", Some(json!(grant.id))),
        ("Name", Some(json!(grant.name))),
        ("CreationDate", Some(seconds(grant.created))),
        ("GranteePrincipal", Some(json!(grant.grantee))),
        ("RetiringPrincipal", grant.retiring.as_ref().map(|retiring| json!(retiring))),
        ("IssuingAccount", Some(json!(grant.issuing_account))),
        ("Operations", Some(json!(operations))),
        ("Constraints", constraint),
    ])
}

fn rotated(rotation: &Rotation) -> Value {
    let imported = rotation.imported.as_ref();
    let state = match (rotation.current, rotation.pending) {
        (true, _) => "CURRENT",
        (false, true) => "PENDING_ROTATION",
        _ => "NON_CURRENT",
    };
    object(vec![
        ("KeyId", Some(json!(rotation.key_arn.as_str()))),
        ("KeyMaterialId", Some(json!(rotation.key_material_id))),
        ("KeyMaterialState", Some(json!(state))),
        (
            "KeyMaterialDescription",
            imported.and_then(|imported| imported.description.as_ref()).map(|text| json!(text)),
        ),
        (
            "ImportState",
            imported.map(|imported| json!(if imported.present { "IMPORTED" } else { "PENDING_IMPORT" })),
        ),
        (
            "ExpirationModel",
            imported.map(|imported| {
                json!(if imported.valid_to.is_some() {
                    "KEY_MATERIAL_EXPIRES"
                } else {
                    "KEY_MATERIAL_DOES_NOT_EXPIRE"
                })
            }),
        ),
        ("ValidTo", imported.and_then(|imported| imported.valid_to).map(seconds)),
        ("RotationDate", rotation.date.map(seconds)),
        ("RotationType", rotation.kind.map(|kind| json!(kind.as_str()))),
    ])
}

/// Runs one of these operations; `None` for another.
pub(super) async fn run(
    kms: &dyn KmsAdmin,
    cx: &CallContext,
    operation: &str,
    body: &[u8],
) -> Result<Option<Answer>, ApiError> {
    input!(KeyInput { key_id: String, limit: i64, marker: String });
    let of_key = || read::<KeyInput>(body);
    Ok(Some(match operation {
        "CreateKey" => create(kms, cx, body).await?,
        "ListKeys" => {
            input!(Input { limit: i64, marker: String, resource_owners: Vec<String> });
            let asked: Input = read(body)?;
            let owners = RESOURCE_OWNERS
                .read_all(&asked.resource_owners.unwrap_or_default(), |word| Some(word == "SELF"))?;
            let mut found = kms.list_keys(cx, &page(asked.limit, asked.marker)?).await?;
            if !owners.is_empty() && !owners.contains(&true) {
                // Keys that other accounts share, of which there are none.
                found = strongroom_kms::KeyPage::default();
            }
            let entry = |one: &strongroom_kms::KeyEntry| json!({"KeyId": one.id.as_str(), "KeyArn": one.arn.as_str()});
            listed("Keys", found.keys.iter().map(entry).collect(), found.next_marker)?
        }
        "UpdateKeyDescription" => {
            input!(Input { key_id: String, description: String });
            let asked: Input = read(body)?;
            let (key, description) = (key(asked.key_id)?, required(asked.description, "description")?);
            done(kms.update_key_description(cx, &key, &description).await)?
        }
        "EnableKey" => done(kms.enable_key(cx, &key(of_key()?.key_id)?).await)?,
        "DisableKey" => done(kms.disable_key(cx, &key(of_key()?.key_id)?).await)?,
        "ScheduleKeyDeletion" => {
            input!(Input { key_id: String, pending_window_in_days: i64 });
            let asked: Input = read(body)?;
            let days = asked.pending_window_in_days.map(|days| within(days, "pendingWindowInDays", 1, 365));
            let days = days.transpose()?;
            let planned = kms.schedule_key_deletion(cx, &key(asked.key_id)?, days).await?;
            Answer::json(&json!({
                "KeyId": planned.key_arn.as_str(), "DeletionDate": seconds(planned.deletion_date),
                "KeyState": planned.state.as_str(), "PendingWindowInDays": planned.pending_window_days,
            }))?
        }
        "CancelKeyDeletion" => arn_of(&kms.cancel_key_deletion(cx, &key(of_key()?.key_id)?).await?)?,
        "RotateKeyOnDemand" => arn_of(&kms.rotate_key_on_demand(cx, &key(of_key()?.key_id)?).await?)?,
        "EnableKeyRotation" => {
            input!(Input { key_id: String, rotation_period_in_days: i64 });
            let asked: Input = read(body)?;
            let days =
                asked.rotation_period_in_days.map(|days| within(days, "rotationPeriodInDays", 90, 2560));
            let days = days.transpose()?;
            done(kms.enable_key_rotation(cx, &key(asked.key_id)?, days).await)?
        }
        "DisableKeyRotation" => done(kms.disable_key_rotation(cx, &key(of_key()?.key_id)?).await)?,
        "GetKeyRotationStatus" => {
            let status = kms.get_key_rotation_status(cx, &key(of_key()?.key_id)?).await?;
            Answer::json(&object(vec![
                ("KeyRotationEnabled", Some(json!(status.enabled))),
                ("KeyId", Some(json!(status.key_arn.as_str()))),
                ("RotationPeriodInDays", status.period_days.map(|days| json!(days))),
                ("NextRotationDate", status.next_rotation.map(seconds)),
            ]))?
        }
        "ListKeyRotations" => {
            input!(Input { key_id: String, include_key_material: String, limit: i64, marker: String });
            let asked: Input = read(body)?;
            let all = match asked.include_key_material {
                Some(word) => INCLUDE_KEY_MATERIAL.read(&word, |word| Some(word == "ALL_KEY_MATERIAL"))?,
                None => false,
            };
            let found = kms
                .list_key_rotations(cx, &key(asked.key_id)?, all, &page(asked.limit, asked.marker)?)
                .await?;
            listed("Rotations", found.rotations.iter().map(rotated).collect(), found.next_marker)?
        }
        "TagResource" => {
            input!(Input { key_id: String, tags: Vec<TagInput> });
            let asked: Input = read(body)?;
            let (key, given) = (key(asked.key_id)?, tags(required(asked.tags, "tags")?)?);
            done(kms.tag_resource(cx, &key, given).await)?
        }
        "UntagResource" => {
            input!(Input { key_id: String, tag_keys: Vec<String> });
            let asked: Input = read(body)?;
            let (key, keys) = (key(asked.key_id)?, required(asked.tag_keys, "tagKeys")?);
            for (tag, place) in keys.iter().zip(1..) {
                length(tag, &format!("tagKeys.{place}.member"), 1, 128)?;
            }
            done(kms.untag_resource(cx, &key, keys).await)?
        }
        "ListResourceTags" => {
            let asked = of_key()?;
            let found =
                kms.list_resource_tags(cx, &key(asked.key_id)?, &page(asked.limit, asked.marker)?).await?;
            let entry = |tag: &KeyTag| json!({"TagKey": tag.key, "TagValue": tag.value});
            listed("Tags", found.tags.iter().map(entry).collect(), found.next_marker)?
        }
        "CreateAlias" | "UpdateAlias" => {
            input!(Input { alias_name: String, target_key_id: String });
            let asked: Input = read(body)?;
            let (alias, target) = (alias(asked.alias_name)?, named(asked.target_key_id, "targetKeyId")?);
            match operation {
                "CreateAlias" => done(kms.create_alias(cx, &alias, &target).await)?,
                _ => done(kms.update_alias(cx, &alias, &target).await)?,
            }
        }
        "DeleteAlias" => {
            input!(Input { alias_name: String });
            done(kms.delete_alias(cx, &alias(read::<Input>(body)?.alias_name)?).await)?
        }
        "ListAliases" => {
            let asked = of_key()?;
            let of: Option<KeyRef> = asked.key_id.map(|id| key(Some(id))).transpose()?;
            let found = kms.list_aliases(cx, of.as_ref(), &page(asked.limit, asked.marker)?).await?;
            let entry = |one: &strongroom_kms::AliasEntry| {
                object(vec![
                    ("AliasName", Some(json!(one.name.as_str()))),
                    ("AliasArn", Some(json!(one.arn.as_str()))),
                    ("TargetKeyId", one.target.as_ref().map(|key| json!(key.as_str()))),
                    ("CreationDate", one.created.map(seconds)),
                    ("LastUpdatedDate", one.updated.map(seconds)),
                ])
            };
            listed("Aliases", found.aliases.iter().map(entry).collect(), found.next_marker)?
        }
        "GetKeyPolicy" => {
            input!(Input { key_id: String, policy_name: String });
            let asked: Input = read(body)?;
            let policy = kms.get_key_policy(cx, &key(asked.key_id)?, asked.policy_name.as_deref()).await?;
            Answer::json(&json!({"Policy": policy, "PolicyName": "default"}))?
        }
        "PutKeyPolicy" => {
            input!(Input {
                key_id: String,
                policy_name: String,
                policy: String,
                bypass_policy_lockout_safety_check: bool
            });
            let asked: Input = read(body)?;
            let mut put = PutKeyPolicy::new(required(asked.policy, "policy")?);
            put.name = asked.policy_name;
            put.bypass_lockout_check = asked.bypass_policy_lockout_safety_check.unwrap_or(false);
            done(kms.put_key_policy(cx, &key(asked.key_id)?, put).await)?
        }
        "ListKeyPolicies" => {
            let asked = of_key()?;
            let found =
                kms.list_key_policies(cx, &key(asked.key_id)?, &page(asked.limit, asked.marker)?).await?;
            listed("PolicyNames", found.names.into_iter().map(Value::from).collect(), found.next_marker)?
        }
        "CreateGrant" => create_grant(kms, cx, body).await?,
        "ListGrants" => {
            input!(Input {
                key_id: String,
                limit: i64,
                marker: String,
                grant_id: String,
                grantee_principal: String
            } refused { GranteeServicePrincipal: SERVICE_PRINCIPAL });
            let asked: Input = read(body)?;
            let mut filter = GrantFilter::all();
            (filter.id, filter.grantee) = (asked.grant_id, asked.grantee_principal);
            let found =
                kms.list_grants(cx, &key(asked.key_id)?, &filter, &page(asked.limit, asked.marker)?).await?;
            listed("Grants", found.grants.iter().map(granted).collect(), found.next_marker)?
        }
        "ListRetirableGrants" => {
            input!(Input { retiring_principal: String, limit: i64, marker: String } refused {
                RetiringServicePrincipal: SERVICE_PRINCIPAL
            });
            let asked: Input = read(body)?;
            let retiring = required(asked.retiring_principal, "retiringPrincipal")?;
            let found = kms.list_retirable_grants(cx, &retiring, &page(asked.limit, asked.marker)?).await?;
            listed("Grants", found.grants.iter().map(granted).collect(), found.next_marker)?
        }
        "RetireGrant" => {
            input!(Input { grant_token: String, key_id: String, grant_id: String, dry_run: bool });
            let asked: Input = read(body)?;
            let grant = match (asked.grant_token, asked.key_id, asked.grant_id) {
                (Some(token), None, None) => GrantRef::Token(token),
                (None, Some(given), Some(id)) => GrantRef::Id { key: key(Some(given))?, id },
                _ => {
                    return Err(ApiError::validation(
                        "Either a grant token, or a key ID and a grant ID, must be given.",
                    ));
                }
            };
            done(kms.retire_grant(cx, &grant, asked.dry_run.unwrap_or(false)).await)?
        }
        "RevokeGrant" => {
            input!(Input { key_id: String, grant_id: String, dry_run: bool });
            let asked: Input = read(body)?;
            let (key, id) = (key(asked.key_id)?, required(asked.grant_id, "grantId")?);
            done(kms.revoke_grant(cx, &key, &id, asked.dry_run.unwrap_or(false)).await)?
        }
        "GetParametersForImport" => {
            input!(Input { key_id: String, wrapping_algorithm: String, wrapping_key_spec: String });
            let asked: Input = read(body)?;
            let algorithm = required(asked.wrapping_algorithm, "wrappingAlgorithm")?;
            let algorithm = WRAPPING_ALGORITHM.read(&algorithm, WrappingAlgorithm::from_word)?;
            let spec = required(asked.wrapping_key_spec, "wrappingKeySpec")?;
            let spec = WRAPPING_KEY_SPEC.read(&spec, WrappingKeySpec::from_word)?;
            let made = kms.get_parameters_for_import(cx, &key(asked.key_id)?, algorithm, spec).await?;
            Answer::json(&json!({
                "KeyId": made.key_arn.as_str(), "ImportToken": base64(&made.import_token).expose(),
                "PublicKey": base64(&made.public_key).expose(), "ParametersValidTo": seconds(made.valid_to),
            }))?
        }
        "ImportKeyMaterial" => import(kms, cx, body).await?,
        "DeleteImportedKeyMaterial" => {
            input!(Input { key_id: String, key_material_id: String });
            let asked: Input = read(body)?;
            let gone = kms
                .delete_imported_key_material(cx, &key(asked.key_id)?, asked.key_material_id.as_deref())
                .await?;
            Answer::json(&object(vec![
                ("KeyId", Some(json!(gone.key_arn.as_str()))),
                ("KeyMaterialId", gone.key_material_id.map(|id| json!(id))),
            ]))?
        }
        _ => return Ok(None),
    }))
}

async fn create(kms: &dyn KmsAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input {
        policy: String, description: String, key_usage: String, customer_master_key_spec: String, key_spec: String,
        origin: String, bypass_policy_lockout_safety_check: bool, tags: Vec<TagInput>, multi_region: bool,
    } refused { CustomKeyStoreId: CUSTOM_KEY_STORE, XksKeyId: XKS_KEY });
    let asked: Input = read(body)?;
    let mut request = CreateKey::new();
    let spec = match (asked.key_spec, asked.customer_master_key_spec) {
        (Some(_), Some(_)) => {
            let text = "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.";
            return Err(ApiError::validation(text));
        }
        (Some(spec), None) => Some((spec, KEY_SPEC)),
        (None, old) => old.map(|old| (old, OLD_KEY_SPEC)),
    };
    if let Some((spec, words)) = spec {
        words.check(&spec)?;
        request.spec = KeySpec::parse(&spec)?;
    }
    if let Some(usage) = asked.key_usage {
        request.usage = Some(KEY_USAGE.read(&usage, KeyUsage::from_word)?);
    }
    if let Some(origin) = asked.origin {
        if matches!(origin.as_str(), "AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE") {
            // With one it would have been refused already.
            let text = format!("Origin {origin} needs a CustomKeyStoreId: there are no custom key stores.");
            return Err(ApiError::validation(text));
        }
        request.origin = ORIGIN.read(&origin, KeyOrigin::from_word)?;
    }
    request.description = asked.description.unwrap_or_default();
    request.multi_region = asked.multi_region.unwrap_or(false);
    request.tags = tags(asked.tags.unwrap_or_default())?;
    if let Some(policy) = asked.policy {
        let mut put = PutKeyPolicy::new(policy);
        put.bypass_lockout_check = asked.bypass_policy_lockout_safety_check.unwrap_or(false);
        request.policy = Some(put);
    }
    let made = kms.create_key(cx, request).await?;
    Answer::json(&json!({"KeyMetadata": metadata(&made)}))
}

async fn create_grant(kms: &dyn KmsAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input {
        key_id: String, grantee_principal: String, retiring_principal: String, operations: Vec<String>,
        constraints: ConstraintInput, grant_tokens: Vec<String>, name: String, dry_run: bool,
    } refused {
        GranteeServicePrincipal: SERVICE_PRINCIPAL, RetiringServicePrincipal: SERVICE_PRINCIPAL,
    });
    let asked: Input = read(body)?;
    let key = key(asked.key_id)?;
    let grantee = required(asked.grantee_principal, "granteePrincipal")?;
    let operations = required(asked.operations, "operations")?;
    let operations = GRANT_OPERATIONS.read_all(&operations, GrantOperation::from_word)?;
    let mut request = CreateGrant::new(grantee, operations);
    request.retiring = asked.retiring_principal;
    request.name = asked.name;
    request.grant_tokens = asked.grant_tokens.unwrap_or_default();
    request.dry_run = asked.dry_run.unwrap_or(false);
    if let Some(constraint) = asked.constraints {
        request.constraint =
            match (constraint.encryption_context_equals, constraint.encryption_context_subset) {
                (Some(equals), None) => Some(GrantConstraint::EncryptionContextEquals(equals.read()?)),
                (None, Some(subset)) => Some(GrantConstraint::EncryptionContextSubset(subset.read()?)),
                (None, None) => None,
                (Some(_), Some(_)) => {
                    return Err(ApiError::validation(
                        "Only one of EncryptionContextEquals and EncryptionContextSubset can be given.",
                    ));
                }
            };
    }
    let made = kms.create_grant(cx, &key, request).await?;
    Answer::json(&json!({"GrantToken": made.token, "GrantId": made.id}))
}

async fn import(kms: &dyn KmsAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input {
        key_id: String,
        import_token: Blob,
        encrypted_key_material: Blob,
        valid_to: f64,
        expiration_model: String,
        import_type: String,
        key_material_description: String,
        key_material_id: String,
    });
    let asked: Input = read(body)?;
    let key = key(asked.key_id)?;
    let token = required(asked.import_token, "importToken")?.0;
    let material = required(asked.encrypted_key_material, "encryptedKeyMaterial")?.0;
    let mut request = ImportKeyMaterial::new(token.expose(), material.expose());
    if let Some(model) = asked.expiration_model {
        request.expiration = EXPIRATION_MODEL.read(&model, ExpirationModel::from_word)?;
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "seconds since 1970; what is beyond is far away either way"
    )]
    let moment = |seconds: f64| Timestamp::from_millis((seconds * 1000.0) as i64);
    request.valid_to = asked.valid_to.map(moment);
    if let Some(kind) = asked.import_type {
        request.kind = Some(IMPORT_TYPE.read(&kind, ImportType::from_word)?);
    }
    request.description = asked.key_material_description;
    request.key_material_id = asked.key_material_id;
    let done = kms.import_key_material(cx, &key, request).await?;
    Answer::json(&object(vec![
        ("KeyId", Some(json!(done.key_arn.as_str()))),
        ("KeyMaterialId", done.key_material_id.map(|id| json!(id))),
    ]))
}
