//! Outliers: single timestamps that do not fit to those before and behind them are put right. Pure.
//!
//! In: packets of one lane with the times that the container has, in decoding order. Out: the same packets. One that stands far from
//! the one before waits for the one behind it: if both stand there, the timeline jumps, which is for others to judge; if the
//! next one goes on where all was before, it is an outlier. What is usual costs no wait.

use std::collections::VecDeque;

/// A step of more than this many usual ones may be an outlier,
const USUAL_STEPS: i64 = 4;
/// if it is also longer than so many parts of a second.
const PARTS_OF_SECOND: i64 = 5;
/// The most frames between decoding one and showing it: H.264 A.3.1 allows no more to be kept.
const MOST_REORDERED: i64 = 17;

/// When a packet is decoded and shown, in units of its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) dts: Option<i64>,
    pub(crate) pts: Option<i64>,
}

/// Looks at the packets of one lane.
#[derive(Debug)]
pub(crate) struct Outliers<T> {
    /// How many in a row may be off: the frames of a packet of sound have one time, and the others follow from it.
    most: usize,
    last_dts: Option<i64>,
    /// From one packet to the next.
    usual: i64,
    /// From decoding to showing, as the last packet had it.
    shown_after: i64,
    held: VecDeque<(Times, T)>,
}

impl<T> Outliers<T> {
    /// At most so many in a row are held for one that tells.
    pub(crate) fn new(most: usize) -> Self {
        Outliers { most, last_dts: None, usual: 0, shown_after: 0, held: VecDeque::new() }
    }

    /// The next packet; `second`: how many units that is. Puts out what is certain.
    pub(crate) fn push(&mut self, times: Times, second: i64, packet: T, mut put: impl FnMut(Times, T)) {
        if let Some((newest, _)) = self.held.back() {
            // A step back alone is no jump: what comes next would have to be behind, too.
            let is_jump = newest.dts > self.last_dts && follows(newest.dts, times.dts, self.usual, second);
            // As far as all that were held would have come.
            let reach = self.usual.saturating_mul(self.held.len() as i64 + 1);
            if !is_jump && follows(self.last_dts, times.dts, reach, second) {
                self.put_in_line(times, second, &mut put);
            } else if self.held.len() < self.most && follows(newest.dts, times.dts, self.usual, second) {
                return self.held.push_back((times, packet));
            }
            self.finish(second, &mut put);
        }
        let is_first = self.last_dts.is_none() || times.dts.is_none();
        if is_first || follows(self.last_dts, times.dts, self.usual, second) {
            return put(self.settle(times, second), packet);
        }
        self.held.push_back((times, packet));
    }

    /// Nothing follows that would tell.
    pub(crate) fn finish(&mut self, second: i64, mut put: impl FnMut(Times, T)) {
        while let Some((held, packet)) = self.held.pop_front() {
            put(self.settle(held, second), packet);
        }
    }

    /// Outliers get the times of the place where they stand: one usual step after the other, and before the next packet.
    fn put_in_line(&mut self, next: Times, second: i64, mut put: impl FnMut(Times, T)) {
        while let (Some(last), Some(next), Some((held, packet))) =
            (self.last_dts, next.dts, self.held.pop_front())
        {
            let even = (next - last) / (self.held.len() as i64 + 2);
            let dts = last.saturating_add(self.usual.min(even.max(1)));
            let by = held.dts.map_or(0, |held| dts.saturating_sub(held));
            let times = Times { dts: Some(dts), pts: held.pts.map(|pts| pts.saturating_add(by)) };
            put(self.settle(times, second), packet);
        }
    }

    /// Takes note of a packet that is put out. A time of showing that no reordering explains is the usual one.
    fn settle(&mut self, times: Times, second: i64) -> Times {
        let Times { dts: Some(dts), pts } = times else { return times };
        if let Some(last) = self.last_dts {
            let step = dts.saturating_sub(last);
            if step > 0 {
                // One hole is not usual.
                self.usual = if self.usual == 0 { step } else { step.min(self.usual.saturating_mul(2)) };
            }
        }
        self.last_dts = Some(dts);
        let Some(pts) = pts else { return times };
        let shown_after = pts.saturating_sub(dts);
        let longest = self.usual.saturating_mul(MOST_REORDERED).max(second);
        if self.usual == 0 || (-longest..=longest).contains(&shown_after) {
            self.shown_after = shown_after;
            return times;
        }
        Times { pts: Some(dts.saturating_add(self.shown_after)), ..times }
    }
}

