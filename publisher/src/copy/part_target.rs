//! Part target: how long the parts of a stream that is copied are to be. Pure.
//!
//! Clients that come later may have another frame rate, and PART-TARGET stays as it is (bis-22 4.4.3.7). Parts consist of whole frames,
//! are no longer than PART-TARGET, and have 85 % of it (bis-22 4.4.4.9). So it is chosen such that parts of the usual rates fit, too.

use livedir_time::ticks::of_milliseconds;

/// Containers that count in milliseconds, such as RTMP, have an error of this much at each end of a part.
pub(crate) const COARSE_TICK_90K: u64 = of_milliseconds(2);

/// Frame rates of cameras and encoders, in frames of 1,001 s: 23.976, 24, 25, 29.97, 30, 50, 59.94 and 60 frames a second.
const USUAL_RATES: [u64; 8] = [24_000, 24_024, 25_025, 30_000, 30_030, 50_050, 60_000, 60_060];

/// [`USUAL_RATES`] are of so many ticks.
const RATES_OF_90K: u64 = of_milliseconds(1_001_000);

/// A part may be longer than what was asked for by so much of it, if more rates fit then.
const MOST_LONGER_PERCENT: u64 = 6;

/// A part may be shorter than what was asked for by so much of it, if more rates fit then.
const MOST_SHORTER_PERCENT: u64 = 25;

/// bis-22 4.4.4.9: the duration of a part MUST be at least this much of PART-TARGET.
const LEAST_PERCENT: u64 = 85;

/// How long frames are shown, as a fraction of ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    ticks: u64,
    frames: u64,
}

impl Pace {
    const USUAL: [Self; USUAL_RATES.len()] = {
        let mut usual = [Self { ticks: RATES_OF_90K, frames: 1 }; USUAL_RATES.len()];
        let mut at = 0;
        while at < USUAL_RATES.len() {
            usual[at].frames = USUAL_RATES[at];
            at += 1;
        }
        usual
    };

    fn of(picture_90k: u64) -> Self {
        Self { ticks: picture_90k.max(1), frames: 1 }
    }

    /// So many frames, rounded up.
    fn lasting_90k(self, frames: u64) -> u64 {
        (frames * self.ticks).div_ceil(self.frames)
    }

    /// How many whole frames fit, with the error of coarse times.
    fn held_by(self, target_90k: u64) -> u64 {
        target_90k.saturating_sub(COARSE_TICK_90K) * self.frames / self.ticks
    }

    fn fits(self, target_90k: u64) -> bool {
        let frames = self.held_by(target_90k);
        let shortest_90k = self.lasting_90k(frames).saturating_sub(COARSE_TICK_90K);
        frames > 0 && shortest_90k * 100 >= target_90k * LEAST_PERCENT
    }
}

/// Whether parts of whole frames that are shown so long, rounded to a tick, fit to PART-TARGET.
#[must_use]
pub(crate) fn fits(target_90k: u64, picture_90k: u64) -> bool {
    // As short as it may be before it was rounded.
    Pace { ticks: (2 * picture_90k).saturating_sub(1).max(1), frames: 2 }.fits(target_90k)
}

/// PART-TARGET for parts of at most `asked_90k`, out of frames that are shown for `picture_90k` each.
#[must_use]
pub(crate) fn of_one_rate_90k(asked_90k: u64, picture_90k: u64) -> u64 {
    let pace = Pace::of(picture_90k);
    pace.lasting_90k((asked_90k / pace.ticks).max(1)) + COARSE_TICK_90K
}

