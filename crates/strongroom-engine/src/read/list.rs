//! Listing secrets.
//!
//! A listing walks one of four orders: an index (by creation, change, last access) or the heads
//! themselves (by name). Where a filter says how names begin, only those heads are walked. What a
//! page looks at is bounded: a page may be short, or empty, and still carry a token.

use std::sync::Arc;

use strongroom_records::{Key, Scan};
use strongroom_store::validate::Violations;
use strongroom_store::{Error, Filter, ListSecrets, SecretPage, SortBy, SortOrder};

use crate::call::{About, Call};
use crate::error::{damaged, storage};
use crate::head::{Head, StoredHead};
use crate::layout::last_segment;
use crate::parts::Parts;
use crate::permission::Gate;
use crate::read::dates::Dates;
use crate::storage::Storage;

const DEFAULT_PAGE: i64 = 100;
/// The most secrets that one page reads.
const BUDGET: usize = 2000;
/// The most index entries that one page passes over because of the names in them.
const ENTRIES: usize = 4000;
/// The most that is read at once.
const ROUND: usize = 500;
/// Up to this many secrets are always read and sorted.
const FEW: usize = 100;

/// A page size of a request, 1 to 100.
pub(crate) fn page_size(violations: &mut Violations, max_results: Option<i64>) -> usize {
    let size = max_results.unwrap_or(DEFAULT_PAGE);
    violations.number("maxResults", size, 1, 100);
    usize::try_from(size).unwrap_or(1)
}

