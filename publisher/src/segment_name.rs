//! The names of segments on disk: `live/seg-00000042.ts`, with a number that is never used again.

use std::path::{Path, PathBuf};

/// The directory of the segments, under webroot.
pub const LIVE: &str = "live";
/// How the temporary names of segments begin.
pub const LEFT_OVER_PREFIX: &str = ".seg-";

/// Names with larger numbers are not ours: one segment each millisecond takes 30,000 years to come here, and one stray file
/// must not use up the numbers.
const LARGEST_NUMBER: u64 = 999_999_999_999_999;

/// `seg-00000042.ts`.
#[must_use]
pub fn segment_name(number: u64) -> String {
    format!("seg-{number:08}.ts")
}

/// The URI in the playlist, relative to it: `live/seg-00000042.ts`.
#[must_use]
pub fn segment_uri(number: u64) -> String {
    format!("{LIVE}/seg-{number:08}.ts")
}

/// The file.
#[must_use]
pub fn segment_path(webroot: &Path, number: u64) -> PathBuf {
    webroot.join(LIVE).join(segment_name(number))
}

/// The number in a name; `None` for names that are not ours.
#[must_use]
pub fn number_of_name(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("seg-")?.strip_suffix(".ts")?;
    let number: u64 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    // One number, one name: no more leading zeros than make eight digits.
    ((1..=LARGEST_NUMBER).contains(&number) && segment_name(number) == name).then_some(number)
}

/// Whether an encoder may mean this as a segment. Dot files are work in progress.
#[must_use]
pub fn looks_like_segment(name: &str) -> bool {
    !name.starts_with('.') && Path::new(name).extension().is_some_and(|ending| ending == "ts")
}

/// The number in a URI of the playlist; `None` for URIs that are not ours.
#[must_use]
pub fn number_of_uri(uri: &str) -> Option<u64> {
    number_of_name(uri.strip_prefix(LIVE)?.strip_prefix('/')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<u64>) {
        assert_eq!(number_of_name(name), expected, "{name}");
        assert_eq!(number_of_uri(&format!("live/{name}")), expected, "{name}");
    }

    #[test]
    fn names_of_eight_digits_and_more_have_a_number() {
        check("seg-00000001.ts", Some(1));
        check("seg-99999999.ts", Some(99_999_999));
        check("seg-100000000.ts", Some(100_000_000));
    }

    #[test]
    fn other_names_have_none() {
        for name in
            ["seg-1.ts", "seg-00000000.ts", "seg-000000001.ts", "seg-+0000001.ts", "seg-00000001.ts.tmp"]
        {
            check(name, None);
        }
        for name in
            [".seg-00000001.ts", "../seg-00000001.ts", "seg-18446744073709551615.ts", "seg-.ts", "", "ü.ts"]
        {
            check(name, None);
        }
    }

    #[test]
    fn only_uris_in_the_live_directory_are_ours() {
        assert_eq!(number_of_uri("seg-00000001.ts"), None);
        assert_eq!(number_of_uri("other/seg-00000001.ts"), None);
        assert_eq!(number_of_uri("live/../seg-00000001.ts"), None);
    }

    #[test]
    fn a_number_comes_back_from_its_name() {
        for number in [1, 42, 123_456_789_012, LARGEST_NUMBER] {
            check(&segment_name(number), Some(number));
        }
    }
}
