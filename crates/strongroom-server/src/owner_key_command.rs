//! `strongroom-server owner-key`: lists, replaces and revokes the owner's access keys.

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
    // Held until the end, so that two rotations run one after the other.
    let identities = arguments.server()?.existing().open_identities().await?;
    let room = identities.room();
    let iam = room.iam();
    let (directory, cx) = (iam.directory()?, room.context());
    let file = arguments.credentials_file().ok_or("--credentials: no file")?;
    // A leaked or damaged file is a reason to run this command, so it is not an error here.
    let kept = credentials::id_in(&file).unwrap_or_else(|error| {
        tracing::warn!(%error, "the credentials file cannot be used");
        None
    });
    let is_kept = |id: &str| kept.as_deref() == Some(id);
    let keys = directory.owner_access_keys().list(cx).await?;
    let mut out = std::io::stdout().lock();
    match action {
        OwnerKeyAction::List => {
            for key in keys {
                let origin = key.origin.map_or("unknown", AccessKeyOrigin::as_str);
                let state = if key.active { "active" } else { "inactive" };
                let place = if is_kept(&key.id) { "  in the credentials file" } else { "" };
                let created = jiff::Timestamp::from_millisecond(key.created.as_millis())
                    .map_or_else(|_| key.created.to_string(), |created| format!("{created:.0}"));
                writeln!(out, "{}  {origin:<11}  {created}  {state}{place}", key.id)?;
            }
        }
        OwnerKeyAction::Revoke { id } => {
            directory.owner_access_keys().delete(cx, id).await?;
            writeln!(out, "{id} is revoked")?;
            if is_kept(id) {
                writeln!(out, "it is still in {}: `owner-key rotate` makes a new one", file.display())?;
            }
        }
        OwnerKeyAction::Rotate { id } => {
            let old = match id {
                Some(id) => Some(id.clone()),
                // The key in the file, or else the one that used to be in it.
                None => keys
                    .iter()
                    .find(|key| is_kept(&key.id))
                    .or_else(|| keys.iter().find(|key| key.origin == Some(AccessKeyOrigin::Server)))
                    .map(|key| key.id.clone()),
            };
            // The new key is on the disk before it is accepted and before the old one is refused.
            let (new, secret) = Iam::fresh_access_key()?;
            let next = Next::prepare(&file, &new, &secret)?;
            let given = Some((new.clone(), SecretText::copy_from(secret.expose())));
            let done = match &old {
                Some(old) => directory.owner_access_keys().rotate(cx, old, given).await.map(drop),
                None => directory.owner_access_keys().put(cx, AccessKeyOrigin::Server, given).await.map(drop),
            };
            done.inspect_err(|_| next.discard())?;
            next.place()?;
            let instead = old.as_ref().map_or_else(String::new, |old| format!(" instead of {old}"));
            writeln!(out, "{new} in {}{instead}", file.display())?;
            for key in keys.iter().filter(|key| key.active && Some(&key.id) != old.as_ref()) {
                writeln!(out, "{} is also active", key.id)?;
            }
        }
    }
    Ok(())
}
