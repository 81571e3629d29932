//! Likely mistakes, such as names that never match.

use std::fmt;

use crate::json::{describe, is_odd};
use crate::parse::has_early_variable;
use crate::{Effect, Policy, PrincipalName, Quantifier, Statement, Version};

/// A warning about an element that is valid but probably does not do what its author intended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The line of its statement.
    pub line: usize,
    /// The statement's name, or its number from 1.
    pub statement: String,
    /// The subject: an action, a condition key.
    pub subject: String,
    /// The problem, and the likely correction.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, statement {}, {}: {}", self.line, self.statement, self.subject, self.text)
    }
}

/// Services whose actions are known here.
const SERVICES: [(&str, &[&str]); 2] = [("kms", &KMS), ("secretsmanager", &SECRETS)];

/// Other services that policies often name.
const OTHER_SERVICES: [&str; 24] = [
    "acm",
    "autoscaling",
    "cloudformation",
    "cloudtrail",
    "cloudwatch",
    "drs",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "eks",
    "events",
    "iam",
    "lambda",
    "logs",
    "organizations",
    "rds",
    "s3",
    "sms",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
];

const KMS: [&str; 54] = [
    "CancelKeyDeletion",
    "ConnectCustomKeyStore",
    "CreateAlias",
    "CreateCustomKeyStore",
    "CreateGrant",
    "CreateKey",
    "Decrypt",
    "DeleteAlias",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "DisconnectCustomKeyStore",
    "EnableKey",
    "EnableKeyRotation",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "PutKeyPolicy",
    "ReEncryptFrom",
    "ReEncryptTo",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "Sign",
    "SynchronizeMultiRegionKey",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateCustomKeyStore",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
    "Verify",
];

const SECRETS: [&str; 23] = [
    "BatchGetSecretValue",
    "CancelRotateSecret",
    "CreateSecret",
    "DeleteResourcePolicy",
    "DeleteSecret",
    "DescribeSecret",
    "GetRandomPassword",
    "GetResourcePolicy",
    "GetSecretValue",
    "ListSecretVersionIds",
    "ListSecrets",
    "PutResourcePolicy",
    "PutSecretValue",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
    "RestoreSecret",
    "RotateSecret",
    "StopReplicationToReplica",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
    "UpdateSecretVersionStage",
    "ValidateResourcePolicy",
];

/// The condition keys of all services, of KMS and of Secrets Manager. Those ending in `/` or `:`
/// are followed by a name.
const KEYS: [&str; 106] = [
    "aws:AssumedRoot",
    "aws:CalledVia",
    "aws:CalledViaAWSMCP",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:ChatbotSourceArn",
    "aws:CurrentTime",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:RequestTag/",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:ResourceTag/",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSMCPService",
    "aws:ViaAWSService",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
    "kms:BypassPolicyLockoutSafetyCheck",
    "kms:CallerAccount",
    "kms:CustomerMasterKeySpec",
    "kms:CustomerMasterKeyUsage",
    "kms:DataKeyPairSpec",
    "kms:EncryptionAlgorithm",
    "kms:EncryptionContext:",
    "kms:EncryptionContextKeys",
    "kms:ExpirationModel",
    "kms:GranteePrincipal",
    "kms:GrantConstraintType",
    "kms:GrantIsForAWSResource",
    "kms:GrantOperations",
    "kms:KeyAgreementAlgorithm",
    "kms:KeyOrigin",
    "kms:KeySpec",
    "kms:KeyUsage",
    "kms:MacAlgorithm",
    "kms:MessageType",
    "kms:MultiRegion",
    "kms:MultiRegionKeyType",
    "kms:PolicyName",
    "kms:PrimaryRegion",
    "kms:RecipientAttestation:",
    "kms:ReEncryptOnSameKey",
    "kms:ReplicaRegion",
    "kms:RequestAlias",
    "kms:ResourceAliases",
    "kms:RetiringPrincipal",
    "kms:RotationPeriodInDays",
    "kms:ScheduleKeyDeletionPendingWindowInDays",
    "kms:SigningAlgorithm",
    "kms:ValidTo",
    "kms:ViaService",
    "kms:WrappingAlgorithm",
    "kms:WrappingKeySpec",
    "secretsmanager:AddReplicaRegions",
    "secretsmanager:BlockPublicPolicy",
    "secretsmanager:Description",
    "secretsmanager:ExternalSecretRotationRoleArn",
    "secretsmanager:ForceDeleteWithoutRecovery",
    "secretsmanager:ForceOverwriteReplicaSecret",
    "secretsmanager:KmsKeyArn",
    "secretsmanager:KmsKeyId",
    "secretsmanager:ModifyRotationRules",
    "secretsmanager:Name",
    "secretsmanager:RecoveryWindowInDays",
    "secretsmanager:resource/",
    "secretsmanager:ResourceTag/",
    "secretsmanager:RotateImmediately",
    "secretsmanager:RotationLambdaARN",
    "secretsmanager:SecretId",
    "secretsmanager:SecretPrimaryRegion",
    "secretsmanager:Type",
    "secretsmanager:VersionId",
    "secretsmanager:VersionStage",
];

