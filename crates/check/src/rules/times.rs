//! Dates and time stamps in seconds.

use jiff::Timestamp;
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks::exact_signed_seconds;

/// Unix time.
pub(crate) fn unix_s(at: Timestamp) -> f64 {
    at.as_nanosecond() as f64 / 1e9
}

/// From one time stamp of 33 bits to another, by the shorter way round.
pub(crate) fn distance_s(from_90k: u64, to_90k: u64) -> f64 {
    exact_signed_seconds(distance_90k(from_90k, to_90k))
}
