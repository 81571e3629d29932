//! Keeping house: what is past its date goes, and nothing goes by a clock that has jumped.

#![cfg(test)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use strongroom::{
    AccountId, Clock, Error, Housekeeper, Housekeeping, HousekeepingEvent, MemoryRecords, Records,
    RoomSource, RootKey, Strongroom, Timestamp,
};
use strongroom_testkit::{FaultyRecords, ManualClock};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct World {
    clock: Arc<ManualClock>,
    storage: Arc<dyn Records>,
}

impl World {
    fn new() -> Self {
        Self { clock: Arc::new(ManualClock::default()), storage: Arc::new(MemoryRecords::new()) }
    }

    /// Another handle, as another process has it: with its own housekeeper.
    async fn open(&self) -> Strongroom {
        Strongroom::builder()
            .records(Arc::clone(&self.storage))
            .root_key(RootKey::from_bytes([1; 32]))
            .clock(self.clock.clone())
            .open()
            .await
            .unwrap()
    }

    fn set_ahead(&self, duration: Duration) {
        self.clock.set(self.clock.now().after(duration));
    }

    fn telling(&self) -> (Housekeeper, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let housekeeper = Housekeeper::telling(self.clock.clone(), move |event| {
            let kind = match event {
                HousekeepingEvent::ClockJumped { by_millis, .. } => format!("jumped {}", by_millis / 1000),
                HousekeepingEvent::TimeSinceLastTick { .. } => "long ago".to_owned(),
                HousekeepingEvent::ClockConfirmed { .. } => "confirmed".to_owned(),
                HousekeepingEvent::Failed { .. } => "failed".to_owned(),
                other => format!("{other:?}"),
            };
            assert_eq!(event.is_warning(), kind != "confirmed");
            assert!(!event.to_string().is_empty());
            tell.lock().unwrap().push(kind);
        });
        (housekeeper, told)
    }
}

/// A secret and a key that go in thirty and seven days.
async fn doom(room: &Strongroom) {
    room.create("doomed").text("v").send().await.unwrap();
    room.delete("doomed").send().await.unwrap();
    room.keys().create("alias/doomed", "").await.unwrap();
    room.keys().schedule_deletion("alias/doomed", 7).await.unwrap();
}

/// Whether secret and key are there still.
async fn is_there(room: &Strongroom) -> (bool, bool) {
    let secret = room.describe("doomed").await.is_ok();
    (secret, room.keys().describe("alias/doomed").await.is_ok())
}

#[tokio::test]
async fn secrets_and_keys_go_at_their_dates() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    for (days, secrets, keys) in [(6, 0, 0), (1, 0, 1), (22, 0, 0), (1, 1, 0), (1, 0, 0)] {
        world.clock.advance(days * DAY);
        let done = room.maintain().await.unwrap();
        assert_eq!((done.secrets_purged, done.keys_deleted), (secrets, keys), "{days}");
        assert!(!done.busy_elsewhere && !done.more && done.purging_stopped_for.is_none());
    }
    assert_eq!(is_there(&room).await, (false, false));
    let stats = room.housekeeper().unwrap().stats();
    assert_eq!((stats.ticks, stats.purged, stats.failures, stats.clock_jumps), (5, 2, 0, 0));
}

#[tokio::test]
async fn after_a_jump_nothing_is_purged_for_an_hour() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    room.maintain().await.unwrap();
    world.set_ahead(40 * DAY);
    let done = room.maintain().await.unwrap();
    assert_eq!((done.secrets_purged, done.keys_deleted), (0, 0));
    assert_eq!(done.purging_stopped_for, Some(HOUR));
    assert!(room.housekeeper().unwrap().stats().purging_stopped);
    world.clock.advance(HOUR - Duration::from_millis(1));
    let done = room.maintain().await.unwrap();
    assert_eq!(done.purging_stopped_for, Some(Duration::from_millis(1)));
    assert_eq!(is_there(&room).await, (true, true));
    world.clock.advance(Duration::from_millis(1));
    let done = room.maintain().await.unwrap();
    assert_eq!((done.secrets_purged, done.keys_deleted, done.purging_stopped_for), (1, 1, None));
    let stats = room.housekeeper().unwrap().stats();
    assert_eq!((stats.clock_jumps, stats.purging_stopped), (1, false));
}

