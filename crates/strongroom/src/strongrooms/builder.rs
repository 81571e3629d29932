//! Builds the strongrooms of a process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use strongroom_root::RootKey;
use strongroom_store::SecretAdmin;
use strongroom_types::{Clock, Realm, SystemClock};

#[cfg(feature = "sqlite")]
use super::data_directory::DataDirectory;
use super::memory_realms::MemoryRealms;
use super::open_rooms::OpenRooms;
use super::realms::{Configure, Front, Parts, Strongrooms};
use super::records_for::RecordsFor;
use super::regions::Regions;
use crate::{Builder, Error, ErrorKind, Strongroom};

/// The default maximum number of open strongrooms.
const MOST_OPEN: usize = 256;
/// The default time that an unused strongroom stays open.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// Configures [`Strongrooms`]: where they are stored and what they have in common. Created by
/// [`Strongrooms::builder`].
pub struct StrongroomsBuilder {
    records: Option<Arc<dyn RecordsFor>>,
    root: Option<RootKey>,
    home: Realm,
    regions: Option<Regions>,
    clock: Arc<dyn Clock>,
    configure: Option<Configure>,
    front: Option<Front>,
    own: Vec<Strongroom>,
    most_open: usize,
    idle: Duration,
}

impl fmt::Debug for StrongroomsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrongroomsBuilder")
            .field("records", &self.records)
            .field("home", &self.home)
            .field("regions", &self.regions)
            .finish_non_exhaustive()
    }
}

impl Strongrooms {
    /// Creates a builder. A process usually needs one [`Strongrooms`].
    #[must_use]
    pub fn builder() -> StrongroomsBuilder {
        StrongroomsBuilder {
            records: None,
            root: None,
            home: Realm::default(),
            regions: None,
            clock: Arc::new(SystemClock),
            configure: None,
            front: None,
            own: Vec::new(),
            most_open: MOST_OPEN,
            idle: IDLE,
        }
    }
}

impl StrongroomsBuilder {
    /// Stores everything in memory, lost with the last handle. Needs no root key.
    #[must_use]
    pub fn memory(self) -> Self {
        self.records(Arc::new(MemoryRealms::new()))
    }

    /// Stores each strongroom in a SQLite file of this directory, with the directory's root key and
    /// home.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn directory(self, data: &DataDirectory) -> Self {
        let home = data.home().clone();
        self.records(Arc::new(data.clone())).root_key(data.root_key()).home(home)
    }

    /// Stores each strongroom in custom storage.
    #[must_use]
    pub fn records(mut self, records: Arc<dyn RecordsFor>) -> Self {
        self.records = Some(records);
        self
    }

    /// Sets the root key of every strongroom. Default: a new random key, which cannot open anything
    /// again after the process ends.
    #[must_use]
    pub fn root_key(mut self, root: impl Into<RootKey>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// Sets the process's account and its home region. The strongrooms in the home region store
    /// users and roles, which all regions of an account share. The home region is always served.
    /// Default: `000000000000` and `us-east-1`.
    #[must_use]
    pub fn home(mut self, home: Realm) -> Self {
        self.home = home;
        self
    }

    /// Sets the regions to serve. Default: AWS's public regions and those that already have a
    /// strongroom.
    #[must_use]
    pub fn regions(mut self, regions: Regions) -> Self {
        self.regions = Some(regions);
        self
    }

    /// Sets the clock. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Configures each strongroom's builder, for example with [`Builder::kms`], [`Builder::limits`]
    /// or [`Builder::provider`]. Storage, root key, realm and identities are set afterwards and
    /// cannot be changed here.
    #[must_use]
    pub fn configure(
        mut self,
        configure: impl Fn(Builder, &Realm) -> Builder + Send + Sync + 'static,
    ) -> Self {
        self.configure = Some(Arc::new(configure));
        self
    }

    /// Puts a store in front of each strongroom's secrets, such as a cache:
    /// `.front(move |room| Ok(room.cached_with(policy.clone(), None)?.room().store()))`.
    #[must_use]
    pub fn front(
        mut self,
        front: impl Fn(&Strongroom) -> Result<Arc<dyn SecretAdmin>, Error> + Send + Sync + 'static,
    ) -> Self {
        self.front = Some(Arc::new(front));
        self
    }

    /// Uses this strongroom for its realm: one that the program opened itself, or a
    /// [`Strongroom::over`] a custom store. It stays open, and its region is served. A strongroom
    /// over a custom store has no users and roles, so they are stored separately, even in the home
    /// region.
    #[must_use]
    pub fn room(mut self, room: Strongroom) -> Self {
        self.own.retain(|other| other.realm() != room.realm());
        self.own.push(room);
        self
    }

    /// Sets the maximum number of open strongrooms, at least two. Beyond it, the least recently
    /// used one is closed. Default: 256.
    #[must_use]
    pub fn most_open(mut self, most: usize) -> Self {
        self.most_open = most;
        self
    }

    /// Sets how long an unused strongroom stays open. Default: 15 minutes.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Opens the home strongroom, or creates it.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if no storage is configured. Also as [`Builder::open`].
    pub async fn open(self) -> Result<Strongrooms, Error> {
        let records = self.records.ok_or_else(|| {
            let text = "no storage is configured: call directory(..), memory() or records(..)";
            Error::new(ErrorKind::Setup, text)
        })?;
        let root = match self.root {
            Some(root) => root.load()?,
            None => RootKey::generate()?,
        };
        let regions = match self.regions {
            Some(regions) => regions,
            None => {
                let kept = records.realms().await?;
                Regions::aws().with(kept.into_iter().map(|realm| realm.region().clone()))
            }
        };
        let parts = Parts {
            records,
            root,
            home: self.home,
            regions,
            clock: self.clock,
            configure: self.configure,
            front: self.front,
            own: self.own,
            open: OpenRooms::new(self.most_open, self.idle),
        };
        Strongrooms::open(parts).await
    }
}
