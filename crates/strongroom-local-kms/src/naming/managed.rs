//! Keys that services manage, made at their first use.

use strongroom_kms::{AliasName, Error, ErrorKind, KeyId, KeySpec, Operation};
use strongroom_records::Scan;
use strongroom_types::CallContext;

use crate::call::KeyCall;
use crate::gate::Gate;
use crate::keys::stored::Stored;
use crate::keys::write::{NewKey, Writer};
use crate::layout::{AliasRecord, StoredKey, decode};
use crate::managed::Managed;
use crate::needs::Role;
use crate::parts::{Parts, storage};

/// Finds and makes the keys of services.
#[derive(Clone, Copy)]
pub(crate) struct ManagedKeys<'a>(pub(crate) &'a Parts);

impl ManagedKeys<'_> {
    /// The alias has no key yet. For the alias of a known service the key is made; for others it is
    /// not found.
    pub(crate) async fn make(self, cx: &CallContext, name: &AliasName) -> Result<StoredKey, Error> {
        let not_found =
            || Error::new(ErrorKind::NotFound, format!("Alias {} is not found.", name.arn(self.0.realm())));
        let managed = Managed::of(name).ok_or_else(not_found)?;
        // Nobody of another account learns whether the key was made, and nobody makes one.
        if Gate(self.0).is_foreign(cx) {
            return Err(not_found());
        }
        let service = managed.service();
        // Through the service whoever is of the account may be the first.
        if self.0.via.map(|via| via.name()) != Some(service) {
            let place = self.0.realm().arn("kms", name.as_str());
            // Whatever the operation: it is as if the key were described first.
            let call = KeyCall::new(cx, Operation::DescribeKey, self.0.now());
            let needed = call.needs(Role::Key)?;
            Gate(self.0).authorize_on(cx, needed, place.as_str(), call.facts()).await?;
        }
        if let Some(existing) = self.of_service(service).await? {
            // Made since the alias was looked for; or else somebody who can write the storage took
            // the alias away.
            return self.behind_alias(name).await?.ok_or_else(|| {
                Error::new(ErrorKind::Tampered, "the alias of the service's managed key is missing")
                    .with("service", service)
                    .with("key", existing.id)
            });
        }
        let new = NewKey {
            description: &managed.description(),
            spec: KeySpec::SymmetricDefault,
            tags: &[],
            multi_region: false,
            service: Some(service),
            alias: Some(name),
            policy: None,
            external: false,
        };
        match Writer(self.0).commit_new_key(new).await {
            Ok(key) => Ok(key),
            // Somebody else made it in this moment: then it is there now.
            Err(error) if error.kind() == ErrorKind::Conflict => self.behind_alias(name).await?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// The key that an alias names, if there is the alias.
    async fn behind_alias(self, name: &AliasName) -> Result<Option<StoredKey>, Error> {
        match self.0.inner.records.get(&self.0.inner.layout.alias(name)).await.map_err(storage)? {
            Some(alias) => {
                Stored(self.0).find_now(&KeyId::parse(&decode::<AliasRecord>(&alias)?.target)?).await
            }
            None => Ok(None),
        }
    }

    /// The service's managed key, found by what the key says of itself. Looks at all keys; needed
    /// once in a store's life.
    async fn of_service(self, service: &str) -> Result<Option<StoredKey>, Error> {
        let mut walk = self.0.inner.records.walk(Scan::prefix(&self.0.inner.layout.keys()));
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (_, stored) in page {
                let key = StoredKey::parse(&stored.map_err(storage)?, self.0.realm())?;
                if key.record.service.as_deref() == Some(service) {
                    return Ok(Some(key));
                }
            }
        }
        Ok(None)
    }
}
