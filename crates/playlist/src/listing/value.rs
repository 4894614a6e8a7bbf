//! The values behind the tags, read as leniently as they can be without guessing.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ByteRange;

/// RFC 8216 4.2: decimal-integer.
#[must_use]
pub fn whole_number(value: &str) -> Option<u64> {
    let digits_only = value.bytes().all(|byte| byte.is_ascii_digit());
    digits_only.then(|| value.parse().ok()).flatten()
}

/// RFC 8216 4.2: decimal-floating-point or decimal-integer, of any length, without a sign.
#[must_use]
pub fn decimal(value: &str) -> Option<f64> {
    let lawful = value.starts_with(|first: char| first.is_ascii_digit())
        && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    lawful.then(|| value.parse().ok()).flatten().filter(|it: &f64| it.is_finite())
}

/// A date as it was written.
pub struct Date {
    /// Without a zone it is taken as UTC.
    pub at: Timestamp,
    /// `Z`, or how far from UTC.
    pub has_zone: bool,
    /// At least three digits of a second's fraction.
    pub has_milliseconds: bool,
}

/// ISO 8601, with or without a zone.
#[must_use]
pub fn date(value: &str) -> Option<Date> {
    let has_milliseconds = value
        .split_once('.')
        .is_some_and(|(_, fraction)| fraction.bytes().take_while(u8::is_ascii_digit).count() >= 3);
    if let Ok(at) = value.parse() {
        return Some(Date { at, has_zone: true, has_milliseconds });
    }
    let civil: DateTime = value.parse().ok()?;
    let at = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Date { at, has_zone: false, has_milliseconds })
}

/// `length[@offset]`.
#[must_use]
pub fn byterange(value: &str) -> Option<ByteRange> {
    let (length, offset) = match value.split_once('@') {
        Some((length, offset)) => (length, Some(whole_number(offset)?)),
        None => (value, None),
    };
    Some(ByteRange { length: whole_number(length)?, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        #[track_caller]
        fn check(value: &str, whole: Option<u64>, fraction: Option<f64>) {
            assert_eq!((whole_number(value), decimal(value)), (whole, fraction), "{value:?}");
        }
        check("2", Some(2), Some(2.0));
        check("2.5", None, Some(2.5));
        check("2.", None, Some(2.0));
        check("", None, None);
        check(".5", None, None);
        check("-1", None, None);
        check("1e3", None, None);
        check("1.2.3", None, None);
        check("nan", None, None);
        check(&"9".repeat(400), None, None);
    }

    #[test]
    fn dates_say_how_precise_they_are() {
        #[track_caller]
        fn check(value: &str, expected: Option<(&str, bool, bool)>) {
            let read = date(value).map(|it| (it.at.to_string(), it.has_zone, it.has_milliseconds));
            let expected = expected.map(|(at, zone, ms)| (at.to_owned(), zone, ms));
            assert_eq!(read, expected, "{value:?}");
        }
        check("2026-03-01T12:00:00.000Z", Some(("2026-03-01T12:00:00Z", true, true)));
        check("2026-03-01T13:00:00.25+0100", Some(("2026-03-01T12:00:00.25Z", true, false)));
        check("2026-03-01T12:00:00.000", Some(("2026-03-01T12:00:00Z", false, true)));
        check("yesterday", None);
        check("", None);
    }

    #[test]
    fn byte_ranges_have_a_length_and_may_have_an_offset() {
        #[track_caller]
        fn check(value: &str, expected: Option<(u64, Option<u64>)>) {
            assert_eq!(byterange(value).map(|it| (it.length, it.offset)), expected, "{value:?}");
        }
        check("100@5", Some((100, Some(5))));
        check("100", Some((100, None)));
        check("@5", None);
        check("100@", None);
        check("a@b", None);
    }
}
