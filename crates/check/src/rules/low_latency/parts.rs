//! EXT-X-PART: how long parts are, where they stand, and what they are parts of.

use super::part_segments::INDEPENDENT_UNTRUE;
use crate::rules::finding::Findings;
use crate::rules::rule::{Rule, must, should};
use crate::rules::tolerances::{FALLBACK_FRAME_S, ROUNDING_S};
use livedir_playlist::{ListedPart, ListedSegment, MediaListing};

pub(crate) static PART_TARGET_MISSING: Rule = must(
    "part-target-missing",
    "bis-22 4.4.3.7",
    "A playlist with parts has EXT-X-PART-INF, which says how long a part can be.",
);
pub(crate) static PART_OVER_TARGET: Rule = must(
    "part-over-target",
    "bis-22 4.4.3.7",
    "No part is longer than PART-TARGET, not by a millisecond: players refuse the whole stream for it.",
);
pub(crate) static PART_SHORT: Rule = must(
    "part-short",
    "bis-22 4.4.4.9",
    "A part has 85 % of PART-TARGET; not so one with a keyframe, of or before a gap, or the last of its segment.",
);
pub(crate) static PARTS_OFF_SEGMENT: Rule = must(
    "parts-off-segment",
    "bis-22 4.4.4.9",
    "The parts of a segment hold what it holds: together they last as long.",
);
pub(crate) static PART_FAR_FROM_END: Rule = should(
    "part-far-from-end",
    "bis-22 6.2.2",
    "Parts leave the playlist when they are more than three target durations from its end.",
);
pub(crate) static SEGMENT_TAG_BEHIND_PART: Rule = must(
    "segment-tag-behind-part",
    "bis-22 4.4.4.9",
    "What applies to a segment, such as its date, stands before the first of its parts.",
);
pub(crate) static GAP_WITHOUT_NEED: Rule = should(
    "gap-without-need",
    "bis-22 6.2.1",
    "What a segment with EXT-X-GAP lacks, one of its parts lacks too, and has GAP=YES; of whole parts it can be made.",
);

/// bis-22 4.4.4.9.
const LEAST_OF_TARGET: f64 = 0.85;

/// bis-22 6.2.2.
pub(crate) const TARGETS_WITH_PARTS: f64 = 3.0;

pub(crate) fn check(findings: &mut Findings<'_>, listing: &MediaListing) {
    if listing.has_parts() && listing.tag("EXT-X-PART-INF").is_none() {
        findings.whole(&PART_TARGET_MISSING, "EXT-X-PART without EXT-X-PART-INF", "it with PART-TARGET");
    }
    if let Some(target_s) = listing.part_target_s {
        for part in listing.parts() {
            check_not_over(findings, part, target_s);
        }
        let groups = listing.segments.iter().map(|segment| &segment.parts).chain([&listing.open_parts]);
        for parts in groups {
            check_not_short(findings, parts, target_s);
        }
    }
    check_sums(findings, listing);
    check_gaps(findings, listing);
    check_near_the_end(findings, listing);
    check_places(findings, listing);
}

fn check_not_over(findings: &mut Findings<'_>, part: &ListedPart, target_s: f64) {
    if let Some(duration_s) = part.duration_s.filter(|&duration_s| duration_s > target_s) {
        let seen = format!("DURATION of {duration_s:.6} s in line {}", part.line);
        findings.segment(&PART_OVER_TARGET, &part.uri, seen, format!("at most {target_s:.6} s"));
    }
}

/// Of the segment that is being made nobody knows yet which part is its last; the last one listed may be.
fn check_not_short(findings: &mut Findings<'_>, parts: &[ListedPart], target_s: f64) {
    let least_s = LEAST_OF_TARGET * target_s;
    for pair in parts.windows(2) {
        let [part, next] = pair else { continue };
        let may_be_short = part.independent || part.gap || next.gap;
        let short_s = part.duration_s.filter(|&duration_s| duration_s + ROUNDING_S < least_s);
        if let (Some(duration_s), false) = (short_s, may_be_short) {
            let seen = format!("DURATION of {duration_s:.3} s in line {}, and it is not the last", part.line);
            findings.segment(&PART_SHORT, &part.uri, seen, format!("at least {least_s:.3} s"));
        }
    }
}

