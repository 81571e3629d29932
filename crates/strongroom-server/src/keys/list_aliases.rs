//! `ListAliases`.

use serde_json::json;
use strongroom_kms::{AliasEntry, KeyRef};

use super::call::{KeysCall, KeysOperation};
use super::shapes::{key, listed, page};
use crate::answer::{Answer, ApiError, object, seconds};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String, limit: i64, marker: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("ListAliases").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let of: Option<KeyRef> = input.key_id.map(|id| key(Some(id))).transpose()?;
    let found = call.kms.list_aliases(call.cx, of.as_ref(), &page(input.limit, input.marker)?).await?;
    let entry = |one: &AliasEntry| {
        object(vec![
            ("AliasName", Some(json!(one.name.as_str()))),
            ("AliasArn", Some(json!(one.arn.as_str()))),
            ("TargetKeyId", one.target.as_ref().map(|key| json!(key.as_str()))),
            ("CreationDate", one.created.map(seconds)),
            ("LastUpdatedDate", one.updated.map(seconds)),
        ])
    };
    listed("Aliases", found.aliases.iter().map(entry).collect(), found.next_marker)
}
