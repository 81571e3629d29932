//! The operations, by name.

use std::fmt;

use crate::{Error, ErrorKind};

macro_rules! operations {
    ($($name:ident),+ $(,)?) => {
        /// An operation of Secrets Manager, as policies, logs and explanations name it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $(
                #[doc = concat!("`secretsmanager:", stringify!($name), "`.")]
                $name,
            )+
        }

        impl Operation {
            /// All of them, by name.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name: `GetSecretValue`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// As policies call it: `secretsmanager:GetSecretValue`.
            #[must_use]
            pub fn action(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("secretsmanager:", stringify!($name)),)+
                }
            }
        }
    };
}

operations!(
    BatchGetSecretValue,
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
    ValidateResourcePolicy,
);

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Operation {
    type Err = Error;

    /// Reads a name, with or without `secretsmanager:` before it.
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
}
