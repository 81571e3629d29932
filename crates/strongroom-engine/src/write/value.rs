//! Storing values: create, put, update.

use strongroom_envelope::random_array;
use strongroom_records::Expect;
use strongroom_root::TrustedBatch;
use strongroom_store::validate::{self, MAX_TAGS};
use strongroom_store::{
    CreateSecret, Error, ErrorKind, PutSecretValue, SecretArn, SecretCreated, SecretUpdated, SecretValue,
    Stage, Target, UpdateSecret, ValuePut, VersionId,
};

use crate::call::{About, Call, NO_SUFFIX};
use crate::error::sealing;
use crate::head::{Head, StoredHead, Version};
use crate::keys::{Keys, SealedValue};
use crate::owner;
use crate::parts::Parts;
use crate::permission::Gate;
use crate::storage::{Attempts, Storage};
use crate::write::deletion::Deleter;

/// The token the caller gave, checked, or a fresh one.
fn token(given: Option<&VersionId>) -> Result<VersionId, Error> {
    match given {
        Some(token) => validate::token(token).map(|()| token.clone()),
        None => VersionId::random(),
    }
}

fn fresh_suffix() -> Result<String, Error> {
    loop {
        // Almost always enough; a byte above the unbiased range is thrown away.
        let random: [u8; 16] = random_array().map_err(sealing)?;
        if let Some(suffix) = SecretArn::suffix(&random) {
            return Ok(suffix);
        }
    }
}

/// An empty description is the same as none: AWS answers without one.
fn described(given: Option<&str>) -> Option<String> {
    given.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn key_of_request(given: &str) -> Option<String> {
    (!given.is_empty() && given != "alias/aws/secretsmanager").then(|| given.to_owned())
}

/// A value that is to be stored as a version.
struct NewValue<'a> {
    version: &'a VersionId,
    value: &'a SecretValue,
    stages: Option<&'a [Stage]>,
    /// What an earlier attempt sealed.
    kept: Option<Kept>,
}

/// A value sealed in an earlier attempt, valid again only if nothing it depends on has changed.
struct Kept {
    suffix: String,
    kms_key_id: Option<String>,
    sealed: SealedValue,
}

/// What a token that is already a version's id means.
enum Repeat {
    /// The token is new, or names a version that still waits for its value.
    New,
    /// The same value is stored under it.
    Duplicate,
    /// The value changed while it was being compared: look again.
    Changed,
}

/// Stores values: creates secrets, adds versions, changes keys.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a>(pub(crate) &'a Parts);

