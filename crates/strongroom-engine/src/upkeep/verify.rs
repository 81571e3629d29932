//! A walk through all secrets.

use std::collections::BTreeSet;

use strongroom_records::{Key, Scan};
use strongroom_root::Report;
use strongroom_store::{Error, ErrorKind, Labels, Stage, Target, VersionId};
use strongroom_types::Timestamp;

use crate::call::{About, Call};
use crate::head::{Head, StoredHead};
use crate::keys::Keys;
use crate::layout::last_segment;
use crate::parts::Parts;
use crate::permission::Gate;
use crate::storage::Storage;

/// Checks every record.
#[derive(Clone, Copy)]
pub(crate) struct Verifier<'a>(pub(crate) &'a Parts);

impl Verifier<'_> {
    pub(crate) async fn verify(self, call: &Call<'_>) -> Result<Report, Error> {
        Gate(self.0).allow(call, About::Nothing).await?;
        let storage = Storage(self.0);
        let mut report = Report::new();
        let layout = &self.0.layout;
        // Authentication of every record, whoever wrote it.
        storage
            .walk(Scan::prefix(&layout.all()), async |key, record| {
                report.check();
                if let Err(error) = record {
                    report.problem(key, error);
                }
                Ok(())
            })
            .await?;
        storage
            .walk(Scan::prefix(&layout.heads()), async |key, record| {
                let Ok(record) = record else { return Ok(()) };
                match StoredHead::parse(&record) {
                    Ok(stored) if layout.head(&stored.head.name) == key => {
                        self.verify_secret(call, &stored, &mut report).await
                    }
                    Ok(_) => {
                        report.problem(key, "the head names another secret");
                        Ok(())
                    }
                    Err(error) => {
                        report.problem(key, error);
                        Ok(())
                    }
                }
            })
            .await?;
        let values = Scan::prefix(&layout.values());
        storage.walk(values, async |key, _| self.verify_owner(&key, &mut report).await).await?;
        let uses = Scan::prefix(&layout.uses());
        storage.walk(uses, async |key, _| self.verify_use(&key, &mut report).await).await?;
        for (index, place) in [
            (layout.by_created(), Self::created_place as fn(Self, &Head) -> Option<Key>),
            (layout.by_changed(), Self::changed_place),
            (layout.by_accessed(), Self::accessed_place),
            (layout.due_secrets(), Self::due_place),
        ] {
            storage.walk(Scan::prefix(&index), async |key, _| {
                report.check();
                let name = last_segment(&key).unwrap_or_default();
                if !matches!(self.head_now(&name).await, Ok(Some(stored)) if place(self, &stored.head).as_ref() == Some(&key))
                {
                    // Somebody may have changed the secret since the page was read.
                    if self.0.records.get(&key).await.is_ok_and(|entry| entry.is_some()) {
                        report.problem(key, "the index entry belongs to no secret");
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok(report)
    }

    fn created_place(self, head: &Head) -> Option<Key> {
        Some(self.0.layout.created(head))
    }

    fn changed_place(self, head: &Head) -> Option<Key> {
        Some(self.0.layout.changed(head))
    }

    fn accessed_place(self, head: &Head) -> Option<Key> {
        Some(self.0.layout.accessed(head))
    }

    fn due_place(self, head: &Head) -> Option<Key> {
        let date = Timestamp::from_millis(head.deleted?);
        Some(self.0.layout.due(date, &head.name))
    }

    async fn head_now(self, name: &str) -> Result<Option<StoredHead>, Error> {
        Storage(self.0).find(&Target::Name(name.to_owned())).await
    }

    async fn verify_secret(
        self,
        call: &Call<'_>,
        stored: &StoredHead,
        report: &mut Report,
    ) -> Result<(), Error> {
        let (head, layout) = (&stored.head, &self.0.layout);
        if let Some(what) = broken_labels(head) {
            report.problem(&head.name, what);
        }
        for (place, what) in [
            (layout.created(head), "the secret is missing in the index by creation"),
            (layout.changed(head), "the secret is missing in the index by change"),
            (layout.accessed(head), "the secret is missing in the index by last access"),
        ] {
            report.check();
            let there = self.0.records.get(&place).await.is_ok_and(|entry| entry.is_some());
            if !there && self.unchanged(stored).await? {
                report.problem(&head.name, what);
            }
        }
        if let Some(date) = head.deleted {
            let due = layout.due(Timestamp::from_millis(date), &head.name);
            let there = self.0.records.get(&due).await.is_ok_and(|entry| entry.is_some());
            if !there && self.unchanged(stored).await? {
                report.problem(
                    &head.name,
                    "the secret is marked for deletion but missing in the index of what is due",
                );
            }
        }
        for version in &head.versions {
            let Some(sealed) = &version.sealed else { continue };
            report.check();
            let place = format!("{} version {}", head.name, version.id);
            match Keys(self.0).fetch(call, head, &version.id, sealed).await {
                Ok(Some(_)) => {}
                Ok(None) if self.unchanged(stored).await? => {
                    report
                        .problem(&place, "the value is missing, or is not the one that the head vouches for");
                }
                Ok(None) => {}
                // A record that fails authentication was already reported by the walk over all
                // records.
                Err(error)
                    if error.kind() == ErrorKind::Tampered && std::error::Error::source(&error).is_some() => {
                }
                Err(error) if is_locked(&error) => report.locked(&place, describe(&error)),
                Err(error) if error.kind() == ErrorKind::Internal => return Err(error),
                Err(error) => report.problem(&place, describe(&error)),
            }
            let used = self.0.records.get(&layout.use_of(head, &version.id, sealed)).await;
            if matches!(used, Ok(None)) && self.unchanged(stored).await? {
                report.problem(&place, "the index of key use does not have it");
            }
        }
        Ok(())
    }

    /// Whether a secret is still as it was read. What a walk finds wrong may only be newer than
    /// what it is compared with.
    async fn unchanged(self, stored: &StoredHead) -> Result<bool, Error> {
        Ok(self.head_now(&stored.head.name).await?.is_some_and(|now| now.revision == stored.revision))
    }

    /// Every value belongs to a version of a secret, or to an unfinished purge.
    async fn verify_owner(self, key: &Key, report: &mut Report) -> Result<(), Error> {
        report.check();
        let Some([name, suffix, version]) = &place_of(key, report) else { return Ok(()) };
        let owned = match self.head_now(name).await {
            Ok(Some(stored)) => {
                stored.head.suffix == *suffix
                    && stored.head.versions.iter().any(|known| known.id.as_str() == version)
            }
            Ok(None) => false,
            Err(_) => return Ok(()),
        };
        if !owned && self.is_left_over(key, name, suffix).await {
            report.problem(key, "the value belongs to no secret");
        }
        Ok(())
    }

    /// Every entry of the index of key use is that of a value.
    async fn verify_use(self, key: &Key, report: &mut Report) -> Result<(), Error> {
        report.check();
        let Some([name, suffix, version]) = &place_of(key, report) else { return Ok(()) };
        let Ok(stored) = self.head_now(name).await else { return Ok(()) };
        let version = VersionId::new(version);
        let used = stored.filter(|stored| stored.head.suffix == *suffix).is_some_and(|stored| {
            let sealed = stored.head.version(&version).and_then(|version| version.sealed.as_ref());
            sealed.is_some_and(|sealed| self.0.layout.use_of(&stored.head, &version, sealed) == *key)
        });
        if !used && self.is_left_over(key, name, suffix).await {
            report.problem(key, "the index of key use has an entry that belongs to no value");
        }
        Ok(())
    }

    /// Whether a record that belongs to no secret is still there, and not because its secret is
    /// being purged.
    async fn is_left_over(self, key: &Key, name: &str, suffix: &str) -> bool {
        let note = self.0.layout.purges().then(name).then(suffix);
        let purging = self.0.records.get(&note).await.is_ok_and(|note| note.is_some());
        let still_there = self.0.records.get(key).await.is_ok_and(|record| record.is_some());
        !purging && still_there
    }
}

/// The secret's name and suffix and the version in the key of a value or of an index entry.
fn place_of(key: &Key, report: &mut Report) -> Option<[String; 3]> {
    let segments = key.segments().unwrap_or_default();
    let texts = segments
        .last_chunk::<3>()
        .map(|last| last.each_ref().map(|one| String::from_utf8_lossy(one).into_owned()));
    if texts.is_none() {
        report.problem(key, "the record has no place");
    }
    texts
}

/// Whether a value cannot be opened because its key cannot be used at the moment, or its key
/// service cannot be reached.
fn is_locked(error: &Error) -> bool {
    use strongroom_kms::ErrorKind as Kms;
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<strongroom_kms::Error>())
        .is_some_and(|source| {
            matches!(
                source.kind(),
                Kms::Disabled
                    | Kms::InvalidState
                    | Kms::AccessDenied
                    | Kms::Throttled
                    | Kms::DependencyTimeout
                    | Kms::Conflict
                    | Kms::OutcomeUnknown
                    | Kms::Internal
            )
        })
}

fn describe(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// What is wrong with a secret's labels, if anything.
fn broken_labels(head: &Head) -> Option<&'static str> {
    let mut seen = BTreeSet::new();
    let twice =
        head.versions.iter().flat_map(|version| &version.stages).any(|stage| !seen.insert(stage.clone()));
    let valued = head.versions.iter().any(|version| version.sealed.is_some());
    if twice {
        Some("a label is on two versions")
    } else if seen.len() > Labels::MAX {
        Some("there are too many labels")
    } else if valued && !seen.contains(&Stage::CURRENT) {
        Some("no version is current")
    } else {
        None
    }
}
