//! Dates: when a segment was captured (EXT-X-PROGRAM-DATE-TIME). Pure.
//!
//! In: facts and times of files. Out: dates. Our own files carry the capture time of their end. A file of another encoder
//! carries the time when its writing ended: sometimes late, when a disk, a network or a processor was busy, but never early.
//! So dates run along the timestamps, and follow the earliest of the latest files, slowly.

use crate::events::finished_file::Finished;
use jiff::{SignedDuration, Timestamp, Unit};
use livedir_media::Facts;
use livedir_playlist::Segment;
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks::{self, microseconds};
use std::{collections::VecDeque, time::SystemTime};

/// How dates are known.
#[derive(Debug)]
pub(crate) enum Dates {
    /// The time of a file is that of its last frame.
    OfFiles,
    /// The time of a file is that of its last write.
    Smoothed(Smoothed),
}

impl Dates {
    /// When the first frame of `next` was captured. `goes_on`: its timestamps go on from the segment before. `together`:
    /// files that came with it and are not dated yet.
    pub(crate) fn date<'a>(
        &mut self,
        next: &Finished,
        goes_on: bool,
        together: impl Iterator<Item = &'a Finished>,
    ) -> Option<Timestamp> {
        let date_us = match self {
            Self::OfFiles => written_us(next)? - duration_us(&next.facts),
            Self::Smoothed(smoothed) => smoothed.date_us(next, goes_on, together)?,
        };
        // To the millisecond: the playlist tells no more.
        Timestamp::from_microsecond(date_us).ok()?.round(Unit::Millisecond).ok()
    }

    /// After a restart: the segment with these facts was given this date.
    pub(crate) fn resume(&mut self, facts: &Facts, date: Timestamp) {
        if let Self::Smoothed(smoothed) = self {
            smoothed.last = Some(Dated { start_90k: facts.start_90k, date_us: date.as_microsecond() });
        }
    }
}

/// So much before this date.
pub(crate) fn earlier(date: Timestamp, by_90k: u64) -> Option<Timestamp> {
    date.checked_sub(lasting(by_90k)?).ok()
}

/// So much behind this date.
pub(crate) fn later(date: Timestamp, by_90k: u64) -> Option<Timestamp> {
    date.checked_add(lasting(by_90k)?).ok()
}

/// When a segment ended, by its date.
pub(crate) fn end_of(segment: &Segment) -> Option<Timestamp> {
    later(segment.program_date_time?, segment.duration_90k)
}

fn lasting(duration_90k: u64) -> Option<SignedDuration> {
    SignedDuration::try_from(ticks::duration_of_microseconds(duration_90k)).ok()
}

/// How many files the lateness is remembered for. At 2 s each, half a minute: longer than a machine is busy without a pause.
const REMEMBERED: usize = 16;

/// With fewer files than this, no correction is made.
const ENOUGH: usize = 4;

/// Dates that are off by more are put right in one step: the clock was set, or the encoder slept.
const STEP_US: i64 = 2_000_000;

/// A correction is at most 1 part in 2,000 (1 ms in 2 s): ten times the drift of a computer's clock.
const SLOWNESS: i64 = 2_000;

/// Timestamps further apart than this belong to different streams.
const FAR_90K: i64 = ticks::of_seconds(3_600) as i64;

#[derive(Debug, Clone, Copy)]
struct Dated {
    start_90k: u64,
    date_us: i64,
}

/// Dates that run along the timestamps.
#[derive(Debug, Default)]
pub(crate) struct Smoothed {
    last: Option<Dated>,
    /// How much later than its date each of the latest files says that it was captured.
    late_us: VecDeque<i64>,
}

