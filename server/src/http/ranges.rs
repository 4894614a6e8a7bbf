//! Which part of a file is asked for. Pure: request headers in, decision out; RFC 9110 14 and 13.1.5.

use std::ops::Range;

use axum::http::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED, RANGE};
use axum::http::{Method, StatusCode};

use crate::http::paths::ResourceKind;

const UNIT: &[u8] = b"bytes=";

/// The whole file, asked for as a range.
pub(crate) const EVERYTHING: HeaderValue = HeaderValue::from_static("bytes=0-");

/// The range to heed, if any, in its plainest spelling. Two ranges of a playlist would come from two versions.
pub(crate) fn requested(kind: ResourceKind, method: &Method, request: &HeaderMap) -> Option<HeaderValue> {
    // RFC 9110 14.2: GET is the only method for which range handling is defined
    if method != Method::GET || !matches!(kind, ResourceKind::Segment | ResourceKind::Page) {
        return None;
    }
    // RFC 9110 14.2: MUST ignore a Range header field that contains a range unit it does not understand
    let (unit, ranges) = request.get(RANGE)?.as_bytes().split_at_checked(UNIT.len())?;
    let ranges: Vec<u8> = ranges.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t')).collect();
    if !unit.eq_ignore_ascii_case(UNIT) || ranges.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&[UNIT, &ranges].concat()).ok()
}

/// A player asks for one or two; more are an attempt to make a small request a large one (RFC 9110 17.15).
const MOST_PARTS: usize = 16;

/// What a range comes to in a body of known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ByteRanges {
    /// Not worth a part, or no part of anything.
    Whole,
    /// At least one; none is empty, all lie within the body, and together they are no longer than it.
    Some(Vec<Range<u64>>),
    /// 416: nothing of the body is asked for, or it is no range at all.
    None,
}

/// Reads what [`requested`] returned; `length` is that of the body.
pub(crate) fn parts(range: &HeaderValue, length: u64) -> ByteRanges {
    let ranges = range.as_bytes().strip_prefix(UNIT).unwrap_or_default();
    let mut parts = Vec::new();
    let mut sum = 0_u64;
    for spec in ranges.split(|byte| *byte == b',') {
        let Some(dash) = spec.iter().position(|byte| *byte == b'-') else { return ByteRanges::None };
        let (first, last) = (number(&spec[..dash]), number(&spec[dash + 1..]));
        let part = match (first, last) {
            (Ok(Some(first)), Ok(None)) => first..length,
            (Ok(Some(first)), Ok(Some(last))) => first..last.saturating_add(1).min(length),
            // RFC 9110 14.1.2: if the representation is shorter than the suffix-length, all of it is used
            (Ok(None), Ok(Some(count))) => length.saturating_sub(count)..length,
            _ => return ByteRanges::None,
        };
        if part.start < part.end {
            sum = sum.saturating_add(part.end - part.start);
            parts.push(part);
        } else if part.start == 0 {
            // RFC 9110 14.4 has no way to write down the range of an empty body
            return ByteRanges::Whole;
        }
        if parts.len() > MOST_PARTS {
            return ByteRanges::Whole;
        }
    }
    if parts.is_empty() {
        ByteRanges::None
    } else if sum > length {
        // RFC 9110 14.2: a server MAY ignore; in parts the answer would be longer than the whole
        ByteRanges::Whole
    } else {
        ByteRanges::Some(parts)
    }
}

/// Empty is no number; one that is beyond all files stays there.
fn number(digits: &[u8]) -> Result<Option<u64>, ()> {
    if digits.is_empty() {
        return Ok(None);
    }
    let add = |number: u64, digit: &u8| match digit {
        b'0'..=b'9' => Ok(number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))),
        _ => Err(()),
    };
    digits.iter().try_fold(0, add).map(Some)
}

/// What to make of the first answer to a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it.
    Right,
    /// Ask again without a range.
    WholeInstead,
    /// Ask again for [`EVERYTHING`].
    EverythingInstead,
}

/// Judges an answer by its status and headers.
pub(crate) fn judge(
    range: &HeaderValue,
    if_range: Option<&HeaderValue>,
    status: StatusCode,
    answer: &HeaderMap,
) -> Verdict {
    let is_part = status == StatusCode::PARTIAL_CONTENT;
    let is_refused = status == StatusCode::RANGE_NOT_SATISFIABLE;
    // RFC 9110 13.1.5: if the If-Range condition is false, the Range header field MUST be ignored
    if (is_part || is_refused) && if_range.is_some_and(|validator| !is_validator_of(validator, answer)) {
        return Verdict::WholeInstead;
    }
    let is_long_suffix = is_refused && is_suffix(range);
    if !is_part && !is_long_suffix {
        return Verdict::Right;
    }
    // RFC 9110 14.4 has no way to write down the range of an empty file
    if answer.get(CONTENT_RANGE).is_some_and(|range| range.as_bytes().ends_with(b"/0")) {
        return Verdict::WholeInstead;
    }
    // RFC 9110 14.1.2: if the representation is shorter than the suffix-length, the entire representation is used
    if is_long_suffix { Verdict::EverythingInstead } else { Verdict::Right }
}

fn is_suffix(range: &HeaderValue) -> bool {
    let suffix = range.as_bytes().strip_prefix(UNIT).and_then(|ranges| ranges.strip_prefix(b"-"));
    suffix.is_some_and(|length| {
        length.iter().all(u8::is_ascii_digit) && length.iter().any(|digit| *digit != b'0')
    })
}

