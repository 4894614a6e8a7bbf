//! Segmenter: says where a segment ends. Pure; the packager ([`crate::package`]) does the cutting.

/// Which segment a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It belongs to the segment that is being written.
    Within,
    /// It comes before the first keyframe: a player could not decode it.
    Unusable,
    /// It begins a new segment; the one before it, if there is one, is this long in 90 kHz ticks.
    Before(Option<i64>),
}

/// Cuts at each keyframe that is at least the target duration after the last cut.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "the unit belongs into each name")]
pub struct Segmenter {
    target_90k: i64,
    start_90k: Option<i64>,
    end_90k: i64,
}

impl Segmenter {
    /// Segments of `target_90k` ticks of 90 kHz.
    #[must_use]
    pub fn new(target_90k: i64) -> Self {
        Self { target_90k, start_90k: None, end_90k: 0 }
    }

    /// Takes note of a packet of the leading stream: the video, or the audio if there is no video.
    pub fn push_leading(&mut self, dts_90k: i64, duration_90k: i64, is_keyframe: bool) -> Cut {
        let is_after_hole = dts_90k - self.end_90k > duration_90k;
        // Tolerance of half a frame, for frame rates that 90 kHz ticks cannot divide.
        let is_due = is_after_hole
            || self.start_90k.is_none_or(|start| dts_90k - start >= self.target_90k - duration_90k / 2);
        // A gap in the timestamps belongs to no segment: the segment before it ends with its last frame.
        let ended_at_90k = if is_after_hole { self.end_90k } else { dts_90k };
        self.end_90k = dts_90k + duration_90k;
        if is_keyframe && is_due {
            let ended = self.start_90k.replace(dts_90k);
            return Cut::Before(ended.map(|start| ended_at_90k - start));
        }
        self.push_other()
    }

    /// Whether the next keyframe begins a new segment, if it comes where the frame before ends.
    #[must_use]
    pub fn is_full(&self, duration_90k: i64) -> bool {
        self.start_90k.is_some_and(|start| self.end_90k - start >= self.target_90k - duration_90k / 2)
    }

    /// Takes note of a packet of another stream, such as audio next to video: it never begins a segment.
    #[must_use]
    pub fn push_other(&self) -> Cut {
        if self.start_90k.is_some() { Cut::Within } else { Cut::Unusable }
    }

    /// The length so far of the segment being written, in 90 kHz ticks.
    #[must_use]
    pub fn length(&self) -> Option<i64> {
        self.start_90k.map(|start| self.end_90k - start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths in ticks of the segments of a stream of `fps` with a keyframe each `gop` frames.
    #[track_caller]
    fn check(fps: i64, gop: i64, frames: i64, target_90k: i64, expected: &[i64]) {
        let mut segmenter = Segmenter::new(target_90k);
        let mut lengths = Vec::new();
        for n in 0..frames {
            let (dts, next) = (n * 90_000 / fps, (n + 1) * 90_000 / fps);
            if let Cut::Before(Some(length)) = segmenter.push_leading(dts, next - dts, n % gop == 0) {
                lengths.push(length);
            }
        }
        lengths.extend(segmenter.length());
        assert_eq!(lengths, expected);
    }

    #[test]
    fn segments_are_cut_on_the_grid_and_the_last_is_what_is_left() {
        check(20, 40, 100, 180_000, &[180_000, 180_000, 90_000]);
        check(7, 14, 42, 180_000, &[180_000, 180_000, 180_000]);
    }

    #[test]
    fn keyframes_between_the_cuts_are_passed_over() {
        check(20, 10, 100, 180_000, &[180_000, 180_000, 90_000]);
    }

    #[test]
    fn a_hole_in_the_stream_is_part_of_no_segment() {
        let mut segmenter = Segmenter::new(180_000);
        segmenter.push_leading(0, 4500, true);
        segmenter.push_leading(4500, 4500, false);
        assert_eq!(segmenter.push_leading(100_000, 4500, true), Cut::Before(Some(9000)));
        assert_eq!(segmenter.length(), Some(4500));
    }

    #[test]
    fn nothing_is_written_before_the_first_keyframe() {
        let mut segmenter = Segmenter::new(180_000);
        assert_eq!(segmenter.push_leading(0, 4500, false), Cut::Unusable);
        assert_eq!(segmenter.push_other(), Cut::Unusable);
        assert_eq!(segmenter.push_leading(4500, 4500, true), Cut::Before(None));
        assert_eq!(segmenter.push_other(), Cut::Within);
    }

    #[test]
    fn a_stream_that_never_began_has_no_last_segment() {
        assert_eq!(Segmenter::new(180_000).length(), None);
    }
}