impl Smoothed {
    fn date_us<'a>(
        &mut self,
        next: &Finished,
        goes_on: bool,
        together: impl Iterator<Item = &'a Finished>,
    ) -> Option<i64> {
        let start_90k = next.facts.start_90k;
        let told_us = together
            .filter_map(|file| told_by_us(file, start_90k))
            .fold(written_us(next)? - duration_us(&next.facts), i64::min);
        let date_us = if let Some(last) = self.last.filter(|_| goes_on) {
            let expected_us = last.date_us + microseconds(distance_90k(last.start_90k, start_90k));
            expected_us + self.correction_us(told_us - expected_us, duration_us(&next.facts))
        } else {
            self.late_us.clear();
            told_us
        };
        self.last = Some(Dated { start_90k, date_us });
        Some(date_us)
    }

    fn correction_us(&mut self, late_us: i64, duration_us: i64) -> i64 {
        if self.late_us.len() == REMEMBERED {
            self.late_us.pop_front();
        }
        self.late_us.push_back(late_us);
        if self.late_us.len() < ENOUGH {
            return 0;
        }
        // Files are late or in time, not early: the earliest one tells.
        let earliest_us = self.late_us.iter().copied().min().unwrap_or(0);
        let latest_us = self.late_us.iter().rev().take(ENOUGH).copied().max().unwrap_or(0);
        let lately_us = self.late_us.iter().rev().take(ENOUGH).copied().min().unwrap_or(0);
        // After a stall, each file is less late than the one before. After a clock change or a sleep, all are late by the same.
        let is_steady = latest_us - lately_us < STEP_US / 2;
        let correction_us = if is_steady && (lately_us > STEP_US || latest_us < -STEP_US) {
            lately_us
        } else {
            let most_us = (duration_us / SLOWNESS).max(1);
            earliest_us.clamp(-most_us, most_us)
        };
        if correction_us.abs() > STEP_US {
            self.late_us.clear();
        }
        for late_us in &mut self.late_us {
            *late_us -= correction_us;
        }
        correction_us
    }
}

/// What the time of `file` says of the time at `start_90k`, if it is of the same stream and later.
fn told_by_us(file: &Finished, start_90k: u64) -> Option<i64> {
    let from_start_90k = distance_90k(start_90k, file.facts.end_90k());
    (0..FAR_90K).contains(&from_start_90k).then(|| Some(written_us(file)? - microseconds(from_start_90k)))?
}

fn written_us(file: &Finished) -> Option<i64> {
    match file.stamp.modified_at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_micros().try_into().ok(),
        Err(before) => i64::try_from(before.duration().as_micros()).ok().map(|us| -us),
    }
    // A century of centuries, so that nothing below comes near the limits.
    .filter(|us: &i64| us.abs() < i64::MAX / 4)
}