#[tokio::test]
async fn a_clock_that_is_set_right_again_has_purged_nothing() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    let right = world.clock.now();
    world.set_ahead(40 * DAY);
    assert!(room.maintain().await.unwrap().purging_stopped_for.is_some());
    world.clock.advance(50 * MINUTE);
    world.clock.set(right.after(50 * MINUTE));
    for _ in 0..100 {
        let done = room.maintain().await.unwrap();
        assert_eq!((done.secrets_purged, done.keys_deleted, done.purging_stopped_for), (0, 0, None));
        world.clock.advance(MINUTE);
    }
    room.restore("doomed").await.unwrap();
    room.keys().cancel_deletion("alias/doomed").await.unwrap();
}

#[tokio::test]
async fn the_owner_confirms_the_clock_and_nobody_else() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    world.set_ahead(40 * DAY);
    assert!(room.maintain().await.unwrap().purging_stopped_for.is_some());
    let alice = room.iam().create_user("alice").await.unwrap();
    let hers = room.as_caller(alice.caller().unwrap());
    assert_eq!(hers.confirm_clock().unwrap_err().code(), "AccessDeniedException");
    assert_eq!(hers.housekeeper().unwrap_err().code(), "AccessDeniedException");
    assert!(room.maintain().await.unwrap().purging_stopped_for.is_some());
    room.confirm_clock().unwrap();
    let done = room.maintain().await.unwrap();
    assert_eq!((done.secrets_purged, done.keys_deleted, done.purging_stopped_for), (1, 1, None));
}

#[tokio::test]
async fn keys_rotate_although_the_clock_has_jumped() {
    let world = World::new();
    let room = world.open().await;
    let old = room.keys().create("alias/turning", "").await.unwrap();
    let (service, key) = (room.keys().service().unwrap(), old.id.clone().into());
    service.enable_key_rotation(room.context(), &key, Some(90)).await.unwrap();
    doom(&room).await;
    room.maintain().await.unwrap();
    world.set_ahead(100 * DAY);
    let done = room.maintain().await.unwrap();
    assert_eq!((done.keys_rotated, done.keys_deleted), (1, 0), "old material opens what it closed");
    let new = room.keys().describe("alias/turning").await.unwrap();
    assert_ne!(new.current_key_material_id, old.current_key_material_id);
}

/// A clock that is set in the middle of a tick: when it is looked at for the `at`-th time.
#[derive(Debug)]
struct SetsTheClock {
    clock: Arc<ManualClock>,
    looks: AtomicUsize,
    at: usize,
}

impl Clock for SetsTheClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asked more than once for each thing that is purged.
    fn monotonic(&self) -> Duration {
        if self.looks.fetch_add(1, Ordering::Relaxed) == self.at {
            self.clock.set(self.clock.now().after(Duration::from_secs(6 * 60)));
        }
        self.clock.monotonic()
    }
}

