//! Values of flags, as people write them. What is wrong is answered with what to type. Pure.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// More than any machine has room for.
const MOST_CONNECTIONS: usize = 10_000_000;

/// Every thread has a queue and buffers of its own.
const MOST_THREADS: u16 = 256;

/// What `--connections` takes.
pub(crate) fn parse_connections(typed: &str) -> Result<usize, String> {
    parse_whole(typed, &(1..=MOST_CONNECTIONS), "--connections 10000")
}

/// What `--connections-per-address` takes.
pub(crate) fn parse_connections_per_address(typed: &str) -> Result<usize, String> {
    parse_whole(typed, &(1..=MOST_CONNECTIONS), "--connections-per-address 1000")
}

/// What `--threads` takes.
pub(crate) fn parse_threads(typed: &str) -> Result<u16, String> {
    parse_whole(typed, &(1..=MOST_THREADS), "--threads 2")
}

/// What `--metrics-listen` takes.
pub(crate) fn parse_metrics_listen(typed: &str) -> Result<SocketAddr, String> {
    typed
        .parse()
        .map_err(|_| "not an address and a port; write it like 127.0.0.1:9101 or [::1]:9101".to_owned())
}

/// What a variable says of a flag that is there or not.
pub(crate) fn parse_switch(typed: &str) -> Result<bool, String> {
    match typed.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" | "y" | "t" => Ok(true),
        "0" | "no" | "false" | "off" | "n" | "f" => Ok(false),
        _ => Err("write 1, yes or true, or else 0, no or false".to_owned()),
    }
}

fn parse_whole<N: FromStr + PartialOrd + Display>(
    typed: &str,
    range: &RangeInclusive<N>,
    example: &str,
) -> Result<N, String> {
    match typed.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("write a whole number from {} to {}, like {example}", range.start(), range.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_the_remedy() {
        assert_eq!((parse_threads("256"), parse_connections("1")), (Ok(256), Ok(1)));
        for typed in ["abc", "0", "-5", "1e9", "", "99999999999999999999"] {
            assert!(parse_threads(typed).unwrap_err().contains("like --threads 2"), "{typed}");
            assert!(parse_connections(typed).unwrap_err().contains("like --connections 10000"), "{typed}");
            let error = parse_connections_per_address(typed).unwrap_err();
            assert!(error.contains("like --connections-per-address 1000"), "{typed}");
            assert!(parse_metrics_listen(typed).unwrap_err().contains("like 127.0.0.1:9101"), "{typed}");
        }
    }

    #[test]
    fn switches_are_read_as_people_write_them() {
        for (typed, expected) in
            [("1", true), ("YES", true), ("True", true), ("0", false), ("No", false), ("false", false)]
        {
            assert_eq!(parse_switch(typed), Ok(expected), "{typed}");
        }
        assert!(parse_switch("maybe").unwrap_err().contains("yes or true"));
    }
}
