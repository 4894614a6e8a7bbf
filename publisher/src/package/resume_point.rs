//! Resume point: the timestamp at which a run continues, as if the stream had gone on since the last run.
//!
//! In: the last segment of each rendition, and the first packet that is kept, with the wall-clock time at which it was
//! taken. Out: what is added to the times of all packets of the run, in all renditions. Pure; the segment threads share it.
//!
//! Players that are built on libav take a timestamp that goes back for a wrap of the 33-bit clock, 26.5 hours ahead.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use crate::encode::START_90K;
use crate::package::last_segment::LastSegment;
use livedir_time::clock_33_bit::{WRAP_90K, distance_90k, later_90k};
use livedir_time::ticks;

/// Renditions of one run end within a few segments of each other. One that seems to be further ahead comes from another run.
const FARTHEST_APART: Duration = Duration::from_secs(60);

/// After a longer outage the timestamps skip only as much as shows a discontinuity. A program that a supervisor restarts, or a
/// machine that reboots, is back within this time. Players do not need a longer gap, and some cannot handle it. With a ladder VLC
/// stalls for the length of the gap, and mpv for ever from 2^31 ticks on (6.6 hours), as libav compares two playlists in 32 bits.
const LONGEST_HOLE: Duration = Duration::from_secs(90);

/// The resume point of one run.
#[derive(Debug, Default)]
pub struct ResumePoint {
    before: Vec<LastSegment>,
    shift_90k: OnceLock<i64>,
}

impl ResumePoint {
    /// Goes on after the last segments of all renditions; without any it begins at [`START_90K`].
    #[must_use]
    pub fn after(before: Vec<LastSegment>) -> Self {
        Self { before, shift_90k: OnceLock::new() }
    }

    /// What is added to all timestamps of the run. The first caller decides it, with the decode time of a packet of the run, and
    /// the time when that packet was captured.
    pub fn shift_90k(&self, dts_90k: i64, filmed_at: SystemTime) -> i64 {
        *self.shift_90k.get_or_init(|| {
            let since_start = ticks::duration_or_zero(dts_90k.saturating_sub(START_90K));
            let started_at = filmed_at.checked_sub(since_start).unwrap_or(filmed_at);
            let Some(first_90k) = first_90k(&self.before, started_at) else { return 0 };
            tracing::info!(first_90k, "continuing the timeline of the last run");
            // One more turn of the clock, so that no timestamp is negative. It does not show in 33 bits.
            (first_90k + WRAP_90K) as i64 - START_90K
        })
    }
}

/// The first timestamp of a run that started then; `None` where there is nothing to go on after.
fn first_90k(before: &[LastSegment], started_at: SystemTime) -> Option<u64> {
    let newest = before.iter().max_by_key(|last| last.ended_at)?;
    let by_newest_90k = goes_on_at_90k(newest, started_at);
    // One timeline for all: it begins after the end of each.
    let ahead_90k = before.iter().map(|last| distance_90k(by_newest_90k, goes_on_at_90k(last, started_at)));
    let farthest_90k = ahead_90k
        .filter(|ahead_90k| (0..=ticks::of_duration(FARTHEST_APART)).contains(&(*ahead_90k as u64)))
        .max();
    Some(later_90k(by_newest_90k, farthest_90k.unwrap_or(0) as u64))
}

