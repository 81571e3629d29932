//! How a decision takes what nobody knows yet: from where, with what second factor or with which tags a request comes.

use crate::Effect;

/// How conditions on circumstances are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Circumstances {
    /// By what the request says.
    #[default]
    AsSaid,
    /// As the request would want them.
    InFavour,
    /// As the request would not want them.
    Against,
    /// As if they held.
    Holding,
    /// As if they did not hold.
    Failing,
}

impl Circumstances {
    /// Whether a condition of a statement is to hold whatever the request says.
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
