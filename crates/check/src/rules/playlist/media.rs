//! One media playlist alone: its header, and what it says of each segment.

use crate::rules::finding::{Findings, excerpt};
use crate::rules::rule::{Rule, must, should};
use livedir_playlist::tag_values::decimal;
use livedir_playlist::{Attributes, MediaListing, PlaylistType, Tag};

pub(crate) static TARGET_DURATION_MISSING: Rule = must(
    "target-duration-missing",
    "RFC 8216 4.3.3.1",
    "A media playlist says its target duration, so that players know when to look again.",
);
pub(crate) static EXTINF_OVER_TARGET: Rule = must(
    "extinf-over-target",
    "RFC 8216 4.3.3.1",
    "No segment, rounded to the nearest second, is longer than the target duration.",
);
pub(crate) static EXTINF_MISSING: Rule =
    must("extinf-missing", "RFC 8216 4.3.2.1", "Each segment has its duration before it.");
pub(crate) static EXTINF_WHOLE_SECONDS: Rule = should(
    "extinf-whole-seconds",
    "RFC 8216 4.3.2.1",
    "From version 3 on, durations are decimal fractions, so that rounding does not add up.",
);
pub(crate) static PLAYLIST_CUT: Rule = must(
    "playlist-cut",
    "RFC 8216 6.2.1",
    "A playlist is replaced as a whole: no reader ever sees one that ends within a segment.",
);
pub(crate) static MEDIA_SEQUENCE_LATE: Rule =
    must("media-sequence-late", "RFC 8216 4.3.3.2", "EXT-X-MEDIA-SEQUENCE stands before the first segment.");
pub(crate) static DISCONTINUITY_SEQUENCE_LATE: Rule = must(
    "discontinuity-sequence-late",
    "RFC 8216 4.3.3.3",
    "EXT-X-DISCONTINUITY-SEQUENCE stands before the first segment and the first EXT-X-DISCONTINUITY.",
);
pub(crate) static DISCONTINUITY_SEQUENCE_MISSING: Rule = must(
    "discontinuity-sequence-missing",
    "Apple 8.17",
    "A live playlist with a discontinuity has EXT-X-DISCONTINUITY-SEQUENCE, before the discontinuity has to leave.",
);
pub(crate) static BYTERANGE_NOWHERE: Rule = must(
    "byterange-nowhere",
    "RFC 8216 4.3.2.2",
    "A byte range without a first byte goes on from a byte range of the same file just before it.",
);
pub(crate) static START_AT_THE_LIVE_EDGE: Rule = should(
    "start-at-the-live-edge",
    "RFC 8216 4.3.5.2",
    "A live playlist has no player start within three target durations of its end.",
);

pub(crate) static VOD_NOT_ENDED: Rule = must(
    "vod-not-ended",
    "RFC 8216 6.2.1",
    "A playlist that has its last segment has EXT-X-ENDLIST; one of type VOD has it from the beginning.",
);

pub(crate) fn check(findings: &mut Findings<'_>, listing: &MediaListing) {
    if listing.tag("EXT-X-TARGETDURATION").is_none() {
        findings.whole(&TARGET_DURATION_MISSING, "no EXT-X-TARGETDURATION", "it, in whole seconds");
    }
    check_durations(findings, listing);
    check_places(findings, listing);
    check_byteranges(findings, listing);
    if listing.is_live()
        && listing.playlist_type.is_none()
        && listing.tag("EXT-X-DISCONTINUITY-SEQUENCE").is_none()
        && let Some(tag) = listing.tag("EXT-X-DISCONTINUITY")
    {
        let seen = format!("EXT-X-DISCONTINUITY in line {} and no EXT-X-DISCONTINUITY-SEQUENCE", tag.line);
        findings.whole(&DISCONTINUITY_SEQUENCE_MISSING, seen, "it from the first version on");
    }
    if listing.playlist_type == Some(PlaylistType::Vod) && !listing.ended {
        findings.whole(&VOD_NOT_ENDED, "EXT-X-PLAYLIST-TYPE:VOD without EXT-X-ENDLIST", "EXT-X-ENDLIST");
    }
    check_start(findings, listing);
}

