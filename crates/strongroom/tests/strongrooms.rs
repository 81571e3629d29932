//! The strongrooms of a process: what is opened, made and closed.

#![cfg(test)]

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use pollster::block_on;
use strongroom::Records;
use strongroom::strongrooms::{
    Creation, DataDirectory, Lookup, MemoryRealms, RecordsFor, Regions, Strongrooms,
};
use strongroom::{
    AccountId, CachePolicy, Clock, Error, Housekeeper, Housekeeping, HousekeepingEvent, IdentityRef, Realm,
    Region, RootKey, Strongroom, presets,
};
use strongroom_testkit::ManualClock;

fn realm(region: &str) -> Realm {
    Realm::new(AccountId::DEFAULT, Region::parse(region).unwrap())
}

fn of_account(account: &str, region: &str) -> Realm {
    Realm::new(AccountId::parse(account).unwrap(), Region::parse(region).unwrap())
}

/// Storage that counts how often it is asked for.
#[derive(Debug, Default)]
struct Counting {
    realms: MemoryRealms,
    opened: AtomicUsize,
    created: AtomicUsize,
}

#[async_trait]
impl RecordsFor for Counting {
    async fn open(&self, realm: &Realm) -> Result<Option<Arc<dyn Records>>, Error> {
        let found = self.realms.open(realm).await?;
        self.opened.fetch_add(usize::from(found.is_some()), Ordering::Relaxed);
        Ok(found)
    }

    async fn create(&self, realm: &Realm) -> Result<Creation, Error> {
        self.created.fetch_add(1, Ordering::Relaxed);
        self.realms.create(realm).await
    }

    async fn realms(&self) -> Result<Vec<Realm>, Error> {
        self.realms.realms().await
    }
}

