//! Untimed: frames of a source without timestamps get their times here.
//!
//! In: when each frame arrived. Out: its time. Raw H.264, HEVC and MJPEG do not say when a frame is due, and libav makes up 25 a second.
//! A file is played at the rate that its parameter sets state, or that the user says. A pipe or an address delivers in real time, and the
//! time of a frame is when it arrived; unless it runs ahead of its rate, then it is played like a file. Pure: the moments are arguments.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// Where nothing else is known, libav's guess.
const GUESSED_FPS: f64 = 25.0;
/// A source is ahead that has sent more of its frames than its rate allows, by this long.
const AHEAD: Duration = Duration::from_secs(2);
/// A rate that is only guessed may be wrong: then a source is ahead that sends so many times as many frames,
const FASTER_THAN_ANY_CAMERA: f64 = 3.0;
/// for this long.
const AT_A_STRETCH: Duration = Duration::from_secs(1);
/// Frames that arrive together are shown apart, by this part of their usual distance,
const APART: f64 = 0.7;
/// but none later than this.
const MOST_DELAY_US: i64 = 150_000;
/// The usual distance is the mean of about so many.
const MEAN_OF: u32 = 16;
/// Frames nearer than this at the start were read together: they waited while the source was being opened.
const READ_TOGETHER_US: i64 = 5_000;

/// Frames a second, and who says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rate {
    /// The parameter sets of the stream.
    Stated(f64),
    /// The user.
    Asked(f64),
    /// Nobody.
    Guessed,
}

impl Rate {
    /// Frames a second.
    pub(crate) fn fps(self) -> f64 {
        match self {
            Rate::Stated(fps) | Rate::Asked(fps) => fps,
            Rate::Guessed => GUESSED_FPS,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fps = (self.fps() * 100.0).round() / 100.0;
        match self {
            Rate::Stated(_) => write!(out, "{fps} fps, as its parameter sets state"),
            Rate::Asked(_) => write!(out, "{fps} fps, as --input-fps says"),
            Rate::Guessed => write!(out, "{fps} fps, which is a guess; --input-fps sets another rate"),
        }
    }
}

/// The times of one source.
#[derive(Debug)]
pub(crate) struct UntimedClock {
    rate: Rate,
    /// Frames arrive in real time.
    is_live: bool,
    opened_at: Instant,
    frames: u64,
    /// The newest arrivals: as many as no camera sends in [`AT_A_STRETCH`].
    newest: VecDeque<Instant>,
    last: Option<Placed>,
}

#[derive(Debug, Clone, Copy)]
struct Placed {
    arrived_us: i64,
    at_us: f64,
    usual_us: f64,
    /// So many distances are known, up to [`MEAN_OF`].
    distances: u32,
}

impl UntimedClock {
    /// Of a source that was opened at a moment, as `is_live` or as a file.
    pub(crate) fn new(rate: Rate, is_live: bool, opened_at: Instant) -> Self {
        UntimedClock { rate, is_live, opened_at, frames: 0, newest: VecDeque::new(), last: None }
    }

    /// Whether times are those of arrival.
    pub(crate) fn is_live(&self) -> bool {
        self.is_live
    }

    /// Frames a second, where they are timed by that.
    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// A frame arrived. Returns true if the source has shown by it that it does not deliver in real time.
    pub(crate) fn note(&mut self, arrived: Instant) -> bool {
        if !self.is_live {
            return false;
        }
        self.frames += 1;
        let at_a_stretch = (FASTER_THAN_ANY_CAMERA * self.rate.fps() * AT_A_STRETCH.as_secs_f64()) as usize;
        self.newest.push_back(arrived);
        let is_fast = self.newest.len() > at_a_stretch
            && self
                .newest
                .pop_front()
                .is_some_and(|oldest| arrived.saturating_duration_since(oldest) < AT_A_STRETCH);
        let sent_s = self.frames as f64 / self.rate.fps();
        let took_s = arrived.saturating_duration_since(self.opened_at).as_secs_f64();
        let is_ahead = sent_s - took_s > AHEAD.as_secs_f64();
        let turns = is_ahead && (is_fast || self.rate != Rate::Guessed);
        self.is_live &= !turns;
        turns
    }

