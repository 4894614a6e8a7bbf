//! Dates: when each segment of a stream that is copied was captured. Pure.
//!
//! In: the first frame of each segment, with the wall-clock time at which it was due. Out: its date. Nothing of a copied stream
//! is dropped or doubled, so its timestamps run with the clock of its source, and dates that run with ours part from them.
//! They do so by less than a frame from one segment to the next, so that players that map timestamps to dates see no step. Only dates
//! that are ahead of our clock by more than a segment, as a source has sent much at once, come back in larger steps.

use livedir_time::ticks::duration_or_zero;
use std::time::{Duration, SystemTime};

/// Dates that are off by more are put right at once: the wall clock was set, or the machine slept.
const STEP: Duration = Duration::from_secs(10);
/// Of a frame, so much is less than one, also rounded to milliseconds.
const PART_OF_PICTURE: f64 = 0.9;
/// Dates that are ahead by more than a segment come back by this part of one. Dates of two segments may overlap by less than a
/// second (bis-22 6.2.1), and a segment is no longer than some seconds.
const PART_OF_SEGMENT: u32 = 4;
/// But by no more than this.
const MOST_BACK: Duration = Duration::from_millis(500);

/// A frame that begins a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keyframe {
    /// Decode time on the stream's timeline.
    pub dts_90k: i64,
    /// How long it is shown.
    pub picture_90k: i64,
    /// By what part of itself it lasts longer by our clock than by its timestamps (shorter: negative).
    pub stretch: f64,
    /// When it was due, by the wall clock.
    pub filmed_at: SystemTime,
}

/// Dates of the segments of a copied stream.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    last: Option<(i64, SystemTime)>,
    /// When what was before a break ended, by its date.
    ended_at: Option<SystemTime>,
}

impl Dates {
    /// The date of the segment that begins with `next`.
    pub(crate) fn of(&mut self, next: Keyframe) -> SystemTime {
        let date = self.last.map_or_else(|| self.first(next.filmed_at), |last| follow(last, next));
        self.last = Some((next.dts_90k, date));
        date
    }
}

impl Dates {
    /// What comes next does not follow the segment that was dated last, which went on to `end_90k`.
    pub(crate) fn break_off(&mut self, end_90k: i64) {
        self.ended_at = self.ended_at(end_90k).or(self.ended_at);
        self.last = None;
    }

    /// When that segment ends, by its date.
    pub(crate) fn ended_at(&self, end_90k: i64) -> Option<SystemTime> {
        self.last.map(|(dts_90k, date)| date + duration_or_zero(end_90k - dts_90k))
    }

    /// No date belongs to two segments, though dates may be ahead of the wall clock for a time.
    fn first(&self, filmed_at: SystemTime) -> SystemTime {
        let before =
            self.ended_at.filter(|ended_at| ended_at.duration_since(filmed_at).is_ok_and(|by| by <= STEP));
        before.unwrap_or(filmed_at)
    }
}