#[test]
fn nothing_is_made_by_looking_and_an_empty_room_refuses_what_a_new_one_would() {
    block_on(async {
        let storage = Arc::new(Counting::default());
        let rooms = Strongrooms::builder().records(storage.clone()).open().await.unwrap();
        assert_eq!(storage.created.load(Ordering::Relaxed), 1, "the home");
        let there = realm("eu-west-1");
        for _ in 0..3 {
            assert!(rooms.existing(&there).await.unwrap().is_none());
            let Lookup::Empty(empty) = rooms.lookup(&there).await.unwrap() else {
                panic!("there is nothing")
            };
            let room = empty.room();
            assert_eq!(room.realm(), &there);
            assert_eq!(room.get("s").send().await.unwrap_err().code(), "ResourceNotFoundException");
            assert!(room.list().all().await.unwrap().is_empty());
            room.random_password().send().await.unwrap();
            assert!(!empty.was_written().await.unwrap(), "a read writes nothing");
        }
        // By the users and roles of the account, which are at home.
        let home = rooms.identities(AccountId::DEFAULT).await.unwrap();
        let alice = home.iam().create_user("alice").await.unwrap();
        let Lookup::Empty(empty) = rooms.lookup(&there).await.unwrap() else { panic!("there is nothing") };
        let hers = empty.room().as_caller(alice.caller().unwrap());
        let refused = hers.create("s").text("v").send().await.unwrap_err();
        assert_eq!(refused.code(), "AccessDeniedException");
        assert!(!empty.was_written().await.unwrap(), "nor does what is refused");
        let document =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        home.iam().put_policy(IdentityRef::user("alice"), "all", document).await.unwrap();
        hers.create("s").text("v").send().await.unwrap();
        assert!(empty.was_written().await.unwrap());
        assert_eq!(rooms.realms().await.unwrap(), [Realm::default()]);
        rooms.create(&there).await.unwrap().create("s").text("v").send().await.unwrap();
        assert!(matches!(rooms.lookup(&there).await.unwrap(), Lookup::Kept(_)));
        assert_eq!(rooms.realms().await.unwrap(), [there, Realm::default()]);
        assert_eq!(storage.created.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_region_that_is_not_served_is_refused_before_storage_is_asked() {
    block_on(async {
        let storage = Arc::new(Counting::default());
        let regions = Regions::only([Region::parse("eu-west-1").unwrap()]);
        let rooms = Strongrooms::builder().records(storage.clone()).regions(regions).open().await.unwrap();
        for name in ["xa-north-1", "eu-central-1"] {
            for error in [
                rooms.create(&realm(name)).await.unwrap_err(),
                rooms.existing(&realm(name)).await.unwrap_err(),
                rooms.lookup(&realm(name)).await.unwrap_err(),
            ] {
                assert!(error.to_string().contains(name), "{error}");
            }
        }
        assert_eq!(storage.created.load(Ordering::Relaxed), 1);
        rooms.create(&realm("eu-west-1")).await.unwrap();
        // By default, regions that are there are served too.
        let local = realm("local-test-1");
        let again = |regions: Option<Regions>| {
            let builder =
                Strongrooms::builder().records(storage.clone()).root_key(RootKey::from_bytes([1; 32]));
            match regions {
                Some(regions) => builder.regions(regions),
                None => builder,
            }
        };
        storage.realms.clear();
        let rooms = again(Some(Regions::all())).open().await.unwrap();
        rooms.create(&local).await.unwrap();
        assert!(again(None).open().await.unwrap().existing(&local).await.unwrap().is_some());
        assert!(again(Some(Regions::aws())).open().await.unwrap().existing(&local).await.is_err());
    });
}

#[test]
fn so_many_rooms_are_open_and_no_more_and_handles_in_use_stay_valid() {
    block_on(async {
        let storage = Arc::new(Counting::default());
        let rooms = Strongrooms::builder().records(storage.clone()).most_open(4).open().await.unwrap();
        let names = ["eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1", "eu-central-1"];
        for name in names {
            rooms.create(&realm(name)).await.unwrap().create("s").text(name).send().await.unwrap();
            assert!(rooms.open_rooms() <= 4);
        }
        for name in names {
            let room = rooms.existing(&realm(name)).await.unwrap().unwrap();
            assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), name);
        }
        assert_eq!(rooms.open_rooms(), 4);
        // What was used last is still open.
        let opened = storage.opened.load(Ordering::Relaxed);
        rooms.existing(&realm("eu-central-1")).await.unwrap().unwrap();
        assert_eq!(storage.opened.load(Ordering::Relaxed), opened);
        // In use: the home and three. A fourth is refused, and can be had when one is free.
        let mut held = Vec::new();
        for name in &names[..3] {
            held.push(rooms.existing(&realm(name)).await.unwrap().unwrap());
        }
        let refused = rooms.existing(&realm("eu-north-1")).await.unwrap_err();
        assert_eq!(refused.code(), "ThrottlingException");
        assert_eq!(held[0].get("s").send().await.unwrap().expose_text().unwrap(), names[0]);
        let first = held.remove(0);
        let store = first.store();
        drop(first);
        assert!(rooms.existing(&realm("eu-north-1")).await.is_err(), "its store is in use");
        drop(store);
        rooms.existing(&realm("eu-north-1")).await.unwrap().unwrap();
        // A handle outlives the place in the list.
        rooms.close_all();
        assert_eq!(rooms.open_rooms(), 0);
        assert_eq!(held[0].get("s").send().await.unwrap().expose_text().unwrap(), names[1]);
    });
}

#[test]
fn idle_rooms_are_closed_but_not_the_home_nor_what_others_decide_by() {
    block_on(async {
        let rooms = Strongrooms::builder().memory().idle(Duration::from_millis(30)).open().await.unwrap();
        let (home, there) =
            (of_account("111122223333", "us-east-1"), of_account("111122223333", "eu-west-1"));
        let held = rooms.create(&there).await.unwrap();
        assert_eq!(rooms.open_rooms(), 3);
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(rooms.close_idle(), 0, "the one is in use, and the other has its users");
        assert!(rooms.open_now(&home).is_some());
        drop(held);
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(rooms.close_idle(), 2);
        assert!(rooms.open_now(&there).is_none() && rooms.open_now(&home).is_none());
        assert_eq!(rooms.open_rooms(), 1);
        assert!(rooms.open_now(&Realm::default()).is_some());
        assert!(rooms.existing(&there).await.unwrap().is_some());
    });
}

#[test]
fn users_and_roles_are_those_of_the_account_and_other_accounts_are_asked() {
    block_on(async {
        let rooms = Strongrooms::builder().memory().open().await.unwrap();
        let theirs = of_account("111122223333", "eu-west-1");
        let room = rooms.create(&theirs).await.unwrap();
        room.create("db").text("v").send().await.unwrap();
        let accounts = rooms.accounts().await.unwrap();
        assert_eq!(accounts.len(), 2);
        // A user of the home account, made in one region, reads in another.
        let alice =
            rooms.create(&realm("eu-north-1")).await.unwrap().iam().create_user("alice").await.unwrap();
        let far = rooms.create(&realm("eu-west-1")).await.unwrap();
        far.create("mine").text("v").send().await.unwrap();
        let read = presets::read_names(["*"]);
        far.iam().put_policy(&alice, "read", &read).await.unwrap();
        assert!(far.as_caller(alice.caller().unwrap()).get("mine").send().await.is_ok());
        // Of another account's secrets nobody may read what its policy does not allow.
        let hers = room.as_caller(alice.caller().unwrap());
        assert_eq!(hers.get("db").send().await.unwrap_err().code(), "AccessDeniedException");
    });
}

#[test]
fn a_store_of_ones_own_a_cache_and_other_options_are_served() {
    block_on(async {
        let other =
            Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
        other.create("theirs").text("v").send().await.unwrap();
        let local = realm("local-test-1");
        let own = Strongroom::over(other.store(), local.clone());
        let policy = CachePolicy::ttl(Duration::from_secs(300));
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&seen);
        let rooms = Strongrooms::builder()
            .memory()
            .room(own)
            .configure(move |builder, _| {
                counted.fetch_add(1, Ordering::Relaxed);
                builder
            })
            .front(move |room| Ok(room.cached_with(policy, None)?.room().store()))
            .open()
            .await
            .unwrap();
        assert_eq!(seen.load(Ordering::Relaxed), 1);
        assert!(rooms.serves(local.region()), "the region of one's own room is served");
        let room = rooms.open_now(&local).unwrap();
        assert_eq!(room.get("theirs").send().await.unwrap().expose_text().unwrap(), "v");
        assert!(rooms.realms().await.unwrap().contains(&local));
        // Behind the cache a value stays as it was read, though the store has another.
        let room = rooms.create(&realm("eu-west-1")).await.unwrap();
        room.create("s").text("one").send().await.unwrap();
        assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "one");
        assert!(room.for_service("rds").is_err(), "there is something in front of it");
        let again = rooms.existing(&realm("eu-west-1")).await.unwrap().unwrap();
        again.put("s").text("two").send().await.unwrap();
        assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "two");
        let housekeeper = Housekeeper::new(Arc::clone(rooms.clock()));
        rooms.maintain(&housekeeper, |realm, done| assert!(done.is_ok(), "{realm}")).await.unwrap();
    });
}

