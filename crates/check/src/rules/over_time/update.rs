//! Two versions of a media playlist: only lawful edits, and in time.

use std::collections::HashSet;

use crate::rules::finding::{Finding, Findings};
use crate::rules::low_latency::part_updates;
use crate::rules::playlist::date_ranges;
use crate::rules::rule::{Rule, must, should};
use livedir_playlist::{ListedSegment, Listing, MediaListing, PlaylistType, Tag, read_listing};

pub(crate) static TARGET_DURATION_CHANGED: Rule = must(
    "target-duration-changed",
    "RFC 8216 6.2.1",
    "The target duration never changes: players have planned with it.",
);
pub(crate) static HEADER_CHANGED: Rule = must(
    "header-changed",
    "RFC 8216 6.2.1",
    "Tags about the whole playlist stay as they are, but for the two sequence numbers and EXT-X-ENDLIST.",
);
pub(crate) static MEDIA_SEQUENCE_WENT_BACK: Rule = must(
    "media-sequence-went-back",
    "RFC 8216 6.2.2",
    "EXT-X-MEDIA-SEQUENCE never decreases, also when the writer is started again.",
);
pub(crate) static MEDIA_SEQUENCE_NOT_COUNTED: Rule = must(
    "media-sequence-not-counted",
    "RFC 8216 6.2.2",
    "EXT-X-MEDIA-SEQUENCE goes up by 1 for each segment that leaves.",
);
pub(crate) static SEGMENT_CHANGED: Rule = must(
    "segment-changed",
    "RFC 8216 6.2.1",
    "What is listed stays as it is: segments are added at the end and leave from the beginning.",
);
pub(crate) static SEGMENT_TAKEN_FROM_THE_END: Rule = must(
    "segment-taken-from-the-end",
    "RFC 8216 6.2.1",
    "Segments leave in the order in which they were listed, never from the end.",
);
pub(crate) static DISCONTINUITY_SEQUENCE_WENT_BACK: Rule = must(
    "discontinuity-sequence-went-back",
    "RFC 8216 6.2.2",
    "EXT-X-DISCONTINUITY-SEQUENCE never decreases.",
);
pub(crate) static DISCONTINUITY_SEQUENCE_NOT_COUNTED: Rule = must(
    "discontinuity-sequence-not-counted",
    "RFC 8216 6.2.2",
    "EXT-X-DISCONTINUITY-SEQUENCE goes up by 1 for each EXT-X-DISCONTINUITY that leaves, and for nothing else.",
);
pub(crate) static WINDOW_BELOW_THREE_TARGETS: Rule = must(
    "window-below-three-targets",
    "RFC 8216 6.2.2",
    "No segment leaves a live playlist that would be shorter than three target durations without it.",
);
pub(crate) static WINDOW_BELOW_SIX_SEGMENTS: Rule =
    should("window-below-six-segments", "Apple 8.11", "A live playlist keeps at least six segments.");
pub(crate) static PLAYLIST_TYPE_BROKEN: Rule = must(
    "playlist-type-broken",
    "RFC 8216 6.2.1",
    "A playlist of type EVENT loses nothing, one of type VOD does not change.",
);
pub(crate) static CHANGED_AFTER_END: Rule = must(
    "changed-after-end",
    "RFC 8216 4.3.3.4",
    "Nothing is added after EXT-X-ENDLIST; another presentation lists nothing of the one before.",
);
pub(crate) static UPDATE_LATE: Rule = must(
    "update-late",
    "RFC 8216 6.2.1",
    "A live playlist has a new segment no later than one and a half target durations after the last one.",
);

/// Apple 8.11 says MUST; the RFC is content with three target durations, and so are players.
const FEWEST_SEGMENTS: usize = 6;

/// A playlist as it was at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// Its text.
    pub text: &'a str,
    /// When the first fetch ended that returned it, monotonic seconds.
    pub seen_at_s: f64,
    /// When the last fetch began that still returned the version before. For the last version: when the last fetch began that
    /// returned nothing newer. Without such a fetch the same as `seen_at_s`.
    pub not_before_s: f64,
}

