//! The names of segments on disk: ours, `live/seg-00000042.ts`, with a number that is never used again, and those of other
//! encoders, which may be any that end in `.ts`.

use crate::formats::{ENDING, is_media, without_ending};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The directory of the segments, under webroot.
pub const LIVE: &str = "live";

/// Where segments lie, as their playlist sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// In `live/` beside the playlist.
    Live,
    /// Beside the playlist: those of a rung.
    Beside,
}

impl Home {
    /// The directory of the segments, where `playlists` is that of the playlist.
    #[must_use]
    pub fn directory(self, playlists: &Path) -> PathBuf {
        match self {
            Self::Live => playlists.join(LIVE),
            Self::Beside => playlists.to_owned(),
        }
    }

    /// What stands before a name in a URI.
    fn prefix(self) -> &'static str {
        match self {
            Self::Live => "live/",
            Self::Beside => "",
        }
    }
}

/// How the temporary names of segments begin.
pub const LEFT_OVER_PREFIX: &str = ".seg-";

/// Names with larger numbers are not ours: one segment each millisecond takes 30,000 years to come here, and one stray file
/// must not use up the numbers.
const LARGEST_NUMBER: u64 = 999_999_999_999_999;

/// `seg-00000042.ts`.
#[must_use]
pub fn segment_name(number: u64) -> String {
    format!("seg-{number:08}.{ENDING}")
}

/// `seg-00000042.p03.ts`.
#[must_use]
pub fn part_name(number: u64, part: u32) -> String {
    format!("seg-{number:08}.p{part:02}.{ENDING}")
}

/// The numbers of the segment and of the part, from 0, in a name; `None` for names that are not those of parts.
#[must_use]
pub fn part_of_name(name: &str) -> Option<(u64, u32)> {
    let (segment, part) = without_ending(name)?.rsplit_once(".p")?;
    let number = segment_number(segment.strip_prefix("seg-")?)?;
    Some((number, number_of_digits(part, 2)?.try_into().ok()?))
}

/// The URI in the playlist, relative to it: `live/seg-00000042.ts`.
#[must_use]
pub fn segment_uri(number: u64) -> String {
    format!("{LIVE}/{}", segment_name(number))
}

/// The file.
#[must_use]
pub fn segment_path(webroot: &Path, number: u64) -> PathBuf {
    webroot.join(LIVE).join(segment_name(number))
}

/// The number in a name; `None` for names that are not ours.
#[must_use]
pub fn number_of_name(name: &str) -> Option<u64> {
    segment_number(without_ending(name)?.strip_prefix("seg-")?)
}

fn segment_number(digits: &str) -> Option<u64> {
    number_of_digits(digits, 8).filter(|number| (1..=LARGEST_NUMBER).contains(number))
}

/// The number that is written with at least so many digits. One number, one name: no more leading zeros than it takes.
fn number_of_digits(digits: &str, fewest: usize) -> Option<u64> {
    let is_written_so = digits.len() == fewest || (digits.len() > fewest && !digits.starts_with('0'));
    let is_number = is_written_so && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// Whether an encoder may mean this as a segment. Dot files are work in progress, and a part is none.
#[must_use]
pub fn looks_like_segment(name: &str) -> bool {
    is_media(name) && part_of_name(name).is_none()
}

/// The URI of any file in the live directory, relative to the playlist.
#[must_use]
pub fn uri_of_name(home: Home, name: &str) -> String {
    // RFC 3986 2.3: these stand for themselves everywhere.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if name.bytes().all(is_plain) {
        return [home.prefix(), name].concat();
    }
    let mut uri = home.prefix().to_owned();
    for byte in name.bytes() {
        if is_plain(byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// The file in the live directory that a URI names; `None` for all that lies elsewhere.
#[must_use]
pub fn name_of_uri(home: Home, uri: &str) -> Option<String> {
    let encoded = uri.strip_prefix(home.prefix())?;
    let is_name = |name: &str| is_media(name) && !name.contains('/');
    if !encoded.bytes().any(|byte| byte == b'%') {
        return is_name(encoded).then(|| encoded.to_owned());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|name| is_name(name))
}

/// The number in a URI of the playlist; `None` for URIs that are not ours.
#[must_use]
pub fn number_of_uri(uri: &str) -> Option<u64> {
    number_of_name(uri.strip_prefix(Home::Live.prefix()).unwrap_or(uri))
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
        assert_eq!(number_of_uri("seg-00000001.ts"), Some(1), "in the playlist of a rung");
        assert_eq!(number_of_uri("other/seg-00000001.ts"), None);
        assert_eq!(number_of_uri("live/../seg-00000001.ts"), None);
    }

    #[test]
    fn a_number_comes_back_from_its_name() {
        for number in [1, 42, 123_456_789_012, LARGEST_NUMBER] {
            check(&segment_name(number), Some(number));
        }
    }

    #[test]
    fn parts_are_told_from_segments() {
        for (name, expected) in [
            ("seg-00000042.p03.ts", Some((42, 3))),
            ("seg-00000042.p100.ts", Some((42, 100))),
            ("seg-00000042.p3.ts", None),
            ("seg-00000042.p+3.ts", None),
            ("seg-00000042.p.ts", None),
            ("seg-42.p03.ts", None),
            ("holiday.p03.ts", None),
        ] {
            assert_eq!(part_of_name(name), expected, "{name}");
            assert_eq!(looks_like_segment(name), expected.is_none(), "{name}");
            assert_eq!(number_of_name(name), None, "{name}");
        }
    }

    #[test]
    fn any_name_comes_back_from_its_uri() {
        for (name, uri) in [
            ("seg-00000001.ts", "live/seg-00000001.ts"),
            ("käse film #1?.ts", "live/k%C3%A4se%20film%20%231%3F.ts"),
            ("100%.ts", "live/100%25.ts"),
            ("two words.TS", "live/two%20words.TS"),
        ] {
            assert_eq!(uri_of_name(Home::Live, name), uri);
            assert_eq!(name_of_uri(Home::Live, uri).as_deref(), Some(name));
        }
    }

    #[test]
    fn uris_that_lead_elsewhere_have_no_name() {
        for uri in [
            "live/..%2Fa.ts",
            "live/../a.ts",
            "a.ts",
            "live/.a.ts",
            "live/%zz.ts",
            "live/%2",
            "live/a%00.ts",
            "live/line%0Abreak.TS",
            "live/a%5Cb.ts",
            "http://x/a.ts",
        ] {
            assert_eq!(name_of_uri(Home::Live, uri), None, "{uri}");
        }
    }
}
