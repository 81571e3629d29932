//! The strongrooms behind the server: one for each account and region.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use strongroom::{AccountId, Clock, Error, Realm, Region, RootKey, Strongroom};
use tokio::sync::Mutex;

use crate::across::Accounts;
use crate::data_directory::{DataDirectory, Manifest, Turn, root_key, setup};

/// Where strongrooms are kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Memory,
    Directory { data: PathBuf, root_key: PathBuf, shared_key: bool },
}

/// Where the rooms are kept while the server runs.
enum Storage {
    Memory,
    Directory(Box<Kept>),
}

/// A data directory, the root key as it was at the start, and what the directory holds.
struct Kept {
    data: DataDirectory,
    root: RootKey,
    manifest: Mutex<Manifest>,
}

/// All strongrooms of a server. They are opened when they are first asked for.
pub(crate) struct Rooms {
    storage: Storage,
    /// Whose the server is, and where what belongs to no region is kept.
    home: Realm,
    clock: Arc<dyn Clock>,
    open: RwLock<HashMap<Realm, Strongroom>>,
    opening: Mutex<()>,
    /// For the rooms, which ask for the directories of each other's accounts.
    me: Weak<Self>,
}

/// The rooms that a server starts with, and its turn among the processes that start.
pub(crate) struct Starting {
    pub(crate) rooms: Arc<Rooms>,
    /// Whether nothing was there before.
    pub(crate) new: bool,
    pub(crate) turn: Option<Turn>,
}

impl Rooms {
    /// Finds out what exists. `account` and `region`, where given, must match it; they also say
    /// what a new place belongs to.
    pub(crate) async fn start(
        place: Place,
        existing: bool,
        account: Option<AccountId>,
        region: Option<Region>,
        clock: Arc<dyn Clock>,
    ) -> Result<Starting, Error> {
        let asked = Realm::new(account.unwrap_or(AccountId::DEFAULT), region.clone().unwrap_or_default());
        let Place::Directory { data, root_key: key, shared_key } = place else {
            let rooms = Self::over(Storage::Memory, asked, clock);
            return Ok(Starting { rooms, new: true, turn: None });
        };
        let data = DataDirectory::open(&data, existing)?;
        let turn = data.turn().await?;
        let found = data.found()?;
        let mut manifest = match data.manifest(&turn)? {
            Some(manifest) => {
                manifest.check(account, region.as_ref())?;
                manifest
            }
            None if found.is_empty() => {
                data.refuse_unless_empty()?;
                Manifest::new(&asked)?
            }
            None => {
                let root = root_key(&key, shared_key, false)?;
                Manifest::new(&adopted(&data, &root, &found, account, region.as_ref(), &clock).await?)?
            }
        };
        let new =
            manifest.is_empty() && found.iter().all(|realm| manifest.home().is_ok_and(|home| home == *realm));
        if new && existing {
            return Err(setup(format!("there is no strongroom in {}", data.path().display())));
        }
        let before = manifest.clone();
        if !new {
            // Lists what an older copy of the manifest does not, so that it is not made anew either
            // if it is lost.
            found.iter().for_each(|realm| manifest.add(realm));
        }
        if new || manifest != before {
            data.write(&turn, &manifest)?;
        }
        let home = manifest.home()?;
        let root = root_key(&key, shared_key, new)?;
        if new {
            tracing::info!(directory = %data.path().display(), "a new data directory");
        }
        let kept = Kept { data, root, manifest: Mutex::new(manifest) };
        let rooms = Self::over(Storage::Directory(Box::new(kept)), home, clock);
        let home = rooms.home.clone();
        rooms.keep(&home, None, Some(&turn)).await?;
        Ok(Starting { rooms, new, turn: Some(turn) })
    }

