//! The roots of a strongroom, without async.

use pollster::block_on;
use strongroom_root::{RecoveryCode, RekeyProgress, RootKey, RootSlot};

use crate::Error;
use crate::blocking_room::Strongroom;

/// As [`crate::Roots`], without async.
#[derive(Clone, Debug)]
pub struct Roots(crate::Roots);

impl Strongroom {
    /// As [`crate::Strongroom::roots`], without async.
    #[must_use]
    pub fn roots(&self) -> Roots {
        Roots(self.as_async().roots())
    }
}

impl Roots {
    /// As [`crate::Roots::list`].
    ///
    /// # Errors
    /// As [`crate::Roots::list`].
    pub fn list(&self) -> Result<Vec<RootSlot>, Error> {
        block_on(self.0.list())
    }

    /// As [`crate::Roots::add`].
    ///
    /// # Errors
    /// As [`crate::Roots::add`].
    pub fn add(&self, root: impl Into<RootKey>, label: &str) -> Result<RootSlot, Error> {
        block_on(self.0.add(root, label))
    }

    /// As [`crate::Roots::add_recovery_code`].
    ///
    /// # Errors
    /// As [`crate::Roots::add_recovery_code`].
    pub fn add_recovery_code(&self, label: &str) -> Result<RecoveryCode, Error> {
        block_on(self.0.add_recovery_code(label))
    }

    /// As [`crate::Roots::remove`].
    ///
    /// # Errors
    /// As [`crate::Roots::remove`].
    pub fn remove(&self, id: &str) -> Result<(), Error> {
        block_on(self.0.remove(id))
    }

    /// As [`crate::Roots::rekey`].
    ///
    /// # Errors
    /// As [`crate::Roots::rekey`].
    pub fn rekey(
        &self,
        roots: Vec<(RootKey, String)>,
        progress: impl FnMut(RekeyProgress) + Send,
    ) -> Result<(), Error> {
        block_on(self.0.rekey(roots, progress))
    }
}
