//! All services, and routing requests to them.

use std::borrow::Cow;

use http::header::CONTENT_TYPE;
use http::request::Parts;

use crate::api::{Api, Protocol};
use crate::keys::Keys;
use crate::operation::Operation;
use crate::query::{Query, action};
use crate::secrets::Secrets;

/// Every service that this server implements. No other place lists them.
pub(crate) static APIS: [&dyn Api; 3] = [&Secrets, &Keys, &Query];

/// What a request claims to want, before its signature is verified.
pub(crate) struct Wanted<'a> {
    pub(crate) api: &'static dyn Api,
    /// The operation's name. The operation may not exist.
    pub(crate) name: Cow<'a, str>,
    /// The operation, if it exists.
    pub(crate) operation: Option<&'static Operation>,
}

impl<'a> Wanted<'a> {
    /// Returns `None` if the request is for no known service.
    pub(crate) fn of(request: &'a Parts, body: &'a [u8]) -> Option<Self> {
        let (api, name) = match request.headers.get("x-amz-target") {
            Some(target) => {
                let (prefix, name) = target.to_str().ok()?.split_once('.')?;
                let json = |api: &&&dyn Api| matches!(api.protocol(), Protocol::Json(own) if own == prefix);
                (APIS.iter().find(json)?, Cow::Borrowed(name))
            }
            None => {
                let form = request.headers.get(CONTENT_TYPE)?.to_str().ok()?;
                if !form.starts_with("application/x-www-form-urlencoded") {
                    return None;
                }
                (APIS.iter().find(|api| api.protocol() == Protocol::Query)?, action(body))
            }
        };
        let operation = api.operation(&name);
        Some(Self { api: *api, name, operation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A secret's policy can allow all of these to other accounts.
    const ON_A_SECRET: [&str; 14] = [
        "DeleteResourcePolicy",
        "DeleteSecret",
        "DescribeSecret",
        "GetResourcePolicy",
        "GetSecretValue",
        "ListSecretVersionIds",
        "PutResourcePolicy",
        "PutSecretValue",
        "RestoreSecret",
        "TagResource",
        "UntagResource",
        "UpdateSecret",
        "UpdateSecretVersionStage",
        "ValidateResourcePolicy",
    ];

    /// The operations on a key that AWS allows across accounts.
    const ON_A_KEY: [&str; 13] = [
        "CreateGrant",
        "Decrypt",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetKeyRotationStatus",
        "ListGrants",
        "ReEncrypt",
        "RetireGrant",
        "RevokeGrant",
        "VerifyMac",
    ];

    #[test]
    fn the_operations_that_cross_accounts_are_those_that_aws_lets_cross() {
        let expected: [&[&str]; 3] = [&ON_A_SECRET, &ON_A_KEY, &[]];
        for (api, expected) in APIS.iter().zip(expected) {
            let operations = api.operations().into_iter().map(|(operation, _)| operation);
            let crossing = operations.filter(|operation| operation.crosses_accounts());
            let mut crossing: Vec<&str> = crossing.map(|operation| operation.name).collect();
            crossing.sort_unstable();
            assert_eq!(crossing, expected);
        }
    }

    #[test]
    fn each_operation_stands_in_its_table_once() {
        for api in APIS {
            let mut names: Vec<&str> = api.operations().iter().map(|(operation, _)| operation.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
            for name in names {
                assert_eq!(api.operation(name).map(|operation| operation.name), Some(name));
            }
            assert!(api.operation("Nonsense").is_none() && api.operation("").is_none());
        }
    }
}