impl Writer<'_> {
    pub(crate) async fn create(
        self,
        call: &Call<'_>,
        request: &CreateSecret,
    ) -> Result<SecretCreated, Error> {
        let (storage, keys, realm) = (Storage(self.0), Keys(self.0), self.0.realm());
        request.check_shape()?;
        owner::may_name(self.0.service.as_ref(), &request.name)?;
        validate::tag_keys(&request.tags)?;
        if request.tags.len() > MAX_TAGS {
            return Err(Error::new(ErrorKind::InvalidParameter, "A secret can have at most 50 tags."));
        }
        let version = token(request.token.as_ref())?;
        self.permit_create(call, request).await?;
        let _turn = self.0.turn(&request.name).await;
        let target = Target::Name(request.name.clone());
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            if let Some(existing) = storage.find(&target).await? {
                if let Some(answer) = self.create_over(call, &existing, request, &version).await? {
                    return Ok(answer);
                }
                continue;
            }
            let created = storage.date_of_creation().await?;
            let mut head = Head::new(request.name.clone(), fresh_suffix()?, created);
            head.description = described(request.description.as_deref());
            head.owning_service = self.0.service.as_ref().map(ToString::to_string);
            head.kms_key_id = request.kms_key_id.as_deref().and_then(key_of_request);
            if !request.tags.is_empty() {
                head.tags =
                    Some(request.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect());
            }
            if head.kms_key_id.is_some() {
                keys.probe_key(call, &head, head.kms_key_id.as_deref()).await?;
            }
            let mut batch = self.0.records.batch();
            if let Some(value) = &request.value {
                let sealed = keys.seal(call, &head, &version, value).await?;
                let sealed = keys.put_value(&mut batch, &head, &version, &sealed, Expect::Absent);
                let stages = [Stage::CURRENT].into();
                head.versions.push(Version::new(version.clone(), head.created, stages, Some(sealed)));
            }
            if storage.commit_head(batch, None, &head).await? {
                let version_id = request.value.as_ref().map(|_| version);
                return Ok(SecretCreated { arn: head.arn(realm).clone(), name: head.name, version_id });
            }
        }
    }

    /// Asks about the ARN that the secret would have, without its last six characters: nobody
    /// should try until they suit a policy.
    async fn permit_create(self, call: &Call<'_>, request: &CreateSecret) -> Result<(), Error> {
        let head = Head::new(request.name.clone(), NO_SUFFIX.to_owned(), self.0.now());
        let about = About::New(&head);
        let named = Gate(self.0).with_named_key(call, about).await?;
        Gate(self.0).allow(named.as_ref().unwrap_or(call), about).await
    }

    /// The name is taken. Answers if the request is a repeat, returns `None` to look again, and
    /// fails with AWS's error otherwise.
    async fn create_over(
        self,
        call: &Call<'_>,
        existing: &StoredHead,
        request: &CreateSecret,
        version: &VersionId,
    ) -> Result<Option<SecretCreated>, Error> {
        let head = &existing.head;
        if let Some(date) = head.deleted {
            // The permit comes second: it must know of any jump before this reading of the clock.
            if date <= self.0.now().as_millis() && self.0.permit.may_destroy() {
                // Its recovery window is over; nobody has purged it yet.
                Deleter(self.0).purge(existing, None).await?;
                return Ok(None);
            }
            return Err(Error::marked(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        if let Some(value) = &request.value {
            match self.repeat(call, existing, version, value).await? {
                Repeat::Changed => return Ok(None),
                Repeat::Duplicate => {
                    let arn = head.arn(self.0.realm()).clone();
                    return Ok(Some(SecretCreated {
                        arn,
                        name: head.name.clone(),
                        version_id: Some(version.clone()),
                    }));
                }
                Repeat::New => {}
            }
        }
        Err(Error::new(
            ErrorKind::Exists,
            format!("The operation failed because the secret {} already exists.", head.name),
        ))
    }

    /// Whether `version` is stored already with this value.
    async fn repeat(
        self,
        call: &Call<'_>,
        stored: &StoredHead,
        version: &VersionId,
        value: &SecretValue,
    ) -> Result<Repeat, Error> {
        let head = &stored.head;
        let Some(sealed) = head.version(version).and_then(|version| version.sealed.as_ref()) else {
            return Ok(Repeat::New);
        };
        match Keys(self.0).fetch(call, head, version, sealed).await? {
            Some(kept) if kept == *value => Ok(Repeat::Duplicate),
            Some(_) => Err(Error::new(
                ErrorKind::Exists,
                format!(
                    "You can't use ClientRequestToken {version} because that value is already in use for a version of secret {}.",
                    head.arn(self.0.realm())
                ),
            )),
            None => Keys(self.0).changed_since(stored, version).await.map(|()| Repeat::Changed),
        }
    }

    pub(crate) async fn put(self, call: &Call<'_>, request: &PutSecretValue) -> Result<ValuePut, Error> {
        request.check_shape()?;
        let target = request.id.target(self.0.realm())?;
        let version = token(request.token.as_ref())?;
        let (value, stages) = (&request.value, request.stages.as_deref());
        let mut new = NewValue { version: &version, value, stages, kept: None };
        let _turn = self.0.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            let before = Gate(self.0).live(call, &request.id).await?;
            Gate(self.0).owned(&call.needs, &before.head)?;
            match self.repeat(call, &before, &version, &request.value).await? {
                Repeat::Changed => continue,
                Repeat::Duplicate => return Ok(self.put_answer(&before.head, version)),
                Repeat::New => {}
            }
            let mut head = Head::clone(&before.head);
            let mut batch = self.0.records.batch();
            self.store_value(call, &mut batch, &mut head, &mut new).await?;
            head.touch(self.0.now());
            if Storage(self.0).commit_head(batch, Some(&before), &head).await? {
                return Ok(self.put_answer(&head, version));
            }
        }
    }

    fn put_answer(self, head: &Head, version_id: VersionId) -> ValuePut {
        let stages = head.version(&version_id).map(|version| version.stages.clone()).unwrap_or_default();
        ValuePut { arn: head.arn(self.0.realm()).clone(), name: head.name.clone(), version_id, stages }
    }

    /// Seals a value, or takes what an earlier attempt sealed, and adds the version to the head and
    /// the batch.
    async fn store_value(
        self,
        call: &Call<'_>,
        batch: &mut TrustedBatch,
        head: &mut Head,
        new: &mut NewValue<'_>,
    ) -> Result<(), Error> {
        let keys = Keys(self.0);
        let NewValue { version, value, stages, kept } = new;
        let (version, value) = (*version, *value);
        let labels = head.labels().put(version, *stages)?;
        // The secret may have been deleted and made again, or got another key, since the value was
        // sealed.
        let reusable = match &*kept {
            Some(kept) if kept.suffix == head.suffix && kept.kms_key_id == head.kms_key_id => {
                !keys.is_closed(&kept.sealed).await?
            }
            _ => false,
        };
        if !reusable {
            let sealed = keys.seal(call, head, version, value).await?;
            *kept = Some(Kept { suffix: head.suffix.clone(), kms_key_id: head.kms_key_id.clone(), sealed });
        }
        let Some(Kept { sealed, .. }) = kept else { return Ok(()) };
        let sealed = keys.put_value(batch, head, version, sealed, Expect::Absent);
        // By the new labels: a version that loses its last one now makes room if it is old enough.
        head.set_labels(&labels);
        match head.versions.iter_mut().find(|known| known.id == *version) {
            // A rotation's placeholder gets its value.
            Some(placeholder) => placeholder.sealed = Some(sealed),
            None => {
                Storage(self.0).prune(batch, head)?;
                // Later than the version before even if the clock is not: versions are listed in
                // this order.
                let last = head.versions.last().map_or(i64::MIN, |last| last.created.saturating_add(1));
                let created = self.0.now().as_millis().max(last);
                let stages = labels.of(version).cloned().unwrap_or_default();
                head.versions.push(Version::new(version.clone(), created, stages, Some(sealed)));
            }
        }
        Ok(())
    }

    pub(crate) async fn update(
        self,
        call: &Call<'_>,
        request: &UpdateSecret,
    ) -> Result<SecretUpdated, Error> {
        let (gate, storage) = (Gate(self.0), Storage(self.0));
        request.check_shape()?;
        let target = request.id.target(self.0.realm())?;
        let version = token(request.token.as_ref())?;
        let _turn = self.0.turn(target.name()).await;
        let named = match &request.kms_key_id {
            None => None,
            Some(_) => {
                let found = gate.named(call.cx(), &request.id).await?;
                let about = About::named(found.as_ref().map(|found| &*found.head), request.id.as_str());
                gate.with_named_key(call, about).await?
            }
        };
        let call = named.as_ref().unwrap_or(call);
        let value = request.value.as_ref();
        let mut new = value.map(|value| NewValue { version: &version, value, stages: None, kept: None });
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            let before = gate.live(call, &request.id).await?;
            gate.owned(&call.needs, &before.head)?;
            let mut head = Head::clone(&before.head);
            let answer = |head: &Head| SecretUpdated {
                arn: head.arn(self.0.realm()).clone(),
                name: head.name.clone(),
                version_id: request.value.as_ref().map(|_| version.clone()),
            };
            let repeat = match &request.value {
                Some(value) => self.repeat(call, &before, &version, value).await?,
                None => Repeat::New,
            };
            match repeat {
                Repeat::Changed => continue,
                // A repeat changes nothing, whatever else it carries: description and key may be
                // newer.
                Repeat::Duplicate => return Ok(answer(&head)),
                Repeat::New => {}
            }
            let mut batch = self.0.records.batch();
            if let Some(description) = &request.description {
                head.description = described(Some(description));
            }
            if let Some(key) = &request.kms_key_id {
                let key = key_of_request(key);
                if key != head.kms_key_id {
                    Keys(self.0).probe_key(call, &head, key.as_deref()).await?;
                    head.kms_key_id = key;
                    if !self.rewrap_staged(call, &mut batch, &before, &mut head).await? {
                        continue;
                    }
                }
            }
            if let Some(new) = &mut new {
                self.store_value(call, &mut batch, &mut head, new).await?;
            }
            head.touch(self.0.now());
            if storage.commit_head(batch, Some(&before), &head).await? {
                return Ok(answer(&head));
            }
        }
    }

    /// The secret has a new key: its current, pending and previous versions are encrypted again
    /// under it, the others stay under the old one. Returns `false` if a value changed meanwhile.
    async fn rewrap_staged(
        self,
        call: &Call<'_>,
        batch: &mut TrustedBatch,
        before: &StoredHead,
        head: &mut Head,
    ) -> Result<bool, Error> {
        let (keys, layout) = (Keys(self.0), &self.0.layout);
        let staged = [Stage::CURRENT, Stage::PENDING, Stage::PREVIOUS];
        for index in 0..head.versions.len() {
            let version = head.versions[index].clone();
            let Some(old) =
                version.sealed.filter(|_| staged.iter().any(|stage| version.stages.contains(stage)))
            else {
                continue;
            };
            if keys.reaches(call.cx(), old.managed).is_err() {
                continue;
            }
            // As on AWS, a caller who may not open the old versions or encrypt under the new key
            // changes the key for new values only.
            let value = match keys.fetch(call, head, &version.id, &old).await {
                Err(error) if error.kind() == ErrorKind::AccessDenied => continue,
                value => value?,
            };
            let Some(value) = value else {
                keys.changed_since(before, &version.id).await?;
                return Ok(false);
            };
            if !keys.may_encrypt(call, head, version.id.as_str()).await? {
                continue;
            }
            let sealed = keys.seal(call, head, &version.id, &value).await?;
            // The head's revision is the precondition of the whole commit, and every change of a
            // value changes the head.
            let new = keys.put_value(batch, head, &version.id, &sealed, Expect::Any);
            let old_use = layout.use_of(head, &version.id, &old);
            let new_use = layout.use_of(head, &version.id, &new);
            if old_use != new_use {
                batch.delete(&old_use, Expect::Any);
            }
            head.versions[index].sealed = Some(new);
        }
        Ok(true)
    }
}
