//! Opens a data directory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_root::RootKey;
use strongroom_types::{AccountId, Clock, Realm, Region, SystemClock};

use super::data_directory::DataDirectory;
use super::directory_layout::{DirectoryLock, Layout};
use super::manifest::Manifest;
use super::setup::setup;
use crate::{Error, Strongroom};

/// Configures how a data directory is opened. Created by [`DataDirectory::at`].
pub struct DirectoryOptions {
    path: PathBuf,
    key: Option<KeyChoice>,
    shared_key: bool,
    existing: bool,
    account: Option<AccountId>,
    region: Option<Region>,
    clock: Arc<dyn Clock>,
}

enum KeyChoice {
    File(PathBuf),
    Given(RootKey),
}

impl fmt::Debug for DirectoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryOptions").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DataDirectory {
    /// Options to open the data directory at this path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> DirectoryOptions {
        DirectoryOptions {
            path: path.into(),
            key: None,
            shared_key: false,
            existing: false,
            account: None,
            region: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl DirectoryOptions {
    /// Reads the root key from this file, once. The file is created only if it does not exist and
    /// the directory is new or empty.
    #[must_use]
    pub fn root_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.key = Some(KeyChoice::File(path.into()));
        self
    }

    /// Accepts a root key file that every user on the machine or in the container can read: see
    /// [`RootKey::shared_file`]. Such a file is never created.
    #[must_use]
    pub fn shared_root_key(mut self) -> Self {
        self.shared_key = true;
        self
    }

    /// Sets the root key itself, instead of a file.
    #[must_use]
    pub fn root_key(mut self, root: impl Into<RootKey>) -> Self {
        self.key = Some(KeyChoice::Given(root.into()));
        self
    }

    /// Fails to open unless the directory already holds a strongroom.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.existing = true;
        self
    }

    /// Sets the directory's account, which an existing directory must have. Default: the
    /// directory's, or `000000000000` for a new one.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Sets the region that stores users and roles, which an existing directory must have. Default:
    /// the directory's, or `us-east-1` for a new one.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Sets the clock. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the directory, or creates it (mode 0700).
    ///
    /// # Errors
    /// [`ErrorKind::Setup`](crate::ErrorKind::Setup) if the account or region is not the
    /// directory's, if the directory contains something else, or if another process holds its lock
    /// for 30 seconds. Also if the root key cannot be loaded. In all these cases, no strongroom and
    /// no root key is created.
    pub async fn open(self) -> Result<DataDirectory, Error> {
        self.open_locked().await.map(|(directory, _)| directory)
    }

    /// Like [`open`](Self::open), but also returns the lock on the directory. Until the lock is
    /// dropped, no other process can start on the directory or add a strongroom to it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_locked(self) -> Result<(DataDirectory, DirectoryLock), Error> {
        let layout = Layout::open(&self.path, self.existing)?;
        let lock = layout.lock().await?;
        let found = layout.found()?;
        let mut manifest = match layout.manifest(&lock)? {
            Some(manifest) => {
                manifest.check(self.account, self.region.as_ref())?;
                manifest
            }
            None if found.is_empty() => {
                layout.refuse_unless_empty()?;
                let region = self.region.clone().unwrap_or_default();
                Manifest::new(&Realm::new(self.account.unwrap_or(AccountId::DEFAULT), region))?
            }
            None => {
                let root = self.load_key(false)?;
                Manifest::new(&self.adopted(&layout, &root, &found).await?)?
            }
        };
        let new =
            manifest.is_empty() && found.iter().all(|realm| manifest.home().is_ok_and(|home| home == *realm));
        if new && self.existing {
            return Err(setup(format!("there is no strongroom in {}", layout.path().display())));
        }
        let before = manifest.clone();
        if !new {
            // An older copy of the manifest may have been restored. Lists strongrooms that it
            // lacks, so that they are not recreated if they are lost later. What an interrupted
            // creation left behind stays unlisted, so that a later creation completes it.
            for realm in &found {
                if !manifest.lists(realm) && layout.holds_strongroom(realm).await? {
                    manifest.add(realm);
                }
            }
        }
        if new || manifest != before {
            layout.write(&lock, &manifest)?;
        }
        let root = self.load_key(new)?;
        Ok((DataDirectory::of(layout, root, manifest, new, &lock)?, lock))
    }

    /// Loads the root key. Creates it only if nothing was stored before.
    fn load_key(&self, new: bool) -> Result<RootKey, Error> {
        let key = match &self.key {
            None => {
                return Err(setup("no root key is configured: call root_key_file(..) or root_key(..)"));
            }
            Some(KeyChoice::Given(key)) => key.duplicate(),
            Some(KeyChoice::File(path)) => match (self.shared_key, new) {
                (true, _) => RootKey::shared_file(path)?,
                (false, true) => RootKey::file_or_create(path)?,
                (false, false) => RootKey::file(path)?,
            },
        };
        Ok(key.load()?)
    }

    /// The home of a data directory that predates manifests: the strongroom that holds the owner's
    /// access keys.
    async fn adopted(&self, layout: &Layout, root: &RootKey, found: &[Realm]) -> Result<Realm, Error> {
        let (account, region) = (self.account, self.region.as_ref());
        let mut kept = Vec::new();
        for realm in found {
            if layout.holds_strongroom(realm).await? {
                kept.push(realm.clone());
            }
        }
        // Passes over what interrupted creations left behind, unless there is nothing else.
        let found = if kept.is_empty() { found } else { &kept };
        let mut homes = Vec::new();
        for realm in found {
            if self.has_owner(&layout.of(realm), root, realm).await? {
                homes.push(realm.clone());
            }
        }
        let matches = |home: &&Realm| {
            account.is_none_or(|account| account == home.account())
                && region.is_none_or(|region| region == home.region())
        };
        // If there are no keys, such as after all were revoked: the realm that the options name, or
        // the only one.
        if homes.is_empty() {
            homes.extend(
                found.iter().filter(|_| found.len() == 1 || (account.is_some() && region.is_some())).cloned(),
            );
        }
        match (homes.as_slice(), homes.iter().filter(matches).collect::<Vec<_>>().as_slice()) {
            ([home], []) => Err(setup(format!(
                "the data directory belongs to account {} and identity region {}; leave out --account and --region",
                home.account(),
                home.region()
            ))),
            (_, [home]) => Ok((*home).clone()),
            _ => Err(setup(format!(
                "{} does not record which account it belongs to; give --account and --region, one of: {}",
                layout.path().display(),
                found.iter().map(|realm| format!("{realm}")).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    async fn has_owner(&self, place: &Path, root: &RootKey, realm: &Realm) -> Result<bool, Error> {
        let builder = Strongroom::builder().clock(Arc::clone(&self.clock)).existing();
        let builder = builder.account(realm.account()).region(realm.region().clone());
        let room = builder.directory(place).root_key(root.duplicate()).open().await?;
        let keys = room.iam().directory()?.owner_access_keys().list(room.context()).await?;
        Ok(!keys.is_empty())
    }
}
