//! The handle.

use std::sync::Arc;

use crate::access::{Access, AccessReport, WhoCan};
use strongroom_engine::{Engine, OwningService};
use strongroom_iam::{AssumeRole, Iam};
use strongroom_local_kms::LocalKms;
use strongroom_root::TrustedRecords;
use strongroom_store::{
    AnyStore, Filter, FilterKey, Operation, SecretAdmin, SecretId, SecretMetadata, SecretRef, Stage,
    UpdateSecretVersionStage,
};
use strongroom_types::{CallContext, Caller, Clock, Realm};

use crate::request::{
    Create, Delete, Get, GetBatch, GetMatching, List, ListVersions, MoveStage, Put, PutPolicy,
    RandomPassword, Update, ValidatePolicy,
};
use crate::{Builder, Error, Identities, Keys};

/// An open strongroom: one's own, or secrets that another store keeps, such as AWS Secrets Manager ([`Strongroom::over`]). Clones share
/// everything; it closes with the last of them.
///
/// Over another store there is what the store can. What a strongroom of one's own has besides (keys, users and roles, roots, explanations,
/// backups) is refused with [`SecretErrorKind::Unsupported`](crate::SecretErrorKind::Unsupported).
#[derive(Clone)]
pub struct Strongroom {
    store: Arc<dyn SecretAdmin>,
    backend: Backend,
    cx: CallContext,
    /// Something stands in front of the store of one's own, and must not be passed by.
    fronted: bool,
}

/// Where the secrets are.
#[derive(Clone)]
enum Backend {
    Own(Arc<Parts>, Engine),
    Elsewhere(Realm),
}

impl std::fmt::Debug for Strongroom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Strongroom({} as {})", self.realm(), self.cx.caller())
    }
}

pub(crate) struct Parts {
    pub(crate) records: TrustedRecords,
    pub(crate) kms: LocalKms,
    pub(crate) iam: Iam,
    pub(crate) access: Access,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Strongroom {
    /// Begins to open a strongroom.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_parts(parts: Parts, engine: Engine, cx: CallContext) -> Self {
        Self {
            store: Arc::new(engine.clone()),
            backend: Backend::Own(Arc::new(parts), engine),
            cx,
            fronted: false,
        }
    }

    /// The secrets of any store, by the same calls: AWS's, a decorated one, one of your own. The handle acts as the owner of this realm's
    /// account.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let own = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
    /// # let (store, realm) = (own.store(), own.realm().clone());
    /// let room = Strongroom::over(store, realm); // any Arc of a SecretAdmin
    /// room.create("prod/db").text("s3cret").send().await?;
    /// assert_eq!(room.get("prod/db").send().await?.expose_text()?, "s3cret");
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// An `Arc<dyn SecretStore>` works too; deletion, tags and policies are then refused with
    /// [`SecretErrorKind::Unsupported`](crate::SecretErrorKind::Unsupported). So is every write
    /// over a [`ReadOnly`](crate::store::ReadOnly) store, which takes [three
    /// methods](crate::store::ReadSecrets):
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// # use std::sync::Arc;
    /// # use strongroom::store::{Error, ReadOnly, ReadSecrets, SecretArn, VersionId};
    /// # use strongroom::{CallContext, Realm, SecretId, SecretMetadata, SecretValue, Strongroom, Timestamp};
    /// /// Secrets in a map: from a file, from environment variables, from a test.
    /// #[derive(Debug)]
    /// struct Map { realm: Realm, secrets: BTreeMap<String, SecretValue> }
    ///
    /// impl Map {
    ///     fn metadata(&self, name: &str) -> SecretMetadata {
    ///         let arn = SecretArn::of(&self.realm, name, "000000");
    ///         SecretMetadata::new(arn, name.to_owned(), Timestamp::from_millis(0)).with_current("1")
    ///     }
    /// }
    ///
    /// #[async_trait::async_trait]
    /// impl ReadSecrets for Map {
    ///     async fn get(&self, _: &CallContext, secret: &SecretMetadata, _: &VersionId) -> Result<SecretValue, Error> {
    ///         self.secrets.get(&secret.name).cloned().ok_or_else(Error::not_found)
    ///     }
    ///
    ///     async fn describe(&self, _: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
    ///         let mut known = self.secrets.keys().map(|name| self.metadata(name));
    ///         known.find(|secret| secret.is_named(id)).ok_or_else(Error::not_found)
    ///     }
    ///
    ///     async fn list(&self, _: &CallContext) -> Result<Vec<SecretMetadata>, Error> {
    ///         Ok(self.secrets.keys().map(|name| self.metadata(name)).collect())
    ///     }
    /// }
    ///
    /// # pollster::block_on(async {
    /// # let secrets = [("db".to_owned(), SecretValue::text("s3cret"))].into();
    /// # let realm = Realm::default();
    /// let map = Map { realm: realm.clone(), secrets };
    /// let room = Strongroom::over(Arc::new(ReadOnly::new(map)), realm);
    /// assert_eq!(room.get("db").send().await?.expose_text()?, "s3cret");
    /// assert_eq!(room.list().name_prefix("d").all().await?.len(), 1);
    /// assert!(room.put("db").text("other").send().await.is_err());
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn over(store: impl Into<AnyStore>, realm: Realm) -> Self {
        let cx = CallContext::owner(&realm);
        Self { store: store.into().into_admin(), backend: Backend::Elsewhere(realm), cx, fronted: false }
    }

