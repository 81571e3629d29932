//! Reading several values at once.

use strongroom_store::{BatchGetSecretValue, BatchPage, Filter, FilterKey, SecretId};

use super::{Room, begins, sends};
use crate::{Error, Strongroom};

/// Reads the current values of up to 20 secrets. Begun by [`Strongroom::get_batch`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct GetBatch<R = Strongroom> {
    room: R,
    request: BatchGetSecretValue,
}

begins!(
    /// Reads the current values of up to 20 secrets:
    /// `room.get_batch(["prod/db", "prod/api"]).send().await?`.
    get_batch(ids: impl IntoIterator<Item = impl Into<SecretId>>) -> GetBatch, |room| {
        GetBatch::new(room, ids.into_iter().map(Into::into).collect())
    }
);

impl<R: Room> GetBatch<R> {
    pub(crate) fn new(room: R, ids: Vec<SecretId>) -> Self {
        Self { room, request: BatchGetSecretValue::of(ids) }
    }

    async fn run(self) -> Result<BatchPage, Error> {
        let room = self.room.room();
        Ok(room.store.batch_get_secret_value(room.context(), self.request).await?)
    }
}

sends!(GetBatch => BatchPage,
    /// Reads the values. Failures of single secrets are in [`BatchPage::errors`].
    ///
    /// # Errors
    /// As [`crate::SecretStore::batch_get_secret_value`].
);

/// Reads the current values of the secrets that filters match. Begun by
/// [`Strongroom::get_matching`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct GetMatching<R = Strongroom> {
    room: R,
    request: BatchGetSecretValue,
}

begins!(
    /// Reads the current values of the secrets that match one of these values, a page at a time, or
    /// all with `.all()`: `room.get_matching(FilterKey::TagKey, ["team"]).all().await?`.
    get_matching(
        key: FilterKey,
        values: impl IntoIterator<Item = impl Into<String>>
    ) -> GetMatching, |room| GetMatching::new(room, Filter::new(key, values))
);

impl<R: Room> GetMatching<R> {
    pub(crate) fn new(room: R, filter: Filter) -> Self {
        Self { room, request: BatchGetSecretValue::matching(filter) }
    }

    /// Only those that also match one of these values.
    pub fn filter<V: Into<String>>(mut self, key: FilterKey, values: impl IntoIterator<Item = V>) -> Self {
        self.request = self.request.filter(Filter::new(key, values));
        self
    }

    /// At most this many secrets per page: 1 to 20, by default 20.
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.request = self.request.max_results(max_results);
        self
    }

    /// The page that this token from the previous page leads to.
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.request = self.request.next_token(token);
        self
    }

    async fn run(self) -> Result<BatchPage, Error> {
        let room = self.room.room();
        Ok(room.store.batch_get_secret_value(room.context(), self.request).await?)
    }

    async fn run_all(mut self) -> Result<BatchPage, Error> {
        let mut all = BatchPage::default();
        loop {
            let room = self.room.room();
            let page = room.store.batch_get_secret_value(room.context(), self.request.clone()).await?;
            all.values.extend(page.values);
            all.errors.extend(page.errors);
            match page.next_token {
                Some(token) => self.request.next_token = Some(token),
                None => return Ok(all),
            }
        }
    }
}

sends!(GetMatching => BatchPage,
    /// Reads one page. Failures of single secrets are in [`BatchPage::errors`].
    ///
    /// # Errors
    /// As [`crate::SecretStore::batch_get_secret_value`].
);

impl GetMatching<Strongroom> {
    /// Reads all pages.
    ///
    /// # Errors
    /// As [`crate::SecretStore::batch_get_secret_value`].
    pub async fn all(self) -> Result<BatchPage, Error> {
        self.run_all().await
    }
}

#[cfg(feature = "blocking")]
impl GetMatching<crate::blocking_room::Strongroom> {
    /// Reads all pages.
    ///
    /// # Errors
    /// As [`crate::SecretStore::batch_get_secret_value`].
    pub fn all(self) -> Result<BatchPage, Error> {
        pollster::block_on(self.run_all())
    }
}
