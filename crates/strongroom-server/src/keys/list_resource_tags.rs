//! `ListResourceTags`.

use serde_json::json;
use strongroom_kms::KeyTag;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{key, listed, page};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String, limit: i64, marker: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("ListResourceTags").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let found =
        call.kms.list_resource_tags(call.cx, &key(input.key_id)?, &page(input.limit, input.marker)?).await?;
    let entry = |tag: &KeyTag| json!({"TagKey": tag.key, "TagValue": tag.value});
    listed("Tags", found.tags.iter().map(entry).collect(), found.next_marker)
}
