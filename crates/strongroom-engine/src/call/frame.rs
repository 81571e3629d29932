//! One call, as the engine runs it.

use strongroom_policy::Call as Frame;
use strongroom_store::{Error, ErrorKind, Operation};
use strongroom_types::{CallContext, Timestamp};

use crate::call::key_step::KeyStep;
use crate::call::needs::{Needs, needs};
use crate::call::parameters::Parameters;

/// A call from beginning to end: its frame, and what it needs.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Context, operation, resource, condition keys and start; what audit will see.
    pub(crate) frame: Frame<'a, Operation>,
    pub(crate) parameters: Parameters<'a>,
    pub(crate) needs: Needs,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        cx: &'a CallContext,
        operation: Operation,
        resource: Option<&'a str>,
        parameters: Parameters<'a>,
        started: Timestamp,
    ) -> Self {
        let mut needs = needs(operation, &parameters);
        let mut frame = Frame::new(cx, operation, started).with_facts(std::mem::take(&mut needs.facts));
        frame.resource = resource;
        Self { frame, parameters, needs }
    }

    /// Who calls.
    pub(crate) fn cx(&self) -> &'a CallContext {
        self.frame.cx
    }

    pub(crate) fn operation(&self) -> Operation {
        self.frame.operation
    }

    /// The same call with one more condition key.
    pub(crate) fn with_fact(&self, key: &str, value: &str) -> Self {
        let mut frame = self.frame.clone();
        frame.facts.set(key, value);
        Self { frame, parameters: self.parameters, needs: needs(self.frame.operation, &self.parameters) }
    }

    /// Refuses what the operation is not known to do with keys: an explanation would not mention
    /// it.
    pub(crate) fn check_step(&self, step: KeyStep) -> Result<(), Error> {
        if self.needs.allows(step) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Internal, "the operation uses a key in a way that its needs do not list"))
    }
}
