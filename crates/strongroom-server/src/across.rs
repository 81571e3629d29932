//! Callers of one account, secrets and keys of another. The caller's own account says who they are;
//! the policies of both accounts say what they may do.

use std::sync::Weak;

use async_trait::async_trait;
use strongroom::{AccountId, CallContext, Realm, Strongroom};
use strongroom_iam::{Iam, OtherAccounts};
use strongroom_store::{BatchPage, ErrorKind, GetSecretValue};

use crate::answer::ApiError;
use crate::named;
use crate::rooms::Rooms;

/// The directories of a server's accounts. It does not keep the server alive.
pub(crate) struct Accounts(pub(crate) Weak<Rooms>);

#[async_trait]
impl OtherAccounts for Accounts {
    async fn directory_of(&self, account: AccountId) -> Result<Option<Iam>, strongroom_iam::Error> {
        let failed =
            |text: &'static str| strongroom_iam::Error::new(strongroom_iam::ErrorKind::Internal, text);
        let rooms = self.0.upgrade().ok_or_else(|| failed("the server is gone"))?;
        let home = Realm::new(account, rooms.home().region().clone());
        let unknown = "the directory of another account cannot be read";
        let found = rooms.existing(&home).await.map_err(|error| failed(unknown).because(error))?;
        match found {
            Some(room) => {
                Ok(Some(room.iam().directory().map_err(|error| failed(unknown).because(error))?.clone()))
            }
            None => Ok(None),
        }
    }
}

/// The room of another account that a request leads to; if there is none, an empty, temporary one.
/// So the answer is that of an account without the secret, and nothing is made.
pub(crate) async fn room(rooms: &Rooms, there: &Realm) -> Result<Strongroom, strongroom::Error> {
    rooms.room_or_passing(there).await.map(|(room, _)| room)
}

/// Completes a batch with the values of other accounts. The caller's own store has answered for its
/// own secrets and decided whether the caller may ask for a batch at all; the others can only have
/// failed there.
pub(crate) async fn complete(
    rooms: &Rooms,
    cx: &CallContext,
    own: &Realm,
    page: &mut BatchPage,
) -> Result<(), ApiError> {
    for mut failed in std::mem::take(&mut page.errors) {
        if let Some(there) = named::elsewhere(failed.id.as_str(), "secretsmanager", own) {
            let store = room(rooms, &there).await.map_err(|_| ApiError::internal())?.store();
            match store.get_secret_value(cx, GetSecretValue::new(failed.id.clone())).await {
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
