//! The strongrooms of a process.

use std::fmt;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use strongroom_iam::{Iam, OtherAccounts};
use strongroom_records::{MemoryRecords, Records};
use strongroom_root::{ErrorKind as Root, RootKey, TrustedRecords};
use strongroom_store::SecretAdmin;
use strongroom_types::{AccountId, Clock, Realm, Region};
use tokio::sync::Mutex;

use super::empty_room::{EmptyRoom, Lookup, Permits, throttled};
use super::open_rooms::{OpenRooms, close_aside};
use super::records_for::RecordsFor;
use super::regions::Regions;
use crate::builder::no_store;
use crate::room::{Own as _, fronted_by};
use crate::{Builder, Error, ErrorKind, Housekeeper, HousekeepingEvent, Maintained, Strongroom};

/// Configures the builder of each strongroom.
pub(super) type Configure = Arc<dyn Fn(Builder, &Realm) -> Builder + Send + Sync>;
/// Creates the store in front of each strongroom.
pub(super) type Front = Arc<dyn Fn(&Strongroom) -> Result<Arc<dyn SecretAdmin>, Error> + Send + Sync>;

/// The strongrooms of a process, one per account and region, opened on demand. Clones share their
/// state. See the [module documentation](crate::strongrooms).
#[derive(Clone)]
pub struct Strongrooms {
    inner: Arc<Inner>,
}

/// The configuration of [`Strongrooms`].
pub(super) struct Parts {
    pub(super) records: Arc<dyn RecordsFor>,
    pub(super) root: RootKey,
    pub(super) home: Realm,
    pub(super) regions: Regions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) configure: Option<Configure>,
    pub(super) front: Option<Front>,
    /// Strongrooms that the program opened itself; always open.
    pub(super) own: Vec<Strongroom>,
    pub(super) open: OpenRooms,
}

struct Inner {
    parts: Parts,
    /// Ensures that one room is opened at a time, so that none is opened twice.
    opening: Mutex<()>,
    empty: Permits,
    /// Of all strongrooms that are opened here. As old as this, so that it also knows of what the
    /// clock did before a strongroom was opened.
    housekeeper: Housekeeper,
    /// For the rooms, which look up each other's accounts.
    me: Weak<Self>,
}

impl fmt::Debug for Strongrooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { records, home, regions, .. } = &self.inner.parts;
        f.debug_struct("Strongrooms")
            .field("home", home)
            .field("records", records)
            .field("regions", regions)
            .finish_non_exhaustive()
    }
}

impl Strongrooms {
    pub(super) async fn open(parts: Parts) -> Result<Self, Error> {
        let housekeeper = Housekeeper::new(Arc::clone(&parts.clock));
        let inner = Arc::new_cyclic(|me| Inner {
            parts,
            housekeeper,
            opening: Mutex::default(),
            empty: Permits::default(),
            me: Weak::clone(me),
        });
        let rooms = Self { inner };
        rooms.identities(rooms.home().account()).await?;
        Ok(rooms)
    }

    /// The process's account, and the region whose strongrooms store each account's users and
    /// roles.
    #[must_use]
    pub fn home(&self) -> &Realm {
        &self.inner.parts.home
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.parts.clock
    }

    /// The housekeeper of the strongrooms that are opened here, for [`Strongrooms::maintain`]. Its
    /// [guard over the clock](Housekeeper) also decides whether a request to one of them may purge,
    /// and [`Housekeeper::confirm_clock`] holds for all of them.
    #[must_use]
    pub fn housekeeper(&self) -> &Housekeeper {
        &self.inner.housekeeper
    }

    /// The same housekeeper. From now on it tells `tell`, instead of whoever it told before, what
    /// the owner should know.
    #[must_use]
    pub fn housekeeper_telling(
        &self,
        tell: impl Fn(&HousekeepingEvent) + Send + Sync + 'static,
    ) -> Housekeeper {
        self.inner.housekeeper.tell_to(Arc::new(tell));
        self.inner.housekeeper.clone()
    }

    /// Whether strongrooms are opened and created in this region.
    #[must_use]
    pub fn serves(&self, region: &Region) -> bool {
        let Parts { regions, home, own, .. } = &self.inner.parts;
        regions.contains(region)
            || home.region() == region
            || own.iter().any(|room| room.realm().region() == region)
    }

