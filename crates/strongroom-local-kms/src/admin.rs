//! Management of keys and aliases.

use async_trait::async_trait;
use strongroom_envelope::{random_array, random_uuid};
use strongroom_kms::{
    AliasEntry, AliasName, AliasPage, CreateKey, Error, ErrorKind, KeyEntry, KeyId, KeyMetadata, KeyPage,
    KeyRef, KeySpec, KeyState, KeyTag, KmsAdmin, ListPage, RotationPage, RotationPeriod, RotationStatus,
    ScheduledDeletion, TagPage, random_bytes,
};
use strongroom_records::{Expect, Key, Revision, Scan};
use strongroom_root::{TrustedBatch, TrustedRecord};
use strongroom_types::{Arn, CallContext, Service, Timestamp};

use crate::layout::{AliasRecord, Generation, KeyRecord, Schedule, StoredKey, decode, encode, last_segment};
use crate::local::{ATTEMPTS, LocalKms, material_id, storage};
use crate::rotation::after_days;
use crate::states::Operation;

const MAX_DESCRIPTION: usize = 8192;
const ALIASES_PER_KEY: usize = 50;

/// A key to be made.
pub(crate) struct NewKey<'a> {
    pub(crate) description: &'a str,
    pub(crate) spec: KeySpec,
    pub(crate) tags: &'a [KeyTag],
    pub(crate) multi_region: bool,
    pub(crate) service: Option<Service>,
    pub(crate) alias: Option<&'a AliasName>,
}

fn check_description(description: &str) -> Result<(), Error> {
    if description.chars().count() <= MAX_DESCRIPTION {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Validation,
        "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192",
    ))
}

pub(crate) fn check_limit(page: &ListPage, default: usize, most: usize) -> Result<usize, Error> {
    match page.limit {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => {
            let bound = if limit == 0 {
                "greater than or equal to 1".to_owned()
            } else {
                format!("less than or equal to {most}")
            };
            Err(Error::new(
                ErrorKind::Validation,
                format!(
                    "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {bound}"
                ),
            ))
        }
    }
}

impl LocalKms {
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Writes a key with its first material, and its alias where it is a service's.
    pub(crate) async fn commit_new_key(&self, new: NewKey<'_>) -> Result<StoredKey, Error> {
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        let id = if new.multi_region {
            KeyId::from_bytes(random_array()?, true)
        } else {
            KeyId::parse(&random_uuid()?)?
        };
        let now = self.now().as_millis();
        let generation =
            Generation { number: 1, material_id: material_id()?, created: now, automatic: false };
        // What a service manages rotates every year, and nobody can stop it.
        let period_days = RotationPeriod::DEFAULT;
        let next = after_days(self.now(), period_days).as_millis();
        let rotation = new.service.map(|_| Schedule { period_days, next });
        let record = KeyRecord {
            id: id.to_string(),
            description: new.description.to_owned(),
            state: KeyState::Enabled.to_string(),
            spec: (new.spec != KeySpec::SymmetricDefault).then(|| new.spec.to_string()),
            created: now,
            deletion_date: None,
            service: new.service.map(|service| service.name().to_owned()),
            generations: vec![generation],
            on_demand_rotations: 0,
            rotation,
            tags: new.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
        };
        let mut batch = records.batch();
        self.put_material(&mut batch, &id, 1, new.spec)?;
        batch.put(&layout.key(&id), &encode(&record)?, Expect::Absent);
        if let Some(schedule) = rotation {
            batch.put(&layout.due_rotation(schedule.next, &id), b"", Expect::Any);
        }
        if let Some(name) = new.alias {
            let alias = AliasRecord { target: id.to_string(), created: now, updated: now };
            batch.put(&layout.alias(name), &encode(&alias)?, Expect::Absent);
            batch.put(&layout.key_alias(&id, name), b"", Expect::Absent);
        }
        let revision = self.commit(batch).await?;
        let arn = id.arn(self.realm());
        Ok(StoredKey { id, arn, state: KeyState::Enabled, spec: new.spec, record, revision })
    }

