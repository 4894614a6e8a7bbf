//! EXT-X-VERSION: high enough for what is used, and no higher.

use crate::rules::finding::Findings;
use crate::rules::rule::{Rule, must, should};
use livedir_playlist::tag_values::{attribute, extinf_s};
use livedir_playlist::{MediaListing, MultivariantListing, Tag};

pub(crate) static VERSION_TOO_LOW: Rule = must(
    "version-too-low",
    "RFC 8216 7",
    "The version is at least the one that knows all that the playlist uses.",
);
pub(crate) static VERSION_TOO_HIGH: Rule = should(
    "version-too-high",
    "bis-22 6.2.1",
    "The version is no greater than what the playlist uses asks for, so that no player is shut out.",
);

pub(crate) fn check_media(findings: &mut Findings<'_>, listing: &MediaListing) {
    let needed = check_low(findings, &listing.tags, listing.version);
    // Low latency needs no version of its own, but all who write it write one of those that came with it.
    let is_low_latency = listing.tag("EXT-X-SERVER-CONTROL").is_some();
    if let (Some(version), Some(tag)) = (listing.version, listing.tag("EXT-X-VERSION"))
        && version > needed.max(1)
        // Before the first segment nobody knows what it will need.
        && !listing.segments.is_empty()
        && !is_low_latency
    {
        let seen = format!("version {version}");
        findings.line(&VERSION_TOO_HIGH, tag.line, seen, format!("{}", needed.max(1)));
    }
}

pub(crate) fn check_multivariant(findings: &mut Findings<'_>, listing: &MultivariantListing) {
    check_low(findings, &listing.tags, listing.version);
}

/// Says which version is needed.
fn check_low(findings: &mut Findings<'_>, tags: &[Tag], version: Option<u64>) -> u64 {
    let i_frames_only = tags.iter().any(|tag| tag.name == "EXT-X-I-FRAMES-ONLY");
    let needs = |tag: &Tag| (needed_version(tag, i_frames_only), tag.line);
    let Some((needed, line)) = tags.iter().map(needs).max_by_key(|&(needed, _)| needed) else { return 1 };
    // A version that cannot be read is a finding of its own.
    let is_unreadable = version.is_none() && tags.iter().any(|tag| tag.name == "EXT-X-VERSION");
    if version.unwrap_or(1) < needed && !is_unreadable {
        let seen = match version {
            Some(version) => format!("version {version}"),
            None => "no EXT-X-VERSION, which means 1".to_owned(),
        };
        findings.whole(&VERSION_TOO_LOW, seen, format!("{needed}, for line {line}"));
    }
    needed
}

/// RFC 8216 7, bis-22 8.
fn needed_version(tag: &Tag, i_frames_only: bool) -> u64 {
    let has = |name: &str| attribute(&tag.value, name).is_some();
    let is = |name: &str, value: &str| attribute(&tag.value, name) == Some(value);
    match tag.name.as_str() {
        "EXTINF" if extinf_s(&tag.value).is_some() && has_fraction(&tag.value) => 3,
        "EXT-X-BYTERANGE" | "EXT-X-I-FRAMES-ONLY" => 4,
        "EXT-X-KEY" if has("KEYFORMAT") || has("KEYFORMATVERSIONS") || is("METHOD", "SAMPLE-AES") => 5,
        "EXT-X-KEY" if has("IV") => 2,
        "EXT-X-MAP" if i_frames_only => 5,
        "EXT-X-MAP" => 6,
        "EXT-X-MEDIA" if attribute(&tag.value, "INSTREAM-ID").is_some_and(is_service) => 7,
        "EXT-X-DEFINE" if has("QUERYPARAM") => 11,
        "EXT-X-DEFINE" => 8,
        "EXT-X-SKIP" if has("RECENTLY-REMOVED-DATERANGES") => 10,
        "EXT-X-SKIP" => 9,
        _ => 1,
    }
}

fn has_fraction(extinf: &str) -> bool {
    extinf.split(',').next().unwrap_or_default().contains('.')
}

fn is_service(instream_id: &str) -> bool {
    instream_id.starts_with("SERVICE")
}
