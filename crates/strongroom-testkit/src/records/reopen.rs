//! How a suite crashes a backend and comes back to it.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_records::Records;

/// Storage under test, and the way back to it after a crash.
///
/// A closure that opens the storage implements this trait. It finds only what has left the process,
/// so it catches a backend that acknowledges what it holds only in memory:
///
/// ```
/// # use std::sync::Arc;
/// # use strongroom_records::{MemoryRecords, Records};
/// # use strongroom_testkit::records;
/// # async fn open(path: std::path::PathBuf) -> Arc<dyn Records> { Arc::new(MemoryRecords::new()) }
/// # fn fresh_path() -> std::path::PathBuf { "".into() }
/// # pollster::block_on(async {
/// records::conformance(async || {
///     let path = fresh_path(); // a new one each time
///     move || open(path.clone())
/// })
/// .await;
/// # });
/// ```
///
/// To catch a backend that does not sync, implement the trait and discard in [`Reopen::crash`] what
/// was not synced: let the backend write to a disk of its own, such as
/// [`SimulatedDisk`](crate::SimulatedDisk), or run it in a virtual machine and kill that. A killed
/// child process loses what its program kept to itself, but nothing that it handed to the kernel.
#[async_trait]
pub trait Reopen: Send + Sync {
    /// Opens the storage: empty the first time, and after a crash with everything that is durable.
    async fn open(&self) -> Arc<dyn Records>;

    /// Simulates a power failure: nothing is flushed or closed any more, and what is not durable is
    /// lost. Nobody uses the handle again.
    ///
    /// By default the handle is forgotten: it is never dropped, so its `Drop` does not run. A
    /// backend that locks its files within the process overrides this.
    async fn crash(&self, records: Arc<dyn Records>) {
        std::mem::forget(records);
    }

    /// Makes the power fail after this many more steps of the medium (a write, a sync, a change of
    /// a name): from then on nothing reaches it until the storage is opened after
    /// [`Reopen::crash`]. Returns `false` if that cannot be done.
    ///
    /// By default it cannot.
    fn fail_after(&self, steps: u64) -> bool {
        let _ = steps;
        false
    }
}

#[async_trait]
impl<F, Fut> Reopen for F
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Arc<dyn Records>> + Send,
{
    async fn open(&self) -> Arc<dyn Records> {
        self().await
    }
}

/// Storage that is lost with its process, and declares that ([`Records::durable`]): it cannot be
/// opened again.
#[derive(Debug)]
pub struct Volatile(Arc<dyn Records>);

impl Volatile {
    /// Takes storage, which must be empty.
    ///
    /// # Panics
    /// If the storage declares that it is durable: the suite then needs a way to open it again.
    #[must_use]
    pub fn new(records: Arc<dyn Records>) -> Self {
        assert!(
            !records.durable(),
            "the storage declares that it is durable: give the suite a way to open it again"
        );
        Self(records)
    }
}

#[async_trait]
impl Reopen for Volatile {
    async fn open(&self) -> Arc<dyn Records> {
        Arc::clone(&self.0)
    }
}
