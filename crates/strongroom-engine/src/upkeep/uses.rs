//! What is encrypted under which generation of which key, and moving it to the newest.

use strongroom_kms::{DescribeKey, KeyRef};
use strongroom_records::{Expect, Key, Scan};
use strongroom_store::{Error, ErrorKind, Target, VersionId};
use strongroom_types::{Arn, CallContext};

use crate::call::{About, Call};
use crate::error::{encryption, storage};
use crate::head::{Head, StoredHead};
use crate::keys::Keys;
use crate::parts::Parts;
use crate::permission::Gate;
use crate::storage::{Attempts, Storage};

/// A version of a secret that is encrypted under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUse {
    /// The secret's ARN.
    pub secret: Arn,
    /// The secret's name.
    pub name: String,
    /// The version.
    pub version_id: VersionId,
    /// The generation of the key, where the key service tells.
    pub key_material_id: Option<String>,
}

/// A page of [`Engine::key_uses`](crate::Engine::key_uses).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUsePage {
    /// The uses, by generation and name.
    pub uses: Vec<KeyUse>,
    /// Where the next page begins; `None` at the end.
    pub next_token: Option<String>,
}

/// How far [`Engine::rewrap`](crate::Engine::rewrap) has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RewrapProgress {
    /// Versions encrypted again.
    pub done: u64,
    /// Versions that were under older generations when it began.
    pub total: u64,
}

/// How many uses one page looks at.
const PAGE: usize = 100;

/// Where a use stands: name, suffix and version from the end of its place, and the generation.
struct Entry {
    material: String,
    name: String,
    suffix: String,
    version: VersionId,
}

impl Entry {
    fn parse(place: &Key) -> Option<Self> {
        let text = |segment: Vec<u8>| String::from_utf8(segment).ok();
        let mut segments = place.segments()?;
        let version = VersionId::new(text(segments.pop()?)?);
        let (suffix, name) = (text(segments.pop()?)?, text(segments.pop()?)?);
        let material = text(segments.pop()?)?;
        Some(Self { material, name, suffix, version })
    }
}

/// What is encrypted under which key, and moving it.
#[derive(Clone, Copy)]
pub(crate) struct KeyUses<'a>(pub(crate) &'a Parts);

