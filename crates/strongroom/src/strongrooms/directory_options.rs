//! Opening a data directory.

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

/// Says how a data directory is opened. Made by [`DataDirectory::at`].
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
    /// Begins to open the data directory at this path.
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
    /// The file with the root key, read once. It is made only if neither the file nor anything in
    /// the directory exists.
    #[must_use]
    pub fn root_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.key = Some(KeyChoice::File(path.into()));
        self
    }

    /// Accepts a root key file that everyone on the machine or in the container may read: see
    /// [`RootKey::shared_file`]. Such a file is never made.
    #[must_use]
    pub fn shared_root_key(mut self) -> Self {
        self.shared_key = true;
        self
    }

    /// A root key from elsewhere, instead of one in a file.
    #[must_use]
    pub fn root_key(mut self, root: impl Into<RootKey>) -> Self {
        self.key = Some(KeyChoice::Given(root.into()));
        self
    }

    /// Opens only a directory that already holds a strongroom.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.existing = true;
        self
    }

    /// The account of the directory. Default: the one it belongs to, or `000000000000` for a new one.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// The region that keeps users and roles. Default: the one that does, or `us-east-1` in a new
    /// directory.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Where the time comes from. Default: the operating system.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the directory, or makes it (mode 0700) if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`](crate::ErrorKind::Setup) if account or region are not the directory's, if
    /// the directory holds something else, or is locked by another process for half a minute; the
    /// root key's own. Nothing is made then.
    pub async fn open(self) -> Result<DataDirectory, Error> {
        self.open_locked().await.map(|(directory, _)| directory)
    }

    /// As [`open`](Self::open), with the lock on the directory: until it is dropped, no other
    /// process can start on the directory or add a strongroom to it.
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
            // Lists what an older copy of the manifest does not, so that it is not made anew either
            // if it is lost.
            found.iter().for_each(|realm| manifest.add(realm));
        }
        if new || manifest != before {
            layout.write(&lock, &manifest)?;
        }
        let root = self.load_key(new)?;
        Ok((DataDirectory::of(layout, root, manifest, new, &lock)?, lock))
    }

    /// Reads the root key, once. Makes it only if nothing was ever kept.
    fn load_key(&self, new: bool) -> Result<RootKey, Error> {
        let key = match &self.key {
            None => {
                return Err(setup("say what opens the directory: call root_key_file(..) or root_key(..)"));
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

    /// The home of a data directory that is older than manifests: the strongroom that has the
    /// owner's access keys.
    async fn adopted(&self, layout: &Layout, root: &RootKey, found: &[Realm]) -> Result<Realm, Error> {
        let (account, region) = (self.account, self.region.as_ref());
        let mut homes = Vec::new();
        for realm in found {
            if self.has_owner(&layout.of(realm), root, realm).await? {
                homes.push(realm.clone());
            }
        }
        let asked = |home: &&Realm| {
            account.is_none_or(|account| account == home.account())
                && region.is_none_or(|region| region == home.region())
        };
        // Without any key, such as after all were revoked, it is the one that was named, or the only
        // one.
        if homes.is_empty() {
            homes.extend(
                found.iter().filter(|_| found.len() == 1 || (account.is_some() && region.is_some())).cloned(),
            );
        }
        match (homes.as_slice(), homes.iter().filter(asked).collect::<Vec<_>>().as_slice()) {
            ([home], []) => Err(setup(format!(
                "the data directory belongs to account {} and identity region {}; leave --account and --region out",
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
