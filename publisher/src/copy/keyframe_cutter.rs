//! Cutter: which keyframes of a stream that is copied begin a segment, and what fits into none. Pure.
//!
//! A segment ends at a keyframe, and whether the next one comes in time is not known when one is there: it is expected after
//! the longest distance so far. Where it comes too late all the same, the segment ends at what is promised, and what
//! follows is left out up to that keyframe: a segment over EXT-X-TARGETDURATION is one that players may stop at
//! (RFC 8216 4.3.3.1: EXTINF, rounded to the nearest second, MUST be at most the target duration). A hundredth more than that is
//! rounded away, and taken: keyframes of 29.97 frames a second are 2.002 s apart.

use super::suitability::longest_copied_90k;

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It begins a segment.
    Begins,
    /// It belongs to the segment that is being made.
    Within,
    /// It belongs nowhere.
    LeftOut,
}

/// Chooses the keyframes that begin segments.
#[derive(Debug)]
pub(crate) struct Cutter {
    /// No segment is made longer if a keyframe allows it.
    aim_90k: i64,
    /// EXT-X-TARGETDURATION. No segment is longer, but for what is rounded away.
    promise_90k: i64,
    /// The longest distance of two keyframes so far.
    keyframes_90k: i64,
    start_90k: i64,
    keyframe_90k: i64,
    end_90k: i64,
    /// What is left out of all media: from here, to here if that is known.
    hole_90k: (i64, Option<i64>),
    /// The next keyframe begins a segment, however short the one before it becomes.
    begins_next: bool,
}

impl Cutter {
    /// Segments of at most `aim_90k` where possible, and of `promise_90k` at most, out of a stream with keyframes so far apart.
    #[must_use]
    pub(crate) fn new(aim_90k: i64, promise_90k: i64, keyframes_90k: i64) -> Self {
        Self {
            aim_90k,
            promise_90k,
            keyframes_90k,
            start_90k: 0,
            keyframe_90k: 0,
            end_90k: 0,
            hole_90k: (i64::MIN, None),
            begins_next: false,
        }
    }

    /// Another film or client: nothing fits to what was before.
    pub(crate) fn break_off(&mut self) {
        if self.hole_90k.1.is_some() {
            self.hole_90k = (self.end_90k, None);
        }
    }

    /// What comes next does not belong into the segment that is being made.
    pub(crate) fn end_segment(&mut self) {
        self.begins_next = true;
    }

    /// The next frame, by its decode time.
    pub(crate) fn picture(&mut self, dts_90k: i64, duration_90k: i64, is_keyframe: bool) -> Fit {
        let is_in_hole = self.hole_90k.1.is_none();
        let is_after_hole = dts_90k - self.end_90k > duration_90k;
        if is_keyframe {
            let since_90k = dts_90k - self.keyframe_90k;
            if !is_in_hole && !is_after_hole {
                self.keyframes_90k = self.keyframes_90k.max(since_90k);
            }
            self.keyframe_90k = dts_90k;
        }
        self.end_90k = self.end_90k.max(dts_90k + duration_90k);
        let next_90k = dts_90k - self.start_90k + self.keyframes_90k;
        let is_full = next_90k > self.aim_90k.min(self.promise_90k);
        if is_keyframe && (is_in_hole || is_after_hole || is_full || self.begins_next) {
            self.begins_next = false;
            self.start_90k = dts_90k;
            self.hole_90k.1.get_or_insert(dts_90k);
            return Fit::Begins;
        }
        if is_in_hole {
            return Fit::LeftOut;
        }
        if dts_90k + duration_90k - self.start_90k > longest_copied_90k(self.promise_90k) {
            self.hole_90k = (dts_90k, None);
            return Fit::LeftOut;
        }
        Fit::Within
    }

    /// Whether sound of this time is so far ahead of the pictures that these have ceased: a segment of it would never end.
    #[must_use]
    pub(crate) fn is_sound_alone(&self, dts_90k: i64) -> bool {
        self.hole_90k.1.is_some() && dts_90k - self.end_90k >= self.promise_90k
    }

    /// Whether sound of this time belongs nowhere.
    #[must_use]
    pub(crate) fn leaves_out_sound(&self, dts_90k: i64) -> bool {
        let (from_90k, to_90k) = self.hole_90k;
        dts_90k >= from_90k && to_90k.is_none_or(|to_90k| dts_90k < to_90k)
    }
}

