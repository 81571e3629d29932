//! The stored form of a state: see docs/format.md.

use std::sync::Arc;

use strongroom_records::Key;

use crate::state::{REMEMBERED, State};

const MAGIC: [u8; 8] = *b"SRSNAP\x00\x01";

/// The maximum length of a version id.
const MAX_COMMIT: usize = 64;

/// `magic (8) || revision u64 || commits u8 || each: length u8, id || records u32 || each: key
/// length u16, key, revision u64, value length u32, value`, big-endian.
pub(crate) fn write(state: &State) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(state.revision.to_be_bytes());
    let short = |len: usize| u8::try_from(len).unwrap_or(u8::MAX);
    out.push(short(state.commits.len()));
    for commit in &state.commits {
        out.push(short(commit.len()));
        out.extend(commit.as_bytes());
    }
    out.extend(u32::try_from(state.records.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (key, (revision, value)) in &state.records {
        // The limits of keys and values are far below these maxima.
        out.extend(u16::try_from(key.as_bytes().len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend(key.as_bytes());
        out.extend(revision.to_be_bytes());
        out.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(value);
    }
    out
}

/// Parses what [`write`] wrote; `None` for anything else.
pub(crate) fn read(bytes: &[u8]) -> Option<State> {
    let mut rest = bytes.strip_prefix(&MAGIC)?;
    let mut state = State { revision: number(&mut rest)?, ..State::default() };
    let commits = usize::from(take(&mut rest, 1)?[0]);
    if commits > REMEMBERED {
        return None;
    }
    for _ in 0..commits {
        let len = usize::from(take(&mut rest, 1)?[0]);
        let commit = std::str::from_utf8(take(&mut rest, len)?).ok()?;
        (commit.len() <= MAX_COMMIT).then(|| state.commits.push(commit.to_owned()))?;
    }
    let records = u32::from_be_bytes(*take(&mut rest, 4)?.first_chunk()?);
    let mut before: Option<Key> = None;
    for _ in 0..records {
        let len = u16::from_be_bytes(*take(&mut rest, 2)?.first_chunk()?);
        let key = Key::from_bytes(take(&mut rest, usize::from(len))?.to_vec());
        let revision = number(&mut rest)?;
        let len = u32::from_be_bytes(*take(&mut rest, 4)?.first_chunk()?);
        let value = take(&mut rest, usize::try_from(len).ok()?)?;
        // Keys are strictly ascending, and no revision exceeds the state's.
        if before.as_ref().is_some_and(|before| *before >= key) || revision > state.revision {
            return None;
        }
        state.records.insert(key.clone(), (revision, Arc::from(value)));
        before = Some(key);
    }
    rest.is_empty().then_some(state)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*take(rest, 8)?.first_chunk()?))
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_and_nothing_but(
            records in proptest::collection::btree_map(proptest::collection::vec(any::<u8>(), 1..40), (0u64..9, any::<Vec<u8>>()), 0..8),
            commits in proptest::collection::vec("[a-z0-9-]{1,64}", 0..=REMEMBERED),
            (at, flip) in (any::<prop::sample::Index>(), 1u8..),
        ) {
            let mut state = State { revision: 9, commits, ..State::default() };
            for (key, (revision, value)) in records {
                state.records.insert(Key::from_bytes(key), (revision, Arc::from(value)));
            }
            let bytes = write(&state);
            let read_again = read(&bytes).unwrap();
            prop_assert_eq!(write(&read_again), bytes.clone());
            for cut in 0..bytes.len() {
                prop_assert!(read(&bytes[..cut]).is_none());
            }
            prop_assert!(read(&[&bytes[..], &[0]].concat()).is_none());
            // Whatever else is read is written as it was.
            let mut changed = bytes;
            let at = at.index(changed.len());
            changed[at] ^= flip;
            if let Some(other) = read(&changed) {
                prop_assert_eq!(write(&other), changed);
            }
        }

        #[test]
        fn anything_may_come(bytes: Vec<u8>) {
            let mut magic = MAGIC.to_vec();
            magic.extend(bytes);
            if let Some(state) = read(&magic) {
                prop_assert_eq!(write(&state), magic);
            }
        }
    }
}
