//! `CreateAlias`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{alias, done, named};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { alias_name: String, target_key_id: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("CreateAlias").on("AliasName"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (alias, target) = (alias(input.alias_name)?, named(input.target_key_id, "targetKeyId")?);
    done(call.kms.create_alias(call.cx, &alias, &target).await)
}
