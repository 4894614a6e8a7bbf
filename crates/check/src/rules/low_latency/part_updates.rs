//! Two versions of a low-latency playlist: what happens to its parts, and in time.

use super::parts::{TARGETS_WITH_PARTS, from_end};
use crate::rules::finding::Findings;
use crate::rules::rule::{Rule, must, should};
use crate::rules::tolerances::ROUNDING_S;
use livedir_playlist::{ListedPart, MediaListing};

pub(crate) static PART_TARGET_CHANGED: Rule =
    must("part-target-changed", "bis-22 4.4.3.7", "PART-TARGET never changes: players have planned with it.");
pub(crate) static SERVER_CONTROL_CHANGED: Rule = must(
    "server-control-changed",
    "bis-22 6.2.1",
    "EXT-X-SERVER-CONTROL stays as it is for as long as the playlist lives.",
);
pub(crate) static PART_CHANGED: Rule = must(
    "part-changed",
    "bis-22 6.2.1",
    "A part that is listed stays as it is, lost or not, and a segment that is complete gets no more parts.",
);
pub(crate) static PART_LEFT_EARLY: Rule = must(
    "part-left-early",
    "bis-22 6.2.1",
    "Parts stay listed until they are three target durations from the end.",
);
pub(crate) static HINT_UNTRUE: Rule = should(
    "preload-hint-untrue",
    "bis-22 4.4.5.3",
    "What was hinted at comes next, with media or GAP=YES; not so before EXT-X-DISCONTINUITY, and in a segment with EXT-X-GAP.",
);
pub(crate) static PART_LATE: Rule = must(
    "part-late",
    "bis-22 6.2.1",
    "A low-latency playlist has a new part no later than a part target after the last one.",
);

/// A writer is granted half a part more, and this: disks, networks and clocks of cameras are not even.
const LATE_BY_S: f64 = 0.1;

/// What both versions have in common stands there as it stood.
pub(crate) fn check(findings: &mut Findings<'_>, old: &MediaListing, new: &MediaListing) {
    if let (Some(was_s), Some(is_s)) = (old.part_target_s, new.part_target_s)
        && was_s.to_bits() != is_s.to_bits()
    {
        findings.whole(&PART_TARGET_CHANGED, format!("{is_s} s after {was_s} s"), format!("{was_s} s"));
    }
    let value = |listing: &MediaListing| listing.tag("EXT-X-SERVER-CONTROL").map(|tag| tag.value.clone());
    if let (Some(was), Some(is)) = (value(old), value(new))
        && was != is
    {
        findings.whole(&SERVER_CONTROL_CHANGED, format!("{is} after {was}"), was);
    }
    check_listed(findings, old, new);
    check_hint(findings, old, new);
}

/// Whether the last part is overdue: so much has passed since the version that had it.
pub(crate) fn check_late(findings: &mut Findings<'_>, old: &MediaListing, passed_s: f64, what: &str) {
    let (Some(part_target_s), true) = (old.part_target_s, old.has_parts() && old.is_live()) else { return };
    if passed_s > 1.5 * part_target_s + LATE_BY_S {
        findings.whole(
            &PART_LATE,
            format!("{what} after {passed_s:.3} s"),
            format!("at most {part_target_s} s"),
        );
    }
}

/// Whether there is a part that was not there.
pub(crate) fn has_new_part(old: &MediaListing, new: &MediaListing) -> bool {
    let edge = |listing: &MediaListing| (listing.next_media_sequence(), listing.open_parts.len());
    edge(new) > edge(old)
}