fn duration_us(facts: &Facts) -> i64 {
    microseconds(facts.duration_90k.min(1 << 33) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::finished;
    use std::iter;
    use std::time::Duration;

    /// Two seconds that begin at `start_ms` on the timeline, written until `written_ms` by the clock.
    fn file(start_ms: u64, written_ms: u64) -> Finished {
        let mut file = finished(2);
        file.facts.start_90k = start_ms * 90 % (1 << 33);
        file.stamp.modified_at = SystemTime::UNIX_EPOCH + Duration::from_millis(written_ms);
        file
    }

    fn date_ms(dates: &mut Dates, file: &Finished, goes_on: bool) -> i64 {
        dates.date(file, goes_on, iter::empty()).expect("a date").as_millisecond()
    }

    fn smoothed() -> Dates {
        Dates::Smoothed(Smoothed::default())
    }

    #[test]
    fn a_segment_of_ours_was_filmed_its_duration_before_its_time() {
        let mut file = file(0, 12_345);
        file.facts.duration_90k = 180_045;
        // 2.0005 s before: halves round away from zero.
        assert_eq!(date_ms(&mut Dates::OfFiles, &file, true), 10_345);
    }

    #[test]
    fn a_time_before_all_calendars_gives_no_date() {
        let mut file = file(0, 0);
        file.stamp.modified_at = SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40);
        assert_eq!(Dates::OfFiles.date(&file, false, iter::empty()), None);
        assert_eq!(smoothed().date(&file, false, iter::empty()), None);
    }

    #[test]
    fn a_late_file_does_not_move_the_dates() {
        let mut dates = smoothed();
        for n in 0..100_u64 {
            let late_ms = if n % 3 == 1 { 700 } else { 0 };
            let file = file(10_000 + 2_000 * n, 1_002_000 + 2_000 * n + late_ms);
            let expected_ms = 1_000_000 + 2_000 * n as i64;
            assert!((date_ms(&mut dates, &file, n > 0) - expected_ms).abs() <= 1, "file {n}");
        }
    }

    #[test]
    fn a_first_file_that_was_late_is_put_right_slowly() {
        let mut dates = smoothed();
        let mut before_ms = date_ms(&mut dates, &file(0, 1_002_100), false);
        assert_eq!(before_ms, 1_000_100);
        for n in 1..200_u64 {
            let now_ms = date_ms(&mut dates, &file(2_000 * n, 1_002_000 + 2_000 * n), true);
            assert!((1_998..=2_001).contains(&(now_ms - before_ms)), "{}", now_ms - before_ms);
            before_ms = now_ms;
        }
        assert_eq!(before_ms, 1_000_000 + 2_000 * 199);
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        let mut dates = smoothed();
        // 100 ppm, for 100 h, over the wrap of the timestamps.
        for n in 0..180_000_u64 {
            let file = file(2_000 * n, 1_002_000 + 2_000 * n + n / 5);
            let expected_ms = 1_000_000 + (2_000 * n + n / 5) as i64;
            assert!((date_ms(&mut dates, &file, n > 0) - expected_ms).abs() < 10, "file {n}");
        }
    }

    #[test]
    fn an_encoder_that_slept_is_dated_anew_after_a_few_files() {
        let mut dates = smoothed();
        for n in 0..20_u64 {
            date_ms(&mut dates, &file(2_000 * n, 1_002_000 + 2_000 * n), n > 0);
        }
        let mut last_ms = 0;
        for n in 20..24_u64 {
            last_ms = date_ms(&mut dates, &file(2_000 * n, 3_601_002_000 + 2_000 * n), true);
        }
        assert_eq!(last_ms, 3_601_000_000 + 2_000 * 23);
    }

    #[test]
    fn an_encoder_that_catches_up_after_a_halt_does_not_move_the_dates() {
        let mut dates = smoothed();
        for n in 0..40_u64 {
            // Ten files come at once, one after the other.
            let late_ms = if (20..30).contains(&n) { (30 - n) * 2_000 } else { 0 };
            let file = file(2_000 * n, 1_002_000 + 2_000 * n + late_ms);
            assert!(
                (date_ms(&mut dates, &file, n > 0) - 1_000_000 - 2_000 * n as i64).abs() <= 1,
                "file {n}"
            );
        }
    }

    #[test]
    fn files_that_were_copied_together_end_when_the_last_one_was_written() {
        let mut dates = smoothed();
        let files: Vec<_> = (0..10_u64).map(|n| file(2_000 * n, 1_020_000 + n)).collect();
        let first = dates.date(&files[0], false, files[1..].iter()).expect("a date");
        assert_eq!(first.as_millisecond(), 1_000_009);
        for (n, file) in files.iter().enumerate().skip(1) {
            let date = dates.date(file, true, files[n + 1..].iter()).expect("a date");
            let date_ms = date.as_millisecond();
            assert!((date_ms - 1_000_009 - 2_000 * n as i64).abs() <= 10, "file {n}: {date_ms}");
        }
    }

    #[test]
    fn dates_go_on_after_a_restart() {
        let mut dates = smoothed();
        dates.resume(&file(4_000, 0).facts, Timestamp::from_millisecond(1_000_000).expect("a time"));
        assert_eq!(date_ms(&mut dates, &file(6_000, 1_004_500), true), 1_002_000);
    }
}
