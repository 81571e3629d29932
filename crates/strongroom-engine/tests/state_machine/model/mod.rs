//! What the engine should do, as plainly as the specification says it: everything in maps, nothing clever.

mod reads;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use strongroom_kms::ErrorKind as Kms;
use strongroom_store::{ErrorKind, FilterKey, SortBy, SortOrder};

use crate::steps::{Id, Key, NAMES, POLICIES, PREFIX, Step, Tags, Value, token};

const DAY: i64 = 24 * 60 * 60 * 1000;
const MAX_LABELS: usize = 20;
pub(crate) const MAX_VERSIONS: usize = 5;

/// An answer in one line, or the error's kind and text.
pub(crate) type Outcome = Result<String, (ErrorKind, String)>;
type Refused = (ErrorKind, String);

/// A rule told wrongly, to see that the comparison finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Nothing,
    /// AWSPREVIOUS stays where it was.
    PreviousStays,
    /// AWSPENDING survives a put of a new current version.
    PendingSurvives,
    /// A repeat with the same token stores again.
    RepeatStores,
    /// A restored secret keeps its date.
    RestoreForgets,
    /// Versions are pruned however young they are.
    PrunesYoung,
    /// A change of key leaves the versions as they are.
    KeyChangeForgets,
    /// The last change does not move when nothing else does.
    ChangeStands,
}

#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) value: Value,
    key: Key,
    created: i64,
    accessed: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Secret {
    /// Learnt from the engine: it is random.
    pub(crate) suffix: String,
    description: Option<String>,
    key: Key,
    tags: Option<Vec<(String, String)>>,
    policy: Option<String>,
    owned: bool,
    created: i64,
    changed: i64,
    accessed: Option<i64>,
    deleted: Option<i64>,
    /// When the deletion was asked for.
    marked: Option<i64>,
    /// In the order they were made.
    versions: Vec<(String, Version)>,
    labels: BTreeMap<String, String>,
}

pub(crate) struct Model {
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) now: i64,
    pub(crate) wrong: Wrong,
    pub(crate) disabled: BTreeSet<usize>,
    fault: Option<Kms>,
}

fn refuse<T>(kind: ErrorKind, text: impl Into<String>) -> Result<T, Refused> {
    Err((kind, text.into()))
}

fn not_found() -> Refused {
    (ErrorKind::NotFound, "Secrets Manager can't find the specified secret.".into())
}

/// Constraint violations are compared by kind only; their texts have tests of their own.
fn violated<T>() -> Result<T, Refused> {
    refuse(ErrorKind::Validation, "")
}

impl Secret {
    fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|(known, _)| known == id).map(|(_, version)| version)
    }

    fn stages(&self, id: &str) -> Vec<String> {
        self.labels.iter().filter(|(_, holder)| *holder == id).map(|(label, _)| label.clone()).collect()
    }

    fn is_staged(&self, id: &str) -> bool {
        self.stages(id)
            .iter()
            .any(|label| ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"].contains(&label.as_str()))
    }

    fn touch(&mut self, now: i64) {
        self.changed = now.max(self.changed + 1);
    }

    fn arn(&self, name: &str) -> String {
        format!("{PREFIX}{name}-{}", self.suffix)
    }

    fn describe(&self, name: &str) -> String {
        let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (label, holder) in &self.labels {
            versions.entry(holder).or_default().push(label.clone());
        }
        format!(
            "{} {name} description {:?} key {:?} tags {:?} created {} changed {} accessed {:?} deleted {:?} owner {:?} versions {versions:?}",
            self.arn(name),
            self.description,
            (self.key != Key::Managed).then_some(self.key),
            self.tags,
            self.created,
            self.changed,
            self.accessed,
            self.marked,
            self.owned.then_some("svc"),
        )
    }

    fn move_current(&mut self, new: &str, wrong: Wrong) {
        let old = self.labels.get("AWSCURRENT").cloned();
        if old.as_deref() == Some(new) {
            return;
        }
        if self.labels.get("AWSPREVIOUS").is_some_and(|holder| holder == new) {
            self.labels.remove("AWSPREVIOUS");
        }
        if let Some(old) = old.filter(|_| wrong != Wrong::PreviousStays) {
            self.labels.insert("AWSPREVIOUS".into(), old);
        }
        self.labels.insert("AWSCURRENT".into(), new.into());
    }
}

