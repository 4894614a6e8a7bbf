//! Tags by themselves, in playlists of both kinds: their values, their attributes, how often they stand there.

use std::collections::HashSet;

use crate::rules::finding::{Findings, excerpt};
use crate::rules::rule::{Rule, must};
use livedir_playlist::Tag;
use livedir_playlist::tag_values::{
    Pairs, byterange, date, decimal, extinf_s, is_of_a_multivariant_playlist, whole_number,
};

pub(crate) static BAD_VALUE: Rule =
    must("bad-value", "RFC 8216 4.3", "The value of a tag is of the form that the tag has.");
pub(crate) static TAG_REPEATED: Rule =
    must("tag-repeated", "RFC 8216 4.3.3", "A tag that is about the whole playlist stands there once.");
pub(crate) static TAGS_MIXED: Rule = must(
    "tags-mixed",
    "RFC 8216 4.3.4",
    "A playlist lists segments or lists playlists, and has no tags of the other kind.",
);
pub(crate) static ATTRIBUTE_MISSING: Rule =
    must("attribute-missing", "RFC 8216 4.3", "A tag has the attributes that are required for it.");
pub(crate) static ATTRIBUTE_REPEATED: Rule =
    must("attribute-repeated", "RFC 8216 4.2", "An attribute list has each name once.");

/// Up to so many names are compared each with each: sooner done than a set is made, and lists of one's own have no more.
const FEW: usize = 16;

pub(crate) fn check(findings: &mut Findings<'_>, tags: &[Tag]) {
    // There are few such tags, however long the text is.
    let mut first_lines: Vec<(&str, usize)> = Vec::new();
    let mut pairs = Vec::new();
    for tag in tags {
        if let Some(expected) = expected_instead(tag) {
            let seen = format!("{} is {:?}", tag.name, excerpt(&tag.value));
            findings.line(&BAD_VALUE, tag.line, seen, expected);
        }
        if is_about_the_whole_playlist(&tag.name) {
            match first_lines.iter().find(|(name, _)| *name == tag.name) {
                None => first_lines.push((&tag.name, tag.line)),
                Some((_, first_line)) => {
                    let seen = format!("{} again, after line {first_line}", tag.name);
                    findings.line(&TAG_REPEATED, tag.line, seen, "it once");
                }
            }
        }
        let required = required_attributes(&tag.name);
        if !required.is_empty() || tag.name == "EXT-X-SERVER-CONTROL" {
            check_attributes(findings, tag, required, &mut pairs);
        }
    }
}

pub(crate) fn check_not_mixed(findings: &mut Findings<'_>, tags: &[Tag]) {
    if let Some(tag) = tags.iter().find(|tag| is_of_a_multivariant_playlist(&tag.name)) {
        let seen = format!("{} in a media playlist", tag.name);
        findings.line(&TAGS_MIXED, tag.line, seen, "it in a playlist of its own");
    }
}

/// `pairs` is what this uses for each tag in turn.
fn check_attributes<'a>(
    findings: &mut Findings<'_>,
    tag: &'a Tag,
    required: &[&'static str],
    pairs: &mut Vec<(&'a str, &'a str)>,
) {
    let mut attributes = Pairs::of(&tag.value);
    pairs.clear();
    pairs.extend(attributes.by_ref());
    if !attributes.is_well_formed() {
        let seen = format!("{} is {:?}", tag.name, excerpt(&tag.value));
        findings.line(&BAD_VALUE, tag.line, seen, "NAME=value,NAME=\"value\"");
        return;
    }
    if let Some(name) = repeated_name(pairs) {
        let seen = format!("{} has {} twice", tag.name, excerpt(name));
        findings.line(&ATTRIBUTE_REPEATED, tag.line, seen, "it once");
    }
    let get = |name: &str| pairs.iter().find(|&&(it, _)| it == name).map(|&(_, value)| value);
    let needs_uri = tag.name == "EXT-X-KEY" && get("METHOD") != Some("NONE");
    let required = required.iter().copied().chain(needs_uri.then_some("URI"));
    for name in required.filter(|name| get(name).is_none()) {
        findings.line(&ATTRIBUTE_MISSING, tag.line, format!("{} without {name}", tag.name), "it there");
    }
    for &(name, value) in &*pairs {
        if let Some(expected) = expected_of_attribute(name, value) {
            let seen = format!("{} has {} {:?}", tag.name, excerpt(name), excerpt(value));
            findings.line(&BAD_VALUE, tag.line, seen, expected);
        }
    }
}

/// What the value should be, if it is something else.
fn expected_instead(tag: &Tag) -> Option<&'static str> {
    let value = tag.value.as_str();
    let (is_lawful, expected) = match tag.name.as_str() {
        "EXT-X-VERSION" => (whole_number(value).is_some_and(|it| it > 0), "a whole number, at least 1"),
        "EXT-X-TARGETDURATION" => {
            (whole_number(value).is_some_and(|it| it > 0), "a whole number of seconds, at least 1")
        }
        "EXT-X-MEDIA-SEQUENCE" | "EXT-X-DISCONTINUITY-SEQUENCE" => {
            (whole_number(value).is_some(), "a whole number below 2^64")
        }
        "EXTINF" => (extinf_s(value).is_some(), "a number of seconds such as 2.000000"),
        "EXT-X-PROGRAM-DATE-TIME" => (date(value).is_some(), "a date such as 2026-03-01T12:00:00.000Z"),
        "EXT-X-BYTERANGE" => (byterange(value).is_some(), "bytes, and perhaps @ and the first of them"),
        "EXT-X-PLAYLIST-TYPE" => (matches!(value, "EVENT" | "VOD"), "EVENT or VOD"),
        _ => return None,
    };
    (!is_lawful).then_some(expected)
}

