//! Finding secrets.

use strongroom_store::{Error, Target};

use crate::error::storage;
use crate::head::StoredHead;
use crate::parts::Parts;

/// The records of secrets.
#[derive(Clone, Copy)]
pub(crate) struct Storage<'a>(pub(crate) &'a Parts);

impl Storage<'_> {
    /// The secret that `target` names, marked for deletion or not.
    pub(crate) async fn find(self, target: &Target) -> Result<Option<StoredHead>, Error> {
        let place = self.0.layout.head(target.name());
        let stored = self.0.records.get(&place).await.map_err(storage)?;
        let known = self.0.heads();
        let Some(head) = stored.as_ref().map(|stored| known.parse(stored)).transpose()? else {
            return Ok(None);
        };
        Ok(match target {
            Target::Arn { suffix, .. } if head.head.suffix != *suffix => None,
            _ => Some(head),
        })
    }
}