impl Model {
    pub(crate) fn new(now: i64, wrong: Wrong) -> Self {
        Self { secrets: BTreeMap::new(), now, wrong, disabled: BTreeSet::new(), fault: None }
    }

    /// The text of an id, as both sides get it.
    pub(crate) fn text(&self, id: &Id) -> String {
        let arn = |n: usize, or: &str| match self.secrets.get(NAMES[n]) {
            Some(secret) => secret.arn(NAMES[n]),
            None => format!("{PREFIX}{}-{or}", NAMES[n]),
        };
        match id {
            Id::Name(n) => NAMES[*n].into(),
            Id::Arn(n) => arn(*n, "AAAAAA"),
            Id::PartialArn(n) => format!("{PREFIX}{}", NAMES[*n]),
            Id::OtherArn(n) => format!("{PREFIX}{}-zzzzzz", NAMES[*n]),
            Id::Suffixed(n) => arn(*n, "AAAAAA").strip_prefix(PREFIX).unwrap().to_owned(),
            Id::Text(text) => (*text).into(),
        }
    }

    fn resolve(&self, text: &str) -> Result<String, Refused> {
        if text.is_empty() {
            return violated();
        }
        if !text.starts_with("arn:") {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-/_+=.@!".contains(c);
            return if text.chars().all(allowed) { Ok(text.into()) } else { violated() };
        }
        let Some(resource) = text.strip_prefix(PREFIX) else { return Err(not_found()) };
        if let Some((name, _)) = self.secrets.iter().find(|(name, secret)| secret.arn(name) == text) {
            return Ok(name.clone());
        }
        let complete = resource.len() > 7
            && resource.is_char_boundary(resource.len() - 7)
            && resource[resource.len() - 7..].starts_with('-')
            && resource[resource.len() - 6..].chars().all(|c| c.is_ascii_alphanumeric());
        if complete { Err(not_found()) } else { Ok(resource.into()) }
    }

    /// What is wrong with an id whatever there is in the store.
    fn resolve_shape(&self, id: &Id) -> Result<(), Refused> {
        let text = self.text(id);
        match self.resolve(&text) {
            // A complete ARN of this place may be anybody's.
            Err((ErrorKind::NotFound, _)) if text.starts_with(PREFIX) => Ok(()),
            result => result.map(|_| ()),
        }
    }

    fn existing(&self, id: &Id) -> Result<(String, Secret), Refused> {
        let name = self.resolve(&self.text(id))?;
        let secret = self.secrets.get(&name).cloned().ok_or_else(not_found)?;
        Ok((name, secret))
    }

    fn live(&self, id: &Id) -> Result<(String, Secret), Refused> {
        let (name, secret) = self.existing(id)?;
        if secret.deleted.is_some() {
            return refuse(
                ErrorKind::MarkedForDeletion,
                "You can't perform this operation on the secret because it was marked for deletion.",
            );
        }
        Ok((name, secret))
    }

    fn may_change(&self, secret: &Secret, service: bool) -> Result<(), Refused> {
        match (secret.owned, service) {
            (true, false) => refuse(
                ErrorKind::InvalidRequest,
                "You can't perform this operation on the secret because it is managed by a service. To change it, use svc.",
            ),
            (false, true) => {
                refuse(ErrorKind::AccessDenied, "svc may change only the secrets that it manages")
            }
            _ => Ok(()),
        }
    }

