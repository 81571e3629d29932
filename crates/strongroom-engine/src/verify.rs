//! A walk through all secrets.

use std::collections::BTreeSet;

use strongroom_records::{Key, Scan};
use strongroom_root::Report;
use strongroom_store::{Error, ErrorKind, Labels, Stage, VersionId};
use strongroom_types::CallContext;

use crate::engine::Engine;
use crate::head::{Head, StoredHead};
use crate::layout::last_segment;

impl Engine {
    /// Looks at every record of the realm, opens every version of every secret, holds indexes against heads, and reports
    /// what is wrong. Reads only; others may go on writing meanwhile.
    ///
    /// # Errors
    /// Storage that cannot be read at all; [`ErrorKind::AccessDenied`].
    pub async fn verify(&self, cx: &CallContext) -> Result<Report, Error> {
        self.owner_only(cx, "verify the store")?;
        let mut report = Report::new();
        let layout = &self.inner.layout;
        // Authentication of every record, whoever wrote it.
        self.walk(Scan::prefix(&layout.all()), async |key, record| {
            report.check();
            if let Err(error) = record {
                report.problem(key, error);
            }
            Ok(())
        })
        .await?;
        self.walk(Scan::prefix(&layout.heads()), async |key, record| {
            let Ok(record) = record else { return Ok(()) };
            match StoredHead::parse(&record) {
                Ok(stored) if layout.head(&stored.head.name) == key => {
                    self.verify_secret(cx, &stored, &mut report).await
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
        self.walk(values, async |key, _| self.verify_owner(&key, &mut report).await).await?;
        let uses = Scan::prefix(&layout.uses());
        self.walk(uses, async |key, _| self.verify_use(&key, &mut report).await).await?;
        for (index, place) in [
            (layout.by_created(), Self::created_place as fn(&Self, &Head) -> Option<Key>),
            (layout.by_changed(), Self::changed_place),
            (layout.by_accessed(), Self::accessed_place),
            (layout.due_secrets(), Self::due_place),
        ] {
            self.walk(Scan::prefix(&index), async |key, _| {
                report.check();
                let name = last_segment(&key).unwrap_or_default();
                if !matches!(self.head_now(&name).await, Ok(Some(stored)) if place(self, &stored.head).as_ref() == Some(&key))
                {
                    // Somebody may have changed the secret since the page was read.
                    if self.inner.records.get(&key).await.is_ok_and(|entry| entry.is_some()) {
                        report.problem(key, "the index entry belongs to no secret");
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok(report)
    }

    fn created_place(&self, head: &Head) -> Option<Key> {
        Some(self.inner.layout.created(head))
    }

    fn changed_place(&self, head: &Head) -> Option<Key> {
        Some(self.inner.layout.changed(head))
    }

    fn accessed_place(&self, head: &Head) -> Option<Key> {
        Some(self.inner.layout.accessed(head))
    }

    fn due_place(&self, head: &Head) -> Option<Key> {
        let date = strongroom_types::Timestamp::from_millis(head.deleted?);
        Some(self.inner.layout.due(date, &head.name))
    }

    async fn head_now(&self, name: &str) -> Result<Option<StoredHead>, Error> {
        self.find(&strongroom_store::Target::Name(name.to_owned())).await
    }

    async fn verify_secret(
        &self,
        cx: &CallContext,
        stored: &StoredHead,
        report: &mut Report,
    ) -> Result<(), Error> {
        let (head, layout) = (&stored.head, &self.inner.layout);
        if let Some(what) = broken_labels(head) {
            report.problem(&head.name, what);
        }
        for (place, what) in [
            (layout.created(head), "the secret is missing in the index by creation"),
            (layout.changed(head), "the secret is missing in the index by change"),
            (layout.accessed(head), "the secret is missing in the index by last access"),
        ] {
            report.check();
            let there = self.inner.records.get(&place).await.is_ok_and(|entry| entry.is_some());
            if !there && self.unchanged(stored).await? {
                report.problem(&head.name, what);
            }
        }
        if let Some(date) = head.deleted {
            let due = layout.due(strongroom_types::Timestamp::from_millis(date), &head.name);
            let there = self.inner.records.get(&due).await.is_ok_and(|entry| entry.is_some());
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
            match self.fetch(cx, head, &version.id, sealed).await {
                Ok(Some(_)) => {}
                Ok(None) if self.unchanged(stored).await? => {
                    report
                        .problem(&place, "the value is missing, or is not the one that the head vouches for");
                }
                Ok(None) => {}
                // A record that fails authentication was already reported by the walk over all records.
                Err(error)
                    if error.kind() == ErrorKind::Tampered && std::error::Error::source(&error).is_some() => {
                }
                Err(error) if is_locked(&error) => report.locked(&place, describe(&error)),
                Err(error) if error.kind() == ErrorKind::Internal => return Err(error),
                Err(error) => report.problem(&place, describe(&error)),
            }
            let used = self.inner.records.get(&layout.use_of(head, &version.id, sealed)).await;
            if matches!(used, Ok(None)) && self.unchanged(stored).await? {
                report.problem(&place, "the index of key use does not have it");
            }
        }
        Ok(())
    }

    /// Whether a secret is still as it was read; what a walk finds wrong may only be newer than what it compares with.
    async fn unchanged(&self, stored: &StoredHead) -> Result<bool, Error> {
        Ok(self.head_now(&stored.head.name).await?.is_some_and(|now| now.revision == stored.revision))
    }

    /// Every value belongs to a version of a secret, or to a purge that is not done.
    async fn verify_owner(&self, key: &Key, report: &mut Report) -> Result<(), Error> {
        report.check();
        let segments: Option<Vec<String>> = key
            .segments()
            .map(|all| all.into_iter().map(|one| String::from_utf8_lossy(&one).into_owned()).collect());
        let Some([.., name, suffix, version]) = segments.as_deref() else {
            report.problem(key, "the record has no place");
            return Ok(());
        };
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
    async fn verify_use(&self, key: &Key, report: &mut Report) -> Result<(), Error> {
        report.check();
        let segments: Option<Vec<String>> = key
            .segments()
            .map(|all| all.into_iter().map(|one| String::from_utf8_lossy(&one).into_owned()).collect());
        let Some([.., name, suffix, version]) = segments.as_deref() else {
            report.problem(key, "the record has no place");
            return Ok(());
        };
        let Ok(stored) = self.head_now(name).await else { return Ok(()) };
        let version = VersionId::new(version);
        let used = stored.filter(|stored| stored.head.suffix == *suffix).is_some_and(|stored| {
            let sealed = stored.head.version(&version).and_then(|version| version.sealed.as_ref());
            sealed.is_some_and(|sealed| self.inner.layout.use_of(&stored.head, &version, sealed) == *key)
        });
        if !used && self.is_left_over(key, name, suffix).await {
            report.problem(key, "the index of key use has an entry that belongs to no value");
        }
        Ok(())
    }

    /// Whether what belongs to nobody is still there, and not because its secret is being purged.
    async fn is_left_over(&self, key: &Key, name: &str, suffix: &str) -> bool {
        let note = self.inner.layout.purges().then(name).then(suffix);
        let purging = self.inner.records.get(&note).await.is_ok_and(|note| note.is_some());
        let still_there = self.inner.records.get(key).await.is_ok_and(|record| record.is_some());
        !purging && still_there
    }
}

/// Whether a value does not open because its key may not be used at the moment, or its key service cannot be asked.
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
