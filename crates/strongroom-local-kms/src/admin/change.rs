//! Changing a key's record.

use strongroom_kms::{Error, ErrorKind, KeyRef, KeyState};
use strongroom_root::TrustedBatch;

use crate::call::KeyCall;
use crate::gate::Gate;
use crate::keys::write::Writer;
use crate::layout::StoredKey;
use crate::naming::finder::Finder;
use crate::needs::Role;
use crate::parts::{Parts, contended};

/// Whether a change has anything to write.
pub(crate) enum Change<T> {
    None(T),
    Write(T),
}

/// Reads, permits, changes and commits.
#[derive(Clone, Copy)]
pub(crate) struct Changes<'a>(pub(crate) &'a Parts);

impl Changes<'_> {
    /// Reads, permits, changes and commits a key's record; again when somebody else was first.
    pub(crate) async fn change<T>(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        change: impl Fn(&Parts, &mut StoredKey, &mut TrustedBatch) -> Result<Change<T>, Error> + Send + Sync,
    ) -> Result<T, Error> {
        let needed = call.needs(Role::Key)?;
        let mut last = None;
        for () in self.0.attempts(call.cx()) {
            let mut key = Finder(self.0).managed(call, key, needed).await?;
            Gate(self.0).permit(call, &key, needed).await?;
            let mut batch = self.0.inner.records.batch();
            let value = match change(self.0, &mut key, &mut batch)? {
                Change::None(value) => return Ok(value),
                Change::Write(value) => value,
            };
            key.record.state = key.state.to_string();
            match Writer(self.0).commit_key(&key, batch).await {
                Ok(_) => {
                    if key.state != KeyState::Enabled {
                        self.0.inner.materials.forget(&key.id);
                    }
                    return Ok(value);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(contended))
    }
}
