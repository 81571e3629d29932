//! The handle.

use std::sync::Arc;

use strongroom_engine::{Engine, OwningService};
use strongroom_iam::{AssumeRole, Iam};
use strongroom_local_kms::LocalKms;
use strongroom_root::{Chore, TrustedRecords};
use strongroom_store::{
    AnyStore, SecretAdmin, SecretId, SecretMetadata, SecretRef, Stage, UpdateSecretVersionStage, VersionId,
};
use strongroom_types::{CallContext, Caller, Clock, Realm};

use crate::Error;
use crate::access::Access;
use crate::housekeeper::{Closing, Housekeeper};

/// An open strongroom, or the secrets of another store such as AWS Secrets Manager
/// ([`Strongroom::over`]). Clones share everything; it closes with the last of them.
///
/// Over another store, a handle can do what that store can. Keys, users and roles, roots, access
/// explanations and backups belong to a strongroom of your own; elsewhere they fail with
/// [`SecretErrorKind::Unsupported`](crate::SecretErrorKind::Unsupported).
#[derive(Clone)]
pub struct Strongroom {
    pub(crate) store: Arc<dyn SecretAdmin>,
    pub(crate) backend: Backend,
    pub(crate) cx: CallContext,
    /// A cache stands in front of the store, and writes must not bypass it.
    pub(crate) fronted: bool,
}

/// Where the secrets are.
#[derive(Clone)]
pub(crate) enum Backend {
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
    pub(crate) chores: Vec<Box<dyn Chore>>,
    pub(crate) housekeeper: Housekeeper,
    /// Ends what keeps house in the background, with the last handle.
    pub(crate) _closing: Option<Closing>,
}

/// The handle to an opened strongroom, for calls in this context.
pub(crate) fn opened(parts: Arc<Parts>, engine: Engine, cx: CallContext) -> Strongroom {
    Strongroom { store: Arc::new(engine.clone()), backend: Backend::Own(parts, engine), cx, fronted: false }
}

/// What only a strongroom of one's own has.
pub(crate) trait Own {
    /// Its parts, unless the secrets are in another store. `what` completes "only a strongroom of
    /// your own can ...".
    fn own(&self, what: &str) -> Result<(&Parts, &Engine), Error>;

    /// Its parts, for the account's owner alone: for what policies do not govern.
    fn owner_only(&self, what: &str) -> Result<(&Parts, &Engine), Error>;
}

impl Own for Strongroom {
    fn own(&self, what: &str) -> Result<(&Parts, &Engine), Error> {
        match &self.backend {
            Backend::Own(parts, engine) => Ok((parts, engine)),
            Backend::Elsewhere(_) => Err(elsewhere(what)),
        }
    }

    fn owner_only(&self, what: &str) -> Result<(&Parts, &Engine), Error> {
        let own = self.own(what)?;
        if self.cx.acts_freely_in(self.realm().account()) {
            return Ok(own);
        }
        let text = format!("User: {} is not authorized to {what}: only the owner is", self.cx.caller());
        Err(strongroom_store::Error::new(strongroom_store::ErrorKind::AccessDenied, text).into())
    }
}

/// Why a room over another store refuses.
fn elsewhere(what: &str) -> Error {
    let text = format!(
        "the secrets of this room are kept by another store: only a strongroom of one's own can {what}"
    );
    strongroom_store::Error::new(strongroom_store::ErrorKind::Unsupported, text).into()
}

impl Strongroom {
    /// The secrets of any store behind the same calls: AWS's, a decorated one, one of your own.
    /// The handle acts as the owner of this realm's account.
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
    /// An `Arc<dyn SecretStore>` works too; deletion, tags and policies then fail with
    /// [`SecretErrorKind::Unsupported`](crate::SecretErrorKind::Unsupported). So does every write
    /// over a [`ReadOnly`](crate::store::ReadOnly) store, which takes
    /// [three methods](crate::store::ReadSecrets):
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// # use std::sync::Arc;
    /// # use strongroom::store::{Error, ReadOnly, ReadSecrets, SecretArn};
    /// # use strongroom::{CallContext, Realm, SecretId, SecretMetadata, SecretValue};
    /// # use strongroom::{Strongroom, Timestamp, VersionId};
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
    ///     async fn get(
    ///         &self,
    ///         _: &CallContext,
    ///         secret: &SecretMetadata,
    ///         _: &VersionId,
    ///     ) -> Result<SecretValue, Error> {
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

    /// A handle whose calls are made in this context: by another caller, under a request id, with a
    /// deadline.
    #[must_use]
    pub fn with_context(&self, cx: CallContext) -> Self {
        Self { cx, ..self.clone() }
    }

