//! The engine, driven by steps, beside the model.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use strongroom_engine::{Engine, EngineLimits, OwningService};
use strongroom_kms::{CreateKey, KeyId, KmsAdmin};
use strongroom_local_kms::LocalKms;
use strongroom_records::{Batch, Expect, MemoryRecords, Records};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_sqlite::SqliteRecords;
use strongroom_store::{
    BatchGetSecretValue, BatchPage, CreateSecret, DeleteSecret, Error, ErrorKind, Filter, GetSecretValue,
    ListSecretVersionIds, ListSecrets, PutResourcePolicy, PutSecretValue, SecretAdmin, SecretMetadata,
    SecretRef, SecretStore, SecretValue, SecretVersion, Stage, Tag, UpdateSecret, UpdateSecretVersionStage,
    VersionId,
};
use strongroom_testkit::{FaultyKms, ManualClock, SmallRecords};
use strongroom_types::{CallContext, Clock, Service, Timestamp};

use crate::model::{MAX_VERSIONS, Model, Outcome, Wrong};
use crate::steps::{Key, POLICIES, Step, Tags, Value, token};

pub(crate) struct World {
    records: Arc<dyn Records>,
    clock: Arc<ManualClock>,
    faults: FaultyKms,
    kms: LocalKms,
    keys: Vec<KeyId>,
    engine: Engine,
    service: Engine,
    cx: CallContext,
    model: Model,
}

struct Open {
    kms: LocalKms,
    engine: Engine,
    service: Engine,
    faults: FaultyKms,
    cx: CallContext,
}

async fn open(records: &Arc<dyn Records>, clock: &Arc<ManualClock>, faults: Option<&FaultyKms>) -> Open {
    let root = RootKey::from_bytes([3; 32]);
    let trusted = TrustedRecords::open(Arc::clone(records), root, None, &**clock).await.unwrap();
    let kms = LocalKms::new(trusted.clone(), clock.clone());
    let inner = Arc::new(kms.for_service(Service::SecretsManager));
    let faults = match faults {
        Some(faults) => faults.around(inner),
        None => FaultyKms::new(inner),
    };
    let limits = EngineLimits::default().versions(MAX_VERSIONS);
    let cx = CallContext::owner(trusted.realm());
    let engine = Engine::with_limits(trusted, Arc::new(faults.clone()), clock.clone(), limits);
    let service = engine.for_service(OwningService::new("svc").unwrap());
    Open { kms, engine, service, faults, cx }
}

fn stages<'a>(stages: impl IntoIterator<Item = &'a Stage>) -> Vec<String> {
    stages.into_iter().map(|stage| stage.as_str().to_owned()).collect()
}

fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(|time| time.as_millis())
}

fn secret_value(value: &Value) -> SecretValue {
    if value.text {
        SecretValue::text(value.content.clone())
    } else {
        SecretValue::binary(value.content.clone().into_bytes())
    }
}

fn shown(version: &SecretVersion) -> String {
    let content = String::from_utf8(version.expose_bytes().to_vec()).unwrap();
    let value = Value { text: version.value.is_text(), content };
    format!(
        "{} {} {} {value:?} {:?} {}",
        version.arn,
        version.name,
        version.version_id,
        stages(&version.stages),
        version.created.as_millis()
    )
}

fn reference(secret: &SecretRef) -> String {
    format!("{} {}", secret.arn, secret.name)
}

fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::new(*key, *value)).collect()
}

impl World {
    pub(crate) fn in_memory(wrong: Wrong) -> Self {
        Self::new(Arc::new(MemoryRecords::new()), wrong)
    }

    pub(crate) fn in_file(path: &Path, wrong: Wrong) -> Self {
        Self::new(Arc::new(pollster::block_on(SqliteRecords::open(path)).unwrap()), wrong)
    }

    pub(crate) fn in_small_storage(wrong: Wrong) -> Self {
        Self::new(Arc::new(SmallRecords::new(Arc::new(MemoryRecords::new()))), wrong)
    }

