//! Whether HTTP can say what time it is.

use strongroom_types::{Clock as _, SystemClock};

/// What a server says when it refuses to start under such a clock.
pub const INSANE_CLOCK: &str = "the system clock is before 1970 or after 9999: set it first";

/// Whether HTTP's dates can express the time. The library that writes them panics outside these
/// years.
#[must_use]
pub fn clock_is_sane() -> bool {
    const YEAR_10_000: i64 = 253_402_300_800_000;
    (0..YEAR_10_000).contains(&SystemClock.now().as_millis())
}
