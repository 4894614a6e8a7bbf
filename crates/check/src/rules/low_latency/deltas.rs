//! Delta updates: with what a player has already, they say what the whole playlist says (bis-22 6.2.5.1).

use crate::rules::finding::{Finding, Findings};
use crate::rules::rule::{Rule, must};
use crate::rules::tolerances::ROUNDING_S;
use livedir_playlist::{ListedPart, ListedSegment, Listing, MediaListing, read_listing};

pub(crate) static DELTA_MISSING: Rule = must(
    "delta-update-missing",
    "bis-22 6.2.5.1",
    "Who says CAN-SKIP-UNTIL leaves out what is older when asked to with _HLS_skip=YES.",
);
pub(crate) static DELTA_SKIPS_TOO_MUCH: Rule = must(
    "delta-update-skips-too-much",
    "bis-22 4.4.3.8",
    "A delta update skips nothing within CAN-SKIP-UNTIL of the end.",
);
pub(crate) static DELTA_DIFFERS: Rule = must(
    "delta-update-differs",
    "bis-22 6.2.5.1",
    "A delta update says of all that it does not skip what the whole playlist says.",
);

/// Holds an answer to `_HLS_skip=YES` to the whole playlist of the same version.
#[must_use]
pub fn check_delta(name: &str, whole: &str, delta: &str) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let (Listing::Media(whole), Listing::Media(delta)) = (read_listing(whole), read_listing(delta)) else {
        return findings.found;
    };
    let until_s = whole.server_control.as_ref().and_then(|control| control.can_skip_until_s);
    let Some(until_s) = until_s.filter(|_| whole.is_live()) else { return findings.found };
    if delta.tag("EXT-X-SKIP").is_none() {
        if skippable(&whole, until_s) > 0 {
            let seen = format!("all {} segments", delta.segments.len());
            findings.whole(&DELTA_MISSING, seen, "EXT-X-SKIP in the place of those far from the end");
        }
        return findings.found;
    }
    let left_s = delta.duration_s() + delta.open_duration_s();
    if left_s + ROUNDING_S * (delta.segments.len() + 1) as f64 <= until_s {
        let seen = format!("{left_s:.3} s after {} segments were skipped", delta.skipped_segments);
        findings.whole(&DELTA_SKIPS_TOO_MUCH, seen, format!("at least {until_s:.3} s"));
    }
    if let Some((seen, expected)) = difference(&whole, &delta) {
        findings.whole(&DELTA_DIFFERS, seen, expected);
    }
    findings.found
}

/// Segments that are surely farther from the end than that: one that touches the border may be there or not.
fn skippable(whole: &MediaListing, until_s: f64) -> usize {
    let mut from_end_s = whole.open_duration_s();
    let mut near = 0;
    for segment in whole.segments.iter().rev() {
        if from_end_s > until_s + ROUNDING_S * whole.segments.len() as f64 {
            break;
        }
        near += 1;
        from_end_s += segment.duration_s.unwrap_or(0.0);
    }
    whole.segments.len() - near
}

/// The first one: what is there, and what should be.
fn difference(whole: &MediaListing, delta: &MediaListing) -> Option<(String, String)> {
    let header = |it: &MediaListing| {
        let numbers = [
            Some(it.first_media_sequence()),
            Some(it.discontinuity_sequence.unwrap_or(0)),
            it.target_duration_s,
            Some(it.next_media_sequence()),
        ];
        (numbers, it.part_target_s.map(f64::to_bits), it.ended)
    };
    if header(whole) != header(delta) {
        let numbers = |it: &MediaListing| {
            format!("media sequence {} to {}", it.first_media_sequence(), it.next_media_sequence())
        };
        return Some((format!("another header, or {}", numbers(delta)), numbers(whole)));
    }
    let skipped = usize::try_from(delta.skipped_segments).unwrap_or(usize::MAX);
    let kept = whole.segments.get(skipped..).unwrap_or_default();
    let differs = |(is, should_be): &(&ListedSegment, &ListedSegment)| !is_same(is, should_be);
    if let Some((is, should_be)) = delta.segments.iter().zip(kept).find(differs) {
        let seen = format!("{} in line {} with other tags", is.uri, is.line);
        return Some((seen, format!("{} as in line {} of the whole", should_be.uri, should_be.line)));
    }
    let hints = |it: &MediaListing| -> Vec<(String, String)> {
        it.hints.iter().map(|hint| (hint.kind.clone(), hint.uri.clone())).collect()
    };
    if said(&whole.open_parts) != said(&delta.open_parts) || hints(whole) != hints(delta) {
        let seen = format!("{} parts and other tags at the end", delta.open_parts.len());
        return Some((seen, format!("{} parts, and what follows in the whole", whole.open_parts.len())));
    }
    None
}

fn is_same(is: &ListedSegment, should_be: &ListedSegment) -> bool {
    let tags =
        |it: &ListedSegment| (it.duration_s, it.discontinuity, it.program_date_time, it.byterange, it.gap);
    // A map or key that was skipped holds on.
    let map = is.map.is_none() || is.map == should_be.map;
    let key = is.key.is_none() || is.key == should_be.key;
    is.uri == should_be.uri
        && tags(is) == tags(should_be)
        && map
        && key
        && said(&is.parts) == said(&should_be.parts)
}

/// Parts without their lines, which differ.
fn said(parts: &[ListedPart]) -> Vec<ListedPart> {
    parts.iter().map(|part| ListedPart { line: 0, ..part.clone() }).collect()
}
