//! `GetRandomPassword`.

use serde::Serialize;
use strongroom_store::GetRandomPassword;

use super::call::{SecretsCall, SecretsOperation};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input {
    password_length: i64,
    exclude_characters: String,
    exclude_numbers: bool,
    exclude_punctuation: bool,
    exclude_uppercase: bool,
    exclude_lowercase: bool,
    include_space: bool,
    require_each_included_type: bool,
});

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    random_password: &'a str,
}

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("GetRandomPassword"), |call| Box::pin(run(call)));

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = GetRandomPassword::new();
    request.length = input.password_length;
    request.exclude_characters = input.exclude_characters.unwrap_or_default();
    request.exclude_numbers = input.exclude_numbers.unwrap_or(false);
    request.exclude_punctuation = input.exclude_punctuation.unwrap_or(false);
    request.exclude_uppercase = input.exclude_uppercase.unwrap_or(false);
    request.exclude_lowercase = input.exclude_lowercase.unwrap_or(false);
    request.include_space = input.include_space.unwrap_or(false);
    request.require_each_included_type = input.require_each_included_type.unwrap_or(true);
    let output = call.store.get_random_password(call.cx, request).await?;
    Answer::json(&Output { random_password: output.expose() })
}
