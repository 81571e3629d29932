//! The requests of the operations. `new` takes required members, builder methods set optional ones;
//! members that AWS adds later break no caller.

use crate::{Filter, SecretId, SecretValue, Stage, Tag, VersionId};

macro_rules! request {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
    };
}

request!(
    /// CreateSecret.
    CreateSecret {
        /// 1 to 512 characters of `A-Za-z0-9/_+=.@-`.
        name: String,
        /// Makes a repeat safe and becomes the version id: 32 to 64 characters. Made by the store
        /// when absent.
        token: Option<VersionId>,
        /// At most 2,048 characters.
        description: Option<String>,
        /// The key the value is encrypted under; the managed key `alias/aws/secretsmanager` when
        /// absent.
        kms_key_id: Option<String>,
        /// The first value. A secret may begin without one.
        value: Option<SecretValue>,
        /// At most 50.
        tags: Vec<Tag>,
    }
);

impl CreateSecret {
    /// A secret of this name, without a value yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            token: None,
            description: None,
            kms_key_id: None,
            value: None,
            tags: Vec::new(),
        }
    }

    /// Sets the request token.
    #[must_use]
    pub fn token(mut self, token: impl Into<VersionId>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the key.
    #[must_use]
    pub fn kms_key_id(mut self, key: impl Into<String>) -> Self {
        self.kms_key_id = Some(key.into());
        self
    }

    /// Sets the first value.
    #[must_use]
    pub fn value(mut self, value: SecretValue) -> Self {
        self.value = Some(value);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push(Tag::new(key, value));
        self
    }
}

request!(
    /// GetSecretValue. Without version and stage: the current version.
    GetSecretValue {
        /// Which secret.
        id: SecretId,
        /// This version; with a stage too, both must agree.
        version_id: Option<VersionId>,
        /// The version that holds this stage.
        stage: Option<Stage>,
    }
);

impl GetSecretValue {
    /// The current version of this secret.
    #[must_use]
    pub fn new(id: impl Into<SecretId>) -> Self {
        Self { id: id.into(), version_id: None, stage: None }
    }

    /// Asks for a version.
    #[must_use]
    pub fn version_id(mut self, version: impl Into<VersionId>) -> Self {
        self.version_id = Some(version.into());
        self
    }

    /// Asks for a stage.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<Stage>) -> Self {
        self.stage = Some(stage.into());
        self
    }
}

request!(
    /// BatchGetSecretValue: the current values of some secrets, named or found by filters.
    BatchGetSecretValue {
        /// Which secrets: 1 to 20, or none with filters.
        ids: Vec<SecretId>,
        /// Filters, all of which a secret must match.
        filters: Vec<Filter>,
        /// With filters: 1 to 20 a page; 20 when absent.
        max_results: Option<i64>,
        /// With filters: where the previous page ended.
        next_token: Option<String>,
    }
);

impl BatchGetSecretValue {
    /// These secrets, 1 to 20 of them.
    #[must_use]
    pub fn of<I: Into<SecretId>>(ids: impl IntoIterator<Item = I>) -> Self {
        let ids = ids.into_iter().map(Into::into).collect();
        Self { ids, filters: Vec::new(), max_results: None, next_token: None }
    }

    /// The secrets that match this filter and all that are added.
    #[must_use]
    pub fn matching(filter: Filter) -> Self {
        Self { ids: Vec::new(), filters: vec![filter], max_results: None, next_token: None }
    }

    /// Adds a filter that secrets must match too.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// At most this many secrets a page.
    #[must_use]
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.max_results = Some(max_results);
        self
    }

    /// Continues at this token.
    #[must_use]
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.next_token = Some(token.into());
        self
    }
}

request!(
    /// PutResourcePolicy: replaces the existing policy.
    PutResourcePolicy {
        /// Which secret.
        id: SecretId,
        /// The policy document, JSON of 1 to 20,480 characters.
        policy: String,
        /// Refuse a policy that allows broad access.
        block_public_policy: bool,
    }
);

impl PutResourcePolicy {
    /// This policy for this secret.
    #[must_use]
    pub fn new(id: impl Into<SecretId>, policy: impl Into<String>) -> Self {
        Self { id: id.into(), policy: policy.into(), block_public_policy: false }
    }

    /// Refuses the policy if it allows broad access.
    #[must_use]
    pub fn block_public_policy(mut self) -> Self {
        self.block_public_policy = true;
        self
    }
}

request!(
    /// ValidateResourcePolicy: what PutResourcePolicy would say, without putting it.
    ValidateResourcePolicy {
        /// For which secret, if for one.
        id: Option<SecretId>,
        /// The policy document.
        policy: String,
    }
);

impl ValidateResourcePolicy {
    /// This policy, for any secret.
    #[must_use]
    pub fn new(policy: impl Into<String>) -> Self {
        Self { id: None, policy: policy.into() }
    }

    /// For this secret.
    #[must_use]
    pub fn secret(mut self, id: impl Into<SecretId>) -> Self {
        self.id = Some(id.into());
        self
    }
}

request!(
    /// PutSecretValue.
    PutSecretValue {
        /// Which secret.
        id: SecretId,
        /// As in [`CreateSecret`].
        token: Option<VersionId>,
        /// The new value.
        value: SecretValue,
        /// The labels of the new version, 1 to 20; `AWSCURRENT` when absent.
        stages: Option<Vec<Stage>>,
    }
);

impl PutSecretValue {
    /// A new current value for this secret.
    #[must_use]
    pub fn new(id: impl Into<SecretId>, value: SecretValue) -> Self {
        Self { id: id.into(), token: None, value, stages: None }
    }

