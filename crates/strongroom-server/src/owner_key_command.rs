//! `strongroom-server owner-key`: the owner's access keys, listed, replaced and taken away.

use std::error::Error;
use std::io::Write;

use strongroom_iam::AccessKeyOrigin;
use strongroom_server::credentials;

use crate::arguments::{Arguments, OwnerKeyAction};

pub(crate) async fn run(arguments: &Arguments, action: &OwnerKeyAction) -> Result<(), Box<dyn Error>> {
    if arguments.memory {
        return Err("--memory: there is nothing to work on".into());
    }
    let room = arguments.server()?.existing().open_identities().await?;
    let iam = room.iam();
    let (directory, cx) = (iam.directory()?, room.context());
    let file = arguments.credentials_file().ok_or("--credentials: no file")?;
    let kept = credentials::id_in(&file)?;
    let mut out = std::io::stdout().lock();
    match action {
        OwnerKeyAction::List => {
            for key in directory.owner_access_keys(cx).await? {
                let origin = key.origin.map_or("unknown", AccessKeyOrigin::as_str);
                let state = if key.active { "active" } else { "inactive" };
                let place =
                    if kept.as_deref() == Some(key.id.as_str()) { "  in the credentials file" } else { "" };
                let created = jiff::Timestamp::from_millisecond(key.created.as_millis())?;
                writeln!(out, "{}  {origin:<11}  {created:.0}  {state}{place}", key.id)?;
            }
        }
        OwnerKeyAction::Revoke { id } => {
            directory.delete_owner_access_key(cx, id).await?;
            writeln!(out, "{id} is revoked")?;
        }
        OwnerKeyAction::Rotate { id } => {
            let keys = directory.owner_access_keys(cx).await?;
            let old = match id {
                Some(id) => Some(id.clone()),
                // The one in the file, or else the one that was in it.
                None => keys
                    .iter()
                    .find(|key| kept.as_deref() == Some(key.id.as_str()))
                    .or_else(|| keys.iter().find(|key| key.origin == Some(AccessKeyOrigin::Server)))
                    .map(|key| key.id.clone()),
            };
            let new = match &old {
                Some(old) => directory.rotate_owner_access_key(cx, old).await?,
                None => directory.put_owner_access_key(cx, AccessKeyOrigin::Server, None).await?,
            };
            credentials::write(&file, &new.id, &new.secret)?;
            let old = old.map_or_else(String::new, |old| format!(" instead of {old}"));
            writeln!(out, "{} in {}{old}", new.id, file.display())?;
        }
    }
    Ok(())
}
