//! The values behind the tags: numbers, seconds, dates.
//!
//! In: what stands after the colon. Out: the value, or a [`Problem`] that says what was expected. No thread.

use jiff::Timestamp;

use super::Problem;
use livedir_time::ticks::of_picoseconds;

pub(super) fn version(value: &str) -> Result<u8, Problem> {
    whole_number(value)
        .and_then(|number| u8::try_from(number).ok())
        .filter(|&version| version > 0)
        .ok_or_else(|| bad("EXT-X-VERSION", value, "a whole number from 1 to 255"))
}

pub(super) fn target_duration_s(value: &str) -> Result<u32, Problem> {
    whole_number(value)
        .and_then(|number| u32::try_from(number).ok())
        .filter(|&target_duration_s| target_duration_s > 0)
        .ok_or_else(|| {
            let expected = "a whole number of seconds, at least 1";
            bad("EXT-X-TARGETDURATION", value, expected)
        })
}

pub(super) fn sequence(tag: &'static str, value: &str) -> Result<u64, Problem> {
    whole_number(value).ok_or_else(|| bad(tag, value, "a whole number below 2^64"))
}

/// RFC 8216 4.2: decimal-integer, digits and nothing else.
fn whole_number(value: &str) -> Option<u64> {
    let digits_only = value.bytes().all(|byte| byte.is_ascii_digit());
    digits_only.then(|| value.parse().ok()).flatten()
}

/// RFC 8216 4.3.2.1: decimal-floating-point or decimal-integer seconds; to the nearest tick.
pub(super) fn duration_90k(value: &str) -> Result<u64, Problem> {
    let wrong = || bad("EXTINF", value, "a number of seconds such as 2.000000");
    // The title after the comma says nothing to a player.
    let seconds = value.split(',').next().unwrap_or_default().trim_end();
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole_s = whole_number(whole).ok_or_else(wrong)?;
    // Picoseconds are far below a tick, so what is cut off does not matter.
    let fraction_ps = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(12)
        .fold(0, |sum, digit| sum * 10 + u128::from(digit - b'0'));
    let duration_ps = u128::from(whole_s) * 1_000_000_000_000 + fraction_ps;
    of_picoseconds(duration_ps).ok_or_else(wrong)
}

pub(super) fn program_date_time(value: &str) -> Result<Timestamp, Problem> {
    value.parse().map_err(|_| {
        let expected = "a date with a time zone such as 2026-03-01T12:00:00.000Z";
        bad("EXT-X-PROGRAM-DATE-TIME", value, expected)
    })
}

fn bad(tag: &'static str, found: &str, expected: &'static str) -> Problem {
    let found = excerpt(found);
    Problem::BadValue { tag, found, expected }
}

/// As much of a line as an error message can take.
pub(super) fn excerpt(line: &str) -> String {
    line.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_goes_to_the_nearest_tick() {
        #[track_caller]
        fn check(value: &str, expected_90k: u64) {
            assert_eq!(duration_90k(value), Ok(expected_90k), "{value:?}");
        }
        check("2", 180_000);
        check("2,", 180_000);
        check("2.,", 180_000);
        check("2.002,no desc", 180_180);
        check("1.999989,", 179_999);
        check("0.000005,", 0);
        check("0.000006,", 1);
        check("2.00000000000000000000000000000000000000001,", 180_000);
        check("00000000000000000000000000002,", 180_000);
        check("204963823041217.240167,", u64::MAX);
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        #[track_caller]
        fn check(value: &str) {
            assert_eq!(
                duration_90k(value).unwrap_err().to_string(),
                format!("EXTINF is {value:?}, not a number of seconds such as 2.000000"),
            );
        }
        check("");
        check(",");
        check(".5");
        check("-1");
        check("+1");
        check("1e3");
        check("nan");
        check("1.5.2");
        check("1.-5");
        check("１");
        check("99999999999999999999");
        check("204963823041217.240178");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(whole_number("18446744073709551615"), Some(u64::MAX));
        assert_eq!(whole_number("18446744073709551616"), None);
        assert_eq!(whole_number("+1"), None);
        assert_eq!(whole_number(""), None);
        assert_eq!(version("255"), Ok(255));
        assert!(version("0").is_err());
        assert!(version("256").is_err());
        assert_eq!(target_duration_s("4294967295"), Ok(u32::MAX));
        assert!(target_duration_s("0").is_err());
        assert!(target_duration_s("4294967296").is_err());
        assert!(target_duration_s("2.0").is_err());
    }

    #[test]
    fn dates_need_a_time_zone_in_any_of_its_forms() {
        #[track_caller]
        fn check(value: &str) {
            let expected = "2026-03-01T12:00:00.25Z".parse().unwrap();
            assert_eq!(program_date_time(value), Ok(expected), "{value:?}");
        }
        check("2026-03-01T12:00:00.250Z");
        check("2026-03-01T13:00:00.25+01:00");
        check("2026-03-01T13:00:00.250000000+0100");
        check("2026-03-01T06:30:00,250-05:30");
        assert!(program_date_time("2026-03-01T12:00:00.250").is_err());
        assert!(program_date_time("yesterday").is_err());
        assert!(program_date_time("2026-02-30T12:00:00Z").is_err());
    }
}
