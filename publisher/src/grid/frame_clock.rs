//! Frame clock: captured frames, at whatever times they come, become a steady output grid.
//!
//! In: the capture time of each frame, and the time now. Out: which grid times to fill. Pure: the grid thread owns it and carries
//! the frames. A source that stalls never stops the grid: overdue grid times are filled with the last frame, or with the slate.

use std::ops::Range;
use std::time::{Duration, Instant};

/// How far a frame may be shown from its capture time, as a fraction of a grid step, in either direction. Half a step is
/// enough for a camera with exact times. The rest is for a camera with jitter around the border between two grid times: without
/// it, its frames would be repeated and dropped in turn.
const REACH: f64 = 0.65;

/// The same before the grid time, as a fraction of the distance of two frames, for a source that is faster than the grid: of a frame
/// that is farther away the next one is nearer. With more, sound would be early by up to a grid step.
const REACH_OF_FAST: f64 = 0.5;

/// A source is faster than the grid whose frames are nearer to each other than this, in grid steps.
const FAST: f64 = 0.9;

/// The usual distance of frames is the mean of about so many.
const MEAN_OF: f64 = 8.0;

/// How long a grid time waits for its frame before it is filled without one. Longer than the hiccups of a healthy
/// source, shorter than the buffer of any player. It costs no latency while frames come.
const PATIENCE: Duration = Duration::from_millis(200);

/// Where a captured frame belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// The source is faster than the grid, or the frame came too late: it has no place.
    Drop,
    /// Show it at grid time `at`, after filling `gap`, the grid times before it that nothing came for.
    Show {
        /// Grid times without a frame of their own.
        gap: Range<u64>,
        /// The frame's grid time.
        at: u64,
    },
}

/// The output grid: grid time `n` is `n / fps` seconds after the origin.
#[derive(Debug, Clone)]
pub struct FrameClock {
    fps: u32,
    patience: Duration,
    origin: Instant,
    next: u64,
    /// Of the newest frame, and the usual distance between frames, in grid steps.
    newest: Option<f64>,
    usual: f64,
}

impl FrameClock {
    /// A grid of `fps` times a second whose time 0 is `origin`. `fps` is at least 1.
    #[must_use]
    pub fn new(fps: u32, origin: Instant) -> Self {
        let fps = fps.max(1);
        // A frame may stand before its grid time by a part of a step: a slow grid waits for it, too.
        let patience = PATIENCE.max(Duration::from_secs(1) / fps);
        Self { fps, patience, origin, next: 0, newest: None, usual: 1.0 }
    }

    /// When grid time `n` is.
    #[must_use]
    pub fn time_of(&self, n: u64) -> Instant {
        let fps = u64::from(self.fps);
        self.origin + Duration::from_secs(n / fps) + Duration::from_nanos((n % fps) * 1_000_000_000 / fps)
    }

    /// Takes note of a frame and says where it belongs. Grid times in the answer count as filled.
    pub fn offer(&mut self, captured_at: Instant) -> Placement {
        let steps = self.steps_to(captured_at);
        if let Some(newest) = self.newest.replace(steps) {
            self.usual += ((steps - newest).clamp(0.0, 2.0) - self.usual) / MEAN_OF;
        }
        let early = if self.usual < FAST { REACH_OF_FAST * self.usual } else { REACH };
        if steps < self.next as f64 - early {
            return Placement::Drop;
        }
        // Stay on the next grid time while the frame is within reach of it; beyond, go to the nearest.
        let at = if steps < self.next as f64 + REACH { self.next } else { steps.round() as u64 };
        let gap = self.next..at;
        self.next = at + 1;
        Placement::Show { gap, at }
    }

    /// The grid times that have waited long enough at `now`; they count as filled.
    pub fn overdue(&mut self, now: Instant) -> Range<u64> {
        let first = self.next;
        if let Some(due) = now.checked_sub(self.patience)
            && due >= self.time_of(first)
        {
            self.next = (self.steps_to(due).floor() as u64).max(first) + 1;
        }
        first..self.next
    }

