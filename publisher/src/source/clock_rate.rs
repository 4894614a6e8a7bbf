//! Clock rate: how fast the clock of a source runs against ours, and how long after its own time a frame or a run of samples arrives
//! when nothing holds it up.
//!
//! In: when each frame or run arrived, and how long that was after its time by the source's clock. Out: the rate, as far as it is
//! certain. Pure. Networks only add to a delay, so the least delay of a moment tells most; the slope of a line through these is
//! the rate. A line that the newest moments leave is given up, and a new one begins.

use std::collections::VecDeque;

/// The least delay of so long is one point: long enough for some frames of every source, short enough to find a clock that
/// is three hundredths off before it adds up to a tenth of a second.
const MOMENT_S: f64 = 0.25;
/// Points that are looked at one by one, before they become history.
const RECENT: usize = 8;
/// So many in a row on one side of the line have left it; fewer is a hiccup.
const STRAYING: usize = 3;
/// They are that far from it, and as far again as its points scatter.
const STRAY_S: f64 = 0.006;
/// Points of history; twice as many become one half, each the lesser of two.
const HISTORY: usize = 32;
/// How far they are apart at most: with [`HISTORY`], some minutes tell to a few millionths, and crystals that warm up are
/// followed.
const LONGEST_STEP_S: f64 = 8.0;
/// Fewer points make no line.
const ENOUGH: usize = 5;
/// Timestamps are rounded to milliseconds.
const ROUNDING_S: f64 = 0.001;
/// Clocks that are off by less are crystals, of which a tenth is taken at a time: nobody is to hear a step of the pitch.
const SMALL: f64 = 0.001;
const GENTLE: f64 = 0.0001;
/// A source that is off by more has no clock, but other trouble.
pub const MOST: f64 = 0.035;

#[derive(Debug, Clone, Copy)]
struct Point {
    at_s: f64,
    delay_s: f64,
}

/// `delay_s` at `at_s`, and by how much it grows in a second.
#[derive(Debug, Clone, Copy)]
struct Line {
    at_s: f64,
    delay_s: f64,
    slope: f64,
    /// How far points are from it.
    scatter_s: f64,
    /// The slope is off by less,
    doubt: f64,
    /// and mostly by less than this.
    margin: f64,
}

/// Measures the clock rate of one source.
#[derive(Debug, Default)]
pub struct ClockRate {
    moment: Option<(f64, Point)>,
    recent: VecDeque<Point>,
    history: VecDeque<Point>,
    step_s: f64,
    line: Option<Line>,
    /// The slope, as far as it is certain.
    slope: f64,
}

impl ClockRate {
    /// A frame or run arrived at `at_s` by our clock, `delay_s` after its time by the source's (from any origin). Says whether
    /// that ended a moment, so that more is known.
    pub fn note(&mut self, at_s: f64, delay_s: f64) -> bool {
        let point = Point { at_s, delay_s };
        let Some((since_s, least)) = &mut self.moment else {
            self.moment = Some((at_s, point));
            return false;
        };
        if at_s - *since_s < MOMENT_S {
            if delay_s < least.delay_s {
                *least = point;
            }
            return false;
        }
        let least = *least;
        self.moment = Some((at_s, point));
        self.add(least);
        true
    }

    /// The source was kept waiting: what arrives now tells nothing.
    pub fn interrupt(&mut self) {
        self.moment = None;
    }

    /// From now on delays are others; the rate stays what it was.
    pub fn restart(&mut self) {
        self.recent.clear();
        self.history.clear();
        self.step_s = 0.0;
        self.line = None;
        self.moment = None;
    }

    /// How many seconds of ours one of the source's lasts, less one, as far as it is certain.
    #[must_use]
    pub fn stretch(&self) -> f64 {
        self.slope / (1.0 - self.slope)
    }

    /// The delay of a frame or run that nothing holds up at `at_s`, if enough is known.
    #[must_use]
    pub fn delay_s(&self, at_s: f64) -> Option<f64> {
        self.line.map(|line| line.delay_s + line.slope * (at_s - line.at_s))
    }

