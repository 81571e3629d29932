//! Cross-account requests: the caller belongs to one account, the secret or key to another. The
//! caller's account authenticates; the policies of both accounts authorize.

use strongroom::strongrooms::{Lookup, Strongrooms};
use strongroom::{CallContext, Realm};
use strongroom_store::{BatchPage, ErrorKind, GetSecretValue};

use crate::answer::{ApiError, unopened};
use crate::named;

/// The strongroom of another account. If it does not exist, an empty one answers in its place, and
/// nothing is created.
pub(crate) async fn room(rooms: &Strongrooms, there: &Realm) -> Result<Lookup, strongroom::Error> {
    match rooms.open_now(there) {
        Some(room) => Ok(Lookup::Kept(room)),
        None => rooms.lookup(there).await,
    }
}

/// Completes a batch with the values from other accounts. The caller's own store has already
/// answered for its own secrets and authorized the batch itself; other accounts' secrets can only
/// have failed there.
pub(crate) async fn complete(
    rooms: &Strongrooms,
    cx: &CallContext,
    own: &Realm,
    page: &mut BatchPage,
) -> Result<(), ApiError> {
    for mut failed in std::mem::take(&mut page.errors) {
        if let Some(there) = named::elsewhere(failed.id.as_str(), "secretsmanager", own) {
            let there = room(rooms, &there).await.map_err(|error| unopened(&error))?;
            match there.room().store().get_secret_value(cx, GetSecretValue::new(failed.id.clone())).await {
                Ok(value) => {
                    page.values.push(value);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::StoreChanged => return Err(error.into()),
                Err(error) => failed.error = error,
            }
        }
        page.errors.push(failed);
    }
    Ok(())
}