#[tokio::test]
async fn a_clock_that_jumps_during_a_tick_stops_what_is_left_of_it() {
    let mut stopped_half_way = 0;
    for at in 0..60 {
        let world = World::new();
        let clock = SetsTheClock { clock: world.clock.clone(), looks: AtomicUsize::new(1000), at };
        let clock = Arc::new(clock);
        let room = Strongroom::builder()
            .records(Arc::clone(&world.storage))
            .root_key(RootKey::from_bytes([1; 32]))
            .clock(clock.clone())
            .open()
            .await
            .unwrap();
        for n in 0..5 {
            room.create(format!("s{n}")).text("v").send().await.unwrap();
            room.delete(format!("s{n}")).send().await.unwrap();
        }
        world.clock.advance(31 * DAY);
        clock.looks.store(0, Ordering::Relaxed);
        let done = room.maintain().await.unwrap();
        let left = room.list().include_planned_deletion().all().await.unwrap().len() as u64;
        assert_eq!(done.secrets_purged + left, 5);
        assert_eq!(done.purging_stopped_for.is_some(), left > 0, "{at}: {done:?}");
        stopped_half_way += u32::from(left > 0 && left < 5);
    }
    assert!(stopped_half_way >= 4, "{stopped_half_way}");
}

#[tokio::test]
async fn a_time_far_from_that_of_the_last_tick_is_told_before_the_first_purge() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    let (first, told) = world.telling();
    first.tick(&room).await.unwrap();
    assert!(told.lock().unwrap().is_empty(), "there was none before");
    for (ahead, expected) in [(DAY, ""), (3 * DAY, "long ago"), (40 * DAY, "long ago")] {
        // Both clocks: a process that begins cannot tell the one case from the other.
        world.clock.advance(ahead);
        let (next, told) = world.telling();
        let done = next.tick(&room).await.unwrap();
        next.tick(&room).await.unwrap();
        assert_eq!(told.lock().unwrap().join(" "), expected, "{ahead:?}");
        assert_eq!(done.secrets_purged, u64::from(ahead == 40 * DAY));
    }
    world.clock.set(Timestamp::from_millis(world.clock.now().as_millis() - 3_600_000));
    let (next, told) = world.telling();
    next.tick(&room).await.unwrap();
    assert_eq!(told.lock().unwrap().join(" "), "long ago", "the clock was ahead, or is behind now");
}

#[tokio::test]
async fn what_a_housekeeper_tells_comes_once() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    let (housekeeper, told) = world.telling();
    for _ in 0..3 {
        housekeeper.tick(&room).await.unwrap();
    }
    world.set_ahead(40 * DAY);
    for _ in 0..3 {
        assert!(housekeeper.tick(&room).await.unwrap().purging_stopped_for.is_some());
    }
    housekeeper.confirm_clock();
    assert_eq!(housekeeper.tick(&room).await.unwrap().secrets_purged, 1);
    assert_eq!(*told.lock().unwrap(), ["jumped 3456000", "confirmed"]);
}

/// The secret is marked for deletion, and its name is taken.
async fn is_kept_from_requests(room: &Strongroom) {
    let created = room.create("doomed").text("new").send().await;
    assert!(created.unwrap_err().is_marked_for_deletion());
    let stored = room.put_or_create("doomed").text("new").send().await;
    assert!(stored.unwrap_err().is_marked_for_deletion());
}

async fn value(room: &Strongroom) -> String {
    room.get("doomed").send().await.unwrap().expose_text().unwrap().to_owned()
}

#[tokio::test]
async fn after_a_jump_no_request_destroys_a_deleted_secret_either() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    let right = world.clock.now();
    // Nobody has kept house since: the request itself is the first to look at the clocks.
    world.set_ahead(40 * DAY);
    is_kept_from_requests(&room).await;
    assert!(room.maintain().await.unwrap().purging_stopped_for.is_some());
    is_kept_from_requests(&room).await;
    assert_eq!(room.housekeeper().unwrap().stats().clock_jumps, 1);
    world.clock.set(right);
    room.restore("doomed").await.unwrap();
    assert_eq!(value(&room).await, "v");
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_while_the_clock_is_in_doubt() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    world.set_ahead(40 * DAY);
    is_kept_from_requests(&room).await;
    room.restore("doomed").await.unwrap();
    assert_eq!(value(&room).await, "v");
}

