//! Keys that services manage: `alias/aws/secretsmanager` and its like.

use strongroom_kms::{AliasName, Error, ErrorKind, KeyId, KeySpec};
use strongroom_records::Scan;
use strongroom_types::{CallContext, Service};

use crate::admin::NewKey;
use crate::asked::Asked;
use crate::layout::{AliasRecord, StoredKey, decode, managed_alias};
use crate::local::{LocalKms, storage};
use crate::states::Operation;

const SERVICES: [Service; 2] = [Service::SecretsManager, Service::ParameterStore];

fn description(service: Service) -> &'static str {
    match service {
        Service::SecretsManager => {
            "Default key that protects my Secrets Manager data when no other key is defined"
        }
        Service::ParameterStore => "Default key that protects my SSM parameters when no other key is defined",
        _ => "Default key of a service",
    }
}

impl LocalKms {
    /// The alias has no key yet. For the alias of a known service the key is made; for others it is not found.
    pub(crate) async fn make_managed(&self, cx: &CallContext, name: &AliasName) -> Result<StoredKey, Error> {
        let not_found =
            || Error::new(ErrorKind::NotFound, format!("Alias {} is not found.", name.arn(self.realm())));
        let mut service = None;
        for candidate in SERVICES {
            if managed_alias(candidate)? == *name {
                service = Some(candidate);
            }
        }
        let service = service.ok_or_else(not_found)?;
        // Through the service whoever is of the account may be the first.
        if self.via != Some(service) || self.is_foreign(cx) {
            let place = self.realm().arn("kms", name.as_str());
            self.authorize_on(cx, Operation::DescribeKey, place.as_str(), &Asked::nothing()).await?;
        }
        if let Some(existing) = self.managed_key(service).await? {
            // Made since the alias was looked for; or else somebody who can write the storage took the alias away.
            return self.behind_alias(name).await?.ok_or_else(|| {
                Error::new(ErrorKind::Tampered, "the alias of the service's managed key is missing")
                    .with("service", service.name())
                    .with("key", existing.id)
            });
        }
        let new = NewKey {
            description: description(service),
            spec: KeySpec::SymmetricDefault,
            tags: &[],
            multi_region: false,
            service: Some(service),
            alias: Some(name),
            policy: None,
            external: false,
        };
        match self.commit_new_key(new).await {
            Ok(key) => Ok(key),
            // Somebody else made it in this moment: then it is there now.
            Err(error) if error.kind() == ErrorKind::Conflict => self.behind_alias(name).await?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// The key that an alias names, if there is the alias.
    async fn behind_alias(&self, name: &AliasName) -> Result<Option<StoredKey>, Error> {
        match self.inner.records.get(&self.inner.layout.alias(name)).await.map_err(storage)? {
            Some(alias) => self.find_now(&KeyId::parse(&decode::<AliasRecord>(&alias)?.target)?).await,
            None => Ok(None),
        }
    }

    /// The service's managed key, found by what the key says of itself. Looks at all keys; needed once in a store's life.
    async fn managed_key(&self, service: Service) -> Result<Option<StoredKey>, Error> {
        let mut walk = self.inner.records.walk(Scan::prefix(&self.inner.layout.keys()));
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (_, stored) in page {
                let key = StoredKey::parse(&stored.map_err(storage)?, self.realm())?;
                if key.record.service.as_deref() == Some(service.name()) {
                    return Ok(Some(key));
                }
            }
        }
        Ok(None)
    }
}
