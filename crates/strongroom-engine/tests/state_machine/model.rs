//! What the engine should do, as plainly as the specification says it: everything in maps, nothing clever.

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
            self.deleted,
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
                ErrorKind::InvalidRequest,
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
                "Alias arn:aws:kms:us-east-1:000000000000:alias/nobody is not found.",
            ),
        }
    }

    fn check_value(value: &Value) -> Result<(), Refused> {
        if value.content.is_empty() { violated() } else { Ok(()) }
    }

    fn check_token(token: u8) -> Result<(), Refused> {
        if token == 0 {
            return refuse(ErrorKind::InvalidParameter, "ClientRequestToken must be 32-64 characters long.");
        }
        Ok(())
    }

    fn check_tags(tags: &Tags) -> Result<(), Refused> {
        if tags.iter().any(|(key, _)| key.is_empty()) {
            return violated();
        }
        for (index, (key, _)) in tags.iter().enumerate() {
            if tags[..index].iter().any(|(earlier, _)| earlier == key) {
                return refuse(
                    ErrorKind::InvalidParameter,
                    format!("Tag keys must be unique. Duplicate key: {key}"),
                );
            }
            if key.starts_with("aws:") {
                return refuse(
                    ErrorKind::InvalidParameter,
                    format!("Tag keys that begin with aws: are reserved. Reserved key: {key}"),
                );
            }
        }
        Ok(())
    }

    /// Whether the token is a version's already, with this value.
    fn repeat(&mut self, name: &str, secret: &Secret, token: &str, value: &Value) -> Result<bool, Refused> {
        let Some(version) = secret.version(token) else { return Ok(false) };
        self.kms(version.key, false)?;
        if version.value == *value {
            return Ok(self.wrong != Wrong::RepeatStores);
        }
        refuse(
            ErrorKind::Exists,
            format!(
                "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {}.",
                secret.arn(name)
            ),
        )
    }

    /// A new version with its labels.
    fn store(
        &mut self,
        secret: &mut Secret,
        token: &str,
        value: &Value,
        stages: Option<&[String]>,
    ) -> Result<(), Refused> {
        let named = stages.unwrap_or_default();
        let promote = stages.is_none()
            || named.iter().any(|label| label == "AWSCURRENT")
            || !secret.labels.contains_key("AWSCURRENT");
        if promote {
            secret.move_current(token, self.wrong);
            if self.wrong != Wrong::PendingSurvives
                && secret.labels.get("AWSPENDING").is_some_and(|holder| holder != token)
            {
                secret.labels.remove("AWSPENDING");
            }
        }
        for label in named.iter().filter(|label| *label != "AWSCURRENT") {
            secret.labels.insert(label.clone(), token.into());
        }
        if secret.labels.len() > MAX_LABELS {
            return refuse(ErrorKind::LimitExceeded, "A secret can have at most 20 staging labels.");
        }
        self.kms(secret.key, true)?;
        if secret.versions.len() >= MAX_VERSIONS {
            let old = secret.versions.iter().position(|(id, version)| {
                !secret.labels.values().any(|holder| holder == id)
                    && (version.created <= self.now - DAY || self.wrong == Wrong::PrunesYoung)
            });
            match old {
                Some(old) => drop(secret.versions.remove(old)),
                None => {
                    return refuse(
                        ErrorKind::LimitExceeded,
                        format!("A secret can have at most about {MAX_VERSIONS} versions."),
                    );
                }
            }
        }
        let last = secret.versions.last().map_or(i64::MIN, |(_, version)| version.created + 1);
        let version =
            Version { value: value.clone(), key: secret.key, created: self.now.max(last), accessed: None };
        secret.versions.push((token.into(), version));
        Ok(())
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
                        return no_values(*key);
                    }
                    return violated();
                }
                if let Some((key, _)) = filters.iter().find(|(_, values)| values.is_empty()) {
                    return no_values(*key);
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
                        secret.deleted = None;
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

    #[allow(clippy::too_many_arguments, reason = "the members of a request")]
    fn create(
        &mut self,
        name: &str,
        token_number: u8,
        description: Option<&str>,
        key: Option<Key>,
        value: Option<&Value>,
        tags: &Tags,
        service: bool,
    ) -> Outcome {
        let shaped = !name.is_empty()
            && tags.iter().all(|(key, _)| !key.is_empty())
            && value.is_none_or(|value| !value.content.is_empty());
        if !shaped {
            return violated();
        }
        let allowed = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-/_+=.@".contains(c))
        };
        if service {
            match name.strip_prefix("svc!") {
                Some(rest) if allowed(rest) => {}
                Some(_) => return violated(),
                None => {
                    return refuse(
                        ErrorKind::InvalidParameter,
                        "the secrets that svc manages have names that begin with svc!",
                    );
                }
            }
        } else if !allowed(name) {
            return violated();
        }
        Self::check_tags(tags)?;
        Self::check_token(token_number)?;
        let token = token(token_number);
        if let Some(secret) = self.secrets.get(name).cloned() {
            match secret.deleted {
                Some(date) if date <= self.now => drop(self.secrets.remove(name)),
                Some(_) => {
                    return refuse(
                        ErrorKind::InvalidRequest,
                        "You can't create this secret because a secret with this name is already scheduled for deletion.",
                    );
                }
                None => {
                    if let Some(value) = value
                        && self.repeat(name, &secret, &token, value)?
                    {
                        return Ok(format!("{} {name} {:?}", secret.arn(name), Some(token)));
                    }
                    return refuse(
                        ErrorKind::Exists,
                        format!("The operation failed because the secret {name} already exists."),
                    );
                }
            }
        }
        let mut secret = Secret {
            suffix: String::new(),
            description: description.map(Into::into),
            key: key.unwrap_or(Key::Managed),
            tags: (!tags.is_empty())
                .then(|| tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()),
            policy: None,
            owned: service,
            created: self.now,
            changed: self.now,
            accessed: None,
            deleted: None,
            versions: Vec::new(),
            labels: BTreeMap::new(),
        };
        if secret.key != Key::Managed {
            self.kms(secret.key, true)?;
        }
        if let Some(value) = value {
            self.store(&mut secret, &token, value, None)?;
        }
        self.secrets.insert(name.into(), secret);
        Ok(format!("{PREFIX}{name}-?????? {name} {:?}", value.map(|_| token)))
    }

    fn put(
        &mut self,
        id: &Id,
        token_number: u8,
        value: &Value,
        stages: Option<&[String]>,
        service: bool,
    ) -> Outcome {
        let shaped = |stages: &[String]| {
            (1..=MAX_LABELS).contains(&stages.len()) && stages.iter().all(|stage| !stage.is_empty())
        };
        if self.text(id).is_empty() || stages.is_some_and(|stages| !shaped(stages)) {
            return violated();
        }
        Self::check_value(value)?;
        self.resolve_shape(id)?;
        Self::check_token(token_number)?;
        let token = token(token_number);
        let (name, mut secret) = self.live(id)?;
        self.may_change(&secret, service)?;
        if !self.repeat(&name, &secret, &token, value)? {
            self.store(&mut secret, &token, value, stages)?;
            secret.touch(self.now);
        }
        let line = format!("{} {name} {token} {:?}", secret.arn(&name), secret.stages(&token));
        self.secrets.insert(name, secret);
        Ok(line)
    }

    fn update(
        &mut self,
        id: &Id,
        token_number: u8,
        description: Option<&str>,
        key: Option<Key>,
        value: Option<&Value>,
        service: bool,
    ) -> Outcome {
        if self.text(id).is_empty() || value.is_some_and(|value| value.content.is_empty()) {
            return violated();
        }
        self.resolve_shape(id)?;
        Self::check_token(token_number)?;
        let token = token(token_number);
        let (name, mut secret) = self.live(id)?;
        self.may_change(&secret, service)?;
        let line = format!("{} {name} {:?}", secret.arn(&name), value.map(|_| &token));
        if let Some(value) = value
            && self.repeat(&name, &secret, &token, value)?
        {
            return Ok(line);
        }
        if let Some(description) = description {
            secret.description = Some(description.into());
        }
        if let Some(key) = key.filter(|key| *key != secret.key) {
            self.kms(key, true)?;
            secret.key = key;
            for index in 0..secret.versions.len() {
                let (id, version) = secret.versions[index].clone();
                if secret.is_staged(&id) && self.wrong != Wrong::KeyChangeForgets {
                    self.kms(version.key, false)?;
                    self.kms(key, true)?;
                    secret.versions[index].1.key = key;
                }
            }
        }
        if let Some(value) = value {
            self.store(&mut secret, &token, value, None)?;
        }
        if value.is_some() || self.wrong != Wrong::ChangeStands {
            secret.touch(self.now);
        }
        self.secrets.insert(name, secret);
        Ok(line)
    }

    fn get(&mut self, text: &str, version: Option<u8>, stage: Option<&str>) -> Outcome {
        if text.is_empty() || version == Some(0) || stage == Some("") {
            return violated();
        }
        let name = self.resolve(text)?;
        let secret = self.secrets.get(&name).cloned().ok_or_else(not_found)?;
        if secret.deleted.is_some() {
            return refuse(
                ErrorKind::InvalidRequest,
                "You can't perform this operation on the secret because it was marked for deletion.",
            );
        }
        let id = match version.map(token) {
            None => {
                let stage = stage.unwrap_or("AWSCURRENT");
                secret.labels.get(stage).cloned().ok_or_else(|| {
                    (
                        ErrorKind::NotFound,
                        format!(
                            "Secrets Manager can't find the specified secret value for staging label: {stage}"
                        ),
                    )
                })?
            }
            Some(id) => {
                if secret.version(&id).is_none() {
                    return refuse(
                        ErrorKind::NotFound,
                        format!("Secrets Manager can't find the specified secret value for VersionId: {id}"),
                    );
                }
                if stage.is_some_and(|stage| secret.labels.get(stage) != Some(&id)) {
                    return refuse(
                        ErrorKind::InvalidRequest,
                        "You provided a VersionStage that is not associated to the provided VersionId.",
                    );
                }
                id
            }
        };
        let found = secret.version(&id).unwrap().clone();
        self.kms(found.key, false)?;
        let today = self.now - self.now.rem_euclid(DAY);
        let known = self.secrets.get_mut(&name).unwrap();
        known.accessed = known.accessed.max(Some(today));
        for (known, version) in &mut known.versions {
            if *known == id {
                version.accessed = Some(today);
            }
        }
        Ok(format!(
            "{} {name} {id} {:?} {:?} {}",
            secret.arn(&name),
            found.value,
            secret.stages(&id),
            found.created
        ))
    }

    fn batch(&mut self, texts: &[String]) -> Outcome {
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for text in texts {
            match self.get(text, None, None) {
                Ok(line) => values.push(line),
                Err((ErrorKind::Validation, _)) => errors.push(format!("{text} Validation")),
                Err((kind, message)) => errors.push(format!("{text} {kind:?} {message}")),
            }
        }
        Ok(format!("{values:?} {errors:?}"))
    }

    fn versions(&self, id: &Id, deprecated: bool, page: i64) -> Outcome {
        if self.text(id).is_empty() || !(1..=100).contains(&page) {
            return violated();
        }
        let (name, secret) = self.existing(id)?;
        let mut lines = vec![format!("{} {name}", secret.arn(&name))];
        for (id, version) in &secret.versions {
            let stages = secret.stages(id);
            if deprecated || !stages.is_empty() {
                lines.push(format!(
                    "{id} {stages:?} created {} accessed {:?} key {:?}",
                    version.created, version.accessed, version.key
                ));
            }
        }
        Ok(lines.join("\n"))
    }

    /// The names of the secrets that a listing shows, ascending.
    fn listed(&self, filters: &[(FilterKey, Vec<&'static str>)], by: SortBy, deleted: bool) -> Vec<String> {
        let mut found: Vec<(&String, &Secret)> = self
            .secrets
            .iter()
            .filter(|(_, secret)| deleted || secret.deleted.is_none())
            .filter(|(name, secret)| filters.iter().all(|filter| shows(filter, name, secret)))
            .collect();
        found.sort_by_key(|(name, secret)| {
            let first = match by {
                SortBy::CreatedDate => Some(secret.created),
                SortBy::LastChangedDate => Some(secret.changed),
                SortBy::LastAccessedDate => secret.accessed,
                _ => None,
            };
            (first, (*name).clone())
        });
        found.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// Who has a label of a secret, if both exist.
    pub(crate) fn holder(&self, id: &Id, stage: &str) -> Option<String> {
        self.existing(id).ok().and_then(|(_, secret)| secret.labels.get(stage).cloned())
    }

    fn move_stage(
        &mut self,
        id: &Id,
        stage: &str,
        from: Option<String>,
        to: Option<String>,
        service: bool,
    ) -> Outcome {
        let short = |id: &Option<String>| id.as_ref().is_some_and(|id| id.len() < 32);
        if self.text(id).is_empty() || stage.is_empty() || short(&from) || short(&to) {
            return violated();
        }
        let (name, mut secret) = self.live(id)?;
        self.may_change(&secret, service)?;
        let invalid = |text: String| refuse(ErrorKind::InvalidParameter, text);
        for version in from.iter().chain(&to) {
            if secret.version(version).is_none() {
                return invalid(format!("Not a valid version: {version}"));
            }
        }
        let holder = secret.labels.get(stage).cloned();
        let not_holder = format!(
            "When you move staging label {stage}, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label {stage}."
        );
        match (from, to) {
            (None, None) => {
                return invalid("You must specify MoveToVersionId, RemoveFromVersionId or both.".into());
            }
            (Some(from), _) if holder.as_ref() != Some(&from) => return invalid(not_holder),
            (Some(_), None) if stage == "AWSCURRENT" => {
                return invalid("You can only move staging label AWSCURRENT to a different secret version. It can\u{2019}t be completely removed.".into());
            }
            (Some(_), None) => drop(secret.labels.remove(stage)),
            (None, Some(to)) if holder.as_ref().is_some_and(|holder| *holder != to) => {
                return invalid(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
                    holder.unwrap()
                ));
            }
            (_, Some(to)) if stage == "AWSCURRENT" => secret.move_current(&to, self.wrong),
            (_, Some(to)) => drop(secret.labels.insert(stage.into(), to)),
        }
        if secret.labels.len() > MAX_LABELS {
            return refuse(ErrorKind::LimitExceeded, "A secret can have at most 20 staging labels.");
        }
        secret.touch(self.now);
        Ok(self.keep(name, secret))
    }

    fn delete(&mut self, id: &Id, days: Option<i64>, force: bool, service: bool) -> Outcome {
        if self.text(id).is_empty() {
            return violated();
        }
        self.resolve_shape(id)?;
        let invalid = |text: &str| refuse(ErrorKind::InvalidParameter, text);
        if force && days.is_some() {
            return invalid(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            );
        }
        if !(7..=30).contains(&days.unwrap_or(30)) {
            return invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
        }
        let text = self.text(id);
        let found = match self.resolve(&text) {
            Ok(name) => self.secrets.get(&name).cloned().map(|secret| (name, secret)),
            // An ARN of this place that could have been.
            Err((ErrorKind::NotFound, _)) if text.starts_with(PREFIX) => None,
            Err(refused) => return Err(refused),
        };
        let Some((name, mut secret)) = found else {
            return if force { Ok(format!("gone {text} {}", self.now)) } else { Err(not_found()) };
        };
        self.may_change(&secret, service)?;
        if force {
            self.secrets.remove(&name);
            return Ok(format!("{} {name} {}", secret.arn(&name), self.now));
        }
        if secret.deleted.is_some() {
            return refuse(
                ErrorKind::InvalidRequest,
                "You tried to perform the operation on a secret that's currently marked deleted.",
            );
        }
        let date = self.now + days.unwrap_or(30) * DAY;
        secret.deleted = Some(date);
        secret.touch(self.now);
        Ok(format!("{} {date}", self.keep(name, secret)))
    }
}

fn no_values<T>(key: FilterKey) -> Result<T, Refused> {
    refuse(ErrorKind::InvalidParameter, format!("Invalid filter values for key: {key}"))
}

/// The match rules of the specification, one sentence each.
fn shows((key, values): &(FilterKey, Vec<&'static str>), name: &str, secret: &Secret) -> bool {
    let tags = secret.tags.clone().unwrap_or_default();
    let description = secret.description.clone();
    let matches = |value: &str| match key {
        FilterKey::Name => name.starts_with(value),
        FilterKey::TagKey => tags.iter().any(|(key, _)| key.starts_with(value)),
        FilterKey::TagValue => tags.iter().any(|(_, text)| text.starts_with(value)),
        FilterKey::OwningService => secret.owned && "svc".starts_with(value),
        FilterKey::PrimaryRegion => false,
        FilterKey::Description => description.as_deref().is_some_and(|text| has_words(text, value)),
        _ => {
            let mut attributes = vec![name.to_owned()];
            attributes.extend(description.clone());
            attributes.extend(tags.iter().flat_map(|(key, text)| [key.clone(), text.clone()]));
            attributes.iter().any(|text| has_words(text, value))
        }
    };
    values.iter().any(|value| match value.strip_prefix('!') {
        Some(rest) => !matches(rest),
        None => matches(value),
    })
}

/// Every word of the value begins a word of the text. The pools have one word in camel case.
fn has_words(text: &str, value: &str) -> bool {
    let text = text.to_lowercase();
    let separators = |c: char| " /-_+=.@".contains(c);
    let words: Vec<&str> = text.split(separators).collect();
    let mut wanted = value.split(separators).filter(|word| !word.is_empty()).peekable();
    wanted.peek().is_some()
        && wanted.all(|want| {
            words.iter().any(|word| word.starts_with(&want.to_lowercase()))
                || (text.contains("fourfive") && "five".starts_with(&want.to_lowercase()))
        })
}
