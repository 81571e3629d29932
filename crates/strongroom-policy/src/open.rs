//! Which conditions of a request are open, that is, depend on circumstances not yet known.

use crate::lint::may_exist;
use crate::said::may_be_said;
use crate::{PrincipalKind, Request};

/// Keys that differ between sessions of one caller, whatever the present session says.
const OF_THE_SESSION: [&str; 4] =
    ["aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime", "aws:useragent"];

const TIME: [&str; 2] = ["aws:currenttime", "aws:epochtime"];

/// The origin of a request, which a service that calls on someone's behalf hides.
const OF_THE_CONNECTION: [&str; 5] =
    ["aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn"];

/// The keys of Secrets Manager that describe the secret, not the request.
const OF_THE_SECRET: [&str; 4] = [
    "secretsmanager:resourcetag/",
    "secretsmanager:resource/",
    "secretsmanager:secretid",
    "secretsmanager:secretprimaryregion",
];

/// The same for KMS.
const OF_THE_KEY: [&str; 6] = [
    "kms:calleraccount",
    "kms:key",
    "kms:multiregion",
    "kms:resourcealiases",
    "kms:viaservice",
    "kms:encryptioncontext",
];

/// The parameters of requests that read secrets.
const OF_READS: [&str; 2] = ["secretsmanager:versionid", "secretsmanager:versionstage"];

/// Whether the same caller could make the same request with another value of this key, given in
/// lower case.
pub(crate) fn can_differ(key: &str, request: &Request) -> bool {
    let begins = |some: &[&str]| some.iter().any(|start| key.starts_with(start));
    let kind = request.principal().kind();
    let by_service = request.context().single_folded("aws:viaawsservice") == Some("true");
    if OF_THE_CONNECTION.contains(&key) {
        return !by_service;
    }
    if key == "aws:userid" {
        return has_sessions(kind);
    }
    if key.starts_with("aws:requesttag/") || key == "aws:tagkeys" {
        return !by_service;
    }
    let action = request.folded_action();
    if key.starts_with("secretsmanager:") {
        let given = if action == "secretsmanager:getsecretvalue" {
            OF_READS.contains(&key)
        } else {
            action.starts_with("secretsmanager:") && !begins(&OF_THE_SECRET)
        };
        return given && may_exist(key);
    }
    if key.starts_with("kms:") {
        return action.starts_with("kms:") && !by_service && !begins(&OF_THE_KEY) && may_exist(key);
    }
    OF_THE_SESSION.contains(&key)
        || key.starts_with("aws:principaltag/")
        || may_be_said(key, kind == PrincipalKind::Service)
}

/// A role has many sessions, each of which can have its own tags.
fn has_sessions(kind: PrincipalKind) -> bool {
    matches!(kind, PrincipalKind::RoleSession | PrincipalKind::FederatedUser)
}

/// Whether a key, given in lower case, is a circumstance that this request leaves open.
pub(crate) fn is_open(key: &str, request: &Request) -> bool {
    if TIME.contains(&key) {
        return request.is_time_open();
    }
    let of_sessions = has_sessions(request.principal().kind())
        && (key == "aws:userid" || key.starts_with("aws:principaltag/"));
    let varies = of_sessions || OF_THE_SESSION.contains(&key) || OF_THE_CONNECTION.contains(&key);
    can_differ(key, request) && (varies || request.context().folded(key).is_none())
}
