//! What a playlist names besides segments: it has to be there. Over HTTP the answer says so; this is for a disk.

use crate::rules::finding::{Finding, Findings};
use crate::rules::rule::{Rule, must};

pub(crate) static PLAYLIST_NOT_THERE: Rule = must(
    "playlist-not-there",
    "RFC 8216 4.3.4.2",
    "Each playlist that a multivariant one lists is there, and is a media playlist.",
);
pub(crate) static MAP_NOT_THERE: Rule = must(
    "map-not-there",
    "RFC 8216 4.3.2.5",
    "What EXT-X-MAP names is there: no segment under it can be decoded without it.",
);
pub(crate) static KEY_NOT_THERE: Rule = must(
    "key-not-there",
    "RFC 8216 4.3.2.4",
    "What EXT-X-KEY names is there: no segment under it can be decrypted without it.",
);

/// What a playlist names besides segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Named {
    /// By a multivariant playlist.
    Playlist,
    /// By EXT-X-MAP.
    Map,
    /// By EXT-X-KEY.
    Key,
}

/// Something that is named and cannot be had, and why.
#[must_use]
pub fn check_missing(name: &str, named: Named, uri: &str, problem: &str) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let (rule, expected) = match named {
        Named::Playlist => (&PLAYLIST_NOT_THERE, "a media playlist"),
        Named::Map => (&MAP_NOT_THERE, "the file that EXT-X-MAP names"),
        Named::Key => (&KEY_NOT_THERE, "the file that EXT-X-KEY names"),
    };
    findings.segment(rule, uri, problem, expected);
    findings.found
}
