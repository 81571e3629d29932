//! A listing of everything in an account.

use strongroom_types::CallContext;

use crate::directory::Directory;
use crate::identities::check_page;
use crate::policy_versions::versions_of;
use crate::record::{IdentityRecord, PolicyRecord};
use crate::{Error, Iam, Identity, IdentityKind, ManagedPolicies, ManagedPolicy, PolicyVersion};

/// An item of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountItem {
    /// A user or role with its policies.
    Identity {
        /// The user or role itself.
        identity: Identity,
        /// The inline policies, each a name and a document, sorted by name.
        inline: Vec<(String, String)>,
        /// The ARNs of managed policies, in the order they were attached.
        attached: Vec<String>,
    },
    /// A managed policy with its versions, newest first.
    Policy {
        /// The policy itself.
        policy: ManagedPolicy,
        /// Its versions.
        versions: Vec<PolicyVersion>,
    },
}

/// A kind of [`AccountItem`] to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AccountItemKind {
    /// Users.
    Users,
    /// Roles.
    Roles,
    /// The account's own managed policies.
    OwnPolicies,
    /// The policies of [`presets`](crate::presets) that are attached to a user or role.
    PresetPolicies,
}

/// A page of an account's items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountPage {
    /// Users, then roles, then policies, each by name.
    pub items: Vec<AccountItem>,
    /// Where the next page begins, if there is one.
    pub next_marker: Option<(AccountItemKind, String)>,
}

impl Iam {
    /// The account's users, roles and managed policies with their documents: those of the given
    /// kinds, after the marker.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged; [`crate::ErrorKind::Validation`] for a page size
    /// of 0 or of more than 1,000.
    pub async fn account_items(
        &self,
        cx: &CallContext,
        kinds: &[AccountItemKind],
        marker: Option<(AccountItemKind, &str)>,
        limit: usize,
    ) -> Result<AccountPage, Error> {
        let listed = async {
            self.directory.permit(cx, "GetAccountAuthorizationDetails", "*").await?;
            check_page(limit)?;
            let mut kinds = kinds.to_vec();
            kinds.sort_unstable();
            kinds.dedup();
            let mut page = AccountPage::default();
            let mut last = None;
            for kind in kinds {
                let after = match marker {
                    Some((begun, _)) if kind < begun => continue,
                    Some((begun, name)) if kind == begun => Some(name),
                    _ => None,
                };
                // Read one item beyond the limit to learn whether there is a next page.
                let room = limit + 1 - page.items.len();
                for (name, item) in items_of(&self.directory, kind, after, room).await? {
                    if page.items.len() == limit {
                        page.next_marker = last;
                        return Ok(page);
                    }
                    last = Some((kind, name));
                    page.items.push(item);
                }
            }
            Ok(page)
        };
        listed.await.map_err(|error: Error| error.during("GetAccountAuthorizationDetails"))
    }
}

async fn items_of(
    directory: &Directory,
    kind: AccountItemKind,
    after: Option<&str>,
    room: usize,
) -> Result<Vec<(String, AccountItem)>, Error> {
    let identity = match kind {
        AccountItemKind::Users => IdentityKind::User,
        AccountItemKind::Roles => IdentityKind::Role,
        AccountItemKind::OwnPolicies => {
            let (found, _) =
                directory.page(&directory.layout.policies(), after, room, |_: &PolicyRecord| true).await?;
            let items = found.into_iter().map(|record| {
                let versions = record.all_versions();
                (record.name.clone(), AccountItem::Policy { policy: directory.to_policy(record), versions })
            });
            return Ok(items.collect());
        }
        AccountItemKind::PresetPolicies => {
            let all = presets_in_use(directory).await?;
            let rest = all.into_iter().filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
            return Ok(rest.take(room).collect());
        }
    };
    let place = directory.layout.identities(identity);
    let (found, _) = directory.page(&place, after, room, |_: &IdentityRecord| true).await?;
    let items = found.into_iter().map(|record| {
        let item = AccountItem::Identity {
            identity: record.to_identity(identity, &directory.layout),
            inline: record.inline,
            attached: record.attached,
        };
        (record.name, item)
    });
    Ok(items.collect())
}

async fn presets_in_use(directory: &Directory) -> Result<Vec<(String, AccountItem)>, Error> {
    let mut items = Vec::new();
    for policy in ManagedPolicies(directory).all_presets().await? {
        if policy.attachments > 0 {
            let versions = versions_of(policy.arn.as_str(), None)?;
            items.push((policy.name.clone(), AccountItem::Policy { policy, versions }));
        }
    }
    Ok(items)
}