#[test]
fn a_strongroom_that_is_opened_after_the_clock_has_jumped_knows_of_it() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    block_on(async {
        let clock = Arc::new(ManualClock::default());
        let told = Arc::new(AtomicUsize::new(0));
        let (there, heard) = (realm("eu-west-1"), Arc::new(AtomicUsize::new(0)));
        let rooms = Strongrooms::builder().memory().clock(clock.clone()).open().await.unwrap();
        let tell = Arc::clone(&told);
        let housekeeper = rooms.housekeeper_telling(move |event| {
            let jumped = matches!(event, HousekeepingEvent::ClockJumped { .. });
            tell.fetch_add(usize::from(jumped), Ordering::Relaxed);
        });
        let room = rooms.create(&there).await.unwrap();
        room.create("doomed").text("v").send().await.unwrap();
        room.delete("doomed").send().await.unwrap();
        drop(room);
        rooms.close_all();
        clock.set(clock.now().after(40 * DAY));
        // Opened by a request.
        let room = rooms.existing(&there).await.unwrap().unwrap();
        let create = || room.create("doomed").text("new").send();
        assert!(create().await.unwrap_err().is_marked_for_deletion());
        assert_eq!((told.load(Ordering::Relaxed), rooms.housekeeper().stats().clock_jumps), (1, 1));
        rooms
            .maintain(&housekeeper, |_, done| {
                let done = done.unwrap();
                assert_eq!(done.secrets_purged, 0);
                heard.fetch_add(usize::from(done.purging_stopped_for.is_some()), Ordering::Relaxed);
            })
            .await
            .unwrap();
        assert_eq!(heard.load(Ordering::Relaxed), 1, "one strongroom has something to purge");
        // Confirmed once, for all of them.
        housekeeper.confirm_clock();
        create().await.unwrap();
        assert_eq!(told.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn strongrooms_that_keep_house_by_themselves_share_what_is_known_of_the_clock() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    block_on(async {
        let clock = Arc::new(ManualClock::default());
        let jumps = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let [ours, all] = jumps.clone();
        let count = |jumps: Arc<AtomicUsize>| {
            move |event: &HousekeepingEvent| {
                let jumped = matches!(event, HousekeepingEvent::ClockJumped { .. });
                jumps.fetch_add(usize::from(jumped), Ordering::Relaxed);
            }
        };
        let housekeeping = Housekeeping::new(Arc::new(drop), Arc::new(|_| Box::pin(std::future::pending())))
            .on_event(count(ours));
        let rooms = Strongrooms::builder()
            .memory()
            .clock(clock.clone())
            .configure(move |builder, _| builder.housekeeping(housekeeping.clone()))
            .open()
            .await
            .unwrap();
        let housekeeper = rooms.housekeeper_telling(count(all));
        clock.set(clock.now().after(40 * DAY));
        let room = rooms.create(&realm("eu-west-1")).await.unwrap();
        room.create("doomed").text("v").send().await.unwrap();
        assert!(room.housekeeper().unwrap().purging_stopped_for().is_some());
        assert_eq!(jumps.map(|jumps| jumps.load(Ordering::Relaxed)), [1, 1]);
        room.confirm_clock().unwrap();
        assert!(housekeeper.purging_stopped_for().is_none());
    });
}

/// Polls a future so many times and drops it.
fn abandon(future: impl Future, polls: usize) -> bool {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if future.as_mut().poll(&mut context).is_ready() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

#[test]
fn what_an_abandoned_creation_leaves_behind_is_nothing_until_a_later_one_completes_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    let there = realm("eu-west-1");
    block_on(async {
        let data = DataDirectory::at(&path).root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
        assert!(data.is_new());
        let rooms = Strongrooms::builder().directory(&data).open().await.unwrap();
        for polls in 0..200 {
            if abandon(rooms.create(&there), polls) {
                break;
            }
            // Nothing that was not acknowledged is there, or all of it.
            let found = rooms.existing(&there).await.unwrap();
            if let Some(room) = found {
                assert!(room.list().all().await.unwrap().is_empty());
            }
        }
        rooms.create(&there).await.unwrap().create("s").text("v").send().await.unwrap();
        // A second process finds it, and makes another that the first finds.
        let options = DataDirectory::at(&path).root_key(RootKey::from_bytes([1; 32])).existing();
        let other = options.open().await.unwrap();
        assert!(!other.is_new());
        let others = Strongrooms::builder().directory(&other).open().await.unwrap();
        let room = others.existing(&there).await.unwrap().unwrap();
        assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "v");
        let far = realm("eu-north-1");
        assert!(rooms.existing(&far).await.unwrap().is_none());
        others.create(&far).await.unwrap().create("far").text("v").send().await.unwrap();
        assert!(rooms.existing(&far).await.unwrap().unwrap().get("far").send().await.is_ok());
        // One that is listed and gone is an error for ever, and is never made anew.
        drop((rooms, others, room));
        std::fs::remove_dir_all(path.join("000000000000/eu-north-1")).unwrap();
        let options = DataDirectory::at(&path).root_key(RootKey::from_bytes([1; 32]));
        let rooms = Strongrooms::builder().directory(&options.open().await.unwrap()).open().await.unwrap();
        for _ in 0..2 {
            assert!(rooms.existing(&far).await.is_err() && rooms.create(&far).await.is_err());
        }
        assert!(!path.join("000000000000/eu-north-1").exists());
    });
}

#[test]
fn a_file_without_a_strongroom_in_it_is_no_strongroom() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    block_on(async {
        let options = DataDirectory::at(&path).root_key(RootKey::from_bytes([1; 32]));
        let rooms = Strongrooms::builder().directory(&options.open().await.unwrap()).open().await.unwrap();
        let there = realm("eu-west-1");
        let place = path.join("000000000000/eu-west-1");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("records.sqlite3"), b"").unwrap();
        assert!(rooms.existing(&there).await.unwrap().is_none());
        rooms.create(&there).await.unwrap().create("s").text("v").send().await.unwrap();
        assert!(rooms.existing(&there).await.unwrap().is_some());
    });
}