fn expected_of_attribute(name: &str, value: &str) -> Option<&'static str> {
    let (is_lawful, expected) = match name {
        "BANDWIDTH" | "AVERAGE-BANDWIDTH" => {
            (whole_number(value).is_some(), "a whole number of bits a second")
        }
        "RESOLUTION" => {
            let sides = value.split_once('x');
            let is_lawful = sides.is_some_and(|(width, height)| {
                whole_number(width).is_some() && whole_number(height).is_some()
            });
            (is_lawful, "pixels such as 640x480")
        }
        "FRAME-RATE" => (decimal(value).is_some(), "a number such as 25.000"),
        "DURATION" | "PLANNED-DURATION" | "PART-TARGET" | "HOLD-BACK" | "PART-HOLD-BACK"
        | "CAN-SKIP-UNTIL" => (decimal(value).is_some(), "a number of seconds such as 0.200"),
        "SKIPPED-SEGMENTS" | "LAST-MSN" | "LAST-PART" | "BYTERANGE-START" | "BYTERANGE-LENGTH" => {
            (whole_number(value).is_some(), "a whole number")
        }
        // bis-22 4.4.4.9: what is not YES is not there at all.
        "INDEPENDENT" | "GAP" => (value == "YES", "YES, or nothing"),
        "TIME-OFFSET" => (decimal(value.strip_prefix('-').unwrap_or(value)).is_some(), "a number of seconds"),
        "START-DATE" | "END-DATE" => (date(value).is_some(), "a date such as 2026-03-01T12:00:00.000Z"),
        _ => return None,
    };
    (!is_lawful).then_some(expected)
}

/// RFC 8216 4.3.1.2, 4.3.3, 4.3.5; EXTM3U a second time is a playlist behind a playlist.
fn is_about_the_whole_playlist(name: &str) -> bool {
    matches!(
        name,
        "EXTM3U"
            | "EXT-X-VERSION"
            | "EXT-X-TARGETDURATION"
            | "EXT-X-MEDIA-SEQUENCE"
            | "EXT-X-DISCONTINUITY-SEQUENCE"
            | "EXT-X-ENDLIST"
            | "EXT-X-PLAYLIST-TYPE"
            | "EXT-X-I-FRAMES-ONLY"
            | "EXT-X-INDEPENDENT-SEGMENTS"
            | "EXT-X-START"
            | "EXT-X-PART-INF"
            | "EXT-X-SERVER-CONTROL"
    )
}

/// RFC 8216 4.3.2.4, 4.3.2.5, 4.3.2.7, 4.3.4.1 to 4.3.4.4, 4.3.5.2; bis-22 4.4.3.7, 4.4.4.9, 4.4.5.2 to 4.4.5.4.
fn required_attributes(name: &str) -> &'static [&'static str] {
    match name {
        "EXT-X-KEY" | "EXT-X-SESSION-KEY" => &["METHOD"],
        "EXT-X-MAP" | "EXT-X-RENDITION-REPORT" => &["URI"],
        "EXT-X-DATERANGE" => &["ID", "START-DATE"],
        "EXT-X-MEDIA" => &["TYPE", "GROUP-ID", "NAME"],
        "EXT-X-STREAM-INF" => &["BANDWIDTH"],
        "EXT-X-I-FRAME-STREAM-INF" => &["BANDWIDTH", "URI"],
        "EXT-X-SESSION-DATA" => &["DATA-ID"],
        "EXT-X-START" => &["TIME-OFFSET"],
        "EXT-X-PART-INF" => &["PART-TARGET"],
        "EXT-X-PART" => &["URI", "DURATION"],
        "EXT-X-PRELOAD-HINT" => &["TYPE", "URI"],
        "EXT-X-SKIP" => &["SKIPPED-SEGMENTS"],
        _ => &[],
    }
}

/// A name that stands there more than once.
fn repeated_name<'a>(pairs: &[(&'a str, &'a str)]) -> Option<&'a str> {
    let names = || pairs.iter().map(|&(name, _)| name);
    if pairs.len() <= FEW {
        return names()
            .enumerate()
            .find(|&(at, name)| names().take(at).any(|it| it == name))
            .map(|(_, name)| name);
    }
    let mut seen = HashSet::new();
    names().find(|&name| !seen.insert(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_twice_is_known() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(repeated_name(&Pairs::of(text).collect::<Vec<_>>()), expected, "{text:?}");
        }
        check("A=1,B=2,A=1", Some("A"));
        check("A=1,B=2", None);
        let names: Vec<_> = (0..20).map(|number| format!("A{number}=1")).collect();
        let many = |last: &str| format!("{},{last}", names.join(","));
        check(&many("A3=1"), Some("A3"));
        check(&many("B=1"), None);
    }
}