    /// How far the next grid time is behind `now`.
    #[must_use]
    pub fn behind(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.time_of(self.next))
    }

    /// Skips all grid times before `now`, and returns them.
    pub fn leap(&mut self, now: Instant) -> Range<u64> {
        let first = self.next;
        self.next = (self.steps_to(now).ceil() as u64).max(first);
        first..self.next
    }

    /// When [`overdue`](Self::overdue) next has something to say if no frame comes.
    #[must_use]
    pub fn next_overdue(&self) -> Instant {
        self.time_of(self.next) + self.patience
    }

    fn steps_to(&self, moment: Instant) -> f64 {
        let fps = f64::from(self.fps);
        match moment.checked_duration_since(self.origin) {
            Some(after) => after.as_secs_f64() * fps,
            None => -(self.origin - moment).as_secs_f64() * fps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Frames at these milliseconds on a 20 fps grid: at which grid times each is shown (a `D` is a drop).
    #[track_caller]
    fn check(captured_ms: &[u64], expected: &str) {
        let origin = Instant::now();
        let mut clock = FrameClock::new(20, origin);
        let shown: Vec<String> = captured_ms
            .iter()
            .map(|&ms| match clock.offer(origin + MS(ms)) {
                Placement::Drop => "D".to_owned(),
                Placement::Show { gap, at } if gap.is_empty() => at.to_string(),
                Placement::Show { gap, at } => format!("{}+{at}", gap.count()),
            })
            .collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn a_source_on_the_grid_is_passed_through() {
        check(&[0, 50, 100, 150, 200], "0 1 2 3 4");
    }

    #[test]
    fn jitter_about_the_border_of_two_grid_times_drops_and_doubles_nothing() {
        check(&[0, 75, 124, 176, 223, 277, 322], "0 1 2 3 4 5 6");
    }

    #[test]
    fn a_slow_source_is_filled() {
        check(&[0, 100, 200], "0 1+2 1+4");
    }

    #[test]
    fn a_fast_source_is_thinned() {
        check(&[0, 17, 33, 50, 67, 83, 100], "0 D 1 D D D 2");
    }

    #[test]
    fn of_a_faster_source_the_nearest_frame_is_shown() {
        for source_fps in [23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94] {
            let origin = Instant::now();
            let mut clock = FrameClock::new(20, origin);
            for n in 0..600 {
                let captured_at = origin + Duration::from_secs_f64(f64::from(n) / source_fps);
                let steps = f64::from(n) / source_fps * 20.0;
                let most = (10.0 / source_fps).min(0.5) + 0.02;
                if let Placement::Show { gap, at } = clock.offer(captured_at) {
                    assert!(gap.is_empty(), "{source_fps} fps, frame {n}");
                    let off = at as f64 - steps;
                    assert!(n < 60 || off.abs() <= most, "{source_fps} fps, frame {n}: {off} steps off");
                }
            }
        }
    }

    #[test]
    fn each_grid_time_is_filled_once_when_the_source_stalls_and_returns() {
        let origin = Instant::now();
        let mut clock = FrameClock::new(20, origin);
        assert_eq!(clock.offer(origin), Placement::Show { gap: 0..0, at: 0 });
        assert_eq!(clock.overdue(origin + MS(249)), 1..1, "still within patience");
        assert_eq!(clock.overdue(origin + MS(250)), 1..2);
        assert_eq!(clock.overdue(origin + MS(1300)), 2..23);
        assert_eq!(clock.offer(origin + MS(900)), Placement::Drop, "its time has been filled");
        assert_eq!(clock.offer(origin + MS(1310)), Placement::Show { gap: 23..26, at: 26 });
    }

    #[test]
    fn a_slow_grid_waits_for_a_picture_that_stands_anywhere_between_its_times() {
        for fps in [1, 2, 3, 5] {
            let step = Duration::from_secs(1) / fps;
            for phase in 0..10 {
                let origin = Instant::now();
                let mut clock = FrameClock::new(fps, origin);
                clock.offer(origin);
                let mut shown = 0;
                for n in 1..50 {
                    let captured_at = origin + step * n + step * phase / 10;
                    clock.overdue(captured_at);
                    shown += u32::from(clock.offer(captured_at) != Placement::Drop);
                }
                assert_eq!(shown, 49, "{fps} fps, {phase} tenths after the grid");
            }
        }
    }

    #[test]
    fn a_leap_leaves_out_what_is_past_and_keeps_to_the_grid() {
        let origin = Instant::now();
        let mut clock = FrameClock::new(20, origin);
        clock.offer(origin);
        assert_eq!(clock.behind(origin + MS(30_060)), MS(30_010));
        assert_eq!(clock.leap(origin + MS(30_060)), 1..602);
        assert_eq!(clock.leap(origin + MS(30_060)), 602..602);
        assert_eq!(clock.offer(origin + MS(29_000)), Placement::Drop, "captured before the leap");
        assert_eq!(clock.offer(origin + MS(30_110)), Placement::Show { gap: 602..602, at: 602 });
    }

    #[test]
    fn the_grid_does_not_drift_over_a_year() {
        let origin = Instant::now();
        let clock = FrameClock::new(30, origin);
        let year_s = 365 * 24 * 3600;
        assert_eq!(clock.time_of(year_s * 30), origin + Duration::from_secs(year_s));
    }

    #[test]
    fn a_camera_a_little_off_its_rate_loses_or_gains_one_picture_at_a_time() {
        let origin = Instant::now();
        let mut clock = FrameClock::new(20, origin);
        let (mut drops, mut fills) = (0, 0);
        for n in 0..20_000_u64 {
            // 20.02 frames a second: one too many each 50 s
            match clock.offer(origin + Duration::from_nanos(n * 49_950_050)) {
                Placement::Drop => drops += 1,
                Placement::Show { gap, .. } => fills += gap.count(),
            }
        }
        assert_eq!((drops, fills), (20, 0));
    }
}
