//! Permission to destroy what is past its date.

use std::fmt::Debug;

/// Whether the wall clock may be believed when it says that something is past its date and can be
/// destroyed for good. Asked in the moment before destroying, so an implementation looks at the
/// clocks when it is asked instead of remembering an earlier verdict.
pub trait PurgePermit: Send + Sync + Debug {
    /// Whether what is past its date may be destroyed now.
    fn may_destroy(&self) -> bool;
}

/// Believes the wall clock always. The default where nobody watches the clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysPermitted;

impl PurgePermit for AlwaysPermitted {
    fn may_destroy(&self) -> bool {
        true
    }
}