/// When a rendition continues: after the time of the outage, but late enough that the discontinuity is seen.
fn goes_on_at_90k(last: &LastSegment, started_at: SystemTime) -> u64 {
    // A clock that was set back says that no time has passed.
    let outage = started_at.duration_since(last.ended_at).unwrap_or_default();
    let hole = if outage <= LONGEST_HOLE { outage } else { Duration::ZERO };
    later_90k(last.end_90k, ticks::of_duration(hole).max(last.break_90k))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    const S: u64 = 90_000;
    const BREAK_90K: u64 = 6_751;

    fn at(seconds: f64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(1_795_000_000.0 + seconds)
    }

    fn ended(end_90k: u64, ended_at_s: f64) -> LastSegment {
        LastSegment { end_90k, ended_at: at(ended_at_s), break_90k: BREAK_90K, counters: Vec::new() }
    }

    /// The first timestamp, as it is on disk, of a run that starts at 0 s.
    #[track_caller]
    fn check(before: Vec<LastSegment>, expected_90k: u64) {
        let point = ResumePoint::after(before);
        let shift_90k = point.shift_90k(START_90K, at(0.0));
        let (found_90k, least_90k) = (START_90K + shift_90k, START_90K);
        assert!(found_90k >= least_90k, "libav's muxer takes nothing below zero");
        assert_eq!(found_90k as u64 % WRAP_90K, expected_90k);
    }

    #[test]
    fn without_a_run_before_the_timeline_begins() {
        check(vec![], START_90K as u64);
    }

    #[test]
    fn a_short_outage_is_as_long_by_the_timestamps_as_by_the_wall_clock() {
        check(vec![ended(10 * S, -1.0)], 11 * S);
        check(vec![ended(10 * S, -60.0)], 70 * S);
        check(vec![ended(WRAP_90K - 10 * S, -60.0)], 50 * S);
    }

    #[test]
    fn a_long_outage_is_closed_up() {
        check(vec![ended(10 * S, -90.0)], 100 * S);
        for outage_s in [90.01, 43_200.0, 95_500.0, 97_200.0, 1e9] {
            check(vec![ended(10 * S, -outage_s)], 10 * S + BREAK_90K);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_never_takes_the_timeline_back() {
        check(vec![ended(10 * S, 3_600.0)], 10 * S + BREAK_90K);
        check(vec![ended(WRAP_90K - 1, 3_600.0)], BREAK_90K - 1);
    }

    #[test]
    fn an_outage_too_short_to_be_seen_is_made_longer() {
        check(vec![ended(10 * S, -0.01)], 10 * S + BREAK_90K);
    }

    #[test]
    fn all_renditions_go_on_after_the_end_of_each() {
        check(vec![ended(10 * S, -5.0), ended(12 * S, -3.0), ended(12 * S + 1_000, -3.0)], 15 * S + 1_000);
        check(vec![ended(10 * S, 50.0), ended(12 * S, 48.0)], 12 * S + BREAK_90K);
        check(vec![ended(WRAP_90K - S, 50.0), ended(S, 48.0)], S + BREAK_90K);
    }

    #[test]
    fn a_rendition_of_another_run_is_no_measure() {
        check(vec![ended(5_000 * S, -9_000.0), ended(10 * S, -5.0)], 15 * S);
        check(vec![ended(5_000 * S, -6.0), ended(10 * S, -5.0)], 15 * S);
    }

    #[test]
    fn the_first_that_asks_decides_for_all() {
        let point = ResumePoint::after(vec![ended(10 * S, -5.0)]);
        let shift_90k = point.shift_90k(START_90K + 180_000, at(2.0));
        assert_eq!((START_90K + shift_90k) as u64 % WRAP_90K, 15 * S);
        assert_eq!(point.shift_90k(START_90K, at(77.0)), shift_90k);
    }

    #[test]
    fn any_numbers_and_dates_are_survived() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        for ended_at in [SystemTime::UNIX_EPOCH, far, at(0.0)] {
            for end_90k in [0, WRAP_90K - 1, u64::MAX] {
                for break_90k in [0, 1 << 40] {
                    let last = LastSegment { end_90k, ended_at, break_90k, counters: Vec::new() };
                    for filmed_at in [SystemTime::UNIX_EPOCH, far] {
                        let point = ResumePoint::after(vec![last.clone(), ended(7, 0.0)]);
                        let shift_90k = point.shift_90k(i64::MAX, filmed_at);
                        assert!((0..=2 * WRAP_90K as i64).contains(&shift_90k));
                    }
                }
            }
        }
    }
}