/// RFC 9110 13.1.5: to the byte, and strong.
fn is_validator_of(if_range: &HeaderValue, answer: &HeaderMap) -> bool {
    let is_tag = if_range.as_bytes().starts_with(b"\"");
    answer.get(if is_tag { ETAG } else { LAST_MODIFIED }) == Some(if_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_requested(kind: ResourceKind, method: &Method, range: &'static str, expected: Option<&str>) {
        let request = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
        let actual = requested(kind, method, &request);
        assert_eq!(
            actual.as_ref().map(|range| range.to_str().unwrap()),
            expected,
            "{method} {kind:?} {range}"
        );
    }

    #[test]
    fn byte_ranges_of_files_that_do_not_change_are_heeded() {
        check_requested(ResourceKind::Segment, &Method::GET, "bytes=0-1", Some("bytes=0-1"));
        check_requested(ResourceKind::Page, &Method::GET, "BYTES= 0-1 , 5-6", Some("bytes=0-1,5-6"));
        check_requested(ResourceKind::Segment, &Method::HEAD, "bytes=0-1", None);
        check_requested(ResourceKind::Playlist, &Method::GET, "bytes=0-1", None);
        check_requested(ResourceKind::Status, &Method::GET, "bytes=0-1", None);
        check_requested(ResourceKind::Segment, &Method::GET, "items=0-1", None);
        check_requested(ResourceKind::Segment, &Method::GET, "bytes", None);
        check_requested(ResourceKind::Segment, &Method::GET, "", None);
        check_requested(ResourceKind::Segment, &Method::GET, "bytes=", None);
    }

    #[track_caller]
    fn check_parts(range: &'static str, length: u64, expected: &ByteRanges) {
        assert_eq!(parts(&HeaderValue::from_static(range), length), *expected, "{range} of {length}");
    }

    #[test]
    fn ranges_become_parts_of_the_body() {
        let some =
            |parts: &[(u64, u64)]| ByteRanges::Some(parts.iter().map(|(start, end)| *start..*end).collect());
        check_parts("bytes=0-0", 10, &some(&[(0, 1)]));
        check_parts("bytes=4-", 10, &some(&[(4, 10)]));
        check_parts("bytes=-3", 10, &some(&[(7, 10)]));
        check_parts("bytes=-30", 10, &some(&[(0, 10)]));
        check_parts("bytes=8-99999999999999999999999", 10, &some(&[(8, 10)]));
        check_parts("bytes=0-1,5-6", 10, &some(&[(0, 2), (5, 7)]));
        check_parts("bytes=-1,0-1,20-", 10, &some(&[(9, 10), (0, 2)]));
    }

    #[test]
    fn what_asks_for_nothing_is_refused_and_what_asks_for_too_much_gets_the_whole() {
        for range in
            ["bytes=10-", "bytes=-0", "bytes=5-4", "bytes=x", "bytes=-", "bytes=1-2-3", "bytes=0-1,x"]
        {
            check_parts(range, 10, &ByteRanges::None);
        }
        check_parts("bytes=0-,0-,0-", 10, &ByteRanges::Whole);
        check_parts(
            "bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16",
            99,
            &ByteRanges::Whole,
        );
        check_parts("bytes=0-", 0, &ByteRanges::Whole);
        check_parts("bytes=-5", 0, &ByteRanges::Whole);
        check_parts("bytes=5-", 0, &ByteRanges::None);
    }

    #[test]
    fn a_suffix_is_a_count_of_last_bytes() {
        for (range, expected) in [
            ("bytes=-1", true),
            ("bytes=-99999999999999999999999", true),
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
    fn check_verdict(
        range: &'static str,
        if_range: Option<&'static str>,
        status: u16,
        of: &str,
        expected: Verdict,
    ) {
        let answer = HeaderMap::from_iter([
            (ETAG, HeaderValue::from_static("\"a\"")),
            (LAST_MODIFIED, HeaderValue::from_static("Sun, 22 Nov 2026 14:39:16 GMT")),
            (CONTENT_RANGE, HeaderValue::from_str(of).unwrap()),
        ]);
        let if_range = if_range.map(HeaderValue::from_static);
        let status = StatusCode::from_u16(status).unwrap();
        let actual = judge(&HeaderValue::from_static(range), if_range.as_ref(), status, &answer);
        assert_eq!(actual, expected, "{range} {if_range:?} {status} {of}");
    }

    #[test]
    fn a_range_is_only_joined_to_the_same_version() {
        for (if_range, expected) in [
            ("\"a\"", Verdict::Right),
            ("\"b\"", Verdict::WholeInstead),
            ("W/\"a\"", Verdict::WholeInstead),
            ("Sun, 22 Nov 2026 14:39:16 GMT", Verdict::Right),
            ("Sun, 22 Nov 2026 14:39:17 GMT", Verdict::WholeInstead),
            ("", Verdict::WholeInstead),
        ] {
            check_verdict("bytes=0-1", Some(if_range), 206, "bytes 0-1/9", expected);
            check_verdict("bytes=10-", Some(if_range), 416, "bytes */9", expected);
            check_verdict("bytes=0-1", Some(if_range), 304, "", Verdict::Right);
        }
    }

    #[test]
    fn a_long_suffix_is_everything_and_a_part_of_nothing_is_the_whole() {
        check_verdict("bytes=-10", None, 416, "bytes */9", Verdict::EverythingInstead);
        check_verdict("bytes=-10", None, 416, "bytes */0", Verdict::WholeInstead);
        check_verdict("bytes=0-", None, 206, "bytes 0-0/0", Verdict::WholeInstead);
        check_verdict("bytes=10-", None, 416, "bytes */0", Verdict::Right);
        check_verdict("bytes=10-", None, 416, "bytes */9", Verdict::Right);
        check_verdict("bytes=-1", None, 206, "bytes 9-9/10", Verdict::Right);
    }
}