    fn add(&mut self, point: Point) {
        self.recent.push_back(point);
        let strays = self.strays();
        let is_another = strays >= STRAYING;
        // A line that the newest points have left is given up.
        if is_another {
            self.forget_but(STRAYING);
        }
        // So is one that the newest points alone have left for certain: a clock that turned while little was known.
        if fit(&self.recent.iter()).is_some_and(|line| (line.slope - self.slope).abs() > 3.0 * line.doubt) {
            self.history.clear();
            self.step_s = 0.0;
        }
        // One or two strays may be a hiccup, which is not to bend the line.
        let line = self.fit_without(if is_another { 0 } else { strays });
        self.line = line.filter(|line| line.slope.abs() <= MOST);
        match self.line {
            // What was known stays, unless the line tells something else.
            Some(line) if (line.slope - self.slope).abs() > line.doubt => {
                let slope = self.slope.clamp(line.slope - line.margin, line.slope + line.margin);
                // What is small has time.
                let step = if slope.abs() < SMALL { GENTLE } else { MOST };
                self.slope += (slope - self.slope).clamp(-step, step);
            }
            None if line.is_some() => self.forget_but(1),
            _ => {}
        }
        while self.recent.len() > RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.remember(oldest);
        }
    }

    /// The newest points begin another line.
    fn forget_but(&mut self, newest: usize) {
        let newest = self.recent.split_off(self.recent.len() - newest);
        let moment = self.moment.take();
        self.restart();
        (self.recent, self.moment) = (newest, moment);
    }

    /// How many of the newest points, up to [`STRAYING`], lie on one side of the line of those before them: of all, or of
    /// those that are history, which a slow bend has not bent yet.
    fn strays(&self) -> usize {
        let of_all = self.strays_from(STRAYING);
        if of_all >= STRAYING { of_all } else { of_all.max(self.strays_from(RECENT)) }
    }

    fn strays_from(&self, newest: usize) -> usize {
        let Some(line) = self.fit_without(newest) else { return 0 };
        // -1, 0 where it is near enough, or 1.
        let side = |point: &Point| {
            let past_s = point.at_s - line.at_s;
            let bound_s = STRAY_S + 3.0 * line.scatter_s + line.doubt * past_s;
            let off_s = point.delay_s - line.delay_s - line.slope * past_s;
            i8::from(off_s > bound_s) - i8::from(off_s < -bound_s)
        };
        let Some(newest) = self.recent.back().map(side).filter(|side| *side != 0) else { return 0 };
        self.recent.iter().rev().take(STRAYING).take_while(|point| side(point) == newest).count()
    }

    fn fit_without(&self, newest: usize) -> Option<Line> {
        let kept = self.recent.len().checked_sub(newest)?;
        fit(&self.history.iter().chain(self.recent.range(..kept)))
    }

    fn remember(&mut self, point: Point) {
        let slope = self.line.map_or(0.0, |line| line.slope);
        let lesser = |one: Point, other: Point| {
            let is_lesser = one.delay_s - slope * one.at_s < other.delay_s - slope * other.at_s;
            if is_lesser { one } else { other }
        };
        match self.history.back_mut() {
            Some(last) if point.at_s - last.at_s < self.step_s => *last = lesser(*last, point),
            _ => self.history.push_back(point),
        }
        if self.history.len() < 2 * HISTORY {
            return;
        }
        if self.step_s >= LONGEST_STEP_S {
            self.history.pop_front();
            return;
        }
        self.step_s = (2.0 * self.step_s).max(2.0 * MOMENT_S);
        let points = self.history.make_contiguous();
        let pairs = points.chunks(2).map(|pair| pair.iter().copied().reduce(lesser));
        self.history = pairs.flatten().collect();
    }
}

