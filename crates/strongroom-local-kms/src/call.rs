//! One call of one operation of the key service.

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{CreateGrant, Error, ErrorKind, KeyRef, Operation};
use strongroom_policy::Call;
use strongroom_types::{CallContext, Timestamp};

use crate::needs::{Permission, Role, needs};

/// A call, with what policies and grants of keys look at beside its frame.
#[derive(Debug)]
pub(crate) struct KeyCall<'a> {
    frame: Call<'a, Operation>,
    /// The encryption context.
    pub(crate) context: Option<&'a EncryptionContext>,
    /// How the key was named.
    pub(crate) reference: Option<&'a KeyRef>,
    /// The grant tokens.
    pub(crate) tokens: &'a [String],
    /// The grant to be made.
    pub(crate) grant: Option<&'a CreateGrant>,
}

impl<'a> KeyCall<'a> {
    pub(crate) fn new(cx: &'a CallContext, operation: Operation, started: Timestamp) -> Self {
        let frame = Call::new(cx, operation, started);
        Self { frame, context: None, reference: None, tokens: &[], grant: None }
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

    /// With a condition key of one value.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.frame.facts.set_first(key, value);
        self
    }

    /// With a condition key of several values.
    pub(crate) fn with_many<T: Into<String>>(
        mut self,
        key: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.frame.facts.set_many(key, values);
        self
    }

    /// With condition keys.
    pub(crate) fn with_facts(mut self, facts: strongroom_policy::Context) -> Self {
        self.frame = self.frame.with_facts(facts);
        self
    }

    pub(crate) fn cx(&self) -> &'a CallContext {
        self.frame.cx
    }

    pub(crate) fn operation(&self) -> Operation {
        self.frame.operation
    }

    pub(crate) fn facts(&self) -> &strongroom_policy::Context {
        &self.frame.facts
    }

    /// The permission that the operation needs on the resource of this role. An operation that asks
    /// for one it does not declare fails: nothing is allowed by omission.
    pub(crate) fn needs(&self, role: Role) -> Result<&'static Permission, Error> {
        let needed = needs(self.operation()).iter().find(|need| need.role == role);
        needed.map(|need| &need.permission).ok_or_else(|| {
            let text = format!("{} declares no permission on its {role:?}", self.operation());
            Error::new(ErrorKind::Internal, text)
        })
    }

    /// That the caller still waits for an answer.
    pub(crate) fn check_deadline(&self) -> Result<(), Error> {
        if self.frame.is_late(self.frame.started) {
            return Err(Error::new(ErrorKind::DependencyTimeout, "the call's deadline has passed"));
        }
        Ok(())
    }
}
