//! A low-latency playlist and the bytes of its parts: whether it says of them what is true.

use std::collections::HashMap;

use crate::rules::facts::SegmentFacts;
use crate::rules::finding::{Finding, Findings};
use crate::rules::rule::{Rule, must, should};
use crate::rules::times::distance_s;
use crate::rules::tolerances::{FALLBACK_FRAME_S, ROUNDING_S};
use livedir_playlist::{ListedPart, ListedSegment, Listing, read_listing};

pub(crate) static PART_UNREADABLE: Rule = must(
    "part-unreadable",
    "bis-22 6.2.1",
    "A part is there, complete and playable, from the moment it is listed.",
);
pub(crate) static INDEPENDENT_UNTRUE: Rule =
    must("independent-untrue", "bis-22 4.4.4.9", "A part with INDEPENDENT=YES has a keyframe, and so media.");
pub(crate) static INDEPENDENT_UNSAID: Rule = should(
    "independent-unsaid",
    "bis-22 4.4.4.9",
    "A part with a keyframe says INDEPENDENT=YES: there a viewer can join.",
);
pub(crate) static PART_WITHOUT_SETUP: Rule = should(
    "part-without-setup",
    "bis-22 3.1",
    "A part begins with PAT and PMT, and its first picture carries the parameter sets: players may join there.",
);
pub(crate) static PARTS_NOT_THE_SEGMENT: Rule = must(
    "parts-not-the-segment",
    "bis-22 4.4.4.9",
    "The parts of a segment hold the same pictures and sound: they begin and end where it does.",
);

/// Holds a low-latency playlist to the facts of its parts and segments, in any order; those without facts are passed
/// over, and so are byte ranges.
#[must_use]
pub fn check_parts(name: &str, text: &str, facts: &[SegmentFacts]) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let Listing::Media(listing) = read_listing(text) else { return findings.found };
    let facts: HashMap<&str, &SegmentFacts> = facts.iter().map(|it| (it.uri.as_str(), it)).collect();
    let known = |part: &ListedPart| {
        facts.get(part.uri.as_str()).copied().filter(|_| !part.gap && part.byterange.is_none())
    };
    for part in listing.parts() {
        if let Some(facts) = known(part) {
            check_part(&mut findings, part, facts);
        }
    }
    for segment in listing.segments.iter().filter(|segment| segment.byterange.is_none()) {
        if let Some(whole) = facts.get(segment.uri.as_str()) {
            check_ends(&mut findings, segment, whole, known);
        }
    }
    findings.found
}

fn check_part(findings: &mut Findings<'_>, part: &ListedPart, facts: &SegmentFacts) {
    let uri = &part.uri;
    if let Some(problem) = &facts.problem {
        findings.segment(&PART_UNREADABLE, uri, problem, "a complete part");
        return;
    }
    if !facts.starts_with_tables() {
        let expected = "PAT and PMT before all else";
        findings.segment(&PART_WITHOUT_SETUP, uri, "no PAT and PMT at its start", expected);
    } else if facts.video().is_some_and(|video| !video.starts_with_parameter_sets) {
        let expected = "parameter sets behind the access unit delimiter of its first picture";
        findings.segment(&PART_WITHOUT_SETUP, uri, "a first picture without parameter sets", expected);
    }
    if part.independent && facts.keyframes() == Some(0) {
        let seen = format!("INDEPENDENT=YES in line {} and no IDR picture", part.line);
        findings.segment(&INDEPENDENT_UNTRUE, uri, seen, "an IDR picture in it");
    } else if !part.independent && facts.keyframes().is_some_and(|keyframes| keyframes > 0) {
        let seen = format!("an IDR picture and no INDEPENDENT in line {}", part.line);
        findings.segment(&INDEPENDENT_UNSAID, uri, seen, "INDEPENDENT=YES");
    }
}

/// The first part begins where the segment begins, or later where the oldest have left, and the last ends where it ends.
fn check_ends<'a>(
    findings: &mut Findings<'_>,
    segment: &'a ListedSegment,
    whole: &SegmentFacts,
    known: impl Fn(&'a ListedPart) -> Option<&'a SegmentFacts>,
) {
    let tolerance_s = whole.frame_s().unwrap_or(FALLBACK_FRAME_S) + ROUNDING_S;
    let (Some(first), Some(last)) = (segment.parts.first(), segment.parts.last()) else { return };
    let (first, last) = (known(first), known(last));
    let begins_s = first.and_then(SegmentFacts::start_90k).zip(whole.start_90k());
    if let Some((part_90k, whole_90k)) = begins_s {
        let early_s = distance_s(part_90k, whole_90k);
        if early_s > tolerance_s {
            let seen = format!("parts that begin {early_s:.3} s before it");
            findings.segment(&PARTS_NOT_THE_SEGMENT, &segment.uri, seen, "parts of this segment");
            return;
        }
    }
    let ends_s = last.and_then(SegmentFacts::end_90k).zip(whole.end_90k());
    if let Some((part_90k, whole_90k)) = ends_s {
        let apart_s = distance_s(part_90k, whole_90k);
        if apart_s.abs() > tolerance_s {
            let seen = format!("parts that end {:.3} s away from its end", apart_s.abs());
            findings.segment(&PARTS_NOT_THE_SEGMENT, &segment.uri, seen, "parts of this segment");
        }
    }
}
