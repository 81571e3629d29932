//! `TagResource`.

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{TagInput, id, tags};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { secret_id: String, tags: Vec<TagInput> });

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("TagResource").on("SecretId").across_accounts(), |call| {
        Box::pin(run(call))
    });

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (secret, given) = (id(input.secret_id)?, tags(required(input.tags, "tags")?));
    call.store.tag_resource(call.cx, &secret, given).await?;
    Ok(Answer::empty())
}
