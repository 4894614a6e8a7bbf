//! The playlists of a presentation together: what they must have in common.
//!
//! Playlists are read one after the other, and a live one moves on meanwhile. So a playlist is called behind only if it
//! was read after the one that it is behind of.

use super::alignment::{self, ALIGNED_S, Timeline};
use super::multivariant::has_video;
use super::reports;
use crate::rules::finding::{Finding, Findings};
use crate::rules::presentation::rendition_text::RenditionText;
use crate::rules::rule::{Rule, must};
use livedir_playlist::{Listing, MediaListing, MultivariantListing, PlaylistType, read_listing};

pub(crate) static RENDITIONS_TARGET_DIFFERS: Rule = must(
    "renditions-target-differs",
    "RFC 8216 6.2.4",
    "All playlists of a presentation have the same target duration.",
);
pub(crate) static RENDITIONS_TYPE_DIFFERS: Rule = must(
    "renditions-type-differs",
    "RFC 8216 6.2.4",
    "All playlists of a presentation have the same EXT-X-PLAYLIST-TYPE, or none has one.",
);
pub(crate) static RENDITIONS_DATES_MISSING: Rule = must(
    "renditions-dates-missing",
    "RFC 8216 6.2.4",
    "If one playlist of a presentation has dates, all have.",
);
pub(crate) static RENDITIONS_NOT_INDEPENDENT: Rule = must(
    "renditions-not-independent",
    "Apple 9.12",
    "EXT-X-INDEPENDENT-SEGMENTS stands in the multivariant playlist or in each that it lists with video.",
);

pub(crate) static RENDITIONS_APART: Rule = must(
    "renditions-apart",
    "RFC 8216 6.2.4",
    "What one playlist lists and another does not is at an end, and no longer than the target duration.",
);

/// A media playlist of it, read.
struct ReadRendition<'a> {
    name: &'a str,
    listing: MediaListing,
    timeline: Timeline,
    seen_at_s: f64,
    looked_at_s: f64,
}

/// Holds a multivariant playlist and those that it lists, in the order of that one, to what they must have in common.
#[must_use]
pub fn check_renditions(name: &str, text: &str, texts: &[RenditionText<'_>]) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let Listing::Multivariant(multivariant) = read_listing(text) else { return findings.found };
    let renditions: Vec<ReadRendition<'_>> = texts.iter().filter_map(read).collect();
    check_headers(&mut findings, &multivariant, &renditions);
    reports::check(&mut findings, texts);
    let dated: Vec<&ReadRendition<'_>> = renditions.iter().filter(|it| !it.timeline.is_empty()).collect();
    if let Some((first, others)) = dated.split_first() {
        for other in others {
            alignment::check(&mut findings, first.name, &first.timeline, other.name, &other.timeline);
        }
    }
    for rendition in &dated {
        check_apart(&mut findings, &dated, rendition);
    }
    findings.found
}

fn read<'a>(it: &RenditionText<'a>) -> Option<ReadRendition<'a>> {
    match read_listing(it.text) {
        // RFC 8216 6.2.4: playlists of I-frames may have a target duration of their own.
        Listing::Media(listing) if listing.tag("EXT-X-I-FRAMES-ONLY").is_none() => {
            let timeline = Timeline::of(&listing);
            let RenditionText { name, seen_at_s, looked_at_s, .. } = *it;
            Some(ReadRendition { name, listing, timeline, seen_at_s, looked_at_s })
        }
        _ => None,
    }
}

/// Holds one to those that had been read by then.
fn check_apart(findings: &mut Findings<'_>, all: &[&ReadRendition<'_>], behind: &ReadRendition<'_>) {
    let Some(target_s) = behind.listing.target_duration_s else { return };
    let (target_s, (begins_s, ends_s)) = (target_s as f64, behind.timeline.span_s());
    // What has ended is as it will be at any time.
    let were_read = || {
        all.iter().filter(|it| it.seen_at_s <= behind.looked_at_s || !behind.listing.is_live()).map(|it| {
            let (begins_s, ends_s) = it.timeline.span_s();
            (it.name, begins_s, ends_s)
        })
    };
    let first = were_read().max_by(|a, b| a.2.total_cmp(&b.2));
    if let Some((name, _, lead_s)) = first
        && lead_s - ends_s > target_s + ALIGNED_S
    {
        let seen = format!("it ends {:.3} s before {name}", lead_s - ends_s);
        findings.push(&RENDITIONS_APART, behind.name.to_owned(), seen, format!("at most {target_s} s"));
    }
    let last = were_read().max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((name, lead_s, _)) = last
        && lead_s - begins_s > target_s + ALIGNED_S
    {
        let seen = format!("it begins {:.3} s before {name}", lead_s - begins_s);
        findings.push(&RENDITIONS_APART, behind.name.to_owned(), seen, format!("at most {target_s} s"));
    }
}

fn check_headers(
    findings: &mut Findings<'_>,
    multivariant: &MultivariantListing,
    renditions: &[ReadRendition<'_>],
) {
    let name = findings.name;
    let Some(ReadRendition { name: first_name, listing: first, .. }) = renditions.first() else { return };
    let said = |target_s: Option<u64>| target_s.map_or("none".to_owned(), |target_s| format!("{target_s} s"));
    let has_dates = |listing: &MediaListing| listing.tag("EXT-X-PROGRAM-DATE-TIME").is_some();
    let with_dates = renditions.iter().find(|it| has_dates(&it.listing));
    // Which of the playlists has the sound alone is not known here, and sound needs no such promise.
    let all_are_video = multivariant.variants.iter().all(has_video)
        && multivariant.renditions.iter().all(|rendition| rendition.uri.is_none());
    for ReadRendition { name: rendition_name, listing, .. } in renditions {
        let at = || (*rendition_name).to_owned();
        if listing.target_duration_s != first.target_duration_s {
            let expected = format!("{}, as in {first_name}", said(first.target_duration_s));
            findings.push(&RENDITIONS_TARGET_DIFFERS, at(), said(listing.target_duration_s), expected);
        }
        if listing.playlist_type != first.playlist_type {
            let expected = format!("{}, as in {first_name}", type_name(first.playlist_type));
            findings.push(&RENDITIONS_TYPE_DIFFERS, at(), type_name(listing.playlist_type), expected);
        }
        if let Some(ReadRendition { name: dated, .. }) = with_dates
            && !has_dates(listing)
            && !listing.segments.is_empty()
        {
            let expected = format!("EXT-X-PROGRAM-DATE-TIME, as in {dated}");
            findings.push(&RENDITIONS_DATES_MISSING, at(), "no dates", expected);
        }
        if all_are_video && !multivariant.independent_segments && !listing.independent_segments {
            let expected = format!("EXT-X-INDEPENDENT-SEGMENTS here or in {name}");
            findings.push(&RENDITIONS_NOT_INDEPENDENT, at(), "no EXT-X-INDEPENDENT-SEGMENTS", expected);
        }
    }
}

fn type_name(playlist_type: Option<PlaylistType>) -> &'static str {
    match playlist_type {
        None => "no EXT-X-PLAYLIST-TYPE",
        Some(PlaylistType::Event) => "EVENT",
        Some(PlaylistType::Vod) => "VOD",
    }
}
