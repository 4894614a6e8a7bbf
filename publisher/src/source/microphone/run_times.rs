//! Run times: when runs of samples were taken, from callbacks that come when the machine gets round to them.
//!
//! In: when a run seems to have been taken, and its length. Out: when it was: right after the run before it by the clock of
//! the sound card, drawn gently to what the callbacks say; and how much slower than ours that clock is. Pure: the callback of
//! the sound card owns it.

use crate::source::clock_rate::ClockRate;
use std::time::{Duration, Instant};

/// Over how long the callbacks draw the count of samples to themselves.
const SMOOTHING_S: f64 = 1.0;

/// Callbacks of a busy machine are so late at times, and the samples still follow each other.
const BEARABLE_S: f64 = 0.06;

/// So many runs in a row beyond that, and samples are missing (or the clock leapt) though nobody said so.
const STRAYING_RUNS: u32 = 10;

/// The line of runs of one opening of a microphone.
#[derive(Debug, Default)]
pub struct RunTimes {
    next: Option<Instant>,
    straying: u32,
    /// When the first run was taken, and how many seconds of samples came since.
    counted: Option<(Instant, f64)>,
    rate: ClockRate,
}

/// A run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    /// When its first sample was taken.
    pub at: Instant,
    /// By what part of itself it lasts longer by our clock (shorter: negative).
    pub stretch: f64,
}

impl RunTimes {
    /// When the first sample of a run of `run_s` seconds was taken that seems to have been taken at `seemingly_at`.
    pub fn place(&mut self, seemingly_at: Instant, run_s: f64) -> Taken {
        let run_s = run_s.max(0.0);
        let at = match self.next {
            Some(expected_at) => self.draw(expected_at, seemingly_at, run_s),
            None => seemingly_at,
        };
        let (first_at, counted_s) = self.counted.get_or_insert((seemingly_at, 0.0));
        let at_s = seemingly_at.saturating_duration_since(*first_at).as_secs_f64();
        self.rate.note(at_s, at_s - *counted_s);
        *counted_s += run_s;
        let stretch = self.rate.stretch();
        self.next = Some(at + Duration::from_secs_f64(run_s * (1.0 + stretch)));
        Taken { at, stretch }
    }

    /// Samples were lost: the next run stands where its callback says.
    pub fn interrupt(&mut self) {
        self.next = None;
        self.straying = 0;
        self.rate.restart();
    }

    fn draw(&mut self, expected_at: Instant, seemingly_at: Instant, run_s: f64) -> Instant {
        let is_late = seemingly_at >= expected_at;
        let apart = if is_late { seemingly_at - expected_at } else { expected_at - seemingly_at };
        if apart.as_secs_f64() > BEARABLE_S {
            self.straying += 1;
            if self.straying < STRAYING_RUNS {
                return expected_at;
            }
            self.straying = 0;
            return seemingly_at;
        }
        self.straying = 0;
        let drawn = apart.mul_f64((run_s / SMOOTHING_S).min(1.0));
        if is_late { expected_at + drawn } else { expected_at.checked_sub(drawn).unwrap_or(expected_at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Places runs of 20 ms whose callbacks come so many milliseconds late; gives how late the last one is placed.
    fn last_is_late_ms(late_ms: impl Iterator<Item = u64>) -> f64 {
        let start = Instant::now();
        let mut times = RunTimes::default();
        let places = late_ms.zip(0_u64..).map(|(late_ms, n)| {
            let at = times.place(start + MS(n * 20 + late_ms), 0.02).at;
            at.saturating_duration_since(start + MS(n * 20)).as_secs_f64() * 1e3
        });
        places.last().unwrap()
    }

    #[test]
    fn late_callbacks_do_not_move_the_samples() {
        let at_times = (0..1000).map(|n| if n % 50 == 9 { 400 } else { 0 });
        assert!(last_is_late_ms(at_times) < 0.01);
        let always_a_little = (0..1000).map(|n| n * 7 % 20);
        assert!((8.0..12.0).contains(&last_is_late_ms(always_a_little)), "about their mean");
    }

    #[test]
    fn missing_samples_are_noticed_after_some_runs_or_at_once_when_they_are_told() {
        assert!(last_is_late_ms((0..60).map(|n| if n < 55 { 0 } else { 500 })) < 1.0);
        assert!(last_is_late_ms((0..80).map(|n| if n < 55 { 0 } else { 500 })) > 499.0);
        let start = Instant::now();
        let mut times = RunTimes::default();
        times.place(start, 0.02);
        times.interrupt();
        assert_eq!(times.place(start + MS(500), 0.02).at, start + MS(500));
    }
}
