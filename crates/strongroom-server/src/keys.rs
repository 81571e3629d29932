//! The operations of KMS.

mod admin;
mod crypto;
mod words;

pub(crate) use crypto::re_encrypt_across;

use serde_json::{Value, json};
use strongroom_kms::{Error, KeyManager, KeyMetadata, KeyRef, KeyState, KeyUsage, KmsAdmin, ListPage};
use strongroom_types::CallContext;

use crate::answer::{Answer, ApiError, object, seconds, violation};
use crate::input::{Refusal, required, within};

/// Operations that AWS has and this server has not: asymmetric keys, key pairs, other places for keys, replicas.
const NOT_HERE: [&str; 17] = [
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "Decapsulate",
    "DeleteCustomKeyStore",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DisconnectCustomKeyStore",
    "Encapsulate",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GetPublicKey",
    "ReplicateKey",
    "Sign",
    "UpdateCustomKeyStore",
    "UpdatePrimaryRegion",
    "Verify",
    "GetKeyLastUsage",
];

/// AWS encrypts what it answers for the enclave whose attestation a request brings. Ignoring it
/// would send in clear what the client wants encrypted, so the server sends nothing, however empty
/// the member is.
const RECIPIENT: Refusal = Refusal::always(
    "ValidationException",
    "it cannot verify an enclave's attestation document, and does not answer in clear what was to be encrypted for an enclave",
);
const CUSTOM_KEY_STORE: Refusal =
    Refusal::new("CustomKeyStoreNotFoundException", "there are no custom key stores");
const XKS_KEY: Refusal =
    Refusal::new("UnsupportedOperationException", "there are no keys outside of the key service");
const DRY_RUN_MODIFIERS: Refusal =
    Refusal::new("ValidationException", "a dry run checks the ciphertext, as without modifiers");
/// A grant for a service is only as narrow as its source ARN makes it, and this server does not
/// check that.
const SERVICE_PRINCIPAL: Refusal =
    Refusal::new("ValidationException", "grants are for the principals of accounts");
const SOURCE_ARN: Refusal =
    Refusal::new("ValidationException", "a grant is constrained by the encryption context only");

/// Runs an operation. What it is called has been taken from the request's target.
pub(crate) async fn run(
    kms: &dyn KmsAdmin,
    cx: &CallContext,
    operation: &str,
    body: &[u8],
) -> Result<Answer, ApiError> {
    if let Some(answer) = crypto::run(kms, cx, operation, body).await? {
        return Ok(answer);
    }
    if let Some(answer) = admin::run(kms, cx, operation, body).await? {
        return Ok(answer);
    }
    if NOT_HERE.contains(&operation) {
        let text = format!("The operation {operation} is not available at this endpoint.");
        return Err(ApiError { status: 501, ..ApiError::new("UnknownOperationException", text) });
    }
    Err(ApiError::new("UnknownOperationException", ""))
}

fn key(given: Option<String>) -> Result<KeyRef, ApiError> {
    named(given, "keyId")
}

fn named(given: Option<String>, member: &str) -> Result<KeyRef, ApiError> {
    let given = required(given, member)?;
    if given.is_empty() || given.chars().count() > 2048 {
        let bound =
            if given.is_empty() { "greater than or equal to 1" } else { "less than or equal to 2048" };
        return Err(ApiError::validation(violation("", member, &format!("have length {bound}"))));
    }
    Ok(KeyRef::parse(&given)?)
}

fn page(limit: Option<i64>, marker: Option<String>) -> Result<ListPage, ApiError> {
    let mut page = ListPage::first();
    page.limit = limit.map(|limit| within(limit, "limit", 1, 1000)).transpose()?.map(usize::from);
    if let Some(marker) = &marker {
        length(marker, "marker", 1, 1024)?;
    }
    page.marker = marker;
    Ok(page)
}

/// The length of a text in characters.
fn length(text: &str, member: &str, least: usize, most: usize) -> Result<(), ApiError> {
    let bound = match text.chars().count() {
        length if length < least => format!("greater than or equal to {least}"),
        length if length > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    let given: String = text.chars().take(256).collect();
    Err(ApiError::validation(violation(&format!(" '{given}'"), member, &format!("have length {bound}"))))
}

/// A page of a list, as KMS answers it.
fn listed(name: &str, entries: Vec<Value>, next: Option<String>) -> Result<Answer, ApiError> {
    Answer::json(&object(vec![
        (name, Some(json!(entries))),
        ("Truncated", Some(json!(next.is_some()))),
        ("NextMarker", next.map(|next| json!(next))),
    ]))
}

fn metadata(key: &KeyMetadata) -> Value {
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

fn arn_of(arn: &strongroom_types::Arn) -> Result<Answer, ApiError> {
    Answer::json(&json!({"KeyId": arn.as_str()}))
}

fn done(result: Result<(), Error>) -> Result<Answer, ApiError> {
    result.map(|()| Answer::empty()).map_err(ApiError::from)
}