/// Common mistaken keys, with the correct ones.
const MISTAKEN: [(&str, &str); 6] = [
    ("kms:callerarn", "aws:PrincipalArn"),
    ("kms:principalarn", "aws:PrincipalArn"),
    ("aws:callerarn", "aws:PrincipalArn"),
    ("aws:calleraccount", "aws:PrincipalAccount"),
    ("kms:sourcearn", "aws:SourceArn"),
    ("secretsmanager:secretarn", "secretsmanager:SecretId"),
];

impl Policy {
    /// Warns about likely mistakes in the document: actions, condition keys and services that do
    /// not exist and so never match, with the likely correction; characters that are not what they
    /// look like; and statements that grant more than they seem to. Only the names of KMS and
    /// Secrets Manager and the global condition keys are checked.
    #[must_use]
    pub fn lint(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (index, statement) in self.statements().iter().enumerate() {
            let mut add = |subject: &str, text: String| {
                findings.push(Finding {
                    line: statement.line(),
                    statement: statement.sid().map_or_else(|| (index + 1).to_string(), str::to_owned),
                    subject: subject.to_owned(),
                    text,
                });
            };
            for action in statement.actions() {
                if let Some(text) = odd_action(action) {
                    add(action, text);
                }
            }
            for resource in statement.resources() {
                let early = || {
                    let early = self.version() == Version::V2012 && has_early_variable(resource);
                    early.then(|| EARLY_VARIABLE.to_owned())
                };
                if let Some(text) = odd_character(resource)
                    .or_else(early)
                    .or_else(|| odd_service(resource.split(':').nth(2)?))
                {
                    add(resource, text);
                }
            }
            for condition in statement.conditions() {
                for value in condition.values() {
                    let text = odd_character(value).or_else(|| odd_value(condition.key(), value));
                    if let Some(text) = text {
                        add(value, text);
                    }
                }
                let key = condition.key();
                if let Some(text) = odd_key(key) {
                    add(key, text);
                }
                let guarded = || {
                    statement.conditions().iter().any(|other| {
                        other.operator() == "Null"
                            && other.key().eq_ignore_ascii_case(key)
                            && other.values().iter().all(|value| value.eq_ignore_ascii_case("false"))
                    })
                };
                if condition.quantifier() == Some(Quantifier::ForAllValues)
                    && statement.effect() == Effect::Allow
                    && !guarded()
                {
                    let text = "ForAllValues is also true where the request has no such key; add a condition Null on the key";
                    add(key, text.to_owned());
                }
                if condition.is_negated()
                    && statement.effect() == Effect::Allow
                    && condition.may_be_unresolved()
                {
                    add(key, format!("{} {NO_VALUE}", condition.operator()));
                }
            }
            odd_principals(statement, &mut add);
        }
        findings
    }
}

/// The warning for a negated operator over a variable.
const NO_VALUE: &str =
    "is also true where the variable has no value in the request; give the variable a default";

/// The warning for a resource.
const EARLY_VARIABLE: &str =
    "holds a variable before the fifth colon of the ARN, where none is replaced, so it is like no resource";

fn odd_principals(statement: &Statement, add: &mut impl FnMut(&str, String)) {
    let Some(principals) = statement.principals() else { return };
    if principals.all_but() && statement.effect() == Effect::Allow {
        add("NotPrincipal", "with Allow it lets nobody in: name whom to allow".to_owned());
    }
    if principals.all_but() && statement.effect() == Effect::Deny {
        let text = "with Deny it also denies whoever has a permissions boundary, although named; a condition \
                    ArnNotEquals on aws:PrincipalArn does not";
        add("NotPrincipal", text.to_owned());
    }
    for name in principals.names() {
        if let PrincipalName::Service(name) = name
            && let Some(text) = odd_service(name.split('.').next().unwrap_or_default())
        {
            add(name, text);
        }
        if let PrincipalName::Invalid(kind, name) = name {
            let odd = odd_character(name).map(|text| format!(": it {text}")).unwrap_or_default();
            add(name, format!("cannot be a principal of the kind {kind}{odd}"));
        }
    }
}