    /// A call of the key service; what goes wrong is told in Secrets Manager's words.
    fn kms(&mut self, key: Key, writing: bool) -> Result<(), Refused> {
        let closed = || {
            if writing {
                (ErrorKind::EncryptionFailure, "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.".to_owned())
            } else {
                (
                    ErrorKind::DecryptionFailure,
                    "Secrets Manager can't decrypt the protected secret text using the provided KMS key."
                        .to_owned(),
                )
            }
        };
        match self.fault.take() {
            Some(Kms::AccessDenied) => {
                return refuse(ErrorKind::AccessDenied, "Access to KMS is not allowed");
            }
            Some(Kms::Throttled) => return refuse(ErrorKind::Throttled, "the key service failed"),
            Some(Kms::DependencyTimeout) => return refuse(ErrorKind::Internal, "the key service failed"),
            Some(_) => return Err(closed()),
            None => {}
        }
        match key {
            Key::Managed => Ok(()),
            Key::Customer(n) if self.disabled.contains(&n) => Err(closed()),
            Key::Customer(_) => Ok(()),
            Key::Unknown => refuse(
                ErrorKind::InvalidParameter,
                "The operation failed because of an invalid KMS key: Alias arn:aws:kms:us-east-1:000000000000:alias/nobody is not found.",
            ),
        }
    }

    /// Takes over when a version was last read: notes may have been lost, but none was made up.
    pub(crate) fn forget_reads(
        &mut self,
        name: &str,
        secret: Option<i64>,
        versions: &[(String, Option<i64>)],
    ) {
        let known = self.secrets.get_mut(name).expect("the engine lists what the model has");
        assert!(secret <= known.accessed, "{name} was read on {secret:?}, not on {:?}", known.accessed);
        known.accessed = secret;
        for (id, accessed) in versions {
            let (_, version) = known.versions.iter_mut().find(|(known, _)| known == id).expect("a version");
            assert!(*accessed <= version.accessed, "{name} {id}: {accessed:?}");
            version.accessed = *accessed;
        }
    }

    /// Secrets whose time is over go.
    pub(crate) fn maintain(&mut self) {
        let now = self.now;
        self.secrets.retain(|_, secret| secret.deleted.is_none_or(|date| date > now));
    }