#[tokio::test]
async fn the_name_of_a_deleted_secret_is_free_once_the_clock_is_believed() {
    for confirm in [true, false] {
        let world = World::new();
        let room = world.open().await;
        doom(&room).await;
        world.set_ahead(40 * DAY);
        is_kept_from_requests(&room).await;
        if confirm {
            room.confirm_clock().unwrap();
        } else {
            world.clock.advance(HOUR - Duration::from_millis(1));
            is_kept_from_requests(&room).await;
            world.clock.advance(Duration::from_millis(1));
        }
        room.create("doomed").text("new").send().await.unwrap();
        assert_eq!(value(&room).await, "new");
    }
}

#[tokio::test]
async fn the_name_of_a_deleted_secret_is_free_after_its_recovery_window() {
    let world = World::new();
    let room = world.open().await;
    doom(&room).await;
    world.clock.advance(30 * DAY);
    room.create("doomed").text("new").send().await.unwrap();
    assert_eq!(value(&room).await, "new");
}

#[tokio::test]
async fn one_housekeeper_works_at_a_time_and_a_dead_one_is_replaced() {
    let world = World::new();
    let faulty = FaultyRecords::new(Arc::clone(&world.storage));
    let room = world.open().await;
    doom(&room).await;
    let dying = Strongroom::builder()
        .records(Arc::new(faulty.clone()))
        .root_key(RootKey::from_bytes([1; 32]))
        .clock(world.clock.clone())
        .open()
        .await
        .unwrap();
    world.clock.advance(31 * DAY);
    // It takes the lease, and nothing it does afterwards arrives.
    let down = strongroom_testkit::Fault::Before(strongroom::records::ErrorKind::Unavailable);
    faulty.plan(std::iter::once(strongroom_testkit::Fault::None).chain(std::iter::repeat_n(down, 10)));
    dying.maintain().await.unwrap_err();
    assert_eq!(is_there(&room).await, (true, true));
    let (housekeeper, _) = world.telling();
    // The handle may come and go: what was watched is the housekeeper's.
    for _ in 0..2 {
        let done = housekeeper.tick(&world.open().await).await.unwrap();
        assert!(done.busy_elsewhere && done.secrets_purged == 0 && done.keys_deleted == 0);
        world.clock.advance(Duration::from_secs(30));
    }
    let done = housekeeper.tick(&world.open().await).await.unwrap();
    assert_eq!((done.busy_elsewhere, done.secrets_purged, done.keys_deleted), (false, 1, 1));
}

#[tokio::test]
async fn a_tick_does_so_much_and_the_next_goes_on() {
    let world = World::new();
    let room = world.open().await;
    for n in 0..1001 {
        room.create(format!("s{n}")).text("v").send().await.unwrap();
        room.delete(format!("s{n}")).send().await.unwrap();
    }
    world.clock.advance(31 * DAY);
    let (housekeeper, _) = world.telling();
    let done = housekeeper.tick(&room).await.unwrap();
    assert_eq!((done.secrets_purged, done.more), (1000, true));
    let done = housekeeper.tick(&room).await.unwrap();
    assert_eq!((done.secrets_purged, done.more), (1, false));
}

/// Rooms by number; the one in the middle cannot be opened.
struct Rooms {
    rooms: Vec<Option<Strongroom>>,
    next: AtomicUsize,
}

#[async_trait]
impl RoomSource for Rooms {
    async fn next_room(&self) -> Option<Result<Strongroom, Error>> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(room) = self.rooms.get(at) else {
            self.next.store(0, Ordering::Relaxed);
            return None;
        };
        match room {
            Some(room) => Some(Ok(room.clone())),
            None => Some(Err(Strongroom::builder().open().await.unwrap_err())),
        }
    }
}

