//! Keeping house: purging what is past its date, rotating keys, dating reads; and not by a clock that
//! has jumped.

mod clock_guard;
mod closing;
mod event;
mod keeper;
mod last_tick;
mod options;
mod stats;
mod tick;

pub(crate) use closing::{Closed, Closing, closing};
pub use event::{HousekeepingEvent, OnEvent};
pub use keeper::Housekeeper;
pub use options::Housekeeping;
pub(crate) use options::TickLimits;
pub use stats::HousekeepingStats;
pub(crate) use tick::Tick;