/// The longest segment out of keyframes that are so far apart: as many whole distances as fit into `aim_90k`.
#[must_use]
pub(crate) fn longest_segment_90k(aim_90k: i64, keyframes_90k: i64) -> i64 {
    (aim_90k / keyframes_90k.max(1)).max(1).saturating_mul(keyframes_90k)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 3_600;

    /// Frame numbers at which segments begin, and how many frames are left out, of 25 frames a second.
    #[track_caller]
    fn check(learned: i64, keyframes: &[i64], frames: i64, begins: &[i64], left_out: i64) {
        let mut cutter = Cutter::new(181_800, 180_000, learned * FRAME);
        let (mut begun, mut out) = (Vec::new(), 0);
        for n in 0..frames {
            match cutter.picture(n * FRAME, FRAME, keyframes.contains(&n)) {
                Fit::Begins => begun.push(n),
                Fit::Within => {}
                Fit::LeftOut => out += 1,
            }
        }
        assert_eq!((begun.as_slice(), out), (begins, left_out));
    }

    #[test]
    fn as_many_keyframes_as_fit_are_in_a_segment() {
        check(50, &[0, 50, 100], 150, &[0, 50, 100], 0);
        check(25, &[0, 25, 50, 75, 100], 125, &[0, 50, 100], 0);
        check(30, &[0, 30, 60, 90], 120, &[0, 30, 60, 90], 0);
        check(12, &[0, 12, 24, 36, 48, 60], 72, &[0, 48], 0);
    }

    #[test]
    fn what_comes_before_the_first_keyframe_is_left_out() {
        check(50, &[7, 57], 100, &[7, 57], 7);
    }

    #[test]
    fn what_is_longer_than_the_promise_is_left_out() {
        check(50, &[0, 50, 120, 170], 200, &[0, 50, 120, 170], 20);
    }

    #[test]
    fn keyframes_of_a_television_rate_lose_nothing_where_whole_seconds_were_promised() {
        // At 29.97 frames a second 60 are 2.002 s, and 61 are 2.035 s.
        for (group, left_out) in [(60, 0), (61, 4)] {
            let mut cutter = Cutter::new(181_800, 180_000, 180_000);
            let fits: Vec<_> =
                (0..4 * group).map(|n| cutter.picture(n * 3_003, 3_003, n % group == 0)).collect();
            let count = |fit| fits.iter().filter(|it| **it == fit).count();
            assert_eq!((count(Fit::Begins), count(Fit::LeftOut)), (4, left_out), "{group}");
        }
    }

    #[test]
    fn a_longer_distance_is_expected_again() {
        // The first of 40 frames ends a segment of 50 early; after it segments begin sooner.
        check(25, &[0, 25, 65, 90, 130], 150, &[0, 65, 130], 15 + 15);
    }

    #[test]
    fn a_segment_that_is_ended_is_as_short_as_its_keyframes_allow() {
        let mut cutter = Cutter::new(181_800, 180_000, 25 * FRAME);
        let mut begun = Vec::new();
        for n in 0..150 {
            if n == 70 {
                cutter.end_segment();
            }
            if cutter.picture(n * FRAME, FRAME, n % 25 == 0) == Fit::Begins {
                begun.push(n);
            }
        }
        assert_eq!(begun, [0, 50, 75, 125]);
    }

    #[test]
    fn sound_without_pictures_is_alone_after_a_target_duration() {
        let mut cutter = Cutter::new(180_000, 180_000, 180_000);
        assert!(!cutter.is_sound_alone(900_000), "no picture has come");
        cutter.picture(0, FRAME, true);
        assert!(!cutter.is_sound_alone(180_000 + FRAME - 1) && cutter.is_sound_alone(180_000 + FRAME));
        cutter.picture(900_000, FRAME, true);
        assert!(!cutter.is_sound_alone(900_000));
    }

    #[test]
    fn sound_in_a_hole_is_left_out() {
        let mut cutter = Cutter::new(180_000, 180_000, 180_000);
        assert!(cutter.leaves_out_sound(-5));
        cutter.picture(0, FRAME, true);
        assert!(!cutter.leaves_out_sound(0) && !cutter.leaves_out_sound(300_000));
        cutter.picture(180_000, FRAME, false);
        assert!(!cutter.leaves_out_sound(179_999) && cutter.leaves_out_sound(180_000));
        cutter.picture(270_000, FRAME, true);
        assert!(cutter.leaves_out_sound(269_999) && !cutter.leaves_out_sound(270_000));
        cutter.break_off();
        assert!(!cutter.leaves_out_sound(273_599) && cutter.leaves_out_sound(273_600));
    }

    #[test]
    fn the_longest_segment_is_of_whole_distances() {
        assert_eq!(longest_segment_90k(181_800, 180_180), 180_180);
        assert_eq!(longest_segment_90k(181_800, 90_090), 180_180);
        assert_eq!(longest_segment_90k(181_800, 135_000), 135_000);
    }
}
