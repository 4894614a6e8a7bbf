//! Absences: when this program should have run and did not, because the machine was too busy or it was stopped.
//!
//! In: when threads woke, and when they had planned to; monotonic seconds. Out: how long this program did not run. Pure.

use std::collections::VecDeque;

/// How often the pulse means to wake.
pub(crate) const PULSE_S: f64 = 0.05;

/// A smaller delay than this is no absence: any machine has such delays, and the rules that depend on the
/// clock have a tolerance for them.
const MARGIN_S: f64 = 0.1;

/// Older ones are forgotten. A machine that is away so often has had each of the last ones noted.
const MOST: usize = 1_000;

/// The absences so far.
#[derive(Debug, Default)]
pub(crate) struct Absences {
    /// When the pulse woke last.
    pulse_at_s: Option<f64>,
    /// Begin and end.
    known: VecDeque<(f64, f64)>,
}

impl Absences {
    /// The pulse woke.
    pub(crate) fn pulse(&mut self, now_s: f64) {
        if let Some(pulse_at_s) = self.pulse_at_s.replace(now_s) {
            self.woke(pulse_at_s + PULSE_S, now_s);
        }
    }

    /// A thread woke that had meant to wake at `planned_s`.
    pub(crate) fn woke(&mut self, planned_s: f64, now_s: f64) {
        if now_s - planned_s > MARGIN_S {
            self.known.push_back((planned_s, now_s));
            if self.known.len() > MOST {
                self.known.pop_front();
            }
        }
    }

    /// For how long it was absent between the two times, seconds. The pulse may not have woken yet at `now_s`.
    #[must_use]
    pub(crate) fn within_s(&self, from_s: f64, to_s: f64, now_s: f64) -> f64 {
        let asleep = self.pulse_at_s.map(|pulse_at_s| (pulse_at_s + PULSE_S, now_s));
        let asleep = asleep.filter(|(planned_s, now_s)| now_s - planned_s > MARGIN_S);
        let mut parts: Vec<_> = self
            .known
            .iter()
            .copied()
            .chain(asleep)
            .map(|(begin_s, end_s)| (begin_s.max(from_s), end_s.min(to_s)))
            .filter(|(begin_s, end_s)| begin_s < end_s)
            .collect();
        // Several threads tell of the same absence.
        parts.sort_by(|left, right| left.0.total_cmp(&right.0));
        let (mut absent_s, mut counted_to_s) = (0.0, from_s);
        for (begin_s, end_s) in parts {
            absent_s += (end_s - begin_s.max(counted_to_s)).max(0.0);
            counted_to_s = counted_to_s.max(end_s);
        }
        absent_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a pulse at each of these times.
    fn absences(pulses_s: &[f64]) -> Absences {
        let mut absences = Absences::default();
        for &pulse_s in pulses_s {
            absences.pulse(pulse_s);
        }
        absences
    }

    #[track_caller]
    fn check(absences: &Absences, (from_s, to_s): (f64, f64), now_s: f64, expected_s: f64) {
        let absent_s = absences.within_s(from_s, to_s, now_s);
        assert!((absent_s - expected_s).abs() < 1e-9, "{absent_s} s");
    }

    #[test]
    fn a_pulse_that_is_late_by_less_than_the_margin_is_no_absence() {
        check(&absences(&[0.0, 0.05, 0.19, 0.24]), (0.0, 1.0), 0.25, 0.0);
    }

    #[test]
    fn an_absence_counts_as_far_as_it_lies_within() {
        let absences = absences(&[0.0, 0.05, 5.1, 5.15]);
        check(&absences, (0.0, 9.0), 5.2, 5.0);
        check(&absences, (2.1, 9.0), 5.2, 3.0);
        check(&absences, (2.1, 3.1), 5.2, 1.0);
        check(&absences, (5.1, 9.0), 5.2, 0.0);
    }

    #[test]
    fn whoever_wakes_before_the_pulse_knows_of_the_absence() {
        check(&absences(&[0.0, 0.05]), (0.0, 3.1), 3.1, 3.0);
    }

    #[test]
    fn what_two_threads_tell_counts_once() {
        let mut absences = absences(&[0.0, 2.05]);
        absences.woke(1.05, 3.05);
        absences.woke(1.5, 1.7);
        // From 0.05 on, as the pulse is asleep again.
        check(&absences, (0.0, 9.0), 3.06, 3.01);
    }
}