    /// Makes a key and its first alias in one commit: there is never a key without its name.
    ///
    /// # Errors
    /// Those of `create_key` and `create_alias`.
    pub async fn create_named_key(
        &self,
        cx: &CallContext,
        request: CreateKey,
        alias: &AliasName,
    ) -> Result<KeyMetadata, Error> {
        let named = |error: Error| error.during("CreateKey");
        self.authorize(cx).map_err(named)?;
        check_description(&request.description).map_err(named)?;
        request.check().map_err(named)?;
        if alias.is_reserved() {
            return Err(named(Error::new(ErrorKind::NotAuthorized, "")));
        }
        let new = NewKey {
            description: &request.description,
            spec: request.spec,
            tags: &request.tags,
            multi_region: request.multi_region,
            service: None,
            alias: Some(alias),
        };
        match self.commit_new_key(new).await {
            Ok(key) => Ok(key.metadata(self.realm())),
            // Nothing else of a new key can be there already.
            Err(error) if error.kind() == ErrorKind::Conflict => Err(named(self.alias_taken(alias))),
            Err(error) => Err(named(error)),
        }
    }

    fn alias_taken(&self, alias: &AliasName) -> Error {
        let text = format!("An alias with the name {} already exists", alias.arn(self.realm()));
        Error::new(ErrorKind::AlreadyExists, text)
    }

    pub(crate) fn put_material(
        &self,
        batch: &mut TrustedBatch,
        id: &KeyId,
        generation: u32,
        spec: KeySpec,
    ) -> Result<(), Error> {
        let place = self.inner.layout.material(id, generation);
        let material = random_bytes(spec.material_len())?;
        let sealed = self.inner.records.seal(&place, &material).map_err(storage)?;
        batch.put(&place, &sealed, Expect::Absent);
        Ok(())
    }

    /// Commits a changed key's record with what goes with it, on the condition that it is as it was read.
    pub(crate) async fn commit_key(
        &self,
        key: &StoredKey,
        mut batch: TrustedBatch,
    ) -> Result<Revision, Error> {
        batch.put(&self.inner.layout.key(&key.id), &encode(&key.record)?, Expect::At(key.revision));
        self.commit(batch).await
    }