fn check_durations(findings: &mut Findings<'_>, listing: &MediaListing) {
    for segment in &listing.segments {
        let (Some(duration_s), Some(target_s)) = (segment.duration_s, listing.target_duration_s) else {
            continue;
        };
        // Halves go up, as in the window that refuses them.
        if (duration_s + 0.5).floor() > target_s as f64 {
            let seen = format!("EXTINF of {duration_s:.3} s in line {}", segment.line.saturating_sub(1));
            findings.segment(&EXTINF_OVER_TARGET, &segment.uri, seen, format!("less than {target_s}.5 s"));
        }
    }
    let mut extinf = listing.tags.iter().filter(|tag| tag.name == "EXTINF").peekable();
    for segment in &listing.segments {
        let mut has_duration = false;
        while extinf.next_if(|tag| tag.line < segment.line).is_some() {
            has_duration = true;
        }
        if !has_duration {
            let seen = format!("a URI in line {} without EXTINF", segment.line);
            findings.segment(&EXTINF_MISSING, &segment.uri, seen, "EXTINF before it");
        }
    }
    if let Some(tag) = extinf.next() {
        let seen = format!("EXTINF in line {} without a URI after it", tag.line);
        findings.whole(&PLAYLIST_CUT, seen, "the whole playlist");
    }
    let is_whole = |tag: &&Tag| tag.name == "EXTINF" && !tag.value.split(',').any(|it| it.contains('.'));
    if listing.version.is_some_and(|version| version >= 3)
        && let Some(tag) = listing.tags.iter().find(is_whole)
        && tag.value.starts_with(|first: char| first.is_ascii_digit())
    {
        let seen = format!("EXTINF {} in line {}", excerpt(&tag.value), tag.line);
        findings.whole(&EXTINF_WHOLE_SECONDS, seen, "such as 2.000000");
    }
}

fn check_places(findings: &mut Findings<'_>, listing: &MediaListing) {
    let first_segment = listing.segments.first().map(|segment| segment.line);
    let first_discontinuity = listing.tag("EXT-X-DISCONTINUITY").map(|tag| tag.line);
    if let (Some(tag), Some(first)) = (listing.tag("EXT-X-MEDIA-SEQUENCE"), first_segment)
        && tag.line > first
    {
        let seen = format!("it after the segment in line {first}");
        findings.line(&MEDIA_SEQUENCE_LATE, tag.line, seen, "it before the first segment");
    }
    let first = first_segment.into_iter().chain(first_discontinuity).min();
    if let (Some(tag), Some(first)) = (listing.tag("EXT-X-DISCONTINUITY-SEQUENCE"), first)
        && tag.line > first
    {
        let seen = format!("it after line {first}");
        findings.line(&DISCONTINUITY_SEQUENCE_LATE, tag.line, seen, "it before the first segment");
    }
}

fn check_byteranges(findings: &mut Findings<'_>, listing: &MediaListing) {
    let mut before: Option<&str> = None;
    for segment in &listing.segments {
        if segment.byterange.is_some_and(|range| range.offset.is_none()) && before != Some(&segment.uri) {
            let seen = format!("EXT-X-BYTERANGE without a first byte for line {}", segment.line);
            findings.segment(&BYTERANGE_NOWHERE, &segment.uri, seen, "length@first");
        }
        before = segment.byterange.map(|_| segment.uri.as_str());
    }
}

fn check_start(findings: &mut Findings<'_>, listing: &MediaListing) {
    let (Some(tag), Some(target_s)) = (listing.tag("EXT-X-START"), listing.target_duration_s) else { return };
    let attributes = Attributes::read(&tag.value);
    let Some(offset) = attributes.get("TIME-OFFSET") else { return };
    // From the end when negative, from the beginning otherwise.
    let from_end_s = match offset.strip_prefix('-') {
        Some(from_end) => decimal(from_end),
        None => decimal(offset).map(|from_start_s| listing.duration_s() - from_start_s),
    };
    let Some(from_end_s) = from_end_s else { return };
    if listing.is_live() && from_end_s < 3.0 * target_s as f64 {
        let seen = format!("a start {from_end_s:.3} s before the end");
        findings.line(
            &START_AT_THE_LIVE_EDGE,
            tag.line,
            seen,
            format!("at least {} s", 3 * u128::from(target_s)),
        );
    }
}
