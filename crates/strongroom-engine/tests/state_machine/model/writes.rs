//! What writes do.

use super::*;

impl Model {
    pub(super) fn check_value(value: &Value) -> Result<(), Refused> {
        if value.content.is_empty() { violated() } else { Ok(()) }
    }

    pub(super) fn check_token(token: u8) -> Result<(), Refused> {
        if token == 0 {
            return refuse(ErrorKind::InvalidParameter, "ClientRequestToken must be 32-64 characters long.");
        }
        Ok(())
    }

    pub(super) fn check_tags(tags: &Tags) -> Result<(), Refused> {
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
    pub(super) fn repeat(
        &mut self,
        name: &str,
        secret: &Secret,
        token: &str,
        value: &Value,
    ) -> Result<bool, Refused> {
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
    pub(super) fn store(
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

    #[allow(clippy::too_many_arguments, reason = "the members of a request")]
    pub(super) fn create(
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
                        ErrorKind::MarkedForDeletion,
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
        // Later than whatever is there, as long as that is not the work of a clock that was wrong.
        let dates = self.secrets.values().map(|secret| secret.created);
        let last = dates.filter(|date| *date < self.now + 60 * 60 * 1000).max();
        let created = self.now.max(last.map_or(self.now, |last| last + 1));
        let mut secret = Secret {
            suffix: String::new(),
            description: description.filter(|text| !text.is_empty()).map(Into::into),
            key: key.unwrap_or(Key::Managed),
            tags: (!tags.is_empty())
                .then(|| tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()),
            policy: None,
            owned: service,
            created,
            changed: created,
            accessed: None,
            deleted: None,
            marked: None,
            versions: Vec::new(),
            labels: BTreeMap::new(),
        };
        if secret.key != Key::Managed {
            self.kms(secret.key, true)?;
        }
        if let Some(value) = value {
            self.store(&mut secret, &token, value, None)?;
            // The first version is as old as its secret.
            secret.versions[0].1.created = created;
        }
        self.secrets.insert(name.into(), secret);
        Ok(format!("{PREFIX}{name}-?????? {name} {:?}", value.map(|_| token)))
    }

    pub(super) fn put(
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

    pub(super) fn update(
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
            secret.description = Some(description.into()).filter(|text: &String| !text.is_empty());
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

    pub(super) fn move_stage(
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

    pub(super) fn delete(&mut self, id: &Id, days: Option<i64>, force: bool, service: bool) -> Outcome {
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
                ErrorKind::MarkedForDeletion,
                "You tried to perform the operation on a secret that's currently marked deleted.",
            );
        }
        let date = self.now + days.unwrap_or(30) * DAY;
        (secret.deleted, secret.marked) = (Some(date), Some(self.now));
        secret.touch(self.now);
        Ok(format!("{} {date}", self.keep(name, secret)))
    }
}
