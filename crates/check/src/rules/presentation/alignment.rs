//! Two playlists of a presentation along their dates: the same discontinuities, the same borders.

use jiff::Timestamp;

use crate::rules::finding::Findings;
use crate::rules::rule::{Rule, must, should};
use crate::rules::times::unix_s;
use livedir_playlist::MediaListing;

pub(crate) static RENDITIONS_DISCONTINUITIES_DIFFER: Rule = must(
    "renditions-discontinuities-differ",
    "RFC 8216 6.2.4",
    "What was filmed at the same time has the same discontinuity sequence number in all playlists (Apple 8.15).",
);
pub(crate) static RENDITIONS_BORDERS_DIFFER: Rule = should(
    "renditions-borders-differ",
    "Apple 8.22",
    "Segments begin at the same times in all playlists of a presentation.",
);

/// Where the dates of two playlists are compared, those of one medium may be off by this from those of another: a frame
/// and a frame of sound, and rounding.
pub(crate) const ALIGNED_S: f64 = 0.1;

/// The segments of a playlist that have a date, by themselves or from those before.
pub(crate) struct Timeline {
    starts: Vec<Start>,
    ends_s: f64,
}

struct Start {
    at_s: f64,
    date: Option<Timestamp>,
    discontinuity_sequence: u64,
}

impl Timeline {
    pub(crate) fn of(listing: &MediaListing) -> Self {
        let mut timeline = Self { starts: Vec::new(), ends_s: f64::NEG_INFINITY };
        let mut discontinuity_sequence = listing.discontinuity_sequence.unwrap_or(0);
        let mut end_s: Option<f64> = None;
        for segment in &listing.segments {
            if segment.discontinuity {
                discontinuity_sequence = discontinuity_sequence.saturating_add(1);
                end_s = None;
            }
            let date = segment.program_date_time;
            let Some(at_s) = date.map(unix_s).or(end_s) else { continue };
            timeline.starts.push(Start { at_s, date, discontinuity_sequence });
            end_s = segment.duration_s.map(|duration_s| at_s + duration_s);
            timeline.ends_s = timeline.ends_s.max(end_s.unwrap_or(at_s));
        }
        timeline
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// When the first begins and when the last ends, Unix time.
    pub(crate) fn span_s(&self) -> (f64, f64) {
        (self.starts.first().map_or(f64::INFINITY, |start| start.at_s), self.ends_s)
    }

    /// The start next to this moment. Dates that go back are found by rules of their own.
    fn nearest(&self, at_s: f64) -> Option<&Start> {
        let after = self.starts.partition_point(|start| start.at_s < at_s);
        let around = self.starts.get(after.saturating_sub(1)..self.starts.len().min(after + 1))?;
        around.iter().min_by(|a, b| (a.at_s - at_s).abs().total_cmp(&(b.at_s - at_s).abs()))
    }

    /// The first start that another timeline does not have, though it has film of that time.
    fn start_not_in(&self, other: &Timeline) -> Option<&Start> {
        let (begins_s, ends_s) = other.span_s();
        self.starts
            .iter()
            .filter(|start| start.at_s > begins_s - ALIGNED_S && start.at_s < ends_s - ALIGNED_S)
            .find(|start| {
                other.nearest(start.at_s).is_none_or(|nearest| (nearest.at_s - start.at_s).abs() > ALIGNED_S)
            })
    }
}

impl Start {
    fn told(&self) -> String {
        self.date.map_or_else(|| format!("{:.3} s of Unix time", self.at_s), |date| date.to_string())
    }
}

/// Each thing is said once: one playlist that is out of step is out of step in all that follows.
pub(crate) fn check(
    findings: &mut Findings<'_>,
    first_name: &str,
    first: &Timeline,
    name: &str,
    timeline: &Timeline,
) {
    let counted_otherwise = timeline.starts.iter().find_map(|start| {
        let same = first.nearest(start.at_s).filter(|it| (it.at_s - start.at_s).abs() <= ALIGNED_S)?;
        (same.discontinuity_sequence != start.discontinuity_sequence).then_some((start, same))
    });
    if let Some((start, same)) = counted_otherwise {
        let seen = format!("number {} at {}", start.discontinuity_sequence, start.told());
        let expected = format!("{}, as in {first_name}", same.discontinuity_sequence);
        findings.push(&RENDITIONS_DISCONTINUITIES_DIFFER, name.to_owned(), seen, expected);
    }
    if let Some(start) = timeline.start_not_in(first) {
        let seen = format!("a segment that begins at {}", start.told());
        let expected = format!("none, or one in {first_name} too");
        findings.push(&RENDITIONS_BORDERS_DIFFER, name.to_owned(), seen, expected);
    } else if let Some(start) = first.start_not_in(timeline) {
        let seen = format!("no segment that begins at {}", start.told());
        findings.push(&RENDITIONS_BORDERS_DIFFER, name.to_owned(), seen, format!("one, as in {first_name}"));
    }
}
