//! Ticks of 90 kHz, and what people and playlists call them. Pure.

/// Ticks to seconds, to the microsecond: what EXTINF says.
#[must_use]
pub fn seconds(duration_90k: u64) -> f64 {
    (duration_90k as f64 / 0.09).round() / 1_000_000.0
}