fn check_listed(findings: &mut Findings<'_>, old: &MediaListing, new: &MediaListing) {
    let Some(target_s) = new.target_duration_s.or(old.target_duration_s) else { return };
    let near_s = TARGETS_WITH_PARTS * target_s as f64 - ROUNDING_S * new.segments.len() as f64;
    let from_end_s: Vec<f64> = from_end(new).map(|(_, from_end_s)| from_end_s).collect();
    let first = old.first_media_sequence().max(new.first_media_sequence());
    for number in first..=old.next_media_sequence() {
        let (Some(were), Some(are)) = (parts_of(old, number), parts_of(new, number)) else { continue };
        let back = new.next_media_sequence().checked_sub(number.saturating_add(1));
        let back = back.and_then(|back| usize::try_from(back).ok());
        let is_near = back.is_none_or(|back| from_end_s.get(back).is_none_or(|&it| it <= near_s));
        // Far from the end the oldest may have left.
        let left = are.first().and_then(|first| were.iter().position(|was| is_same(was, first)));
        let left = if is_near { 0 } else { left.unwrap_or(were.len()) };
        let mut stayed = were.iter().skip(left).zip(are);
        if let Some((was, is)) = stayed.find(|(was, is)| !is_same(was, is)) {
            let seen = format!("another part in its place, in line {}", is.line);
            findings.segment(&PART_CHANGED, &was.uri, seen, format!("it as in line {}", was.line));
            return;
        }
        if let Some(gone) = were.get(left..).and_then(|were| were.get(are.len())).filter(|_| is_near) {
            let seen = format!("no such part any more, and it was in line {}", gone.line);
            findings.segment(&PART_LEFT_EARLY, &gone.uri, seen, format!("it for {near_s:.0} s"));
            return;
        }
        // bis-22 6.2.1: lines may be added at the end only. A part that comes after its segment comes too late.
        let more = were.get(left..).and_then(|were| are.get(were.len()));
        let was_complete = number < old.next_media_sequence() && !were.is_empty();
        if let Some(more) = more.filter(|_| is_near && was_complete) {
            let seen = format!("one part more, in line {}", more.line);
            findings.segment(&PART_CHANGED, &more.uri, seen, format!("{} parts, as before", were.len()));
            return;
        }
    }
}

/// Of a segment by its number, the one that is being made included.
fn parts_of(listing: &MediaListing, number: u64) -> Option<&[ListedPart]> {
    if number == listing.next_media_sequence() {
        return Some(&listing.open_parts);
    }
    let index = usize::try_from(number.checked_sub(listing.first_media_sequence())?).ok()?;
    listing.segments.get(index).map(|segment| segment.parts.as_slice())
}

fn is_same(was: &ListedPart, is: &ListedPart) -> bool {
    let says = |part: &ListedPart| (part.duration_s, part.independent, part.gap, part.byterange);
    was.uri == is.uri && says(was) == says(is)
}

fn check_hint(findings: &mut Findings<'_>, old: &MediaListing, new: &MediaListing) {
    let Some(hint) = old.hinted_part() else { return };
    let (number, known) = (old.next_media_sequence(), old.open_parts.len());
    let Some(next) = next_part(new, number, known) else { return };
    let is_other_range =
        hint.first_byte.zip(next.byterange.and_then(|it| it.offset)).is_some_and(|(hinted, is)| hinted != is);
    if next.uri != hint.uri || is_other_range {
        let seen = format!("{} in line {}, where {} was hinted at", next.uri, next.line, hint.uri);
        findings.whole(&HINT_UNTRUE, seen, "the part that was hinted at");
    }
}

/// The part that followed the first `known` ones of this segment; `None` where that cannot be told, where a break has come
/// between, and where the rest of the segment is lost (bis-22 6.2.6).
fn next_part(new: &MediaListing, number: u64, known: usize) -> Option<&ListedPart> {
    let parts = parts_of(new, number)?;
    let segment = |number: u64| {
        let index = number.checked_sub(new.first_media_sequence()).and_then(|it| usize::try_from(it).ok());
        index.and_then(|index| new.segments.get(index))
    };
    let breaks_before =
        |number: u64| segment(number).map_or(new.open_discontinuity, |segment| segment.discontinuity);
    if known == 0 && breaks_before(number) {
        return None;
    }
    if let Some(next) = parts.get(known) {
        return Some(next);
    }
    if segment(number).is_some_and(|segment| segment.gap) {
        return None;
    }
    // Parts may have left meanwhile; only where all are there is it known that none followed.
    let all_are_there = known > 0 && parts.len() == known;
    let after = number.checked_add(1).filter(|&after| all_are_there && after <= new.next_media_sequence())?;
    if breaks_before(after) {
        return None;
    }
    parts_of(new, after)?.first()
}