/// The problem with an action, given in lower case.
fn odd_action(action: &str) -> Option<String> {
    let (service, name) = action.split_once(':')?;
    let service = service.to_lowercase();
    let service = service.as_str();
    if service.contains(['*', '?']) {
        return None;
    }
    let known = SERVICES.iter().find(|(known, _)| *known == service);
    let Some((service, actions)) = known else {
        let meant = meant_service(service)?;
        return Some(format!("there is no service {service}; did you mean {meant}:{name}?"));
    };
    let name = name.to_lowercase();
    let reading = crate::pattern::Reading { wildcards: true, variables: false };
    let pattern = crate::pattern::Pattern::parse(&name, reading).ok()?;
    if actions.iter().any(|known| pattern.matches_plain(&known.to_lowercase())) {
        return None;
    }
    Some(match nearest(&name, actions.iter().copied()) {
        Some(meant) => format!("{service} has no such action; did you mean {service}:{meant}?"),
        None => format!("{service} has no such action"),
    })
}

/// The service that was probably meant by an unknown name. AWS has many services, so a short name
/// is taken for a mistake only if its letters are transposed, and a long one only if it is very
/// close.
fn meant_service(service: &str) -> Option<&'static str> {
    let mut known = SERVICES.iter().map(|(service, _)| *service).chain(OTHER_SERVICES);
    if known.clone().any(|known| known == service) {
        return None;
    }
    if service.len() > 4 {
        return nearest(service, known).filter(|meant| distance(service, meant) <= 2);
    }
    known.find(|known| has_letters_of(known, service))
}

/// Whether one name is a transposition of the other.
fn has_letters_of(one: &str, other: &str) -> bool {
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    letters(one) == letters(other)
}

/// The problem with a service name in an ARN or a principal.
fn odd_service(service: &str) -> Option<String> {
    if service.contains(['*', '?', '$']) {
        return None;
    }
    let meant = meant_service(service)?;
    Some(format!("there is no service {service}; did you mean {meant}?"))
}

/// The problem with a value: the service in an ARN, or in a service principal or endpoint.
fn odd_value(key: &str, value: &str) -> Option<String> {
    let service = match key.to_ascii_lowercase().as_str() {
        "kms:viaservice" => value.split('.').next(),
        _ if value.starts_with("arn:") => value.split(':').nth(2),
        _ => None,
    };
    odd_service(service?)
}

fn odd_character(text: &str) -> Option<String> {
    let odd = text.chars().find(|c| is_odd(*c))?;
    Some(format!("holds {}, which is not what is usually typed", describe(odd)))
}

/// Whether the condition key, given in lower case, is known.
pub(crate) fn may_exist(key: &str) -> bool {
    odd_key(key).is_none()
}

/// The problem with a condition key.
fn odd_key(key: &str) -> Option<String> {
    let folded = key.to_ascii_lowercase();
    let service = folded.split(':').next()?;
    if let Some((_, meant)) = MISTAKEN.iter().find(|(mistaken, _)| *mistaken == folded) {
        return Some(format!(
            "there is no such condition key, so it is never in a request; did you mean {meant}?"
        ));
    }
    let known = || KEYS.iter().copied();
    let named = |known: &str| {
        let known = known.to_ascii_lowercase();
        if known.ends_with(['/', ':']) { folded.starts_with(&known) } else { folded == known }
    };
    if known().any(named) {
        return None;
    }
    let ours = ["aws", "kms", "secretsmanager"];
    if !ours.contains(&service) {
        // Assume another service's key, unless it is close to a known one.
        if folded.contains(':') {
            let near = |own: &&str| {
                if service.len() > 4 { distance(service, own) <= 2 } else { has_letters_of(service, own) }
            };
            ours.iter().find(|own| near(own) && **own != service)?;
        }
    }
    let head = folded.split('/').next().unwrap_or_default();
    // A key without a prefix is taken for a global one.
    let whole = if head.contains(':') { head.to_owned() } else { format!("aws:{head}") };
    Some(match nearest(&whole, known()) {
        Some(meant) => {
            format!("there is no such condition key, so it is never in a request; did you mean {meant}?")
        }
        None => "there is no such condition key, so it is never in a request".to_owned(),
    })
}

/// The known name closest to an unknown one, if any is close: at most a third of the letters, and
/// at most four, can differ.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let most = (name.chars().count() / 3).clamp(1, 4);
    known
        .map(|known| (distance(&name, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The edit distance: how many letters must be inserted, removed or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = index + 1;
        for (at, known) in other.iter().enumerate() {
            let change = before + usize::from(letter != *known);
            before = row[at + 1];
            row[at + 1] = change.min(row[at] + 1).min(before + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, expected) in
            [("", "", 0), ("a", "", 1), ("kms", "kms", 0), ("decypt", "decrypt", 1), ("abc", "cba", 2)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