#[test]
fn while_a_start_holds_the_directory_no_other_process_starts_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    block_on(async {
        let options = || DataDirectory::at(&path).root_key(RootKey::from_bytes([1; 32]));
        let (data, lock) = options().open_locked().await.unwrap();
        // It can add to the directory meanwhile.
        let rooms = Strongrooms::builder().directory(&data).open().await.unwrap();
        rooms.create(&realm("eu-west-1")).await.unwrap();
        assert!(!abandon(options().open(), 50), "another waits");
        drop(lock);
        options().open().await.unwrap();
        rooms.create(&realm("eu-west-2")).await.unwrap();
    });
}

/// Opens a data directory with the root key in a file, as a process does when it starts.
async fn started(path: &Path, key: &Path) -> Result<(DataDirectory, Strongrooms), Error> {
    let data = DataDirectory::at(path).root_key_file(key).open().await?;
    let rooms = Strongrooms::builder().directory(&data).open().await?;
    Ok((data, rooms))
}

#[test]
fn a_creation_that_is_interrupted_is_completed_after_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let (path, key) = (place.path().join("data"), place.path().join("root.key"));
    let there = realm("eu-west-1");
    block_on(async {
        let (data, rooms) = started(&path, &key).await.unwrap();
        // The database exists, but nothing is stored in it yet.
        drop(data.create(&there).await.unwrap());
        drop((data, rooms));
        for _ in 0..2 {
            let (_, rooms) = started(&path, &key).await.unwrap();
            assert!(rooms.existing(&there).await.unwrap().is_none());
            assert!(matches!(rooms.lookup(&there).await.unwrap(), Lookup::Empty(_)));
        }
        let manifest = path.join("strongroom.json");
        assert!(!std::fs::read_to_string(&manifest).unwrap().contains("eu-west-1"));
        // Nor does it hinder a start without a manifest.
        std::fs::remove_file(&manifest).unwrap();
        let (data, rooms) = started(&path, &key).await.unwrap();
        assert_eq!(data.home(), &Realm::default());
        rooms.create(&there).await.unwrap().create("s").text("v").send().await.unwrap();
        drop((data, rooms));
        let (_, rooms) = started(&path, &key).await.unwrap();
        assert!(rooms.existing(&there).await.unwrap().unwrap().get("s").send().await.is_ok());
    });
}

