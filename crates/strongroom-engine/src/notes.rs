//! Notes of reads: when values were last read, by the day, before it is stored.
//!
//! A read must not cost a durable write. A head says on which day each of its versions was last
//! read; another read on that day has nothing to do. The first read of a day is noted in memory,
//! and reads hand notes over to the storage, some together and without waiting: the first few of a
//! minute at once, many a few four times a second, so that their cost stays small beside that of
//! the reads. `maintain` writes all notes, and waits. A note that cannot be written does no harm to
//! a read; a process that ends loses the notes that wait.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_store::VersionId;
use strongroom_types::Timestamp;

use crate::head::Head;

const DAY: i64 = 24 * 60 * 60 * 1000;
/// How many notes are handed over at once in each minute, so that a program that reads little and
/// ends leaves its dates.
const AT_ONCE: usize = 16;
const MINUTE: i64 = 60 * 1000;
/// The most notes that one read hands over, and how long after it the next may.
const FEW: usize = 32;
const PAUSE: i64 = 250;
/// When this many secrets wait, they need not wait for the next minute.
pub(crate) const MANY: usize = 256;
/// Beyond this many, notes are dropped to bound memory. The next read of the secret makes another.
const MOST: usize = 65_536;

/// The day of a moment: its beginning, UTC, in milliseconds.
pub(crate) fn day_of(now: Timestamp) -> i64 {
    now.as_millis().saturating_sub(now.as_millis().rem_euclid(DAY))
}

/// A secret, by name and suffix.
pub(crate) type Secret = (String, String);
/// The day of the last read of each version.
pub(crate) type Days = HashMap<VersionId, i64>;

/// What was read and is not known to be in its head.
#[derive(Default)]
pub(crate) struct Notes(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: HashMap<Secret, Note>,
    /// A read is handing notes over.
    busy: bool,
    /// When notes were last handed over, and not before when again.
    last: Option<i64>,
    not_before: Option<i64>,
    /// The minute that [`AT_ONCE`] counts in, and how many of them were handed over in it.
    minute: Option<i64>,
    at_once: usize,
    /// More wait than were handed over: the next few follow without waiting for another minute.
    draining: bool,
}

/// The reads of one secret that wait.
#[derive(Clone, Default)]
pub(crate) struct Note {
    pub(crate) days: Days,
    /// Handed over; waits to be seen in the head.
    sent: bool,
}

/// What a read may do for the notes.
pub(crate) struct Turn<'a> {
    notes: &'a Notes,
    now: i64,
    pub(crate) few: Vec<(Secret, Note)>,
    pub(crate) failed: bool,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether any note waits to be written.
    pub(crate) fn any(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Notes a read.
    pub(crate) fn add(&self, head: &Head, version: &VersionId, now: Timestamp) {
        let mut state = self.lock();
        let secret = (head.name.clone(), head.suffix.clone());
        let full = state.waiting.len() >= MOST && !state.waiting.contains_key(&secret);
        if !full {
            let (note, day) = (state.waiting.entry(secret).or_default(), day_of(now));
            if note.days.get(version) < Some(&day) {
                note.days.insert(version.clone(), day);
                note.sent = false;
            }
        }
    }

    /// The turn to hand some notes over, if there are any and it is time. Of several reads at once,
    /// one gets it.
    pub(crate) fn take_turn(&self, now: Timestamp) -> Option<Turn<'_>> {
        let now = now.as_millis();
        let mut state = self.lock();
        if state.busy || state.waiting.is_empty() {
            return None;
        }
        // A clock that was set back must not stop the writing.
        if state.last.is_some_and(|last| now < last) {
            (state.last, state.not_before, state.minute) = (None, None, None);
        }
        if state.not_before.is_some_and(|not_before| now < not_before) {
            return None;
        }
        if state.minute.is_none_or(|minute| now >= minute + MINUTE) {
            (state.minute, state.at_once) = (Some(now), 0);
        }
        let many = state.draining || state.waiting.len() >= MANY;
        let rested = state.last.is_none_or(|last| now >= last + PAUSE);
        let most = if many && rested { FEW } else { AT_ONCE - state.at_once };
        let few: Vec<_> = state
            .waiting
            .iter()
            .filter(|(_, note)| !note.sent)
            .take(most)
            // What was handed over before is looked for on the same way.
            .chain(state.waiting.iter().filter(|(_, note)| note.sent).take(FEW))
            .map(|(secret, note)| (secret.clone(), note.clone()))
            .collect();
        let fresh = few.iter().filter(|(_, note)| !note.sent).count();
        if few.is_empty() || (fresh == 0 && !rested) {
            return None;
        }
        state.at_once = (state.at_once + fresh).min(AT_ONCE);
        (state.busy, state.last, state.draining) = (true, Some(now), fresh == FEW);
        Some(Turn { notes: self, now, few, failed: true })
    }

    /// The later of the day in the head and the day noted.
    pub(crate) fn last(&self, head: &Head, version: Option<&VersionId>, stored: Option<i64>) -> Option<i64> {
        let state = self.lock();
        let note = state.waiting.get(&(head.name.clone(), head.suffix.clone()));
        let noted = note.and_then(|note| match version {
            Some(version) => note.days.get(version).copied(),
            None => note.days.values().copied().max(),
        });
        noted.max(stored)
    }

    /// The notes that wait, at most `most`.
    pub(crate) fn waiting(&self, most: usize) -> Vec<(Secret, Note)> {
        let state = self.lock();
        state.waiting.iter().take(most).map(|(secret, note)| (secret.clone(), note.clone())).collect()
    }

    /// The note is in its head, or its secret is gone.
    pub(crate) fn done(&self, secret: &Secret, note: &Note) {
        let mut state = self.lock();
        if state.waiting.get(secret).is_some_and(|known| known.days == note.days) {
            state.waiting.remove(secret);
        }
    }

    /// The note was handed over, or was not.
    pub(crate) fn set_sent(&self, secret: &Secret, note: &Note, sent: bool) {
        if let Some(known) = self.lock().waiting.get_mut(secret)
            && known.days == note.days
        {
            known.sent = sent;
        }
    }
}