    /// Reads, permits, changes and commits a key's record; again when somebody else was first.
    pub(crate) async fn change<T>(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        operation: Operation,
        change: impl Fn(&Self, &mut StoredKey, &mut TrustedBatch) -> Result<Change<T>, Error> + Send + Sync,
    ) -> Result<T, Error> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let mut key = self.resolve_managed(key).await?;
            self.permit(cx, &key, operation)?;
            let mut batch = self.inner.records.batch();
            let value = match change(self, &mut key, &mut batch)? {
                Change::None(value) => return Ok(value),
                Change::Write(value) => value,
            };
            key.record.state = key.state.to_string();
            match self.commit_key(&key, batch).await {
                Ok(_) => {
                    if key.state != KeyState::Enabled {
                        self.inner.materials.forget(&key.id);
                    }
                    return Ok(value);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::Conflict, "the key is being changed by others")))
    }

    /// The target of an alias: a customer's key of this account and region, by id or ARN.
    async fn alias_target(
        &self,
        cx: &CallContext,
        alias: &AliasName,
        target: &KeyRef,
        operation: Operation,
    ) -> Result<StoredKey, Error> {
        if alias.is_reserved() {
            return Err(Error::new(ErrorKind::NotAuthorized, ""));
        }
        if matches!(target, KeyRef::Alias(_) | KeyRef::AliasArn(..)) {
            return Err(Error::new(ErrorKind::Validation, "Aliases must refer to keys. Not aliases"));
        }
        let target = self.resolve_managed(target).await?;
        self.permit(cx, &target, operation)?;
        Ok(target)
    }

    /// Points a new or existing alias at a key.
    async fn point_alias(
        &self,
        cx: &CallContext,
        alias: &AliasName,
        target: &KeyRef,
        mut existing: Option<TrustedRecord>,
    ) -> Result<(), Error> {
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        let (place, creating) = (layout.alias(alias), existing.is_none());
        let operation = if creating { Operation::CreateAlias } else { Operation::UpdateAlias };
        for _ in 0..ATTEMPTS {
            let target = self.alias_target(cx, alias, target, operation).await?;
            let old: Option<AliasRecord> = existing.as_ref().map(decode).transpose()?;
            let moved_from = old.as_ref().map(|old| KeyId::parse(&old.target)).transpose()?;
            let comes_new = moved_from.as_ref() != Some(&target.id);
            if let Some(old) = moved_from.as_ref().filter(|_| comes_new) {
                self.check_same_usage(alias, old, &target).await?;
            }
            let full = Scan::prefix(&layout.key_aliases(&target.id)).limit(ALIASES_PER_KEY);
            let count =
                records.snapshot().await.map_err(storage)?.scan(&full).await.map_err(storage)?.records.len();
            if comes_new && count >= ALIASES_PER_KEY {
                return Err(Error::new(ErrorKind::LimitExceeded, "the key has 50 aliases already"));
            }
            let now = self.now().as_millis();
            let created = old.as_ref().map_or(now, |old| old.created);
            let record = AliasRecord { target: target.id.to_string(), created, updated: now };
            let expect = existing.as_ref().map_or(Expect::Absent, |existing| Expect::At(existing.revision));
            let mut batch = records.batch();
            batch.put(&place, &encode(&record)?, expect);
            if let Some(old) = moved_from.filter(|_| comes_new) {
                batch.delete(&layout.key_alias(&old, alias), Expect::Any);
            }
            batch.put(&layout.key_alias(&target.id, alias), b"", Expect::Any);
            // Written though unchanged: two aliases that come to one key at the same moment must not both pass the count,
            // and a key that is deleted in this moment must not get a name.
            batch.put(&layout.key(&target.id), &encode(&target.record)?, Expect::At(target.revision));
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    existing = records.get(&place).await.map_err(storage)?;
                    match (creating, &existing) {
                        (true, Some(_)) => return Err(self.alias_taken(alias)),
                        (false, None) => return Err(self.alias_not_found(alias)),
                        _ => {}
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "the key is being changed by others"))
    }

    /// What encrypts by an alias must not find a key for MACs behind it one day.
    async fn check_same_usage(
        &self,
        alias: &AliasName,
        old: &KeyId,
        target: &StoredKey,
    ) -> Result<(), Error> {
        match self.find_now(old).await? {
            Some(old) if old.spec.usage() != target.spec.usage() => Err(Error::new(
                ErrorKind::InvalidState,
                // AWS's code and text are unconfirmed.
                format!(
                    "The key usage of {} is not that of the key that {} refers to.",
                    target.arn,
                    alias.arn(self.realm())
                ),
            )),
            _ => Ok(()),
        }
    }

    fn alias_not_found(&self, alias: &AliasName) -> Error {
        Error::new(ErrorKind::NotFound, format!("Alias {} is not found.", alias.arn(self.realm())))
    }

    async fn page(
        &self,
        prefix: &Key,
        page: &ListPage,
        limit: usize,
    ) -> Result<strongroom_root::TrustedPage, Error> {
        let mut scan = Scan::prefix(prefix).limit(limit);
        if let Some(marker) = &page.marker {
            // A marker is the name of the last entry; one that was never given out still only names a place in this listing.
            if marker.is_empty() || marker.len() > 1024 {
                return Err(Error::new(ErrorKind::InvalidMarker, "Invalid marker"));
            }
            scan = scan.after(&prefix.clone().then(marker));
        }
        self.inner.records.snapshot().await.map_err(storage)?.scan(&scan).await.map_err(storage)
    }
}

/// Whether a change has anything to write.
pub(crate) enum Change<T> {
    None(T),
    Write(T),
}

#[async_trait]
impl KmsAdmin for LocalKms {
    async fn create_key(&self, cx: &CallContext, request: CreateKey) -> Result<KeyMetadata, Error> {
        let named = |error: Error| error.during("CreateKey");
        self.authorize(cx).map_err(named)?;
        check_description(&request.description).map_err(named)?;
        request.check().map_err(named)?;
        let new = NewKey {
            description: &request.description,
            spec: request.spec,
            tags: &request.tags,
            multi_region: request.multi_region,
            service: None,
            alias: None,
        };
        let key = self.commit_new_key(new).await.map_err(named)?;
        Ok(key.metadata(self.realm()))
    }

