//! The service itself: resolving keys, permission, state.

use std::sync::Arc;

use strongroom_envelope::random_array;
use strongroom_kms::{AliasName, Error, ErrorKind, KeyId, KeyRef, KeyState};
use strongroom_policy::{Authorizer, NoDirectory};
use strongroom_records::Revision;
use strongroom_root::{TrustedBatch, TrustedRecords};
use strongroom_types::{AccountId, Arn, CallContext, Clock, Realm, Service, hex};

use crate::LocalKmsOptions;
use crate::cache::{Material, MaterialCache};
use crate::keys::{KeyCache, Look, RawKeyId};
use crate::layout::{AliasRecord, Layout, StoredKey, decode};
use crate::permission::principal;
use crate::states::Operation;

/// A complete software key service over [`TrustedRecords`]. Clones share everything.
///
/// This handle is the account's: it creates, manages and uses the customer's keys. The keys that AWS services manage
/// (`alias/aws/...`) work only through a handle of that service, [`LocalKms::for_service`].
#[derive(Clone)]
pub struct LocalKms {
    pub(crate) inner: Arc<Inner>,
    /// The service this handle acts for. Set here and nowhere else, so that no caller can claim it.
    pub(crate) via: Option<Service>,
    /// Who knows callers and their policies.
    pub(crate) authorizer: Arc<dyn Authorizer>,
}

impl std::fmt::Debug for LocalKms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalKms({})", self.realm())
    }
}

pub(crate) struct Inner {
    pub(crate) records: TrustedRecords,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) layout: Layout,
    pub(crate) keys: KeyCache,
    pub(crate) materials: MaterialCache,
}

/// How often a change is tried again after meeting another one.
pub(crate) const ATTEMPTS: usize = 32;

impl LocalKms {
    /// The key service of the account and region that `records` belong to.
    #[must_use]
    pub fn new(records: TrustedRecords, clock: Arc<dyn Clock>) -> Self {
        Self::with_options(records, clock, LocalKmsOptions::default())
    }

    /// As [`LocalKms::new`], with other bounds on what is kept in memory.
    #[must_use]
    pub fn with_options(records: TrustedRecords, clock: Arc<dyn Clock>, options: LocalKmsOptions) -> Self {
        let layout = Layout(records.realm().clone());
        let keys = KeyCache::new(options.staleness);
        let materials = MaterialCache::new(options.material_in_memory);
        let authorizer = Arc::new(NoDirectory::default());
        Self { inner: Arc::new(Inner { records, clock, layout, keys, materials }), via: None, authorizer }
    }

