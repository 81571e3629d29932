//! The services that manage a key of their own: `alias/aws/secretsmanager` and its like.

use strongroom_kms::AliasName;

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

    /// What its key describes itself as.
    pub(crate) fn description(&self) -> String {
        format!("Default key that protects my {} when no other key is defined", self.protects)
    }
}
