//! Which part of a file is asked for. Pure: request headers in, decision out; RFC 9110 14 and 13.1.5.

use axum::http::Method;
use axum::http::header::{ETAG, HeaderMap, HeaderValue, LAST_MODIFIED, RANGE};

use crate::paths::Kind;

/// The whole file, asked for as a range.
pub(crate) const EVERYTHING: HeaderValue = HeaderValue::from_static("bytes=0-");

/// The range to heed, if any. Two ranges of a playlist would come from two versions.
pub(crate) fn requested<'a>(kind: Kind, method: &Method, request: &'a HeaderMap) -> Option<&'a HeaderValue> {
    // RFC 9110 14.2: GET is the only method for which range handling is defined
    let defined = method == Method::GET && matches!(kind, Kind::Segment | Kind::Page);
    // RFC 9110 14.2: MUST ignore a Range header field that contains a range unit it does not understand
    request.get(RANGE).filter(|range| defined && byte_ranges(range).is_some())
}

/// Whether a refused range was one for the last so many bytes. RFC 9110 14.1.2: of a file that is shorter than that,
/// the entire representation is used.
pub(crate) fn is_suffix(range: &HeaderValue) -> bool {
    let suffix = byte_ranges(range).map(<[u8]>::trim_ascii).and_then(|ranges| ranges.strip_prefix(b"-"));
    suffix.is_some_and(|length| {
        length.iter().all(u8::is_ascii_digit) && length.iter().any(|digit| *digit != b'0')
    })
}

/// RFC 9110 13.1.5: whether `if_range` is, to the byte, a strong validator of the answer.
pub(crate) fn if_range_holds(if_range: &HeaderValue, answer: &HeaderMap) -> bool {
    let is_tag = if_range.as_bytes().starts_with(b"\"");
    answer.get(if is_tag { ETAG } else { LAST_MODIFIED }) == Some(if_range)
}

/// What follows the unit.
fn byte_ranges(range: &HeaderValue) -> Option<&[u8]> {
    let (unit, ranges) = range.as_bytes().split_at_checked(b"bytes=".len())?;
    unit.eq_ignore_ascii_case(b"bytes=").then_some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_requested(kind: Kind, method: &Method, range: &'static str, expected: bool) {
        let request = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
        assert_eq!(requested(kind, method, &request).is_some(), expected, "{method} {kind:?} {range}");
    }

    #[test]
    fn byte_ranges_of_files_that_do_not_change_are_heeded() {
        check_requested(Kind::Segment, &Method::GET, "bytes=0-1", true);
        check_requested(Kind::Page, &Method::GET, "Bytes=0-1", true);
        check_requested(Kind::Segment, &Method::HEAD, "bytes=0-1", false);
        check_requested(Kind::Playlist, &Method::GET, "bytes=0-1", false);
        check_requested(Kind::Status, &Method::GET, "bytes=0-1", false);
        check_requested(Kind::Segment, &Method::GET, "items=0-1", false);
        check_requested(Kind::Segment, &Method::GET, "bytes", false);
        check_requested(Kind::Segment, &Method::GET, "", false);
    }

    #[test]
    fn a_suffix_is_a_count_of_last_bytes() {
        for (range, expected) in [
            ("bytes=-1", true),
            ("bytes= -99999999999999999999999", true),
            ("bytes=-0", false),
            ("bytes=-", false),
            ("bytes=1-", false),
            ("bytes=-1,-2", false),
            ("bytes=--1", false),
        ] {
            assert_eq!(is_suffix(&HeaderValue::from_static(range)), expected, "{range}");
        }
    }

    #[track_caller]
    fn check_if_range(if_range: &'static str, expected: bool) {
        let mut answer = HeaderMap::new();
        answer.insert(ETAG, HeaderValue::from_static("\"a\""));
        answer.insert(LAST_MODIFIED, HeaderValue::from_static("Sun, 22 Nov 2026 14:39:16 GMT"));
        assert_eq!(if_range_holds(&HeaderValue::from_static(if_range), &answer), expected, "{if_range}");
    }

    #[test]
    fn a_range_is_only_joined_to_the_same_version() {
        check_if_range("\"a\"", true);
        check_if_range("\"b\"", false);
        check_if_range("W/\"a\"", false);
        check_if_range("Sun, 22 Nov 2026 14:39:16 GMT", true);
        check_if_range("Sun, 22 Nov 2026 14:39:17 GMT", false);
        check_if_range("", false);
    }
}
