//! What the operations of STS and IAM do with the members that AWS's service models give them.
//! `tests/members.rs` includes this file and compares it with the models: a member that is in
//! neither list of its operation is found there.

/// An operation's members.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// Those that the operation reads.
    #[allow(dead_code, reason = "the test compares them with the models")]
    pub(crate) read: &'static [&'static str],
    /// Those that would change what is asked for in a way that is not implemented, and why.
    pub(crate) refused: &'static [(&'static str, &'static str)],
}

const fn reads(name: &'static str, read: &'static [&'static str]) -> Operation {
    Operation { name, read, refused: &[] }
}

/// All operations there are.
pub(crate) const OPERATIONS: [Operation; 18] = [
    reads("GetCallerIdentity", &[]),
    Operation {
        name: "AssumeRole",
        read: &["RoleArn", "RoleSessionName", "Policy", "DurationSeconds", "Tags", "ExternalId"],
        refused: &[
            // Without them the session could do more than was asked for.
            ("PolicyArns", "give the session policy itself, as Policy"),
            ("TransitiveTagKeys", "a session's tags end with it"),
            ("SourceIdentity", "sessions have none"),
            ("ProvidedContexts", "sessions have none"),
            ("SerialNumber", "there is no multi-factor authentication"),
            ("TokenCode", "there is no multi-factor authentication"),
            ("MinimumSessionTokenSize", "a session token is as long as its content"),
        ],
    },
    reads("CreateUser", &["Path", "UserName", "PermissionsBoundary", "Tags"]),
    Operation {
        name: "CreateRole",
        read: &[
            "Path",
            "RoleName",
            "AssumeRolePolicyDocument",
            "Description",
            "MaxSessionDuration",
            "PermissionsBoundary",
            "Tags",
        ],
        refused: &[("MaxSigninSessionDuration", "nobody signs in to a console")],
    },
    reads("GetUser", &["UserName"]),
    reads("GetRole", &["RoleName"]),
    reads("DeleteUser", &["UserName"]),
    reads("DeleteRole", &["RoleName"]),
    reads("PutUserPolicy", &["UserName", "PolicyName", "PolicyDocument"]),
    reads("PutRolePolicy", &["RoleName", "PolicyName", "PolicyDocument"]),
    reads("DeleteUserPolicy", &["UserName", "PolicyName"]),
    reads("DeleteRolePolicy", &["RoleName", "PolicyName"]),
    reads("AttachUserPolicy", &["UserName", "PolicyArn"]),
    reads("AttachRolePolicy", &["RoleName", "PolicyArn"]),
    reads("DetachUserPolicy", &["UserName", "PolicyArn"]),
    reads("DetachRolePolicy", &["RoleName", "PolicyArn"]),
    reads("CreateAccessKey", &["UserName"]),
    reads("DeleteAccessKey", &["UserName", "AccessKeyId"]),
];
