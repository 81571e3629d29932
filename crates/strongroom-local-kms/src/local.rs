//! The service itself: resolving keys, permission, state.

use std::sync::Arc;

use strongroom_envelope::random_array;
use strongroom_kms::{AliasName, Error, ErrorKind, KeyId, KeyRef};
use strongroom_root::TrustedRecords;
use strongroom_types::{CallContext, Clock, Realm, Service};

use crate::cache::{Material, MaterialCache};
use crate::layout::{AliasRecord, Layout, StoredKey, decode};
use crate::states::{self, Operation};

/// A complete software key service over [`TrustedRecords`]. Clones share everything.
///
/// This handle is the account's: it creates, manages and uses the customer's keys. The keys that AWS services manage
/// (`alias/aws/...`) work only through a handle of that service, [`LocalKms::for_service`].
#[derive(Clone)]
pub struct LocalKms {
    pub(crate) inner: Arc<Inner>,
    /// The service this handle acts for. Set here and nowhere else, so that no caller can claim it.
    pub(crate) via: Option<Service>,
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
    pub(crate) materials: MaterialCache,
}

/// How often a change is tried again after meeting another one.
pub(crate) const ATTEMPTS: usize = 32;

impl LocalKms {
    /// The key service of the account and region that `records` belong to.
    #[must_use]
    pub fn new(records: TrustedRecords, clock: Arc<dyn Clock>) -> Self {
        let layout = Layout(records.realm().clone());
        Self {
            inner: Arc::new(Inner { records, clock, layout, materials: MaterialCache::default() }),
            via: None,
        }
    }

    /// A handle that acts for `service`: calls through it may use that service's managed key, which is made at first use.
    #[must_use]
    pub fn for_service(&self, service: Service) -> Self {
        Self { inner: Arc::clone(&self.inner), via: Some(service) }
    }

    /// The account and region of the keys.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        &self.inner.layout.0
    }

    /// The key that `key` names, in whatever state.
    pub(crate) async fn resolve(&self, cx: &CallContext, key: &KeyRef) -> Result<StoredKey, Error> {
        match key {
            KeyRef::Id(id) => self.by_id(id).await,
            KeyRef::Arn(arn, id) => {
                if arn.region() != self.realm().region().as_str() {
                    return Err(Error::new(ErrorKind::NotFound, format!("Invalid arn {}", arn.region())));
                }
                if *arn != id.arn(self.realm()) {
                    return Err(Error::new(ErrorKind::NotFound, format!("Key '{arn}' does not exist")));
                }
                self.by_id(id).await
            }
            KeyRef::Alias(name) => self.by_alias(cx, name).await,
            KeyRef::AliasArn(arn, name) => {
                if arn.region() != self.realm().region().as_str() {
                    return Err(Error::new(ErrorKind::NotFound, format!("Invalid arn {}", arn.region())));
                }
                if *arn != name.arn(self.realm()) {
                    return Err(Error::new(ErrorKind::NotFound, format!("Alias {arn} is not found.")));
                }
                self.by_alias(cx, name).await
            }
            other => Err(Error::new(ErrorKind::NotFound, format!("Invalid keyId '{other}'"))),
        }
    }

    /// Management operations take ids and ARNs only.
    pub(crate) async fn resolve_managed(&self, cx: &CallContext, key: &KeyRef) -> Result<StoredKey, Error> {
        match key {
            KeyRef::Alias(_) | KeyRef::AliasArn(..) => {
                Err(Error::new(ErrorKind::Validation, format!("Invalid keyId {key}")))
            }
            key => self.resolve(cx, key).await,
        }
    }

    async fn by_id(&self, id: &KeyId) -> Result<StoredKey, Error> {
        self.find(id).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("Key '{}' does not exist", id.arn(self.realm())))
        })
    }

    pub(crate) async fn find(&self, id: &KeyId) -> Result<Option<StoredKey>, Error> {
        let stored = self.inner.records.get_recent(&self.inner.layout.key(id)).await.map_err(storage)?;
        stored.as_ref().map(StoredKey::parse).transpose()
    }

    /// As [`LocalKms::find`], past what is kept in memory.
    pub(crate) async fn find_now(&self, id: &KeyId) -> Result<Option<StoredKey>, Error> {
        let stored = self.inner.records.get(&self.inner.layout.key(id)).await.map_err(storage)?;
        stored.as_ref().map(StoredKey::parse).transpose()
    }

    async fn by_alias(&self, cx: &CallContext, name: &AliasName) -> Result<StoredKey, Error> {
        let stored = self.inner.records.get_recent(&self.inner.layout.alias(name)).await.map_err(storage)?;
        match stored {
            Some(stored) => {
                let alias: AliasRecord = decode(&stored)?;
                self.by_id(&KeyId::parse(&alias.target)?).await
            }
            None => self.make_managed(cx, name).await,
        }
    }

    /// Permission, then state: never tell the state to a caller who may not use the key.
    pub(crate) fn permit(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
    ) -> Result<(), Error> {
        self.authorize(cx)?;
        let arn = key.id.arn(self.realm());
        if let Some(service) = &key.record.service {
            let through_it = self.via.is_some_and(|via| via.name() == service);
            if !through_it && operation != Operation::DescribeKey {
                return Err(Error::new(
                    ErrorKind::AccessDenied,
                    format!(
                        "{} is not authorized to perform: kms:{operation:?} on resource: {arn} because the key is managed by {service}",
                        cx.caller()
                    ),
                ));
            }
        }
        states::check(operation, key.state, &arn)
    }

    /// Who may use this service at all. Policies and grants join here.
    pub(crate) fn authorize(&self, cx: &CallContext) -> Result<(), Error> {
        if cx.caller().is_owner_of(self.realm().account()) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::AccessDenied,
            format!("{} is not authorized to use the keys of this account", cx.caller()),
        ))
    }

    /// The material of a generation, from memory or unsealed.
    pub(crate) async fn material(&self, key: &StoredKey, generation: u32) -> Result<Arc<Material>, Error> {
        if let Some(material) = self.inner.materials.get(&key.id, generation) {
            return Ok(material);
        }
        let place = self.inner.layout.material(&key.id, generation);
        let missing =
            || Error::new(ErrorKind::Tampered, "the key's material is missing").with("record", &place);
        let stored = self.inner.records.get(&place).await.map_err(storage)?.ok_or_else(missing)?;
        let bytes = self.inner.records.unseal(&place, &stored.content).map_err(storage)?;
        let material = Arc::new(Material::new(key.spec, bytes)?);
        self.inner.materials.insert(&key.id, generation, Arc::clone(&material));
        Ok(material)
    }
}

/// A fresh id of key material: 64 hexadecimal digits.
pub(crate) fn material_id() -> Result<String, Error> {
    Ok(random_array::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect())
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
