//! Picture pace: how long a picture is shown, where each time is rounded, as the milliseconds of RTMP are. Pure.
//!
//! In: decode times in 90 kHz ticks, in order. Out: their mean distance.

use livedir_time::ticks::of_seconds;

/// What times are rounded to at most: a millisecond, in 90 kHz ticks.
pub(super) const COARSEST_90K: u64 = 90;

/// So many pictures tell the distance to a fiftieth of what times are rounded to.
const ENOUGH: i64 = 50;

/// A pause, or a jump, tells nothing.
const LONGEST_90K: i64 = of_seconds(1) as i64;

/// What was seen since the last jump.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PicturePace {
    /// The first and the last time.
    seen: Option<(i64, i64)>,
    /// From the first to the last.
    steps: i64,
}

impl PicturePace {
    /// The next picture.
    pub(crate) fn note(&mut self, dts_90k: i64) {
        if self.is_known() {
            return;
        }
        match self.seen {
            Some((first_90k, last_90k)) if (1..=LONGEST_90K).contains(&dts_90k.saturating_sub(last_90k)) => {
                self.seen = Some((first_90k, dts_90k));
                self.steps += 1;
            }
            _ => (self.seen, self.steps) = (Some((dts_90k, dts_90k)), 0),
        }
    }

    /// Whether it does not change any more.
    fn is_known(&self) -> bool {
        self.steps >= ENOUGH
    }

    /// How long a picture is shown, once enough have come to know it; `usual_90k` where that is the same but for the rounding.
    pub(crate) fn settled(&self, usual_90k: i64) -> Option<i64> {
        let (first_90k, last_90k) = self.seen.filter(|_| self.is_known())?;
        let mean_90k = (last_90k - first_90k + self.steps / 2) / self.steps;
        Some(if mean_90k.abs_diff(usual_90k) <= COARSEST_90K { usual_90k } else { mean_90k })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a stream of so many thousandths of a frame a second, with times in whole milliseconds.
    fn seen(rate_thousandths: i64, pictures: i64) -> PicturePace {
        let mut pace = PicturePace::default();
        for n in 0..pictures {
            pace.note(n * 1_000_000 / rate_thousandths * 90);
        }
        pace
    }

    #[test]
    fn another_rate_is_told_when_it_is_sure_and_stays() {
        assert_eq!(seen(50_000, 50).settled(3_003), None);
        let mut pace = seen(50_000, 60);
        assert_eq!(pace.settled(3_003), Some(1_800));
        pace.note(20_000_000);
        pace.note(20_010_000);
        assert_eq!(pace.settled(3_003), Some(1_800));
        assert_eq!(seen(29_970, 60).settled(3_000), Some(3_000), "the same but for the rounding");
    }

    #[test]
    fn a_jump_begins_it_anew() {
        let mut pace = PicturePace::default();
        for n in (0..40).chain(900_000..900_040) {
            pace.note(n * 3_600);
        }
        assert_eq!(pace.settled(1), None);
        pace.note(i64::MAX);
        pace.note(i64::MIN);
        (0..60).for_each(|n| pace.note(n * 1_800));
        assert_eq!(pace.settled(1), Some(1_800));
    }
}
