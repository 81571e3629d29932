//! The users, roles and policies of an account, as callers see them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use strongroom_records::Scan;
use strongroom_root::TrustedRecords;
use strongroom_types::{AccountId, Clock};

use crate::at_hand::AtHand;
use crate::cache::Cache;
use crate::directory::{Directory, Inner};
use crate::error::storage;
use crate::record::Layout;
use crate::{AccessKeys, Error, Guardrails, ManagedPolicies, OwnerAccessKeys};

/// The users, roles and policies of an account. Clones share everything.
///
/// Every operation takes the caller's context: the owner can do everything, others what their
/// policies allow (`iam:CreateUser` and so on).
#[derive(Clone)]
pub struct Iam {
    pub(crate) directory: Directory,
}

/// Finds the directories of other accounts, if each account has its own. [`Iam::among`] takes it,
/// and uses it for callers from other accounts and for policies that name them.
///
/// A directory that is found is taken to be complete: a user or role that is not in it does not
/// exist.
#[async_trait]
pub trait OtherAccounts: Send + Sync {
    /// The directory of an account; `None` if the account does not exist here. Must not create one.
    ///
    /// # Errors
    /// If the directory cannot be read. The caller is then refused, never admitted with fewer
    /// policies than it has.
    async fn directory_of(&self, account: AccountId) -> Result<Option<Iam>, Error>;
}

impl std::fmt::Debug for dyn OtherAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OtherAccounts")
    }
}

impl std::fmt::Debug for Iam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Iam({})", self.directory.layout.account)
    }
}

impl Iam {
    /// The directory of the account that `records` belong to.
    #[must_use]
    pub fn new(records: TrustedRecords, clock: Arc<dyn Clock>) -> Self {
        let realm = records.realm().clone();
        let layout = Layout { account: realm.account(), realm };
        let inner = Arc::new(Inner {
            records,
            clock,
            cache: Cache::default(),
            credentials: AtHand::default(),
            commits: AtomicU64::new(0),
        });
        Self { directory: Directory { inner, layout, others: None } }
    }

    /// The part of this storage that describes another account's users and roles, for callers from
    /// there. Only this storage's owner can change it.
    #[must_use]
    pub fn of_account(&self, account: AccountId) -> Self {
        Self { directory: self.directory.of_account(account) }
    }

    /// The accounts with users or roles in this storage, including this one if it has any.
    ///
    /// # Errors
    /// If storage fails. This does not check permissions: the caller of this method must.
    pub async fn accounts(&self) -> Result<Vec<AccountId>, Error> {
        let snapshot = self.directory.inner.records.snapshot().await.map_err(storage)?;
        let (all, mut found) = (self.directory.layout.accounts(), Vec::new());
        let mut scan = Scan::prefix(&all).limit(1);
        // Skip from the first record of one account to the first of the next.
        while let Some(first) = snapshot.scan(&scan).await.map_err(storage)?.records.first() {
            let segments = first.key.segments().unwrap_or_default();
            let depth = all.segments().unwrap_or_default().len();
            let Some(text) = segments.get(depth) else { break };
            let account = std::str::from_utf8(text).ok().and_then(|text| AccountId::parse(text).ok());
            found.extend(account);
            let Some(next) = all.clone().then(text).prefix_end() else { break };
            scan = Scan::prefix(&all).after(&next).limit(1);
        }
        Ok(found)
    }

    /// The account of this directory.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.directory.layout.account
    }

    /// The access keys of users.
    #[must_use]
    pub fn access_keys(&self) -> AccessKeys<'_> {
        AccessKeys(&self.directory)
    }

    /// The access keys of the account's owner.
    #[must_use]
    pub fn owner_access_keys(&self) -> OwnerAccessKeys<'_> {
        OwnerAccessKeys(&self.directory)
    }

    /// The managed policies, and their versions.
    #[must_use]
    pub fn managed_policies(&self) -> ManagedPolicies<'_> {
        ManagedPolicies(&self.directory)
    }

    /// The guardrails, which limit everyone in the account but its owner.
    #[must_use]
    pub fn guardrails(&self) -> Guardrails<'_> {
        Guardrails(&self.directory)
    }
}
