//! `BatchGetSecretValue`.

use serde_json::{Value, json};
use strongroom_store::BatchGetSecretValue;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{FilterInput, filters, with_output};
use crate::across;
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id_list: Vec<String>, filters: Vec<FilterInput>, max_results: i64, next_token: String });

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("BatchGetSecretValue"), |call| Box::pin(run(call)));

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = BatchGetSecretValue::of(input.secret_id_list.unwrap_or_default());
    request.filters = filters(input.filters.unwrap_or_default())?;
    (request.max_results, request.next_token) = (input.max_results, input.next_token);
    let mut page = call.store.batch_get_secret_value(call.cx, request).await?;
    across::complete(call.rooms, call.cx, call.own, &mut page).await?;
    // Written value by value, so that none is copied into memory that is not wiped.
    let mut text = strongroom_envelope::SecretBytes::copy_from(br#"{"SecretValues":["#);
    for (index, version) in page.values.iter().enumerate() {
        if index > 0 {
            text.extend_from_slice(b",");
        }
        with_output(version, |value| serde_json::to_writer(&mut text, value))
            .map_err(|_| ApiError::internal())?;
    }
    let failed = |failure: strongroom_store::BatchFailure| json!({"SecretId": failure.id.as_str(), "ErrorCode": failure.error.code(), "Message": failure.error.message()});
    let errors: Vec<Value> = page.errors.into_iter().map(failed).collect();
    text.extend_from_slice(format!(r#"],"Errors":{}"#, json!(errors)).as_bytes());
    if let Some(token) = page.next_token {
        text.extend_from_slice(format!(r#","NextToken":{}"#, json!(token)).as_bytes());
    }
    text.extend_from_slice(b"}");
    Ok(Answer(text))
}