    pub(crate) fn step(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Create { name, token, description, key, value, tags, service } => {
                self.create(name, *token, *description, *key, value.as_ref(), tags, *service)
            }
            Step::Put { id, token, value, stages, service } => {
                self.put(id, *token, value, stages.as_deref(), *service)
            }
            Step::Update { id, token, description, key, value, service } => {
                self.update(id, *token, *description, *key, value.as_ref(), *service)
            }
            Step::Get { id, version, stage } => self.get(&self.text(id), *version, stage.as_deref()),
            Step::Batch { ids } => {
                if ids.is_empty() {
                    return refuse(
                        ErrorKind::InvalidParameter,
                        "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
                    );
                }
                let texts: Vec<String> = ids.iter().map(|id| self.text(id)).collect();
                if texts.iter().any(String::is_empty) {
                    return violated();
                }
                self.batch(&texts)
            }
            Step::BatchMatching { key, values } => {
                let mut all = Vec::new();
                // No order is promised; by name is what the provided batch does where names are asked for.
                let by = if *key == FilterKey::Name && !values.iter().any(|value| value.starts_with('!')) {
                    SortBy::Name
                } else {
                    SortBy::CreatedDate
                };
                let list = Step::List {
                    filters: vec![(*key, values.clone())],
                    by,
                    order: SortOrder::Ascending,
                    deleted: false,
                    page: 100,
                };
                self.step(&list)?;
                for name in self.listed(&[(*key, values.clone())], by, false) {
                    all.push(self.secrets[&name].arn(&name));
                }
                self.batch(&all)
            }
            Step::Describe { id } => self.existing(id).map(|(name, secret)| secret.describe(&name)),
            Step::Versions { id, deprecated, page } => self.versions(id, *deprecated, *page),
            Step::List { filters, by, order, deleted, page } => {
                if !(1..=100).contains(page) {
                    // Told together with the filters' violations, unless one has no values at all.
                    if let Some((key, _)) = filters.iter().find(|(_, values)| values.is_empty()) {
                        return reads::no_values(*key);
                    }
                    return violated();
                }
                if let Some((key, _)) = filters.iter().find(|(_, values)| values.is_empty()) {
                    return reads::no_values(*key);
                }
                let mut names = self.listed(filters, *by, *deleted);
                if *order == SortOrder::Descending {
                    names.reverse();
                }
                let lines: Vec<String> = names.iter().map(|name| self.secrets[name].describe(name)).collect();
                Ok(lines.join("\n"))
            }
            Step::Move { id, stage, from, to, service } => {
                let (from, to) = (from.map(token), to.map(token));
                self.move_stage(id, stage, from, to, *service)
            }
            Step::MoveFromHolder { id, stage, to } => {
                let from = self.holder(id, stage);
                self.move_stage(id, stage, from, Some(token(*to)), false)
            }
            Step::Delete { id, days, force, service } => self.delete(id, *days, *force, *service),
            Step::Restore { id } => {
                let (name, mut secret) = self.existing(id)?;
                self.may_change(&secret, false)?;
                if secret.deleted.is_some() {
                    if self.wrong != Wrong::RestoreForgets {
                        (secret.deleted, secret.marked) = (None, None);
                    }
                    secret.touch(self.now);
                }
                Ok(self.keep(name, secret))
            }
            Step::Tag { id, tags } => {
                if self.text(id).is_empty() {
                    return violated();
                }
                if tags.iter().any(|(key, _)| key.is_empty()) {
                    return violated();
                }
                self.resolve_shape(id)?;
                Self::check_tags(tags)?;
                let (name, mut secret) = self.live(id)?;
                for (key, value) in tags {
                    let list = secret.tags.get_or_insert_default();
                    match list.iter_mut().find(|(known, _)| known == key) {
                        Some((_, old)) => *old = (*value).into(),
                        None => list.push(((*key).into(), (*value).into())),
                    }
                }
                secret.touch(self.now);
                self.keep(name, secret);
                Ok(String::new())
            }
            Step::Untag { id, keys } => {
                if self.text(id).is_empty() || keys.contains(&"") {
                    return violated();
                }
                let (name, mut secret) = self.live(id)?;
                if let Some(tags) = &mut secret.tags {
                    tags.retain(|(key, _)| !keys.contains(&key.as_str()));
                }
                secret.touch(self.now);
                self.keep(name, secret);
                Ok(String::new())
            }
            Step::PutPolicy { id, policy, block } => {
                self.resolve_shape(id)?;
                if *policy == 2 {
                    return refuse(
                        ErrorKind::MalformedPolicy,
                        "This resource policy contains a syntax error.",
                    );
                }
                let (name, mut secret) = self.live(id)?;
                if *policy == 1 && *block {
                    return refuse(
                        ErrorKind::PublicPolicy,
                        "You can't attach a resource-based policy that allows broad access to the secret.",
                    );
                }
                secret.policy = Some(POLICIES[*policy].into());
                secret.touch(self.now);
                Ok(self.keep(name, secret))
            }
            Step::Policy { id } => {
                let (name, secret) = self.live(id)?;
                Ok(format!("{} {name} {:?}", secret.arn(&name), secret.policy))
            }
            Step::DeletePolicy { id } => {
                let (name, mut secret) = self.live(id)?;
                secret.policy = None;
                secret.touch(self.now);
                Ok(self.keep(name, secret))
            }
            Step::Crash => Ok(String::new()),
            Step::Pass { millis } => {
                self.now += i64::try_from(*millis).unwrap();
                Ok(String::new())
            }
            Step::Maintain | Step::Reopen => {
                self.maintain();
                Ok(String::new())
            }
            Step::Fault(kind) => {
                self.fault = Some(*kind);
                Ok(String::new())
            }
            Step::Disable(key) => {
                self.disabled.insert(*key);
                Ok(String::new())
            }
            Step::Enable(key) => {
                self.disabled.remove(key);
                Ok(String::new())
            }
        }
    }

    fn keep(&mut self, name: String, secret: Secret) -> String {
        let line = format!("{} {name}", secret.arn(&name));
        self.secrets.insert(name, secret);
        line
    }

    /// Who has a label of a secret, if both exist.
    pub(crate) fn holder(&self, id: &Id, stage: &str) -> Option<String> {
        self.existing(id).ok().and_then(|(_, secret)| secret.labels.get(stage).cloned())
    }
}
