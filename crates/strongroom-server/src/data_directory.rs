//! The data directory: which strongrooms it must hold, and which account and region it belongs to.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom::root::UnknownMembers;
use strongroom::{AccountId, Error, ErrorKind as Kind, Realm, Region, RootKey};
use strongroom_types::hex;

use crate::private_file;

/// The manifest: what the directory records about itself.
const MANIFEST: &str = "strongroom.json";
/// A process locks this file while it starts on the directory or adds a strongroom to it.
const LOCK: &str = "lock";
/// A strongroom's database inside its directory.
const DATABASE: &str = "records.sqlite3";
/// How long another process may hold the lock; opening a strongroom takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the lock is tried.
const TRY: Duration = Duration::from_millis(10);

/// A directory with a strongroom for each account and region, below `ACCOUNT/REGION`.
///
/// A manifest lists them. It is written first, with an empty list. A strongroom is added after it
/// is made and before anything in it is acknowledged. So one that is listed but missing has been
/// lost, and the server never makes it anew; what a killed start left behind is not listed.
#[derive(Clone, Debug)]
pub(crate) struct DataDirectory(PathBuf);

/// Which account and region a data directory belongs to, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// Made with the directory: another directory at the same path has another id.
    id: String,
    account: String,
    /// The region whose strongroom keeps the identities of all of them.
    identity_region: String,
    /// `ACCOUNT/REGION` of each strongroom.
    strongrooms: BTreeSet<String>,
    #[serde(flatten)]
    unknown: UnknownMembers,
}

/// One process's turn on the directory. Dropping it ends the turn.
#[derive(Debug)]
pub(crate) struct Turn {
    _locked: File,
}

pub(crate) fn setup(text: impl Into<String>) -> Error {
    Error::new(Kind::Setup, text.into())
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    setup(format!("{what} {}: {error}", path.display())).because(error)
}

fn name(realm: &Realm) -> String {
    format!("{}/{}", realm.account(), realm.region())
}

impl Manifest {
    const FORMAT: u32 = 1;

    pub(crate) fn new(home: &Realm) -> Result<Self, Error> {
        let id = strongroom_envelope::random_array::<16>()
            .map_err(|error| setup("the operating system returned no random bytes").because(error))?;
        Ok(Self {
            format: Self::FORMAT,
            id: hex(&id),
            account: home.account().to_string(),
            identity_region: home.region().to_string(),
            strongrooms: BTreeSet::new(),
            unknown: UnknownMembers::default(),
        })
    }

    /// Whether this is a later state of the same directory's manifest.
    pub(crate) fn is_of_the_same(&self, other: &Self) -> bool {
        (&self.id, &self.account, &self.identity_region)
            == (&other.id, &other.account, &other.identity_region)
    }

    /// Whether nothing was ever kept in the directory: its first start did not finish.
    pub(crate) fn is_empty(&self) -> bool {
        self.strongrooms.is_empty()
    }

    pub(crate) fn home(&self) -> Result<Realm, Error> {
        let damaged = |error| setup("the data directory's manifest is damaged").because(error);
        let account = AccountId::parse(&self.account).map_err(damaged)?;
        Ok(Realm::new(account, Region::parse(&self.identity_region).map_err(damaged)?))
    }

    pub(crate) fn lists(&self, realm: &Realm) -> bool {
        self.strongrooms.contains(&name(realm))
    }

    pub(crate) fn add(&mut self, realm: &Realm) {
        self.strongrooms.insert(name(realm));
    }

    /// Checks that account and region, where given, are the directory's.
    pub(crate) fn check(&self, account: Option<AccountId>, region: Option<&Region>) -> Result<(), Error> {
        let differs = |what: &str, has: &str, asked: &str| {
            Err(setup(format!(
                "the data directory belongs to {what} {has}, not {asked}; leave the option out, or use another data directory"
            )))
        };
        if let Some(account) = account.filter(|account| account.as_str() != self.account) {
            return differs("account", &self.account, account.as_str());
        }
        match region.filter(|region| region.as_str() != self.identity_region) {
            Some(region) => differs("identity region", &self.identity_region, region.as_str()),
            None => Ok(()),
        }
    }
}

