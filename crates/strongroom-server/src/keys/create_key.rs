//! `CreateKey`.

use serde_json::json;
use strongroom_kms::{CreateKey, KeyOrigin, KeySpec, KeyUsage, PutKeyPolicy};

use super::call::{KeysCall, KeysOperation};
use super::shapes::{CUSTOM_KEY_STORE, TagInput, XKS_KEY, metadata, tags};
use super::words::{KEY_SPEC, KEY_USAGE, OLD_KEY_SPEC, ORIGIN};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input {
    policy: String, description: String, key_usage: String, customer_master_key_spec: String, key_spec: String,
    origin: String, bypass_policy_lockout_safety_check: bool, tags: Vec<TagInput>, multi_region: bool,
} refused { CustomKeyStoreId: CUSTOM_KEY_STORE, XksKeyId: XKS_KEY });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("CreateKey"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = CreateKey::new();
    let spec = match (input.key_spec, input.customer_master_key_spec) {
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
    if let Some(usage) = input.key_usage {
        request.usage = Some(KEY_USAGE.read(&usage, KeyUsage::from_word)?);
    }
    if let Some(origin) = input.origin {
        if matches!(origin.as_str(), "AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE") {
            // A request with a CustomKeyStoreId has already been refused.
            let text = format!("Origin {origin} needs a CustomKeyStoreId: there are no custom key stores.");
            return Err(ApiError::validation(text));
        }
        request.origin = ORIGIN.read(&origin, KeyOrigin::from_word)?;
    }
    request.description = input.description.unwrap_or_default();
    request.multi_region = input.multi_region.unwrap_or(false);
    request.tags = tags(input.tags.unwrap_or_default())?;
    if let Some(policy) = input.policy {
        let mut put = PutKeyPolicy::new(policy);
        put.bypass_lockout_check = input.bypass_policy_lockout_safety_check.unwrap_or(false);
        request.policy = Some(put);
    }
    let output = call.kms.create_key(call.cx, request).await?;
    Answer::json(&json!({"KeyMetadata": metadata(&output)}))
}
