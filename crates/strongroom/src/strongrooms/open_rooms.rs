//! The open strongrooms: bounded in number, and closed when idle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use strongroom_types::{AccountId, Realm, Region};

use crate::Strongroom;
use crate::room::is_shared;

/// Open rooms by realm. Removing a room closes it once its last handle is dropped.
pub(super) struct OpenRooms {
    rooms: RwLock<HashMap<Realm, Entry>>,
    most: usize,
    idle: Duration,
    began: Instant,
}

struct Entry {
    room: Strongroom,
    /// The time of last use, in milliseconds since `began`.
    used: AtomicU64,
}

/// The maximum number of rooms is open, and all are in use.
pub(super) struct Full;

impl OpenRooms {
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        Self { rooms: RwLock::default(), most: most.max(2), idle, began: Instant::now() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The room of a realm, if it is open.
    pub(super) fn get(&self, realm: &Realm) -> Option<Strongroom> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let entry = rooms.get(realm)?;
        entry.used.store(self.now(), Ordering::Relaxed);
        Some(entry.room.clone())
    }

    /// The same for housekeeping: does not count as a use.
    pub(super) fn peek(&self, realm: &Realm) -> Option<Strongroom> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        rooms.get(realm).map(|entry| entry.room.clone())
    }

    pub(super) fn insert(&self, realm: Realm, room: Strongroom) {
        let entry = Entry { room, used: AtomicU64::new(self.now()) };
        let replaced = self.write().insert(realm, entry);
        close(replaced.into_iter().collect());
    }

    /// Accounts with an open room in this region.
    pub(super) fn accounts_in(&self, region: &Region) -> Vec<AccountId> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        rooms.keys().filter(|realm| realm.region() == region).map(Realm::account).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Makes space for one more room: closes idle rooms and, if that is not enough, the least
    /// recently used one.
    pub(super) fn make_space(&self, home: &Realm) -> Result<(), Full> {
        self.close_idle(home);
        let mut rooms = self.write();
        if rooms.len() < self.most {
            return Ok(());
        }
        let oldest = rooms
            .iter()
            .filter(|(realm, entry)| may_close(&rooms, realm, entry, home))
            .min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed))
            .map(|(realm, _)| realm.clone())
            .ok_or(Full)?;
        let closed = rooms.remove(&oldest);
        drop(rooms);
        close(closed.into_iter().collect());
        Ok(())
    }

    /// Closes idle rooms that have no other handle. Returns how many.
    pub(super) fn close_idle(&self, home: &Realm) -> usize {
        let before = self.now().saturating_sub(u64::try_from(self.idle.as_millis()).unwrap_or(u64::MAX));
        let is_idle = |entry: &Entry| entry.used.load(Ordering::Relaxed) < before;
        if !self.rooms.read().unwrap_or_else(PoisonError::into_inner).values().any(is_idle) {
            return 0;
        }
        let mut rooms = self.write();
        let mut closed = Vec::new();
        // Twice: closing the last of an account's other rooms lets the one with its directory close
        // too.
        for _ in 0..2 {
            let idle =
                rooms.iter().filter(|(realm, entry)| is_idle(entry) && may_close(&rooms, realm, entry, home));
            let idle: Vec<Realm> = idle.map(|(realm, _)| realm.clone()).collect();
            closed.extend(idle.iter().filter_map(|realm| rooms.remove(realm)));
        }
        drop(rooms);
        let count = closed.len();
        close(closed);
        count
    }

    /// Removes all rooms, in use or not.
    pub(super) fn close_all(&self) {
        let closed = std::mem::take(&mut *self.write());
        close(closed.into_values().collect());
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Realm, Entry>> {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A room with another handle stays open: closing it would free nothing, and the next request would
/// open it a second time. The room with an account's users and roles stays open as long as another
/// room of the account, which needs them for authorization.
fn may_close(rooms: &HashMap<Realm, Entry>, realm: &Realm, entry: &Entry, home: &Realm) -> bool {
    let keeps_directory = realm.region() == home.region();
    let needed = || rooms.keys().any(|other| other.account() == realm.account() && other != realm);
    realm != home && !is_shared(&entry.room) && !(keeps_directory && needed())
}

/// Drops rooms on a separate thread, because closing the storage blocks.
fn close(rooms: Vec<Entry>) {
    if rooms.is_empty() {
        return;
    }
    // If no thread can be started, they are closed here.
    let _ = std::thread::Builder::new().name("strongroom-close".into()).spawn(move || drop(rooms));
}

/// The same for a room that is not in the map.
pub(super) fn close_aside(room: Strongroom) {
    close(vec![Entry { room, used: AtomicU64::new(0) }]);
}
