//! Opens the strongrooms that a server serves.

use std::path::PathBuf;
use std::sync::Arc;

use strongroom::strongrooms::{DataDirectory, DirectoryLock, MemoryRealms, Regions, Strongrooms};
use strongroom::{AccountId, Clock, Error, Realm, Region, SystemClock};

use crate::setup::setup;

/// Where strongrooms are stored.
#[derive(Debug)]
pub(crate) enum Place {
    Memory,
    Directory { data: PathBuf, root_key: PathBuf, shared_key: bool },
    Given(Strongrooms),
}

/// A builder's settings for the strongrooms.
pub(crate) struct Opening {
    pub(crate) place: Place,
    pub(crate) account: Option<AccountId>,
    pub(crate) region: Option<Region>,
    pub(crate) regions: Option<Regions>,
    pub(crate) existing: bool,
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

/// The opened strongrooms.
pub(crate) struct Starting {
    pub(crate) rooms: Strongrooms,
    /// What a reset empties.
    pub(crate) memory: Option<MemoryRealms>,
    /// Whether nothing was stored before.
    pub(crate) new: bool,
    /// While it is held, no other process can start on the same directory.
    pub(crate) lock: Option<DirectoryLock>,
}

impl Opening {
    /// Opens the storage and the strongroom that stores the identities.
    pub(crate) async fn start(self) -> Result<Starting, Error> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let builder = Strongrooms::builder().clock(Arc::clone(&clock)).most_open(open_rooms());
        let builder = match self.regions {
            Some(regions) => builder.regions(regions),
            None => builder,
        };
        match self.place {
            Place::Given(rooms) => {
                let home = rooms.home();
                let other = self.account.is_some_and(|account| account != home.account())
                    || self.region.is_some_and(|region| region != *home.region());
                if other {
                    return Err(setup(format!(
                        "the strongrooms have a different account or identity region: {home}"
                    )));
                }
                Ok(Starting { rooms, memory: None, new: false, lock: None })
            }
            Place::Memory => {
                let account = self.account.unwrap_or(AccountId::DEFAULT);
                let home = Realm::new(account, self.region.unwrap_or_default());
                let memory = MemoryRealms::new();
                let rooms = builder.records(Arc::new(memory.clone())).home(home).open().await?;
                Ok(Starting { rooms, memory: Some(memory), new: true, lock: None })
            }
            Place::Directory { data, root_key, shared_key } => {
                let mut options = DataDirectory::at(data).root_key_file(root_key).clock(clock);
                if shared_key {
                    options = options.shared_root_key();
                }
                if self.existing {
                    options = options.existing();
                }
                if let Some(account) = self.account {
                    options = options.account(account);
                }
                if let Some(region) = self.region {
                    options = options.region(region);
                }
                let (data, lock) = options.open_locked().await?;
                if data.is_new() {
                    tracing::info!(directory = %data.path().display(), "created a data directory");
                }
                let rooms = builder.directory(&data).open().await?;
                Ok(Starting { rooms, memory: None, new: data.is_new(), lock: Some(lock) })
            }
        }
    }
}

/// The maximum number of open strongrooms. Connections leave a quarter of the process's open files
/// to strongrooms.
fn open_rooms() -> usize {
    /// The open files of one strongroom under load: the database, its log, and connections.
    const FILES: usize = 16;
    const MOST: usize = 256;
    #[cfg(unix)]
    {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        (files / 4 / FILES).clamp(4, MOST)
    }
    #[cfg(not(unix))]
    MOST
}