/// The same where frames of other rates may come later: that which the most of the usual rates fit to, and of these the one that is
/// nearest to what was asked for.
#[must_use]
pub(crate) fn of_all_rates_90k(asked_90k: u64, picture_90k: u64) -> u64 {
    let own = Pace::of(picture_90k);
    let first_90k = of_one_rate_90k(asked_90k, picture_90k);
    let bounds_90k =
        asked_90k * (100 - MOST_SHORTER_PERCENT) / 100..=asked_90k * (100 + MOST_LONGER_PERCENT) / 100;
    let whole = Pace::USUAL.into_iter().chain([own]).flat_map(|pace| {
        let most = bounds_90k.end() * pace.frames / pace.ticks;
        (1..=most).map(move |frames| pace.lasting_90k(frames))
    });
    let others = whole.filter(|lasting_90k| bounds_90k.contains(lasting_90k));
    let targets =
        others.map(|lasting_90k| lasting_90k + COARSE_TICK_90K).filter(|target_90k| own.fits(*target_90k));
    let rates = |target_90k: u64| Pace::USUAL.iter().filter(|pace| pace.fits(target_90k)).count();
    let distance_90k = |target_90k: u64| target_90k.abs_diff(asked_90k + COARSE_TICK_90K);
    // What the source alone would have comes first, and stays where others are no better.
    [first_90k]
        .into_iter()
        .chain(targets)
        .min_by_key(|&target_90k| (USUAL_RATES.len() - rates(target_90k), distance_90k(target_90k)))
        .unwrap_or(first_90k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::part_cutter::PartCutter;

    /// The lengths of the parts of two minutes, but for the last one, of frames with times in whole milliseconds as RTMP has them, or else
    /// in ticks.
    fn parts_90k(target_90k: u64, pace: Pace, in_ms: bool) -> Vec<i64> {
        let at = |n: u64| {
            let exact_90k = n * pace.ticks / pace.frames;
            let rounded_90k = if in_ms { exact_90k / 90 * 90 } else { exact_90k };
            rounded_90k as i64
        };
        let mut cutter = PartCutter::new(target_90k as i64);
        let (mut parts_90k, mut start_90k) = (Vec::new(), 0);
        for n in 0..2_000 {
            let duration_90k = at(n + 1) - at(n);
            let is_over = cutter.is_over(at(n), duration_90k);
            if let Some(end_90k) = is_over.then(|| cutter.cut()).flatten() {
                parts_90k.push(end_90k - start_90k);
                start_90k = end_90k;
            }
            let is_full = cutter.push(at(n), duration_90k);
            if let Some(end_90k) = is_full.then(|| cutter.cut()).flatten() {
                parts_90k.push(end_90k - start_90k);
                start_90k = end_90k;
            }
        }
        parts_90k
    }

    #[track_caller]
    fn check_parts(target_90k: u64, pace: Pace) {
        for in_ms in [true, false] {
            let parts_90k = parts_90k(target_90k, pace, in_ms);
            assert!(parts_90k.len() > 20);
            for part_90k in parts_90k {
                let percent = part_90k as f64 * 100.0 / target_90k as f64;
                assert!((85.0..=100.0).contains(&percent), "{pace:?}: {part_90k} of {target_90k}, {in_ms}");
            }
        }
    }

    #[test]
    fn parts_of_the_usual_length_fit_for_all_usual_rates_whatever_the_first_one_is() {
        let first = Pace::USUAL.map(|pace| pace.ticks / pace.frames);
        // 15, 20, 48 and 120 frames a second.
        for picture_90k in first.into_iter().chain([6_000, 4_500, 1_875, 750]) {
            let target_90k = of_all_rates_90k(18_000, picture_90k);
            assert!((18_000..=19_260).contains(&target_90k), "{picture_90k}: {target_90k}");
            Pace::USUAL
                .into_iter()
                .chain([Pace::of(picture_90k)])
                .for_each(|pace| check_parts(target_90k, pace));
        }
    }

    #[test]
    fn parts_of_any_length_fit_for_the_rate_of_the_source() {
        for asked_ms in [50, 66, 100, 150, 200, 333, 500, 1_000] {
            for picture_90k in [1_500, 1_800, 3_000, 3_003, 3_600, 3_753] {
                let asked_90k = asked_ms * 90;
                if picture_90k > asked_90k {
                    continue;
                }
                let target_90k = of_all_rates_90k(asked_90k, picture_90k);
                let usual = |target_90k| Pace::USUAL.iter().filter(|pace| pace.fits(target_90k)).count();
                let own_90k = of_one_rate_90k(asked_90k, picture_90k);
                assert!(usual(target_90k) >= usual(own_90k));
                assert!(target_90k <= asked_90k * 106 / 100 + COARSE_TICK_90K);
                check_parts(target_90k, Pace::of(picture_90k));
            }
        }
    }

    #[test]
    fn a_rate_that_does_not_fit_is_known() {
        assert!(fits(18_949, 3_600) && fits(18_949, 3_003));
        // Four frames at 24 a second are 82 % of 0.202 s, five are more.
        assert!(!fits(18_180, 3_750));
        assert!(!fits(18_180, 90_000));
    }
}
