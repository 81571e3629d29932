//! What keeps a strongroom of one's own in order: verification, backup, housekeeping.

use std::path::Path;

use strongroom_root::{Report, Upgrade};

use crate::room::Own;
use crate::{Error, Strongroom};

impl Strongroom {
    /// Checks everything: authenticates every record, decrypts every version, unseals every key,
    /// and compares indexes with what they index and the directory's records with each other. Reads
    /// only; others may go on writing.
    ///
    /// # Errors
    /// Storage that cannot be read at all. Damage is not an error; the report lists it.
    pub async fn verify(&self) -> Result<Report, Error> {
        let (parts, engine) = self.own("be verified")?;
        let mut report = engine.verify(self.context()).await?;
        report.merge(parts.kms.verify().await?);
        report.merge(parts.iam.verify(self.context()).await?);
        Ok(report)
    }

    /// Writes a consistent copy to `target`, a new file (mode 0600), while others go on writing.
    /// The same roots open it. To restore: put the copy into an empty directory as
    /// `records.sqlite3` and open that directory.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root) if the file exists or cannot be written, or if
    /// the storage cannot make backups.
    pub async fn backup(&self, target: impl AsRef<Path>) -> Result<(), Error> {
        let (parts, _) = self.owner_only("make a backup")?;
        Ok(parts.records.backup(target.as_ref()).await?)
    }

    /// Upgrades the strongroom to the newest format. A strongroom of an older format works as it is;
    /// what needs a newer one says so.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// let upgrade = room.upgrade().await?;
    /// if upgrade.is_change() {
    ///     println!("upgraded from format {} to {}", upgrade.from, upgrade.to);
    /// }
    /// # assert!(!upgrade.is_change()); // a new strongroom has the newest format
    /// # Ok::<(), strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// Programs of a version that does not know the new format refuse the strongroom from then on:
    /// upgrade them first. Handles of this version, in this process and in others, go on. Make a
    /// [backup](Strongroom::backup) before; there is no way back.
    ///
    /// It is one commit, so that a strongroom is never between two formats. If it is killed, or its
    /// outcome is unknown, call it again.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn upgrade(&self) -> Result<Upgrade, Error> {
        let (parts, _) = self.owner_only("upgrade the strongroom")?;
        Ok(parts.records.upgrade().await?)
    }

    /// The format of what is stored, as this handle last saw it.
    ///
    /// # Errors
    /// [`ErrorKind::Secret`](crate::ErrorKind::Secret) over another store, whose format is its own.
    pub fn format(&self) -> Result<u32, Error> {
        Ok(self.own("tell its format")?.0.records.format())
    }
}
