//! What keeps a strongroom of one's own in order: keys' uses, verification, backup, roots.

use std::path::Path;

use strongroom_engine::{KeyUse, RewrapProgress};
use strongroom_kms::KeyRef;
use strongroom_local_kms::Retirement;
use strongroom_root::{RecoveryCode, RekeyProgress, Report, RootKey, RootSlot, Upgrade};

use crate::{Error, Strongroom};

/// What [`Strongroom::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintained {
    /// Secrets purged because their recovery window was over.
    pub secrets_purged: u64,
    /// Keys deleted because their waiting period was over.
    pub keys_deleted: u64,
    /// Another process was at the secrets; this one left them alone.
    pub busy_elsewhere: bool,
}

impl Strongroom {
    /// What is encrypted under a key, named by id, ARN or alias: every version of every secret, those without labels too. What
    /// would be lost with the key, as far as this strongroom knows; ciphertexts kept elsewhere nobody can count.
    ///
    /// # Errors
    /// As [`crate::Engine::key_uses`].
    pub async fn key_uses(&self, key: &str) -> Result<Vec<KeyUse>, Error> {
        let (key, (_, engine)) = (KeyRef::parse(key)?, self.own("tell the uses of a key")?);
        let (mut uses, mut token) = (Vec::new(), None);
        loop {
            let page = engine.key_uses(self.context(), &key, None, token.as_deref()).await?;
            uses.extend(page.uses);
            match page.next_token {
                Some(next) => token = Some(next),
                None => return Ok(uses),
            }
        }
    }

    /// After a rotation: encrypts again, under the newest generation of a key, what is under an older one of it. Values, labels
    /// and dates stay. May be stopped and called again. `progress` is told after each version.
    ///
    /// # Errors
    /// As [`crate::Engine::rewrap`].
    pub async fn rewrap(
        &self,
        key: &str,
        progress: impl FnMut(RewrapProgress) + Send,
    ) -> Result<RewrapProgress, Error> {
        let (_, engine) = self.own("encrypt again")?;
        Ok(engine.rewrap(self.context(), &KeyRef::parse(key)?, progress).await?)
    }

