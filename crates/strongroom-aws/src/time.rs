//! Converts AWS's dates to ours.

use aws_smithy_types::DateTime;
use strongroom_types::Timestamp;

/// Rounds to the nearest millisecond: the wire format is fractional seconds in floating point,
/// which rarely represents a millisecond exactly.
pub(crate) fn timestamp(date: &DateTime) -> Option<Timestamp> {
    let fraction = i64::from(date.subsec_nanos()).saturating_add(500_000) / 1_000_000;
    date.secs().checked_mul(1000)?.checked_add(fraction).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_millisecond_comes_back() {
        for millis in (1_795_364_612_000..1_795_364_614_000).chain([0, 1, 999, 1_000, 4_102_444_799_999]) {
            #[allow(clippy::cast_precision_loss, reason = "as the wire has it")]
            let wire = millis as f64 / 1000.0;
            let date = DateTime::from_secs_f64(wire);
            assert_eq!(timestamp(&date), Some(Timestamp::from_millis(millis)), "{wire}");
        }
        assert_eq!(timestamp(&DateTime::from_secs(i64::MAX)), None);
    }
}
