//! `CreateGrant`.

use serde_json::json;
use strongroom_kms::{CreateGrant, GrantConstraint, GrantOperation};

use super::call::{KeysCall, KeysOperation};
use super::shapes::{SERVICE_PRINCIPAL, SOURCE_ARN, key};
use super::words::GRANT_OPERATIONS;
use crate::answer::{Answer, ApiError};
use crate::input::{Context, input, read, required};
use crate::operation::Operation;

input!(ConstraintInput {
    encryption_context_equals: Context,
    encryption_context_subset: Context,
} refused { SourceArn: SOURCE_ARN });

input!(Input {
    key_id: String, grantee_principal: String, retiring_principal: String, operations: Vec<String>,
    constraints: ConstraintInput, grant_tokens: Vec<String>, name: String, dry_run: bool,
} refused {
    GranteeServicePrincipal: SERVICE_PRINCIPAL, RetiringServicePrincipal: SERVICE_PRINCIPAL,
});

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("CreateGrant").on("KeyId").across_accounts().hides(&["GrantTokens"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let asked: Input = read(call.body)?;
    let key = key(asked.key_id)?;
    let grantee = required(asked.grantee_principal, "granteePrincipal")?;
    let operations = required(asked.operations, "operations")?;
    let operations = GRANT_OPERATIONS.read_all(&operations, GrantOperation::from_word)?;
    let mut request = CreateGrant::new(grantee, operations);
    request.retiring = asked.retiring_principal;
    request.name = asked.name;
    request.grant_tokens = asked.grant_tokens.unwrap_or_default();
    request.dry_run = asked.dry_run.unwrap_or(false);
    request.constraint = asked.constraints.map(constraint).transpose()?.flatten();
    let made = call.kms.create_grant(call.cx, &key, request).await?;
    Answer::json(&json!({"GrantToken": made.token, "GrantId": made.id}))
}

/// The one constraint that a grant may have.
fn constraint(given: ConstraintInput) -> Result<Option<GrantConstraint>, ApiError> {
    match (given.encryption_context_equals, given.encryption_context_subset) {
        (Some(equals), None) => Ok(Some(GrantConstraint::EncryptionContextEquals(equals.read()?))),
        (None, Some(subset)) => Ok(Some(GrantConstraint::EncryptionContextSubset(subset.read()?))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(ApiError::validation(
            "Only one of EncryptionContextEquals and EncryptionContextSubset can be given.",
        )),
    }
}
