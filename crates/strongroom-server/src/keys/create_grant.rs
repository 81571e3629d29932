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
    let input: Input = read(call.body)?;
    let key = key(input.key_id)?;
    let grantee = required(input.grantee_principal, "granteePrincipal")?;
    let operations = required(input.operations, "operations")?;
    let operations = GRANT_OPERATIONS.read_all(&operations, GrantOperation::from_word)?;
    let mut request = CreateGrant::new(grantee, operations);
    request.retiring = input.retiring_principal;
    request.name = input.name;
    request.grant_tokens = input.grant_tokens.unwrap_or_default();
    request.dry_run = input.dry_run.unwrap_or(false);
    request.constraint = input.constraints.map(constraint).transpose()?.flatten();
    let output = call.kms.create_grant(call.cx, &key, request).await?;
    Answer::json(&json!({"GrantToken": output.token, "GrantId": output.id}))
}

/// The single constraint that a grant can have.
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
