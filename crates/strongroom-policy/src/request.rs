//! The operation.

use crate::circumstance::Circumstances;
use crate::{Context, Principal};

/// A request: principal, action, resource and condition keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    principal: Principal,
    action: String,
    /// In lower case.
    folded: String,
    resource: String,
    resource_account: Option<String>,
    context: Context,
    circumstances: Circumstances,
    time_open: bool,
}

impl Request {
    /// A request for an action (`kms:Decrypt`) on a resource by its ARN, or on `*` if the action
    /// has no resource. The resource belongs to the account in its ARN, `*` to the principal's own.
    /// The condition keys of the principal (such as `aws:PrincipalArn`) are set.
    #[must_use]
    pub fn new(principal: Principal, action: impl Into<String>, resource: impl Into<String>) -> Self {
        let (action, resource) = (action.into(), resource.into());
        let mut context = Context::new();
        principal.describe(&mut context);
        let account = resource.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned);
        let resource_account = account.or_else(|| principal.account().map(str::to_owned));
        if let Some(account) = &resource_account {
            context.set("aws:ResourceAccount", account);
        }
        let folded = action.to_lowercase();
        let circumstances = Circumstances::AsSaid;
        Self {
            principal,
            action,
            folded,
            resource,
            resource_account,
            context,
            circumstances,
            time_open: false,
        }
    }

    /// Sets a single-valued condition key: see [`Context::with`].
    #[must_use]
    pub fn with(mut self, key: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.context.set(key, value);
        self
    }

    /// Sets a multivalued condition key.
    #[must_use]
    pub fn with_many<T: Into<String>>(
        mut self,
        key: impl AsRef<str>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.context.set_many(key, values);
        self
    }

    /// Sets the account of the resource, if its ARN does not name it.
    #[must_use]
    pub fn resource_account(mut self, account: impl Into<String>) -> Self {
        let account = account.into();
        self.context.set("aws:ResourceAccount", &account);
        self.resource_account = Some(account);
        self
    }

    /// The principal.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The action.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The resource.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The condition keys.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The condition keys, mutable.
    pub fn context_mut(&mut self) -> &mut Context {
        &mut self.context
    }

    /// The request with unknown circumstances evaluated in its favour, or against it.
    pub(crate) fn taken(&self, circumstances: Circumstances) -> Self {
        Self { circumstances, ..self.clone() }
    }

    /// The request without its time, which is then open.
    pub(crate) fn at_any_time(&self) -> Self {
        Self { time_open: true, ..self.clone() }
    }

    pub(crate) fn is_time_open(&self) -> bool {
        self.time_open
    }

    pub(crate) fn circumstances(&self) -> Circumstances {
        self.circumstances
    }

    pub(crate) fn folded_action(&self) -> &str {
        &self.folded
    }

    /// Whether principal and resource belong to one account.
    pub(crate) fn is_within_account(&self) -> bool {
        self.principal.account().is_some() && self.principal.account() == self.resource_account.as_deref()
    }
}
