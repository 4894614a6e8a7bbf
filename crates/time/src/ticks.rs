//! Ticks of 90 kHz, and what people and playlists call them. Pure. Each conversion stands here once, and says how it rounds.
//!
//! What is called `of_…` gives ticks; all else takes them.

use std::time::Duration;

/// ISO 13818-1 2.4.3.7: time stamps count a clock of 90 kHz.
pub const TICKS_PER_S: u64 = 90_000;

/// A tick is 11 µs and a ninth: 100,000 ns are 9 of them.
const NANOSECONDS_OF_9_TICKS: u64 = 100_000;

const NANOSECONDS_PER_S: u128 = 1_000_000_000;
const PICOSECONDS_PER_S: u128 = 1_000_000_000_000;

/// So many seconds in ticks.
#[must_use]
pub const fn of_seconds(duration_s: u32) -> u64 {
    duration_s as u64 * TICKS_PER_S
}

/// So many milliseconds in ticks; as many as fit into 64 bits.
#[must_use]
pub const fn of_milliseconds(duration_ms: u64) -> u64 {
    duration_ms.saturating_mul(TICKS_PER_S / 1_000)
}

/// A duration in ticks, to the nearest, halves up; as many as fit into 64 bits.
#[must_use]
pub fn of_duration(duration: Duration) -> u64 {
    nearest(duration.as_nanos(), NANOSECONDS_PER_S).unwrap_or(u64::MAX)
}

/// Seconds of a playlist that was read leniently, to the nearest tick. Less than nothing is none.
#[must_use]
pub fn of_float_seconds(duration_s: f64) -> u64 {
    (duration_s * TICKS_PER_S as f64).round() as u64
}

/// So many picoseconds in ticks, to the nearest, halves up; `None` beyond 64 bits. With six decimals of a second each tick is
/// found again.
#[must_use]
pub fn of_picoseconds(duration_ps: u128) -> Option<u64> {
    nearest(duration_ps, PICOSECONDS_PER_S)
}

fn nearest(duration: u128, units_per_s: u128) -> Option<u64> {
    let (whole_s, rest) = (duration / units_per_s, duration % units_per_s);
    let ticks_per_s = u128::from(TICKS_PER_S);
    let of_rest = (rest * ticks_per_s + units_per_s / 2) / units_per_s;
    u64::try_from(whole_s.checked_mul(ticks_per_s)?.checked_add(of_rest)?).ok()
}

/// How long so many samples last, or ticks of another clock, at so many a second: rounded down. `None` at none a second.
#[must_use]
pub fn of_samples(samples: u64, samples_per_s: u32) -> Option<u64> {
    (samples * TICKS_PER_S).checked_div(u64::from(samples_per_s))
}

/// How long so many frames are shown at a rate that is set, and is not 0: rounded down.
#[must_use]
pub const fn of_pictures(pictures: u64, fps: u32) -> u64 {
    pictures * TICKS_PER_S / fps as u64
}

/// The same, rounded up: a promise that so many frames keep.
#[must_use]
pub const fn of_pictures_rounded_up(pictures: u64, fps: u32) -> u64 {
    (pictures * TICKS_PER_S).div_ceil(fps as u64)
}

/// Where a frame or sample stands that has this number, at a rate that is set, and is not 0: rounded towards zero. What comes
/// before the first has a number below 0.
#[must_use]
pub const fn of_position(number: i64, per_s: u32) -> i64 {
    number * TICKS_PER_S as i64 / per_s as i64
}

/// How many frames have begun by then, beside the first: rounded down.
#[must_use]
pub const fn whole_pictures(time_90k: u64, fps: u32) -> u64 {
    time_90k * fps as u64 / TICKS_PER_S
}

/// The number of the frame that stands nearest: finds again what [`of_position`] was given.
#[must_use]
pub fn nearest_picture(time_90k: i64, fps: u32) -> i64 {
    (exact_signed_seconds(time_90k) * f64::from(fps)).round() as i64
}

