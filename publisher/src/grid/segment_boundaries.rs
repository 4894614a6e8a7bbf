//! Segment boundaries: which grid times begin a segment, and which one. Pure; the grid thread owns it.
//!
//! In: grid times, and those that were left out. Out: the number of the segment within the run, which is the same in
//! every rendition: one that an encoder had no time for keeps its number, and the next has the next.

use std::ops::Range;

/// Counts the segments of a run.
#[derive(Debug, Clone)]
pub struct SegmentBoundaries {
    segment_frames: u64,
    /// The grid time that is counted from, and the segment that begins there.
    from: u64,
    first: u64,
}

impl SegmentBoundaries {
    /// A segment every so many frames.
    #[must_use]
    pub fn new(segment_frames: u64) -> Self {
        Self { segment_frames: segment_frames.max(1), from: 0, first: 0 }
    }

    /// The segment that grid time `n` belongs to, and the grid time at which it begins; `None` before the last skip.
    #[must_use]
    pub fn segment_of(&self, n: u64) -> Option<(u64, u64)> {
        let since = n.checked_sub(self.from)?;
        Some((self.first + since / self.segment_frames, n - since % self.segment_frames))
    }

    /// These grid times are skipped, and a segment begins after them. `begun`: the newest segment that has already begun in some
    /// rendition, as audio may be ahead of video.
    pub fn leap(&mut self, left_out: &Range<u64>, begun: Option<u64>) {
        let last_shown = left_out.start.checked_sub(1).and_then(|n| self.segment_of(n));
        let begun = last_shown.map(|(segment, _)| segment).max(begun);
        self.first = begun.map_or(self.first, |begun| self.first.max(begun + 1));
        self.from = left_out.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(boundaries: &SegmentBoundaries, n: u64, expected: Option<(u64, u64)>) {
        assert_eq!(boundaries.segment_of(n), expected, "grid time {n}");
    }

    #[test]
    fn segments_are_counted_along_the_grid() {
        let boundaries = SegmentBoundaries::new(40);
        for (n, expected) in [(0, (0, 0)), (39, (0, 0)), (40, (1, 40)), (81, (2, 80))] {
            check(&boundaries, n, Some(expected));
        }
    }

    #[test]
    fn a_leap_begins_the_next_segment_behind_the_hole() {
        let mut boundaries = SegmentBoundaries::new(40);
        boundaries.leap(&(50..170), None);
        check(&boundaries, 169, None);
        check(&boundaries, 170, Some((2, 170)));
        check(&boundaries, 210, Some((3, 210)));
        // Nothing was shown in between.
        boundaries.leap(&(170..400), None);
        check(&boundaries, 400, Some((2, 400)));
        // The segment before was whole.
        boundaries.leap(&(440..500), None);
        check(&boundaries, 500, Some((3, 500)));
    }

    #[test]
    fn a_segment_that_sound_has_begun_is_not_begun_again() {
        let mut boundaries = SegmentBoundaries::new(40);
        boundaries.leap(&(39..170), Some(1));
        check(&boundaries, 170, Some((2, 170)));
    }
}