    /// Sets the request token.
    #[must_use]
    pub fn token(mut self, token: impl Into<VersionId>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Adds a label; with any label named, `AWSCURRENT` must be named too if it is meant.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<Stage>) -> Self {
        self.stages.get_or_insert_default().push(stage.into());
        self
    }
}

request!(
    /// UpdateSecret: what is absent stays as it is.
    UpdateSecret {
        /// Which secret.
        id: SecretId,
        /// As in [`CreateSecret`].
        token: Option<VersionId>,
        /// The new description.
        description: Option<String>,
        /// The new key; `""` is the managed key.
        kms_key_id: Option<String>,
        /// The new value.
        value: Option<SecretValue>,
    }
);

impl UpdateSecret {
    /// Changes nothing yet.
    #[must_use]
    pub fn new(id: impl Into<SecretId>) -> Self {
        Self { id: id.into(), token: None, description: None, kms_key_id: None, value: None }
    }

    /// Sets the request token.
    #[must_use]
    pub fn token(mut self, token: impl Into<VersionId>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the key.
    #[must_use]
    pub fn kms_key_id(mut self, key: impl Into<String>) -> Self {
        self.kms_key_id = Some(key.into());
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: SecretValue) -> Self {
        self.value = Some(value);
        self
    }
}

request!(
    /// UpdateSecretVersionStage.
    UpdateSecretVersionStage {
        /// Which secret.
        id: SecretId,
        /// Which label.
        stage: Stage,
        /// The version that has it now.
        remove_from: Option<VersionId>,
        /// The version that gets it.
        move_to: Option<VersionId>,
    }
);

impl UpdateSecretVersionStage {
    /// Moves this label.
    #[must_use]
    pub fn new(id: impl Into<SecretId>, stage: impl Into<Stage>) -> Self {
        Self { id: id.into(), stage: stage.into(), remove_from: None, move_to: None }
    }

    /// Takes it from this version.
    #[must_use]
    pub fn remove_from(mut self, version: impl Into<VersionId>) -> Self {
        self.remove_from = Some(version.into());
        self
    }

    /// Gives it to this version.
    #[must_use]
    pub fn move_to(mut self, version: impl Into<VersionId>) -> Self {
        self.move_to = Some(version.into());
        self
    }
}

request!(
    /// DeleteSecret.
    DeleteSecret {
        /// Which secret.
        id: SecretId,
        /// 7 to 30 days; 30 when absent.
        recovery_window_days: Option<i64>,
        /// Delete at once; it cannot be restored.
        force: bool,
    }
);

impl DeleteSecret {
    /// In thirty days.
    #[must_use]
    pub fn new(id: impl Into<SecretId>) -> Self {
        Self { id: id.into(), recovery_window_days: None, force: false }
    }

    /// Sets the recovery window, 7 to 30 days.
    #[must_use]
    pub fn recovery_window_days(mut self, days: i64) -> Self {
        self.recovery_window_days = Some(days);
        self
    }

    /// Deletes at once; the secret cannot be restored.
    #[must_use]
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }
}

/// By what a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SortBy {
    /// When the secret was made.
    #[default]
    CreatedDate,
    /// When it was last changed.
    LastChangedDate,
    /// Its name, by bytes.
    Name,
    /// The day on which a value was last read; those never read come first.
    LastAccessedDate,
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SortOrder {
    /// Smallest, oldest first.
    #[default]
    Ascending,
    /// Largest, newest first.
    Descending,
}

request!(
    /// ListSecrets.
    ListSecrets {
        /// 1 to 100; 100 when absent.
        max_results: Option<i64>,
        /// Where the previous page ended.
        next_token: Option<String>,
        /// Only secrets that all of these match; at most 10.
        filters: Vec<Filter>,
        /// Also secrets that are scheduled for deletion.
        include_planned_deletion: bool,
        /// By what.
        sort_by: SortBy,
        /// Which way.
        sort_order: SortOrder,
    }
);

impl ListSecrets {
    /// The first page, oldest secrets first.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_results: None,
            next_token: None,
            filters: Vec::new(),
            include_planned_deletion: false,
            sort_by: SortBy::default(),
            sort_order: SortOrder::default(),
        }
    }

    /// At most this many secrets a page.
    #[must_use]
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.max_results = Some(max_results);
        self
    }

    /// Continues at this token.
    #[must_use]
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.next_token = Some(token.into());
        self
    }

    /// Only secrets that this filter matches, besides those before.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Also secrets that are scheduled for deletion.
    #[must_use]
    pub fn include_planned_deletion(mut self) -> Self {
        self.include_planned_deletion = true;
        self
    }

    /// Sorted by this.
    #[must_use]
    pub fn sort(mut self, by: SortBy, order: SortOrder) -> Self {
        (self.sort_by, self.sort_order) = (by, order);
        self
    }
}

impl Default for ListSecrets {
    fn default() -> Self {
        Self::new()
    }
}

request!(
    /// ListSecretVersionIds.
    ListSecretVersionIds {
        /// Which secret.
        id: SecretId,
        /// 1 to 100; 100 when absent.
        max_results: Option<i64>,
        /// Where the previous page ended.
        next_token: Option<String>,
        /// Also versions without labels.
        include_deprecated: bool,
    }
);

impl ListSecretVersionIds {
    /// The versions with labels.
    #[must_use]
    pub fn new(id: impl Into<SecretId>) -> Self {
        Self { id: id.into(), max_results: None, next_token: None, include_deprecated: false }
    }

    /// At most this many versions a page.
    #[must_use]
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.max_results = Some(max_results);
        self
    }

    /// Continues at this token.
    #[must_use]
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.next_token = Some(token.into());
        self
    }

    /// Also versions without labels.
    #[must_use]
    pub fn include_deprecated(mut self) -> Self {
        self.include_deprecated = true;
        self
    }
}