    /// The strongroom of a realm, if it is open. Takes a lock briefly, and never waits for storage.
    #[must_use]
    pub fn open_now(&self, realm: &Realm) -> Option<Strongroom> {
        self.inner.open_now(realm)
    }

    /// The strongroom of a realm, if it exists. Never creates one.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the region is not [served](Self::serves). `ThrottlingException` if
    /// the maximum number of strongrooms is open and all are in use. Also as [`Builder::open`].
    pub async fn existing(&self, realm: &Realm) -> Result<Option<Strongroom>, Error> {
        self.served(realm)?;
        self.inner.existing(realm).await
    }

    /// The strongroom of a realm or, if it does not exist, an empty one that answers in its place.
    /// Never creates one.
    ///
    /// # Errors
    /// As [`existing`](Self::existing). Also `ThrottlingException` for too many concurrent lookups
    /// of realms without a strongroom.
    pub async fn lookup(&self, realm: &Realm) -> Result<Lookup, Error> {
        match self.existing(realm).await? {
            Some(room) => Ok(Lookup::Kept(room)),
            None => self.inner.empty_room(realm).await.map(Lookup::Empty),
        }
    }

    /// The strongroom of a realm, created if it does not exist. Call this only after the operation
    /// that needs it was authorized: see [`EmptyRoom`].
    ///
    /// # Errors
    /// As [`existing`](Self::existing).
    pub async fn create(&self, realm: &Realm) -> Result<Strongroom, Error> {
        self.served(realm)?;
        self.inner.create(realm).await
    }

    /// The strongroom that stores an account's users and roles, created if it does not exist.
    ///
    /// # Errors
    /// As [`Builder::open`].
    pub async fn identities(&self, account: AccountId) -> Result<Strongroom, Error> {
        let home = self.inner.home_of(account);
        match self.inner.directory_now(&home) {
            Some(room) => Ok(room),
            None => self.inner.create_directory(&home).await,
        }
    }

    /// The strongroom that stores an account's users and roles or, if it does not exist, an empty
    /// one that answers in its place. Never creates one.
    ///
    /// # Errors
    /// As [`lookup`](Self::lookup).
    pub async fn lookup_identities(&self, account: AccountId) -> Result<Lookup, Error> {
        let home = self.inner.home_of(account);
        match self.inner.directory_of(&home).await? {
            Some(room) => Ok(Lookup::Kept(room)),
            None => self.inner.empty_room(&home).await.map(Lookup::Empty),
        }
    }

    /// The accounts that have users and roles. Open ones come first.
    ///
    /// # Errors
    /// If the storage cannot be read.
    pub async fn accounts(&self) -> Result<Vec<AccountId>, Error> {
        let region = self.home().region();
        let mut accounts = self.inner.parts.open.accounts_in(region);
        for realm in self.inner.parts.records.realms().await? {
            if realm.region() == region && !accounts.contains(&realm.account()) {
                accounts.push(realm.account());
            }
        }
        Ok(accounts)
    }

    /// The realms that have a strongroom, open or not, sorted.
    ///
    /// # Errors
    /// If the storage cannot be read.
    pub async fn realms(&self) -> Result<Vec<Realm>, Error> {
        let mut realms = self.inner.parts.records.realms().await?;
        realms.extend(self.inner.parts.own.iter().map(|room| room.realm().clone()));
        realms.sort_unstable();
        realms.dedup();
        Ok(realms)
    }

    /// The number of open strongrooms, not counting those that the program opened itself.
    #[must_use]
    pub fn open_rooms(&self) -> usize {
        self.inner.parts.open.len()
    }

    /// Runs one round of housekeeping: a [tick](Housekeeper::tick) for every realm that has a
    /// strongroom, including regions that are no longer served. Strongrooms that are not open are
    /// opened only for the duration. Calls `done` with each realm's result; if one fails, the
    /// others still run. Pass the same housekeeper each time, best [that of these
    /// strongrooms](Self::housekeeper): it remembers each realm's lease and the clock.
    ///
    /// # Errors
    /// If the realms cannot be listed.
    pub async fn maintain(
        &self,
        housekeeper: &Housekeeper,
        mut done: impl FnMut(&Realm, Result<Maintained, Error>) + Send,
    ) -> Result<(), Error> {
        for realm in self.realms().await? {
            let result = self.inner.maintain(housekeeper, &realm).await;
            done(&realm, result);
        }
        self.close_idle();
        Ok(())
    }

