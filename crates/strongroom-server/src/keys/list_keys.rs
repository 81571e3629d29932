//! `ListKeys`.

use serde_json::json;
use strongroom_kms::{KeyEntry, KeyPage};

use super::call::{KeysCall, KeysOperation};
use super::shapes::{listed, page};
use super::words::RESOURCE_OWNERS;
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { limit: i64, marker: String, resource_owners: Vec<String> });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("ListKeys"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let owners =
        RESOURCE_OWNERS.read_all(&input.resource_owners.unwrap_or_default(), |word| Some(word == "SELF"))?;
    let mut found = call.kms.list_keys(call.cx, &page(input.limit, input.marker)?).await?;
    if !owners.is_empty() && !owners.contains(&true) {
        // Only keys shared by other accounts were requested, and there are none.
        found = KeyPage::default();
    }
    let entry = |one: &KeyEntry| json!({"KeyId": one.id.as_str(), "KeyArn": one.arn.as_str()});
    listed("Keys", found.keys.iter().map(entry).collect(), found.next_marker)
}