    /// The same, with its secrets asked for at another store.
    pub(crate) fn on(&self, store: Arc<dyn SecretAdmin>) -> Self {
        Self { store, fronted: true, ..self.clone() }
    }

    /// What only a strongroom of one's own has.
    pub(crate) fn own(&self, what: &str) -> Result<(&Parts, &Engine), Error> {
        match &self.backend {
            Backend::Own(parts, engine) => Ok((parts, engine)),
            Backend::Elsewhere(_) => Err(elsewhere(what)),
        }
    }

    /// A handle whose calls are made in this context: by another caller, under a request id, with a deadline.
    #[must_use]
    pub fn with_context(&self, cx: CallContext) -> Self {
        Self { cx, ..self.clone() }
    }

    /// A handle whose calls are made by somebody else and allowed as far as policies allow them: a user or a session of a role out of
    /// [`Strongroom::iam`], a service, another account's.
    ///
    /// ```
    /// # use strongroom::{IdentityRef, RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
    /// room.create("prod/db").text("s3cret").send().await?;
    /// let alice = room.iam().create_user("alice").await?;
    /// let hers = room.as_caller(alice.caller()?);
    /// assert_eq!(hers.get("prod/db").send().await.unwrap_err().code(), "AccessDeniedException");
    ///
    /// let read = strongroom::presets::read_names(["prod/*"]);
    /// room.iam().put_policy(&alice, "read-prod", &read).await?;
    /// assert_eq!(hers.get("prod/db").send().await?.expose_text()?, "s3cret");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// This keeps the parts of a program to what they may, and what a server lets in from outside. It does not protect against hostile code
    /// within the same process: whoever has a handle can make another with [`Strongroom::with_context`].
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        self.with_context(CallContext::new(caller))
    }

    /// Takes a role on, as this handle's caller: a handle whose calls are made by a session of it until it ends. The role's own document
    /// and the caller's policies must allow it.
    ///
    /// # Errors
    /// As [`Iam::assume_role`].
    pub async fn assume_role(&self, request: AssumeRole) -> Result<Self, Error> {
        let (parts, _) = self.own("take a role on")?;
        let assumed = parts.iam.assume_role(&self.cx, request).await?;
        Ok(self.with_context(assumed.context))
    }

    /// A handle that acts for a service which manages secrets for the account, such as `rds`: the secrets it makes are named
    /// `rds!...`, can be read by everybody who may, and be changed through such a handle only.
    ///
    /// # Errors
    /// [`SecretErrorKind::InvalidParameter`](crate::SecretErrorKind::InvalidParameter) for what is no service's name.
    pub fn for_service(&self, service: &str) -> Result<Self, Error> {
        let Backend::Own(parts, engine) = &self.backend else { return Err(elsewhere("act for a service")) };
        if self.fronted {
            let text = "a cached room does not act for a service: its writes would pass the cache by; use the room itself";
            let refused = strongroom_store::Error::new(strongroom_store::ErrorKind::Unsupported, text);
            return Err(refused.into());
        }
        let engine = engine.for_service(OwningService::new(service)?);
        let backend = Backend::Own(Arc::clone(parts), engine.clone());
        Ok(Self { store: Arc::new(engine), backend, cx: self.cx.clone(), fronted: false })
    }

    /// The context of this handle's calls.
    #[must_use]
    pub fn context(&self) -> &CallContext {
        &self.cx
    }

    /// The account and region of this strongroom.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        match &self.backend {
            Backend::Own(parts, _) => parts.records.realm(),
            Backend::Elsewhere(realm) => realm,
        }
    }

    /// The store behind the facade, for code written against the traits.
    #[must_use]
    pub fn store(&self) -> Arc<dyn SecretAdmin> {
        Arc::clone(&self.store)
    }

    /// The keys of this strongroom.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::new(self.own("use its keys").ok().map(|(parts, _)| parts.kms.clone()), self.cx.clone())
    }

    /// The users, roles and policies of this strongroom.
    #[must_use]
    pub fn iam(&self) -> Identities {
        let own = self.own("use its users and roles").ok();
        Identities::new(own.map(|(parts, _)| parts.iam.clone()), self.cx.clone())
    }

    /// What is not a matter of policies is the owner's alone.
    pub(crate) fn owner_only(&self, what: &str) -> Result<(&Parts, &Engine), Error> {
        let own = self.own(what)?;
        if self.cx.acts_freely_in(self.realm().account()) {
            return Ok(own);
        }
        let text = format!("User: {} is not authorized to {what}: only the owner is", self.cx.caller());
        Err(strongroom_store::Error::new(strongroom_store::ErrorKind::AccessDenied, text).into())
    }

    /// Why a caller may do something with a secret, or not: each permission that is needed, each document that was looked at, each of
    /// its statements, and which smallest changes would allow it. For the owner's eyes. What the answer says is what the operation would
    /// meet: of reads, those of the current value; of writes, a new value under the secret's own key.
    ///
    /// ```
    /// # use strongroom::{Operation, RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
    /// # room.create("prod/db").text("s3cret").send().await?;
    /// let alice = room.iam().create_user("alice").await?;
    /// let report = room.explain(alice.caller()?, Operation::GetSecretValue, "prod/db").await?;
    /// assert!(!report.allowed);
    /// println!("{report}");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`SecretErrorKind::AccessDenied`](crate::SecretErrorKind::AccessDenied) for others than the owner; as [`Access::explain`].
    pub async fn explain(
        &self,
        caller: impl Into<CallContext>,
        operation: Operation,
        secret: impl Into<SecretId>,
    ) -> Result<AccessReport, Error> {
        let (parts, _) = self.owner_only("explain")?;
        Ok(parts.access.explain(&caller.into(), operation, &secret.into()).await?)
    }

    /// Who of those known may do something with a secret: the owner, all users and roles, and whom policies and grants name; allowed,
    /// denied, or allowed under a condition. For the owner's eyes.
    ///
    /// # Errors
    /// As [`Strongroom::explain`].
    pub async fn who_can(&self, operation: Operation, secret: impl Into<SecretId>) -> Result<WhoCan, Error> {
        let (parts, _) = self.owner_only("ask who can")?;
        Ok(parts.access.who_can(operation, &secret.into()).await?)
    }

    /// Where secrets are asked for.
    pub(crate) fn secrets(&self) -> &dyn SecretAdmin {
        &*self.store
    }

    /// Makes a secret: `room.create("prod/db").text("s3cret").send().await?`.
    pub fn create(&self, name: impl Into<String>) -> Create {
        Create::new(self.clone(), name.into())
    }

    /// Reads a value: `room.get("prod/db").send().await?`. By name, ARN, or ARN without suffix.
    pub fn get(&self, id: impl Into<SecretId>) -> Get {
        Get::new(self.clone(), id.into())
    }

    /// Reads the current values of up to 20 secrets: `room.get_batch(["prod/db", "prod/api"]).send().await?`.
    pub fn get_batch<I: Into<SecretId>>(&self, ids: impl IntoIterator<Item = I>) -> GetBatch {
        GetBatch::new(self.clone(), ids.into_iter().map(Into::into).collect())
    }

    /// Reads the current values of the secrets that match one of these values, a page at a time, or all with
    /// `.all()`: `room.get_matching(FilterKey::TagKey, ["team"]).all().await?`.
    pub fn get_matching<V: Into<String>>(
        &self,
        key: FilterKey,
        values: impl IntoIterator<Item = V>,
    ) -> GetMatching {
        GetMatching::new(self.clone(), Filter::new(key, values))
    }

    /// Makes a random password: `room.random_password().length(20).send().await?`.
    pub fn random_password(&self) -> RandomPassword {
        RandomPassword::new(self.clone())
    }

    /// Stores a new value of a secret that exists: `room.put("prod/db").text("newer").send().await?`.
    pub fn put(&self, id: impl Into<SecretId>) -> Put {
        Put::new(self.clone(), id.into())
    }

    /// Changes description, key or value: `room.update("prod/db").description("old orders").send().await?`.
    pub fn update(&self, id: impl Into<SecretId>) -> Update {
        Update::new(self.clone(), id.into())
    }

    /// Moves a label: `room.move_stage("prod/db", "canary").to(&version).send().await?`.
    pub fn move_stage(&self, id: impl Into<SecretId>, stage: impl Into<Stage>) -> MoveStage {
        MoveStage::new(self.clone(), id.into(), stage.into())
    }

    /// Lists secrets: `room.list().send().await?`, or all of them with `.all()`.
    pub fn list(&self) -> List {
        List::new(self.clone())
    }

    /// Lists a secret's versions: `room.versions("prod/db").send().await?`, or all of them with `.all()`.
    pub fn versions(&self, id: impl Into<SecretId>) -> ListVersions {
        ListVersions::new(self.clone(), id.into())
    }

    /// Deletes a secret, in thirty days unless told: `room.delete("prod/db").recovery_window_days(7).send().await?`.
    pub fn delete(&self, id: impl Into<SecretId>) -> Delete {
        Delete::new(self.clone(), id.into())
    }

    /// Everything there is to know of a secret but its value.
    ///
    /// # Errors
    /// As [`crate::SecretStore::describe_secret`].
    pub async fn describe(&self, id: impl Into<SecretId>) -> Result<SecretMetadata, Error> {
        Ok(self.secrets().describe_secret(&self.cx, &id.into()).await?)
    }

    /// Takes a planned deletion back; possible until `maintain` has purged the secret.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::restore_secret`].
    pub async fn restore(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        Ok(self.secrets().restore_secret(&self.cx, &id.into()).await?)
    }

    /// Makes the previous version current again; what was current becomes the previous one. Doing it twice changes nothing.
    ///
    /// # Errors
    /// As [`crate::SecretStore::update_secret_version_stage`]; not found when there is no previous version.
    pub async fn rollback(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        let id = id.into();
        let known = self.secrets().describe_secret(&self.cx, &id).await?;
        let holder = |stage: &Stage| {
            known
                .versions
                .iter()
                .find(|(_, stages)| stages.contains(stage))
                .map(|(version, _)| version.clone())
        };
        let Some((current, previous)) = holder(&Stage::CURRENT).zip(holder(&Stage::PREVIOUS)) else {
            let text = "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS";
            let missing = strongroom_store::Error::new(strongroom_store::ErrorKind::NotFound, text);
            return Err(missing.with("secret", &id).during("UpdateSecretVersionStage").into());
        };
        // Names the version it expects to be current: if somebody was faster, this is refused and nothing moves.
        let swap = UpdateSecretVersionStage::new(id, Stage::CURRENT).remove_from(&current).move_to(&previous);
        Ok(self.secrets().update_secret_version_stage(&self.cx, swap).await?)
    }

    /// Adds a tag, or changes its value.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::tag_resource`].
    pub async fn tag(&self, id: impl Into<SecretId>, key: &str, value: &str) -> Result<(), Error> {
        let tags = vec![strongroom_store::Tag::new(key, value)];
        Ok(self.secrets().tag_resource(&self.cx, &id.into(), tags).await?)
    }

    /// Removes a tag; fine when it is not there.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::untag_resource`].
    pub async fn untag(&self, id: impl Into<SecretId>, key: &str) -> Result<(), Error> {
        Ok(self.secrets().untag_resource(&self.cx, &id.into(), vec![key.to_owned()]).await?)
    }

    /// Gives a secret a resource policy, a JSON document, in place of the one it has:
    /// `room.put_policy("prod/db", document).block_public_policy().send().await?`.
    pub fn put_policy(&self, id: impl Into<SecretId>, policy: impl Into<String>) -> PutPolicy {
        PutPolicy::new(self.clone(), id.into(), policy.into())
    }

    /// A secret's resource policy as it was put, if it has one.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::get_resource_policy`].
    pub async fn policy(&self, id: impl Into<SecretId>) -> Result<Option<String>, Error> {
        Ok(self.secrets().get_resource_policy(&self.cx, &id.into()).await?.policy)
    }

    /// Takes a secret's resource policy away; fine when it has none.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::delete_resource_policy`].
    pub async fn delete_policy(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        Ok(self.secrets().delete_resource_policy(&self.cx, &id.into()).await?)
    }

    /// Says what would be wrong with a resource policy; puts nothing:
    /// `room.validate_policy(document).secret("prod/db").send().await?`.
    pub fn validate_policy(&self, policy: impl Into<String>) -> ValidatePolicy {
        ValidatePolicy::new(self.clone(), policy.into())
    }
}

/// Whether somebody else has a handle of this room. Handles of its keys and of its directory alone
/// do not count.
pub(crate) fn is_shared(room: &Strongroom) -> bool {
    let parts = match &room.backend {
        Backend::Own(parts, _) => Arc::strong_count(parts),
        Backend::Elsewhere(_) => 1,
    };
    Arc::strong_count(&room.store) > 1 || parts > 1
}

/// Why a room over another store refuses.
pub(crate) fn elsewhere(what: &str) -> Error {
    let text = format!(
        "the secrets of this room are kept by another store: only a strongroom of one's own can {what}"
    );
    strongroom_store::Error::new(strongroom_store::ErrorKind::Unsupported, text).into()
}
