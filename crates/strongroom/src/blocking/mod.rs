//! The same API without async, for programs that have no runtime.
//!
//! ```
//! use strongroom::{RootKey, blocking::Strongroom};
//!
//! let room = Strongroom::open(Strongroom::builder().memory().root_key(RootKey::from_bytes([7; 32])))?;
//! room.create("prod/db").text("s3cret").send()?;
//! assert_eq!(room.get("prod/db").send()?.expose_text()?, "s3cret");
//! # Ok::<(), strongroom::Error>(())
//! ```
//!
//! Do not call it from async code: it blocks the thread.

mod identities;
mod keys;

use std::path::Path;

use crate::{AccessReport, WhoCan};
use pollster::block_on;
use strongroom_engine::{KeyUse, RewrapProgress};
use strongroom_iam::AssumeRole;
use strongroom_local_kms::Retirement;
use strongroom_root::{RecoveryCode, RekeyProgress, Report, RootKey, RootSlot, Upgrade};
use strongroom_store::{Filter, FilterKey, Operation, SecretId, SecretMetadata, SecretRef, Stage};
use strongroom_types::{CallContext, Caller, Realm};

use crate::request::{
    Create, Delete, Get, GetBatch, GetMatching, List, ListVersions, MoveStage, Put, PutPolicy,
    RandomPassword, Update, ValidatePolicy,
};
use crate::{Builder, Error, Maintained};

pub use identities::Identities;
pub use keys::Keys;