    fn over(storage: Storage, home: Realm, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            storage,
            home,
            clock,
            open: RwLock::default(),
            opening: Mutex::default(),
            me: Weak::clone(me),
        })
    }

    pub(crate) fn home(&self) -> &Realm {
        &self.home
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.storage, Storage::Memory)
    }

    /// The room if it is open.
    pub(crate) fn known(&self, realm: &Realm) -> Option<Strongroom> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(realm).cloned()
    }

    /// The room of the server's own account that keeps its identities.
    pub(crate) async fn home_room(&self) -> Result<Strongroom, Error> {
        self.room(&self.home).await
    }

    /// The room that keeps the identities of an account.
    pub(crate) async fn home_of(&self, account: AccountId) -> Result<Strongroom, Error> {
        self.room(&Realm::new(account, self.home.region().clone())).await
    }

    /// The room of an account and region, with its account's directory, if it exists. Never makes
    /// one.
    pub(crate) async fn existing(&self, realm: &Realm) -> Result<Option<Strongroom>, Error> {
        if let Some(room) = self.known(realm) {
            return Ok(Some(room));
        }
        let home = Realm::new(realm.account(), self.home.region().clone());
        if !(self.is_kept(&home).await && self.is_kept(realm).await) {
            return Ok(None);
        }
        self.room(realm).await.map(Some)
    }

    /// Whether there is a room on the disk, or has been: one that is listed but gone is an error when
    /// it is opened, and not a room that never was.
    async fn is_kept(&self, realm: &Realm) -> bool {
        match &self.storage {
            Storage::Memory => self.known(realm).is_some(),
            Storage::Directory(kept) => kept.data.holds(realm) || kept.manifest.lock().await.lists(realm),
        }
    }

    /// The accounts that have a directory of users and roles: those that are open before those that
    /// are not.
    pub(crate) fn accounts(&self) -> Vec<AccountId> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let homes = open.keys().filter(|realm| realm.region() == self.home.region());
        let mut found: Vec<AccountId> = homes.map(Realm::account).collect();
        drop(open);
        if let Storage::Directory(kept) = &self.storage {
            let names = std::fs::read_dir(kept.data.path()).into_iter().flatten().flatten();
            let names = names.filter_map(|entry| AccountId::parse(entry.file_name().to_str()?).ok());
            for account in names {
                let home = Realm::new(account, self.home.region().clone());
                if !found.contains(&account) && kept.data.holds(&home) {
                    found.push(account);
                }
            }
        }
        found
    }

    /// An empty, temporary room for one request, with the users and roles of its account if there
    /// are any.
    async fn passing(&self, realm: &Realm) -> Result<Strongroom, Error> {
        let home = Realm::new(realm.account(), self.home.region().clone());
        let mut builder = self.builder(realm).memory().root_key(RootKey::from_bytes(random()?));
        if home != *realm
            && let Some(home) = self.existing(&home).await?
        {
            builder = builder.identities_of(&home);
        }
        builder.open().await
    }

    /// The room of an account and region; if there is none yet, an empty, temporary one and `true`.
    /// What the temporary room refuses, a new room would refuse too, and only a request that
    /// succeeds makes one: see `Server::run_first`.
    pub(crate) async fn room_or_passing(&self, realm: &Realm) -> Result<(Strongroom, bool), Error> {
        match self.existing(realm).await? {
            Some(room) => Ok((room, false)),
            None => Ok((self.passing(realm).await?, true)),
        }
    }

    fn builder(&self, realm: &Realm) -> strongroom::Builder {
        Strongroom::builder()
            .clock(Arc::clone(&self.clock))
            .account(realm.account())
            .region(realm.region().clone())
            .other_accounts(Arc::new(Accounts(Weak::clone(&self.me))))
    }

    /// The room of an account and region. All rooms of an account have one directory of users and roles.
    pub(crate) async fn room(&self, realm: &Realm) -> Result<Strongroom, Error> {
        if let Some(room) = self.known(realm) {
            return Ok(room);
        }
        let _turn = self.opening.lock().await;
        if let Some(room) = self.known(realm) {
            return Ok(room);
        }
        let directory = if realm.region() == self.home.region() {
            None
        } else {
            let home = Realm::new(realm.account(), self.home.region().clone());
            Some(match self.known(&home) {
                Some(home) => home,
                None => self.keep(&home, None, None).await?,
            })
        };
        self.keep(realm, directory.as_ref(), None).await
    }

    async fn keep(
        &self,
        realm: &Realm,
        directory: Option<&Strongroom>,
        turn: Option<&Turn>,
    ) -> Result<Strongroom, Error> {
        let mut builder = self.builder(realm);
        if let Some(directory) = directory {
            builder = builder.identities_of(directory);
        }
        let room = match &self.storage {
            Storage::Memory => builder.memory().root_key(RootKey::from_bytes(random()?)).open().await?,
            Storage::Directory(kept) => {
                let Kept { data, root, manifest } = &**kept;
                let builder = builder.directory(data.of(realm)).root_key(root.duplicate());
                let mut manifest = manifest.lock().await;
                if manifest.lists(realm) {
                    builder.existing().open().await?
                } else {
                    // Another process may add rooms too; what it has listed since is kept.
                    let own;
                    let turn = match turn {
                        Some(turn) => turn,
                        None => {
                            own = data.turn().await?;
                            &own
                        }
                    };
                    // The directory may have been removed or replaced since this server started. A
                    // room made in another directory would be under a root key that its owner does
                    // not have.
                    let mut next = match data.manifest(turn)? {
                        Some(now) if now.is_of_the_same(&manifest) => now,
                        _ => {
                            let path = data.path().display();
                            let text = format!(
                                "the data directory {path} was removed or replaced while the server was running"
                            );
                            return Err(setup(text));
                        }
                    };
                    let builder = if next.lists(realm) { builder.existing() } else { builder };
                    let room = builder.open().await?;
                    next.add(realm);
                    data.write(turn, &next)?;
                    *manifest = next;
                    room
                }
            }
        };
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(realm.clone(), room.clone());
        Ok(room)
    }

    /// Forgets all rooms, which are gone with that: only of rooms in memory.
    pub(crate) fn forget(&self) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The home of a data directory that is older than manifests: the strongroom that has the owner's
/// access keys.
async fn adopted(
    data: &DataDirectory,
    root: &RootKey,
    found: &[Realm],
    account: Option<AccountId>,
    region: Option<&Region>,
    clock: &Arc<dyn Clock>,
) -> Result<Realm, Error> {
    let mut homes = Vec::new();
    for realm in found {
        let builder = Strongroom::builder().clock(Arc::clone(clock)).existing();
        let builder = builder.account(realm.account()).region(realm.region().clone());
        let room = builder.directory(data.of(realm)).root_key(root.duplicate()).open().await?;
        let keys = room.iam().directory()?.owner_access_keys(room.context()).await?;
        homes.extend((!keys.is_empty()).then(|| realm.clone()));
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
            data.path().display(),
            found.iter().map(|realm| format!("{realm}")).collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn random() -> Result<[u8; 32], Error> {
    strongroom_envelope::random_array().map_err(|error| {
        strongroom_store::Error::new(strongroom_store::ErrorKind::Internal, "no random bytes")
            .because(error)
            .into()
    })
}
