//! Ready-made policies. They are ordinary documents: attach them, put them, or begin your own with them.
//!
//! ```
//! use strongroom_iam::presets::ReservedNames;
//! use strongroom_policy::Policy;
//!
//! // Nobody of the account but its owner and the platform's roles touches what is named so.
//! let document = ReservedNames::new(["ams/*", "customer-shared/*"]).except("arn:aws:iam::*:role/platform-*").document();
//! assert!(Policy::identity(&document).is_ok());
//! ```

use serde_json::json;

/// Allows everything: `AdministratorAccess`.
pub const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Everyday work with keys, without deleting them or changing who may use them: `AWSKeyManagementServicePowerUser`.
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

/// By name.
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

/// The policy of this ARN that every account has, the same in every partition.
pub(crate) fn known(arn: &str) -> Option<&'static Preset> {
    let rest = arn.strip_prefix("arn:")?;
    let rest = rest.get(rest.find(':')?..)?;
    ALL.iter().find(|preset| preset.arn.strip_prefix("arn:aws") == Some(rest))
}

/// The document of a policy that every account has.
#[must_use]
pub fn document(arn: &str) -> Option<&'static str> {
    known(arn).map(|preset| preset.document)
}

/// What changes secrets.
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

/// What reads a secret.
const READS: [&str; 3] =
    ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:ListSecretVersionIds"];

/// The ARNs of secrets by a pattern of their names: `prod/*`, or a name, whose six random characters are filled in.
fn resources(names: &[String]) -> Vec<String> {
    let suffix = |name: &str| if name.ends_with('*') { "" } else { "-??????" };
    names.iter().map(|name| format!("arn:*:secretsmanager:*:*:secret:{name}{}", suffix(name))).collect()
}

/// A guardrail: secrets of these names are not to be touched, but by those excepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedNames {
    names: Vec<String>,
    except: Vec<String>,
    readable: bool,
}

impl ReservedNames {
    /// Reserves the secrets of these names: patterns such as `ams/*`, or whole names.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), except: Vec::new(), readable: false }
    }

    /// But not for users and roles of ARNs like this: `arn:aws:iam::*:role/platform-*`.
    #[must_use]
    pub fn except(mut self, arn: impl Into<String>) -> Self {
        self.except.push(arn.into());
        self
    }

    /// Who may read them otherwise, still may.
    #[must_use]
    pub fn readable(mut self) -> Self {
        self.readable = true;
        self
    }

    /// The policy: one that denies. For a guardrail, a boundary, or beside others of a user or role.
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

/// What a user or role needs to read the secrets of these names (patterns such as `orders/*`, or whole names) under the key that
/// Secrets Manager manages.
pub fn read_names<N: Into<String>>(names: impl IntoIterator<Item = N>) -> String {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let statement = json!({
        "Sid": "ReadNames", "Effect": "Allow", "Action": READS, "Resource": resources(&names),
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}
