//! The roots of a strongroom.

use strongroom_root::{RecoveryCode, RekeyProgress, RootKey, RootSlot};

use crate::room::Own;
use crate::{Error, Strongroom};

/// The roots that open a strongroom: keys, passphrases, recovery codes, keys of other key services.
/// For the owner only. Made by [`Strongroom::roots`].
///
/// ```
/// # use strongroom::{RootKey, Strongroom};
/// # pollster::block_on(async {
/// # let root = RootKey::from_bytes([1; 32]);
/// # let room = Strongroom::builder().memory().root_key(root).open().await?;
/// let code = room.roots().add_recovery_code("the safe").await?; // print it, lock it away
/// assert_eq!(room.roots().list().await?.len(), 2);
/// # Ok::<_, strongroom::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Roots {
    room: Strongroom,
}

impl Strongroom {
    /// The roots that open this strongroom.
    #[must_use]
    pub fn roots(&self) -> Roots {
        Roots { room: self.clone() }
    }
}

impl Roots {
    /// All roots, oldest first.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn list(&self) -> Result<Vec<RootSlot>, Error> {
        let (parts, _) = self.room.owner_only("see the roots")?;
        Ok(parts.records.roots().await?)
    }

    /// Lets another root open this strongroom too. One commit; no secret is touched.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn add(&self, root: impl Into<RootKey>, label: &str) -> Result<RootSlot, Error> {
        let (parts, _) = self.room.owner_only("add a root")?;
        Ok(parts.records.add_root(root.into(), label, &*parts.clock).await?)
    }

    /// Adds a recovery code that opens this strongroom. It is shown this once: print it, lock it
    /// away.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn add_recovery_code(&self, label: &str) -> Result<RecoveryCode, Error> {
        let (parts, _) = self.room.owner_only("add a root")?;
        Ok(parts.records.add_recovery_code(label, &*parts.clock).await?.0)
    }

    /// Removes a root. Handles that are open stay open, and the root still opens older copies of
    /// the storage.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root); the last root cannot be removed.
    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let (parts, _) = self.room.owner_only("remove a root")?;
        Ok(parts.records.remove_root(id).await?)
    }

    /// Replaces the store key with a new one that only `roots` open, and rewrites every record
    /// under it. Use it when the store key may be known: a root that was lost together with a copy
    /// of the storage opens that copy, and with it the store key, even after the root was removed.
    /// The copy holds the material of the keys too, so afterwards [rotate](crate::Keys::rotate)
    /// them and [rewrap](crate::Keys::rewrap) what they encrypt.
    ///
    /// From the first commit on, all handles, this one included, fail with `StoreChanged`: open the
    /// strongroom again with one of `roots`. A call that was interrupted at any moment continues
    /// when it is repeated, and the strongroom is usable in between.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn rekey(
        &self,
        roots: Vec<(RootKey, String)>,
        progress: impl FnMut(RekeyProgress) + Send,
    ) -> Result<(), Error> {
        let (parts, _) = self.room.owner_only("re-key")?;
        parts.records.rekey(roots, &*parts.clock, progress).await?;
        Ok(())
    }
}
