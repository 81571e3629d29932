//! Management of keys.

use strongroom_envelope::{random_array, random_uuid};
use strongroom_kms::{
    AliasName, CreateKey, Error, ErrorKind, KeyId, KeyMetadata, KeyOrigin, KeyRef, KeySpec, KeyState, KeyTag,
    ListPage, RotationPeriod, random_bytes,
};
use strongroom_records::{Expect, Key, Revision, Scan};
use strongroom_root::{TrustedBatch, UnknownMembers};
use strongroom_types::{CallContext, Timestamp};

use crate::layout::{AliasRecord, Generation, KeyRecord, Schedule, StoredKey, encode};
use crate::local::{ATTEMPTS, LocalKms, contended, material_id, storage};
use crate::permission::denied;
use crate::policy::{NewPolicy, check_policy_name};
use crate::request_facts::RequestFacts;
use crate::rotation::after_days;
use crate::states::Operation;

const MAX_DESCRIPTION: usize = 8192;

/// A key to be made.
pub(crate) struct NewKey<'a> {
    pub(crate) description: &'a str,
    pub(crate) spec: KeySpec,
    pub(crate) tags: &'a [KeyTag],
    pub(crate) multi_region: bool,
    /// The name of the service whose key it is.
    pub(crate) service: Option<&'a str>,
    pub(crate) alias: Option<&'a AliasName>,
    /// Checked; the default when absent.
    pub(crate) policy: Option<NewPolicy>,
    /// Its material will be imported.
    pub(crate) external: bool,
}

pub(crate) fn check_description(description: &str) -> Result<(), Error> {
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

/// What policies may look at when a key is made.
fn asked_of(request: &CreateKey) -> RequestFacts<'static> {
    let mut asked = like(request);
    if !request.tags.is_empty() {
        asked = asked.with_many("aws:TagKeys", request.tags.iter().map(|tag| &tag.key));
    }
    for tag in &request.tags {
        asked = asked.with(&format!("aws:RequestTag/{}", tag.key), &tag.value);
    }
    asked
}

/// What a key that is to be made will be like.
fn like(request: &CreateKey) -> RequestFacts<'static> {
    let bypass = request.policy.as_ref().is_some_and(|put| put.bypass_lockout_check);
    let mut asked = RequestFacts::nothing()
        .with("kms:KeySpec", request.spec.to_string())
        .with("kms:KeyUsage", request.spec.usage().to_string())
        .with("kms:KeyOrigin", request.origin.to_string())
        .with("kms:MultiRegion", request.multi_region.to_string())
        .with("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string());
    if request.multi_region {
        asked = asked.with("kms:MultiRegionKeyType", "PRIMARY");
    }
    asked
}