    /// Destroys the material of an older generation of one of the strongroom's own keys, when nothing here is encrypted under
    /// it: rotate, [`Strongroom::rewrap`], then this. From the first moment on nothing new comes under it either. What was
    /// encrypted under it and is kept elsewhere, copies of the storage among it, nobody can count: it is lost, which has to be
    /// confirmed in so many words.
    ///
    /// ```
    /// # use strongroom::{Retirement, RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
    /// let old = room.keys().create("alias/orders", "for the orders").await?.current_key_material_id;
    /// room.keys().rotate("alias/orders").await?;
    /// room.rewrap("alias/orders", |_| ()).await?;
    /// let confirmed = Retirement::LosesCiphertextsElsewhere;
    /// room.retire_key_material("alias/orders", &old.unwrap_or_default(), confirmed).await?;
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidRequest` while versions of secrets are under it, naming the first; as [`crate::LocalKms::retire_material`].
    pub async fn retire_key_material(
        &self,
        key: &str,
        key_material_id: &str,
        confirmed: Retirement,
    ) -> Result<(), Error> {
        let (parts, engine) = self.owner_only("retire key material")?;
        let id = self.keys().describe(key).await?.id;
        let uses = engine.close_material(self.context(), &id.clone().into(), key_material_id).await?;
        if let Some(first) = uses.first() {
            let text = format!(
                "{} of {} and maybe others are encrypted under this key material; rewrap them first",
                first.version_id, first.name
            );
            let refused = strongroom_store::Error::new(strongroom_store::ErrorKind::InvalidRequest, text);
            return Err(refused.during("RetireKeyMaterial").into());
        }
        Ok(parts.kms.retire_material(self.context(), &id.into(), key_material_id, confirmed).await?)
    }

    /// Walks everything: authenticates every record, opens every version, unseals every key, holds indexes against what
    /// they index, and the directory's records against each other. Reads only; others may go on writing.
    ///
    /// # Errors
    /// Storage that cannot be read at all. Damage is not an error; it stands in the report.
    pub async fn verify(&self) -> Result<Report, Error> {
        let (parts, engine) = self.own("be verified")?;
        let mut report = engine.verify(self.context()).await?;
        report.merge(parts.kms.verify().await?);
        report.merge(parts.iam.verify(self.context()).await?);
        Ok(report)
    }

    /// Writes a consistent copy to `target`, a new file (mode 0600), while others go on writing. It is opened by the same
    /// roots. To restore: make an empty directory, put the copy into it as `records.sqlite3`, open that directory.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root) when the file exists or cannot be written, or the storage has no backup of its own.
    pub async fn backup(&self, target: impl AsRef<Path>) -> Result<(), Error> {
        let (parts, _) = self.owner_only("make a backup")?;
        Ok(parts.records.backup(target.as_ref()).await?)
    }

    /// Purges secrets and keys whose time is over, and writes down when secrets were last read. Call it now and then, from any process; of
    /// several at once, one works. Another store keeps its own house: over it there is nothing to do.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn maintain(&self) -> Result<Maintained, Error> {
        if self.own("").is_err() {
            return Ok(Maintained::default());
        }
        let (parts, engine) = self.owner_only("maintain")?;
        // Each does what it can, whatever the other finds.
        let (secrets, keys) = (engine.maintain().await, parts.kms.maintain().await);
        let (secrets, keys_deleted) = (secrets?, keys?);
        Ok(Maintained {
            secrets_purged: secrets.unwrap_or(0),
            keys_deleted,
            busy_elsewhere: secrets.is_none(),
        })
    }

    /// Upgrades the strongroom to the newest format. A strongroom of an older format works as it is;
    /// what needs a newer one says so.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
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
    /// It is one commit, so that a strongroom is never between two formats. When it is killed, or its
    /// outcome is not known, call it again.
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

    /// The roots that open this strongroom, oldest first. A handle that is open stays open when its root is removed.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn roots(&self) -> Result<Vec<RootSlot>, Error> {
        let (parts, _) = self.owner_only("see the roots")?;
        Ok(parts.records.roots().await?)
    }

    /// Lets another root open this strongroom too. One commit; no secret is touched.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn add_root(&self, root: impl Into<RootKey>, label: &str) -> Result<RootSlot, Error> {
        let (parts, _) = self.owner_only("add a root")?;
        Ok(parts.records.add_root(root.into(), label, &*parts.clock).await?)
    }

    /// Makes a recovery code that opens this strongroom. It is shown this once: print it, lock it away.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn add_recovery_code(&self, label: &str) -> Result<RecoveryCode, Error> {
        let (parts, _) = self.owner_only("add a root")?;
        Ok(parts.records.add_recovery_code(label, &*parts.clock).await?.0)
    }

    /// Takes a root away. It still opens older copies of the storage.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root); the last root cannot be removed.
    pub async fn remove_root(&self, id: &str) -> Result<(), Error> {
        let (parts, _) = self.owner_only("remove a root")?;
        Ok(parts.records.remove_root(id).await?)
    }

    /// Gives the strongroom another store key, which only `roots` open, and writes every record anew under it. For when the
    /// store key may be known: a root that was lost together with a copy of the storage still opens that copy, and with it
    /// the store key, whatever roots were removed since. Afterwards rotate the keys and [`Strongroom::rewrap`], for the same
    /// copy has their material too.
    ///
    /// All handles, this one too, refuse with `StoreChanged` from its first commit on: open the strongroom again with one of
    /// `roots`. Stopped at any moment it goes on when it is called again, and the strongroom is whole in between.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn rekey(
        &self,
        roots: Vec<(RootKey, String)>,
        progress: impl FnMut(RekeyProgress) + Send,
    ) -> Result<(), Error> {
        let (parts, _) = self.owner_only("re-key")?;
        parts.records.rekey(roots, &*parts.clock, progress).await?;
        Ok(())
    }
}
