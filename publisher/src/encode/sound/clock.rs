//! Sound clock: captured runs of samples become one unbroken line of samples that begins with the frame grid.
//!
//! In: when a run was captured and how long it is. Out: how much silence to put before it, how much of it to leave out,
//! and how much longer the runs to come are to be made. Pure: the grid thread owns it and carries the samples.

use std::time::{Duration, Instant};

use crate::encode::sound::drift::SoundDrift;

/// Runs may be this far from the end of the run before and are still simply joined on: clocks and timestamps jitter, and
/// every correction is a small click. Well under the 40 ms at which sound and video are seen to part.
const TOLERANCE: Duration = Duration::from_millis(25);

/// How long the line waits for sound before silence takes its place.
const PATIENCE: Duration = Duration::from_millis(200);

/// What to do with one captured run of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joint {
    /// Samples of silence to put before it.
    pub silence: u64,
    /// Samples of it to leave out at its start (at most its length).
    pub skip: u64,
}

/// The line of samples: sample 0 is at the origin.
#[derive(Debug, Clone)]
pub struct SoundClock {
    rate_hz: u32,
    origin: Instant,
    next: u64,
    /// Whether the line ends with a captured run, and not with silence or with samples that were left out.
    is_of_run: bool,
    drift: SoundDrift,
}

impl SoundClock {
    /// A line of `rate_hz` samples a second whose sample 0 is at `origin`.
    #[must_use]
    pub fn new(rate_hz: u32, origin: Instant) -> Self {
        Self { rate_hz: rate_hz.max(1), origin, next: 0, is_of_run: false, drift: SoundDrift::default() }
    }

    /// Takes note of `samples` samples, the first captured at `captured_at`, and says how to join them on.
    pub fn offer(&mut self, captured_at: Instant, samples: u64) -> Joint {
        let at = self.position_of(captured_at);
        let ahead = at - self.next as i64;
        let tolerance = (TOLERANCE.as_secs_f64() * f64::from(self.rate_hz)) as i64;
        let joint = if self.is_of_run && ahead.abs() <= tolerance {
            let rate_hz = f64::from(self.rate_hz);
            self.drift.note(ahead as f64 / rate_hz, samples as f64 / rate_hz);
            Joint { silence: 0, skip: 0 }
        } else if ahead >= 0 {
            self.drift.set_right();
            Joint { silence: ahead as u64, skip: 0 }
        } else {
            self.drift.set_right();
            Joint { silence: 0, skip: ahead.unsigned_abs().min(samples) }
        };
        self.is_of_run = joint.skip < samples;
        self.next += joint.silence + samples - joint.skip;
        joint
    }

    /// By what part the runs to come are to be made longer (shorter: negative), so that the line keeps to the capture times.
    #[must_use]
    pub fn stretch(&self) -> f64 {
        self.drift.stretch()
    }

    /// Samples of silence that are due at `now`; they count as joined on.
    pub fn overdue(&mut self, now: Instant) -> u64 {
        now.checked_sub(PATIENCE).map_or(0, |due| self.silence_until(due))
    }

    /// Samples of silence from the end of the line to `moment`; they count as joined on.
    pub fn silence_until(&mut self, moment: Instant) -> u64 {
        let silence = (self.position_of(moment) - self.next as i64).max(0) as u64;
        self.next += silence;
        self.is_of_run &= silence == 0;
        silence
    }

    /// Leaves out everything before `moment`; gives the number of samples.
    pub fn leap(&mut self, moment: Instant) -> u64 {
        let left_out = (self.position_of(moment) - self.next as i64).max(0) as u64;
        self.next += left_out;
        left_out
    }