#[test]
fn a_creation_that_is_abandoned_at_any_moment_is_completed_after_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let there = realm("eu-west-1");
    block_on(async {
        for polls in 0..200 {
            let directory = place.path().join(polls.to_string());
            let (path, key) = (directory.join("data"), directory.join("root.key"));
            let (data, rooms) = started(&path, &key).await.unwrap();
            let finished = abandon(rooms.create(&there), polls);
            drop((data, rooms));
            let (_, rooms) = started(&path, &key).await.unwrap();
            rooms.lookup(&there).await.unwrap();
            let room = rooms.create(&there).await.unwrap();
            room.create("s").text("v").send().await.unwrap();
            if finished {
                break;
            }
        }
    });
}

#[test]
fn a_strongroom_that_the_manifest_lacks_is_listed_at_the_start_and_never_recreated() {
    let place = tempfile::tempdir().unwrap();
    let (path, key) = (place.path().join("data"), place.path().join("root.key"));
    block_on(async {
        let (data, rooms) = started(&path, &key).await.unwrap();
        let manifest = path.join("strongroom.json");
        let older = std::fs::read(&manifest).unwrap();
        rooms.create(&realm("eu-west-1")).await.unwrap();
        drop((data, rooms));
        std::fs::write(&manifest, older).unwrap();
        // Only the log is left of another one, which may contain it.
        let lost = path.join("000000000000/eu-north-1");
        std::fs::create_dir(&lost).unwrap();
        std::fs::write(lost.join("records.sqlite3-wal"), b"log").unwrap();
        let (_, rooms) = started(&path, &key).await.unwrap();
        let text = std::fs::read_to_string(&manifest).unwrap();
        for region in ["eu-west-1", "eu-north-1"] {
            assert!(text.contains(region), "{text}");
            std::fs::remove_dir_all(path.join("000000000000").join(region)).unwrap();
            assert!(rooms.create(&realm(region)).await.is_err());
        }
    });
}