impl DataDirectory {
    /// Opens the directory. Unless it must exist, makes it (mode 0700) if it does not.
    pub(crate) fn open(path: &Path, existing: bool) -> Result<Self, Error> {
        let path = std::path::absolute(path).map_err(|error| failed("the data directory", path, error))?;
        if !path.is_dir() {
            if existing {
                return Err(setup(format!("there is no data directory at {}", path.display())));
            }
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder
                .create(&path)
                .map_err(|error| failed("the data directory cannot be made:", &path, error))?;
        }
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the strongroom of a realm is.
    pub(crate) fn of(&self, realm: &Realm) -> PathBuf {
        self.0.join(realm.account().as_str()).join(realm.region().as_str())
    }

    /// Whether the database of a realm exists.
    pub(crate) fn holds(&self, realm: &Realm) -> bool {
        self.of(realm).join(DATABASE).is_file()
    }

    /// Waits for the other processes that start on the directory or add to it.
    pub(crate) async fn turn(&self) -> Result<Turn, Error> {
        let path = self.0.join(LOCK);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| failed("the lock", &path, error))?;
        private_file::give_to_owner_of(&self.0, &file);
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Turn { _locked: file }),
                Err(fs::TryLockError::WouldBlock) if waited < PATIENCE => {
                    tokio::time::sleep(TRY).await;
                    waited += TRY;
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(setup(format!("another process holds the lock {}", path.display())));
                }
                Err(fs::TryLockError::Error(error)) => return Err(failed("the lock", &path, error)),
            }
        }
    }

    /// Reads the manifest; `None` if the directory is new, or older than manifests.
    pub(crate) fn manifest(&self, _turn: &Turn) -> Result<Option<Manifest>, Error> {
        let path = self.0.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("the manifest", &path, error)),
        };
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| setup(format!("{} is not readable", path.display())).because(error))?;
        if manifest.format != Manifest::FORMAT {
            let text = format!("{} was written by a newer version of Strongroom", path.display());
            return Err(setup(text));
        }
        Ok(Some(manifest))
    }

    /// Writes a manifest to the disk, whole or not at all.
    pub(crate) fn write(&self, _turn: &Turn, manifest: &Manifest) -> Result<(), Error> {
        let text =
            serde_json::to_vec_pretty(manifest).map_err(|error| setup("the manifest").because(error))?;
        let path = self.0.join(MANIFEST);
        private_file::replace(&path, &text)
            .map_err(|error| failed("the manifest cannot be written:", &path, error))
    }

    /// The strongrooms that exist, listed or not. A directory that cannot be read is an error, not
    /// an empty one.
    pub(crate) fn found(&self) -> Result<Vec<Realm>, Error> {
        let mut found = Vec::new();
        for account in names(&self.0)? {
            let Ok(id) = AccountId::parse(&account) else { continue };
            for region in names(&self.0.join(&account))? {
                let Ok(region) = Region::parse(&region) else { continue };
                let realm = Realm::new(id, region);
                // Any file of a database counts, even a log alone.
                let traces = names(&self.of(&realm))?.iter().any(|name| name.starts_with(DATABASE));
                found.extend(traces.then_some(realm));
            }
        }
        Ok(found)
    }

    /// Refuses to start afresh in a directory that holds anything: it may be what is left of a lost
    /// strongroom.
    pub(crate) fn refuse_unless_empty(&self) -> Result<(), Error> {
        // Allowed are what comes with a volume, and what is made before the manifest is in place.
        let manifest = self.0.join(MANIFEST);
        let plain = |name: &&String| {
            let usual = name.starts_with('.') || matches!(name.as_str(), LOCK | "lost+found");
            !usual && !private_file::is_prepared_for(&manifest, name)
        };
        match names(&self.0)?.iter().find(plain) {
            Some(other) => Err(setup(format!(
                "{} holds {other} but no strongroom: restore it from a backup, or use an empty directory to start afresh",
                self.0.display()
            ))),
            None => Ok(()),
        }
    }
}

/// Reads the root key, once. Makes it only if nothing was ever kept.
pub(crate) fn root_key(path: &Path, shared: bool, new: bool) -> Result<RootKey, Error> {
    let key = match (shared, new) {
        (true, _) => RootKey::shared_file(path)?,
        (false, true) => RootKey::file_or_create(path)?,
        (false, false) => RootKey::file(path)?,
    };
    Ok(key.load()?)
}

/// The names in a directory; empty if there is no directory.
fn names(place: &Path) -> Result<Vec<String>, Error> {
    let read = || -> std::io::Result<Vec<String>> {
        if !place.is_dir() {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(place)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    };
    read().map_err(|error| failed("the data directory", place, error))
}
