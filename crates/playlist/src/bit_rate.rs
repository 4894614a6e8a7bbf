//! Bit rates of a playlist as RFC 8216 4.1 defines them, from the sizes and durations of its segments.
//!
//! In: segments, in their order. Out: a [`BitRate`]. Memory is that of a few segments, however long the stream.

use std::collections::VecDeque;

/// Segments of no length at all would otherwise be kept for ever.
const MOST_SEGMENTS_OF_A_PEAK: usize = 256;

/// What was measured of one playlist.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BitRate {
    /// The largest of any run of segments that lasts half to one and a half target durations; bits a second.
    pub peak_bps: f64,
    /// All bits by the whole time; bits a second.
    pub average_bps: f64,
    /// The whole time.
    pub seconds: f64,
    /// Whether these were all segments that there are and will be.
    pub is_complete: bool,
}

/// Measures as segments come.
#[derive(Debug, Clone, Default)]
pub struct BitRateMeter {
    /// Bits and seconds of the last segments, without a gap.
    last: VecDeque<(f64, f64)>,
    peak_bps: f64,
    bits: f64,
    seconds: f64,
}

impl BitRateMeter {
    /// Takes the next segment.
    pub fn push(&mut self, bytes: u64, duration_s: f64, target_duration_s: f64) {
        if !duration_s.is_finite() || duration_s <= 0.0 {
            return self.gap();
        }
        let bits = bytes as f64 * 8.0;
        self.bits += bits;
        self.seconds += duration_s;
        self.last.push_back((bits, duration_s));
        if self.last.len() > MOST_SEGMENTS_OF_A_PEAK {
            self.last.pop_front();
        }
        // RFC 8216 4.1: any contiguous set of segments that lasts 0.5 to 1.5 times the target duration.
        let (mut run_bits, mut run_s, mut used) = (0.0, 0.0, 0);
        for (bits, duration_s) in self.last.iter().rev() {
            (run_bits, run_s) = (run_bits + bits, run_s + duration_s);
            if run_s > 1.5 * target_duration_s {
                break;
            }
            used += 1;
            if run_s >= 0.5 * target_duration_s {
                self.peak_bps = self.peak_bps.max(run_bits / run_s);
            }
        }
        self.last.drain(..self.last.len() - used);
    }

    /// A segment is not known: no run goes over it.
    pub fn gap(&mut self) {
        self.last.clear();
    }

    /// What has been measured; `None` of nothing.
    #[must_use]
    pub fn measured(&self, is_complete: bool) -> Option<BitRate> {
        let Self { peak_bps, bits, seconds, .. } = *self;
        (seconds > 0.0).then(|| BitRate { peak_bps, average_bps: bits / seconds, seconds, is_complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kilobytes and seconds of segments, with a target duration of 2 s.
    #[track_caller]
    fn check(segments: &[(u64, f64)], peak_kbps: f64, average_kbps: f64) {
        let mut meter = BitRateMeter::default();
        for &(kilobytes, duration_s) in segments {
            meter.push(kilobytes * 1000, duration_s, 2.0);
        }
        let measured = meter.measured(true).unwrap();
        let is = |bps: f64, kbps: f64| (bps / 1000.0 - kbps).abs() < 0.1;
        assert!(is(measured.peak_bps, peak_kbps) && is(measured.average_bps, average_kbps), "{measured:?}");
    }

    #[test]
    fn the_peak_is_that_of_runs_of_half_to_one_and_a_half_target_durations() {
        check(&[(100, 2.0), (300, 2.0), (200, 2.0)], 1200.0, 800.0);
        // The short one counts only with a neighbour.
        check(&[(100, 2.0), (100, 0.5), (100, 2.0)], 640.0, 533.3);
        check(&[(100, 1.0), (300, 1.0), (100, 1.0)], 2400.0, 1333.3);
    }

    #[test]
    fn no_run_goes_over_a_gap_and_nothing_is_measured_of_nothing() {
        let mut meter = BitRateMeter::default();
        assert_eq!(meter.measured(true), None);
        meter.push(100_000, 0.9, 2.0);
        meter.gap();
        meter.push(100_000, 0.9, 2.0);
        let measured = meter.measured(false).unwrap();
        assert!(measured.peak_bps < f64::EPSILON && measured.average_bps > 800_000.0, "{measured:?}");
    }

    #[test]
    fn segments_without_length_take_no_memory() {
        let mut meter = BitRateMeter::default();
        for duration_s in [0.0, -1.0, f64::NAN, f64::INFINITY].into_iter().chain([1e-9; 1000]) {
            meter.push(u64::MAX, duration_s, 2.0);
        }
        assert!(meter.last.len() <= MOST_SEGMENTS_OF_A_PEAK);
    }
}
