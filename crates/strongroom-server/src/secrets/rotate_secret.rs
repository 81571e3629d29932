//! `RotateSecret`, which this server does not implement. Makes the checks that AWS makes before it
//! looks up the secret.

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{id, no_token};
use crate::answer::{Answer, ApiError, not_here};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String, client_request_token: String });

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("RotateSecret").on("SecretId"), |call| Box::pin(run(call)));

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    id(input.secret_id)?;
    input.client_request_token.ok_or_else(|| no_token("InvalidParameterException"))?;
    Err(not_here("RotateSecret"))
}
