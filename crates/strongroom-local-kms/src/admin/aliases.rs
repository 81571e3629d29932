//! Aliases: names for keys.

use strongroom_kms::{AliasEntry, AliasName, AliasPage, Error, ErrorKind, KeyId, KeyRef, ListPage};
use strongroom_records::Expect;
use strongroom_root::TrustedRecord;
use strongroom_types::Timestamp;

use crate::call::KeyCall;
use crate::gate::Gate;
use crate::keys::names::{ALIASES_PER_KEY, Names};
use crate::keys::stored::Stored;
use crate::layout::{AliasRecord, StoredKey, decode, encode, last_segment};
use crate::managed::MANAGED;
use crate::naming::finder::{Finder, check_no_alias};
use crate::needs::Role;
use crate::parts::{Parts, check_limit, contended, storage};

/// Another key has the name.
pub(crate) fn alias_taken(parts: &Parts, alias: &AliasName) -> Error {
    let text = format!("An alias with the name {} already exists", alias.arn(parts.realm()));
    Error::new(ErrorKind::AlreadyExists, text)
}

/// The operations on aliases.
#[derive(Clone, Copy)]
pub(crate) struct Aliases<'a>(pub(crate) &'a Parts);

impl Aliases<'_> {
    /// Permission for the alias, which has no policy of its own.
    async fn authorize(self, call: &KeyCall<'_>, alias: &AliasName) -> Result<(), Error> {
        let place = alias.arn(self.0.realm());
        let needed = call.needs(Role::Alias)?;
        Gate(self.0).authorize_on(call.cx(), needed, place.as_str(), call.facts()).await
    }

    /// The target of an alias: a customer's key of this account and region, by id or ARN.
    async fn target(
        self,
        call: &KeyCall<'_>,
        alias: &AliasName,
        target: &KeyRef,
    ) -> Result<StoredKey, Error> {
        if alias.is_reserved() {
            return Err(Error::new(ErrorKind::NotAuthorized, ""));
        }
        if target.is_alias() {
            return Err(Error::new(ErrorKind::Validation, "Aliases must refer to keys. Not aliases"));
        }
        let needed = call.needs(Role::Key)?;
        let target = Finder(self.0).managed(call, target, needed).await?;
        Gate(self.0).permit(call, &target, needed).await?;
        Ok(target)
    }

    /// Points a new or existing alias at a key.
    async fn point(
        self,
        call: &KeyCall<'_>,
        alias: &AliasName,
        target: &KeyRef,
        mut existing: Option<TrustedRecord>,
    ) -> Result<(), Error> {
        let (layout, records) = (&self.0.inner.layout, &self.0.inner.records);
        let (place, creating) = (layout.alias(alias), existing.is_none());
        for () in self.0.attempts(call.cx()) {
            let target = self.target(call, alias, target).await?;
            let old: Option<AliasRecord> = existing.as_ref().map(decode).transpose()?;
            let moved_from = old.as_ref().map(|old| KeyId::parse(&old.target)).transpose()?;
            let comes_new = moved_from.as_ref() != Some(&target.id);
            let left = match moved_from.as_ref().filter(|_| comes_new) {
                Some(old) => Stored(self.0).find_now(old).await?,
                None => None,
            };
            if let Some(left) = &left {
                // Whatever its state: a key that is to be deleted may be left.
                Gate(self.0).allow(call, left, call.needs(Role::Key)?).await?;
                self.check_same_usage(alias, left, &target)?;
            }
            if comes_new && Names(self.0).of(&target.id).await?.len() >= ALIASES_PER_KEY {
                return Err(Error::new(ErrorKind::LimitExceeded, "the key has 50 aliases already"));
            }
            let now = self.0.now().as_millis();
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
            // Written though unchanged: two aliases that come to one key at the same moment must
            // not both pass the count, and a key that is deleted in this moment must not get a
            // name.
            batch.put(&layout.key(&target.id), &encode(&target.record)?, Expect::At(target.revision));
            match self.0.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    existing = records.get(&place).await.map_err(storage)?;
                    match (creating, &existing) {
                        (true, Some(_)) => return Err(alias_taken(self.0, alias)),
                        (false, None) => return Err(self.not_found(alias)),
                        _ => {}
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    /// What encrypts by an alias must not find a key for MACs behind it one day.
    fn check_same_usage(self, alias: &AliasName, old: &StoredKey, target: &StoredKey) -> Result<(), Error> {
        if old.spec.usage() == target.spec.usage() {
            return Ok(());
        }
        // AWS's code and text are unconfirmed.
        let alias = alias.arn(self.0.realm());
        let text = format!("The key usage of {} is not that of the key that {alias} refers to.", target.arn);
        Err(Error::new(ErrorKind::InvalidState, text))
    }

    fn not_found(self, alias: &AliasName) -> Error {
        Error::new(ErrorKind::NotFound, format!("Alias {} is not found.", alias.arn(self.0.realm())))
    }

    pub(crate) async fn create(
        self,
        call: &KeyCall<'_>,
        alias: &AliasName,
        target: &KeyRef,
    ) -> Result<(), Error> {
        alias.check_new()?;
        self.authorize(call, alias).await?;
        self.point(call, alias, target, None).await
    }

    pub(crate) async fn update(
        self,
        call: &KeyCall<'_>,
        alias: &AliasName,
        target: &KeyRef,
    ) -> Result<(), Error> {
        self.authorize(call, alias).await?;
        if alias.is_reserved() {
            return Err(Error::new(ErrorKind::NotAuthorized, ""));
        }
        let place = self.0.inner.layout.alias(alias);
        let existing = self.0.inner.records.get(&place).await.map_err(storage)?;
        let existing = existing.ok_or_else(|| self.not_found(alias))?;
        self.point(call, alias, target, Some(existing)).await
    }

    pub(crate) async fn delete(self, call: &KeyCall<'_>, alias: &AliasName) -> Result<(), Error> {
        self.authorize(call, alias).await?;
        if alias.is_reserved() {
            return Err(Error::new(ErrorKind::NotAuthorized, ""));
        }
        let (layout, records) = (&self.0.inner.layout, &self.0.inner.records);
        for () in self.0.attempts(call.cx()) {
            let stored = records.get(&layout.alias(alias)).await.map_err(storage)?;
            let stored = stored.ok_or_else(|| self.not_found(alias))?;
            let record: AliasRecord = decode(&stored)?;
            let target = KeyId::parse(&record.target)?;
            let mut batch = records.batch();
            if let Some(key) = Stored(self.0).find_now(&target).await? {
                Gate(self.0).permit(call, &key, call.needs(Role::Key)?).await?;
                batch.check(&layout.key(&key.id), Expect::At(key.revision));
            }
            batch.delete(&layout.alias(alias), Expect::At(stored.revision));
            batch.delete(&layout.key_alias(&target, alias), Expect::Any);
            match self.0.commit(batch).await {
                // Somebody pointed it elsewhere in this moment.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "the alias is being changed by others"))
    }

    pub(crate) async fn list(
        self,
        call: &KeyCall<'_>,
        key: Option<&KeyRef>,
        page: &ListPage,
    ) -> Result<AliasPage, Error> {
        key.map_or(Ok(()), check_no_alias)?;
        let needed = call.needs(Role::Account)?;
        Gate(self.0).authorize(call, needed).await?;
        let limit = check_limit(page, 50, 100)?;
        match key {
            Some(key) => {
                let key = Finder(self.0).managed(call, key, needed).await?;
                self.of_key(&key.id, page, limit).await
            }
            None => self.all(page, limit).await,
        }
    }

    async fn of_key(self, key: &KeyId, page: &ListPage, limit: usize) -> Result<AliasPage, Error> {
        let layout = &self.0.inner.layout;
        let found = self.0.page(&layout.key_aliases(key), page, limit).await?;
        let names = found.records.iter().filter_map(|stored| last_segment(&stored.key));
        let places = names
            .map(|name| AliasName::parse(&name).map(|name| layout.alias(&name)))
            .collect::<Result<Vec<_>, _>>()?;
        let stored = self.0.inner.records.read(&places).await.map_err(storage)?;
        let aliases = stored.iter().flatten().map(|stored| self.entry(stored)).collect::<Result<_, _>>()?;
        Ok(AliasPage { aliases, next_marker: found.cursor.as_ref().and_then(last_segment) })
    }

    /// The aliases there are, and among them, in the order of names, those that AWS predefines.
    async fn all(self, page: &ListPage, limit: usize) -> Result<AliasPage, Error> {
        let found = self.0.page(&self.0.inner.layout.aliases(), page, limit).await?;
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
                let arn = name.arn(self.0.realm());
                aliases.push(AliasEntry { name, arn, target: None, created: None, updated: None });
            }
        }
        aliases.sort_by(|one, other| one.name.cmp(&other.name));
        let more = end.is_some() || aliases.len() > limit;
        aliases.truncate(limit);
        let next_marker = aliases.last().filter(|_| more).map(|last| last.name.to_string());
        Ok(AliasPage { aliases, next_marker })
    }

    fn entry(self, stored: &TrustedRecord) -> Result<AliasEntry, Error> {
        let record: AliasRecord = decode(stored)?;
        let name = AliasName::parse(&last_segment(&stored.key).unwrap_or_default())?;
        Ok(AliasEntry {
            arn: name.arn(self.0.realm()),
            name,
            target: Some(KeyId::parse(&record.target)?),
            created: Some(Timestamp::from_millis(record.created)),
            updated: Some(Timestamp::from_millis(record.updated)),
        })
    }
}
