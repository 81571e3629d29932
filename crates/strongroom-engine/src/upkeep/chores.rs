//! What a housekeeper does for secrets.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_root::{Budget, Chore, ChoreKind, ChoreReport, Error, Lease};
use strongroom_store::ErrorKind;
use strongroom_types::Timestamp;

use crate::parts::Parts;
use crate::read::Dates;
use crate::upkeep::maintain::Housekeeping;

/// The chores of a secret store.
pub(crate) fn chores(parts: &Arc<Parts>) -> Vec<Box<dyn Chore>> {
    vec![Box::new(WriteDates(Arc::clone(parts))), Box::new(PurgeSecrets(Arc::clone(parts)))]
}

struct WriteDates(Arc<Parts>);

impl fmt::Debug for WriteDates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteDates")
    }
}

#[async_trait]
impl Chore for WriteDates {
    fn name(&self) -> &'static str {
        "write-dates"
    }

    fn kind(&self) -> ChoreKind {
        ChoreKind::Own
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.0.notes().any().then(|| Timestamp::from_millis(i64::MIN)))
    }

    /// The budget is not asked: what waits is in memory, bounded, and written many in a commit.
    async fn run(&self, _: &Lease, _: Budget) -> Result<ChoreReport, Error> {
        let mut report = ChoreReport::default();
        match Dates(&self.0).write_notes().await {
            Err(error) if error.kind() == ErrorKind::Tampered => {
                report.damaged = Some(Error::of_chore(error));
            }
            result => result.map_err(Error::of_chore)?,
        }
        Ok(report)
    }
}

struct PurgeSecrets(Arc<Parts>);

impl fmt::Debug for PurgeSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurgeSecrets")
    }
}

#[async_trait]
impl Chore for PurgeSecrets {
    fn name(&self) -> &'static str {
        "purge-secrets"
    }

    fn kind(&self) -> ChoreKind {
        ChoreKind::Destroys
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Housekeeping(&self.0).next_purge().await.map_err(Error::of_chore)
    }

    async fn run(&self, lease: &Lease, budget: Budget) -> Result<ChoreReport, Error> {
        let report = Housekeeping(&self.0).purge_due(lease, budget).await;
        Ok(report.map_err(Error::of_chore)?.of_chore())
    }
}