    fn new(records: Arc<dyn Records>, wrong: Wrong) -> Self {
        let clock = Arc::new(ManualClock::default());
        pollster::block_on(async {
            let Open { kms, engine, service, faults, cx } = open(&records, &clock, None).await;
            let mut keys = Vec::new();
            for _ in 0..2 {
                keys.push(kms.create_key(&cx, CreateKey::new()).await.unwrap().id);
            }
            let model = Model::new(clock.now().as_millis(), wrong);
            Self { records, clock, faults, kms, keys, engine, service, cx, model }
        })
    }

    fn by(&self, service: bool) -> &Engine {
        if service { &self.service } else { &self.engine }
    }

    /// Both answers to a step.
    pub(crate) async fn step(&mut self, step: &Step) -> (Outcome, Outcome) {
        // Before the model goes on: ids and holders are those of now.
        let found = self.run(step).await;
        let mut expected = self.model.step(step);
        let found = match found {
            Ok(line) => Ok(self.learn(&mut expected, line)),
            Err(error) if error.kind() == ErrorKind::Validation => {
                Err((ErrorKind::Validation, String::new()))
            }
            Err(error) => Err((error.kind(), error.message().to_owned())),
        };
        (expected, found)
    }

    /// A new secret's suffix is random: the model takes over what the engine chose.
    fn learn(&mut self, expected: &mut Outcome, found: String) -> String {
        if let Ok(line) = expected
            && let Some(at) = line.find("-?????? ")
            && let Some(suffix) = found.get(at + 1..at + 7)
        {
            let name = line[at + 8..].split(' ').next().unwrap().to_owned();
            *line = line.replace("??????", suffix);
            self.model.secrets.get_mut(&name).unwrap().suffix = suffix.to_owned();
        }
        found
    }

    fn key(&self, key: Key) -> String {
        match key {
            Key::Managed => String::new(),
            Key::Customer(n) => self.keys[n].to_string(),
            Key::Unknown => "alias/nobody".into(),
        }
    }

    fn known_key(&self, text: &str) -> Key {
        match self.keys.iter().position(|key| text.ends_with(key.as_str())) {
            Some(n) => Key::Customer(n),
            None => Key::Managed,
        }
    }

    fn described(&self, secret: &SecretMetadata) -> String {
        let tags: Option<Vec<(&String, &String)>> =
            secret.tags.as_ref().map(|tags| tags.iter().map(|tag| (&tag.key, &tag.value)).collect());
        let versions: std::collections::BTreeMap<&str, Vec<String>> =
            secret.versions.iter().map(|(id, labels)| (id.as_str(), stages(labels))).collect();
        format!(
            "{} {} description {:?} key {:?} tags {tags:?} created {} changed {} accessed {:?} deleted {:?} owner {:?} versions {versions:?}",
            secret.arn,
            secret.name,
            secret.description,
            secret.kms_key_id.as_deref().map(|key| self.known_key(key)),
            secret.created.as_millis(),
            secret.last_changed.as_millis(),
            millis(secret.last_accessed),
            millis(secret.deleted),
            secret.owning_service,
        )
    }

    fn batch(page: &BatchPage) -> String {
        let values: Vec<String> = page.values.iter().map(shown).collect();
        let error = |kind: ErrorKind, message: &str| match kind {
            ErrorKind::Validation => "Validation".to_owned(),
            kind => format!("{kind:?} {message}"),
        };
        let errors: Vec<String> = page
            .errors
            .iter()
            .map(|failed| format!("{} {}", failed.id, error(failed.error.kind(), failed.error.message())))
            .collect();
        format!("{values:?} {errors:?}")
    }

