//! Keys that services manage: `alias/aws/secretsmanager` and its like.

use strongroom_kms::{AliasName, Error, ErrorKind, KeyId, KeySpec};
use strongroom_records::Scan;
use strongroom_types::CallContext;

use crate::admin::NewKey;
use crate::layout::{AliasRecord, StoredKey, decode};
use crate::local::{LocalKms, storage};
use crate::request_facts::RequestFacts;
use crate::states::Operation;

/// A service whose key is made at its first use.
pub(crate) struct Managed {
    /// The alias of the key.
    pub(crate) alias: &'static str,
    /// As policies name it to readers.
    pub(crate) spoken: &'static str,
    /// As `kms:ViaService` has it.
    pub(crate) via: &'static str,
    /// What the key protects.
    protects: &'static str,
}

const fn managed(
    alias: &'static str,
    spoken: &'static str,
    via: &'static str,
    protects: &'static str,
) -> Managed {
    Managed { alias, spoken, via, protects }
}

/// In the order of the aliases. AWS documents that an account lists aliases that it predefines for
/// its services, but not which ones. These are those seen in new accounts, and that of Secrets
/// Manager. The keys of other services than Secrets Manager and Parameter Store can be described,
/// but nobody can use them.
pub(crate) const MANAGED: [Managed; 14] = [
    managed("alias/aws/acm", "ACM", "acm", "ACM private keys"),
    managed("alias/aws/dynamodb", "Amazon DynamoDB", "dynamodb", "DynamoDB data"),
    managed("alias/aws/ebs", "EBS", "ec2", "EBS volumes"),
    managed("alias/aws/elasticfilesystem", "EFS", "elasticfilesystem", "EFS filesystems"),
    managed("alias/aws/es", "OpenSearch", "es", "OpenSearch data"),
    managed("alias/aws/glue", "Glue", "glue", "Glue data"),
    managed("alias/aws/kinesisvideo", "Kinesis Video Streams", "kinesisvideo", "Kinesis Video Streams data"),
    managed("alias/aws/lambda", "AWS Lambda", "lambda", "Lambda functions"),
    managed("alias/aws/rds", "RDS", "rds", "RDS database volumes"),
    managed("alias/aws/redshift", "Redshift", "redshift", "Redshift clusters"),
    managed("alias/aws/s3", "S3", "s3", "S3 objects"),
    managed("alias/aws/secretsmanager", "AWS Secrets Manager", "secretsmanager", "Secrets Manager data"),
    managed("alias/aws/ssm", "AWS Systems Manager", "ssm", "SSM parameters"),
    managed("alias/aws/xray", "X-Ray", "xray", "X-Ray data"),
];

impl Managed {
    /// The service whose key has this alias.
    pub(crate) fn of(alias: &AliasName) -> Option<&'static Self> {
        MANAGED.iter().find(|one| one.alias == alias.as_str())
    }

    /// The service of this name.
    pub(crate) fn named(service: &str) -> Option<&'static Self> {
        MANAGED.iter().find(|one| one.service() == service)
    }

    /// Its name: `secretsmanager`.
    pub(crate) fn service(&self) -> &'static str {
        self.alias.rsplit('/').next().unwrap_or_default()
    }

    fn description(&self) -> String {
        format!("Default key that protects my {} when no other key is defined", self.protects)
    }
}

impl LocalKms {
    /// The alias has no key yet. For the alias of a known service the key is made; for others it is not found.
    pub(crate) async fn make_managed(&self, cx: &CallContext, name: &AliasName) -> Result<StoredKey, Error> {
        let not_found =
            || Error::new(ErrorKind::NotFound, format!("Alias {} is not found.", name.arn(self.realm())));
        let managed = Managed::of(name).ok_or_else(not_found)?;
        // Nobody of another account learns whether the key was made, and nobody makes one.
        if self.is_foreign(cx) {
            return Err(not_found());
        }
        let service = managed.service();
        // Through the service whoever is of the account may be the first.
        if self.via.map(|via| via.name()) != Some(service) {
            let place = self.realm().arn("kms", name.as_str());
            self.authorize_on(cx, Operation::DescribeKey, place.as_str(), &RequestFacts::nothing()).await?;
        }
        if let Some(existing) = self.managed_key(service).await? {
            // Made since the alias was looked for; or else somebody who can write the storage took the alias away.
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
    async fn managed_key(&self, service: &str) -> Result<Option<StoredKey>, Error> {
        let mut walk = self.inner.records.walk(Scan::prefix(&self.inner.layout.keys()));
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (_, stored) in page {
                let key = StoredKey::parse(&stored.map_err(storage)?, self.realm())?;
                if key.record.service.as_deref() == Some(service) {
                    return Ok(Some(key));
                }
            }
        }
        Ok(None)
    }
}