/// A page token of a request, 1 to 4,096 characters.
pub(crate) fn page_token_length(violations: &mut Violations, token: Option<&str>) {
    if let Some(token) = token {
        violations.length("nextToken", token, 1, 4096);
    }
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

    fn shows(&self, parts: &Parts, head: &Head) -> Option<strongroom_store::SecretMetadata> {
        if head.deleted.is_some() && !self.deleted_too {
            return None;
        }
        let metadata = Dates(parts).metadata(head);
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

/// Lists secrets and their versions.
#[derive(Clone, Copy)]
pub(crate) struct Lister<'a>(pub(crate) &'a Parts);

impl Lister<'_> {
    pub(crate) async fn list(self, call: &Call<'_>, request: &ListSecrets) -> Result<SecretPage, Error> {
        Gate(self.0).allow(call, About::Nothing).await?;
        let mut violations = Violations::new();
        let size = page_size(&mut violations, request.max_results);
        page_token_length(&mut violations, request.next_token.as_deref());
        Filter::check(&request.filters, &mut violations)?;
        violations.finish()?;
        let query = Query::new(request);
        let after = match &request.next_token {
            Some(token) => Some(Key::from_bytes(Storage(self.0).page_position(&query.bytes(), token)?)),
            None => None,
        };
        if query.sort_by == SortBy::LastAccessedDate && after.is_none() {
            Dates(self.0).settle_notes().await;
        }
        let layout = &self.0.layout;
        let ranges = match (query.sort_by, query.name_prefixes()) {
            (SortBy::Name, None) => vec![layout.heads()],
            (SortBy::Name, Some(prefixes)) => {
                prefixes.into_iter().map(|prefix| layout.heads_beginning(prefix)).collect()
            }
            (sort_by, prefixes) => {
                let index = [self.index(sort_by)];
                let Some(prefixes) = prefixes else {
                    return Ok(self.list_ranges(&query, &index, after, size).await?.0);
                };
                // Few secrets begin so: read them. Many: a page is found soon in the index. In
                // between, whatever ends first.
                if let Some(page) = self.list_few(&query, &prefixes, after.as_ref(), size, FEW).await? {
                    return Ok(page);
                }
                let (page, done) = self.list_ranges(&query, &index, after.clone(), size).await?;
                if done {
                    return Ok(page);
                }
                let few = self.list_few(&query, &prefixes, after.as_ref(), size, BUDGET).await?;
                return Ok(few.unwrap_or(page));
            }
        };
        Ok(self.list_ranges(&query, &ranges, after, size).await?.0)
    }

    fn index(self, sort_by: SortBy) -> Key {
        let layout = &self.0.layout;
        match sort_by {
            SortBy::Name => layout.heads(),
            SortBy::LastChangedDate => layout.by_changed(),
            SortBy::LastAccessedDate => layout.by_accessed(),
            _ => layout.by_created(),
        }
    }

    /// Where a secret stands in an order.
    fn position(self, sort_by: SortBy, head: &Head) -> Key {
        let layout = &self.0.layout;
        match sort_by {
            SortBy::Name => layout.head(&head.name),
            SortBy::LastChangedDate => layout.changed(head),
            SortBy::LastAccessedDate => layout.accessed(head),
            _ => layout.created(head),
        }
    }

    /// Walks ranges of an index, or of the heads, from where the previous page ended. Also returns
    /// whether the page is complete, or only as far as one page looks.
    async fn list_ranges(
        self,
        query: &Query<'_>,
        ranges: &[Key],
        after: Option<Key>,
        size: usize,
    ) -> Result<(SecretPage, bool), Error> {
        let mut page = SecretPage::default();
        let (mut read, mut passed) = (0, 0);
        // Most often the first step suffices; where filters leave little, the steps grow.
        let mut round = size;
        for (index, range) in ranges.iter().enumerate() {
            let mut scan = query.scan(range);
            if let Some(after) = &after {
                scan = scan.after(after);
            }
            while !scan.is_empty() {
                scan = scan.limit(round);
                round = (round * 4).min(ROUND.max(size));
                let (found, more) = self.list_round(query, &scan).await?;
                let Some((end, _)) = found.last() else { break };
                let end = end.clone();
                for (entry, head) in found {
                    match head {
                        Some(head) => {
                            read += 1;
                            page.secrets.extend(query.shows(self.0, &head));
                        }
                        None => passed += 1,
                    }
                    let full = page.secrets.len() == size;
                    if full || read >= BUDGET || passed >= ENTRIES {
                        let at_end = !more && entry == end && index + 1 == ranges.len();
                        if !at_end {
                            page.next_token =
                                Some(Storage(self.0).page_token(&query.bytes(), entry.as_bytes())?);
                        }
                        return Ok((page, full || at_end));
                    }
                }
                if !more {
                    break;
                }
                scan = scan.after(&end);
            }
        }
        Ok((page, true))
    }

    /// Some entries with their heads, all of one moment, and whether there are more. No head where
    /// the name alone says that the secret is not shown. Nothing is pinned between rounds.
    async fn list_round(
        self,
        query: &Query<'_>,
        scan: &Scan,
    ) -> Result<(Vec<(Key, Option<Arc<Head>>)>, bool), Error> {
        let snapshot = self.0.records.snapshot().await.map_err(storage)?;
        let entries = snapshot.scan(scan).await.map_err(storage)?;
        let more = entries.cursor.is_some();
        if query.sort_by == SortBy::Name {
            let heads = entries.records.into_iter().map(|record| {
                let head = StoredHead::parse(&record)?.head;
                Ok((record.key, Some(head)))
            });
            return Ok((heads.collect::<Result<_, Error>>()?, more));
        }
        let mut places = Vec::new();
        let wanted: Vec<bool> = entries
            .records
            .iter()
            .map(|entry| {
                let name = last_segment(&entry.key).unwrap_or_default();
                let wanted = query.filters.iter().all(|filter| filter.may_show(&name));
                if wanted {
                    places.push(self.0.layout.head(&name));
                }
                wanted
            })
            .collect();
        let mut heads = snapshot.get_many(&places).await.map_err(storage)?.into_iter();
        drop(snapshot);
        let found = entries.records.into_iter().zip(wanted).map(|(entry, wanted)| {
            if !wanted {
                return Ok((entry.key, None));
            }
            // Entry and head are written in one commit and read in one snapshot. If they do not
            // agree, somebody took the head away or put an old entry back.
            let head = heads.next().flatten().as_ref().map(StoredHead::parse).transpose()?;
            let head = head
                .map(|head| head.head)
                .filter(|head| self.position(query.sort_by, head) == entry.key)
                .ok_or_else(|| damaged(&entry.key, "the secret that it lists is missing or another"))?;
            Ok((entry.key, Some(head)))
        });
        Ok((found.collect::<Result<_, Error>>()?, more))
    }

    /// A page of the few secrets whose names begin as a filter says, whatever the order: read all,
    /// sort, cut. `None` if they are more than `most`.
    async fn list_few(
        self,
        query: &Query<'_>,
        prefixes: &[&str],
        after: Option<&Key>,
        size: usize,
        most: usize,
    ) -> Result<Option<SecretPage>, Error> {
        let by_name = Query { sort_by: SortBy::Name, descending: false, ..*query };
        let mut few = Vec::new();
        for prefix in prefixes {
            let mut scan = by_name.scan(&self.0.layout.heads_beginning(prefix)).limit(most.min(ROUND) + 1);
            loop {
                let (found, more) = self.list_round(&by_name, &scan).await?;
                let Some((end, _)) = found.last() else { break };
                scan = scan.after(end);
                let heads = found.into_iter().filter_map(|(_, head)| head);
                few.extend(heads.map(|head| (self.position(query.sort_by, &head), head)));
                if few.len() > most {
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
        let shown =
            |(key, head): &(Key, Arc<Head>)| query.shows(self.0, head).map(|secret| (key.clone(), secret));
        let mut shown = few.iter().filter_map(shown).peekable();
        let mut page = SecretPage::default();
        while let Some((key, secret)) = shown.next() {
            page.secrets.push(secret);
            if page.secrets.len() == size && shown.peek().is_some() {
                page.next_token = Some(Storage(self.0).page_token(&query.bytes(), key.as_bytes())?);
                break;
            }
        }
        Ok(Some(page))
    }
}
