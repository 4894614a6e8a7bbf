//! Formats: what files of media are called, and which type a server gives them.
//!
//! In: the ending of a name. Out: whether it is that of media, and its types.

/// The ending of the segments and parts that livedir writes and watches.
pub const ENDING: &str = "ts";

/// The types of a file of media by the ending of its name: first the one that it is served with, then those that are as good.
/// RFC 8216 3 lists the formats. `None`: it is no media.
#[must_use]
pub fn media_types(ending: &str) -> Option<&'static [&'static str]> {
    match ending {
        // RFC 8216 3.2, by the type that is registered for it.
        "ts" => Some(&["video/mp2t"]),
        // RFC 8216 3.3.
        "m4s" => Some(&["video/iso.segment", "video/mp4", "audio/mp4"]),
        "mp4" => Some(&["video/mp4", "audio/mp4", "application/mp4"]),
        // RFC 8216 3.4.
        "aac" => Some(&["audio/aac"]),
        // RFC 8216 3.5.
        "vtt" => Some(&["text/vtt", "text/plain"]),
        _ => None,
    }
}

/// The name without the ending of livedir's files; `None` where it has another one.
#[must_use]
pub fn without_ending(name: &str) -> Option<&str> {
    name.strip_suffix(ENDING)?.strip_suffix('.')
}

/// Whether this is the name of a segment or of a part, of any encoder. Dot files are work in progress, and what servers do not serve is
/// nothing for players.
#[must_use]
pub fn is_media(name: &str) -> bool {
    has_ending(name) && !name.starts_with('.') && !name.contains(is_unserved)
}

/// Whether the name ends as those of livedir's files do, in capitals or not.
#[must_use]
pub fn has_ending(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case(ENDING))
}

/// Whether the servers serve no path with this character in it: a line of their log would be two, or a path another one.
#[must_use]
pub fn is_unserved(character: char) -> bool {
    character == '\\' || character.is_control()
}

/// Whether this is a dot name in which a segment may be in the making.
#[must_use]
pub fn is_unfinished_media(name: &str) -> bool {
    name.starts_with('.') && name.split('.').skip(1).any(|ending| ending.starts_with(ENDING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, is_finished: bool, is_unfinished: bool) {
        assert_eq!((is_media(name), is_unfinished_media(name)), (is_finished, is_unfinished), "{name}");
    }

    #[test]
    fn names_of_media_end_in_ts_and_do_not_begin_with_a_dot() {
        check("a.ts", true, false);
        check("A.TS", true, false);
        check("a.ts.tmp", false, false);
        check("a", false, false);
        check("käse #1?.ts", true, false);
        check("line\nbreak.ts", false, false);
        check("back\\slash.ts", false, false);
        check("\u{9b}31m.ts", false, false);
        check(".a.ts", false, true);
        check(".a.ts.tmp", false, true);
        check(".a.tmp", false, false);
    }

    #[test]
    fn what_livedir_writes_has_a_type() {
        assert_eq!(media_types(ENDING), Some(&["video/mp2t"][..]));
        assert_eq!((without_ending("a.b.ts"), without_ending("ats")), (Some("a.b"), None));
    }
}
