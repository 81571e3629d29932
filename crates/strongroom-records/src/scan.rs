//! Scans: ordered reads of a key range.

use std::ops::Bound;

use crate::{Key, Record};

/// A range of keys, a direction and a limit.
///
/// If [`Page::more`] is set, get the next page with the same scan and [`Scan::after`] the page's
/// last key. This cursor is just a key: it stays valid in other snapshots and processes, and after
/// the record is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    start: Bound<Key>,
    end: Bound<Key>,
    reverse: bool,
    limit: usize,
}

impl Scan {
    /// The default page size.
    pub const DEFAULT_LIMIT: usize = 100;

    /// Scans all records whose key starts with `prefix`, in ascending order.
    #[must_use]
    pub fn prefix(prefix: &Key) -> Self {
        Self {
            start: Bound::Included(prefix.clone()),
            end: prefix.prefix_end().map_or(Bound::Unbounded, Bound::Excluded),
            reverse: false,
            limit: Self::DEFAULT_LIMIT,
        }
    }

    /// Scans in descending order.
    #[must_use]
    pub fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// Sets the maximum number of records in a page: at least one, and at most the backend's
    /// [`crate::Limits::scan`].
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Skips records up to and including `key`, in the direction of the scan.
    #[must_use]
    pub fn after(mut self, key: &Key) -> Self {
        let (start, end) = (&mut self.start, &mut self.end);
        if self.reverse {
            let above = matches!(end, Bound::Unbounded)
                || matches!(end, Bound::Excluded(old) | Bound::Included(old) if *old > *key);
            if above {
                *end = Bound::Excluded(key.clone());
            }
        } else if matches!(start, Bound::Unbounded)
            || matches!(start, Bound::Excluded(old) | Bound::Included(old) if *old <= *key)
        {
            *start = Bound::Excluded(key.clone());
        }
        self
    }

    /// Excludes `key` and all greater keys, whatever the direction.
    #[must_use]
    pub fn below(mut self, key: &Key) -> Self {
        if matches!(&self.end, Bound::Unbounded)
            || matches!(&self.end, Bound::Excluded(old) | Bound::Included(old) if *old > *key)
        {
            self.end = Bound::Excluded(key.clone());
        }
        self
    }

    /// The same scan with `prefix` prepended to its keys.
    pub(crate) fn within(&self, prefix: &Key) -> Self {
        let join = |bound: &Bound<Key>| bound.as_ref().map(|key| prefix.join(key));
        let start = match join(&self.start) {
            Bound::Unbounded => Bound::Included(prefix.clone()),
            start => start,
        };
        let end = match join(&self.end) {
            Bound::Unbounded => prefix.prefix_end().map_or(Bound::Unbounded, Bound::Excluded),
            end => end,
        };
        Self { start, end, reverse: self.reverse, limit: self.limit }
    }

    /// The lower bound.
    #[must_use]
    pub fn lower(&self) -> Bound<&Key> {
        self.start.as_ref()
    }

    /// The upper bound.
    #[must_use]
    pub fn upper(&self) -> Bound<&Key> {
        self.end.as_ref()
    }

    /// Whether the range cannot contain any key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(a), Bound::Included(b)) => a > b,
            (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a >= b,
            _ => false,
        }
    }

    /// Whether the order is descending.
    #[must_use]
    pub fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// The maximum number of records in a page.
    #[must_use]
    pub fn max_records(&self) -> usize {
        self.limit
    }
}

/// A page of a scan's results.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The records, in the order of the scan.
    pub records: Vec<Record>,
    /// Whether the range continues after the last record of this page.
    pub more: bool,
}

impl Page {
    /// The argument of [`Scan::after`] for the next page, or `None` if this is the last page.
    #[must_use]
    pub fn cursor(&self) -> Option<&Key> {
        if self.more { self.records.last().map(|record| &record.key) } else { None }
    }
}
