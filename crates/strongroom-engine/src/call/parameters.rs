//! What of a request bears on permission.

use strongroom_policy::Context;
use strongroom_store::{
    CreateSecret, DeleteSecret, GetSecretValue, PutResourcePolicy, PutSecretValue, Stage, Tag, UpdateSecret,
    UpdateSecretVersionStage, ValidateResourcePolicy, VersionId,
};

/// The parameters of a request that decide which permissions, keys and condition keys it involves.
/// The default is a request with nothing in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parameters<'a> {
    /// The name of a secret that is to be made.
    pub(crate) name: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    /// The key that the secret is to have, as it was given; may be empty.
    pub(crate) key: Option<&'a str>,
    pub(crate) tags: &'a [Tag],
    pub(crate) tag_keys: &'a [String],
    pub(crate) version: Option<&'a VersionId>,
    pub(crate) stage: Option<&'a Stage>,
    pub(crate) force: bool,
    pub(crate) window: Option<i64>,
    pub(crate) block_public_policy: bool,
    /// Whether it brings a value.
    pub(crate) value: bool,
    /// Whether it names a secret, where it need not.
    pub(crate) names_secret: bool,
    /// Whether it selects secrets by filters.
    pub(crate) filters: bool,
}

impl Parameters<'_> {
    /// The condition keys that mirror the request. A parameter that was not given sets none.
    pub(crate) fn facts(&self) -> Context {
        let mut facts = Context::new();
        let mut set = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                facts.set(key, value);
            }
        };
        set("secretsmanager:Name", self.name);
        set("secretsmanager:Description", self.description);
        set("secretsmanager:VersionId", self.version.map(VersionId::as_str));
        set("secretsmanager:VersionStage", self.stage.map(Stage::as_str));
        set("secretsmanager:ForceDeleteWithoutRecovery", self.force.then_some("true"));
        set("secretsmanager:BlockPublicPolicy", self.block_public_policy.then_some("true"));
        if let Some(days) = self.window {
            facts.set("secretsmanager:RecoveryWindowInDays", days.to_string());
        }
        for tag in self.tags {
            facts.set_first(format!("aws:RequestTag/{}", tag.key), &tag.value);
        }
        let tags = self.tags.iter().map(|tag| tag.key.as_str());
        let keys: Vec<&str> = tags.chain(self.tag_keys.iter().map(String::as_str)).collect();
        if !keys.is_empty() {
            facts.set_many("aws:TagKeys", keys);
        }
        facts
    }
}

impl<'a> From<&'a CreateSecret> for Parameters<'a> {
    fn from(request: &'a CreateSecret) -> Self {
        Self {
            name: Some(&request.name),
            description: request.description.as_deref(),
            key: request.kms_key_id.as_deref(),
            tags: &request.tags,
            value: request.value.is_some(),
            ..Self::default()
        }
    }
}

impl<'a> From<&'a GetSecretValue> for Parameters<'a> {
    fn from(request: &'a GetSecretValue) -> Self {
        Self { version: request.version_id.as_ref(), stage: request.stage.as_ref(), ..Self::default() }
    }
}

impl<'a> From<&'a PutSecretValue> for Parameters<'a> {
    fn from(_: &'a PutSecretValue) -> Self {
        Self { value: true, ..Self::default() }
    }
}

impl<'a> From<&'a UpdateSecret> for Parameters<'a> {
    fn from(request: &'a UpdateSecret) -> Self {
        Self {
            description: request.description.as_deref(),
            key: request.kms_key_id.as_deref(),
            value: request.value.is_some(),
            ..Self::default()
        }
    }
}

impl<'a> From<&'a UpdateSecretVersionStage> for Parameters<'a> {
    fn from(request: &'a UpdateSecretVersionStage) -> Self {
        Self { stage: Some(&request.stage), ..Self::default() }
    }
}

impl<'a> From<&'a DeleteSecret> for Parameters<'a> {
    fn from(request: &'a DeleteSecret) -> Self {
        Self { force: request.force, window: request.recovery_window_days, ..Self::default() }
    }
}

impl<'a> From<&'a PutResourcePolicy> for Parameters<'a> {
    fn from(request: &'a PutResourcePolicy) -> Self {
        Self { block_public_policy: request.block_public_policy, ..Self::default() }
    }
}

impl<'a> From<&'a ValidateResourcePolicy> for Parameters<'a> {
    fn from(request: &'a ValidateResourcePolicy) -> Self {
        Self { names_secret: request.id.is_some(), ..Self::default() }
    }
}

impl<'a> From<&'a [Tag]> for Parameters<'a> {
    fn from(tags: &'a [Tag]) -> Self {
        Self { tags, ..Self::default() }
    }
}

impl<'a> From<&'a [String]> for Parameters<'a> {
    fn from(tag_keys: &'a [String]) -> Self {
        Self { tag_keys, ..Self::default() }
    }
}