    async fn run(&mut self, step: &Step) -> Result<String, Error> {
        let cx = &self.cx;
        match step {
            Step::Create { name, token: number, description, key, value, tags, service } => {
                let mut request = CreateSecret::new(*name).token(token(*number));
                request.description = description.map(Into::into);
                request.kms_key_id = key.map(|key| self.key(key));
                request.value = value.as_ref().map(secret_value);
                request.tags = tag_list(tags);
                let made = self.by(*service).create_secret(cx, request).await?;
                let version = made.version_id.map(|version| version.to_string());
                Ok(format!("{} {} {version:?}", made.arn, made.name))
            }
            Step::Put { id, token: number, value, stages: named, service } => {
                let mut request =
                    PutSecretValue::new(self.model.text(id), secret_value(value)).token(token(*number));
                request.stages =
                    named.as_ref().map(|named| named.iter().map(|stage| Stage::new(stage.clone())).collect());
                let put = self.by(*service).put_secret_value(cx, request).await?;
                Ok(format!("{} {} {} {:?}", put.arn, put.name, put.version_id, stages(&put.stages)))
            }
            Step::Update { id, token: number, description, key, value, service } => {
                let mut request = UpdateSecret::new(self.model.text(id)).token(token(*number));
                request.description = description.map(Into::into);
                request.kms_key_id = key.map(|key| self.key(key));
                request.value = value.as_ref().map(secret_value);
                let updated = self.by(*service).update_secret(cx, request).await?;
                let version = updated.version_id.map(|version| version.to_string());
                Ok(format!("{} {} {version:?}", updated.arn, updated.name))
            }
            Step::Get { id, version, stage } => {
                let mut request = GetSecretValue::new(self.model.text(id));
                request.version_id = version.map(|number| VersionId::new(token(number)));
                request.stage = stage.clone().map(Stage::new);
                Ok(shown(&self.engine.get_secret_value(cx, request).await?))
            }
            Step::Batch { ids } => {
                let request = BatchGetSecretValue::of(ids.iter().map(|id| self.model.text(id)));
                Ok(Self::batch(&self.engine.batch_get_secret_value(cx, request).await?))
            }
            Step::BatchMatching { key, values } => {
                let request = BatchGetSecretValue::matching(Filter::new(*key, values.iter().copied()));
                Ok(Self::batch(&self.engine.batch_get_secret_value(cx, request).await?))
            }
            Step::Describe { id } => {
                let secret = self.engine.describe_secret(cx, &self.model.text(id).into()).await?;
                Ok(self.described(&secret))
            }
            Step::Versions { id, deprecated, page } => self.versions(id, *deprecated, *page).await,
            Step::List { filters, by, order, deleted, page } => {
                let mut request = ListSecrets::new().max_results(*page).sort(*by, *order);
                request.include_planned_deletion = *deleted;
                request.filters =
                    filters.iter().map(|(key, values)| Filter::new(*key, values.iter().copied())).collect();
                let mut lines = Vec::new();
                loop {
                    let listed = self.engine.list_secrets(cx, request.clone()).await?;
                    lines.extend(listed.secrets.iter().map(|secret| self.described(secret)));
                    match listed.next_token {
                        Some(token) => request.next_token = Some(token),
                        None => return Ok(lines.join("\n")),
                    }
                }
            }
            Step::Move { id, stage, from, to, service } => {
                let mut request = UpdateSecretVersionStage::new(self.model.text(id), stage.clone());
                request.remove_from = from.map(|number| VersionId::new(token(number)));
                request.move_to = to.map(|number| VersionId::new(token(number)));
                Ok(reference(&self.by(*service).update_secret_version_stage(cx, request).await?))
            }
            Step::MoveFromHolder { id, stage, to } => {
                let mut request =
                    UpdateSecretVersionStage::new(self.model.text(id), stage.clone()).move_to(token(*to));
                request.remove_from = self.model.holder(id, stage).map(VersionId::new);
                Ok(reference(&self.engine.update_secret_version_stage(cx, request).await?))
            }
            Step::Delete { id, days, force, service } => {
                let text = self.model.text(id);
                let mut request = DeleteSecret::new(text.clone());
                (request.recovery_window_days, request.force) = (*days, *force);
                let deleted = self.by(*service).delete_secret(cx, request).await?;
                let date = deleted.deletion_date.as_millis();
                if deleted.name == text && deleted.arn.as_str().ends_with("-aaaaaa") {
                    return Ok(format!("gone {text} {date}"));
                }
                Ok(format!("{} {} {date}", deleted.arn, deleted.name))
            }
            Step::Restore { id } => {
                Ok(reference(&self.engine.restore_secret(cx, &self.model.text(id).into()).await?))
            }
            Step::Tag { id, tags } => {
                self.engine.tag_resource(cx, &self.model.text(id).into(), tag_list(tags)).await?;
                Ok(String::new())
            }
            Step::Untag { id, keys } => {
                let keys = keys.iter().map(|key| (*key).to_owned()).collect();
                self.engine.untag_resource(cx, &self.model.text(id).into(), keys).await?;
                Ok(String::new())
            }
            Step::PutPolicy { id, policy, block } => {
                let mut request = PutResourcePolicy::new(self.model.text(id), POLICIES[*policy]);
                request.block_public_policy = *block;
                Ok(reference(&self.engine.put_resource_policy(cx, request).await?))
            }
            Step::Policy { id } => {
                let found = self.engine.get_resource_policy(cx, &self.model.text(id).into()).await?;
                Ok(format!("{} {} {:?}", found.arn, found.name, found.policy))
            }
            Step::DeletePolicy { id } => {
                let id = self.model.text(id).into();
                Ok(reference(&self.engine.delete_resource_policy(cx, &id).await?))
            }
            Step::Pass { millis } => {
                self.clock.advance(Duration::from_millis(*millis));
                Ok(String::new())
            }
            Step::Maintain => self.engine.maintain().await.map(|_| String::new()),
            Step::Reopen => {
                self.engine.maintain().await?;
                self.reopen().await;
                Ok(String::new())
            }
            Step::Crash => {
                // What was handed over is written by now, or gone with the process; nothing of it comes later.
                let nothing = strongroom_records::Key::realm(self.engine.realm()).then("nothing");
                self.records.commit(Batch::new().delete(&nothing, Expect::Any)).await.unwrap();
                self.reopen().await;
                self.take_over_reads().await?;
                Ok(String::new())
            }
            Step::Fault(kind) => {
                self.faults.plan([Some(*kind)]);
                Ok(String::new())
            }
            Step::Disable(key) => {
                self.kms.disable_key(cx, &self.keys[*key].clone().into()).await.unwrap();
                Ok(String::new())
            }
            Step::Enable(key) => {
                self.kms.enable_key(cx, &self.keys[*key].clone().into()).await.unwrap();
                Ok(String::new())
            }
        }
    }

