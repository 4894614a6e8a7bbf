//! Which part of a file is asked for. Pure: request headers in, decision out; RFC 9110 14.

use std::ops::Range;

use axum::http::Method;
use axum::http::header::{HeaderMap, HeaderValue, RANGE};

use crate::http::paths::ResourceKind;

const UNIT: &[u8] = b"bytes=";

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
pub(crate) const MOST_PARTS: usize = 16;

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
    // RFC 9110 5.6.1.2: a recipient MUST parse and ignore empty list elements
    for spec in ranges.split(|byte| *byte == b',').filter(|spec| !spec.is_empty()) {
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
        check_parts("bytes=0-9,", 99, &some(&[(0, 10)]));
        check_parts("bytes=,,0-1,,5-6,", 10, &some(&[(0, 2), (5, 7)]));
    }

    #[test]
    fn what_asks_for_nothing_is_refused_and_what_asks_for_too_much_gets_the_whole() {
        for range in [
            "bytes=10-",
            "bytes=,",
            "bytes=-0",
            "bytes=5-4",
            "bytes=x",
            "bytes=-",
            "bytes=1-2-3",
            "bytes=0-1,x",
        ] {
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
}
