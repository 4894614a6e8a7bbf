//! What of a representation is sent. Pure: its validators and length and a request in, a decision out; the same for what is in
//! memory and what is on disk.

use std::ops::Range;
use std::time::SystemTime;

use axum::http::Method;
use axum::http::header::{HeaderMap, HeaderValue, IF_RANGE};

use super::conditions::{self, Precondition};
use super::headers::has_conditions;
use super::paths::ResourceKind;
use super::ranges::{self, ByteRanges};

/// What is known of a representation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) kind: ResourceKind,
    pub(crate) length: u64,
    pub(crate) tag: &'a HeaderValue,
    pub(crate) modified: Option<SystemTime>,
    /// `modified`, as it is sent.
    pub(crate) last_modified: Option<&'a HeaderValue>,
    /// Whether the tag is one of the content.
    pub(crate) is_in_memory: bool,
}

/// What is sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Whole,
    /// 206: one, or several.
    Parts(Vec<Range<u64>>),
    /// 304
    NotModified,
    /// 412
    Failed,
    /// 416
    BeyondTheEnd,
}

/// Decides in the order of RFC 9110 13.2.2.
pub(crate) fn decide(facts: Facts<'_>, method: &Method, request: &HeaderMap) -> Content {
    if facts.is_in_memory || has_conditions(facts.kind) {
        match conditions::evaluate(request, facts.tag, facts.modified) {
            Precondition::Holds => {}
            Precondition::NotModified => return Content::NotModified,
            Precondition::Failed => return Content::Failed,
        }
    }
    let Some(range) = ranges::requested(facts.kind, method, request) else { return Content::Whole };
    // RFC 9110 13.1.5: if the If-Range condition is false, the Range header field MUST be ignored
    if request.get(IF_RANGE).is_some_and(|validator| !is_validator_of(validator, facts)) {
        return Content::Whole;
    }
    match ranges::parts(&range, facts.length) {
        ByteRanges::Whole => Content::Whole,
        ByteRanges::Some(parts) => Content::Parts(parts),
        ByteRanges::None => Content::BeyondTheEnd,
    }
}

/// RFC 9110 13.1.5: to the byte, and strong.
fn is_validator_of(if_range: &HeaderValue, facts: Facts<'_>) -> bool {
    let is_tag = if_range.as_bytes().starts_with(b"\"");
    (if is_tag { Some(facts.tag) } else { facts.last_modified }) == Some(if_range)
}

#[cfg(test)]
mod tests {
    use axum::http::header::{IF_MATCH, IF_NONE_MATCH, RANGE};

    use super::*;

    const DATE: &str = "Sun, 22 Nov 2026 14:39:16 GMT";

    #[track_caller]
    fn check(kind: ResourceKind, is_in_memory: bool, request: &HeaderMap, expected: &Content) {
        let [tag, last_modified] = ["\"a\"", DATE].map(HeaderValue::from_static);
        let facts = Facts {
            kind,
            length: 9,
            tag: &tag,
            modified: httpdate::parse_http_date(DATE).ok(),
            last_modified: Some(&last_modified),
            is_in_memory,
        };
        assert_eq!(decide(facts, &Method::GET, request), *expected, "{kind:?} {request:?}");
    }

    #[test]
    fn a_range_is_only_joined_to_the_same_version() {
        for (if_range, is_part) in [
            ("\"a\"", true),
            ("\"b\"", false),
            ("W/\"a\"", false),
            (DATE, true),
            ("Sun, 22 Nov 2026 14:39:17 GMT", false),
            ("", false),
        ] {
            let request = |range| {
                HeaderMap::from_iter([
                    (RANGE, HeaderValue::from_static(range)),
                    (IF_RANGE, HeaderValue::from_static(if_range)),
                ])
            };
            let or_whole = |content| if is_part { content } else { Content::Whole };
            check(
                ResourceKind::Segment,
                false,
                &request("bytes=0-1"),
                &or_whole(Content::Parts(vec![Range { start: 0, end: 2 }])),
            );
            check(ResourceKind::Segment, false, &request("bytes=9-"), &or_whole(Content::BeyondTheEnd));
        }
    }

    #[test]
    fn conditions_come_first_and_count_for_a_playlist_in_memory_alone() {
        let has_it = HeaderMap::from_iter([
            (IF_NONE_MATCH, HeaderValue::from_static("\"a\"")),
            (RANGE, HeaderValue::from_static("bytes=0-1")),
        ]);
        check(ResourceKind::Segment, false, &has_it, &Content::NotModified);
        check(ResourceKind::Playlist, true, &has_it, &Content::NotModified);
        check(ResourceKind::Playlist, false, &has_it, &Content::Whole);
        let another = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_static("\"b\""))]);
        check(ResourceKind::Page, false, &another, &Content::Failed);
        check(ResourceKind::Page, false, &HeaderMap::new(), &Content::Whole);
    }
}
