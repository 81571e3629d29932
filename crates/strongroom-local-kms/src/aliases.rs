//! Aliases: names for keys.

use strongroom_kms::{AliasEntry, AliasName, AliasPage, Error, ErrorKind, KeyId, KeyRef, ListPage};
use strongroom_records::{Expect, Scan};
use strongroom_root::TrustedRecord;
use strongroom_types::{CallContext, Timestamp};

use crate::admin::check_limit;
use crate::layout::{AliasRecord, StoredKey, decode, encode, last_segment};
use crate::local::{ATTEMPTS, LocalKms, check_no_alias, contended, storage};
use crate::managed::MANAGED;
use crate::request_facts::RequestFacts;
use crate::states::Operation;

const ALIASES_PER_KEY: usize = 50;

impl LocalKms {
    pub(crate) fn alias_taken(&self, alias: &AliasName) -> Error {
        let text = format!("An alias with the name {} already exists", alias.arn(self.realm()));
        Error::new(ErrorKind::AlreadyExists, text)
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
        if target.is_alias() {
            return Err(Error::new(ErrorKind::Validation, "Aliases must refer to keys. Not aliases"));
        }
        let target = self.resolve_managed(cx, target, operation).await?;
        self.permit(cx, &target, operation, &RequestFacts::nothing()).await?;
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
            let left = match moved_from.as_ref().filter(|_| comes_new) {
                Some(old) => self.find_now(old).await?,
                None => None,
            };
            if let Some(left) = &left {
                // Whatever its state: a key that is to be deleted may be left.
                self.allow(cx, left, operation, &RequestFacts::nothing()).await?;
                self.check_same_usage(alias, left, &target)?;
            }
            if comes_new && self.aliases_of(&target.id).await?.len() >= ALIASES_PER_KEY {
                return Err(Error::new(ErrorKind::LimitExceeded, "the key has 50 aliases already"));
            }
            let now = self.now().as_millis();
            let created = old.as_ref().map_or(now, |old| old.created);
            let unknown = old.map(|old| old.unknown).unwrap_or_default();
            let record = AliasRecord { target: target.id.to_string(), created, updated: now, unknown };
            let expect = existing.as_ref().map_or(Expect::Absent, |existing| Expect::At(existing.revision));
            let mut batch = records.batch();
            batch.put(&place, &encode(&record)?, expect);
            if let Some(old) = moved_from.filter(|_| comes_new) {
                batch.delete(&layout.key_alias(&old, alias), Expect::Any);
            }
            batch.put(&layout.key_alias(&target.id, alias), b"", Expect::Any);
            if let Some(left) = &left {
                batch.check(&layout.key(&left.id), Expect::At(left.revision));
            }
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
        Err(contended())
    }

    /// What encrypts by an alias must not find a key for MACs behind it one day.
    fn check_same_usage(&self, alias: &AliasName, old: &StoredKey, target: &StoredKey) -> Result<(), Error> {
        if old.spec.usage() == target.spec.usage() {
            return Ok(());
        }
        // AWS's code and text are unconfirmed.
        let alias = alias.arn(self.realm());
        let text = format!("The key usage of {} is not that of the key that {alias} refers to.", target.arn);
        Err(Error::new(ErrorKind::InvalidState, text))
    }

    fn alias_not_found(&self, alias: &AliasName) -> Error {
        Error::new(ErrorKind::NotFound, format!("Alias {} is not found.", alias.arn(self.realm())))
    }

    pub(crate) async fn make_alias(
        &self,
        cx: &CallContext,
        alias: &AliasName,
        target: &KeyRef,
    ) -> Result<(), Error> {
        alias.check_new()?;
        let place = alias.arn(self.realm());
        self.authorize_on(cx, Operation::CreateAlias, place.as_str(), &RequestFacts::nothing()).await?;
        self.point_alias(cx, alias, target, None).await
    }

    pub(crate) async fn move_alias(
        &self,
        cx: &CallContext,
        alias: &AliasName,
        target: &KeyRef,
    ) -> Result<(), Error> {
        let place = alias.arn(self.realm());
        self.authorize_on(cx, Operation::UpdateAlias, place.as_str(), &RequestFacts::nothing()).await?;
        if alias.is_reserved() {
            return Err(Error::new(ErrorKind::NotAuthorized, ""));
        }
        let place = self.inner.layout.alias(alias);
        let existing = self.inner.records.get(&place).await.map_err(storage)?;
        let existing = existing.ok_or_else(|| self.alias_not_found(alias))?;
        self.point_alias(cx, alias, target, Some(existing)).await
    }

