//! The condition keys that a session may say of itself.

/// Keys of AWS that say from where a request came or by whom its session was vouched for, and are said with the session.
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

/// And those that a service says for whom it calls.
const SAID_BY_SERVICES: [&str; 4] =
    ["aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"];

/// Whether a session may say this key itself. What the services know, of the caller, the resource or the way the request took, it may
/// not.
pub(crate) fn may_be_said(key: &str, is_service: bool) -> bool {
    let key = key.to_ascii_lowercase();
    let ours = ["aws:", "kms:", "secretsmanager:", "ssm:", "iam:", "sts:"];
    SAID.contains(&key.as_str())
        || (is_service && SAID_BY_SERVICES.contains(&key.as_str()))
        || !ours.iter().any(|service| key.starts_with(service))
}
