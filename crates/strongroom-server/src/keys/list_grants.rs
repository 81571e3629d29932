//! `ListGrants`.

use strongroom_kms::GrantFilter;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{SERVICE_PRINCIPAL, granted, key, listed, page};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input {
    key_id: String,
    limit: i64,
    marker: String,
    grant_id: String,
    grantee_principal: String
} refused { GranteeServicePrincipal: SERVICE_PRINCIPAL });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("ListGrants").on("KeyId").across_accounts(), |call| {
        Box::pin(run(call))
    });

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut filter = GrantFilter::all();
    (filter.id, filter.grantee) = (input.grant_id, input.grantee_principal);
    let found = call
        .kms
        .list_grants(call.cx, &key(input.key_id)?, &filter, &page(input.limit, input.marker)?)
        .await?;
    listed("Grants", found.grants.iter().map(granted).collect(), found.next_marker)
}