    pub(crate) async fn remove_alias(&self, cx: &CallContext, alias: &AliasName) -> Result<(), Error> {
        let place = alias.arn(self.realm());
        self.authorize_on(cx, Operation::DeleteAlias, place.as_str(), &RequestFacts::nothing()).await?;
        if alias.is_reserved() {
            return Err(Error::new(ErrorKind::NotAuthorized, ""));
        }
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        for _ in 0..ATTEMPTS {
            let stored = records.get(&layout.alias(alias)).await.map_err(storage)?;
            let stored = stored.ok_or_else(|| self.alias_not_found(alias))?;
            let record: AliasRecord = decode(&stored)?;
            let target = KeyId::parse(&record.target)?;
            let mut batch = records.batch();
            if let Some(key) = self.find_now(&target).await? {
                self.permit(cx, &key, Operation::DeleteAlias, &RequestFacts::nothing()).await?;
                batch.check(&layout.key(&key.id), Expect::At(key.revision));
            }
            batch.delete(&layout.alias(alias), Expect::At(stored.revision));
            batch.delete(&layout.key_alias(&target, alias), Expect::Any);
            match self.commit(batch).await {
                // Somebody pointed it elsewhere in this moment.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "the alias is being changed by others"))
    }

    pub(crate) async fn aliases(
        &self,
        cx: &CallContext,
        key: Option<&KeyRef>,
        page: &ListPage,
    ) -> Result<AliasPage, Error> {
        key.map_or(Ok(()), check_no_alias)?;
        self.authorize(cx, Operation::ListAliases).await?;
        let limit = check_limit(page, 50, 100)?;
        match key {
            Some(key) => {
                let key = self.resolve_managed(cx, key, Operation::ListAliases).await?;
                self.aliases_of_key(&key.id, page, limit).await
            }
            None => self.all_aliases(page, limit).await,
        }
    }

    async fn aliases_of_key(&self, key: &KeyId, page: &ListPage, limit: usize) -> Result<AliasPage, Error> {
        let layout = &self.inner.layout;
        let found = self.page(&layout.key_aliases(key), page, limit).await?;
        let names = found.records.iter().filter_map(|stored| last_segment(&stored.key));
        let places = names
            .map(|name| AliasName::parse(&name).map(|name| layout.alias(&name)))
            .collect::<Result<Vec<_>, _>>()?;
        let stored = self.inner.records.read(&places).await.map_err(storage)?;
        let aliases = stored.iter().flatten().map(|stored| self.entry(stored)).collect::<Result<_, _>>()?;
        Ok(AliasPage { aliases, next_marker: found.cursor.as_ref().and_then(last_segment) })
    }

    /// The aliases there are, and among them, in the order of names, those that AWS predefines.
    async fn all_aliases(&self, page: &ListPage, limit: usize) -> Result<AliasPage, Error> {
        let found = self.page(&self.inner.layout.aliases(), page, limit).await?;
        let mut aliases =
            found.records.iter().map(|stored| self.entry(stored)).collect::<Result<Vec<_>, _>>()?;
        // What is stored behind this name is not on this page, and may be one of the predefined.
        let end = found.cursor.as_ref().and_then(last_segment);
        let begin = page.marker.as_deref().unwrap_or_default();
        for name in MANAGED.iter().map(|managed| managed.alias) {
            if name > begin
                && end.as_deref().is_none_or(|end| name <= end)
                && !aliases.iter().any(|known| known.name.as_str() == name)
            {
                let name = AliasName::parse(name)?;
                let arn = name.arn(self.realm());
                aliases.push(AliasEntry { name, arn, target: None, created: None, updated: None });
            }
        }
        aliases.sort_by(|one, other| one.name.cmp(&other.name));
        let more = end.is_some() || aliases.len() > limit;
        aliases.truncate(limit);
        let next_marker = aliases.last().filter(|_| more).map(|last| last.name.to_string());
        Ok(AliasPage { aliases, next_marker })
    }

    fn entry(&self, stored: &TrustedRecord) -> Result<AliasEntry, Error> {
        let record: AliasRecord = decode(stored)?;
        let name = AliasName::parse(&last_segment(&stored.key).unwrap_or_default())?;
        Ok(AliasEntry {
            arn: name.arn(self.realm()),
            name,
            target: Some(KeyId::parse(&record.target)?),
            created: Some(Timestamp::from_millis(record.created)),
            updated: Some(Timestamp::from_millis(record.updated)),
        })
    }

    /// The names of a key.
    pub(crate) async fn aliases_of(&self, key: &KeyId) -> Result<Vec<String>, Error> {
        let scan = Scan::prefix(&self.inner.layout.key_aliases(key)).limit(ALIASES_PER_KEY);
        let snapshot = self.inner.records.snapshot().await.map_err(storage)?;
        let found = snapshot.scan(&scan).await.map_err(storage)?;
        Ok(found.records.iter().filter_map(|stored| last_segment(&stored.key)).collect())
    }
}
