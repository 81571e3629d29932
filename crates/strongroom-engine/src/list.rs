//! Listing secrets.
//!
//! A listing walks one of four orders: an index (by creation, change, last access) or the heads themselves (by name). Where a
//! filter says how names begin, only those heads are walked. What a page looks at is bounded: a page may be short, or empty, and
//! still carry a token.

use strongroom_records::{Key, Scan};
use strongroom_store::validate::Violations;
use strongroom_store::{Error, Filter, ListSecrets, SecretPage, SortBy, SortOrder};
use strongroom_types::CallContext;

use crate::engine::Engine;
use crate::error::{damaged, storage};
use crate::head::{Head, StoredHead};
use crate::layout::last_segment;

const DEFAULT_PAGE: i64 = 100;
/// The most secrets that one page looks at.
const BUDGET: usize = 2000;
/// How many are read at once where a filter may leave few of them.
const ROUND: usize = 250;

/// A page size of a request, 1 to 100.
pub(crate) fn page_size(violations: &mut Violations, max_results: Option<i64>) -> usize {
    let size = max_results.unwrap_or(DEFAULT_PAGE);
    violations.number("maxResults", size, 1, 100);
    usize::try_from(size).unwrap_or(1)
}

/// A listing, without where its page begins.
struct Query<'a> {
    sort_by: SortBy,
    descending: bool,
    deleted_too: bool,
    filters: &'a [Filter],
}

impl<'a> Query<'a> {
    fn new(request: &'a ListSecrets) -> Self {
        Self {
            sort_by: request.sort_by,
            descending: request.sort_order == SortOrder::Descending,
            deleted_too: request.include_planned_deletion,
            filters: &request.filters,
        }
    }

    /// Everything that must be the same on the next page.
    fn bytes(&self) -> Vec<u8> {
        let mut key = Key::of([
            "list",
            match self.sort_by {
                SortBy::Name => "name",
                SortBy::LastChangedDate => "changed",
                SortBy::LastAccessedDate => "accessed",
                _ => "created",
            },
            if self.descending { "down" } else { "up" },
            if self.deleted_too { "all" } else { "live" },
        ]);
        for filter in self.filters {
            let values = Key::of(&filter.values);
            key = key.then(filter.key.as_str()).then(values.as_bytes());
        }
        key.as_bytes().to_vec()
    }

    fn shows(&self, engine: &Engine, head: &Head) -> Option<strongroom_store::SecretMetadata> {
        if head.deleted.is_some() && !self.deleted_too {
            return None;
        }
        let metadata = engine.metadata(head);
        self.filters.iter().all(|filter| filter.matches(&metadata)).then_some(metadata)
    }

    fn scan(&self, prefix: &Key) -> Scan {
        let scan = Scan::prefix(prefix);
        if self.descending { scan.reverse() } else { scan }
    }

    /// The beginnings of names that a filter leaves: in the order of the walk, none within another.
    fn name_prefixes(&self) -> Option<Vec<&str>> {
        let prefixes = self.filters.iter().find_map(Filter::name_prefixes)?;
        let mut prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
        prefixes.sort_unstable();
        prefixes.dedup_by(|next, kept| next.starts_with(*kept));
        if self.descending {
            prefixes.reverse();
        }
        Some(prefixes)
    }
}

impl Engine {
    pub(crate) async fn list(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.authorize(cx)?;
        let mut violations = Violations::new();
        let size = page_size(&mut violations, request.max_results);
        Filter::check(&request.filters, &mut violations)?;
        violations.finish()?;
        let query = Query::new(&request);
        let after = match &request.next_token {
            Some(token) => Some(Key::from_bytes(self.page_position(&query.bytes(), token)?)),
            None => None,
        };
        let layout = &self.inner.layout;
        let ranges = match (query.sort_by, query.name_prefixes()) {
            (SortBy::Name, None) => vec![layout.heads()],
            (SortBy::Name, Some(prefixes)) => {
                prefixes.into_iter().map(|prefix| layout.heads_beginning(prefix)).collect()
            }
            (sort_by, prefixes) => {
                if let Some(prefixes) = prefixes
                    && let Some(page) = self.list_few(&query, &prefixes, after.as_ref(), size).await?
                {
                    return Ok(page);
                }
                vec![self.index(sort_by)]
            }
        };
        self.list_ranges(&query, &ranges, after, size).await
    }

    fn index(&self, sort_by: SortBy) -> Key {
        let layout = &self.inner.layout;
        match sort_by {
            SortBy::Name => layout.heads(),
            SortBy::LastChangedDate => layout.by_changed(),
            SortBy::LastAccessedDate => layout.by_accessed(),
            _ => layout.by_created(),
        }
    }

