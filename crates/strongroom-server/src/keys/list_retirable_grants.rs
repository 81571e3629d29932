//! `ListRetirableGrants`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{SERVICE_PRINCIPAL, granted, listed, page};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { retiring_principal: String, limit: i64, marker: String } refused {
    RetiringServicePrincipal: SERVICE_PRINCIPAL
});

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("ListRetirableGrants"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let retiring = required(input.retiring_principal, "retiringPrincipal")?;
    let found = call.kms.list_retirable_grants(call.cx, &retiring, &page(input.limit, input.marker)?).await?;
    listed("Grants", found.grants.iter().map(granted).collect(), found.next_marker)
}
