//! Ticks of 90 kHz, and what people and playlists call them. Pure. Each conversion says how it rounds.

/// ISO 13818-1 2.4.3.7: time stamps count a clock of 90 kHz.
pub const TICKS_PER_S: u64 = 90_000;

/// Ticks to seconds, to the microsecond: what EXTINF says.
#[must_use]
pub fn seconds(duration_90k: u64) -> f64 {
    (duration_90k as f64 / 0.09).round() / 1_000_000.0
}

/// Ticks to seconds, as near as a float is: for texts that round it themselves.
#[must_use]
pub fn exact_seconds(duration_90k: u64) -> f64 {
    duration_90k as f64 / TICKS_PER_S as f64
}

/// The same of a distance, which may be negative.
#[must_use]
pub fn exact_signed_seconds(distance_90k: i64) -> f64 {
    distance_90k as f64 / TICKS_PER_S as f64
}

/// Ticks to the nearest whole second, halves up: what a target duration is compared with (RFC 8216 4.3.3.1).
#[must_use]
pub fn nearest_second(duration_90k: u64) -> u64 {
    duration_90k.saturating_add(TICKS_PER_S / 2) / TICKS_PER_S
}

/// So many seconds in ticks.
#[must_use]
pub fn of_seconds(duration_s: u32) -> u64 {
    u64::from(duration_s) * TICKS_PER_S
}

/// How long so many samples last, or ticks of another clock, at so many a second: rounded down. `None` at none a second.
#[must_use]
pub fn of_samples(samples: u64, samples_per_s: u32) -> Option<u64> {
    (samples * TICKS_PER_S).checked_div(u64::from(samples_per_s))
}

/// How many pictures a second are shown for so long each; `None` where that is not known.
#[must_use]
pub fn pictures_per_second(interval_90k: u64) -> Option<f64> {
    (interval_90k > 0).then(|| TICKS_PER_S as f64 / interval_90k as f64)
}

/// Bits a second of so many bytes, to the nearest; `None` of what has no length.
#[must_use]
pub fn bits_per_second(bytes: u64, duration_90k: u64) -> Option<u64> {
    (duration_90k > 0).then(|| (bytes as f64 * 8.0 * TICKS_PER_S as f64 / duration_90k as f64).round() as u64)
}

/// Bits a second of so many bytes, rounded down: what the status document says. What has no length is taken for one tick.
#[must_use]
pub fn bits_per_second_rounded_down(bytes: u64, duration_90k: u64) -> u64 {
    (u128::from(bytes) * 8 * u128::from(TICKS_PER_S) / u128::from(duration_90k.max(1))) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_those_of_a_playlist_or_exact() {
        assert_eq!((seconds(180_001), exact_seconds(45_000)), (2.000_011, 0.5));
        assert_eq!((exact_seconds(180_001), exact_signed_seconds(-45_000)), (180_001.0 / 90_000.0, -0.5));
    }

    #[test]
    fn half_a_second_is_rounded_up() {
        for (duration_90k, expected_s) in [(0, 0), (44_999, 0), (45_000, 1), (224_999, 2), (225_000, 3)] {
            assert_eq!(nearest_second(duration_90k), expected_s, "{duration_90k}");
        }
        assert_eq!(nearest_second(u64::MAX), u64::MAX / TICKS_PER_S);
        assert_eq!(nearest_second(of_seconds(u32::MAX)), u64::from(u32::MAX));
    }

    #[test]
    fn samples_last_as_long_as_their_rate_says() {
        assert_eq!(of_samples(1_024, 48_000), Some(1_920));
        assert_eq!(of_samples(1_024, 44_100), Some(2_089));
        assert_eq!(of_samples(1, 0), None);
    }

    #[test]
    fn rates_are_rounded_as_they_say() {
        assert_eq!(bits_per_second(188, 135_000), Some(1_003));
        assert_eq!(bits_per_second_rounded_down(188, 135_000), 1_002);
        assert_eq!((bits_per_second(188, 0), bits_per_second_rounded_down(1, 0)), (None, 720_000));
        assert_eq!((pictures_per_second(3_600), pictures_per_second(0)), (Some(25.0), None));
    }
}