    /// A handle whose calls are made by somebody else, with the permissions that policies give
    /// them: a user or a session of a role from [`Strongroom::iam`], a service, another account's
    /// principal.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// room.create("prod/db").text("s3cret").send().await?;
    /// let alice = room.iam().create_user("alice").await?;
    /// let hers = room.as_caller(alice.caller()?);
    /// assert!(hers.get("prod/db").send().await.unwrap_err().is_access_denied());
    ///
    /// let read = strongroom::presets::read_names(["prod/*"]);
    /// room.iam().put_policy(&alice, "read-prod", &read).await?;
    /// assert_eq!(hers.get("prod/db").send().await?.expose_text()?, "s3cret");
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// This holds the parts of a program, and the callers that a server lets in, to their
    /// permissions. It does not protect against hostile code in the same process: anyone who has a
    /// handle can make another with [`Strongroom::with_context`].
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        self.with_context(CallContext::new(caller))
    }

    /// Assumes a role as this handle's caller: a handle whose calls are made by a session of the
    /// role, until the session expires. The role's trust policy and the caller's policies must
    /// allow it.
    ///
    /// # Errors
    /// As [`Iam::assume_role`].
    pub async fn assume_role(&self, request: AssumeRole) -> Result<Self, Error> {
        let (parts, _) = self.own("take a role on")?;
        let assumed = parts.iam.assume_role(&self.cx, request).await?;
        Ok(self.with_context(assumed.context))
    }

    /// A handle that acts for a service which manages secrets for the account, such as `rds`. The
    /// secrets it creates are named `rds!...`; anyone with permission can read them, and only such
    /// a handle can change them.
    ///
    /// # Errors
    /// [`SecretErrorKind::InvalidParameter`](crate::SecretErrorKind::InvalidParameter) if `service`
    /// is not a service's name;
    /// [`SecretErrorKind::Unsupported`](crate::SecretErrorKind::Unsupported) at a cached room.
    pub fn for_service(&self, service: &str) -> Result<Self, Error> {
        let (_, engine) = self.own("act for a service")?;
        if self.fronted {
            let text = "a cached room does not act for a service: its writes would pass the cache by; use the room itself";
            let refused = strongroom_store::Error::new(strongroom_store::ErrorKind::Unsupported, text);
            return Err(refused.into());
        }
        let engine = engine.for_service(OwningService::new(service)?);
        let mut room = self.clone();
        room.store = Arc::new(engine.clone());
        if let Backend::Own(_, acting) = &mut room.backend {
            *acting = engine;
        }
        Ok(room)
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

    /// Everything about a secret except its value.
    ///
    /// # Errors
    /// As [`SecretStore::describe_secret`](crate::SecretStore::describe_secret).
    pub async fn describe(&self, id: impl Into<SecretId>) -> Result<SecretMetadata, Error> {
        Ok(self.store.describe_secret(&self.cx, &id.into()).await?)
    }

    /// Whether there is a secret of this name or ARN. One that is marked for deletion exists: its
    /// name is taken, although it cannot be read.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// assert!(!room.exists("prod/db").await?);
    /// room.create("prod/db").text("s3cret").send().await?;
    /// assert!(room.exists("prod/db").await?);
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// Between the answer and what follows, another program may create or delete the secret. To
    /// store a value either way, use [`Strongroom::put_or_create`].
    ///
    /// # Errors
    /// As [`Strongroom::describe`], whose permission it needs.
    pub async fn exists(&self, id: impl Into<SecretId>) -> Result<bool, Error> {
        match self.describe(id).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Cancels a planned deletion; possible until [`Strongroom::maintain`] has purged the secret.
    ///
    /// # Errors
    /// As [`SecretAdmin::restore_secret`](crate::SecretAdmin::restore_secret).
    pub async fn restore(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        Ok(self.store.restore_secret(&self.cx, &id.into()).await?)
    }

    /// Makes the previous version current again; the one that was current becomes the previous one.
    /// A second rollback undoes the first.
    ///
    /// # Errors
    /// As
    /// [`SecretStore::update_secret_version_stage`](crate::SecretStore::update_secret_version_stage);
    /// not found if there is no previous version.
    pub async fn rollback(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        let id = id.into();
        let known = self.store.describe_secret(&self.cx, &id).await?;
        let labelled = holder(&known, &Stage::CURRENT).zip(holder(&known, &Stage::PREVIOUS));
        let Some((current, previous)) = labelled else {
            let text = "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS";
            let missing = strongroom_store::Error::new(strongroom_store::ErrorKind::NotFound, text);
            return Err(missing.with("secret", &id).during("UpdateSecretVersionStage").into());
        };
        // Names the version it expects to be current: if somebody was faster, nothing moves.
        let swap = UpdateSecretVersionStage::new(id, Stage::CURRENT).remove_from(current).move_to(previous);
        Ok(self.store.update_secret_version_stage(&self.cx, swap).await?)
    }

    /// Makes a pending version the current one: the last of the three steps of a rotation by hand.
    ///
    /// ```
    /// # use strongroom::{RootKey, Stage, Strongroom};
    /// # pollster::block_on(async {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// # room.create("prod/db").text("old").send().await?;
    /// # async fn log_in(_: &str) -> Result<(), strongroom::Error> { Ok(()) }
    /// let new = room.put("prod/db").text("new").stage(Stage::PENDING).send().await?.version_id;
    /// log_in(room.get("prod/db").version(&new).send().await?.expose_text()?).await?; // your test
    /// room.promote("prod/db", &new).await?;
    /// # assert_eq!(room.get("prod/db").send().await?.expose_text()?, "new");
    /// # assert_eq!(room.get("prod/db").stage(Stage::PREVIOUS).send().await?.expose_text()?, "old");
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// `AWSCURRENT` moves to the version, `AWSPREVIOUS` to the one that was current, and
    /// `AWSPENDING` is removed. Until then readers get the old value, so a test that fails has
    /// nothing to undo. Repeating a call that was interrupted finishes it.
    ///
    /// # Errors
    /// [`SecretErrorKind::InvalidRequest`](crate::SecretErrorKind::InvalidRequest) if the version
    /// is not the pending one, for example because another rotation has begun; as
    /// [`SecretStore::update_secret_version_stage`](crate::SecretStore::update_secret_version_stage),
    /// for example if another version has become current meanwhile.
    pub async fn promote(
        &self,
        id: impl Into<SecretId>,
        version: impl Into<VersionId>,
    ) -> Result<SecretRef, Error> {
        let (id, version) = (id.into(), version.into());
        let known = self.store.describe_secret(&self.cx, &id).await?;
        let (current, pending) = (holder(&known, &Stage::CURRENT), holder(&known, &Stage::PENDING));
        let is_pending = pending == Some(&version);
        if current != Some(&version) {
            if !is_pending {
                let text = "the version is not the pending one: another rotation may have begun";
                let refused = strongroom_store::Error::new(strongroom_store::ErrorKind::InvalidRequest, text);
                let refused = refused.with("secret", &id).with("version", &version);
                return Err(refused.during("UpdateSecretVersionStage").into());
            }
            // Names the version it expects to be current: if somebody was faster, nothing moves.
            let mut swap = UpdateSecretVersionStage::new(id.clone(), Stage::CURRENT).move_to(&version);
            if let Some(current) = current {
                swap = swap.remove_from(current);
            }
            self.store.update_secret_version_stage(&self.cx, swap).await?;
        }
        if is_pending {
            let done = UpdateSecretVersionStage::new(id, Stage::PENDING).remove_from(&version);
            self.store.update_secret_version_stage(&self.cx, done).await?;
        }
        Ok(SecretRef { arn: known.arn, name: known.name })
    }

    /// Adds a tag, or changes its value.
    ///
    /// # Errors
    /// As [`SecretAdmin::tag_resource`](crate::SecretAdmin::tag_resource).
    pub async fn tag(&self, id: impl Into<SecretId>, key: &str, value: &str) -> Result<(), Error> {
        let tags = vec![strongroom_store::Tag::new(key, value)];
        Ok(self.store.tag_resource(&self.cx, &id.into(), tags).await?)
    }

    /// Removes a tag; does nothing if it is not there.
    ///
    /// # Errors
    /// As [`SecretAdmin::untag_resource`](crate::SecretAdmin::untag_resource).
    pub async fn untag(&self, id: impl Into<SecretId>, key: &str) -> Result<(), Error> {
        Ok(self.store.untag_resource(&self.cx, &id.into(), vec![key.to_owned()]).await?)
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

/// The same room with its secrets read from and written to another store.
pub(crate) fn fronted_by(room: Strongroom, store: Arc<dyn SecretAdmin>) -> Strongroom {
    Strongroom { store, fronted: true, ..room }
}

/// The version that holds a label.
fn holder<'a>(secret: &'a SecretMetadata, stage: &Stage) -> Option<&'a VersionId> {
    secret.versions.iter().find(|(_, stages)| stages.contains(stage)).map(|(version, _)| version)
}
