//! What a permission is about.

use strongroom_policy::Request;
use strongroom_store::Operation;

use crate::head::Head;

/// Stands for the six characters at the end of a secret's ARN before the secret exists. A pattern
/// with six question marks matches it.
pub(crate) const NO_SUFFIX: &str = "??????";

/// What an operation's permission is about, before the secret is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The secret that the request names, whether it exists or not.
    Named,
    /// The secret that is to be made.
    New,
    /// No secret.
    Nothing,
}

/// What a permission is about, once the secret was looked up.
#[derive(Clone, Copy)]
pub(crate) enum About<'a> {
    /// A secret that exists.
    Secret(&'a Head),
    /// A secret that is to be made.
    New(&'a Head),
    /// A secret that does not exist, as the caller named it.
    Given(&'a str),
    /// No secret.
    Nothing,
}

impl<'a> About<'a> {
    /// The secret that a request named as `given`.
    pub(crate) fn named(found: Option<&'a Head>, given: &'a str) -> Self {
        found.map_or(Self::Given(given), Self::Secret)
    }

    /// The secret's head, if the secret exists.
    pub(crate) fn head(self) -> Option<&'a Head> {
        match self {
            Self::Secret(head) => Some(head),
            Self::New(_) | Self::Given(_) | Self::Nothing => None,
        }
    }

    /// What AWS calls it in a denial. A secret that is about to be made has no ARN yet and is named
    /// as given; a listing names no resource; everything else is named as policies see it.
    pub(crate) fn in_denials<'b>(self, operation: Operation, request: &'b Request) -> Option<&'b str>
    where
        'a: 'b,
    {
        match self {
            Self::New(head) => Some(&head.name),
            Self::Nothing if matches!(operation, Operation::ListSecrets | Operation::BatchGetSecretValue) => {
                None
            }
            _ => Some(request.resource()),
        }
    }
}
