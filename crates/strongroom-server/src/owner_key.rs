//! The owner's access key of a server: given, in its file, or made.

use std::path::Path;

use strongroom::{Error, Strongroom};
use strongroom_envelope::SecretText;
use strongroom_iam::AccessKeyOrigin;

use crate::credentials::{self, AccessKey};
use crate::data_directory::setup;

/// Finds or makes the key that a server starts with, and warns of others that let somebody in as the owner. `new`: whether the
/// strongroom was made just now, so that a key in the file cannot have been revoked.
pub(crate) async fn settle(
    room: &Strongroom,
    new: bool,
    given: Option<AccessKey>,
    file: Option<&Path>,
) -> Result<Option<AccessKey>, Error> {
    let iam = room.iam();
    let (directory, cx) = (iam.directory()?, room.context());
    let failed = |error: std::io::Error| setup(error.to_string()).because(error);
    let read = match (&given, file) {
        (None, Some(file)) => credentials::read(file).map_err(failed)?,
        _ => None,
    };
    let shared = read.as_ref().is_some_and(|found| found.shared);
    let (origin, known) = match (given, read.map(|found| found.key)) {
        (Some(given), _) => (AccessKeyOrigin::Environment, Some(given)),
        (None, Some((id, secret))) => {
            if !new && !directory.has_owner_access_key(cx, &id, &secret).await? {
                tracing::warn!(
                    key = id,
                    "the access key in the credentials file is not one of the owner's any more; `strongroom-server owner-key rotate` makes a new one"
                );
                warn_of_others(room, None).await?;
                return Ok(None);
            }
            (AccessKeyOrigin::Server, Some((id, secret)))
        }
        (None, None) => (AccessKeyOrigin::Server, None),
    };
    let duplicate = |(id, secret): &AccessKey| (id.clone(), SecretText::copy_from(secret.expose()));
    let key = directory.put_owner_access_key(cx, origin, known.as_ref().map(duplicate)).await?;
    if let Some(file) = file.filter(|_| origin == AccessKeyOrigin::Server && !shared) {
        let written = credentials::write(file, &key.id, &key.secret);
        // One that was read serves as it is, be it where nobody can write.
        if known.is_none() {
            written.map_err(failed)?;
        }
    }
    warn_of_others(room, Some(&key.id)).await?;
    Ok(Some((key.id, key.secret)))
}

/// Each of them is as good as the root of the account.
async fn warn_of_others(room: &Strongroom, own: Option<&str>) -> Result<(), Error> {
    for key in room.iam().directory()?.owner_access_keys(room.context()).await? {
        if key.active && Some(key.id.as_str()) != own {
            let origin = key.origin.map_or("unknown", AccessKeyOrigin::as_str);
            tracing::warn!(
                key = key.id,
                origin,
                created = %key.created,
                "the owner has another access key; `strongroom-server owner-key revoke` takes it away"
            );
        }
    }
    Ok(())
}