/// Holds a version to the one before it. With the same text twice it asks only whether a new one is overdue.
///
/// The new version came after `after.not_before_s`, the old one before `before.seen_at_s`: what is in between is late for
/// certain, however seldom the caller looked.
#[must_use]
pub fn check_update(name: &str, before: &Version<'_>, after: &Version<'_>) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let Listing::Media(old) = read_listing(before.text) else { return findings.found };
    let passed_s = after.not_before_s - before.seen_at_s;
    if before.text == after.text {
        check_late(&mut findings, &old, passed_s, "no new version");
        part_updates::check_late(&mut findings, &old, passed_s, "no new version");
        return findings.found;
    }
    let Listing::Media(new) = read_listing(after.text) else { return findings.found };
    // A delta update says only the half of it.
    if old.tag("EXT-X-SKIP").is_some() || new.tag("EXT-X-SKIP").is_some() {
        return findings.found;
    }
    check_edits(&mut findings, &old, &new);
    if !new.ended && new.next_media_sequence() > old.next_media_sequence() {
        check_late(&mut findings, &old, passed_s, "a new segment");
    }
    if !new.ended && part_updates::has_new_part(&old, &new) {
        part_updates::check_late(&mut findings, &old, passed_s, "a new part");
    }
    findings.found
}

/// Holds a version to the one before it, both of them read already. It does not ask whether the new one is in time.
#[must_use]
pub fn check_edit(name: &str, before: &MediaListing, after: &MediaListing) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    check_edits(&mut findings, before, after);
    findings.found
}

fn check_late(findings: &mut Findings<'_>, old: &MediaListing, passed_s: f64, what: &str) {
    let Some(target_s) = old.target_duration_s else { return };
    let most_s = 1.5 * target_s as f64;
    if old.is_live() && passed_s > most_s {
        findings.whole(&UPDATE_LATE, format!("{what} after {passed_s:.3} s"), format!("at most {most_s} s"));
    }
}

fn check_edits(findings: &mut Findings<'_>, old: &MediaListing, new: &MediaListing) {
    if old.ended {
        let uris: HashSet<&str> = old.segments.iter().map(|it| it.uri.as_str()).collect();
        let is_vod = old.playlist_type == Some(PlaylistType::Vod);
        let rule = if is_vod { &PLAYLIST_TYPE_BROKEN } else { &CHANGED_AFTER_END };
        if let Some(again) = new.segments.iter().find(|it| uris.contains(it.uri.as_str())) {
            let seen = "it in another version after EXT-X-ENDLIST";
            findings.segment(rule, &again.uri, seen, "the same playlist, or new segments only");
        }
        return;
    }
    check_header(findings, old, new);
    let (old_first, new_first) = (old.first_media_sequence(), new.first_media_sequence());
    if new_first < old_first {
        let seen = format!("{new_first} after {old_first}");
        findings.whole(&MEDIA_SEQUENCE_WENT_BACK, seen, format!("at least {old_first}"));
        return;
    }
    let removed = new_first - old_first;
    if let Some(truly_removed) = miscounted(old, new, removed) {
        let seen = format!("{old_first} to {new_first} while {truly_removed} segments left");
        let expected = format!("{}", old_first.saturating_add(truly_removed));
        findings.whole(&MEDIA_SEQUENCE_NOT_COUNTED, seen, expected);
        return;
    }
    check_listed(findings, old, new, removed);
    part_updates::check(findings, old, new);
    check_discontinuities(findings, old, new, removed);
    check_window(findings, old, new, removed);
    date_ranges::check_update(findings, old, new);
}

fn check_header(findings: &mut Findings<'_>, old: &MediaListing, new: &MediaListing) {
    if let (Some(was_s), Some(is_s)) = (old.target_duration_s, new.target_duration_s)
        && was_s != is_s
    {
        findings.whole(&TARGET_DURATION_CHANGED, format!("{is_s} s after {was_s} s"), format!("{was_s} s"));
    }
    let said = |tag: Option<&Tag>| tag.map_or("none".to_owned(), |tag| format!("{:?}", tag.value));
    for name in [
        "EXT-X-VERSION",
        "EXT-X-INDEPENDENT-SEGMENTS",
        "EXT-X-PLAYLIST-TYPE",
        "EXT-X-I-FRAMES-ONLY",
        "EXT-X-START",
    ] {
        let (was, is) = (old.tag(name), new.tag(name));
        if was.map(|tag| &tag.value) != is.map(|tag| &tag.value) {
            let seen = format!("{name} {} after {}", said(is), said(was));
            findings.whole(&HEADER_CHANGED, seen, said(was));
        }
    }
    if old.playlist_type == Some(PlaylistType::Vod) {
        findings.whole(&PLAYLIST_TYPE_BROKEN, "a VOD playlist that changed", "no other version, ever");
    } else if old.playlist_type == Some(PlaylistType::Event)
        && new.first_media_sequence() > old.first_media_sequence()
    {
        findings.whole(&PLAYLIST_TYPE_BROKEN, "an EVENT playlist that lost segments", "all of them listed");
    }
}

