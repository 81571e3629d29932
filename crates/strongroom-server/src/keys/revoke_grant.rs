//! `RevokeGrant`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{done, key};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { key_id: String, grant_id: String, dry_run: bool });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("RevokeGrant").on("KeyId").across_accounts(), |call| {
        Box::pin(run(call))
    });

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (key, id) = (key(input.key_id)?, required(input.grant_id, "grantId")?);
    done(call.kms.revoke_grant(call.cx, &key, &id, input.dry_run.unwrap_or(false)).await)
}