/// Dropped half way, with a read that is given up, it counts as failed.
impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.notes.lock();
        state.busy = false;
        if self.failed {
            state.not_before = Some(self.now.saturating_add(MINUTE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_utc() {
        let day = |millis| day_of(Timestamp::from_millis(millis));
        assert_eq!((day(0), day(DAY - 1), day(DAY), day(-1)), (0, 0, DAY, -DAY));
    }

    fn head(n: usize) -> Head {
        Head::new(format!("s{n}"), "AbCdEf".into(), Timestamp::from_millis(0))
    }

    impl Notes {
        fn read(&self, secrets: std::ops::Range<usize>, now: i64) {
            secrets.for_each(|n| self.add(&head(n), &VersionId::new("v"), Timestamp::from_millis(now)));
        }

        /// A turn that goes well: how many were handed over, all of which are then found in their
        /// heads.
        fn turn(&self, now: i64) -> Option<usize> {
            let mut turn = self.take_turn(Timestamp::from_millis(now))?;
            turn.failed = false;
            turn.few.iter().for_each(|(secret, note)| self.done(secret, note));
            Some(turn.few.len())
        }
    }

    #[test]
    fn the_first_of_a_minute_go_at_once_and_the_rest_in_the_next() {
        let notes = Notes::default();
        assert_eq!(notes.turn(1_000_000), None, "nothing waits");
        for n in 0..AT_ONCE {
            notes.read(n..n + 1, 1_000_000);
            assert_eq!(notes.turn(1_000_000), Some(1), "{n}");
        }
        notes.read(100..120, 1_000_100);
        assert_eq!(notes.turn(1_000_100), None, "enough for this minute");
        assert_eq!(notes.turn(1_060_000), Some(AT_ONCE), "a read that has nothing to note does it too");
        assert_eq!(notes.turn(1_119_999), None);
        assert_eq!(notes.turn(1_120_000), Some(4));
        assert_eq!(notes.turn(1_180_000), None, "nothing is left");
    }

    #[test]
    fn many_go_a_few_at_a_time() {
        let notes = Notes::default();
        notes.read(0..MANY + FEW, 0);
        assert_eq!((notes.turn(0), notes.turn(1), notes.turn(PAUSE)), (Some(FEW), None, Some(FEW)));
        let mut now = PAUSE;
        while notes.lock().waiting.len() >= FEW {
            now += PAUSE;
            assert_eq!(notes.turn(now), Some(FEW));
        }
    }

    #[test]
    fn one_read_at_a_time_and_a_failure_is_left_alone_for_a_minute() {
        let notes = Notes::default();
        notes.read(0..2, 0);
        let turn = notes.take_turn(Timestamp::from_millis(0)).expect("the first");
        notes.read(2..MANY + 2, 0);
        assert_eq!(notes.turn(10_000), None, "another is at it");
        drop(turn);
        notes.read(0..MANY + 3, 30_000);
        assert_eq!(notes.turn(59_999), None, "it failed, or was given up half way");
        assert_eq!(notes.turn(60_000), Some(FEW));
        assert_eq!(notes.turn(5), Some(FEW), "a clock that was set back does not stop it");
    }

    #[test]
    fn what_was_handed_over_is_looked_for_and_memory_is_bounded() {
        let notes = Notes::default();
        let (version, at) = (VersionId::new("v"), Timestamp::from_millis);
        notes.read(0..1, 0);
        let mut turn = notes.take_turn(at(0)).expect("the first");
        turn.failed = false;
        for (secret, note) in std::mem::take(&mut turn.few) {
            notes.set_sent(&secret, &note, true);
        }
        drop(turn);
        assert_eq!(notes.last(&head(0), Some(&version), None), Some(0), "still shown");
        assert_eq!(notes.turn(10), None);
        assert_eq!(notes.turn(PAUSE), Some(1), "found in its head");
        assert_eq!(notes.last(&head(0), None, Some(DAY)), Some(DAY));
        notes.read(0..2 * MOST, 0);
        assert_eq!(notes.lock().waiting.len(), MOST);
    }
}
