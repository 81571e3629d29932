//! What reads answer.

use super::*;

impl Model {
    pub(super) fn get(&mut self, text: &str, version: Option<u8>, stage: Option<&str>) -> Outcome {
        if text.is_empty() || version == Some(0) || stage == Some("") {
            return violated();
        }
        let name = self.resolve(text)?;
        let secret = self.secrets.get(&name).cloned().ok_or_else(not_found)?;
        if secret.deleted.is_some() {
            return refuse(
                ErrorKind::MarkedForDeletion,
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

    pub(super) fn batch(&mut self, texts: &[String]) -> Outcome {
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

    pub(super) fn versions(&self, id: &Id, deprecated: bool, page: i64) -> Outcome {
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
    pub(super) fn listed(
        &self,
        filters: &[(FilterKey, Vec<&'static str>)],
        by: SortBy,
        deleted: bool,
    ) -> Vec<String> {
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
}

pub(super) fn no_values<T>(key: FilterKey) -> Result<T, Refused> {
    refuse(ErrorKind::InvalidParameter, format!("Invalid filter values for key: {key}"))
}

/// The match rules of the specification, one sentence each.
pub(super) fn shows((key, values): &(FilterKey, Vec<&'static str>), name: &str, secret: &Secret) -> bool {
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
pub(super) fn has_words(text: &str, value: &str) -> bool {
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
