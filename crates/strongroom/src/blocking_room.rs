//! The handle, without async.

use std::path::Path;

use pollster::block_on;
use strongroom_iam::AssumeRole;
use strongroom_root::{Report, Upgrade};
use strongroom_store::{AnyStore, SecretId, SecretMetadata, SecretRef, VersionId};
use strongroom_types::{CallContext, Caller, Realm};

use crate::{Builder, Error, Maintained};

/// As [`crate::Strongroom`], without async.
#[derive(Clone, Debug)]
pub struct Strongroom(pub(crate) crate::Strongroom);

impl Strongroom {
    /// As [`crate::Strongroom::builder`]; open what it builds with [`Strongroom::open`].
    #[must_use]
    pub fn builder() -> Builder {
        crate::Strongroom::builder()
    }

    /// As [`Builder::open`].
    ///
    /// # Errors
    /// As [`Builder::open`].
    pub fn open(builder: Builder) -> Result<Self, Error> {
        block_on(builder.open()).map(Self)
    }

    /// As [`crate::Strongroom::over`].
    #[must_use]
    pub fn over(store: impl Into<AnyStore>, realm: Realm) -> Self {
        Self(crate::Strongroom::over(store, realm))
    }

    /// The async handle to the same strongroom.
    #[must_use]
    pub fn as_async(&self) -> &crate::Strongroom {
        &self.0
    }

    /// As [`crate::Strongroom::realm`].
    #[must_use]
    pub fn realm(&self) -> &Realm {
        self.0.realm()
    }

    /// As [`crate::Strongroom::as_caller`].
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self(self.0.as_caller(caller))
    }

    /// As [`crate::Strongroom::assume_role`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::assume_role`].
    pub fn assume_role(&self, request: AssumeRole) -> Result<Self, Error> {
        block_on(self.0.assume_role(request)).map(Self)
    }

    /// As [`crate::Strongroom::with_context`].
    #[must_use]
    pub fn with_context(&self, cx: CallContext) -> Self {
        Self(self.0.with_context(cx))
    }

    /// As [`crate::Strongroom::context`].
    #[must_use]
    pub fn context(&self) -> &CallContext {
        self.0.context()
    }

    /// As [`crate::Strongroom::for_service`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::for_service`].
    pub fn for_service(&self, service: &str) -> Result<Self, Error> {
        self.0.for_service(service).map(Self)
    }

    /// As [`crate::Strongroom::describe`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::describe`].
    pub fn describe(&self, id: impl Into<SecretId>) -> Result<SecretMetadata, Error> {
        block_on(self.0.describe(id))
    }

    /// As [`crate::Strongroom::exists`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::exists`].
    pub fn exists(&self, id: impl Into<SecretId>) -> Result<bool, Error> {
        block_on(self.0.exists(id))
    }

    /// As [`crate::Strongroom::promote`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::promote`].
    pub fn promote(
        &self,
        id: impl Into<SecretId>,
        version: impl Into<VersionId>,
    ) -> Result<SecretRef, Error> {
        block_on(self.0.promote(id, version))
    }

    /// As [`crate::Strongroom::restore`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::restore`].
    pub fn restore(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        block_on(self.0.restore(id))
    }

    /// As [`crate::Strongroom::rollback`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::rollback`].
    pub fn rollback(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        block_on(self.0.rollback(id))
    }

    /// As [`crate::Strongroom::tag`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::tag`].
    pub fn tag(&self, id: impl Into<SecretId>, key: &str, value: &str) -> Result<(), Error> {
        block_on(self.0.tag(id, key, value))
    }

    /// As [`crate::Strongroom::untag`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::untag`].
    pub fn untag(&self, id: impl Into<SecretId>, key: &str) -> Result<(), Error> {
        block_on(self.0.untag(id, key))
    }

    /// As [`crate::Strongroom::verify`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::verify`].
    pub fn verify(&self) -> Result<Report, Error> {
        block_on(self.0.verify())
    }

    /// As [`crate::Strongroom::backup`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::backup`].
    pub fn backup(&self, target: impl AsRef<Path>) -> Result<(), Error> {
        block_on(self.0.backup(target))
    }

    /// As [`crate::Strongroom::maintain`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::maintain`].
    pub fn maintain(&self) -> Result<Maintained, Error> {
        block_on(self.0.maintain())
    }

    /// As [`crate::Strongroom::upgrade`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::upgrade`].
    pub fn upgrade(&self) -> Result<Upgrade, Error> {
        block_on(self.0.upgrade())
    }

    /// As [`crate::Strongroom::format`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::format`].
    pub fn format(&self) -> Result<u32, Error> {
        self.0.format()
    }
}
