//! Where the users and roles of other accounts are looked up.

use std::sync::Arc;

use strongroom_types::AccountId;

use crate::directory::Directory;
use crate::{Error, Iam, OtherAccounts};

impl Iam {
    /// A handle that looks up callers of other accounts in `others`, instead of in
    /// [`Iam::of_account`].
    #[must_use]
    pub fn among(&self, others: Arc<dyn OtherAccounts>) -> Self {
        Self { directory: Directory { others: Some(others), ..self.directory.clone() } }
    }
}

impl Directory {
    /// The directory of an account; `None` if none is known.
    pub(crate) async fn directory_of(&self, account: AccountId) -> Result<Option<Self>, Error> {
        match &self.others {
            _ if account == self.layout.account => Ok(Some(self.clone())),
            Some(others) => {
                let found = others.directory_of(account).await?;
                Ok(found.filter(|iam| iam.account() == account).map(|iam| iam.directory))
            }
            None => Ok(Some(self.of_account(account))),
        }
    }

    /// Whether a user or role that an account's directory lacks does not exist: true for this
    /// account, and if each account has its own directory.
    pub(crate) fn knows_all_of(&self, account: AccountId, own: AccountId) -> bool {
        account == own || self.others.is_some()
    }
}
