//! Sound drift: how much longer or shorter sound is to be made, so that a sound card whose clock runs a little fast or
//! slow stays with the video for hours.
//!
//! In: how far each run of samples is from its place on the line. Out: a stretch, a few millionths, that changes so slowly
//! that nobody hears it. Pure: the sound clock owns it, the resampler before the encoder obeys it.

use crate::captured::MOST_STRETCH;
/// Offsets under this are none: timestamps of files are rounded to milliseconds, and sound that is right stays untouched.
const WORTHWHILE_S: f64 = 0.002;

/// Offsets are smoothed over so long: one run's time says little, hundreds say a lot.
const SMOOTHING_S: f64 = 3.0;

/// What is done about an offset, in parts of a second for each second of it; with [`LEARNING`] this settles in about two
/// minutes without swinging, and the offset of a card that is 200 ppm off stays under 3 ms meanwhile.
const PULL: f64 = 0.06;

/// How fast the card's own error is learnt: `(PULL / 2)²` is the fastest that does not swing.
const LEARNING: f64 = 0.0009;

/// By what part to make sound longer whose source's clock makes it longer by `source`, and which belongs longer by `drift`
/// besides. The pitch changes by no more than the source's clock demands, or by [`MOST_STRETCH`].
#[must_use]
pub fn steer(source: f64, drift: f64) -> f64 {
    let most = MOST_STRETCH.max(source.abs());
    (source + drift).clamp(-most, most)
}

/// The steering of one line of sound.
#[derive(Debug, Clone, Default)]
pub struct SoundDrift {
    is_awake: bool,
    offset_s: f64,
    learnt: f64,
}

impl SoundDrift {
    /// Takes note of a run that is `run_s` long and belongs `offset_s` after where the line stands (before: negative).
    pub fn note(&mut self, offset_s: f64, run_s: f64) {
        self.offset_s += (offset_s - self.offset_s) * (run_s / SMOOTHING_S).clamp(0.0, 1.0);
        self.is_awake |= self.offset_s.abs() > WORTHWHILE_S;
        // What is beyond the most is not learnt: it would be paid back as a swing to the other side.
        if self.is_awake && self.wanted().abs() < MOST_STRETCH {
            self.learnt = (self.learnt + self.offset_s * run_s * LEARNING).clamp(-MOST_STRETCH, MOST_STRETCH);
        }
    }

    /// The line was put right at once: nothing is left of the offset, and the card is what it was.
    pub fn set_right(&mut self) {
        self.offset_s = 0.0;
    }

    /// By what part sound is to be made longer (shorter: negative); within [`MOST_STRETCH`], 0 where nothing is wrong.
    #[must_use]
    pub fn stretch(&self) -> f64 {
        if self.is_awake { self.wanted().clamp(-MOST_STRETCH, MOST_STRETCH) } else { 0.0 }
    }

    fn wanted(&self) -> f64 {
        self.offset_s * PULL + self.learnt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_timestamps_are_left_alone() {
        let mut drift = SoundDrift::default();
        for n in 0..100_000 {
            drift.note(if n % 2 == 0 { 0.0005 } else { -0.0005 }, 0.02);
            assert!(drift.stretch().abs() < f64::EPSILON, "after run {n}");
        }
    }

    #[test]
    fn the_stretch_never_passes_the_most_and_comes_back_from_it() {
        let mut drift = SoundDrift::default();
        for _ in 0..500_000 {
            drift.note(10.0, 0.02);
            assert!(drift.stretch() <= MOST_STRETCH);
        }
        drift.set_right();
        assert!(drift.stretch() < MOST_STRETCH / 2.0, "{} was learnt from what cannot be", drift.stretch());
        for n in 0..30_000 {
            drift.note(-drift.stretch(), 0.02);
            assert!(drift.stretch() > -MOST_STRETCH, "after run {n}");
        }
    }
}