    async fn versions(&self, id: &crate::steps::Id, deprecated: bool, page: i64) -> Result<String, Error> {
        let mut request = ListSecretVersionIds::new(self.model.text(id)).max_results(page);
        request.include_deprecated = deprecated;
        let mut lines = Vec::new();
        loop {
            let listed = self.engine.list_secret_version_ids(&self.cx, request.clone()).await?;
            if lines.is_empty() {
                lines.push(format!("{} {}", listed.arn, listed.name));
            }
            lines.extend(listed.versions.iter().map(|version| {
                let [key] = version.kms_key_ids.as_slice() else { panic!("a version has one key") };
                format!(
                    "{} {:?} created {} accessed {:?} key {:?}",
                    version.version_id,
                    stages(&version.stages),
                    version.created.as_millis(),
                    millis(version.last_accessed),
                    self.known_key(key)
                )
            }));
            match listed.next_token {
                Some(token) => request.next_token = Some(token),
                None => return Ok(lines.join("\n")),
            }
        }
    }

    async fn reopen(&mut self) {
        let open = open(&self.records, &self.clock, Some(&self.faults)).await;
        (self.kms, self.engine, self.service) = (open.kms, open.engine, open.service);
    }

    /// What the process that is gone had noted but not written is lost; the model learns how much of it.
    async fn take_over_reads(&mut self) -> Result<(), Error> {
        let names: Vec<String> = self.model.secrets.keys().cloned().collect();
        for name in names {
            let secret = self.engine.describe_secret(&self.cx, &name.as_str().into()).await?;
            let request = ListSecretVersionIds::new(&name).include_deprecated();
            let listed = self.engine.list_secret_version_ids(&self.cx, request).await?.versions;
            let versions: Vec<_> = listed
                .iter()
                .map(|version| (version.version_id.to_string(), millis(version.last_accessed)))
                .collect();
            self.model.forget_reads(&name, millis(secret.last_accessed), &versions);
        }
        Ok(())
    }

    /// What verify finds wrong with what is stored.
    pub(crate) async fn verify(&self) -> Vec<String> {
        self.faults.plan([]);
        let report = self.engine.verify(&self.cx).await.unwrap();
        report.problems.iter().map(|problem| format!("{problem:?}")).collect()
    }
}
