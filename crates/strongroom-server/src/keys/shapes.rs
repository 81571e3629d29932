//! Input and output shapes that several operations share.

use serde_json::{Value, json};
use strongroom_envelope::EncryptionContext;
use strongroom_kms::{
    AliasName, Error, Grant, GrantConstraint, KeyManager, KeyMetadata, KeyRef, KeyState, KeyTag, KeyUsage,
    ListPage,
};

use crate::answer::{Answer, ApiError, object, seconds, violation};
use crate::input::{Refusal, input, required, within};

/// AWS encrypts the response for the enclave whose attestation document the request contains.
/// Ignoring the member would send in the clear what the client wants encrypted, so the request is
/// refused, even if the member is empty.
pub(super) const RECIPIENT: Refusal = Refusal::always(
    "ValidationException",
    "this server cannot verify an enclave's attestation document, so it cannot encrypt the response for the enclave",
);
pub(super) const CUSTOM_KEY_STORE: Refusal =
    Refusal::new("CustomKeyStoreNotFoundException", "there are no custom key stores");
pub(super) const XKS_KEY: Refusal =
    Refusal::new("UnsupportedOperationException", "there are no external key stores");
pub(super) const DRY_RUN_MODIFIERS: Refusal =
    Refusal::new("ValidationException", "a dry run always checks the ciphertext");
/// The source ARN is what narrows a service's grant, and this server does not check it.
pub(super) const SERVICE_PRINCIPAL: Refusal =
    Refusal::new("ValidationException", "a grantee must be a principal of an account, not a service");
pub(super) const SOURCE_ARN: Refusal =
    Refusal::new("ValidationException", "the encryption context is the only supported grant constraint");

input!(pub(super) TagInput { tag_key: String, tag_value: String });

pub(super) fn tags(given: Vec<TagInput>) -> Result<Vec<KeyTag>, ApiError> {
    let read = |(tag, place): (TagInput, usize)| {
        let key = required(tag.tag_key, &format!("tags.{place}.member.tagKey"))?;
        Ok(KeyTag::new(key, required(tag.tag_value, &format!("tags.{place}.member.tagValue"))?))
    };
    given.into_iter().zip(1..).map(read).collect()
}

pub(super) fn alias(given: Option<String>) -> Result<AliasName, ApiError> {
    Ok(AliasName::parse(&required(given, "aliasName")?)?)
}

pub(super) fn key(given: Option<String>) -> Result<KeyRef, ApiError> {
    named(given, "keyId")
}

pub(super) fn named(given: Option<String>, member: &str) -> Result<KeyRef, ApiError> {
    let given = required(given, member)?;
    if given.is_empty() || given.chars().count() > 2048 {
        let bound =
            if given.is_empty() { "greater than or equal to 1" } else { "less than or equal to 2048" };
        return Err(ApiError::validation(violation("", member, &format!("have length {bound}"))));
    }
    Ok(KeyRef::parse(&given)?)
}

pub(super) fn page(limit: Option<i64>, marker: Option<String>) -> Result<ListPage, ApiError> {
    let mut page = ListPage::first();
    page.limit = limit.map(|limit| within(limit, "limit", 1, 1000)).transpose()?.map(usize::from);
    if let Some(marker) = &marker {
        length(marker, "marker", 1, 1024)?;
    }
    page.marker = marker;
    Ok(page)
}

/// Checks a text's length in characters.
pub(super) fn length(text: &str, member: &str, least: usize, most: usize) -> Result<(), ApiError> {
    let bound = match text.chars().count() {
        length if length < least => format!("greater than or equal to {least}"),
        length if length > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    let given: String = text.chars().take(256).collect();
    Err(ApiError::validation(violation(&format!(" '{given}'"), member, &format!("have length {bound}"))))
}

/// A page of a list, as KMS returns it.
pub(super) fn listed(name: &str, entries: Vec<Value>, next: Option<String>) -> Result<Answer, ApiError> {
    Answer::json(&object(vec![
        (name, Some(json!(entries))),
        ("Truncated", Some(json!(next.is_some()))),
        ("NextMarker", next.map(|next| json!(next))),
    ]))
}

pub(super) fn metadata(key: &KeyMetadata) -> Value {
    let symmetric = key.usage == KeyUsage::EncryptDecrypt;
    let regions = key.multi_region_configuration().map(|several| {
        let place = |arn: &strongroom_types::Arn| json!({"Arn": arn.as_str(), "Region": arn.region()});
        json!({
            "MultiRegionKeyType": several.kind.as_str(),
            "PrimaryKey": place(&several.primary),
            "ReplicaKeys": several.replicas.iter().map(place).collect::<Vec<_>>(),
        })
    });
    object(vec![
        ("AWSAccountId", Some(json!(key.account.as_str()))),
        ("KeyId", Some(json!(key.id.as_str()))),
        ("Arn", Some(json!(key.arn.as_str()))),
        ("CreationDate", Some(seconds(key.created))),
        ("Enabled", Some(json!(key.state == KeyState::Enabled))),
        ("Description", Some(json!(key.description))),
        ("KeyUsage", Some(json!(key.usage.as_str()))),
        ("KeyState", Some(json!(key.state.as_str()))),
        ("DeletionDate", key.deletion_date.map(seconds)),
        ("ValidTo", key.valid_to.map(seconds)),
        ("Origin", Some(json!(key.origin.as_str()))),
        ("ExpirationModel", key.expiration.map(|model| json!(model.as_str()))),
        ("KeyManager", Some(json!(if key.manager == KeyManager::Aws { "AWS" } else { "CUSTOMER" }))),
        ("CustomerMasterKeySpec", Some(json!(key.spec.as_str()))),
        ("KeySpec", Some(json!(key.spec.as_str()))),
        ("EncryptionAlgorithms", symmetric.then(|| json!(["SYMMETRIC_DEFAULT"]))),
        ("MacAlgorithms", key.spec.mac_algorithm().map(|algorithm| json!([algorithm.as_str()]))),
        ("MultiRegion", Some(json!(key.multi_region))),
        ("MultiRegionConfiguration", regions),
        ("CurrentKeyMaterialId", key.current_key_material_id.as_ref().map(|id| json!(id))),
    ])
}

pub(super) fn arn_of(arn: &strongroom_types::Arn) -> Result<Answer, ApiError> {
    Answer::json(&json!({"KeyId": arn.as_str()}))
}

pub(super) fn done(result: Result<(), Error>) -> Result<Answer, ApiError> {
    result.map(|()| Answer::empty()).map_err(ApiError::from)
}

pub(super) fn granted(grant: &Grant) -> Value {
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
