//! EXT-X-RENDITION-REPORT: low-latency playlists of one presentation tell where the others are (bis-22 4.4.5.4).

use crate::rules::finding::Findings;
use crate::rules::presentation::rendition_text::RenditionText;
use crate::rules::rule::{Rule, must};
use livedir_playlist::{Listing, MediaListing, read_listing};

pub(crate) static REPORT_MISSING: Rule = must(
    "rendition-report-missing",
    "bis-22 B.1",
    "A low-latency playlist has EXT-X-RENDITION-REPORT for every other playlist of the presentation.",
);
pub(crate) static REPORT_OFF: Rule = must(
    "rendition-report-off",
    "bis-22 4.4.5.4",
    "LAST-MSN of a report is the newest segment of that playlist, so that a player finds it at once.",
);
pub(crate) static CONTROL_DIFFERS: Rule = must(
    "renditions-control-differs",
    "bis-22 4.4.3.8",
    "EXT-X-SERVER-CONTROL is the same in all playlists of a presentation.",
);

/// Playlists are written one after the other.
const SEGMENTS_OFF: u64 = 1;

struct Reporter<'a> {
    rendition: &'a RenditionText<'a>,
    path: String,
    listing: MediaListing,
}

/// Holds the playlists of a presentation to what they say of one another.
pub(crate) fn check(findings: &mut Findings<'_>, renditions: &[RenditionText<'_>]) {
    let read = |rendition: &'_ RenditionText<'_>| match read_listing(rendition.text) {
        Listing::Media(listing) if listing.tag("EXT-X-I-FRAMES-ONLY").is_none() => Some(listing),
        _ => None,
    };
    let all: Vec<Reporter<'_>> = renditions
        .iter()
        .filter_map(|rendition| {
            Some(Reporter { rendition, path: joined("", rendition.name), listing: read(rendition)? })
        })
        .collect();
    check_control(findings, &all);
    for one in all.iter().filter(|one| one.listing.has_parts() && one.listing.is_live()) {
        let reports: Vec<_> =
            one.listing.reports.iter().map(|report| (joined(&one.path, &report.uri), report)).collect();
        for other in all.iter().filter(|other| other.path != one.path && other.listing.is_live()) {
            let Some((_, report)) = reports.iter().find(|(path, _)| *path == other.path) else {
                let seen = format!("no EXT-X-RENDITION-REPORT for {}", other.rendition.name);
                findings.push(&REPORT_MISSING, one.rendition.name.to_owned(), seen, "one");
                continue;
            };
            // bis-22 4.4.5.4: may be left out where it is the same as that of the reporter.
            let told = report.last_media_sequence.unwrap_or_else(|| newest(&one.listing));
            check_number(findings, one, other, told);
        }
    }
}

fn check_control(findings: &mut Findings<'_>, all: &[Reporter<'_>]) {
    let Some((first, others)) = all.split_first() else { return };
    let value = |it: &Reporter<'_>| it.listing.tag("EXT-X-SERVER-CONTROL").map(|tag| tag.value.clone());
    let said = |value: Option<String>| value.unwrap_or_else(|| "no EXT-X-SERVER-CONTROL".to_owned());
    for other in others.iter().filter(|other| value(other) != value(first)) {
        let expected = format!("{}, as in {}", said(value(first)), first.rendition.name);
        findings.push(&CONTROL_DIFFERS, other.rendition.name.to_owned(), said(value(other)), expected);
    }
}

/// Whoever was read later knows no less of the other than that one has told.
fn check_number(findings: &mut Findings<'_>, one: &Reporter<'_>, other: &Reporter<'_>, told: u64) {
    let is = newest(&other.listing);
    let is_behind =
        one.rendition.looked_at_s >= other.rendition.seen_at_s && told.saturating_add(SEGMENTS_OFF) < is;
    let is_ahead =
        other.rendition.looked_at_s >= one.rendition.seen_at_s && told > is.saturating_add(SEGMENTS_OFF);
    if is_behind || is_ahead {
        let seen = format!("LAST-MSN={told} for {}", other.rendition.name);
        findings.push(&REPORT_OFF, one.rendition.name.to_owned(), seen, format!("{is}"));
    }
}

/// The number of the last segment of which anything is listed.
fn newest(listing: &MediaListing) -> u64 {
    let next = listing.next_media_sequence();
    if listing.open_parts.is_empty() { next.saturating_sub(1) } else { next }
}

/// The path of a URI in the playlist at `base`, without `.` and `..`; its query makes no other playlist.
fn joined(base: &str, uri: &str) -> String {
    let path = |uri: &'_ str| uri.split(['?', '#']).next().unwrap_or_default().to_owned();
    let (base, uri) = (path(base), path(uri));
    let directory = base.rsplit_once('/').map_or("", |(directory, _)| directory);
    let is_whole = uri.starts_with('/') || uri.contains("://");
    let whole = if is_whole || directory.is_empty() { uri } else { format!("{directory}/{uri}") };
    let mut names: Vec<&str> = Vec::new();
    for name in whole.split('/') {
        match name {
            "." => {}
            ".." if names.last().is_some_and(|last| !last.is_empty() && *last != "..") => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_of_reports_are_relative_to_the_playlist_that_has_them() {
        #[track_caller]
        fn check(base: &str, uri: &str, expected: &str) {
            assert_eq!(joined(base, uri), expected, "{uri} in {base}");
        }
        check("low/ll.m3u8", "../high/ll.m3u8?a=b", "high/ll.m3u8");
        check("low/ll.m3u8?token=1", "ll2.m3u8", "low/ll2.m3u8");
        check("ll.m3u8", "./high.m3u8", "high.m3u8");
        check("../ll.m3u8", "../high.m3u8", "../../high.m3u8");
        check("low/ll.m3u8", "/high.m3u8", "/high.m3u8");
        check("low/ll.m3u8", "https://a.example/x/../b.m3u8", "https://a.example/b.m3u8");
    }
}
