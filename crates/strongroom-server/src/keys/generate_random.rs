//! `GenerateRandom`.

use serde::Serialize;
use strongroom_kms::GenerateRandom;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{CUSTOM_KEY_STORE, RECIPIENT};
use crate::answer::{Answer, ApiError};
use crate::input::{base64, input, read, within};
use crate::operation::Operation;

input!(Input { number_of_bytes: i64 } refused {
    CustomKeyStoreId: CUSTOM_KEY_STORE, Recipient: RECIPIENT
});

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Random<'a> {
    plaintext: &'a str,
}

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("GenerateRandom"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let bytes = input.number_of_bytes.ok_or_else(|| ApiError::validation("NumberOfBytes is required."))?;
    let request = GenerateRandom::new(within(bytes, "numberOfBytes", 1, 1024)?);
    let output = call.kms.generate_random(call.cx, request).await?;
    Answer::json(&Random { plaintext: base64(output.expose()).expose() })
}
