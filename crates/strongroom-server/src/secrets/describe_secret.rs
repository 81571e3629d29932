//! `DescribeSecret`.

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{described, id};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("DescribeSecret").on("SecretId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let found = call.store.describe_secret(call.cx, &id(read::<Input>(call.body)?.secret_id)?).await?;
    Answer::json(&described(&found, "VersionIdsToStages"))
}
