//! `ListSecrets`.

use serde_json::{Value, json};
use strongroom_store::{ListSecrets, SortBy, SortOrder};

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{FilterInput, described, filters};
use crate::answer::{Answer, ApiError, object};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input {
    include_planned_deletion: bool, max_results: i64, next_token: String, filters: Vec<FilterInput>,
    sort_order: String, sort_by: String,
});

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("ListSecrets"), |call| Box::pin(run(call)));

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = ListSecrets::new();
    request.include_planned_deletion = input.include_planned_deletion.unwrap_or(false);
    (request.max_results, request.next_token) = (input.max_results, input.next_token);
    request.filters = filters(input.filters.unwrap_or_default())?;
    request.sort_order = match input.sort_order.as_deref() {
        None | Some("asc") => SortOrder::Ascending,
        Some("desc") => SortOrder::Descending,
        Some(other) => return Err(ApiError::not_of("sortOrder", other, "asc, desc")),
    };
    request.sort_by = match input.sort_by.as_deref() {
        None | Some("created-date") => SortBy::CreatedDate,
        Some("last-accessed-date") => SortBy::LastAccessedDate,
        Some("last-changed-date") => SortBy::LastChangedDate,
        Some("name") => SortBy::Name,
        Some(other) => {
            let words = "created-date, last-accessed-date, last-changed-date, name";
            return Err(ApiError::not_of("sortBy", other, words));
        }
    };
    let page = call.store.list_secrets(call.cx, request).await?;
    let secrets: Vec<Value> =
        page.secrets.iter().map(|secret| described(secret, "SecretVersionsToStages")).collect();
    Answer::json(&object(vec![
        ("SecretList", Some(json!(secrets))),
        ("NextToken", page.next_token.map(|token| json!(token))),
    ]))
}