/// Whether a packet stands where one is expected that comes after `from`.
fn follows(from: Option<i64>, dts: Option<i64>, usual: i64, second: i64) -> bool {
    let Some((from, dts)) = from.zip(dts) else { return false };
    let step = dts.saturating_sub(from);
    step > 0 && step <= usual.saturating_mul(USUAL_STEPS).max(second / PARTS_OF_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_wild_times_is_put_in_line_where_a_run_may_be_wild() {
        let wild = [0, 20, 40, 7_060, 7_080, 7_100, 120, 140];
        let times = |most: usize| {
            let (mut outliers, mut out) = (Outliers::new(most), Vec::new());
            for dts in wild {
                let times = Times { dts: Some(dts), pts: Some(dts) };
                outliers.push(times, 1000, (), |times, ()| out.push(times.pts.expect("a time")));
            }
            outliers.finish(1000, |times, ()| out.push(times.pts.expect("a time")));
            out
        };
        assert_eq!(times(8), [0, 20, 40, 60, 80, 100, 120, 140]);
        assert_eq!(times(1), wild);
    }

    /// Decode times in milliseconds, and what becomes of them.
    #[track_caller]
    fn check(dts: &[i64], expected: &[i64]) {
        let mut outliers = Outliers::new(1);
        let mut out = Vec::new();
        let mut put = |times: Times, at: usize| {
            assert_eq!(at, out.len(), "in order");
            out.push(times.dts.expect("a time"));
            assert_eq!(times.pts, times.dts.map(|dts| dts + 80));
        };
        for (at, &dts) in dts.iter().enumerate() {
            let times = Times { dts: Some(dts), pts: Some(dts + 80) };
            outliers.push(times, 1000, at, &mut put);
        }
        outliers.finish(1000, &mut put);
        assert_eq!(out, expected);
    }

    #[test]
    fn one_wild_time_is_put_between_its_neighbours() {
        let usual = [0, 40, 80, 120, 160, 200, 240];
        check(&usual, &usual);
        for wild in [5_000, 25_000, -60_000, i64::MAX / 2, i64::MIN / 2, 40, 80] {
            check(&[0, 40, 80, wild, 160, 200, 240], &usual);
        }
        check(&[0, 40, 80, 9_000, 160, 7, 240], &usual);
    }

    #[test]
    fn a_jump_and_a_pause_stay() {
        for jump in [[0, 40, 80, 5_000, 5_040, 5_080], [0, 40, 80, -9_000, -8_960, -8_920]] {
            check(&jump, &jump);
        }
        let slow = [0, 40, 80, 1_080, 2_080, 3_080, 4_080];
        check(&slow, &slow);
        let last = [0, 40, 80, 3_000];
        check(&last, &last);
        let first = [90_000, 0, 40, 80];
        check(&first, &first);
    }

    #[test]
    fn a_time_of_showing_that_no_reordering_explains_is_the_usual_one() {
        let mut outliers = Outliers::new(1);
        let mut shown = Vec::new();
        for (dts, pts) in [(0, 80), (40, 120), (80, 8_160), (120, 200)] {
            let times = Times { dts: Some(dts), pts: Some(pts) };
            outliers.push(times, 1000, (), |times, ()| shown.push(times.pts.expect("a time")));
        }
        assert_eq!(shown, [80, 120, 160, 200]);
    }

    #[test]
    fn packets_without_times_and_with_any_pass() {
        let mut outliers = Outliers::new(1);
        let mut count = 0;
        for dts in [None, Some(i64::MIN), None, Some(i64::MAX), Some(0), Some(i64::MIN), Some(i64::MAX), None]
        {
            let times = Times { dts, pts: dts.map(i64::saturating_neg) };
            outliers.push(times, 90_000, (), |_, ()| count += 1);
        }
        outliers.finish(90_000, |_, ()| count += 1);
        assert_eq!(count, 8);
    }
}
