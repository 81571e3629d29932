//! Finding the key that a request names, as its caller may name it.

use std::sync::Arc;

use strongroom_kms::{AliasName, Error, ErrorKind, KeyId, KeyRef};
use strongroom_types::{AccountId, Arn, CallContext, Realm};

use crate::call::KeyCall;
use crate::gate::{Gate, principal};
use crate::keys::stored::Stored;
use crate::layout::StoredKey;
use crate::naming::managed::ManagedKeys;
use crate::needs::Permission;
use crate::parts::Parts;

/// Finds keys by how they are named.
#[derive(Clone, Copy)]
pub(crate) struct Finder<'a>(pub(crate) &'a Parts);

impl Finder<'_> {
    /// The key that `key` names, in whatever state, as it was a moment ago: see
    /// [`crate::LocalKmsOptions::staleness`].
    pub(crate) async fn resolve(self, cx: &CallContext, key: &KeyRef) -> Result<Arc<StoredKey>, Error> {
        match key {
            KeyRef::Id(id) => self.by_id(id).await,
            KeyRef::Arn(arn, id) => {
                self.check_region(arn)?;
                let known = Stored(self.0).known(id.to_bytes()).await?;
                known.filter(|known| known.arn == *arn).ok_or_else(|| no_key(arn))
            }
            KeyRef::Alias(name) => self.by_alias(cx, name).await,
            KeyRef::AliasArn(arn, name) => {
                self.check_region(arn)?;
                if *arn != name.arn(self.0.realm()) {
                    return Err(Error::new(ErrorKind::NotFound, format!("Alias {arn} is not found.")));
                }
                self.by_alias(cx, name).await
            }
            other => Err(Error::new(ErrorKind::NotFound, format!("Invalid keyId '{other}'"))),
        }
    }

    fn check_region(self, arn: &Arn) -> Result<(), Error> {
        if arn.region() == self.0.realm().region().as_str() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, format!("Invalid arn {}", arn.region())))
    }

    /// The key that a request names, as it was a moment ago.
    pub(crate) async fn named(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        needed: &Permission,
    ) -> Result<Arc<StoredKey>, Error> {
        if Gate(self.0).is_foreign(call.cx()) {
            return Box::pin(self.named_from_afar(call, key, needed)).await;
        }
        match Stored(self.0).resolve_known(key) {
            Some(key) => Ok(key),
            None => Box::pin(self.resolve(call.cx(), key)).await,
        }
    }

    /// Another account's caller names keys by ARN, and does not learn whether a key exists.
    async fn named_from_afar(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        needed: &Permission,
    ) -> Result<Arc<StoredKey>, Error> {
        self.check_from_afar(call.cx(), key)?;
        self.resolve(call.cx(), key).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Gate(self.0).hidden(call.cx(), needed),
            _ => error,
        })
    }

    /// What is no ARN means something in the caller's own account, where there are no keys as far
    /// as is known here.
    fn check_from_afar(self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        let account = principal(cx, self.0.realm())?.account().and_then(|text| AccountId::parse(text).ok());
        let own = Realm::new(account.unwrap_or(self.0.realm().account()), self.0.realm().region().clone());
        match key {
            KeyRef::Id(id) => Err(no_key(&id.arn(&own))),
            KeyRef::Alias(name) => {
                Err(Error::new(ErrorKind::NotFound, format!("Alias {} is not found.", name.arn(&own))))
            }
            _ => Ok(()),
        }
    }

    /// The key as it is now. Management operations take ids and ARNs only.
    pub(crate) async fn managed(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        needed: &Permission,
    ) -> Result<StoredKey, Error> {
        check_no_alias(key)?;
        if !Gate(self.0).is_foreign(call.cx()) {
            return self.find_managed(key).await;
        }
        self.check_from_afar(call.cx(), key)?;
        self.find_managed(key).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Gate(self.0).hidden(call.cx(), needed),
            _ => error,
        })
    }

    async fn find_managed(self, key: &KeyRef) -> Result<StoredKey, Error> {
        let (id, arn) = match key {
            KeyRef::Id(id) => (id, id.arn(self.0.realm())),
            KeyRef::Arn(arn, id) => {
                self.check_region(arn)?;
                (id, arn.clone())
            }
            other => return Err(Error::new(ErrorKind::NotFound, format!("Invalid keyId '{other}'"))),
        };
        let found = Stored(self.0).find_now(id).await?.filter(|found| found.arn == arn);
        found.ok_or_else(|| no_key(&arn))
    }

    async fn by_id(self, id: &KeyId) -> Result<Arc<StoredKey>, Error> {
        Stored(self.0).known(id.to_bytes()).await?.ok_or_else(|| no_key(&id.arn(self.0.realm())))
    }

    async fn by_alias(self, cx: &CallContext, name: &AliasName) -> Result<Arc<StoredKey>, Error> {
        let Some(target) = Stored(self.0).known_alias(name).await? else {
            return Box::pin(ManagedKeys(self.0).make(cx, name)).await.map(Arc::new);
        };
        let missing = || no_key(&KeyId::from_bytes(target.0, target.1).arn(self.0.realm()));
        Stored(self.0).known(target).await?.ok_or_else(missing)
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
