//! `RetireGrant`.

use strongroom_kms::GrantRef;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{done, key};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { grant_token: String, key_id: String, grant_id: String, dry_run: bool });

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("RetireGrant").on("KeyId").across_accounts().hides(&["GrantToken"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let grant = match (input.grant_token, input.key_id, input.grant_id) {
        (Some(token), None, None) => GrantRef::Token(token),
        (None, Some(given), Some(id)) => GrantRef::Id { key: key(Some(given))?, id },
        _ => {
            return Err(ApiError::validation(
                "Either a grant token, or a key ID and a grant ID, must be given.",
            ));
        }
    };
    done(call.kms.retire_grant(call.cx, &grant, input.dry_run.unwrap_or(false)).await)
}
