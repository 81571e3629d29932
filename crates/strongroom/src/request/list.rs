//! Listing.

use strongroom_store::{
    Filter, FilterKey, ListSecretVersionIds, ListSecrets, SecretId, SecretMetadata, SecretPage, SortBy,
    SortOrder, VersionMetadata, VersionPage,
};

use super::{Room, sends};
use crate::{Error, Strongroom};

/// Lists secrets. Begun by [`Strongroom::list`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct List<R = Strongroom> {
    room: R,
    request: ListSecrets,
}

impl<R: Room> List<R> {
    pub(crate) fn new(room: R) -> Self {
        Self { room, request: ListSecrets::new() }
    }

    /// At most this many a page: 1 to 100, 100 when absent.
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.request = self.request.max_results(max_results);
        self
    }

    /// The page behind this token.
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.request = self.request.next_token(token);
        self
    }

    /// Only secrets that match one of these values; several filters must all match. A value that begins with `!` matches
    /// where the rest of it does not.
    pub fn filter<V: Into<String>>(mut self, key: FilterKey, values: impl IntoIterator<Item = V>) -> Self {
        self.request = self.request.filter(Filter::new(key, values));
        self
    }

    /// Only secrets whose names begin so: [`List::filter`] by [`FilterKey::Name`].
    pub fn name_prefix(self, prefix: impl Into<String>) -> Self {
        self.filter(FilterKey::Name, [prefix])
    }

    /// Also secrets that are marked for deletion.
    pub fn include_planned_deletion(mut self) -> Self {
        self.request = self.request.include_planned_deletion();
        self
    }

    /// Sorted by this; by creation, oldest first, when absent.
    pub fn sort(mut self, by: SortBy, order: SortOrder) -> Self {
        self.request = self.request.sort(by, order);
        self
    }

    async fn run(self) -> Result<SecretPage, Error> {
        let room = self.room.room();
        Ok(room.secrets().list_secrets(room.context(), self.request).await?)
    }

    async fn run_all(mut self) -> Result<Vec<SecretMetadata>, Error> {
        let mut secrets = Vec::new();
        loop {
            let room = self.room.room();
            let page = room.secrets().list_secrets(room.context(), self.request.clone()).await?;
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
impl List<crate::blocking::Strongroom> {
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

impl<R: Room> ListVersions<R> {
    pub(crate) fn new(room: R, id: SecretId) -> Self {
        Self { room, request: ListSecretVersionIds::new(id) }
    }

    /// At most this many a page: 1 to 100, 100 when absent.
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.request = self.request.max_results(max_results);
        self
    }

    /// The page behind this token.
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.request = self.request.next_token(token);
        self
    }

    /// Also versions without labels.
    pub fn include_deprecated(mut self) -> Self {
        self.request = self.request.include_deprecated();
        self
    }

    async fn run(self) -> Result<VersionPage, Error> {
        let room = self.room.room();
        Ok(room.secrets().list_secret_version_ids(room.context(), self.request).await?)
    }

    async fn run_all(mut self) -> Result<Vec<VersionMetadata>, Error> {
        let mut versions = Vec::new();
        loop {
            let room = self.room.room();
            let page = room.secrets().list_secret_version_ids(room.context(), self.request.clone()).await?;
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
impl ListVersions<crate::blocking::Strongroom> {
    /// Reads all pages.
    ///
    /// # Errors
    /// As [`crate::SecretStore::list_secret_version_ids`].
    pub fn all(self) -> Result<Vec<VersionMetadata>, Error> {
        pollster::block_on(self.run_all())
    }
}