/// The line of least squares through [`ENOUGH`] points or more.
fn fit<'a>(points: &(impl Iterator<Item = &'a Point> + Clone)) -> Option<Line> {
    let count = points.clone().count();
    let first = *points.clone().next()?;
    let last = *points.clone().last()?;
    let span_s = last.at_s - first.at_s;
    if count < ENOUGH || span_s <= 0.0 {
        return None;
    }
    let sum = |of: &dyn Fn(&Point) -> f64| points.clone().map(of).sum::<f64>();
    let freedom = count as f64 - 2.0;
    let count = count as f64;
    let at_s = sum(&|point| point.at_s - first.at_s) / count + first.at_s;
    let delay_s = sum(&|point| point.delay_s - first.delay_s) / count + first.delay_s;
    let squares = sum(&|point| (point.at_s - at_s).powi(2));
    let slope = sum(&|point| (point.at_s - at_s) * (point.delay_s - delay_s)) / squares;
    let rest = sum(&|point| (point.delay_s - delay_s - slope * (point.at_s - at_s)).powi(2));
    let scatter_s = (rest / freedom).sqrt();
    let deviation = scatter_s / squares.sqrt();
    // Student's distribution, about, for one case of a million: it is asked four times a second, for years.
    let doubt = (5.0 + 64.0 / freedom.powi(2)) * deviation + ROUNDING_S / span_s;
    let margin = doubt / 3.0 + ROUNDING_S / span_s;
    Some(Line { at_s, delay_s, slope, scatter_s, doubt, margin })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of samples of a source each 20 ms, which take up to `jitter_s`.
    fn listen(clock: &mut ClockRate, from_s: f64, to_s: f64, slope: f64, jitter_s: f64, delay_s: f64) {
        let pieces = ((to_s - from_s) / 0.02) as u32;
        for n in 0..pieces {
            let at_s = from_s + f64::from(n) * 0.02;
            let late_s = f64::from(n * 7919 % 101) / 101.0 * jitter_s;
            clock.note(at_s + late_s, delay_s + slope * at_s + late_s);
        }
    }

    #[track_caller]
    fn check(slope: f64, jitter_s: f64, for_s: f64, most_off: f64) {
        let mut clock = ClockRate::default();
        listen(&mut clock, 0.0, for_s, slope, jitter_s, 5.0);
        let expected = slope / (1.0 - slope);
        let off = (clock.stretch() - expected).abs();
        assert!(off < most_off, "{} for {expected}", clock.stretch());
        assert!(clock.stretch().abs() < expected.abs() + 2e-6, "{} is more than {expected}", clock.stretch());
    }

    #[test]
    fn a_rate_is_found_in_seconds_and_its_millionths_in_minutes() {
        check(0.03, 0.001, 1.5, 0.003);
        check(0.03, 0.001, 600.0, 5e-6);
        check(-0.03, 0.02, 4.0, 0.006);
        check(-0.01, 0.02, 600.0, 3e-5);
        check(0.0002, 0.005, 600.0, 2e-5);
    }

    #[test]
    fn jitter_is_no_rate() {
        for jitter_s in [0.0, 0.001, 0.01, 0.08] {
            for for_s in [1.0, 2.0, 5.0, 100.0] {
                check(0.0, jitter_s, for_s, 1e-9);
            }
        }
    }

    #[test]
    fn a_stop_and_a_hiccup_leave_the_rate_as_it_is() {
        let mut clock = ClockRate::default();
        listen(&mut clock, 0.0, 60.0, 0.01, 0.005, 0.0);
        let before = clock.stretch();
        listen(&mut clock, 60.42, 63.0, 0.01, 0.005, 0.42);
        assert!((clock.stretch() - before).abs() < 3e-4, "{} was {before}", clock.stretch());
        let delay_s = clock.delay_s(63.0).expect("a line");
        assert!((delay_s - 1.05).abs() < 0.004, "{delay_s}");
    }

    #[test]
    fn a_clock_that_changes_is_followed_within_a_second() {
        let mut clock = ClockRate::default();
        listen(&mut clock, 0.0, 600.0, 0.03, 0.001, 0.0);
        listen(&mut clock, 600.0, 602.0, -0.03, 0.001, 36.0);
        assert!((clock.stretch() + 0.029).abs() < 0.004, "{}", clock.stretch());
    }
}