    /// A handle that asks `authorizer` who calls. Without one, callers are who they say, and have no policies of their own: key
    /// policies and grants decide alone.
    #[must_use]
    pub fn authorized_by(&self, authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer, ..self.clone() }
    }

    /// A handle that acts for `service`: calls through it may use that service's managed key, which is made at first use.
    #[must_use]
    pub fn for_service(&self, service: Service) -> Self {
        Self { via: Some(service), ..self.clone() }
    }

    /// The account and region of the keys.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        &self.inner.layout.0
    }

    /// The key that `key` names, if it is known here. Most calls need no more: what may wait has futures of its own, boxed, so
    /// that the usual one stays small.
    pub(crate) fn resolve_known(&self, key: &KeyRef) -> Option<Arc<StoredKey>> {
        let keys = &self.inner.keys;
        match key {
            KeyRef::Id(id) => keys.key(id.to_bytes()),
            KeyRef::Arn(arn, id) => keys.key(id.to_bytes()).filter(|known| known.arn == *arn),
            KeyRef::Alias(name) => keys.alias(name).and_then(|target| keys.key(target)),
            _ => None,
        }
    }

    /// The key that `key` names, in whatever state, as it was a moment ago: see [`LocalKmsOptions::staleness`].
    pub(crate) async fn resolve(&self, cx: &CallContext, key: &KeyRef) -> Result<Arc<StoredKey>, Error> {
        match key {
            KeyRef::Id(id) => self.by_id(id).await,
            KeyRef::Arn(arn, id) => {
                self.check_region(arn)?;
                let known = self.known(id.to_bytes()).await?;
                known.filter(|known| known.arn == *arn).ok_or_else(|| no_key(arn))
            }
            KeyRef::Alias(name) => self.by_alias(cx, name).await,
            KeyRef::AliasArn(arn, name) => {
                self.check_region(arn)?;
                if *arn != name.arn(self.realm()) {
                    return Err(Error::new(ErrorKind::NotFound, format!("Alias {arn} is not found.")));
                }
                self.by_alias(cx, name).await
            }
            other => Err(Error::new(ErrorKind::NotFound, format!("Invalid keyId '{other}'"))),
        }
    }

    fn check_region(&self, arn: &Arn) -> Result<(), Error> {
        if arn.region() == self.realm().region().as_str() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, format!("Invalid arn {}", arn.region())))
    }

    /// The key that a request names, as it was a moment ago.
    pub(crate) async fn named(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        operation: Operation,
    ) -> Result<Arc<StoredKey>, Error> {
        if self.is_foreign(cx) {
            return Box::pin(self.named_from_afar(cx, key, operation)).await;
        }
        match self.resolve_known(key) {
            Some(key) => Ok(key),
            None => Box::pin(self.resolve(cx, key)).await,
        }
    }

    /// Another account's caller names keys by ARN, and is not told whether there is one.
    async fn named_from_afar(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        operation: Operation,
    ) -> Result<Arc<StoredKey>, Error> {
        self.check_from_afar(cx, key)?;
        self.resolve(cx, key).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.hidden(cx, operation),
            _ => error,
        })
    }

    /// What is no ARN means something in the caller's own account, where there are no keys as far as is known here.
    fn check_from_afar(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        let account = principal(cx, self.realm())?.account().and_then(|text| AccountId::parse(text).ok());
        let own = Realm::new(account.unwrap_or(self.realm().account()), self.realm().region().clone());
        match key {
            KeyRef::Id(id) => Err(no_key(&id.arn(&own))),
            KeyRef::Alias(name) => {
                Err(Error::new(ErrorKind::NotFound, format!("Alias {} is not found.", name.arn(&own))))
            }
            _ => Ok(()),
        }
    }

    /// The key as it is now. Management operations take ids and ARNs only.
    pub(crate) async fn resolve_managed(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        operation: Operation,
    ) -> Result<StoredKey, Error> {
        check_no_alias(key)?;
        if !self.is_foreign(cx) {
            return self.find_managed(key).await;
        }
        self.check_from_afar(cx, key)?;
        self.find_managed(key).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.hidden(cx, operation),
            _ => error,
        })
    }

    async fn find_managed(&self, key: &KeyRef) -> Result<StoredKey, Error> {
        let (id, arn) = match key {
            KeyRef::Id(id) => (id, id.arn(self.realm())),
            KeyRef::Arn(arn, id) => {
                self.check_region(arn)?;
                (id, arn.clone())
            }
            other => return Err(Error::new(ErrorKind::NotFound, format!("Invalid keyId '{other}'"))),
        };
        let found = self.find_now(id).await?.filter(|found| found.arn == arn);
        found.ok_or_else(|| no_key(&arn))
    }

    async fn by_id(&self, id: &KeyId) -> Result<Arc<StoredKey>, Error> {
        self.known(id.to_bytes()).await?.ok_or_else(|| no_key(&id.arn(self.realm())))
    }

    /// A key as it was a moment ago.
    pub(crate) async fn known(&self, id: RawKeyId) -> Result<Option<Arc<StoredKey>>, Error> {
        if let Some(key) = self.inner.keys.key(id) {
            return Ok(Some(key));
        }
        self.read_key(id).await
    }

    async fn read_key(&self, id: RawKeyId) -> Result<Option<Arc<StoredKey>>, Error> {
        let look = self.look().await?;
        if let Some(key) = self.inner.keys.key_at(look, id) {
            return Ok(Some(key));
        }
        self.read_stored(look, id).await
    }

    async fn read_stored(&self, look: Look, id: RawKeyId) -> Result<Option<Arc<StoredKey>>, Error> {
        let Some(key) = self.find_now(&KeyId::from_bytes(id.0, id.1)).await? else { return Ok(None) };
        if key.state != KeyState::Enabled {
            // Maybe by another process: what is unwrapped of it goes.
            self.inner.materials.forget(&key.id);
        }
        let key = Arc::new(key);
        self.inner.keys.keep_key(look, &key);
        Ok(Some(key))
    }

    /// A key past what is kept, which it replaces.
    pub(crate) async fn read_again(&self, id: RawKeyId) -> Result<Option<Arc<StoredKey>>, Error> {
        let look = self.look().await?;
        self.read_stored(look, id).await
    }

    /// Asks the storage whether anybody has committed anything.
    async fn look(&self) -> Result<Look, Error> {
        let commits = self.inner.keys.commits();
        let token = self.inner.records.change_token().await.map_err(storage)?;
        Ok(self.inner.keys.renew(token, commits))
    }

    /// The key as it is now.
    pub(crate) async fn find_now(&self, id: &KeyId) -> Result<Option<StoredKey>, Error> {
        let stored = self.inner.records.get(&self.inner.layout.key(id)).await.map_err(storage)?;
        stored.as_ref().map(|stored| StoredKey::parse(stored, self.realm())).transpose()
    }

    async fn by_alias(&self, cx: &CallContext, name: &AliasName) -> Result<Arc<StoredKey>, Error> {
        let Some(target) = self.known_alias(name).await? else {
            return Box::pin(self.make_managed(cx, name)).await.map(Arc::new);
        };
        let missing = || no_key(&KeyId::from_bytes(target.0, target.1).arn(self.realm()));
        self.known(target).await?.ok_or_else(missing)
    }

    /// The key behind an alias, if there is the alias.
    pub(crate) async fn known_alias(&self, name: &AliasName) -> Result<Option<RawKeyId>, Error> {
        match self.inner.keys.alias(name) {
            Some(target) => Ok(Some(target)),
            None => Box::pin(self.read_alias(name)).await,
        }
    }

    async fn read_alias(&self, name: &AliasName) -> Result<Option<RawKeyId>, Error> {
        let look = self.look().await?;
        if let Some(target) = self.inner.keys.alias_at(look, name) {
            return Ok(Some(target));
        }
        let place = self.inner.layout.alias(name);
        let Some(stored) = self.inner.records.get(&place).await.map_err(storage)? else { return Ok(None) };
        let target = KeyId::parse(&decode::<AliasRecord>(&stored)?.target)?;
        self.inner.keys.keep_alias(look, name, &target);
        Ok(Some(target.to_bytes()))
    }

    /// Commits, and sees to it that this process knows at once.
    pub(crate) async fn commit(&self, batch: TrustedBatch) -> Result<Revision, Error> {
        let result = self.inner.records.commit(batch).await.map_err(storage);
        // Also where it failed: what became of it may not be known.
        self.inner.keys.committed();
        result
    }

    /// The material of a generation, if it is in memory.
    pub(crate) fn material_known(&self, key: &StoredKey, generation: u32) -> Option<Arc<Material>> {
        self.inner.materials.get(&key.id, generation)
    }

    /// The material of a generation, unwrapped.
    pub(crate) async fn unwrap_material(
        &self,
        key: &StoredKey,
        generation: u32,
    ) -> Result<Arc<Material>, Error> {
        let place = self.inner.layout.material(&key.id, generation);
        let missing =
            || Error::new(ErrorKind::Tampered, "the key's material is missing").with("record", &place);
        let stored = self.inner.records.get(&place).await.map_err(storage)?.ok_or_else(missing)?;
        let bytes = self.inner.records.unseal(&place, &stored.content).map_err(storage)?;
        let material = Arc::new(Material::new(key.spec, bytes)?);
        self.inner.materials.insert(&key.id, generation, &material);
        Ok(material)
    }
}