    /// Closes idle strongrooms that have no other handle, as opening a strongroom also does.
    /// Returns how many were closed.
    pub fn close_idle(&self) -> usize {
        self.inner.parts.open.close_idle(self.home())
    }

    /// Closes all strongrooms. Existing handles stay valid.
    pub fn close_all(&self) {
        self.inner.parts.open.close_all();
    }

    fn served(&self, realm: &Realm) -> Result<(), Error> {
        if self.serves(realm.region()) {
            return Ok(());
        }
        let text = format!("the region {} is not served: add it with regions(..)", realm.region());
        Err(Error::new(ErrorKind::Setup, text))
    }
}

impl Inner {
    fn home_of(&self, account: AccountId) -> Realm {
        Realm::new(account, self.parts.home.region().clone())
    }

    fn open_now(&self, realm: &Realm) -> Option<Strongroom> {
        match self.parts.own.iter().find(|room| room.realm() == realm) {
            Some(room) => Some(room.clone()),
            None => self.parts.open.get(realm),
        }
    }

    /// The room with an account's users and roles, if it is open. Never a room over a custom store,
    /// which has none.
    fn directory_now(&self, home: &Realm) -> Option<Strongroom> {
        let own = || self.parts.own.iter().find(|room| room.realm() == home && room.own("").is_ok());
        self.parts.open.get(home).or_else(|| own().cloned())
    }

    async fn existing(&self, realm: &Realm) -> Result<Option<Strongroom>, Error> {
        if let Some(room) = self.open_now(realm) {
            return Ok(Some(room));
        }
        let _turn = self.opening.lock().await;
        let home = self.home_of(realm.account());
        let Some(directory) = self.kept(&home, self.directory_now(&home), None).await? else {
            return Ok(None);
        };
        if *realm == home {
            return Ok(Some(directory));
        }
        self.kept(realm, self.open_now(realm), Some(&directory)).await
    }

    async fn create(&self, realm: &Realm) -> Result<Strongroom, Error> {
        if let Some(room) = self.open_now(realm) {
            return Ok(room);
        }
        let home = self.home_of(realm.account());
        if *realm == home {
            return self.create_directory(&home).await;
        }
        let _turn = self.opening.lock().await;
        let directory = match self.directory_now(&home) {
            Some(directory) => directory,
            None => self.made(&home, None).await?,
        };
        match self.open_now(realm) {
            Some(room) => Ok(room),
            None => self.made(realm, Some(&directory)).await,
        }
    }

    async fn create_directory(&self, home: &Realm) -> Result<Strongroom, Error> {
        let _turn = self.opening.lock().await;
        match self.directory_now(home) {
            Some(room) => Ok(room),
            None => self.made(home, None).await,
        }
    }

    /// The room of a realm, if it is open or stored.
    async fn kept(
        &self,
        realm: &Realm,
        open: Option<Strongroom>,
        directory: Option<&Strongroom>,
    ) -> Result<Option<Strongroom>, Error> {
        if open.is_some() {
            return Ok(open);
        }
        let Some(records) = self.parts.records.open(realm).await? else { return Ok(None) };
        self.parts.open.make_space(&self.parts.home).map_err(|_| throttled())?;
        let builder = self.builder(realm, directory).records(records).existing();
        self.opened(realm, builder.open().await?).map(Some)
    }

    /// Opens the room of a realm, or creates it.
    async fn made(&self, realm: &Realm, directory: Option<&Strongroom>) -> Result<Strongroom, Error> {
        if *realm != self.parts.home {
            if let Some(room) = self.kept(realm, None, directory).await? {
                return Ok(room);
            }
            self.check_root().await?;
        }
        self.parts.open.make_space(&self.parts.home).map_err(|_| throttled())?;
        let creation = self.parts.records.create(realm).await?;
        let builder = self.builder(realm, directory).records(creation.records());
        let builder = if creation.is_existing() { builder.existing() } else { builder };
        let room = builder.open().await?;
        creation.finish().await?;
        self.opened(realm, room)
    }

