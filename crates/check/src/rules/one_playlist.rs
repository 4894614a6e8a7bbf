//! One playlist alone: what its text says by itself.

use crate::rules::finding::{Finding, Findings, excerpt};
use crate::rules::low_latency::{parts, server_control};
use crate::rules::playlist::{date_ranges, dates, media, tags, version};
use crate::rules::presentation::multivariant;
use crate::rules::rule::{Rule, must};
use livedir_playlist::{Listing, MediaListing, read_listing};

pub(crate) static EXTM3U_FIRST: Rule =
    must("extm3u-first", "RFC 8216 4.3.1.1", "The first line of a playlist is #EXTM3U.");
pub(crate) static FORBIDDEN_CHARACTER: Rule = must(
    "forbidden-character",
    "RFC 8216 4.1",
    "A playlist has no byte order mark and no control character but those that end a line.",
);

/// Holds one playlist, media or multivariant, live or ended, to the rules; it must have been asked for as a whole. `name` is
/// for the findings.
#[must_use]
pub fn check_playlist(name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    check_text(&mut findings, text);
    match read_listing(text) {
        Listing::Media(listing) => check_media(&mut findings, &listing),
        Listing::Multivariant(listing) => {
            tags::check(&mut findings, &listing.tags);
            version::check_multivariant(&mut findings, &listing);
            multivariant::check(&mut findings, &listing);
        }
        Listing::Neither => {}
    }
    findings.found
}

/// The same for a media playlist that was read already.
#[must_use]
pub fn check_media_playlist(name: &str, text: &str, listing: &MediaListing) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    check_text(&mut findings, text);
    check_media(&mut findings, listing);
    findings.found
}

fn check_media(findings: &mut Findings<'_>, listing: &MediaListing) {
    tags::check(findings, &listing.tags);
    tags::check_not_mixed(findings, &listing.tags);
    version::check_media(findings, listing);
    media::check(findings, listing);
    dates::check(findings, listing);
    date_ranges::check(findings, listing);
    parts::check(findings, listing);
    server_control::check(findings, listing);
}

fn check_text(findings: &mut Findings<'_>, text: &str) {
    let without_mark = text.strip_prefix('\u{feff}');
    if without_mark.is_some() {
        findings.line(&FORBIDDEN_CHARACTER, 1, "a byte order mark", "#EXTM3U as the first bytes");
    }
    let first_line = without_mark.unwrap_or(text).lines().next().unwrap_or_default();
    if first_line.trim_end() != "#EXTM3U" {
        findings.line(&EXTM3U_FIRST, 1, format!("{:?}", excerpt(first_line)), "#EXTM3U");
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(found) = line.chars().find(|&it| it.is_control() && it != '\r') {
            let seen = format!("the character {found:?}");
            findings.line(&FORBIDDEN_CHARACTER, index + 1, seen, "none but CR and LF");
        }
    }
}
