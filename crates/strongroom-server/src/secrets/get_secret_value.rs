//! `GetSecretValue`.

use strongroom_store::GetSecretValue;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{id, with_output};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String, version_id: String, version_stage: String });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("GetSecretValue").on("SecretId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = GetSecretValue::new(id(input.secret_id)?);
    request.version_id = input.version_id.map(Into::into);
    request.stage = input.version_stage.map(Into::into);
    let found = call.store.get_secret_value(call.cx, request).await?;
    with_output(&found, |value| Answer::json(value))
}
