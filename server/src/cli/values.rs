//! Values of flags, as people write them. What is wrong is answered with what to type. Pure.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::http::HeaderValue;
use ipnet::IpNet;

/// More than any machine has room for.
const MOST_CONNECTIONS: usize = 10_000_000;

/// Every thread has a queue and buffers of its own.
const MOST_THREADS: u16 = 256;

/// RFC 9111 has no upper limit, but HTTP/1.1 caches by convention cap a lifetime at one year.
const LONGEST_MAX_AGE_S: u32 = 365 * 24 * 60 * 60;

/// Beyond what any machine has, and far from where sums of sizes overflow.
const LARGEST_SIZE_BYTES: u64 = 1 << 40;

/// What `--page-policy` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PagePolicy {
    /// The page says itself what it may load, or nobody does.
    Off,
    /// This.
    Policy(HeaderValue),
}

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
        _ => Err("must be 1, yes or true, or 0, no or false".to_owned()),
    }
}

/// `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`
pub(crate) fn parse_network(typed: &str) -> Result<IpNet, String> {
    let network = typed.parse().or_else(|_| typed.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| {
        "not an address or a network; write it like 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32".to_owned()
    })
}

/// `30s`, `10m`: in seconds, at least one.
pub(crate) fn parse_timeout_s(typed: &str) -> Result<u32, String> {
    match parse_max_age_s(typed)? {
        0 => Err("must be at least 1s".to_owned()),
        timeout_s => Ok(timeout_s),
    }
}

/// A policy, or `off`.
impl FromStr for PagePolicy {
    type Err = String;

    fn from_str(typed: &str) -> Result<PagePolicy, String> {
        match typed {
            "off" => Ok(PagePolicy::Off),
            _ => HeaderValue::from_str(typed)
                .map(PagePolicy::Policy)
                .map_err(|_| "not a header value; write it in one line of ASCII".to_owned()),
        }
    }
}

/// `0`, `30s`, `10m`, `6h`, `1d`: in seconds.
pub(crate) fn parse_max_age_s(typed: &str) -> Result<u32, String> {
    if typed == "0" {
        return Ok(0);
    }
    let unit_s = match typed.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 60 * 60,
        Some(b'd') => 24 * 60 * 60,
        _ => return Err("not a duration; write it like 30s, 10m, 6h or 1d".to_owned()),
    };
    let count: u32 = typed[..typed.len() - 1]
        .parse()
        .map_err(|_| "not a whole number before the unit; write it like 30s, 10m, 6h or 1d".to_owned())?;
    match count.checked_mul(unit_s) {
        Some(max_age_s) if max_age_s <= LONGEST_MAX_AGE_S => Ok(max_age_s),
        _ => Err("must be at most 365d".to_owned()),
    }
}

/// `0`, `500K`, `256M`, `2G`: in bytes.
pub(crate) fn parse_size_bytes(typed: &str) -> Result<u64, String> {
    if typed == "0" {
        return Ok(0);
    }
    let shift = match typed.bytes().last() {
        Some(b'K') => 10,
        Some(b'M') => 20,
        Some(b'G') => 30,
        _ => return Err("not a size; write it like 256M, 2G or 0".to_owned()),
    };
    let count: u64 = typed[..typed.len() - 1]
        .parse()
        .map_err(|_| "not a whole number before the unit; write it like 256M, 2G or 0".to_owned())?;
    match count.checked_mul(1 << shift) {
        Some(size_bytes) if size_bytes <= LARGEST_SIZE_BYTES => Ok(size_bytes),
        _ => Err("must be at most 1024G".to_owned()),
    }
}

fn parse_whole<N: FromStr + PartialOrd + Display>(
    typed: &str,
    range: &RangeInclusive<N>,
    example: &str,
) -> Result<N, String> {
    match typed.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "must be a whole number between {} and {}, like {example}",
            range.start(),
            range.end()
        )),
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

    #[track_caller]
    fn check_max_age(typed: &str, expected: Result<u32, &str>) {
        match (parse_max_age_s(typed), expected) {
            (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{typed}"),
            (Err(actual), Err(part)) => assert!(actual.contains(part), "{typed}: {actual}"),
            (actual, expected) => panic!("{typed}: {actual:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_max_age_is_a_count_and_a_unit() {
        check_max_age("0", Ok(0));
        check_max_age("30s", Ok(30));
        check_max_age("10m", Ok(600));
        check_max_age("6h", Ok(21_600));
        check_max_age("365d", Ok(31_536_000));
        check_max_age("366d", Err("at most 365d"));
        check_max_age("4294967295d", Err("at most 365d"));
        check_max_age("30", Err("like 30s"));
        check_max_age("", Err("like 30s"));
        check_max_age("s", Err("whole number"));
        check_max_age("1.5s", Err("whole number"));
        check_max_age("-1s", Err("whole number"));
        check_max_age("10µ", Err("like 30s"));
    }

    #[test]
    fn a_size_is_a_count_and_a_unit() {
        for (typed, expected) in [
            ("0", Ok(0)),
            ("500K", Ok(512_000)),
            ("256M", Ok(268_435_456)),
            ("2G", Ok(2_147_483_648)),
            ("1024G", Ok(LARGEST_SIZE_BYTES)),
            ("1025G", Err("at most 1024G")),
            ("18446744073709551615G", Err("at most 1024G")),
            ("256", Err("like 256M")),
            ("256m", Err("like 256M")),
            ("", Err("like 256M")),
            ("M", Err("whole number")),
            ("-1M", Err("whole number")),
            ("1µ", Err("like 256M")),
        ] {
            match (parse_size_bytes(typed), expected) {
                (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{typed}"),
                (Err(actual), Err(part)) => assert!(actual.contains(part), "{typed}: {actual}"),
                (actual, expected) => panic!("{typed}: {actual:?} instead of {expected:?}"),
            }
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

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        assert_eq!(parse_network("10.0.0.7").unwrap().to_string(), "10.0.0.7/32");
        assert_eq!(parse_network("2001:db8::/32").unwrap().to_string(), "2001:db8::/32");
        assert!(parse_network("proxy.test").unwrap_err().contains("10.0.0.0/8"));
        assert!(parse_timeout_s("0").unwrap_err().contains("1s"));
    }
}