/// Ticks as a duration, rounded down to the nanosecond; the longest that 64 bits of nanoseconds hold, 584 years.
#[must_use]
pub fn duration(duration_90k: u64) -> Duration {
    let nanoseconds = u128::from(duration_90k) * u128::from(NANOSECONDS_OF_9_TICKS) / 9;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// The same of what may be negative, and is nothing then.
#[must_use]
pub fn duration_or_zero(distance_90k: i64) -> Duration {
    duration(u64::try_from(distance_90k).unwrap_or(0))
}

/// Ticks as a duration, rounded down to the microsecond: how far dates of segments are apart, and how long the watcher waits.
#[must_use]
pub fn duration_of_microseconds(duration_90k: u64) -> Duration {
    let microseconds = u128::from(duration_90k) * 100 / 9;
    Duration::from_micros(u64::try_from(microseconds).unwrap_or(u64::MAX))
}

/// Ticks to microseconds, rounded towards zero.
#[must_use]
pub const fn microseconds(distance_90k: i64) -> i64 {
    (distance_90k as i128 * 100 / 9) as i64
}

/// Ticks to microseconds, to the nearest: finer than a tick, so that the tick can be found again. What is written into a
/// playlist.
#[must_use]
pub fn nearest_microseconds(duration_90k: u64) -> u128 {
    (u128::from(duration_90k) * 200 + 9) / 18
}

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

/// Ticks to whole seconds, rounded up: a target duration that holds for readers of every version.
#[must_use]
pub const fn seconds_rounded_up(duration_90k: u64) -> u64 {
    duration_90k.div_ceil(TICKS_PER_S)
}

/// How many frames a second are shown for so long each; `None` where that is not known.
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
    let bps = u128::from(bytes) * 8 * u128::from(TICKS_PER_S) / u128::from(duration_90k.max(1));
    u64::try_from(bps).unwrap_or(u64::MAX)
}

/// Bytes of so many bits a second in that time, rounded down; as many as fit into 64 bits.
#[must_use]
pub fn bytes(bits_per_second: u64, duration_90k: u64) -> u64 {
    let bits = u128::from(bits_per_second) * u128::from(duration_90k) / u128::from(TICKS_PER_S);
    u64::try_from(bits / 8).unwrap_or(u64::MAX)
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
    fn what_gives_ticks_goes_to_the_nearest() {
        let of_nanos = |nanos| of_duration(Duration::from_nanos(nanos));
        // Half a tick is 5,555 ns and five ninths; four and a half are 50,000 ns.
        assert_eq!((of_nanos(5_555), of_nanos(5_556), of_nanos(50_000)), (0, 1, 5));
        assert_eq!(of_duration(Duration::from_millis(200)), 18_000);
        assert_eq!(of_duration(Duration::MAX), u64::MAX);
        assert_eq!((of_milliseconds(40), of_milliseconds(u64::MAX)), (3_600, u64::MAX));
        assert_eq!((of_picoseconds(5_555_555), of_picoseconds(5_555_556)), (Some(0), Some(1)));
        assert_eq!(of_picoseconds(u128::MAX), None);
        assert_eq!(
            (of_float_seconds(0.2), of_float_seconds(0.000_005), of_float_seconds(-1.0)),
            (18_000, 0, 0)
        );
    }

    #[test]
    fn what_takes_ticks_goes_down_and_finds_them_again() {
        assert_eq!((duration(9), duration(1)), (Duration::from_micros(100), Duration::from_nanos(11_111)));
        assert_eq!(duration(u64::MAX), Duration::from_nanos(u64::MAX));
        assert_eq!(duration_or_zero(-1), Duration::ZERO);
        assert_eq!(duration_of_microseconds(1), Duration::from_micros(11));
        assert_eq!(duration_of_microseconds(u64::MAX), Duration::from_micros(u64::MAX));
        assert_eq!((microseconds(1), microseconds(-1), microseconds(-90_000)), (11, -11, -1_000_000));
        assert_eq!((nearest_microseconds(5), nearest_microseconds(4)), (56, 44));
        for ticks in (0..1_000).chain(1 << 33..(1 << 33) + 1_000) {
            assert_eq!(of_duration(duration(ticks)), ticks);
            assert_eq!(of_picoseconds(nearest_microseconds(ticks) * 1_000_000), Some(ticks));
            assert_eq!(of_float_seconds(seconds(ticks)), ticks);
        }
    }

    #[test]
    fn seconds_of_a_promise_are_rounded_up() {
        for (duration_90k, expected_s) in [(0, 0), (1, 1), (90_000, 1), (90_001, 2)] {
            assert_eq!(seconds_rounded_up(duration_90k), expected_s, "{duration_90k}");
        }
    }

    #[test]
    fn pictures_stand_where_their_rate_says() {
        assert_eq!(
            (of_pictures(1, 24), of_pictures(2, 7), of_pictures_rounded_up(2, 7)),
            (3_750, 25_714, 25_715)
        );
        assert_eq!(
            (of_position(-1_024, 48_000), of_position(1, 7), of_position(-1, 7)),
            (-1_920, 12_857, -12_857)
        );
        assert_eq!((whole_pictures(25_714, 7), whole_pictures(25_715, 7)), (1, 2));
        for fps in 1..=120 {
            assert!((-500..500).all(|n| nearest_picture(of_position(n, fps), fps) == n), "{fps}");
        }
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
        assert_eq!(bits_per_second_rounded_down(u64::MAX, 1), u64::MAX);
        assert_eq!((bytes(1_003, 135_000), bytes(7, 90_000), bytes(u64::MAX, u64::MAX)), (188, 0, u64::MAX));
        assert_eq!((pictures_per_second(3_600), pictures_per_second(0)), (Some(25.0), None));
    }
}
