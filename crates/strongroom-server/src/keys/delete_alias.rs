//! `DeleteAlias`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{alias, done};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { alias_name: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("DeleteAlias").on("AliasName"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    done(call.kms.delete_alias(call.cx, &alias(read::<Input>(call.body)?.alias_name)?).await)
}
