//! `RotateSecret`, which this server does not have: what AWS checks before it looks at the secret.

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{id, no_token};
use crate::answer::{Answer, ApiError, not_here};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String, client_request_token: String });

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("RotateSecret").on("SecretId"), |call| Box::pin(run(call)));

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let asked: Input = read(call.body)?;
    id(asked.secret_id)?;
    asked.client_request_token.ok_or_else(|| no_token("InvalidParameterException"))?;
    Err(not_here("RotateSecret"))
}