#[test]
fn a_root_key_that_was_removed_from_the_home_creates_no_strongroom() {
    let place = tempfile::tempdir().unwrap();
    let (path, key) = (place.path().join("data"), place.path().join("root.key"));
    let (before, after) = (realm("eu-west-1"), realm("eu-north-1"));
    block_on(async {
        let (data, rooms) = started(&path, &key).await.unwrap();
        let home = rooms.create(&Realm::default()).await.unwrap();
        rooms.create(&before).await.unwrap().create("s").text("v").send().await.unwrap();
        let new = place.path().join("new.key");
        let old = home.roots().list().await.unwrap();
        home.roots().add(RootKey::file_or_create(&new).unwrap(), "new").await.unwrap();
        // As long as both open it, nothing is refused.
        rooms.create(&realm("eu-west-2")).await.unwrap();
        for slot in old {
            home.roots().remove(&slot.id).await.unwrap();
        }
        let others = of_account("111122223333", "us-east-1");
        for realm in [&after, &others] {
            let refused = rooms.create(realm).await.unwrap_err();
            let report = format!("{refused:?} {refused}");
            assert!(report.contains("restart with a root key"), "{report}");
            assert!(report.contains(&path.display().to_string()), "{report}");
        }
        assert!(!path.join("000000000000/eu-north-1").exists() && !path.join("111122223333").exists());
        // What exists is used as before.
        let room = rooms.create(&before).await.unwrap();
        assert!(room.get("s").send().await.is_ok());
        drop((data, rooms, home, room));
        std::fs::rename(&new, &key).unwrap();
        let (_, rooms) = started(&path, &key).await.unwrap();
        rooms.create(&after).await.unwrap().create("s").text("v").send().await.unwrap();
        assert!(matches!(rooms.lookup(&after).await.unwrap(), Lookup::Kept(_)));
    });
}

#[cfg(unix)]
#[test]
fn a_realm_that_cannot_be_read_is_an_error_and_not_an_empty_one() {
    let place = tempfile::tempdir().unwrap();
    let (path, key) = (place.path().join("data"), place.path().join("root.key"));
    let there = realm("eu-west-1");
    block_on(async {
        let (_, rooms) = started(&path, &key).await.unwrap();
        // A link to itself: it exists, but nothing can be read through it.
        let link = path.join("000000000000/eu-west-1");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        assert!(rooms.existing(&there).await.is_err() && rooms.lookup(&there).await.is_err());
        assert!(rooms.create(&there).await.is_err());
        let refused = started(&path, &key).await.unwrap_err();
        assert!(refused.to_string().contains("eu-west-1"), "{refused}");
    });
}
