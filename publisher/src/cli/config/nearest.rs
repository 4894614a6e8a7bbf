//! Nearest: the name that was meant by one that is misspelt. Pure.

use std::cmp::Reverse;

/// Of so many letters one may be wrong.
const LETTERS_FOR_EACH_MISTAKE: usize = 4;

/// The one of `known` that is the fewest mistakes away, if these are few: a letter that is too much, missing or another, or two
/// that have changed places.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('_', "-");
    let typed = plain(typed);
    let ranked = known.into_iter().filter_map(|name| {
        let meant = plain(name);
        let mistakes = strsim::osa_distance(&typed, &meant);
        let length = typed.chars().count().max(meant.chars().count());
        let likeness = (strsim::jaro_winkler(&typed, &meant) * 1e6) as u32;
        (mistakes <= length.div_ceil(LETTERS_FOR_EACH_MISTAKE)).then_some((mistakes, Reverse(likeness), name))
    });
    ranked.min().map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<&str>) {
        let known = [
            "bitrate",
            "audio-bitrate",
            "fast",
            "fps",
            "mic",
            "mirror",
            "segment-duration",
            "size",
            "window",
        ];
        assert_eq!(nearest(typed, known), expected, "{typed}");
    }

    #[test]
    fn the_name_with_the_fewest_mistakes_is_meant() {
        check("fsp", Some("fps"));
        check("fp", Some("fps"));
        check("fsat", Some("fast"));
        check("szie", Some("size"));
        check("bitrat", Some("bitrate"));
        check("BITRATE", Some("bitrate"));
        check("segment_duration", Some("segment-duration"));
        check("seg-duration", Some("segment-duration"));
        check("audio-rate", Some("audio-bitrate"));
        check("mci", Some("mic"));
    }

    #[test]
    fn what_is_like_nothing_is_not_guessed() {
        for typed in ["zzz", "", "x", "colour", "resolution"] {
            check(typed, None);
        }
    }
}