/// How many segments left, if that is not what the numbers say.
fn miscounted(old: &MediaListing, new: &MediaListing, removed: u64) -> Option<u64> {
    let first = new.segments.first()?;
    let same = |it: &ListedSegment| it.uri == first.uri && it.byterange == first.byterange;
    // Where a file is listed more than once, any place will do.
    let mut places =
        old.segments.iter().enumerate().filter(|(_, it)| same(it)).map(|(index, _)| index as u64);
    let place = places.next()?;
    (place != removed && !places.any(|place| place == removed)).then_some(place)
}

/// The segments that both list, by number: as they were, and as they are.
fn common<'a>(
    old: &'a MediaListing,
    new: &'a MediaListing,
    removed: u64,
) -> impl Iterator<Item = (&'a ListedSegment, &'a ListedSegment)> {
    let skipped = usize::try_from(removed).unwrap_or(usize::MAX);
    old.segments.iter().skip(skipped).zip(&new.segments)
}

fn check_listed(findings: &mut Findings<'_>, old: &MediaListing, new: &MediaListing, removed: u64) {
    for (index, (was, is)) in common(old, new, removed).enumerate() {
        // The tag before the first segment may leave as well, once it is counted.
        let same_discontinuity = index == 0 || was.discontinuity == is.discontinuity;
        let changes = [
            ("its URI", was.uri != is.uri),
            ("EXTINF", was.duration_s != is.duration_s),
            ("EXT-X-PROGRAM-DATE-TIME", was.program_date_time != is.program_date_time),
            ("EXT-X-DISCONTINUITY", !same_discontinuity),
            ("EXT-X-BYTERANGE", was.byterange != is.byterange),
            ("EXT-X-GAP", was.gap != is.gap),
            ("EXT-X-MAP", was.map != is.map),
            ("EXT-X-KEY", was.key != is.key),
        ];
        if let Some((what, _)) = changes.iter().find(|(_, changed)| *changed) {
            let seen = format!("{what} is another one in line {}", is.line);
            findings.segment(&SEGMENT_CHANGED, &was.uri, seen, format!("as before, in line {}", was.line));
            return;
        }
    }
    let (old_next, new_next) = (old.next_media_sequence(), new.next_media_sequence());
    if new_next < old_next
        && let Some(last) = old.segments.last()
    {
        let seen = format!("{} segments fewer at the end", old_next - new_next);
        findings.segment(
            &SEGMENT_TAKEN_FROM_THE_END,
            &last.uri,
            seen,
            "it listed until all before it have left",
        );
    }
}

fn check_discontinuities(findings: &mut Findings<'_>, old: &MediaListing, new: &MediaListing, removed: u64) {
    let (was, is) = (old.discontinuity_sequence.unwrap_or(0), new.discontinuity_sequence.unwrap_or(0));
    if is < was {
        findings.whole(
            &DISCONTINUITY_SEQUENCE_WENT_BACK,
            format!("{is} after {was}"),
            format!("at least {was}"),
        );
        return;
    }
    let Some((_, first)) = common(old, new, removed).next() else { return };
    let skipped = usize::try_from(removed).unwrap_or(usize::MAX);
    let up_to_first = old.segments.iter().take(skipped.saturating_add(1));
    let number = was.saturating_add(up_to_first.filter(|it| it.discontinuity).count() as u64);
    // The number of each segment stays what it was: RFC 8216 6.2.2.
    let expected = number.saturating_sub(u64::from(first.discontinuity));
    if is != expected {
        let seen = format!("{is} after {was}");
        findings.whole(&DISCONTINUITY_SEQUENCE_NOT_COUNTED, seen, format!("{expected}"));
    }
}

fn check_window(findings: &mut Findings<'_>, old: &MediaListing, new: &MediaListing, removed: u64) {
    // Where nothing was listed, no segment has left.
    if removed == 0 || old.segments.is_empty() || new.ended {
        return;
    }
    if let Some(target_s) = new.target_duration_s {
        let fewest_s = 3.0 * target_s as f64;
        // Each EXTINF may be rounded to a millisecond.
        let duration_s = new.duration_s() + 0.000_5 * new.segments.len() as f64;
        if duration_s < fewest_s {
            let seen = format!("{:.3} s after {removed} segments left", new.duration_s());
            findings.whole(&WINDOW_BELOW_THREE_TARGETS, seen, format!("at least {fewest_s} s"));
        }
    }
    if new.segments.len() < FEWEST_SEGMENTS {
        let seen = format!("{} segments after {removed} left", new.segments.len());
        findings.whole(&WINDOW_BELOW_SIX_SEGMENTS, seen, format!("at least {FEWEST_SEGMENTS}"));
    }
}