/// Refuses an alias where only a key's id or ARN is allowed, before looking it up, so that nobody
/// learns whether it exists.
pub(crate) fn check_no_alias(key: &KeyRef) -> Result<(), Error> {
    if key.is_alias() {
        let text = "Key Aliases are not supported for this operation.";
        return Err(Error::new(ErrorKind::InvalidArn, text));
    }
    Ok(())
}

fn no_key(arn: &Arn) -> Error {
    Error::new(ErrorKind::NotFound, format!("Key '{arn}' does not exist"))
}

/// Somebody else was first each time.
pub(crate) fn contended() -> Error {
    Error::new(ErrorKind::Conflict, "the key is being changed by others")
}

/// A fresh id of key material: 64 hexadecimal digits.
pub(crate) fn material_id() -> Result<Arc<str>, Error> {
    Ok(hex(&random_array::<32>()?).into())
}

/// Storage's errors in the words of a key service.
pub(crate) fn storage(error: strongroom_root::Error) -> Error {
    use strongroom_root::ErrorKind as Root;
    let kind = match error.kind() {
        Root::Tampered => ErrorKind::Tampered,
        Root::Conflict => ErrorKind::Conflict,
        Root::Busy => ErrorKind::Throttled,
        Root::OutcomeUnknown => ErrorKind::OutcomeUnknown,
        Root::StoreChanged | Root::Incompatible => ErrorKind::StoreChanged,
        _ => ErrorKind::Internal,
    };
    Error::from_frame(error.into_frame().map_kind(kind))
}
