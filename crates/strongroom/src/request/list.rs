//! Listing.

use strongroom_store::{
    Filter, FilterKey, ListSecretVersionIds, ListSecrets, SecretId, SecretMetadata, SecretPage, SortBy,
    SortOrder, VersionMetadata, VersionPage,
};

use super::{Room, begins, sends};
use crate::{Error, Strongroom};

/// Lists secrets. Begun by [`Strongroom::list`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct List<R = Strongroom> {
    room: R,
    request: ListSecrets,
}

begins!(
    /// Lists secrets: `room.list().send().await?`, or all of them with `.all()`.
    list() -> List, |room| List::new(room)
);

impl<R: Room> List<R> {
    pub(crate) fn new(room: R) -> Self {
        Self { room, request: ListSecrets::new() }
    }

    /// At most this many per page: 1 to 100, by default 100.
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.request = self.request.max_results(max_results);
        self
    }

    /// The page that this token from the previous page leads to.
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.request = self.request.next_token(token);
        self
    }

    /// Only secrets that match one of these values; several filters must all match. A
    /// value that begins with `!` matches what the rest of it does not match.
    pub fn filter<V: Into<String>>(mut self, key: FilterKey, values: impl IntoIterator<Item = V>) -> Self {
        self.request = self.request.filter(Filter::new(key, values));
        self
    }

    /// Only secrets whose name begins with this: [`List::filter`] by [`FilterKey::Name`].
    pub fn name_prefix(self, prefix: impl Into<String>) -> Self {
        self.filter(FilterKey::Name, [prefix])
    }

    /// Includes secrets that are marked for deletion.
    pub fn include_planned_deletion(mut self) -> Self {
        self.request = self.request.include_planned_deletion();
        self
    }

    /// Sorts by this; by default by creation, oldest first.
    pub fn sort(mut self, by: SortBy, order: SortOrder) -> Self {
        self.request = self.request.sort(by, order);
        self
    }

    async fn run(self) -> Result<SecretPage, Error> {
        let room = self.room.room();
        Ok(room.store.list_secrets(room.context(), self.request).await?)
    }

    async fn run_all(mut self) -> Result<Vec<SecretMetadata>, Error> {
        let mut secrets = Vec::new();
        loop {
            let room = self.room.room();
            let page = room.store.list_secrets(room.context(), self.request.clone()).await?;
            secrets.extend(page.secrets);
            match page.next_token {
                Some(token) => self.request.next_token = Some(token),
                None => return Ok(secrets),
            }
        }
    }
}

sends!(List => SecretPage,
    /// Reads one page.
    ///
    /// # Errors
    /// As [`crate::SecretStore::list_secrets`].
);

impl List<Strongroom> {
    /// Reads all pages.
    ///
    /// # Errors
    /// As [`crate::SecretStore::list_secrets`].
    pub async fn all(self) -> Result<Vec<SecretMetadata>, Error> {
        self.run_all().await
    }
}

#[cfg(feature = "blocking")]
impl List<crate::blocking_room::Strongroom> {
    /// Reads all pages.
    ///
    /// # Errors
    /// As [`crate::SecretStore::list_secrets`].
    pub fn all(self) -> Result<Vec<SecretMetadata>, Error> {
        pollster::block_on(self.run_all())
    }
}

/// Lists a secret's versions, oldest first. Begun by [`Strongroom::versions`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct ListVersions<R = Strongroom> {
    room: R,
    request: ListSecretVersionIds,
}

begins!(
    /// Lists a secret's versions: `room.versions("prod/db").send().await?`, or all of them with
    /// `.all()`.
    versions(id: impl Into<SecretId>) -> ListVersions, |room| ListVersions::new(room, id.into())
);

impl<R: Room> ListVersions<R> {
    pub(crate) fn new(room: R, id: SecretId) -> Self {
        Self { room, request: ListSecretVersionIds::new(id) }
    }

    /// At most this many per page: 1 to 100, by default 100.
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.request = self.request.max_results(max_results);
        self
    }

    /// The page that this token from the previous page leads to.
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.request = self.request.next_token(token);
        self
    }

    /// Includes versions without labels.
    pub fn include_deprecated(mut self) -> Self {
        self.request = self.request.include_deprecated();
        self
    }

    async fn run(self) -> Result<VersionPage, Error> {
        let room = self.room.room();
        Ok(room.store.list_secret_version_ids(room.context(), self.request).await?)
    }

    async fn run_all(mut self) -> Result<Vec<VersionMetadata>, Error> {
        let mut versions = Vec::new();
        loop {
            let room = self.room.room();
            let page = room.store.list_secret_version_ids(room.context(), self.request.clone()).await?;
            versions.extend(page.versions);
            match page.next_token {
                Some(token) => self.request.next_token = Some(token),
                None => return Ok(versions),
            }
        }
    }
}

sends!(ListVersions => VersionPage,
    /// Reads one page.
    ///
    /// # Errors
    /// As [`crate::SecretStore::list_secret_version_ids`].
);

impl ListVersions<Strongroom> {
    /// Reads all pages.
    ///
    /// # Errors
    /// As [`crate::SecretStore::list_secret_version_ids`].
    pub async fn all(self) -> Result<Vec<VersionMetadata>, Error> {
        self.run_all().await
    }
}

#[cfg(feature = "blocking")]
impl ListVersions<crate::blocking_room::Strongroom> {
    /// Reads all pages.
    ///
    /// # Errors
    /// As [`crate::SecretStore::list_secret_version_ids`].
    pub fn all(self) -> Result<Vec<VersionMetadata>, Error> {
        pollster::block_on(self.run_all())
    }
}
