//! Where the users and roles of other accounts are known.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_types::AccountId;

use crate::{Error, Iam};

/// Finds the directories of other accounts, where each account keeps its own: for callers who come from there, and for policies that
/// name them. Given to [`Iam::among`].
///
/// A directory that is found is believed to be whole: who is not in it is nobody.
#[async_trait]
pub trait OtherAccounts: Send + Sync {
    /// The directory of an account; `None` where there is no such account here. It must not make one.
    ///
    /// # Errors
    /// Whatever keeps it from being read. The caller is refused then, never let in with fewer documents than it has.
    async fn directory_of(&self, account: AccountId) -> Result<Option<Iam>, Error>;
}

impl fmt::Debug for dyn OtherAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtherAccounts")
    }
}

impl Iam {
    /// A handle that asks for callers of other accounts there, instead of in [`Iam::of_account`].
    #[must_use]
    pub fn among(&self, others: Arc<dyn OtherAccounts>) -> Self {
        Self { others: Some(others), ..self.clone() }
    }

    /// The directory of an account; `None` where none is known.
    pub(crate) async fn directory_of(&self, account: AccountId) -> Result<Option<Self>, Error> {
        match &self.others {
            _ if account == self.layout.account => Ok(Some(self.clone())),
            Some(others) => Ok(others.directory_of(account).await?.filter(|iam| iam.account() == account)),
            None => Ok(Some(self.of_account(account))),
        }
    }

    /// Whether who is not found in an account's directory is nobody: in one's own, and where each account keeps its own.
    pub(crate) fn knows_all_of(&self, account: AccountId, own: AccountId) -> bool {
        account == own || self.others.is_some()
    }
}
