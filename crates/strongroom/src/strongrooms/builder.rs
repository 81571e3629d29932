//! Making the strongrooms of a process.

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

/// The most strongrooms open at once, by default.
const MOST_OPEN: usize = 256;
/// How long a strongroom stays open unused, by default.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// Says where the strongrooms of a process are kept and what they have in common. Made by
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
    /// Begins to open the strongrooms of a process.
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
    /// Keeps everything in memory, lost with the last handle. Needs no root key.
    #[must_use]
    pub fn memory(self) -> Self {
        self.records(Arc::new(MemoryRealms::new()))
    }

    /// Keeps each strongroom in a SQLite file of this directory, under the directory's root key and
    /// with the directory's home.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn directory(self, data: &DataDirectory) -> Self {
        let home = data.home().clone();
        self.records(Arc::new(data.clone())).root_key(data.root_key()).home(home)
    }

    /// Keeps each strongroom in storage of your own.
    #[must_use]
    pub fn records(mut self, records: Arc<dyn RecordsFor>) -> Self {
        self.records = Some(records);
        self
    }

    /// What opens every strongroom. Default: a fresh key, which fits nothing that outlives the
    /// process.
    #[must_use]
    pub fn root_key(mut self, root: impl Into<RootKey>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// The account of the process and the region whose strongrooms keep users and roles: those of an
    /// account are the same in all its regions. Default: `000000000000` and `us-east-1`. The home
    /// region is always served.
    #[must_use]
    pub fn home(mut self, home: Realm) -> Self {
        self.home = home;
        self
    }

    /// The regions that are served. Default: AWS's public regions and those in which there already
    /// is a strongroom.
    #[must_use]
    pub fn regions(mut self, regions: Regions) -> Self {
        self.regions = Some(regions);
        self
    }

    /// Where the time comes from. Default: the operating system.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How each strongroom is opened: [`Builder::kms`], [`Builder::limits`], [`Builder::provider`].
    /// Storage, root key, realm and directory are set afterwards and cannot be changed here.
    #[must_use]
    pub fn configure(
        mut self,
        configure: impl Fn(Builder, &Realm) -> Builder + Send + Sync + 'static,
    ) -> Self {
        self.configure = Some(Arc::new(configure));
        self
    }

    /// What stands in front of each strongroom's secrets, such as a cache:
    /// `.front(|room| Ok(room.cached_with(policy.clone(), None)?.room().store()))`.
    #[must_use]
    pub fn front(
        mut self,
        front: impl Fn(&Strongroom) -> Result<Arc<dyn SecretAdmin>, Error> + Send + Sync + 'static,
    ) -> Self {
        self.front = Some(Arc::new(front));
        self
    }

    /// Answers for the realm of this strongroom with it: one that was opened otherwise, or
    /// [`Strongroom::over`] a store of your own. It stays open, and its region is served. Users and
    /// roles are looked up in a strongroom of one's own all the same.
    #[must_use]
    pub fn room(mut self, room: Strongroom) -> Self {
        self.own.retain(|other| other.realm() != room.realm());
        self.own.push(room);
        self
    }

    /// The most strongrooms open at once, two at least. If there are more, the one that was not used
    /// for longest is closed. Default: 256.
    #[must_use]
    pub fn most_open(mut self, most: usize) -> Self {
        self.most_open = most;
        self
    }

    /// How long a strongroom stays open unused. Default: fifteen minutes.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Opens the home, or makes it if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if it was not said where the strongrooms are kept; as
    /// [`Builder::open`].
    pub async fn open(self) -> Result<Strongrooms, Error> {
        let records = self.records.ok_or_else(|| {
            let text = "say where the strongrooms are kept: call directory(..), memory() or records(..)";
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
