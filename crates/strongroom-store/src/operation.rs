//! The operations, by name.

use std::fmt;

use strongroom_types::OperationName;

use crate::{Error, ErrorKind};

macro_rules! operations {
    (
        aws: $($(#[$aws_doc:meta])* $aws:ident),+;
        own: $($(#[$own_doc:meta])* $own:ident),+ $(;)?
    ) => {
        /// An operation on secrets, as errors, policies, logs and explanations name it.
        ///
        /// Most are those of AWS Secrets Manager ([`Operation::ALL`]). The others are Strongroom's
        /// own ([`Operation::OWN`]): no policy can grant or deny them, because their actions begin
        /// with `strongroom:` and no name of theirs parses as an operation of Secrets Manager.
        ///
        /// The enum is exhaustive on purpose: code that decides what each operation needs must not
        /// compile if one is missing.
        #[allow(clippy::exhaustive_enums, reason = "a store must decide about every operation")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $(
                $(#[$aws_doc])*
                #[doc = concat!("`secretsmanager:", stringify!($aws), "`.")]
                $aws,
            )+
            $(
                $(#[$own_doc])*
                $own,
            )+
        }

        impl Operation {
            /// The operations of AWS Secrets Manager, by name.
            pub const ALL: &[Self] = &[$(Self::$aws),+];

            /// Strongroom's own operations, which policies cannot name.
            pub const OWN: &[Self] = &[$(Self::$own),+];

            /// The name: `GetSecretValue`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$aws => stringify!($aws),)+
                    $(Self::$own => stringify!($own),)+
                }
            }

            /// The action in policies: `secretsmanager:GetSecretValue`. Strongroom's own operations
            /// begin with `strongroom:`.
            #[must_use]
            pub const fn action(self) -> &'static str {
                match self {
                    $(Self::$aws => concat!("secretsmanager:", stringify!($aws)),)+
                    $(Self::$own => concat!("strongroom:", stringify!($own)),)+
                }
            }

            /// Whether AWS Secrets Manager has it.
            #[must_use]
            pub const fn is_of_aws(self) -> bool {
                match self {
                    $(Self::$aws => true,)+
                    $(Self::$own => false,)+
                }
            }
        }
    };
}

operations!(
    aws: BatchGetSecretValue,
    CreateSecret,
    DeleteResourcePolicy,
    DeleteSecret,
    DescribeSecret,
    GetRandomPassword,
    GetResourcePolicy,
    GetSecretValue,
    ListSecretVersionIds,
    ListSecrets,
    PutResourcePolicy,
    PutSecretValue,
    RestoreSecret,
    TagResource,
    UntagResource,
    UpdateSecret,
    UpdateSecretVersionStage,
    ValidateResourcePolicy;
    own:
    /// Records reads that a cache has served; needs permission to read each secret.
    ReportReads,
    /// Lists the versions that are encrypted under a key; owner only.
    ListKeyUses,
    /// Re-encrypts everything under older material of a key; owner only.
    Rewrap,
    /// Closes key material to new values; owner only.
    RetireMaterial,
    /// Purges what is due and writes dates of reads; only the process itself.
    Maintain,
    /// Checks every record; owner only.
    Verify;
);

impl OperationName for Operation {
    fn name(self) -> &'static str {
        Self::name(self)
    }

    fn action(self) -> &'static str {
        Self::action(self)
    }

    fn event_source(self) -> &'static str {
        if self.is_of_aws() { "secretsmanager.amazonaws.com" } else { "strongroom" }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Operation {
    type Err = Error;

    /// Parses the name of an operation of Secrets Manager, with or without the prefix
    /// `secretsmanager:`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.strip_prefix("secretsmanager:").unwrap_or(text);
        Self::ALL.iter().find(|one| one.name() == name).copied().ok_or_else(|| {
            let text = format!("'{}' is not an operation of Secrets Manager", text.escape_default());
            Error::new(ErrorKind::InvalidParameter, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_by_their_names() {
        for one in Operation::ALL {
            assert_eq!(one.name().parse::<Operation>().unwrap(), *one);
            assert_eq!(one.action().parse::<Operation>().unwrap(), *one);
        }
        assert!("getsecretvalue".parse::<Operation>().is_err());
    }

    #[test]
    fn strongrooms_own_operations_are_not_mistaken_for_those_of_aws() {
        for own in Operation::OWN {
            assert!(own.name().parse::<Operation>().is_err(), "{own}");
            assert!(own.action().parse::<Operation>().is_err(), "{own}");
            assert!(own.action().starts_with("strongroom:") && !Operation::ALL.contains(own), "{own}");
            assert_eq!(OperationName::event_source(*own), "strongroom");
        }
        for aws in Operation::ALL {
            assert!(aws.is_of_aws());
            assert_eq!(OperationName::event_source(*aws), "secretsmanager.amazonaws.com");
        }
    }
}
