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
    let asked: Input = read(call.body)?;
    let mut request = GetRandomPassword::new();
    request.length = asked.password_length;
    request.exclude_characters = asked.exclude_characters.unwrap_or_default();
    request.exclude_numbers = asked.exclude_numbers.unwrap_or(false);
    request.exclude_punctuation = asked.exclude_punctuation.unwrap_or(false);
    request.exclude_uppercase = asked.exclude_uppercase.unwrap_or(false);
    request.exclude_lowercase = asked.exclude_lowercase.unwrap_or(false);
    request.include_space = asked.include_space.unwrap_or(false);
    request.require_each_included_type = asked.require_each_included_type.unwrap_or(true);
    let made = call.store.get_random_password(call.cx, request).await?;
    Answer::json(&Output { random_password: made.expose() })
}
