//! Storing values: create, put, update.

use strongroom_envelope::random_array;
use strongroom_records::Expect;
use strongroom_store::validate::{self, MAX_TAGS};
use strongroom_store::{
    CreateSecret, Error, ErrorKind, Operation, PutSecretValue, SecretArn, SecretCreated, SecretUpdated,
    SecretValue, Stage, UpdateSecret, ValuePut, VersionId,
};
use strongroom_types::CallContext;

use crate::commit::Attempts;
use crate::engine::Engine;
use crate::error::{damaged, sealing};
use crate::head::{Head, StoredHead, Version};
use crate::permission::{About, NO_SUFFIX, RequestFacts};
use crate::seal::SealedValue;

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

/// An empty description counts as none: AWS answers without one.
fn described(given: Option<&str>) -> Option<String> {
    given.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn key_of_request(given: &str) -> Option<String> {
    (!given.is_empty() && given != "alias/aws/secretsmanager").then(|| given.to_owned())
}

/// A value sealed in an earlier attempt, good again only if nothing it depends on has changed.
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

impl Engine {
    pub(crate) async fn create(
        &self,
        cx: &CallContext,
        request: CreateSecret,
    ) -> Result<SecretCreated, Error> {
        request.check_shape()?;
        self.may_name(&request.name)?;
        validate::tag_keys(&request.tags)?;
        if request.tags.len() > MAX_TAGS {
            return Err(Error::new(ErrorKind::InvalidParameter, "A secret can have at most 50 tags."));
        }
        let version = token(request.token.as_ref())?;
        self.permit_create(cx, &request).await?;
        let _turn = self.turn(&request.name).await;
        let target = strongroom_store::Target::Name(request.name.clone());
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self, cx)?;
            if let Some(existing) = self.find(&target).await? {
                if let Some(answer) = self.create_over(cx, &existing, &request, &version).await? {
                    return Ok(answer);
                }
                continue;
            }
            let created = self.date_of_creation().await?;
            let mut head = Head::new(request.name.clone(), fresh_suffix()?, created);
            head.description = described(request.description.as_deref());
            head.owning_service = self.service.as_ref().map(ToString::to_string);
            head.kms_key_id = request.kms_key_id.as_deref().and_then(key_of_request);
            if !request.tags.is_empty() {
                head.tags =
                    Some(request.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect());
            }
            if head.kms_key_id.is_some() {
                self.probe_key(cx, &head, head.kms_key_id.as_deref()).await?;
            }
            let mut batch = self.inner.records.batch();
            if let Some(value) = &request.value {
                let sealed = self.seal(cx, &head, &version, value).await?;
                let sealed = self.put_value(&mut batch, &head, &version, &sealed, Expect::Absent);
                let stages = [Stage::CURRENT].into();
                head.versions.push(Version {
                    id: version.clone(),
                    created: head.created,
                    accessed: None,
                    stages,
                    sealed: Some(sealed),
                });
            }
            if self.commit_head(batch, None, &head).await? {
                let version_id = request.value.as_ref().map(|_| version);
                return Ok(SecretCreated {
                    arn: head.arn(self.realm()).clone(),
                    name: head.name,
                    version_id,
                });
            }
        }
    }

    /// RequestFacts of the ARN that the secret would have, without its last six characters: nobody is to try until they suit.
    async fn permit_create(&self, cx: &CallContext, request: &CreateSecret) -> Result<(), Error> {
        let head = Head::new(request.name.clone(), NO_SUFFIX.to_owned(), self.now());
        let asked = RequestFacts::nothing()
            .with("secretsmanager:Name", &request.name)
            .maybe("secretsmanager:Description", request.description.as_ref())
            .tags(&request.tags);
        let what = (Operation::CreateSecret, About::New(&head));
        let asked = self.asked_key(cx, asked, request.kms_key_id.as_deref(), what).await?;
        self.permit(cx, Operation::CreateSecret, About::New(&head), &asked).await?;
        if request.tags.is_empty() {
            return Ok(());
        }
        self.permit(cx, Operation::TagResource, About::New(&head), &asked).await
    }

    /// The name is taken. An answer if the request is a repeat; `None` to look again; else AWS's error.
    async fn create_over(
        &self,
        cx: &CallContext,
        existing: &StoredHead,
        request: &CreateSecret,
        version: &VersionId,
    ) -> Result<Option<SecretCreated>, Error> {
        let head = &existing.head;
        if let Some(date) = head.deleted {
            if date <= self.now().as_millis() {
                // Its time is over; nobody has come to purge it yet.
                self.purge(existing, None).await?;
                return Ok(None);
            }
            return Err(Error::marked(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        if let Some(value) = &request.value {
            match self.repeat(cx, existing, version, value).await? {
                Repeat::Changed => return Ok(None),
                Repeat::Duplicate => {
                    let arn = head.arn(self.realm()).clone();
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
        &self,
        cx: &CallContext,
        stored: &StoredHead,
        version: &VersionId,
        value: &SecretValue,
    ) -> Result<Repeat, Error> {
        let head = &stored.head;
        let Some(sealed) = head.version(version).and_then(|version| version.sealed.as_ref()) else {
            return Ok(Repeat::New);
        };
        match self.fetch(cx, head, version, sealed).await? {
            Some(kept) if kept == *value => Ok(Repeat::Duplicate),
            Some(_) => Err(Error::new(
                ErrorKind::Exists,
                format!(
                    "You can't use ClientRequestToken {version} because that value is already in use for a version of secret {}.",
                    head.arn(self.realm())
                ),
            )),
            None => self.changed_since(stored, version).await.map(|()| Repeat::Changed),
        }
    }

    /// A value is not the one the head vouches for. Fine when the head has moved on; else somebody changed the file.
    pub(crate) async fn changed_since(&self, stored: &StoredHead, version: &VersionId) -> Result<(), Error> {
        let target = strongroom_store::Target::Name(stored.head.name.clone());
        let now = self.find(&target).await?;
        if now.is_some_and(|now| now.revision == stored.revision) {
            let place = self.inner.layout.value(&stored.head, version);
            return Err(damaged(
                &place,
                "the value is missing, or is not the one that the secret's head vouches for",
            ));
        }
        Ok(())
    }

    pub(crate) async fn put(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        request.check_shape()?;
        let target = request.id.target(self.realm())?;
        let version = token(request.token.as_ref())?;
        let _turn = self.turn(target.name()).await;
        let (mut attempts, mut kept) = (Attempts::new(), None);
        loop {
            attempts.next(self, cx)?;
            let before =
                self.live(cx, Operation::PutSecretValue, &request.id, &RequestFacts::nothing()).await?;
            self.may_change(&before.head)?;
            match self.repeat(cx, &before, &version, &request.value).await? {
                Repeat::Changed => continue,
                Repeat::Duplicate => return Ok(self.put_answer(&before.head, version)),
                Repeat::New => {}
            }
            let mut head = Head::clone(&before.head);
            let mut batch = self.inner.records.batch();
            self.store_value(
                cx,
                &mut batch,
                &mut head,
                &version,
                &request.value,
                request.stages.as_deref(),
                &mut kept,
            )
            .await?;
            head.touch(self.now());
            if self.commit_head(batch, Some(&before), &head).await? {
                return Ok(self.put_answer(&head, version));
            }
        }
    }

    fn put_answer(&self, head: &Head, version_id: VersionId) -> ValuePut {
        let stages = head.version(&version_id).map(|version| version.stages.clone()).unwrap_or_default();
        ValuePut { arn: head.arn(self.realm()).clone(), name: head.name.clone(), version_id, stages }
    }

    /// Seals a value, or takes what an earlier attempt sealed, and adds the version to the head and the batch.
    #[allow(clippy::too_many_arguments, reason = "one step of two operations, split off to be shared")]
    async fn store_value(
        &self,
        cx: &CallContext,
        batch: &mut strongroom_root::TrustedBatch,
        head: &mut Head,
        version: &VersionId,
        value: &SecretValue,
        stages: Option<&[Stage]>,
        kept: &mut Option<Kept>,
    ) -> Result<(), Error> {
        let labels = head.labels().put(version, stages)?;
        // The secret may have been deleted and made again, or got another key, since the value was sealed.
        let reusable = match &*kept {
            Some(kept) if kept.suffix == head.suffix && kept.kms_key_id == head.kms_key_id => {
                !self.is_closed(&kept.sealed).await?
            }
            _ => false,
        };
        if !reusable {
            let sealed = self.seal(cx, head, version, value).await?;
            *kept = Some(Kept { suffix: head.suffix.clone(), kms_key_id: head.kms_key_id.clone(), sealed });
        }
        let Some(Kept { sealed, .. }) = kept else { return Ok(()) };
        let sealed = self.put_value(batch, head, version, sealed, Expect::Absent);
        // By the labels of after: what loses its last one now makes room if it is old enough.
        head.set_labels(&labels);
        match head.versions.iter_mut().find(|known| known.id == *version) {
            // A rotation's placeholder gets its value.
            Some(placeholder) => placeholder.sealed = Some(sealed),
            None => {
                self.prune(batch, head)?;
                // Later than the version before, also when the clock is not: versions are listed in this order.
                let last = head.versions.last().map_or(i64::MIN, |last| last.created.saturating_add(1));
                let created = self.now().as_millis().max(last);
                head.versions.push(Version {
                    id: version.clone(),
                    created,
                    accessed: None,
                    stages: labels.of(version).cloned().unwrap_or_default(),
                    sealed: Some(sealed),
                });
            }
        }
        Ok(())
    }

    pub(crate) async fn update(
        &self,
        cx: &CallContext,
        request: UpdateSecret,
    ) -> Result<SecretUpdated, Error> {
        request.check_shape()?;
        let target = request.id.target(self.realm())?;
        let version = token(request.token.as_ref())?;
        let _turn = self.turn(target.name()).await;
        let asked = RequestFacts::nothing().maybe("secretsmanager:Description", request.description.as_ref());
        let asked = match request.kms_key_id.as_deref() {
            None => asked,
            given => {
                let found = self.named(cx, &request.id).await?;
                let about = found
                    .as_ref()
                    .map_or(About::Given(request.id.as_str()), |found| About::Secret(&found.head));
                self.asked_key(cx, asked, given, (Operation::UpdateSecret, about)).await?
            }
        };
        let (mut attempts, mut kept) = (Attempts::new(), None);
        loop {
            attempts.next(self, cx)?;
            let before = self.live(cx, Operation::UpdateSecret, &request.id, &asked).await?;
            self.may_change(&before.head)?;
            let mut head = Head::clone(&before.head);
            let answer = |head: &Head| SecretUpdated {
                arn: head.arn(self.realm()).clone(),
                name: head.name.clone(),
                version_id: request.value.as_ref().map(|_| version.clone()),
            };
            let repeat = match &request.value {
                Some(value) => self.repeat(cx, &before, &version, value).await?,
                None => Repeat::New,
            };
            match repeat {
                Repeat::Changed => continue,
                // A repeat changes nothing, whatever else it carries: description and key may be newer by now.
                Repeat::Duplicate => return Ok(answer(&head)),
                Repeat::New => {}
            }
            let mut batch = self.inner.records.batch();
            if let Some(description) = &request.description {
                head.description = described(Some(description));
            }
            if let Some(key) = &request.kms_key_id {
                let key = key_of_request(key);
                if key != head.kms_key_id {
                    self.probe_key(cx, &head, key.as_deref()).await?;
                    head.kms_key_id = key;
                    if !self.rewrap_staged(cx, &mut batch, &before, &mut head).await? {
                        continue;
                    }
                }
            }
            if let Some(value) = &request.value {
                self.store_value(cx, &mut batch, &mut head, &version, value, None, &mut kept).await?;
            }
            head.touch(self.now());
            if self.commit_head(batch, Some(&before), &head).await? {
                return Ok(answer(&head));
            }
        }
    }

    /// The secret has a new key: the versions that are current, pending or previous are encrypted again under it, the others
    /// stay under the old one. `false`: a value changed meanwhile, look again.
    async fn rewrap_staged(
        &self,
        cx: &CallContext,
        batch: &mut strongroom_root::TrustedBatch,
        before: &StoredHead,
        head: &mut Head,
    ) -> Result<bool, Error> {
        let staged = [Stage::CURRENT, Stage::PENDING, Stage::PREVIOUS];
        for index in 0..head.versions.len() {
            let version = head.versions[index].clone();
            let Some(old) =
                version.sealed.filter(|_| staged.iter().any(|stage| version.stages.contains(stage)))
            else {
                continue;
            };
            if self.reaches(cx, old.managed).is_err() {
                continue;
            }
            // As on AWS, a caller who may not open the old ones or encrypt under the new key changes the key for new values only.
            let value = match self.fetch(cx, head, &version.id, &old).await {
                Err(error) if error.kind() == ErrorKind::AccessDenied => continue,
                value => value?,
            };
            let Some(value) = value else {
                self.changed_since(before, &version.id).await?;
                return Ok(false);
            };
            if !self.may_encrypt(cx, head, version.id.as_str()).await? {
                continue;
            }
            let sealed = self.seal(cx, head, &version.id, &value).await?;
            // The head's revision is the precondition of the whole commit and every change of a value changes the head.
            let new = self.put_value(batch, head, &version.id, &sealed, Expect::Any);
            let (old_use, new_use) = (
                self.inner.layout.use_of(head, &version.id, &old),
                self.inner.layout.use_of(head, &version.id, &new),
            );
            if old_use != new_use {
                batch.delete(&old_use, Expect::Any);
            }
            head.versions[index].sealed = Some(new);
        }
        Ok(true)
    }
}