    /// The time of the next frame and how long it is shown, in microseconds.
    pub(crate) fn place(&mut self, arrived: Instant) -> (i64, i64) {
        let interval_us = 1e6 / self.rate.fps();
        let arrived_us = arrived.saturating_duration_since(self.opened_at).as_micros() as i64;
        let first = Placed { arrived_us, at_us: arrived_us as f64, usual_us: interval_us, distances: 0 };
        let mut next = self.last.map_or(first, |last| Placed { arrived_us, ..last });
        if let Some(last) = self.last {
            let distance_us = arrived_us - last.arrived_us;
            if self.is_live && (last.distances > 0 || distance_us >= READ_TOGETHER_US) {
                next.distances = (last.distances + 1).min(MEAN_OF);
                next.usual_us += (distance_us as f64 - last.usual_us) / f64::from(next.distances);
            }
            let apart_us = if next.distances > 0 { next.usual_us * APART } else { 0.0 };
            next.at_us = if self.is_live {
                (last.at_us + apart_us).min((arrived_us + MOST_DELAY_US) as f64).max(arrived_us as f64)
            } else {
                last.at_us + interval_us
            };
        }
        self.last = Some(next);
        let shown_us = if self.is_live { next.usual_us } else { interval_us };
        (next.at_us.round() as i64, shown_us.round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Frames at these distances: after how many the source shows that it is not live.
    fn turns(rate: Rate, frames: u64, apart: Duration) -> Option<u64> {
        let opened_at = Instant::now();
        let mut clock = UntimedClock::new(rate, true, opened_at);
        (1..=frames).find(|n| clock.note(opened_at + apart * (*n as u32)))
    }

    #[test]
    fn a_camera_at_any_rate_is_live_and_a_film_through_a_pipe_is_not() {
        for fps in [1, 5, 10, 24, 30, 50, 60, 72] {
            assert_eq!(turns(Rate::Guessed, 10_000, Duration::from_secs(1) / fps), None, "{fps} fps");
        }
        assert_eq!(turns(Rate::Guessed, 10_000, MS(1)), Some(76));
        assert_eq!(turns(Rate::Stated(25.0), 10_000, MS(1)), Some(52));
        // Twice as fast as it states: ahead by 2 s after 2 s.
        assert_eq!(turns(Rate::Stated(25.0), 10_000, MS(20)), Some(101));
        assert_eq!(turns(Rate::Asked(50.0), 100_000, MS(20)), None);
    }

    fn times_ms(clock: &mut UntimedClock, opened_at: Instant, arrived_ms: &[u64]) -> Vec<i64> {
        arrived_ms.iter().map(|ms| clock.place(opened_at + MS(*ms)).0 / 1000).collect()
    }

    #[test]
    fn frames_of_a_camera_are_timed_by_their_arrival_and_apart_where_they_come_together() {
        let opened_at = Instant::now();
        let mut clock = UntimedClock::new(Rate::Guessed, true, opened_at);
        assert_eq!(
            times_ms(&mut clock, opened_at, &[500, 600, 701, 799, 900, 1000]),
            [500, 600, 701, 799, 900, 1000]
        );
        let burst = times_ms(&mut clock, opened_at, &[1300, 1300, 1301, 1400, 1500, 1600, 1700, 1800]);
        for (pair, n) in burst.windows(2).zip(0..) {
            assert!(pair[1] - pair[0] >= if n == 1 { 60 } else { 30 }, "{burst:?}");
        }
        assert!(burst[2] - 1301 <= 150 && burst[7] - 1800 <= 10, "{burst:?}");
    }

    #[test]
    fn frames_of_a_film_are_timed_by_its_rate_without_drift() {
        let opened_at = Instant::now();
        let mut clock = UntimedClock::new(Rate::Stated(30_000.0 / 1001.0), false, opened_at);
        let mut last_us = 0;
        for _ in 0..=30_000 {
            last_us = clock.place(opened_at).0;
        }
        assert!((last_us - 1_001_000_000).abs() <= 1, "{last_us}");
    }

    #[test]
    fn what_turns_out_to_be_a_film_goes_on_at_its_rate() {
        let opened_at = Instant::now();
        let mut clock = UntimedClock::new(Rate::Stated(25.0), true, opened_at);
        let mut times = Vec::new();
        for n in 0..120_u64 {
            clock.note(opened_at + MS(n));
            times.push(clock.place(opened_at + MS(n)).0);
        }
        assert!(!clock.is_live());
        assert!(times[60..].windows(2).all(|pair| pair[1] - pair[0] == 40_000), "{times:?}");
    }
}
