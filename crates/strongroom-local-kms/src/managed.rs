//! Keys that services manage: `alias/aws/secretsmanager` and its like.

use strongroom_kms::{AliasName, Error, ErrorKind};
use strongroom_records::Scan;
use strongroom_types::{CallContext, Service};

use crate::admin::NewKey;
use crate::layout::{StoredKey, managed_alias};
use crate::local::{LocalKms, storage};

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
        self.authorize(cx)?;
        self.refuse_lost_alias(service).await?;
        let new = NewKey {
            description: description(service),
            multi_region: false,
            service: Some(service),
            alias: Some(name),
        };
        match self.commit_new_key(new).await {
            Ok(key) => Ok(key),
            // Somebody else made it in this moment: then it is there now.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let alias = self.inner.records.get(&self.inner.layout.alias(name)).await.map_err(storage)?;
                let alias: crate::layout::AliasRecord = crate::layout::decode(&alias.ok_or(error)?)?;
                self.find(&strongroom_kms::KeyId::parse(&alias.target)?).await?.ok_or_else(not_found)
            }
            Err(error) => Err(error),
        }
    }

    /// A managed key says in its own record whose it is. When one exists, a missing alias was taken away by somebody who
    /// can write the storage; making another key would hide that.
    async fn refuse_lost_alias(&self, service: Service) -> Result<(), Error> {
        let mut scan = Scan::prefix(&self.inner.layout.keys());
        loop {
            let page =
                self.inner.records.snapshot().await.map_err(storage)?.scan(&scan).await.map_err(storage)?;
            for stored in &page.records {
                if StoredKey::parse(stored)?.record.service.as_deref() == Some(service.name()) {
                    return Err(Error::new(
                        ErrorKind::Tampered,
                        "the alias of the service's managed key is missing",
                    )
                    .with("service", service.name()));
                }
            }
            match page.cursor {
                Some(cursor) => scan = scan.after(&cursor),
                None => return Ok(()),
            }
        }
    }
}