fn check_sums(findings: &mut Findings<'_>, listing: &MediaListing) {
    let mut is_oldest = true;
    for segment in listing.segments.iter().filter(|it| !it.parts.is_empty() && !it.gap) {
        // Of the oldest one the first parts may have left already.
        let may_lack = std::mem::take(&mut is_oldest);
        let Some((sum_s, segment_s, tolerance_s)) = sums_s(segment) else { continue };
        if sum_s > segment_s + tolerance_s || (sum_s < segment_s - tolerance_s && !may_lack) {
            let seen = format!("{} parts of {sum_s:.3} s together", segment.parts.len());
            findings.segment(&PARTS_OFF_SEGMENT, &segment.uri, seen, format!("{segment_s:.3} s, as EXTINF"));
        }
    }
}

/// The parts together, the segment, and how much these may differ, seconds.
fn sums_s(segment: &ListedSegment) -> Option<(f64, f64, f64)> {
    let sum_s: Option<f64> = segment.parts.iter().map(|part| part.duration_s).sum();
    // Each duration may be rounded to a millisecond.
    let tolerance_s = FALLBACK_FRAME_S + ROUNDING_S * segment.parts.len() as f64;
    Some((sum_s?, segment.duration_s?, tolerance_s))
}

fn check_gaps(findings: &mut Findings<'_>, listing: &MediaListing) {
    for part in listing.parts().filter(|part| part.gap && part.independent) {
        let seen = format!("INDEPENDENT=YES and GAP=YES in line {}", part.line);
        findings.segment(&INDEPENDENT_UNTRUE, &part.uri, seen, "one of them");
    }
    // Parts that have media keep it when their segment turns out to be lost: what is listed stays as it is.
    for segment in listing.segments.iter().filter(|it| it.gap && !it.parts.is_empty()) {
        let is_all_there = segment.parts.iter().all(|part| !part.gap);
        let sums_s = sums_s(segment).filter(|(sum_s, segment_s, within_s)| sum_s + within_s >= *segment_s);
        if let (true, Some((sum_s, ..))) = (is_all_there, sums_s) {
            let seen = format!("EXT-X-GAP and {} parts of {sum_s:.3} s without GAP", segment.parts.len());
            findings.segment(&GAP_WITHOUT_NEED, &segment.uri, seen, "GAP=YES where media is missing");
        }
    }
}

fn check_near_the_end(findings: &mut Findings<'_>, listing: &MediaListing) {
    let (Some(target_s), true) = (listing.target_duration_s, listing.is_live()) else { return };
    let most_s = TARGETS_WITH_PARTS * target_s as f64;
    for (segment, from_end_s) in from_end(listing) {
        let Some(part) = segment.parts.first() else { continue };
        if from_end_s > most_s + ROUNDING_S * listing.segments.len() as f64 {
            let seen = format!("a part in line {}, {from_end_s:.3} s from the end", part.line);
            findings.segment(&PART_FAR_FROM_END, &segment.uri, seen, format!("at most {most_s} s"));
        }
    }
}

/// Segments, newest first, with the seconds from the end of each to the end of the playlist.
pub(crate) fn from_end(listing: &MediaListing) -> impl Iterator<Item = (&ListedSegment, f64)> {
    let mut after_s = listing.open_duration_s();
    listing.segments.iter().rev().map(move |segment| {
        let from_end_s = after_s;
        after_s += segment.duration_s.unwrap_or(0.0);
        (segment, from_end_s)
    })
}

fn check_places(findings: &mut Findings<'_>, listing: &MediaListing) {
    let mut uris = listing.segments.iter().map(|segment| segment.line).peekable();
    let mut first_part: Option<usize> = None;
    for tag in &listing.tags {
        while uris.next_if(|&line| line < tag.line).is_some() {
            first_part = None;
        }
        match (tag.name.as_str(), first_part) {
            ("EXT-X-PART", None) => first_part = Some(tag.line),
            ("EXT-X-DISCONTINUITY" | "EXT-X-PROGRAM-DATE-TIME" | "EXT-X-MAP" | "EXT-X-KEY", Some(line)) => {
                let seen = format!("{} behind a part of the same segment in line {line}", tag.name);
                findings.line(&SEGMENT_TAG_BEHIND_PART, tag.line, seen, "it before the part");
            }
            _ => {}
        }
    }
}
