//! Absence: when a source counts as gone, so that the slate is shown.
//!
//! In: when the source gave pictures and other signs of life, and whether it is known to be lost. Out: whether it is absent at a
//! moment. A source that sends a picture every five seconds is as much there as one that sends fifty a second: its own gaps say what
//! to expect of it. Pure: the moments are arguments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A source is given at least this long, and one that is known to be lost no longer.
const LEAST: Duration = Duration::from_secs(1);

/// No source is given longer than this, unless the user says so.
const MOST: Duration = Duration::from_secs(30);

/// A source is given so many times its longest gap.
const GAPS_GIVEN: u32 = 3;

/// The gaps between so many of the newest pictures count.
const GAPS: usize = 20;

/// What is known of when the source delivers.
#[derive(Debug)]
pub struct Absence {
    /// What the user says.
    asked: Option<Duration>,
    last_picture: Instant,
    last_sign: Option<Instant>,
    gaps: VecDeque<Duration>,
    /// A picture has come, and the source was not lost since: the time to the next one is a gap of its own making.
    is_running: bool,
}

impl Absence {
    /// Of a source that begins at `origin`; the user may have `asked` for a time.
    #[must_use]
    pub fn new(asked: Option<Duration>, origin: Instant) -> Self {
        let gaps = VecDeque::with_capacity(GAPS);
        Self { asked, last_picture: origin, last_sign: None, gaps, is_running: false }
    }

    /// A picture came.
    pub fn note_picture(&mut self, captured_at: Instant) {
        if self.is_running {
            self.gaps.truncate(GAPS - 1);
            self.gaps.push_front(captured_at.saturating_duration_since(self.last_picture));
        }
        self.is_running = true;
        self.last_picture = self.last_picture.max(captured_at);
    }

    /// When the source gave its newest sign beside its pictures: sound, or that its next picture is not due yet.
    pub fn note_sign(&mut self, at: Option<Instant>) {
        self.last_sign = self.last_sign.max(at);
    }

    /// Whether the source has given a sign beside its pictures.
    #[must_use]
    pub fn has_given_sign(&self) -> bool {
        self.last_sign.is_some()
    }

    /// The source is known to be lost: the time to its next picture is no gap of its own making.
    pub fn note_loss(&mut self) {
        self.is_running = false;
    }

    /// Whether the slate is to be shown at `moment`; `is_lost`: the source is known to be lost.
    #[must_use]
    pub fn is_absent_at(&self, moment: Instant, is_lost: bool) -> bool {
        moment >= self.absent_from(is_lost)
    }

    /// From when on the slate is to be shown, if the source gives no sign until then.
    #[must_use]
    pub fn absent_from(&self, is_lost: bool) -> Instant {
        let sign = if is_lost { None } else { self.last_sign };
        let since = sign.map_or(self.last_picture, |sign| sign.max(self.last_picture));
        since + self.asked.unwrap_or(if is_lost { LEAST } else { self.usual() })
    }

    fn usual(&self) -> Duration {
        let longest = self.gaps.iter().max().copied().unwrap_or_default();
        (longest * GAPS_GIVEN).min(MOST).max(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// After `pictures` that are so far apart: from when on the source is absent.
    #[track_caller]
    fn check(pictures: u32, apart: Duration, expected: Duration) {
        let origin = Instant::now();
        let mut absence = Absence::new(None, origin);
        let last = origin + apart * (pictures - 1);
        for n in 0..pictures {
            absence.note_picture(origin + apart * n);
        }
        assert!(!absence.is_absent_at(last + expected.saturating_sub(MS(1)), false));
        assert!(absence.is_absent_at(last + expected, false));
    }

    #[test]
    fn a_source_is_given_three_times_its_longest_gap() {
        check(1, S(5), S(1));
        check(30, MS(40), S(1));
        check(30, MS(500), MS(1500));
        check(2, S(5), S(15));
        check(30, S(25), S(30));
    }

    #[test]
    fn the_gaps_of_the_newest_twenty_pictures_count() {
        let origin = Instant::now();
        let mut absence = Absence::new(None, origin);
        absence.note_picture(origin);
        for n in 0..=20 {
            let moment = origin + S(6) + MS(40) * n;
            assert_eq!(absence.is_absent_at(moment + S(2), false), n == 0 || n > 20, "after picture {n}");
            absence.note_picture(moment);
        }
        assert!(absence.is_absent_at(origin + S(9), false));
    }

    #[test]
    fn while_sound_comes_the_last_picture_stands_unless_the_source_is_lost() {
        let origin = Instant::now();
        let mut absence = Absence::new(None, origin);
        absence.note_picture(origin);
        absence.note_sign(Some(origin + S(60)));
        absence.note_sign(None);
        assert!(!absence.is_absent_at(origin + S(60), false));
        assert!(absence.is_absent_at(origin + S(61), false));
        assert!(absence.is_absent_at(origin + S(60), true));
    }

    #[test]
    fn the_time_that_a_source_was_lost_is_no_gap_of_its_pictures() {
        let origin = Instant::now();
        let mut absence = Absence::new(None, origin);
        absence.note_picture(origin);
        absence.note_loss();
        assert!(!absence.is_absent_at(origin + MS(900), true));
        assert!(absence.is_absent_at(origin + MS(1000), true));
        absence.note_picture(origin + S(60));
        absence.note_picture(origin + S(60) + MS(40));
        assert!(absence.is_absent_at(origin + S(60) + MS(1040), false));
    }

    #[test]
    fn what_the_user_says_holds_for_all_sources() {
        let origin = Instant::now();
        let mut absence = Absence::new(Some(S(10)), origin);
        for n in 0..5 {
            absence.note_picture(origin + S(9) * n);
        }
        assert!(!absence.is_absent_at(origin + S(45), true));
        assert!(absence.is_absent_at(origin + S(46), true) && absence.is_absent_at(origin + S(46), false));
    }
}
