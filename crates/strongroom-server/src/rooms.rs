//! The strongrooms behind the server: one for each account and region.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use strongroom::{AccountId, Clock, Error, Realm, RootKey, Strongroom};
use tokio::sync::Mutex;

/// Where strongrooms are kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Memory,
    Directory { data: PathBuf, root_key: PathBuf },
}

/// All strongrooms of a server. They are opened when they are first asked for.
pub(crate) struct Rooms {
    place: Place,
    /// Whose the server is, and where what belongs to no region is kept.
    home: Realm,
    clock: Arc<dyn Clock>,
    open: RwLock<HashMap<Realm, Strongroom>>,
    opening: Mutex<()>,
}

impl Rooms {
    pub(crate) fn new(place: Place, home: Realm, clock: Arc<dyn Clock>) -> Self {
        Self { place, home, clock, open: RwLock::default(), opening: Mutex::default() }
    }

    pub(crate) fn home(&self) -> &Realm {
        &self.home
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.place, Place::Memory)
    }

    fn known(&self, realm: &Realm) -> Option<Strongroom> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(realm).cloned()
    }

    /// The room that keeps the identities of an account.
    pub(crate) async fn home_of(&self, account: AccountId) -> Result<Strongroom, Error> {
        self.room(&Realm::new(account, self.home.region().clone())).await
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
                None => self.keep(&home, None).await?,
            })
        };
        self.keep(realm, directory.as_ref()).await
    }

    async fn keep(&self, realm: &Realm, directory: Option<&Strongroom>) -> Result<Strongroom, Error> {
        let mut builder = Strongroom::builder()
            .clock(Arc::clone(&self.clock))
            .account(realm.account())
            .region(realm.region().clone());
        if let Some(directory) = directory {
            builder = builder.identities_of(directory);
        }
        builder = match &self.place {
            Place::Memory => builder.memory().root_key(RootKey::from_bytes(random()?)),
            Place::Directory { data, root_key } => builder
                .directory(data.join(realm.account().as_str()).join(realm.region().as_str()))
                .root_key(RootKey::file_or_create(root_key)?),
        };
        let room = builder.open().await?;
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(realm.clone(), room.clone());
        Ok(room)
    }

    /// Forgets all rooms, which are gone with that: only of rooms in memory.
    pub(crate) fn forget(&self) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn random() -> Result<[u8; 32], Error> {
    strongroom_envelope::random_array().map_err(|error| {
        strongroom_store::Error::new(strongroom_store::ErrorKind::Internal, "no random bytes")
            .because(error)
            .into()
    })
}