/// What policies will see of a key once it is there.
fn once_made(request: &CreateKey) -> RequestFacts<'static> {
    let tags = request.tags.iter();
    tags.fold(like(request), |asked, tag| asked.with(&format!("aws:ResourceTag/{}", tag.key), &tag.value))
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
        let first = Generation {
            number: 1,
            material_id: material_id()?,
            created: now,
            automatic: false,
            imported: None,
            retired: false,
            unknown: UnknownMembers::default(),
        };
        // What a service manages rotates every year, and nobody can stop it.
        let period_days = RotationPeriod::DEFAULT;
        let next = after_days(self.now(), period_days).as_millis();
        let rotation =
            new.service.map(|_| Schedule { period_days, next, unknown: UnknownMembers::default() });
        let (policy, policy_ids) = match new.policy {
            Some(policy) => (Some(policy.text), policy.ids),
            None => Default::default(),
        };
        let record = KeyRecord {
            id: id.to_string(),
            description: new.description.to_owned(),
            state: KeyState::Enabled.to_string(),
            spec: (new.spec != KeySpec::SymmetricDefault).then(|| new.spec.to_string()),
            created: now,
            deletion_date: None,
            service: new.service.map(str::to_owned),
            generations: if new.external { Vec::new() } else { vec![first] },
            origin: new.external.then(|| KeyOrigin::External.to_string()),
            on_demand_rotations: 0,
            rotation: rotation.clone(),
            tags: new.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
            policy,
            policy_ids,
            grants: 0,
            unknown: UnknownMembers::default(),
        };
        let mut batch = records.batch();
        if !new.external {
            self.put_material(&mut batch, &id, 1, new.spec)?;
        }
        batch.put(&layout.key(&id), &encode(&record)?, Expect::Absent);
        if let Some(schedule) = rotation {
            batch.put(&layout.due_rotation(schedule.next, &id), b"", Expect::Any);
        }
        if let Some(name) = new.alias {
            let unknown = UnknownMembers::default();
            let alias = AliasRecord { target: id.to_string(), created: now, updated: now, unknown };
            batch.put(&layout.alias(name), &encode(&alias)?, Expect::Absent);
            batch.put(&layout.key_alias(&id, name), b"", Expect::Absent);
        }
        let revision = self.commit(batch).await?;
        let arn = id.arn(self.realm());
        Ok(StoredKey::new(id, arn, KeyState::Enabled, new.spec, record, revision))
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
        let made = async {
            alias.check_new()?;
            match self.make_key(cx, &request, Some(alias)).await {
                // Nothing else of a new key can be there already.
                Err(error) if error.kind() == ErrorKind::Conflict => Err(self.alias_taken(alias)),
                done => done,
            }
        };
        made.await.map_err(|error| error.during("CreateKey"))
    }

    pub(crate) async fn make_key(
        &self,
        cx: &CallContext,
        request: &CreateKey,
        alias: Option<&AliasName>,
    ) -> Result<KeyMetadata, Error> {
        self.authorize_on(cx, Operation::CreateKey, "*", &asked_of(request)).await?;
        if !request.tags.is_empty() {
            self.authorize_on(cx, Operation::TagResource, "*", &asked_of(request)).await?;
        }
        check_description(&request.description)?;
        request.check()?;
        let policy = match &request.policy {
            Some(put) => {
                check_policy_name(put.name.as_deref())?;
                // The key has no ARN yet; policies of keys say "*".
                let place = self.realm().arn("kms", "key/new");
                let subject = self.subject(cx).await?;
                let mut question = self.request_on(&subject, Operation::PutKeyPolicy, place.as_str());
                question.context_mut().extend(&once_made(request).facts);
                Some(self.check_policy(&subject, &question, put).await?)
            }
            None => None,
        };
        if let Some(alias) = alias {
            self.permit_first_alias(cx, alias, policy.as_ref(), &once_made(request)).await?;
        }
        let new = NewKey {
            description: &request.description,
            spec: request.spec,
            tags: &request.tags,
            multi_region: request.multi_region,
            service: None,
            alias,
            policy,
            external: request.origin == KeyOrigin::External,
        };
        let key = self.commit_new_key(new).await?;
        Ok(key.metadata(self.realm(), self.now()))
    }

    /// Naming a new key takes what naming one takes: of the alias, and of the key, whose policy is the new one.
    async fn permit_first_alias(
        &self,
        cx: &CallContext,
        alias: &AliasName,
        policy: Option<&NewPolicy>,
        made: &RequestFacts<'_>,
    ) -> Result<(), Error> {
        let operation = Operation::CreateAlias;
        let place = alias.arn(self.realm());
        self.authorize_on(cx, operation, place.as_str(), &RequestFacts::nothing()).await?;
        let key = self.realm().arn("kms", "key/new");
        let Some(policy) = policy else {
            return self.authorize_on(cx, operation, key.as_str(), made).await;
        };
        let subject = self.subject(cx).await?;
        let mut request = self.request_on(&subject, operation, key.as_str());
        request.context_mut().extend(&made.facts);
        match subject.policies().key(&policy.read()?).decide(&request) {
            decision if decision.is_allowed() => Ok(()),
            decision => Err(denied(decision, &request)),
        }
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
        batch.put_secret(&place, &material, Expect::Absent);
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
        self.change_asked(cx, key, operation, &RequestFacts::nothing(), change).await
    }

    /// As [`LocalKms::change`], for a request that says more.
    pub(crate) async fn change_asked<T>(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        operation: Operation,
        asked: &RequestFacts<'_>,
        change: impl Fn(&Self, &mut StoredKey, &mut TrustedBatch) -> Result<Change<T>, Error> + Send + Sync,
    ) -> Result<T, Error> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let mut key = self.resolve_managed(cx, key, operation).await?;
            self.permit(cx, &key, operation, asked).await?;
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
        Err(last.unwrap_or_else(contended))
    }

    pub(crate) async fn page(
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
