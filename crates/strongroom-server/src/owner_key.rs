//! The owner's access key: given to the server, read from its file, or created by it.

use std::path::PathBuf;

use strongroom::{Error, Strongroom};
use strongroom_envelope::SecretText;
use strongroom_iam::AccessKeyOrigin;

use crate::credentials::{self, AccessKey, Next};
use crate::setup::setup;

/// The key as known before storage is opened.
pub(crate) struct Known {
    given: Option<AccessKey>,
    /// The file, and its content.
    file: Option<(PathBuf, Option<credentials::Found>)>,
}

fn failed(error: std::io::Error) -> Error {
    setup(error.to_string()).because(error)
}

impl Known {
    /// Uses the given key, otherwise reads the file.
    pub(crate) fn read(given: Option<AccessKey>, file: Option<PathBuf>) -> Result<Self, Error> {
        let file = match file.filter(|_| given.is_none()) {
            Some(file) => {
                let found = credentials::read(&file).map_err(failed)?;
                Some((file, found))
            }
            None => None,
        };
        Ok(Self { given, file })
    }
}

/// Finds or creates the key that the server starts with, and warns of the owner's other keys. `new`
/// means that nothing was stored before, so a key in the file cannot have been revoked.
pub(crate) async fn settle(room: &Strongroom, new: bool, known: Known) -> Result<Option<AccessKey>, Error> {
    let iam = room.iam();
    let (directory, cx) = (iam.directory()?, room.context());
    let own = match known {
        Known { given: Some((id, secret)), .. } => {
            let key = directory.owner_access_keys().put(cx, AccessKeyOrigin::Environment, Some((id, secret)));
            Some(key.await.map(|key| (key.id, key.secret))?)
        }
        Known { file: Some((file, Some(found))), .. } => {
            let (id, secret) = found.key;
            let origin = AccessKeyOrigin::Server;
            let never = new || !directory.owner_access_keys().had_any(cx).await?;
            if never {
                let given = (id.clone(), SecretText::copy_from(secret.expose()));
                directory.owner_access_keys().put(cx, origin, Some(given)).await?;
            } else if !directory.owner_access_keys().keep(cx, origin, &id, &secret).await? {
                tracing::warn!(
                    key = id,
                    file = %file.display(),
                    "the access key in this file is not an active key of the owner; `strongroom-server owner-key rotate` creates a new one"
                );
                warn_of_others(room, None).await?;
                return Ok(None);
            }
            // Rewrites the old format as the shared one, if the file is writable.
            if !found.shared {
                let _ = credentials::write(&file, &id, &secret);
            }
            Some((id, secret))
        }
        Known { file: Some((file, None)), .. } => {
            // Written to disk before it becomes valid.
            let (id, secret) = strongroom_iam::Iam::fresh_access_key()?;
            let next = Next::prepare(&file, &id, &secret).map_err(failed)?;
            let given = (id, SecretText::copy_from(secret.expose()));
            let put = directory.owner_access_keys().put(cx, AccessKeyOrigin::Server, Some(given)).await;
            let key = put.inspect_err(|_| next.discard())?;
            next.place().map_err(failed)?;
            Some((key.id, secret))
        }
        Known { file: None, .. } => {
            let key = directory.owner_access_keys().put(cx, AccessKeyOrigin::Server, None).await?;
            Some((key.id, key.secret))
        }
    };
    warn_of_others(room, own.as_ref().map(|(id, _)| id.as_str())).await?;
    Ok(own)
}

/// Warns of the owner's other keys, each of which grants access as the root of the account.
async fn warn_of_others(room: &Strongroom, own: Option<&str>) -> Result<(), Error> {
    for key in room.iam().directory()?.owner_access_keys().list(room.context()).await? {
        if key.active && Some(key.id.as_str()) != own {
            let origin = key.origin.map_or("unknown", AccessKeyOrigin::as_str);
            tracing::warn!(
                key = key.id,
                origin,
                created = %key.created,
                "the owner has another access key; `strongroom-server owner-key revoke` revokes it"
            );
        }
    }
    Ok(())
}