fn follow((last_90k, last): (i64, SystemTime), next: Keyframe) -> SystemTime {
    let media = duration_or_zero(next.dts_90k - last_90k);
    let along = last + media;
    let (is_late, off) = match next.filmed_at.duration_since(along) {
        Ok(after) => (true, after),
        Err(before) => (false, before.duration()),
    };
    if off > STEP {
        return next.filmed_at;
    }
    // A source whose clock alone asks for more in each segment would never be caught up with.
    let of_clock = media.mul_f64(next.stretch.abs());
    let by = off.min(duration_or_zero(next.picture_90k).mul_f64(PART_OF_PICTURE).max(of_clock));
    if is_late {
        return along + by;
    }
    let too_far = off.saturating_sub(media).min(media / PART_OF_SEGMENT).min(MOST_BACK);
    along - by.max(too_far)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT_90K: i64 = 180_000;
    const PICTURE_90K: i64 = 4_500;

    /// Segments of 2 s whose first frames come at these times; the steps of their dates beyond 2 s, in milliseconds, and how far
    /// the last date is from the wall clock.
    fn steps(stretch: f64, filmed_s: impl Iterator<Item = f64>) -> (Vec<f64>, f64) {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut dates = Dates::default();
        let mut last = None;
        let (mut steps, mut off_s) = (Vec::new(), 0.0);
        for (segment, filmed_s) in (0..).zip(filmed_s) {
            let filmed_at = start + Duration::from_secs_f64(filmed_s);
            let dts_90k = 126_000 + segment * SEGMENT_90K;
            let date = dates.of(Keyframe { dts_90k, picture_90k: PICTURE_90K, stretch, filmed_at });
            let since_start_s = date.duration_since(start).expect("after it").as_secs_f64();
            if let Some(last_s) = last.replace(since_start_s) {
                steps.push((since_start_s - last_s - 2.0) * 1e3);
            }
            off_s = since_start_s - filmed_s;
        }
        (steps, off_s)
    }

    #[test]
    fn dates_follow_the_wall_clock_by_less_than_a_picture_a_segment() {
        for error in [-0.01, -0.0002, 0.0, 0.0002, 0.01] {
            let (steps, off_s) = steps(error, (0..300).map(|n| f64::from(n) * 2.0 * (1.0 + error)));
            assert!(steps.iter().all(|step_ms| step_ms.abs() < 50.0), "{error}: {steps:?}");
            assert!(off_s.abs() < 0.001, "{error}: {off_s}");
        }
    }

    #[test]
    fn a_stop_of_the_source_is_made_up_for_in_small_steps() {
        let stopped = |n: u32| f64::from(n) * 2.0 + if n >= 10 { 0.42 } else { 0.0 };
        let (steps, off_s) = steps(0.0, (0..40).map(stopped));
        assert!(steps.iter().all(|step_ms| step_ms.abs() < 50.0), "{steps:?}");
        assert!(off_s.abs() < 0.001, "{off_s}");
    }

    #[test]
    fn what_was_sent_at_once_puts_dates_ahead_by_more_than_a_segment_for_a_few_segments_only() {
        for at_once_s in [3.0, 4.0, 9.0] {
            // What was sent at once came before it was due, which is known after some seconds.
            let sent = |n: u32| 100.0 + f64::from(n) * 2.0 - if n < 3 { 0.0 } else { at_once_s };
            let ahead_s = |segments: u32| steps(0.0, (0..segments).map(sent)).1;
            assert!(ahead_s(4) > at_once_s - 1.0, "{}", ahead_s(4));
            let few = 3 + (at_once_s * 2.0) as u32;
            assert!(ahead_s(few) <= 2.0, "{}", ahead_s(few));
            let (steps, off_s) = steps(0.0, (0..200).map(sent));
            assert!(steps.iter().all(|step_ms| *step_ms > -501.0), "{steps:?}");
            assert!(off_s.abs() < 0.001, "{off_s}");
        }
    }

    #[test]
    fn behind_a_break_no_date_is_before_the_end_of_what_was_unless_the_clock_was_set() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (filmed_s, expected_s) in [(1.5, 2.5), (2.5, 2.5), (60.0, 60.0), (-3_600.0, -3_600.0)] {
            let mut dates = Dates::default();
            let at =
                |dts_90k, filmed_at| Keyframe { dts_90k, picture_90k: PICTURE_90K, stretch: 0.0, filmed_at };
            dates.of(at(0, start));
            dates.break_off(225_000);
            let moved = Duration::from_secs_f64(f64::abs(filmed_s));
            let filmed_at = if filmed_s < 0.0 { start - moved } else { start + moved };
            let date = dates.of(at(315_000, filmed_at));
            let found_s = date
                .duration_since(start)
                .map_or_else(|it| -it.duration().as_secs_f64(), |it| it.as_secs_f64());
            assert!((found_s - expected_s).abs() < 1e-6, "{filmed_s}: {found_s}");
        }
    }

    #[test]
    fn a_clock_three_hundredths_off_is_followed_too_and_one_that_was_set_at_once() {
        let (_, off_s) = steps(0.03, (0..300).map(|n| f64::from(n) * 2.06));
        assert!(off_s.abs() < 0.1, "{off_s}");
        let (steps, off_s) =
            steps(0.0, (0..20).map(|n| f64::from(n) * 2.0 + if n < 10 { 0.0 } else { 3600.0 }));
        assert!((steps[9] - 3_600_000.0).abs() < 1.0 && off_s.abs() < 0.001, "{steps:?}");
    }
}
