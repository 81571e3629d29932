//! Conveniences over several calls.

use async_trait::async_trait;
use strongroom_types::{Arn, CallContext};

use crate::{AliasEntry, DescribeKey, Error, KeyEntry, KeyRef, Kms, KmsAdmin, ListPage};

/// Conveniences on every [`Kms`].
#[async_trait]
pub trait KmsExt: Kms {
    /// The ARN of the key that an id, ARN or alias names. Management takes the ARN where it refuses
    /// an alias.
    ///
    /// # Errors
    /// As [`Kms::describe_key`].
    async fn resolve(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        Ok(self.describe_key(cx, DescribeKey::new(key)).await?.arn)
    }
}

impl<T: Kms + ?Sized> KmsExt for T {}

/// Conveniences on every [`KmsAdmin`].
#[async_trait]
pub trait KmsAdminExt: KmsAdmin {
    /// All keys, page after page.
    ///
    /// # Errors
    /// As [`KmsAdmin::list_keys`].
    async fn all_keys(&self, cx: &CallContext) -> Result<Vec<KeyEntry>, Error> {
        let (mut page, mut keys) = (ListPage::first(), Vec::new());
        loop {
            let found = self.list_keys(cx, &page).await?;
            keys.extend(found.keys);
            match found.next_marker {
                Some(marker) => page = ListPage::after(marker),
                None => return Ok(keys),
            }
        }
    }

    /// All aliases, or those of one key, page after page.
    ///
    /// # Errors
    /// As [`KmsAdmin::list_aliases`].
    async fn all_aliases(&self, cx: &CallContext, key: Option<&KeyRef>) -> Result<Vec<AliasEntry>, Error> {
        let (mut page, mut aliases) = (ListPage::first(), Vec::new());
        loop {
            let found = self.list_aliases(cx, key, &page).await?;
            aliases.extend(found.aliases);
            match found.next_marker {
                Some(marker) => page = ListPage::after(marker),
                None => return Ok(aliases),
            }
        }
    }
}

impl<T: KmsAdmin + ?Sized> KmsAdminExt for T {}
