//! Reading several secrets at once, over a store's own list and get.

use strongroom_types::CallContext;

use crate::validate::Violations;
use crate::{
    BatchFailure, BatchGetSecretValue, BatchPage, Error, ErrorKind, Filter, GetSecretValue, ListSecrets,
    Operation, SecretId, SecretStore, SortBy,
};

/// The most secrets of one call.
const MAX: i64 = 20;

/// Lists and reads one by one: what [`SecretStore::batch_get_secret_value`] does where a store has nothing better, for stores that
/// do something else before.
///
/// # Errors
/// As [`SecretStore::batch_get_secret_value`].
pub async fn get<S: SecretStore + ?Sized>(
    store: &S,
    cx: &CallContext,
    request: BatchGetSecretValue,
) -> Result<BatchPage, Error> {
    let named = |error: Error| error.of_call(Operation::BatchGetSecretValue, None);
    check(&request).map_err(named)?;
    let mut page = BatchPage::default();
    let mut ids = request.ids;
    if !request.filters.is_empty() {
        let mut list = ListSecrets::new().max_results(request.max_results.unwrap_or(MAX));
        (list.filters, list.next_token) = (request.filters, request.next_token);
        // No order is promised. Where names are asked for, theirs is the cheapest.
        if list.filters.iter().any(|filter| filter.name_prefixes().is_some()) {
            list.sort_by = SortBy::Name;
        }
        let listed = store.list_secrets(cx, list).await.map_err(named)?;
        page.next_token = listed.next_token;
        // By ARN: a secret deleted and made again in between is another one.
        ids = listed.secrets.into_iter().map(|secret| SecretId::from(String::from(secret.arn))).collect();
    }
    for id in ids {
        match store.get_secret_value(cx, GetSecretValue::new(id.clone())).await {
            Ok(value) => page.values.push(value),
            Err(error) if concerns_one(error.kind()) => page.errors.push(BatchFailure { id, error }),
            Err(error) => return Err(named(error)),
        }
    }
    Ok(page)
}

/// Whether a failure may be one secret's own: all but that the store itself is another than it was. A key service that is
/// down or busy fails the secrets under its keys only.
fn concerns_one(kind: ErrorKind) -> bool {
    kind != ErrorKind::StoreChanged
}

fn check(request: &BatchGetSecretValue) -> Result<(), Error> {
    let invalid = |text: &'static str| Err(Error::new(ErrorKind::InvalidParameter, text));
    let mut violations = Violations::new();
    violations.count("secretIdList", request.ids.len(), 0, 20);
    for (index, id) in request.ids.iter().enumerate() {
        violations.length(&format!("secretIdList.{}.member", index + 1), id.as_str(), 1, 2048);
    }
    if let Some(max_results) = request.max_results {
        violations.number("maxResults", max_results, 1, MAX);
    }
    if let Some(token) = &request.next_token {
        violations.length("nextToken", token, 1, 4096);
    }
    Filter::check(&request.filters, &mut violations)?;
    violations.finish()?;
    match (request.ids.is_empty(), request.filters.is_empty()) {
        (true, true) | (false, false) => {
            invalid("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
        }
        (false, true) if request.max_results.is_some() => invalid(
            "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
        ),
        (false, true) if request.next_token.is_some() => {
            invalid("'Filters' not specified. 'Filters' must also be specified when 'NextToken' is provided.")
        }
        _ => Ok(()),
    }
}
