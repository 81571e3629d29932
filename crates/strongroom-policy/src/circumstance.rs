//! How a decision treats circumstances that are not yet known: the origin of a request, its second
//! factor, its tags.

use crate::Effect;

/// How conditions on circumstances are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Circumstances {
    /// By the keys of the request.
    #[default]
    AsSaid,
    /// In favour of the request.
    InFavour,
    /// Against the request.
    Against,
    /// As true.
    Holding,
    /// As false.
    Failing,
}

impl Circumstances {
    /// Whether a condition of a statement is fixed, whatever the request says.
    pub(crate) fn holds(self, effect: Effect) -> Option<bool> {
        match self {
            Self::AsSaid => None,
            Self::InFavour => Some(effect == Effect::Allow),
            Self::Against => Some(effect == Effect::Deny),
            Self::Holding => Some(true),
            Self::Failing => Some(false),
        }
    }
}
