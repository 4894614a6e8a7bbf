//! Values that several flags take, as people write them. What is wrong is answered with what to type.

use crate::cli::limits::{LARGEST_WINDOW, SMALLEST_WINDOW};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Longer than anything here lasts, and far from where sums of times overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A duration, like 2s, 500ms, 10m or 1h; without a unit it is in seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a duration; write it like 2s or 500ms");
    let units_s = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let typed = units_s.into_iter().find_map(|(unit, unit_s)| Some((text.strip_suffix(unit)?, unit_s)));
    let (number, one_s) = typed.unwrap_or((text, 1.0));
    let seconds = number.trim_end().parse::<f64>().map_err(|_| wrong())? * one_s;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    if duration > LONGEST {
        return Err(format!("'{text}' is longer than a year; write a shorter time, like 30s"));
    }
    Ok(duration)
}

/// A duration of a second or more.
pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        short if short < Duration::from_secs(1) => Err("must be at least 1s, like 30s".to_owned()),
        duration => Ok(duration),
    }
}

/// A whole number within `range`; `example` is a flag with one.
pub(super) fn parse_whole<N: FromStr + PartialOrd + Display>(
    text: &str,
    what: &str,
    range: &RangeInclusive<N>,
    example: &str,
) -> Result<N, String> {
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("must be {what} between {} and {}, like {example}", range.start(), range.end())),
    }
}

/// How many segments a playlist lists.
pub(super) fn parse_window(text: &str) -> Result<usize, String> {
    parse_whole(text, "a number of segments", &(SMALLEST_WINDOW..=LARGEST_WINDOW), "--window 10")
        .map_err(|error| format!("{error}; players need at least three"))
}

/// The value of a flag that is on or off.
pub fn parse_switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" | "y" | "t" => Ok(true),
        "0" | "no" | "false" | "off" | "n" | "f" => Ok(false),
        _ => Err("must be 1, yes or true, or 0, no or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("2 s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_duration("1h"), Ok(Duration::from_secs(3600)));
    }

    #[test]
    fn durations_that_make_no_sense_are_refused_with_the_remedy() {
        for text in ["-2s", "soon", "NaN", "", "inf", "1e300s"] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains("like 2s"), "{error}");
        }
        assert!(parse_duration("99999999999s").unwrap_err().contains("like 30s"));
        assert!(parse_seconds("0").unwrap_err().contains("like 30s"));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_the_remedy() {
        let rate = |text: &str| parse_whole::<u32>(text, "frames", &(1..=120), "--fps 25");
        assert_eq!(rate("120"), Ok(120));
        for text in ["abc", "0", "-5", "121", "1e9", "2.5", "", "99999999999999999999"] {
            assert_eq!(
                rate(text),
                Err("must be frames between 1 and 120, like --fps 25".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn switches_are_read_as_people_write_them() {
        for text in ["1", "yes", "true", "YES", "True", "on"] {
            assert_eq!(parse_switch(text), Ok(true), "{text}");
        }
        for text in ["0", "no", "false", "NO", "False", "off"] {
            assert_eq!(parse_switch(text), Ok(false), "{text}");
        }
        for text in ["", "2", "maybe"] {
            assert!(parse_switch(text).unwrap_err().contains("yes or true"), "{text}");
        }
    }
}
