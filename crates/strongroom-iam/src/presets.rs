//! Ready-made policies. They are ordinary documents: attach them, put them inline, or use them as a
//! starting point.
//!
//! ```
//! use strongroom_iam::presets::ReservedNames;
//! use strongroom_policy::Policy;
//!
//! // Only the account's owner and the platform's roles can use secrets with these names.
//! let document = ReservedNames::new(["ams/*", "customer-shared/*"]).except("arn:aws:iam::*:role/platform-*").document();
//! assert!(Policy::identity(&document).is_ok());
//! ```

use serde_json::json;

/// Allows everything: `AdministratorAccess`.
pub const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Everyday work with keys, but not deleting them or changing who can use them:
/// `AWSKeyManagementServicePowerUser`.
pub const KEY_MANAGEMENT_POWER_USER: &str = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";

pub(crate) const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

const POWER_USER: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Action": ["kms:CreateAlias", "kms:CreateKey", "kms:DeleteAlias", "kms:Describe*", "kms:GenerateRandom", "kms:Get*",
      "kms:List*", "kms:TagResource", "kms:UntagResource", "iam:ListGroups", "iam:ListRoles", "iam:ListUsers"],
    "Resource": "*"
  }]
}"#;

/// A policy that every account has, with AWS's own id and dates.
pub(crate) struct Preset {
    pub(crate) arn: &'static str,
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    pub(crate) description: &'static str,
    /// In milliseconds since 1970.
    pub(crate) created: i64,
    pub(crate) document: &'static str,
}

/// Sorted by name.
pub(crate) const ALL: [Preset; 2] = [
    Preset {
        arn: ADMINISTRATOR_ACCESS,
        name: "AdministratorAccess",
        id: "ANPAIWMBCKSKIEE64ZLYK",
        description: "Provides full access to AWS services and resources.",
        created: 1_423_247_986_000,
        document: EVERYTHING,
    },
    Preset {
        arn: KEY_MANAGEMENT_POWER_USER,
        name: "AWSKeyManagementServicePowerUser",
        id: "ANPAJNPP7PPPPMJRV2SA4",
        description: "Provides access to AWS Key Management Service (KMS).",
        created: 1_423_248_040_000,
        document: POWER_USER,
    },
];

/// The preset with this ARN, in any partition.
pub(crate) fn known(arn: &str) -> Option<&'static Preset> {
    let rest = arn.strip_prefix("arn:")?;
    let rest = rest.get(rest.find(':')?..)?;
    ALL.iter().find(|preset| preset.arn.strip_prefix("arn:aws") == Some(rest))
}

/// The document of a preset.
#[must_use]
pub fn document(arn: &str) -> Option<&'static str> {
    known(arn).map(|preset| preset.document)
}

/// The actions that change secrets.
const CHANGES: [&str; 17] = [
    "secretsmanager:CancelRotateSecret",
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteResourcePolicy",
    "secretsmanager:DeleteSecret",
    "secretsmanager:PutResourcePolicy",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RemoveRegionsFromReplication",
    "secretsmanager:ReplicateSecretToRegions",
    "secretsmanager:RestoreSecret",
    "secretsmanager:RotateSecret",
    "secretsmanager:StopReplicationToReplica",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
    "secretsmanager:UpdateSecret",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:ValidateResourcePolicy",
    "secretsmanager:GetResourcePolicy",
];

/// The actions that read a secret.
const READS: [&str; 3] =
    ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:ListSecretVersionIds"];

/// The ARN pattern for a pattern of secret names, such as `prod/*`. After a whole name, wildcards
/// stand for the six random characters.
fn resources(names: &[String]) -> Vec<String> {
    let suffix = |name: &str| if name.ends_with('*') { "" } else { "-??????" };
    names.iter().map(|name| format!("arn:*:secretsmanager:*:*:secret:{name}{}", suffix(name))).collect()
}

/// A guardrail that reserves secrets by name: only the excepted users and roles can use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedNames {
    names: Vec<String>,
    except: Vec<String>,
    readable: bool,
}

impl ReservedNames {
    /// Reserves the secrets with these names: patterns such as `ams/*`, or whole names.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), except: Vec::new(), readable: false }
    }

    /// Excepts the users and roles whose ARN matches, for example `arn:aws:iam::*:role/platform-*`.
    #[must_use]
    pub fn except(mut self, arn: impl Into<String>) -> Self {
        self.except.push(arn.into());
        self
    }

    /// Lets everyone read them who is allowed to by other policies.
    #[must_use]
    pub fn readable(mut self) -> Self {
        self.readable = true;
        self
    }

    /// The document, which only denies. Use it as a guardrail, or in addition to the other policies
    /// of a user or role.
    #[must_use]
    pub fn document(&self) -> String {
        let mut actions = CHANGES.to_vec();
        if !self.readable {
            actions.extend(READS);
        }
        let mut statement = json!({
            "Sid": "ReservedNames",
            "Effect": "Deny",
            "Action": actions,
            "Resource": resources(&self.names),
        });
        if !self.except.is_empty() {
            statement["Condition"] = json!({"ArnNotLike": {"aws:PrincipalArn": self.except}});
        }
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }
}

/// The permissions to read the secrets with these names (patterns such as `orders/*`, or whole
/// names) under the AWS managed key of Secrets Manager.
pub fn read_names<N: Into<String>>(names: impl IntoIterator<Item = N>) -> String {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let statement = json!({
        "Sid": "ReadNames", "Effect": "Allow", "Action": READS, "Resource": resources(&names),
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}
