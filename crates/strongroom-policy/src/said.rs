//! The condition keys that a session can set for itself.

/// AWS keys that describe the origin of a request or the identity provider of its session, and are
/// set with the session.
const SAID: [&str; 9] = [
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourcevpcarn",
    "aws:vpcsourceip",
    "aws:referer",
    "aws:sourceidentity",
    "aws:federatedprovider",
    "aws:principalorgid",
    "aws:principalorgpaths",
];

/// Keys by which a service names the source on whose behalf it calls.
const SAID_BY_SERVICES: [&str; 4] =
    ["aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"];

/// Whether a session can set this key. It cannot set those that the services determine from the
/// caller, the resource or the request.
pub(crate) fn may_be_said(key: &str, is_service: bool) -> bool {
    let key = key.to_ascii_lowercase();
    let ours = ["aws:", "kms:", "secretsmanager:", "ssm:", "iam:", "sts:"];
    SAID.contains(&key.as_str())
        || (is_service && SAID_BY_SERVICES.contains(&key.as_str()))
        || !ours.iter().any(|service| key.starts_with(service))
}