impl KeyUses<'_> {
    pub(crate) async fn list(
        self,
        call: &Call<'_>,
        key: &KeyRef,
        material: Option<&str>,
        next_token: Option<&str>,
    ) -> Result<KeyUsePage, Error> {
        let cx = call.cx();
        Gate(self.0).allow(call, About::Nothing).await?;
        let (arn, _) = self.newest_material(cx, key).await?;
        let query = format!("uses {arn} {}", material.unwrap_or("*"));
        let mut scan = Scan::prefix(&self.uses_of(&arn, material)).limit(PAGE);
        if let Some(token) = next_token {
            scan = scan.after(&Key::from_bytes(Storage(self.0).page_position(query.as_bytes(), token)?));
        }
        let snapshot = self.0.records.snapshot().await.map_err(storage)?;
        let found = snapshot.scan(&scan).await.map_err(storage)?;
        drop(snapshot);
        let mut page = KeyUsePage::default();
        for record in &found.records {
            let Some(entry) = Entry::parse(&record.key) else { continue };
            page.uses.push(KeyUse {
                secret: strongroom_store::SecretArn::of(self.0.realm(), &entry.name, &entry.suffix),
                name: entry.name,
                version_id: entry.version,
                key_material_id: (!entry.material.is_empty()).then_some(entry.material),
            });
        }
        if let Some(cursor) = &found.cursor {
            page.next_token = Some(Storage(self.0).page_token(query.as_bytes(), cursor.as_bytes())?);
        }
        Ok(page)
    }

    pub(crate) async fn rewrap(
        self,
        call: &Call<'_>,
        key: &KeyRef,
        mut progress: impl FnMut(RewrapProgress) + Send,
    ) -> Result<RewrapProgress, Error> {
        let cx = call.cx();
        Gate(self.0).allow(call, About::Nothing).await?;
        let (arn, newest) = self.newest_material(cx, key).await?;
        let older = |place: &Key| {
            Entry::parse(place)
                .filter(|entry| newest.as_deref().is_some_and(|newest| newest != entry.material))
        };
        let mut so_far = RewrapProgress::default();
        let mut walk = self.0.records.walk(Scan::prefix(&self.uses_of(&arn, None)));
        while let Some(page) = walk.next().await.map_err(storage)? {
            so_far.total += page.iter().filter_map(|(place, _)| older(place)).map(|_| 1).sum::<u64>();
        }
        let mut walk = self.0.records.walk(Scan::prefix(&self.uses_of(&arn, None)));
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (place, record) in page {
                record.map_err(storage)?;
                let Some(entry) = older(&place) else { continue };
                if self.rewrap_version(call, &entry, &place).await? {
                    so_far.done += 1;
                    progress(so_far);
                }
            }
        }
        Ok(so_far)
    }

    pub(crate) async fn close_material(
        self,
        call: &Call<'_>,
        key: &KeyRef,
        material: &str,
    ) -> Result<Vec<KeyUse>, Error> {
        let cx = call.cx();
        Gate(self.0).allow(call, About::Nothing).await?;
        let (arn, newest) = self.newest_material(cx, key).await?;
        if newest.as_deref() == Some(material) {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("Key material {material} is the one that {arn} encrypts with."),
            ));
        }
        let records = &self.0.records;
        let closed = self.0.layout.closed(arn.as_str(), material);
        let mut batch = records.batch();
        batch.put(&closed, b"", Expect::Any);
        records.commit(batch).await.map_err(storage)?;
        let uses = self.uses_by_heads(&arn, material).await?;
        if !uses.is_empty() {
            let mut batch = records.batch();
            batch.delete(&closed, Expect::Any);
            records.commit(batch).await.map_err(storage)?;
        }
        Ok(uses)
    }

    /// The first hundred versions under a generation, as their secrets say.
    async fn uses_by_heads(self, arn: &Arn, material: &str) -> Result<Vec<KeyUse>, Error> {
        let mut uses = Vec::new();
        let mut walk = self.0.records.walk(Scan::prefix(&self.0.layout.heads()));
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (_, record) in page {
                let head = StoredHead::parse(&record.map_err(storage)?)?.head;
                for version in &head.versions {
                    let under = version.sealed.as_ref().is_some_and(|sealed| {
                        sealed.key == arn.as_str() && sealed.material.as_deref() == Some(material)
                    });
                    if under && uses.len() < PAGE {
                        uses.push(KeyUse {
                            secret: head.arn(self.0.realm()).clone(),
                            name: head.name.clone(),
                            version_id: version.id.clone(),
                            key_material_id: Some(material.to_owned()),
                        });
                    }
                }
            }
        }
        Ok(uses)
    }

    /// Encrypts one version again, if its value is still the one the index means.
    async fn rewrap_version(self, call: &Call<'_>, entry: &Entry, place: &Key) -> Result<bool, Error> {
        let (keys, layout) = (Keys(self.0), &self.0.layout);
        let target = Target::Name(entry.name.clone());
        let _turn = self.0.turn(&entry.name).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            let Some(before) = Storage(self.0).find(&target).await? else { return Ok(false) };
            let mut head = Head::clone(&before.head);
            let Some(index) = head.versions.iter().position(|version| version.id == entry.version) else {
                return Ok(false);
            };
            let old = head.versions[index].sealed.clone();
            let Some(old) = old.filter(|old| {
                head.suffix == entry.suffix && layout.use_of(&head, &entry.version, old) == *place
            }) else {
                return Ok(false);
            };
            let Some(value) = keys.fetch(call, &head, &entry.version, &old).await? else {
                keys.changed_since(&before, &entry.version).await?;
                continue;
            };
            let sealed = keys.seal_again(call, &head, &entry.version, &value, &old).await?;
            let mut batch = self.0.records.batch();
            batch.delete(place, Expect::Any);
            let new = keys.put_value(&mut batch, &head, &entry.version, &sealed, Expect::Any);
            let unchanged = layout.use_of(&head, &entry.version, &new) == *place;
            if unchanged {
                // A key service that does not tell generations: there is nothing to move to.
                return Ok(false);
            }
            head.versions[index].sealed = Some(new);
            if Storage(self.0).commit_head(batch, Some(&before), &head).await? {
                return Ok(true);
            }
        }
    }

    fn uses_of(self, arn: &Arn, material: Option<&str>) -> Key {
        let uses = self.0.layout.uses().then(arn.as_str());
        match material {
            Some(material) => uses.then(material),
            None => uses,
        }
    }

    /// A key's ARN and the generation of it that encrypts now.
    async fn newest_material(self, cx: &CallContext, key: &KeyRef) -> Result<(Arn, Option<String>), Error> {
        let described = self.0.kms.describe_key(cx, DescribeKey::new(key)).await.map_err(encryption)?;
        Ok((described.arn, described.current_key_material_id))
    }
}