#[tokio::test]
async fn a_round_goes_over_all_strongrooms_and_one_that_fails_does_not_keep_the_others() {
    let world = World::new();
    let mut rooms = Vec::new();
    for account in ["111111111111", "222222222222"] {
        let room = Strongroom::builder()
            .memory()
            .root_key(RootKey::from_bytes([1; 32]))
            .account(AccountId::parse(account).unwrap())
            .clock(world.clock.clone())
            .open()
            .await
            .unwrap();
        doom(&room).await;
        rooms.extend([Some(room), None]);
    }
    let source = Rooms { rooms, next: AtomicUsize::new(0) };
    let (housekeeper, told) = world.telling();
    let round = housekeeper.round(&source).await;
    assert_eq!((round.rooms, round.failed, round.purged), (4, 2, 0));
    world.clock.advance(31 * DAY);
    let round = housekeeper.round(&source).await;
    assert_eq!((round.rooms, round.failed, round.purged, round.busy_elsewhere), (4, 2, 4, 0));
    assert_eq!(*told.lock().unwrap(), ["failed"; 4]);
}

/// How house is kept in the background of these tests: with pauses of a millisecond.
fn in_background(ticks: &Arc<AtomicUsize>) -> Housekeeping {
    let (runtime, ticks) = (tokio::runtime::Handle::current(), Arc::clone(ticks));
    Housekeeping::new(
        Arc::new(move |task| drop(runtime.spawn(task))),
        Arc::new(move |_| {
            ticks.fetch_add(1, Ordering::Relaxed);
            Box::pin(tokio::time::sleep(Duration::from_millis(1)))
        }),
    )
}

async fn wait_until(what: impl AsyncFn() -> bool) {
    for _ in 0..10_000 {
        if what().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn a_strongroom_keeps_house_by_itself_until_its_last_handle_is_gone() {
    let (world, ticks) = (World::new(), Arc::new(AtomicUsize::new(0)));
    let room = Strongroom::builder()
        .records(Arc::clone(&world.storage))
        .root_key(RootKey::from_bytes([1; 32]))
        .clock(world.clock.clone())
        .housekeeping(in_background(&ticks))
        .open()
        .await
        .unwrap();
    doom(&room).await;
    world.clock.advance(31 * DAY);
    wait_until(async || is_there(&room).await == (false, false)).await;
    let other = room.clone();
    drop(room);
    let before = ticks.load(Ordering::Relaxed);
    wait_until(async || ticks.load(Ordering::Relaxed) > before + 3).await;
    drop(other);
    // The storage is let go of too: this is its last holder.
    wait_until(async || Arc::strong_count(&world.storage) == 1).await;
    let before = ticks.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(ticks.load(Ordering::Relaxed), before);
}

#[tokio::test]
async fn closing_does_not_wait_for_the_next_tick() {
    let (world, ended) = (World::new(), Arc::new(AtomicUsize::new(0)));
    let (runtime, count) = (tokio::runtime::Handle::current(), Arc::clone(&ended));
    let asleep = Arc::new(AtomicUsize::new(0));
    let sleeping = Arc::clone(&asleep);
    let housekeeping = Housekeeping::new(
        Arc::new(move |task| {
            let count = Arc::clone(&count);
            drop(runtime.spawn(async move {
                task.await;
                count.fetch_add(1, Ordering::Relaxed);
            }));
        }),
        Arc::new(move |_| {
            sleeping.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::pending())
        }),
    );
    let builder = Strongroom::builder().records(Arc::clone(&world.storage));
    let room =
        builder.root_key(RootKey::from_bytes([1; 32])).housekeeping(housekeeping).open().await.unwrap();
    wait_until(async || asleep.load(Ordering::Relaxed) == 1).await;
    assert_eq!(ended.load(Ordering::Relaxed), 0);
    drop(room);
    wait_until(async || ended.load(Ordering::Relaxed) == 1).await;
}

#[tokio::test]
async fn housekeeping_without_a_pause_is_refused() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let builder = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32]));
    let error = builder.housekeeping(in_background(&ticks).every(Duration::ZERO)).open().await.unwrap_err();
    assert!(error.to_string().contains("every"), "{error}");
}
