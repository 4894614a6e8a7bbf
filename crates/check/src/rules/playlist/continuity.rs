//! Whether a segment goes on where the one before it ended, and what adds up over a run of those that do.

use std::collections::HashMap;

use crate::rules::facts::SegmentFacts;
use crate::rules::finding::Findings;
use crate::rules::rule::{Rule, must, should};
use crate::rules::times::{distance_s, unix_s};
use crate::rules::tolerances::{DATE_DRIFT_S, FALLBACK_FRAME_S, ROUNDING_S};
use livedir_playlist::ListedSegment;

pub(crate) static EXTINF_DRIFTS: Rule = must(
    "extinf-drifts",
    "Apple 8.1",
    "The sum of EXTINF over any run of segments is its length, to within a picture.",
);
pub(crate) static DATE_DRIFTS: Rule = should(
    "date-drifts",
    "RFC 8216 4.3.2.6",
    "Dates and time stamps run at the same pace, so that one date tells all others.",
);

/// Why a segment does not go on where the one before it ended.
pub(crate) enum Interruption {
    /// Other tracks, codecs, file format.
    Streams,
    /// From the end of the one to the start of the other; negative: back.
    Timeline { jump_s: f64 },
    /// The counter of this PID.
    Counter { pid: u16 },
}

/// The first reason, if there is one.
pub(crate) fn break_between(before: &SegmentFacts, facts: &SegmentFacts) -> Option<Interruption> {
    let set_ups = before.decoder_set_up().zip(facts.decoder_set_up());
    if before.container != facts.container || set_ups.is_some_and(|(was, is)| was != is) {
        return Some(Interruption::Streams);
    }
    if let (Some(end_90k), Some(start_90k)) = (before.end_90k(), facts.start_90k()) {
        let jump_s = distance_s(end_90k, start_90k);
        // More than rounding can do, less than a frame that is missing.
        if jump_s.abs() > 1.5 * before.frame_s().unwrap_or(FALLBACK_FRAME_S) {
            return Some(Interruption::Timeline { jump_s });
        }
    }
    let (before, media) = before.media.as_ref().zip(facts.media.as_ref())?;
    let last_counts: HashMap<u16, u8> = before.counters.iter().map(|it| (it.pid, it.last)).collect();
    media.counters.iter().find_map(|counter| {
        let last = last_counts.get(&counter.pid)?;
        let runs_on = last.wrapping_add(1) & 0x0f == counter.first & 0x0f;
        (!runs_on).then_some(Interruption::Counter { pid: counter.pid })
    })
}

/// Segments that go on from one another, up to the last one read.
pub(crate) struct Run<'a> {
    /// The last one.
    pub(crate) last: &'a SegmentFacts,
    last_extinf_s: f64,
    /// Whether its EXTINF is a finding of its own already.
    is_last_off: bool,
    /// EXTINF less the truth, summed up to the start of the last segment; and the ends of where that has been.
    error_s: f64,
    least_error_s: f64,
    greatest_error_s: f64,
    /// Media time since the first date, and that date.
    since_date_s: f64,
    date_s: Option<f64>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(segment: &ListedSegment, facts: &'a SegmentFacts, is_off: bool) -> Self {
        Self {
            last: facts,
            last_extinf_s: segment.duration_s.unwrap_or(0.0),
            is_last_off: is_off,
            error_s: 0.0,
            least_error_s: 0.0,
            greatest_error_s: 0.0,
            since_date_s: 0.0,
            date_s: segment.program_date_time.map(unix_s),
        }
    }

    /// Takes in the next segment of the run.
    pub(crate) fn on_to(
        mut self,
        findings: &mut Findings<'_>,
        segment: &ListedSegment,
        facts: &'a SegmentFacts,
        is_off: bool,
    ) -> Self {
        let (Some(last_start_90k), Some(start_90k)) = (self.last.start_90k(), facts.start_90k()) else {
            return Self::new(segment, facts, is_off);
        };
        let real_s = distance_s(last_start_90k, start_90k);
        if !self.is_last_off {
            self.error_s += self.last_extinf_s - real_s;
        }
        self.least_error_s = self.least_error_s.min(self.error_s);
        self.greatest_error_s = self.greatest_error_s.max(self.error_s);
        let worst_s = self.greatest_error_s - self.least_error_s;
        if worst_s > self.last.frame_s().unwrap_or(FALLBACK_FRAME_S) + ROUNDING_S {
            let seen = format!("EXTINF and time stamps apart by {worst_s:.3} s up to here");
            findings.segment(&EXTINF_DRIFTS, &segment.uri, seen, "less than a picture");
            (self.error_s, self.least_error_s, self.greatest_error_s) = (0.0, 0.0, 0.0);
        }
        self.since_date_s += real_s;
        if let Some(date_s) = segment.program_date_time.map(unix_s) {
            let drift_s = self.date_s.map_or(0.0, |first_s| date_s - first_s - self.since_date_s);
            if drift_s.abs() > DATE_DRIFT_S {
                let seen = format!("dates and time stamps apart by {drift_s:.3} s up to here");
                findings.segment(&DATE_DRIFTS, &segment.uri, seen, "less than 1 s");
            }
            if self.date_s.is_none() || drift_s.abs() > DATE_DRIFT_S {
                (self.date_s, self.since_date_s) = (Some(date_s), 0.0);
            }
        }
        self.last = facts;
        self.last_extinf_s = segment.duration_s.unwrap_or(0.0);
        self.is_last_off = is_off;
        self
    }
}
