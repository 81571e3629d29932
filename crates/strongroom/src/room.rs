//! The handle.

use std::path::Path;
use std::sync::Arc;

use strongroom_access::{Access, AccessReport, WhoCan};
use strongroom_engine::{Engine, KeyUse, OwningService, RewrapProgress};
use strongroom_iam::{AssumeRole, Iam};
use strongroom_kms::KeyRef;
use strongroom_local_kms::{LocalKms, Retirement};
use strongroom_root::{RecoveryCode, RekeyProgress, Report, RootKey, RootSlot, TrustedRecords};
use strongroom_store::{
    Filter, FilterKey, Operation, SecretAdmin, SecretId, SecretMetadata, SecretRef, SecretStore, Stage,
    UpdateSecretVersionStage,
};
use strongroom_types::{CallContext, Caller, Clock, Realm};

use crate::request::{
    Create, Delete, Get, GetBatch, GetMatching, List, ListVersions, MoveStage, Put, PutPolicy,
    RandomPassword, Update, ValidatePolicy,
};
use crate::{Builder, Error, Identities, Keys};

/// An open strongroom. Clones share everything; it closes with the last of them.
#[derive(Clone)]
pub struct Strongroom {
    parts: Arc<Parts>,
    engine: Engine,
    cx: CallContext,
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

/// What [`Strongroom::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintained {
    /// Secrets purged because their recovery window was over.
    pub secrets_purged: u64,
    /// Keys deleted because their waiting period was over.
    pub keys_deleted: u64,
    /// Another process was at the secrets; this one left them alone.
    pub busy_elsewhere: bool,
}

