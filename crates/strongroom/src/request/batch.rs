//! Reading several values at once.

use strongroom_store::{BatchGetSecretValue, BatchPage, Filter, FilterKey, SecretId, SecretStore};

use super::{Room, sends};
use crate::{Error, Strongroom};

/// Reads the current values of some secrets. Begun by [`Strongroom::get_batch`] and [`Strongroom::get_matching`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct GetBatch<R = Strongroom> {
    room: R,
    request: BatchGetSecretValue,
}

impl<R: Room> GetBatch<R> {
    pub(crate) fn of(room: R, ids: Vec<SecretId>) -> Self {
        Self { room, request: BatchGetSecretValue::of(ids) }
    }

    pub(crate) fn matching(room: R, filter: Filter) -> Self {
        Self { room, request: BatchGetSecretValue::matching(filter) }
    }

    /// Only those that match one of these values too.
    pub fn filter<V: Into<String>>(mut self, key: FilterKey, values: impl IntoIterator<Item = V>) -> Self {
        self.request = self.request.filter(Filter::new(key, values));
        self
    }

    /// With filters, at most this many secrets a page: 1 to 20, 20 when absent.
    pub fn max_results(mut self, max_results: i64) -> Self {
        self.request = self.request.max_results(max_results);
        self
    }

    /// With filters, the page behind this token.
    pub fn next_token(mut self, token: impl Into<String>) -> Self {
        self.request = self.request.next_token(token);
        self
    }

    async fn run(self) -> Result<BatchPage, Error> {
        let room = self.room.room();
        Ok(room.engine().batch_get_secret_value(room.context(), self.request).await?)
    }
}

sends!(GetBatch => BatchPage,
    /// Reads the values. What a single secret fails with stands in [`BatchPage::errors`].
    ///
    /// # Errors
    /// As [`SecretStore::batch_get_secret_value`].
);