    /// Checks that the root key opens the home as it is stored now. If the key was removed from it
    /// while the process runs, its owner may have destroyed it: nothing new is encrypted under it.
    async fn check_root(&self) -> Result<(), Error> {
        let Parts { records, root, home, clock, .. } = &self.parts;
        // A home that the program opened itself is not stored here.
        let Some(stored) = records.open(home).await? else { return Ok(()) };
        if TrustedRecords::peek_realm(&*stored).await?.is_none() {
            return Err(no_store());
        }
        match TrustedRecords::open(stored, root.duplicate(), Some(home), &**clock).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == Root::WrongRoot => {
                let text = "the root key of this process was removed from the home strongroom, so no strongroom is created under it; restart with a root key that opens the home";
                let refused = Error::new(ErrorKind::Setup, text).with("home", home).because(error);
                Err(match records.place() {
                    Some(directory) => refused.with("directory", directory),
                    None => refused,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn opened(&self, realm: &Realm, room: Strongroom) -> Result<Strongroom, Error> {
        let room = self.fronted(room)?;
        self.parts.open.insert(realm.clone(), room.clone());
        Ok(room)
    }

    fn fronted(&self, room: Strongroom) -> Result<Strongroom, Error> {
        match &self.parts.front {
            Some(front) => {
                let store = front(&room)?;
                Ok(fronted_by(room, store))
            }
            None => Ok(room),
        }
    }

    fn builder(&self, realm: &Realm, directory: Option<&Strongroom>) -> Builder {
        let builder = Strongroom::builder().clock(Arc::clone(&self.parts.clock));
        let builder = match &self.parts.configure {
            Some(configure) => configure(builder, realm),
            None => builder,
        };
        let builder = builder
            .root_key(self.parts.root.duplicate())
            .account(realm.account())
            .region(realm.region().clone())
            .kept_by(self.housekeeper.clone())
            .other_accounts(Arc::new(Directories(Weak::clone(&self.me))));
        match directory {
            Some(directory) => builder.identities_of(directory),
            None => builder,
        }
    }

    /// An in-memory room for one request, with the users and roles of the realm's account if it has
    /// any.
    async fn empty_room(&self, realm: &Realm) -> Result<EmptyRoom, Error> {
        let permit = self.empty.one()?;
        let home = self.home_of(realm.account());
        let directory = if home == *realm { None } else { self.directory_of(&home).await? };
        let records = Arc::new(MemoryRecords::new());
        let builder = self.builder(realm, directory.as_ref());
        let builder =
            builder.root_key(RootKey::generate()?).records(Arc::clone(&records) as Arc<dyn Records>);
        let room = self.fronted(builder.open().await?)?;
        EmptyRoom::new(room, records, permit).await
    }

    /// The room with an account's users and roles, if it exists. Never creates one.
    async fn directory_of(&self, home: &Realm) -> Result<Option<Strongroom>, Error> {
        if let Some(room) = self.directory_now(home) {
            return Ok(Some(room));
        }
        let _turn = self.opening.lock().await;
        self.kept(home, self.directory_now(home), None).await
    }

    async fn maintain(&self, housekeeper: &Housekeeper, realm: &Realm) -> Result<Maintained, Error> {
        let own = self.parts.own.iter().find(|room| room.realm() == realm).cloned();
        if let Some(room) = own.or_else(|| self.parts.open.peek(realm)) {
            return housekeeper.tick(&room).await;
        }
        let Some(records) = self.parts.records.open(realm).await? else {
            return Ok(Maintained::default());
        };
        let room = self.builder(realm, None).records(records).existing().open().await?;
        let maintained = housekeeper.tick(&room).await;
        close_aside(room);
        maintained
    }
}

/// The accounts' directories, through a weak reference.
struct Directories(Weak<Inner>);

#[async_trait]
impl OtherAccounts for Directories {
    async fn directory_of(&self, account: AccountId) -> Result<Option<Iam>, strongroom_iam::Error> {
        let failed =
            |text: &'static str| strongroom_iam::Error::new(strongroom_iam::ErrorKind::Internal, text);
        let rooms = self.0.upgrade().ok_or_else(|| failed("the strongrooms are closed"))?;
        let unknown = "failed to read the directory of another account";
        let found = rooms.directory_of(&rooms.home_of(account)).await;
        match found.map_err(|error| failed(unknown).because(error))? {
            Some(room) => {
                Ok(Some(room.iam().directory().map_err(|error| failed(unknown).because(error))?.clone()))
            }
            None => Ok(None),
        }
    }
}