impl Strongroom {
    /// Begins to open a strongroom.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_parts(parts: Parts, engine: Engine, cx: CallContext) -> Self {
        Self { parts: Arc::new(parts), engine, cx }
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
        let assumed = self.parts.iam.assume_role(&self.cx, request).await?;
        Ok(self.with_context(assumed.context))
    }

    /// A handle that acts for a service which manages secrets for the account, such as `rds`: the secrets it makes are named
    /// `rds!...`, can be read by everybody who may, and be changed through such a handle only.
    ///
    /// # Errors
    /// [`SecretErrorKind::InvalidParameter`](crate::SecretErrorKind::InvalidParameter) for what is no service's name.
    pub fn for_service(&self, service: &str) -> Result<Self, Error> {
        let engine = self.engine.for_service(OwningService::new(service)?);
        Ok(Self { engine, ..self.clone() })
    }

    /// The context of this handle's calls.
    #[must_use]
    pub fn context(&self) -> &CallContext {
        &self.cx
    }

    /// The account and region of this strongroom.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        self.parts.records.realm()
    }

    /// The store behind the facade, for code written against the traits.
    #[must_use]
    pub fn store(&self) -> Arc<dyn SecretAdmin> {
        Arc::new(self.engine.clone())
    }

    /// The keys of this strongroom.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::new(self.parts.kms.clone(), self.cx.clone())
    }

    /// The users, roles and policies of this strongroom.
    #[must_use]
    pub fn iam(&self) -> Identities {
        Identities::new(self.parts.iam.clone(), self.cx.clone())
    }

    /// What is not a matter of policies is the owner's alone.
    fn owner_only(&self, what: &str) -> Result<(), Error> {
        if self.cx.acts_freely_in(self.realm().account()) {
            return Ok(());
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
        self.owner_only("explain")?;
        Ok(self.parts.access.explain(&caller.into(), operation, &secret.into()).await?)
    }

    /// Who of those known may do something with a secret: the owner, all users and roles, and whom policies and grants name; allowed,
    /// denied, or allowed under a condition. For the owner's eyes.
    ///
    /// # Errors
    /// As [`Strongroom::explain`].
    pub async fn who_can(&self, operation: Operation, secret: impl Into<SecretId>) -> Result<WhoCan, Error> {
        self.owner_only("ask who can")?;
        Ok(self.parts.access.who_can(operation, &secret.into()).await?)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
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
    /// As [`SecretStore::describe_secret`].
    pub async fn describe(&self, id: impl Into<SecretId>) -> Result<SecretMetadata, Error> {
        Ok(self.engine().describe_secret(&self.cx, &id.into()).await?)
    }

    /// Takes a planned deletion back; possible until `maintain` has purged the secret.
    ///
    /// # Errors
    /// As [`SecretAdmin::restore_secret`].
    pub async fn restore(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        Ok(self.engine().restore_secret(&self.cx, &id.into()).await?)
    }

    /// Makes the previous version current again; what was current becomes the previous one. Doing it twice changes nothing.
    ///
    /// # Errors
    /// As [`SecretStore::update_secret_version_stage`]; not found when there is no previous version.
    pub async fn rollback(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        let id = id.into();
        let known = self.engine().describe_secret(&self.cx, &id).await?;
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
        Ok(self.engine().update_secret_version_stage(&self.cx, swap).await?)
    }

    /// Adds a tag, or changes its value.
    ///
    /// # Errors
    /// As [`SecretAdmin::tag_resource`].
    pub async fn tag(&self, id: impl Into<SecretId>, key: &str, value: &str) -> Result<(), Error> {
        let tags = vec![strongroom_store::Tag::new(key, value)];
        Ok(self.engine().tag_resource(&self.cx, &id.into(), tags).await?)
    }

    /// Removes a tag; fine when it is not there.
    ///
    /// # Errors
    /// As [`SecretAdmin::untag_resource`].
    pub async fn untag(&self, id: impl Into<SecretId>, key: &str) -> Result<(), Error> {
        Ok(self.engine().untag_resource(&self.cx, &id.into(), vec![key.to_owned()]).await?)
    }

    /// Gives a secret a resource policy, a JSON document, in place of the one it has:
    /// `room.put_policy("prod/db", document).block_public_policy().send().await?`.
    pub fn put_policy(&self, id: impl Into<SecretId>, policy: impl Into<String>) -> PutPolicy {
        PutPolicy::new(self.clone(), id.into(), policy.into())
    }

    /// A secret's resource policy as it was put, if it has one.
    ///
    /// # Errors
    /// As [`SecretAdmin::get_resource_policy`].
    pub async fn policy(&self, id: impl Into<SecretId>) -> Result<Option<String>, Error> {
        Ok(self.engine().get_resource_policy(&self.cx, &id.into()).await?.policy)
    }

    /// Takes a secret's resource policy away; fine when it has none.
    ///
    /// # Errors
    /// As [`SecretAdmin::delete_resource_policy`].
    pub async fn delete_policy(&self, id: impl Into<SecretId>) -> Result<SecretRef, Error> {
        Ok(self.engine().delete_resource_policy(&self.cx, &id.into()).await?)
    }

    /// Says what would be wrong with a resource policy; puts nothing:
    /// `room.validate_policy(document).secret("prod/db").send().await?`.
    pub fn validate_policy(&self, policy: impl Into<String>) -> ValidatePolicy {
        ValidatePolicy::new(self.clone(), policy.into())
    }

    /// What is encrypted under a key, named by id, ARN or alias: every version of every secret, those without labels too. What
    /// would be lost with the key, as far as this strongroom knows; ciphertexts kept elsewhere nobody can count.
    ///
    /// # Errors
    /// As [`Engine::key_uses`].
    pub async fn key_uses(&self, key: &str) -> Result<Vec<KeyUse>, Error> {
        let key = KeyRef::parse(key)?;
        let (mut uses, mut token) = (Vec::new(), None);
        loop {
            let page = self.engine.key_uses(&self.cx, &key, None, token.as_deref()).await?;
            uses.extend(page.uses);
            match page.next_token {
                Some(next) => token = Some(next),
                None => return Ok(uses),
            }
        }
    }

    /// After a rotation: encrypts again, under the newest generation of a key, what is under an older one of it. Values, labels
    /// and dates stay. May be stopped and called again. `progress` is told after each version.
    ///
    /// # Errors
    /// As [`Engine::rewrap`].
    pub async fn rewrap(
        &self,
        key: &str,
        progress: impl FnMut(RewrapProgress) + Send,
    ) -> Result<RewrapProgress, Error> {
        Ok(self.engine.rewrap(&self.cx, &KeyRef::parse(key)?, progress).await?)
    }

    /// Destroys the material of an older generation of one of the strongroom's own keys, when nothing here is encrypted under
    /// it: rotate, [`Strongroom::rewrap`], then this. From the first moment on nothing new comes under it either. What was
    /// encrypted under it and is kept elsewhere, copies of the storage among it, nobody can count: it is lost, which has to be
    /// confirmed in so many words.
    ///
    /// ```
    /// # use strongroom::{Retirement, RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
    /// let old = room.keys().create("alias/orders", "for the orders").await?.current_key_material_id;
    /// room.keys().rotate("alias/orders").await?;
    /// room.rewrap("alias/orders", |_| ()).await?;
    /// let confirmed = Retirement::LosesCiphertextsElsewhere;
    /// room.retire_key_material("alias/orders", &old.unwrap_or_default(), confirmed).await?;
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidRequest` while versions of secrets are under it, naming the first; as [`LocalKms::retire_material`].
    pub async fn retire_key_material(
        &self,
        key: &str,
        key_material_id: &str,
        confirmed: Retirement,
    ) -> Result<(), Error> {
        self.owner_only("retire key material")?;
        let id = self.keys().describe(key).await?.id;
        let uses = self.engine.close_material(&self.cx, &id.clone().into(), key_material_id).await?;
        if let Some(first) = uses.first() {
            let text = format!(
                "{} of {} and maybe others are encrypted under this key material; rewrap them first",
                first.version_id, first.name
            );
            let refused = strongroom_store::Error::new(strongroom_store::ErrorKind::InvalidRequest, text);
            return Err(refused.during("RetireKeyMaterial").into());
        }
        Ok(self.parts.kms.retire_material(&self.cx, &id.into(), key_material_id, confirmed).await?)
    }

    /// Walks everything: authenticates every record, opens every version, unseals every key, holds indexes against what
    /// they index, and the directory's records against each other. Reads only; others may go on writing.
    ///
    /// # Errors
    /// Storage that cannot be read at all. Damage is not an error; it stands in the report.
    pub async fn verify(&self) -> Result<Report, Error> {
        let mut report = self.engine.verify(&self.cx).await?;
        report.merge(self.parts.kms.verify().await?);
        report.merge(self.parts.iam.verify(&self.cx).await?);
        Ok(report)
    }

    /// Writes a consistent copy to `target`, a new file (mode 0600), while others go on writing. It is opened by the same
    /// roots. To restore: make an empty directory, put the copy into it as `records.sqlite3`, open that directory.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root) when the file exists or cannot be written, or the storage has no backup of its own.
    pub async fn backup(&self, target: impl AsRef<Path>) -> Result<(), Error> {
        self.owner_only("make a backup")?;
        Ok(self.parts.records.backup(target.as_ref()).await?)
    }

    /// Purges secrets and keys whose time is over, and writes down when secrets were last read. Call it now and then, from any process; of several at once, one works.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn maintain(&self) -> Result<Maintained, Error> {
        self.owner_only("maintain")?;
        // Each does what it can, whatever the other finds.
        let (secrets, keys) = (self.engine.maintain().await, self.parts.kms.maintain().await);
        let (secrets, keys_deleted) = (secrets?, keys?);
        Ok(Maintained {
            secrets_purged: secrets.unwrap_or(0),
            keys_deleted,
            busy_elsewhere: secrets.is_none(),
        })
    }

    /// The roots that open this strongroom, oldest first. A handle that is open stays open when its root is removed.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn roots(&self) -> Result<Vec<RootSlot>, Error> {
        self.owner_only("see the roots")?;
        Ok(self.parts.records.roots().await?)
    }

    /// Lets another root open this strongroom too. One commit; no secret is touched.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn add_root(&self, root: impl Into<RootKey>, label: &str) -> Result<RootSlot, Error> {
        self.owner_only("add a root")?;
        Ok(self.parts.records.add_root(root.into(), label, &*self.parts.clock).await?)
    }

    /// Makes a recovery code that opens this strongroom. It is shown this once: print it, lock it away.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn add_recovery_code(&self, label: &str) -> Result<RecoveryCode, Error> {
        self.owner_only("add a root")?;
        Ok(self.parts.records.add_recovery_code(label, &*self.parts.clock).await?.0)
    }

    /// Takes a root away. It still opens older copies of the storage.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root); the last root cannot be removed.
    pub async fn remove_root(&self, id: &str) -> Result<(), Error> {
        self.owner_only("remove a root")?;
        Ok(self.parts.records.remove_root(id).await?)
    }

    /// Gives the strongroom another store key, which only `roots` open, and writes every record anew under it. For when the
    /// store key may be known: a root that was lost together with a copy of the storage still opens that copy, and with it
    /// the store key, whatever roots were removed since. Afterwards rotate the keys and [`Strongroom::rewrap`], for the same
    /// copy has their material too.
    ///
    /// All handles, this one too, refuse with `StoreChanged` from its first commit on: open the strongroom again with one of
    /// `roots`. Stopped at any moment it goes on when it is called again, and the strongroom is whole in between.
    ///
    /// # Errors
    /// [`ErrorKind::Root`](crate::ErrorKind::Root).
    pub async fn rekey(
        &self,
        roots: Vec<(RootKey, String)>,
        progress: impl FnMut(RekeyProgress) + Send,
    ) -> Result<(), Error> {
        self.owner_only("re-key")?;
        self.parts.records.rekey(roots, &*self.parts.clock, progress).await?;
        Ok(())
    }
}
