//! `DescribeKey`.

use serde_json::json;
use strongroom_kms::DescribeKey;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{key, metadata};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String, grant_tokens: Vec<String> });

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("DescribeKey").on("KeyId").across_accounts().hides(&["GrantTokens"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let key = key(input.key_id)?;
    let request = DescribeKey::new(&key).grant_tokens(input.grant_tokens.unwrap_or_default());
    let found = call.kms.describe_key(call.cx, request).await?;
    Answer::json(&json!({"KeyMetadata": metadata(&found)}))
}
