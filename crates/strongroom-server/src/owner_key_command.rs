//! `strongroom-server owner-key`: lists, rotates and revokes the owner's access keys.

use std::error::Error;
use std::io::Write;

use strongroom_envelope::SecretText;
use strongroom_iam::{AccessKeyOrigin, Iam};
use strongroom_server::credentials::{self, Next};

use crate::arguments::{Arguments, OwnerKeyAction};

pub(crate) async fn run(arguments: &Arguments, action: &OwnerKeyAction) -> Result<(), Box<dyn Error>> {
    if arguments.memory {
        return Err("--memory: `owner-key` works on a data directory".into());
    }
    // Held until the end, so that concurrent rotations run one after the other.
    let identities = arguments.server()?.existing().open_identities().await?;
    let room = identities.room();
    let iam = room.iam();
    let (directory, cx) = (iam.directory()?, room.context());
    let file = arguments.credentials_file().ok_or("--credentials: no file")?;
    // A leaked or damaged file is a reason to run this command, so it is not an error here.
    let in_file = credentials::id_in(&file).unwrap_or_else(|error| {
        tracing::warn!(%error, "failed to read the credentials file");
        None
    });
    let is_in_file = |id: &str| in_file.as_deref() == Some(id);
    let keys = directory.owner_access_keys().list(cx).await?;
    let mut out = std::io::stdout().lock();
    match action {
        OwnerKeyAction::List => {
            for key in keys {
                let origin = key.origin.map_or("unknown", AccessKeyOrigin::as_str);
                let state = if key.active { "active" } else { "inactive" };
                let place = if is_in_file(&key.id) { "  in the credentials file" } else { "" };
                let created = jiff::Timestamp::from_millisecond(key.created.as_millis())
                    .map_or_else(|_| key.created.to_string(), |created| format!("{created:.0}"));
                writeln!(out, "{}  {origin:<11}  {created}  {state}{place}", key.id)?;
            }
        }
        OwnerKeyAction::Revoke { id } => {
            directory.owner_access_keys().delete(cx, id).await?;
            writeln!(out, "{id} revoked")?;
            if is_in_file(id) {
                writeln!(out, "it is still in {}: `owner-key rotate` replaces it", file.display())?;
            }
        }
        OwnerKeyAction::Rotate { id } => {
            let old = match id {
                Some(id) => Some(id.clone()),
                // The key in the file, otherwise the one that used to be in it.
                None => keys
                    .iter()
                    .find(|key| is_in_file(&key.id))
                    .or_else(|| keys.iter().find(|key| key.origin == Some(AccessKeyOrigin::Server)))
                    .map(|key| key.id.clone()),
            };
            // The new key is on disk before it becomes valid and before the old one stops working.
            let (new, secret) = Iam::fresh_access_key()?;
            let next = Next::prepare(&file, &new, &secret)?;
            let given = Some((new.clone(), SecretText::copy_from(secret.expose())));
            let done = match &old {
                Some(old) => directory.owner_access_keys().rotate(cx, old, given).await.map(drop),
                None => directory.owner_access_keys().put(cx, AccessKeyOrigin::Server, given).await.map(drop),
            };
            done.inspect_err(|_| next.discard())?;
            next.place()?;
            let replaced = old.as_ref().map_or_else(String::new, |old| format!(", replacing {old}"));
            writeln!(out, "{new} written to {}{replaced}", file.display())?;
            for key in keys.iter().filter(|key| key.active && Some(&key.id) != old.as_ref()) {
                writeln!(out, "{} is also active", key.id)?;
            }
        }
    }
    Ok(())
}