    fn position_of(&self, moment: Instant) -> i64 {
        let rate_hz = f64::from(self.rate_hz);
        match moment.checked_duration_since(self.origin) {
            Some(after) => (after.as_secs_f64() * rate_hz).round() as i64,
            None => -((self.origin - moment).as_secs_f64() * rate_hz).round() as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::sound::drift::steer;
    use crate::source::microphone::run_times::RunTimes;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn runs_that_follow_each_other_are_joined_as_they_are() {
        let origin = Instant::now();
        let mut clock = SoundClock::new(48_000, origin);
        for n in 0..100 {
            assert_eq!(clock.offer(origin + MS(n * 20), 960), Joint { silence: 0, skip: 0 });
        }
    }

    #[test]
    fn jitter_is_borne_and_a_gap_is_silence() {
        let origin = Instant::now();
        let mut clock = SoundClock::new(48_000, origin);
        clock.offer(origin, 960);
        assert_eq!(clock.offer(origin + MS(35), 960), Joint { silence: 0, skip: 0 });
        assert_eq!(clock.offer(origin + MS(100), 960), Joint { silence: 60 * 48, skip: 0 });
    }

    #[test]
    fn what_was_captured_before_the_origin_or_overlaps_is_left_out() {
        let origin = Instant::now() + MS(1000);
        let mut clock = SoundClock::new(48_000, origin);
        assert_eq!(clock.offer(origin.checked_sub(MS(40)).unwrap(), 960), Joint { silence: 0, skip: 960 });
        assert_eq!(clock.offer(origin.checked_sub(MS(10)).unwrap(), 960), Joint { silence: 0, skip: 480 });
        clock.offer(origin + MS(10), 48_000);
        assert_eq!(clock.offer(origin + MS(910), 9600), Joint { silence: 0, skip: 100 * 48 });
    }

    #[test]
    fn silence_takes_the_place_of_sound_that_does_not_come() {
        let origin = Instant::now();
        let mut clock = SoundClock::new(48_000, origin);
        clock.offer(origin, 960);
        assert_eq!(clock.overdue(origin + MS(219)), 0);
        assert_eq!(clock.overdue(origin + MS(320)), 100 * 48);
        assert_eq!(clock.offer(origin + MS(60), 960), Joint { silence: 0, skip: 960 });
    }

    #[test]
    fn a_leap_leaves_out_what_is_past() {
        let origin = Instant::now();
        let mut clock = SoundClock::new(48_000, origin);
        clock.offer(origin, 960);
        assert_eq!(clock.leap(origin + MS(30_020)), 30_000 * 48);
        assert_eq!(clock.leap(origin), 0);
        assert_eq!(
            clock.offer(origin + MS(30_000), 1920),
            Joint { silence: 0, skip: 0 },
            "within the tolerance"
        );
    }

    /// An hour of a sound card whose clock is so far off, with callbacks that come up to 20 ms late and at times 80 ms.
    #[track_caller]
    fn check_an_hour(card_ppm: f64) {
        let origin = Instant::now();
        let (mut times, mut clock) = (RunTimes::default(), SoundClock::new(48_000, origin));
        let (mut line, mut owed, mut random, mut last_stretch) = (0.0, 0.0, 1_u64, 0.0);
        for n in 0..180_000_u64 {
            let taken_s = n as f64 * 0.02 / (1.0 + card_ppm * 1e-6);
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let late_s = if n % 997 == 500 { 0.08 } else { (random >> 33) as f64 / 2_f64.powi(31) * 0.02 };
            let taken = times.place(origin + Duration::from_secs_f64(taken_s + late_s), 0.02);

            let stretch = steer(taken.stretch, clock.stretch());
            // A twentieth of the change of pitch that trained ears notice.
            assert!((stretch - last_stretch).abs() < 150e-6, "a jump of pitch at run {n}");
            last_stretch = stretch;
            owed += 960.0 * (1.0 + stretch);
            let samples = owed as u64;
            owed -= samples as f64;
            let joint = clock.offer(taken.at, samples);
            assert!(n == 0 || joint == Joint { silence: 0, skip: 0 }, "{joint:?} at run {n}");
            line += joint.silence as f64;
            let offset_s = line / 48_000.0 - taken_s;
            let bound_s = if n < 15_000 { 0.04 } else { 0.015 };
            assert!(offset_s.abs() < bound_s, "{offset_s} s at run {n}, {card_ppm} ppm");
            line += samples as f64;
        }
        assert!((last_stretch * 1e6 + card_ppm).abs() < 60.0, "{last_stretch} at the end");
    }

    #[test]
    fn a_sound_card_that_is_200_ppm_off_stays_with_the_picture_for_an_hour_without_a_jump() {
        check_an_hour(200.0);
        check_an_hour(-200.0);
        check_an_hour(0.0);
    }

    #[test]
    fn a_drifting_sound_clock_never_parts_from_the_picture_by_more_than_the_tolerance() {
        let origin = Instant::now();
        let mut clock = SoundClock::new(48_000, origin);
        let mut line = 0_i64;
        for n in 0..180_000_u64 {
            // 200 ppm fast for an hour
            let captured_at = origin + Duration::from_nanos(n * 19_996_000);
            let joint = clock.offer(captured_at, 960);
            line += joint.silence as i64 - joint.skip as i64;
            let offset_s = (captured_at - origin).as_secs_f64() - line as f64 / 48_000.0;
            assert!(offset_s.abs() < 0.026, "{offset_s} s after run {n}");
            line += 960;
        }
    }
}
