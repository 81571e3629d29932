//! What is done without a request.

pub(crate) mod deletions;
pub(crate) mod imports;
pub(crate) mod rotations;
pub(crate) mod verification;

use strongroom_kms::Error;

use crate::parts::Parts;
use deletions::DueKeys;
use imports::ExpiredImports;
use rotations::DueRotations;

/// Everything whose time has come.
#[derive(Clone, Copy)]
pub(crate) struct Upkeep<'a>(pub(crate) &'a Parts);

impl Upkeep<'_> {
    /// Rotates, expires and deletes. Returns how many keys were deleted.
    pub(crate) async fn run(self) -> Result<u64, Error> {
        // Each does what it can, whatever the others find.
        let (rotated, expired) = (DueRotations(self.0).run().await, ExpiredImports(self.0).run().await);
        let deleted = DueKeys(self.0).run().await;
        let gone = |count: &Result<u64, Error>| count.as_ref().is_ok_and(|count| *count > 0);
        if gone(&deleted) || gone(&expired) {
            self.0.erase().await?;
        }
        rotated?;
        expired?;
        deleted
    }
}