    async fn list_keys(&self, cx: &CallContext, page: &ListPage) -> Result<KeyPage, Error> {
        let named = |error: Error| error.during("ListKeys");
        self.authorize(cx).map_err(named)?;
        let limit = check_limit(page, 100, 1000).map_err(named)?;
        let found = self.page(&self.inner.layout.keys(), page, limit).await.map_err(named)?;
        let mut keys = Vec::with_capacity(found.records.len());
        for stored in &found.records {
            let id = StoredKey::parse(stored, self.realm()).map_err(named)?.id;
            keys.push(KeyEntry { arn: id.arn(self.realm()), id });
        }
        Ok(KeyPage { keys, next_marker: found.cursor.as_ref().and_then(last_segment) })
    }

    async fn update_key_description(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        description: &str,
    ) -> Result<(), Error> {
        let named = |error: Error| error.during("UpdateKeyDescription");
        check_description(description).map_err(named)?;
        self.change(cx, key, Operation::UpdateKeyDescription, |_, key, _| {
            description.clone_into(&mut key.record.description);
            Ok(Change::Write(()))
        })
        .await
        .map_err(named)
    }

    async fn enable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        self.change(cx, key, Operation::EnableKey, |_, key, _| Ok(set_state(key, KeyState::Enabled)))
            .await
            .map_err(|error| error.during("EnableKey"))
    }

    async fn disable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        self.change(cx, key, Operation::DisableKey, |_, key, _| Ok(set_state(key, KeyState::Disabled)))
            .await
            .map_err(|error| error.during("DisableKey"))
    }

    async fn schedule_key_deletion(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        days: Option<u16>,
    ) -> Result<ScheduledDeletion, Error> {
        let named = |error: Error| error.during("ScheduleKeyDeletion");
        let days = days.unwrap_or(30);
        if !(7..=30).contains(&days) {
            let bound = if days < 7 { "greater than or equal to 7" } else { "less than or equal to 30" };
            return Err(named(Error::new(
                ErrorKind::Validation,
                format!(
                    "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value {bound}"
                ),
            )));
        }
        let deletion_date = after_days(self.now(), days);
        let key_arn = self
            .change(cx, key, Operation::ScheduleKeyDeletion, |kms, key, batch| {
                key.state = KeyState::PendingDeletion;
                key.record.deletion_date = Some(deletion_date.as_millis());
                batch.put(&kms.inner.layout.due_key(deletion_date, &key.id), b"", Expect::Any);
                Ok(Change::Write(key.arn.clone()))
            })
            .await
            .map_err(named)?;
        Ok(ScheduledDeletion {
            key_arn,
            deletion_date,
            state: KeyState::PendingDeletion,
            pending_window_days: days,
        })
    }

    async fn cancel_key_deletion(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        self.change(cx, key, Operation::CancelKeyDeletion, |kms, key, batch| {
            key.state = KeyState::Disabled;
            if let Some(date) = key.record.deletion_date.take() {
                batch.delete(&kms.inner.layout.due_key(Timestamp::from_millis(date), &key.id), Expect::Any);
            }
            Ok(Change::Write(key.arn.clone()))
        })
        .await
        .map_err(|error| error.during("CancelKeyDeletion"))
    }

    async fn rotate_key_on_demand(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        self.rotate_on_demand(cx, key).await.map_err(|error| error.during("RotateKeyOnDemand"))
    }

    async fn enable_key_rotation(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        period_days: Option<u16>,
    ) -> Result<(), Error> {
        let done = self.schedule_rotation(cx, key, period_days).await;
        done.map_err(|error| error.during("EnableKeyRotation"))
    }

    async fn disable_key_rotation(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        self.stop_rotation(cx, key).await.map_err(|error| error.during("DisableKeyRotation"))
    }

    async fn get_key_rotation_status(&self, cx: &CallContext, key: &KeyRef) -> Result<RotationStatus, Error> {
        self.rotation_status(cx, key).await.map_err(|error| error.during("GetKeyRotationStatus"))
    }

    async fn list_key_rotations(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        all: bool,
        page: &ListPage,
    ) -> Result<RotationPage, Error> {
        self.rotations(cx, key, all, page).await.map_err(|error| error.during("ListKeyRotations"))
    }

    async fn tag_resource(&self, cx: &CallContext, key: &KeyRef, tags: Vec<KeyTag>) -> Result<(), Error> {
        self.tag(cx, key, tags).await.map_err(|error| error.during("TagResource"))
    }

    async fn untag_resource(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        tag_keys: Vec<String>,
    ) -> Result<(), Error> {
        self.untag(cx, key, tag_keys).await.map_err(|error| error.during("UntagResource"))
    }

    async fn list_resource_tags(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<TagPage, Error> {
        self.tags(cx, key, page).await.map_err(|error| error.during("ListResourceTags"))
    }

    async fn create_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error> {
        self.point_alias(cx, alias, target, None).await.map_err(|error| error.during("CreateAlias"))
    }

    async fn update_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error> {
        let named = |error: Error| error.during("UpdateAlias");
        self.authorize(cx).map_err(named)?;
        let place = self.inner.layout.alias(alias);
        let existing = self.inner.records.get(&place).await.map_err(storage).map_err(named)?;
        let existing = existing.ok_or_else(|| named(self.alias_not_found(alias)))?;
        self.point_alias(cx, alias, target, Some(existing)).await.map_err(named)
    }

    async fn delete_alias(&self, cx: &CallContext, alias: &AliasName) -> Result<(), Error> {
        let named = |error: Error| error.during("DeleteAlias");
        self.authorize(cx).map_err(named)?;
        if alias.is_reserved() {
            return Err(named(Error::new(ErrorKind::NotAuthorized, "")));
        }
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        for _ in 0..ATTEMPTS {
            let stored = records.get(&layout.alias(alias)).await.map_err(storage).map_err(named)?;
            let stored = stored.ok_or_else(|| named(self.alias_not_found(alias)))?;
            let record: AliasRecord = decode(&stored).map_err(named)?;
            let target = KeyId::parse(&record.target).map_err(named)?;
            let mut batch = records.batch();
            batch.delete(&layout.alias(alias), Expect::At(stored.revision));
            batch.delete(&layout.key_alias(&target, alias), Expect::Any);
            match self.commit(batch).await {
                // Somebody pointed it elsewhere in this moment.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()).map_err(named),
            }
        }
        Err(named(Error::new(ErrorKind::Conflict, "the alias is being changed by others")))
    }

    async fn list_aliases(
        &self,
        cx: &CallContext,
        key: Option<&KeyRef>,
        page: &ListPage,
    ) -> Result<AliasPage, Error> {
        let named = |error: Error| error.during("ListAliases");
        self.authorize(cx).map_err(named)?;
        let limit = check_limit(page, 50, 100).map_err(named)?;
        let layout = &self.inner.layout;
        let prefix = match key {
            Some(key) => layout.key_aliases(&self.resolve_managed(key).await.map_err(named)?.id),
            None => layout.aliases(),
        };
        let found = self.page(&prefix, page, limit).await.map_err(named)?;
        let names: Vec<String> =
            found.records.iter().filter_map(|stored| last_segment(&stored.key)).collect();
        let records = if key.is_some() {
            let names = names
                .iter()
                .map(|name| AliasName::parse(name))
                .collect::<Result<Vec<_>, _>>()
                .map_err(named)?;
            let places: Vec<_> = names.iter().map(|name| layout.alias(name)).collect();
            self.inner.records.read(&places).await.map_err(storage).map_err(named)?
        } else {
            found.records.into_iter().map(Some).collect()
        };
        let mut aliases = Vec::with_capacity(names.len());
        for stored in records.iter().flatten() {
            let record: AliasRecord = decode(stored).map_err(named)?;
            let name = AliasName::parse(&last_segment(&stored.key).unwrap_or_default()).map_err(named)?;
            aliases.push(AliasEntry {
                arn: name.arn(self.realm()),
                name,
                target: KeyId::parse(&record.target).map_err(named)?,
                created: Timestamp::from_millis(record.created),
                updated: Timestamp::from_millis(record.updated),
            });
        }
        Ok(AliasPage { aliases, next_marker: found.cursor.as_ref().and_then(last_segment) })
    }
}

fn set_state(key: &mut StoredKey, state: KeyState) -> Change<()> {
    if key.state == state {
        return Change::None(());
    }
    key.state = state;
    Change::Write(())
}
