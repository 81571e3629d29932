//! `UntagResource`.

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::id;
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { secret_id: String, tag_keys: Vec<String> });

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("UntagResource").on("SecretId").across_accounts(), |call| {
        Box::pin(run(call))
    });

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (secret, keys) = (id(input.secret_id)?, required(input.tag_keys, "tagKeys")?);
    call.store.untag_resource(call.cx, &secret, keys).await?;
    Ok(Answer::empty())
}