    /// Where a secret stands in an order.
    fn position(&self, sort_by: SortBy, head: &Head) -> Key {
        let layout = &self.inner.layout;
        match sort_by {
            SortBy::Name => layout.head(&head.name),
            SortBy::LastChangedDate => layout.changed(head),
            SortBy::LastAccessedDate => layout.accessed(head),
            _ => layout.created(head),
        }
    }

    /// Walks ranges of an index, or of the heads, from where the page before ended.
    async fn list_ranges(
        &self,
        query: &Query<'_>,
        ranges: &[Key],
        after: Option<Key>,
        size: usize,
    ) -> Result<SecretPage, Error> {
        let mut page = SecretPage::default();
        let mut looked_at = 0;
        let round = if query.filters.is_empty() { size } else { ROUND };
        for (index, range) in ranges.iter().enumerate() {
            let mut scan = query.scan(range).limit(round);
            if let Some(after) = &after {
                scan = scan.after(after);
            }
            while !scan.is_empty() {
                let (found, more) = self.list_round(query.sort_by, &scan).await?;
                let Some(end) = found.last().map(|(entry, _)| entry.clone()) else { break };
                for (entry, head) in found {
                    looked_at += 1;
                    page.secrets.extend(query.shows(self, &head));
                    let full = page.secrets.len() == size;
                    if full || looked_at >= BUDGET {
                        let at_end = !more && entry == end && index + 1 == ranges.len();
                        if !at_end {
                            page.next_token = Some(self.page_token(&query.bytes(), entry.as_bytes())?);
                        }
                        return Ok(page);
                    }
                }
                if !more {
                    break;
                }
                scan = scan.after(&end);
            }
        }
        Ok(page)
    }

    /// Some entries with their heads, all of one moment, and whether there are more. Nothing is pinned between rounds.
    async fn list_round(&self, sort_by: SortBy, scan: &Scan) -> Result<(Vec<(Key, Head)>, bool), Error> {
        let snapshot = self.inner.records.snapshot().await.map_err(storage)?;
        let entries = snapshot.scan(scan).await.map_err(storage)?;
        let more = entries.cursor.is_some();
        let heads = if sort_by == SortBy::Name {
            entries
                .records
                .iter()
                .map(|record| StoredHead::parse(record).map(Some))
                .collect::<Result<Vec<_>, _>>()?
        } else {
            let place = |key: &Key| self.inner.layout.head(&last_segment(key).unwrap_or_default());
            let places: Vec<_> = entries.records.iter().map(|entry| place(&entry.key)).collect();
            let found = snapshot.get_many(&places).await.map_err(storage)?;
            found
                .iter()
                .map(|head| head.as_ref().map(StoredHead::parse).transpose())
                .collect::<Result<Vec<_>, _>>()?
        };
        drop(snapshot);
        let found = entries.records.into_iter().zip(heads).map(|(entry, head)| {
            // Entry and head are written in one commit and read in one snapshot. When they do not agree, somebody took
            // the head away or put an old entry back.
            let head = head
                .map(|head| head.head)
                .filter(|head| self.position(sort_by, head) == entry.key)
                .ok_or_else(|| damaged(&entry.key, "the secret that it lists is missing or another"))?;
            Ok((entry.key, head))
        });
        Ok((found.collect::<Result<_, Error>>()?, more))
    }

    /// A page of the few secrets whose names begin as a filter says, whatever the order: read all, sort, cut. `None` when
    /// they are more than a page may look at; walking the index then finds a page soon.
    async fn list_few(
        &self,
        query: &Query<'_>,
        prefixes: &[&str],
        after: Option<&Key>,
        size: usize,
    ) -> Result<Option<SecretPage>, Error> {
        let mut few = Vec::new();
        for prefix in prefixes {
            let mut scan = Scan::prefix(&self.inner.layout.heads_beginning(prefix)).limit(ROUND);
            loop {
                let (found, more) = self.list_round(SortBy::Name, &scan).await?;
                let Some((end, _)) = found.last() else { break };
                scan = scan.after(end);
                few.extend(found.into_iter().map(|(_, head)| (self.position(query.sort_by, &head), head)));
                if few.len() > BUDGET {
                    return Ok(None);
                }
                if !more {
                    break;
                }
            }
        }
        let beyond = |key: &Key| match after {
            Some(after) if query.descending => key < after,
            Some(after) => key > after,
            None => true,
        };
        few.retain(|(key, _)| beyond(key));
        few.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        if query.descending {
            few.reverse();
        }
        let shown = |(key, head): &(Key, Head)| query.shows(self, head).map(|secret| (key.clone(), secret));
        let mut shown = few.iter().filter_map(shown).peekable();
        let mut page = SecretPage::default();
        while let Some((key, secret)) = shown.next() {
            page.secrets.push(secret);
            if page.secrets.len() == size && shown.peek().is_some() {
                page.next_token = Some(self.page_token(&query.bytes(), key.as_bytes())?);
                break;
            }
        }
        Ok(Some(page))
    }
}
