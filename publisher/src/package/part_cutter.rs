//! Part cutter: says where a segment is cut into parts. Pure; the packager ([`crate::package`]) does the cutting.
//!
//! A part is complete with its last frame. To wait for the next frame would add a frame of latency.

/// Cuts so that no part is longer than its target.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "the unit belongs into each name")]
pub struct PartCutter {
    target_90k: i64,
    start_90k: Option<i64>,
    end_90k: i64,
}

impl PartCutter {
    /// Parts of at most `target_90k` ticks of 90 kHz.
    #[must_use]
    pub fn new(target_90k: i64) -> Self {
        Self { target_90k, start_90k: None, end_90k: 0 }
    }

    /// Whether the current part has to end before this frame, because the frame does not fit into it.
    #[must_use]
    pub fn is_over(&self, dts_90k: i64, duration_90k: i64) -> bool {
        self.start_90k.is_some_and(|start| dts_90k + duration_90k - start > self.target_90k)
    }

    /// Takes note of a frame that was written. Says whether the part is full: no other frame of this length would fit.
    pub fn push(&mut self, dts_90k: i64, duration_90k: i64) -> bool {
        let start_90k = *self.start_90k.get_or_insert(dts_90k);
        self.end_90k = dts_90k + duration_90k;
        // Tolerance of one tick, for frame rates that 90 kHz ticks cannot divide.
        self.end_90k + duration_90k - 1 - start_90k > self.target_90k
    }

    /// Ends the part that is being written, if there is one, and says where in 90 kHz ticks.
    pub fn cut(&mut self) -> Option<i64> {
        self.start_90k.take().map(|_| self.end_90k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the parts of a stream of `fps`, and after how many frames each was complete.
    #[track_caller]
    fn check(fps: i64, frames: i64, target_90k: i64, expected: &[(i64, i64)]) {
        let mut cutter = PartCutter::new(target_90k);
        let (mut parts, mut start_90k) = (Vec::new(), 0);
        let mut cut = |cutter: &mut PartCutter, after: i64| {
            if let Some(end_90k) = cutter.cut() {
                parts.push((end_90k - start_90k, after));
                start_90k = end_90k;
            }
        };
        for n in 0..frames {
            let (dts, next) = (n * 90_000 / fps, (n + 1) * 90_000 / fps);
            if cutter.is_over(dts, next - dts) {
                cut(&mut cutter, n);
            }
            if cutter.push(dts, next - dts) {
                cut(&mut cutter, n + 1);
            }
        }
        cut(&mut cutter, frames);
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_part_is_complete_with_its_last_picture() {
        check(20, 10, 18_000, &[(18_000, 4), (18_000, 8), (9_000, 10)]);
        check(25, 10, 18_000, &[(18_000, 5), (18_000, 10)]);
    }

    #[test]
    fn a_rate_that_ticks_cannot_divide_makes_no_part_too_long() {
        // 2/7 s are 25714 and 2/7 of a tick, rounded up.
        check(7, 6, 25_715, &[(25_714, 2), (25_714, 4), (25_714, 6)]);
        check(7, 2, 12_858, &[(12_857, 1), (12_857, 2)]);
    }

    #[test]
    fn pictures_that_become_longer_end_the_part_before_them() {
        let mut cutter = PartCutter::new(18_000);
        assert!(!cutter.push(0, 4_500));
        assert!(!cutter.push(4_500, 4_500));
        assert!(cutter.is_over(9_000, 18_000));
        assert_eq!(cutter.cut(), Some(9_000));
        assert_eq!(cutter.cut(), None);
    }
}
