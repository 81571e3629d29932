//! What is done without a request.

pub(crate) mod chores;
pub(crate) mod deletions;
pub(crate) mod imports;
pub(crate) mod rotations;
pub(crate) mod verification;

use std::sync::Arc;

use strongroom_kms::Error;
use strongroom_root::{Budget, ChoreReport, Lease};

use crate::parts::Parts;
use deletions::DueKeys;
use imports::ExpiredImports;
use rotations::DueRotations;

/// Everything whose time has come.
#[derive(Clone, Copy)]
pub(crate) struct Upkeep<'a>(pub(crate) &'a Parts);

impl Upkeep<'_> {
    /// Rotates, expires and deletes, without a lease. Returns how many keys were deleted.
    pub(crate) async fn run(self) -> Result<u64, Error> {
        let lease = Lease::unshared();
        let budget = || Budget::unlimited(self.0.now());
        let destroying = || {
            let permit = Arc::clone(&self.0.permit);
            budget().unless(Arc::new(move || !permit.may_destroy()))
        };
        // Each does what it can, whatever the others find.
        let rotated = DueRotations(self.0).run(&lease, budget()).await;
        let expired = ExpiredImports(self.0).run(&lease, destroying()).await;
        let deleted = DueKeys(self.0).run(&lease, destroying()).await;
        let gone =
            |result: &Result<ChoreReport<Error>, Error>| result.as_ref().is_ok_and(|report| report.done > 0);
        if gone(&deleted) || gone(&expired) {
            self.0.erase().await?;
        }
        let mut done = 0;
        for result in [rotated, expired, deleted] {
            let report = result?;
            report.damaged.map_or(Ok(()), Err)?;
            done = report.done;
        }
        Ok(done)
    }
}
