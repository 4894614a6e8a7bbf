//! Sound line: runs of samples and silence, joined so that no joint clicks.
//!
//! In: runs, what is to be left out of their start, and silence. Out: one line of samples. Where two samples did not follow each
//! other at the source, what was before fades out and what comes fades in, for a few milliseconds; the length of the line is not
//! touched. Pure.

use std::collections::VecDeque;

/// How many samples a fade takes: 5 ms, under which an ear hears a click. So many are held back, as they may be the last before
/// a silence.
pub(super) const FADE: usize = 240;

/// Left and right.
type Sample = [f32; 2];

/// Joins runs of samples and silence without clicks.
#[derive(Debug, Default)]
pub(super) struct SoundLine {
    samples: VecDeque<Sample>,
    /// What comes next did not follow the last sample.
    is_broken: bool,
}

impl SoundLine {
    /// Samples that can be taken.
    #[must_use]
    pub(super) fn ready(&self) -> usize {
        self.samples.len().saturating_sub(FADE)
    }

    /// All samples.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Takes the first `count` samples.
    pub(super) fn take(&mut self, count: usize) -> impl Iterator<Item = Sample> {
        self.samples.drain(..count)
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.is_broken = true;
    }

    /// Joins on silence.
    pub(super) fn append_silence(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        if !self.is_broken {
            self.fade_out();
        }
        self.samples.extend(std::iter::repeat_n([0.0; 2], count));
        self.is_broken = true;
    }

    /// Joins on a run, but for its first `skip` samples.
    pub(super) fn append(&mut self, left: &[f32], right: &[f32], skip: usize) {
        let mut run = left.iter().zip(right).map(|(left, right)| [*left, *right]);
        if skip >= left.len().min(right.len()) {
            // The silence before has faded out already, if there is one.
            if !std::mem::replace(&mut self.is_broken, true) {
                self.fade_out();
            }
            return;
        }
        if skip > 0 && !self.is_broken {
            // What is left out and what stands there in its place become one another.
            let count = skip.min(FADE).min(self.samples.len());
            let from = self.samples.len() - count;
            let left_out = run.by_ref().take(skip).skip(skip - count);
            for (at, new) in left_out.enumerate() {
                let part = gain(at, count);
                let old = &mut self.samples[from + at];
                *old = [0, 1].map(|channel| old[channel] * (1.0 - part) + new[channel] * part);
            }
        } else {
            run.by_ref().take(skip).for_each(drop);
        }
        let fades = std::mem::take(&mut self.is_broken);
        self.samples.extend(run.enumerate().map(|(at, sample)| {
            let part = if fades && at < FADE { gain(at, FADE) } else { 1.0 };
            sample.map(|value| value * part)
        }));
    }

    fn fade_out(&mut self) {
        let count = FADE.min(self.samples.len());
        let from = self.samples.len() - count;
        for (at, sample) in self.samples.range_mut(from..).enumerate() {
            let part = 1.0 - gain(at, count);
            *sample = sample.map(|value| value * part);
        }
    }
}

/// From 0 to 1, without a corner at either end.
fn gain(at: usize, of: usize) -> f32 {
    let part = (at + 1) as f32 / (of + 1) as f32;
    (1.0 - (part * std::f32::consts::PI).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(from: usize, count: usize) -> Vec<f32> {
        (from..from + count).map(|at| (at as f32 * std::f32::consts::TAU / 48.0).sin() * 0.5).collect()
    }

    /// The largest step between two samples next to each other of all that is joined by `join`, and their number.
    #[track_caller]
    fn check(expected: usize, join: impl FnOnce(&mut SoundLine)) {
        let mut line = SoundLine::default();
        let run = tone(0, 960);
        line.append(&run, &run, 0);
        join(&mut line);
        assert_eq!(line.len(), expected);
        let samples: Vec<_> = line.take(expected).collect();
        // 1 kHz at half of full scale rises by 0.065 in a sample.
        let steepest = samples.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.08, "a click of {steepest}");
        assert!(samples.iter().all(|[left, right]| (left - right).abs() < f32::EPSILON));
    }

    #[test]
    fn no_joint_clicks_and_none_changes_the_length() {
        let append = |line: &mut SoundLine, from: usize, skip: usize| {
            let run = tone(from, 960);
            line.append(&run, &run, skip);
        };
        check(1920, |line| append(line, 960, 0));
        // Left out is half a wave, which is the worst.
        for skip in [24, 120, 312, 900] {
            check(1920 - skip, |line| append(line, 960, skip));
        }
        check(960 + 500 + 960, |line| {
            line.append_silence(500);
            append(line, 1000, 0);
        });
        check(960 + 500 + 936, |line| {
            line.append_silence(200);
            line.append_silence(300);
            append(line, 1000, 24);
        });
        check(960 + 960, |line| {
            append(line, 960, 960);
            append(line, 1943, 0);
        });
    }

    #[test]
    fn a_tone_without_joints_is_left_as_it_is() {
        let mut line = SoundLine::default();
        for n in 0..10 {
            let run = tone(n * 960, 960);
            line.append(&run, &run, 0);
        }
        assert_eq!(line.ready(), 9600 - FADE);
        assert!(
            line.take(9600).zip(tone(0, 9600)).all(|([left, _], tone)| (left - tone).abs() < f32::EPSILON)
        );
    }
}
