//! Whether HTTP can express the current time.

use strongroom_types::{Clock as _, SystemClock};

/// The error of a server that refuses to start because [`clock_is_sane`] is false.
pub const INSANE_CLOCK: &str = "the system clock is before 1970 or after 9999: set it first";

/// Whether HTTP's date format can express the current time. The library that formats dates panics
/// outside the years 1970 to 9999.
#[must_use]
pub fn clock_is_sane() -> bool {
    const YEAR_10_000: i64 = 253_402_300_800_000;
    (0..YEAR_10_000).contains(&SystemClock.now().as_millis())
}
