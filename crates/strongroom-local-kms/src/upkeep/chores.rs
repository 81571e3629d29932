//! What a housekeeper does for keys.

use async_trait::async_trait;
use strongroom_root::{Budget, Chore, ChoreKind, ChoreReport, Error, Lease};
use strongroom_types::Timestamp;

use super::deletions::DueKeys;
use super::imports::ExpiredImports;
use super::rotations::DueRotations;
use crate::parts::Parts;

/// All chores of a key service.
pub(crate) fn all(parts: &Parts) -> Vec<Box<dyn Chore>> {
    [Task::RotateKeys, Task::DeleteMaterial, Task::DeleteKeys]
        .map(|task| Box::new(KeyChore { parts: parts.clone(), task }) as Box<dyn Chore>)
        .into()
}

struct KeyChore {
    parts: Parts,
    task: Task,
}

impl std::fmt::Debug for KeyChore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyChore({} in {})", self.name(), self.parts.realm())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    RotateKeys,
    DeleteMaterial,
    DeleteKeys,
}

#[async_trait]
impl Chore for KeyChore {
    fn name(&self) -> &'static str {
        match self.task {
            Task::RotateKeys => "rotate-keys",
            Task::DeleteMaterial => "delete-material",
            Task::DeleteKeys => "delete-keys",
        }
    }

    fn kind(&self) -> ChoreKind {
        match self.task {
            Task::RotateKeys => ChoreKind::Shared,
            Task::DeleteMaterial | Task::DeleteKeys => ChoreKind::Destroys,
        }
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let next = match self.task {
            Task::RotateKeys => DueRotations(&self.parts).next().await,
            Task::DeleteMaterial => ExpiredImports(&self.parts).next().await,
            Task::DeleteKeys => DueKeys(&self.parts).next().await,
        };
        next.map_err(Error::of_chore)
    }

    async fn run(&self, lease: &Lease, budget: Budget) -> Result<ChoreReport, Error> {
        let report = match self.task {
            Task::RotateKeys => DueRotations(&self.parts).run(lease, budget).await,
            Task::DeleteMaterial => ExpiredImports(&self.parts).run(lease, budget).await,
            Task::DeleteKeys => DueKeys(&self.parts).run(lease, budget).await,
        };
        let report = report.map_err(Error::of_chore)?;
        if self.task != Task::RotateKeys && report.done > 0 {
            self.parts.erase().await.map_err(Error::of_chore)?;
        }
        Ok(report.of_chore())
    }
}