/// As [`crate::Strongroom`], without async.
#[derive(Clone, Debug)]
pub struct Strongroom(crate::Strongroom);

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

    /// As [`crate::Strongroom::iam`], without async.
    #[must_use]
    pub fn iam(&self) -> Identities {
        Identities::new(self.0.iam())
    }

    /// As [`crate::Strongroom::explain`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::explain`].
    pub fn explain(
        &self,
        caller: impl Into<CallContext>,
        operation: Operation,
        secret: impl Into<SecretId>,
    ) -> Result<AccessReport, Error> {
        block_on(self.0.explain(caller, operation, secret))
    }

    /// As [`crate::Strongroom::who_can`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::who_can`].
    pub fn who_can(&self, operation: Operation, secret: impl Into<SecretId>) -> Result<WhoCan, Error> {
        block_on(self.0.who_can(operation, secret))
    }

    /// As [`crate::Strongroom::keys`], without async.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::new(self.0.keys())
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

    /// As [`crate::Strongroom::create`].
    pub fn create(&self, name: impl Into<String>) -> Create<Self> {
        Create::new(self.clone(), name.into())
    }

    /// As [`crate::Strongroom::get`].
    pub fn get(&self, id: impl Into<SecretId>) -> Get<Self> {
        Get::new(self.clone(), id.into())
    }

    /// As [`crate::Strongroom::get_batch`].
    pub fn get_batch<I: Into<SecretId>>(&self, ids: impl IntoIterator<Item = I>) -> GetBatch<Self> {
        GetBatch::new(self.clone(), ids.into_iter().map(Into::into).collect())
    }

    /// As [`crate::Strongroom::get_matching`].
    pub fn get_matching<V: Into<String>>(
        &self,
        key: FilterKey,
        values: impl IntoIterator<Item = V>,
    ) -> GetMatching<Self> {
        GetMatching::new(self.clone(), Filter::new(key, values))
    }

    /// As [`crate::Strongroom::random_password`].
    pub fn random_password(&self) -> RandomPassword<Self> {
        RandomPassword::new(self.clone())
    }

    /// As [`crate::Strongroom::for_service`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::for_service`].
    pub fn for_service(&self, service: &str) -> Result<Self, Error> {
        self.0.for_service(service).map(Self)
    }

    /// As [`crate::Strongroom::put_policy`].
    pub fn put_policy(&self, id: impl Into<SecretId>, policy: impl Into<String>) -> PutPolicy<Self> {
        PutPolicy::new(self.clone(), id.into(), policy.into())
    }

    /// As [`crate::Strongroom::policy`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::policy`].
    pub fn policy(&self, id: impl Into<SecretId>) -> Result<Option<String>, Error> {
        block_on(self.0.policy(id))
    }

    /// As [`crate::Strongroom::delete_policy`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::delete_policy`].
    pub fn delete_policy(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        block_on(self.0.delete_policy(id))
    }

    /// As [`crate::Strongroom::validate_policy`].
    pub fn validate_policy(&self, policy: impl Into<String>) -> ValidatePolicy<Self> {
        ValidatePolicy::new(self.clone(), policy.into())
    }

    /// As [`crate::Strongroom::put`].
    pub fn put(&self, id: impl Into<SecretId>) -> Put<Self> {
        Put::new(self.clone(), id.into())
    }

    /// As [`crate::Strongroom::update`].
    pub fn update(&self, id: impl Into<SecretId>) -> Update<Self> {
        Update::new(self.clone(), id.into())
    }

    /// As [`crate::Strongroom::move_stage`].
    pub fn move_stage(&self, id: impl Into<SecretId>, stage: impl Into<Stage>) -> MoveStage<Self> {
        MoveStage::new(self.clone(), id.into(), stage.into())
    }

    /// As [`crate::Strongroom::list`].
    pub fn list(&self) -> List<Self> {
        List::new(self.clone())
    }

    /// As [`crate::Strongroom::versions`].
    pub fn versions(&self, id: impl Into<SecretId>) -> ListVersions<Self> {
        ListVersions::new(self.clone(), id.into())
    }

    /// As [`crate::Strongroom::delete`].
    pub fn delete(&self, id: impl Into<SecretId>) -> Delete<Self> {
        Delete::new(self.clone(), id.into())
    }

    /// As [`crate::Strongroom::describe`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::describe`].
    pub fn describe(&self, id: impl Into<SecretId>) -> Result<SecretMetadata, Error> {
        block_on(self.0.describe(id))
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

    /// As [`crate::Strongroom::key_uses`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::key_uses`].
    pub fn key_uses(&self, key: &str) -> Result<Vec<KeyUse>, Error> {
        block_on(self.0.key_uses(key))
    }

    /// As [`crate::Strongroom::rewrap`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::rewrap`].
    pub fn rewrap(
        &self,
        key: &str,
        progress: impl FnMut(RewrapProgress) + Send,
    ) -> Result<RewrapProgress, Error> {
        block_on(self.0.rewrap(key, progress))
    }

    /// As [`crate::Strongroom::retire_key_material`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::retire_key_material`].
    pub fn retire_key_material(
        &self,
        key: &str,
        key_material_id: &str,
        confirmed: Retirement,
    ) -> Result<(), Error> {
        block_on(self.0.retire_key_material(key, key_material_id, confirmed))
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

    /// As [`crate::Strongroom::roots`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::roots`].
    pub fn roots(&self) -> Result<Vec<RootSlot>, Error> {
        block_on(self.0.roots())
    }

    /// As [`crate::Strongroom::rekey`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::rekey`].
    pub fn rekey(
        &self,
        roots: Vec<(RootKey, String)>,
        progress: impl FnMut(RekeyProgress) + Send,
    ) -> Result<(), Error> {
        block_on(self.0.rekey(roots, progress))
    }

    /// As [`crate::Strongroom::add_root`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::add_root`].
    pub fn add_root(&self, root: impl Into<RootKey>, label: &str) -> Result<RootSlot, Error> {
        block_on(self.0.add_root(root, label))
    }

    /// As [`crate::Strongroom::add_recovery_code`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::add_recovery_code`].
    pub fn add_recovery_code(&self, label: &str) -> Result<RecoveryCode, Error> {
        block_on(self.0.add_recovery_code(label))
    }

    /// As [`crate::Strongroom::remove_root`].
    ///
    /// # Errors
    /// As [`crate::Strongroom::remove_root`].
    pub fn remove_root(&self, id: &str) -> Result<(), Error> {
        block_on(self.0.remove_root(id))
    }
}
