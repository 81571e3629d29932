//! What a request says beyond caller, key and operation.

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{CreateGrant, KeyRef};
use strongroom_policy::Context;

/// What a request says beyond caller, key and operation, as far as policies and grants look at it.
#[derive(Default)]
pub(crate) struct RequestFacts<'a> {
    pub(crate) context: Option<&'a EncryptionContext>,
    /// How the key was named.
    pub(crate) reference: Option<&'a KeyRef>,
    pub(crate) tokens: &'a [String],
    /// The grant to be made.
    pub(crate) grant: Option<&'a CreateGrant>,
    pub(crate) facts: Context,
}

impl<'a> RequestFacts<'a> {
    /// Nothing beyond.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// Under this encryption context.
    pub(crate) fn context(mut self, context: &'a EncryptionContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Of a key named so.
    pub(crate) fn of(mut self, reference: &'a KeyRef) -> Self {
        self.reference = Some(reference);
        self
    }

    pub(crate) fn tokens(mut self, tokens: &'a [String]) -> Self {
        self.tokens = tokens;
        self
    }

    pub(crate) fn grant(mut self, grant: &'a CreateGrant) -> Self {
        self.grant = Some(grant);
        self.tokens = &grant.grant_tokens;
        self
    }

    /// With a condition key of several values.
    pub(crate) fn with_many<T: Into<String>>(
        mut self,
        key: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.facts.set_many(key, values);
        self
    }

    /// With a condition key of its own.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.facts.set_first(key, value);
        self
    }
}
