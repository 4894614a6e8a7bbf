//! EXT-X-PROGRAM-DATE-TIME: when each segment was captured, without contradiction.

use crate::rules::finding::{Findings, excerpt};
use crate::rules::rule::{Rule, must, should};
use crate::rules::times::unix_s;
use crate::rules::tolerances::DATE_DRIFT_S;
use livedir_playlist::MediaListing;
use livedir_playlist::tag_values::date;

pub(crate) static DATE_MISSING: Rule =
    must("date-missing", "Apple 8.4", "A live playlist says when its segments were filmed.");
pub(crate) static DATE_MISSING_AFTER_DISCONTINUITY: Rule = should(
    "date-missing-after-discontinuity",
    "RFC 8216 6.2.1",
    "In a playlist with dates, each segment with EXT-X-DISCONTINUITY has one.",
);
pub(crate) static DATE_IMPRECISE: Rule =
    should("date-imprecise", "RFC 8216 4.3.2.6", "A date has a time zone and milliseconds.");
pub(crate) static DATE_AMBIGUOUS: Rule = must(
    "date-ambiguous",
    "bis-22 6.2.1",
    "No date belongs to two segments: one begins when the one before ended, or less than a second before.",
);
pub(crate) static DATE_GAP: Rule = should(
    "date-gap",
    "bis-22 6.2.1",
    "Dates run on: time without media is filled with EXT-X-GAP, or EXT-X-DISCONTINUITY stands behind it.",
);

pub(crate) fn check(findings: &mut Findings<'_>, listing: &MediaListing) {
    let has_tags = listing.tag("EXT-X-PROGRAM-DATE-TIME").is_some();
    let lists_anything = !listing.segments.is_empty() || listing.has_parts();
    if !has_tags && listing.is_live() && lists_anything {
        findings.whole(&DATE_MISSING, "no EXT-X-PROGRAM-DATE-TIME", "one on each segment");
    }
    check_precision(findings, listing);
    let has_dates = listing.segments.iter().any(|segment| segment.program_date_time.is_some());
    let mut end_s: Option<f64> = None;
    for segment in &listing.segments {
        if segment.discontinuity && segment.program_date_time.is_none() {
            if has_dates {
                let seen = format!("EXT-X-DISCONTINUITY before line {} without a date", segment.line);
                let expected = "EXT-X-PROGRAM-DATE-TIME too";
                findings.segment(&DATE_MISSING_AFTER_DISCONTINUITY, &segment.uri, seen, expected);
            }
            end_s = None;
        }
        let begins_s = segment.program_date_time.map(unix_s);
        if let (Some(begins_s), Some(end_s)) = (begins_s, end_s) {
            let gap_s = begins_s - end_s;
            if gap_s <= -DATE_DRIFT_S {
                let seen = format!("a date {:.3} s before the end of the segment before", -gap_s);
                findings.segment(&DATE_AMBIGUOUS, &segment.uri, seen, "less than 1 s");
            } else if gap_s >= DATE_DRIFT_S && !segment.discontinuity {
                let seen = format!("a date {gap_s:.3} s after the end of the segment before");
                findings.segment(&DATE_GAP, &segment.uri, seen, "less than 1 s, or EXT-X-DISCONTINUITY");
            }
        }
        end_s =
            begins_s.or(end_s).zip(segment.duration_s).map(|(begins_s, duration_s)| begins_s + duration_s);
    }
}

/// Once a playlist: who writes one so writes all so.
fn check_precision(findings: &mut Findings<'_>, listing: &MediaListing) {
    let imprecise = listing
        .tags
        .iter()
        .filter(|tag| tag.name == "EXT-X-PROGRAM-DATE-TIME")
        .find(|tag| date(&tag.value).is_some_and(|date| !date.has_zone || !date.has_milliseconds));
    if let Some(tag) = imprecise {
        let seen = format!("{:?} in line {}", excerpt(&tag.value), tag.line);
        findings.whole(&DATE_IMPRECISE, seen, "such as 2026-03-01T12:00:00.000Z");
    }
}
