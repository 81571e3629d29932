//! Listings.

use strongroom_records::{Key, Scan};
use strongroom_store::validate::Violations;
use strongroom_store::{
    Error, ErrorKind, ListSecretVersionIds, ListSecrets, SecretPage, SortBy, SortOrder, VersionPage,
};
use strongroom_types::CallContext;

use crate::engine::Engine;
use crate::error::{damaged, storage};
use crate::head::{Head, StoredHead};
use crate::layout::last_segment;

const DEFAULT_PAGE: i64 = 100;
/// The most index entries one page looks at; a page may be short, or empty, and still carry a token.
const SCAN_BUDGET: usize = 2000;

fn page_size(max_results: Option<i64>) -> Result<usize, Error> {
    let size = max_results.unwrap_or(DEFAULT_PAGE);
    let mut violations = Violations::new();
    violations.number("maxResults", size, 1, 100);
    violations.finish()?;
    Ok(usize::try_from(size).unwrap_or(1))
}

impl Engine {
    pub(crate) async fn list(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.authorize(cx)?;
        let size = page_size(request.max_results)?;
        let layout = &self.inner.layout;
        let (word, prefix) = match request.sort_by {
            SortBy::CreatedDate => ("created", layout.by_created()),
            SortBy::LastChangedDate => ("changed", layout.by_changed()),
            SortBy::Name => ("name", layout.heads()),
            _ => return Err(Error::new(ErrorKind::Unsupported, "this order is not supported")),
        };
        let descending = request.sort_order == SortOrder::Descending;
        let query = format!("list {word} {descending} {}", request.include_planned_deletion);
        let mut scan = Scan::prefix(&prefix).limit(size);
        if descending {
            scan = scan.reverse();
        }
        if let Some(token) = &request.next_token {
            scan = scan.after(&Key::from_bytes(self.page_position(query.as_bytes(), token)?));
        }
        let mut page = SecretPage::default();
        let mut looked_at = 0;
        loop {
            // One short snapshot a round: nothing is pinned between pages.
            let snapshot = self.inner.records.snapshot().await.map_err(storage)?;
            let entries = snapshot.scan(&scan).await.map_err(storage)?;
            let heads = if request.sort_by == SortBy::Name {
                entries
                    .records
                    .iter()
                    .map(|record| StoredHead::parse(record).map(Some))
                    .collect::<Result<Vec<_>, _>>()?
            } else {
                let places: Vec<_> = entries
                    .records
                    .iter()
                    .map(|entry| layout.head(&last_segment(&entry.key).unwrap_or_default()))
                    .collect();
                let found = snapshot.get_many(&places).await.map_err(storage)?;
                found
                    .iter()
                    .map(|head| head.as_ref().map(StoredHead::parse).transpose())
                    .collect::<Result<Vec<_>, _>>()?
            };
            drop(snapshot);
            let mut last = None;
            for (entry, head) in entries.records.iter().zip(heads) {
                last = Some(&entry.key);
                looked_at += 1;
                // Entry and head are written in one commit and read in one snapshot. When they do not agree, somebody took
                // the head away or put an old entry back.
                let head = head
                    .map(|head| head.head)
                    .filter(|head| self.confirms(request.sort_by, head, &entry.key))
                    .ok_or_else(|| damaged(&entry.key, "the secret that it lists is missing or another"))?;
                if head.deleted.is_none() || request.include_planned_deletion {
                    page.secrets.push(head.metadata(self.realm()));
                }
                if page.secrets.len() == size {
                    break;
                }
            }
            let Some(last) = last else { return Ok(page) };
            let at_end =
                entries.cursor.is_none() && entries.records.last().is_some_and(|record| record.key == *last);
            if at_end {
                return Ok(page);
            }
            if page.secrets.len() == size || looked_at >= SCAN_BUDGET {
                page.next_token = Some(self.page_token(query.as_bytes(), last.as_bytes())?);
                return Ok(page);
            }
            scan = scan.after(last);
        }
    }

    fn confirms(&self, sort_by: SortBy, head: &Head, entry: &Key) -> bool {
        match sort_by {
            SortBy::CreatedDate => self.inner.layout.created(head) == *entry,
            SortBy::LastChangedDate => self.inner.layout.changed(head) == *entry,
            _ => true,
        }
    }

    pub(crate) async fn list_versions(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        self.authorize(cx)?;
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        violations.finish()?;
        let size = page_size(request.max_results)?;
        let head = self.existing(&request.id).await?.head;
        let arn = head.arn(self.realm());
        let query = format!("versions {arn} {}", request.include_deprecated);
        let mut listed: Vec<_> = head
            .versions
            .iter()
            .filter(|version| {
                version.sealed.is_some() && (request.include_deprecated || !version.stages.is_empty())
            })
            .collect();
        // In the order of the positions that tokens hold: a clock may stand still or step back between two versions.
        listed.sort_by_cached_key(|version| position_of(version.created, version.id.as_str()));
        let mut versions = listed.into_iter().peekable();
        if let Some(token) = &request.next_token {
            // The position is the time and id of the last version shown: it holds also when that one is gone.
            let position = self.page_position(query.as_bytes(), token)?;
            while versions
                .next_if(|version| position_of(version.created, version.id.as_str()) <= position)
                .is_some()
            {}
        }
        let mut page = VersionPage { arn, name: head.name.clone(), versions: Vec::new(), next_token: None };
        let mut last = Vec::new();
        while page.versions.len() < size {
            let Some(version) = versions.next() else { return Ok(page) };
            last = position_of(version.created, version.id.as_str());
            page.versions.push(version.metadata());
        }
        if versions.peek().is_some() {
            page.next_token = Some(self.page_token(query.as_bytes(), &last)?);
        }
        Ok(page)
    }
}

fn position_of(created: i64, id: &str) -> Vec<u8> {
    let time = strongroom_types::Timestamp::from_millis(created);
    Key::default().then_time(time).then(id).as_bytes().to_vec()
}
