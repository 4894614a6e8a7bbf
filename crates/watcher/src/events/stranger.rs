//! Strangers: what lies in a live directory and is not listed, though somebody may mean it to be. Pure.
//!
//! In: a name in the directory, and what it is the name of. Out: what it is and what to do, for one line in the log.

use livedir_layout::directory::EntryKind;
use livedir_layout::formats::{has_ending, is_unserved};

/// What is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stranger {
    /// A directory, such as ffmpeg makes with `-strftime_mkdir`.
    Directory,
    /// A file of another format.
    Format(&'static str),
    /// A file with a name that servers do not serve.
    UnservedName,
    /// A file with a name that is no UTF-8.
    NoText,
}

/// What it is that lies there; `None` of what is listed, of what is work in progress, and of all that nobody means as a segment.
/// `name`: `None` where it is no text.
pub(crate) fn stranger(name: Option<&str>, kind: EntryKind) -> Option<Stranger> {
    let Some(name) = name else { return (kind == EntryKind::File).then_some(Stranger::NoText) };
    if name.starts_with('.') {
        return None;
    }
    if kind == EntryKind::Directory {
        return Some(Stranger::Directory);
    }
    if has_ending(name) {
        return name.contains(is_unserved).then_some(Stranger::UnservedName);
    }
    let (_, ending) = name.rsplit_once('.')?;
    format(&ending.to_ascii_lowercase()).map(Stranger::Format)
}

/// What a file with this ending holds, if it can be a stream.
fn format(ending: &str) -> Option<&'static str> {
    Some(match ending {
        "mp4" | "m4v" | "mov" => "MP4",
        "m4s" | "cmfv" | "cmfa" => "fragmented MP4",
        "m2ts" | "mts" => "M2TS",
        "mkv" | "webm" => "Matroska",
        "flv" => "Flash video",
        "avi" => "AVI",
        "mpg" | "mpeg" => "an MPEG program stream",
        "aac" | "mp3" | "m4a" => "sound outside of MPEG-TS",
        _ => return None,
    })
}

impl Stranger {
    /// What it is, and what to do.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Directory => "directory not read: only files in the live directory itself are listed; let the encoder write there \
                (ffmpeg: leave -strftime_mkdir out)"
                .to_owned(),
            Self::Format(format) => format!(
                "file not listed: by its name it is {format}, and segments are MPEG-TS (.ts); let the encoder write MPEG-TS \
                 (ffmpeg: -f segment -segment_format mpegts), or stream a film with `livedir-publisher live FILE`"
            ),
            Self::UnservedName => "file not listed: its name has a control character or a backslash, and servers serve no such \
                name; give it another name"
                .to_owned(),
            Self::NoText => "file not listed: its name is no UTF-8, and no playlist can name it; give it another name".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, kind: EntryKind, expected: Option<Stranger>) {
        assert_eq!(stranger(Some(name), kind), expected, "{name:?}");
    }

    #[test]
    fn what_somebody_may_mean_as_a_segment_is_told_from_all_else() {
        use EntryKind::{Directory, File, Other};
        check("2026-11-28", Directory, Some(Stranger::Directory));
        check("g.ts", Directory, Some(Stranger::Directory));
        check(".tmp", Directory, None);
        check("film.mp4", File, Some(Stranger::Format("MP4")));
        check("FILM.MP4", Other, Some(Stranger::Format("MP4")));
        check("00001.m2ts", File, Some(Stranger::Format("M2TS")));
        check(".film.mp4", File, None);
        check("a\nb.ts", File, Some(Stranger::UnservedName));
        check("a\\b.TS", File, Some(Stranger::UnservedName));
        for name in ["a.ts", "a b.ts", "list.m3u8", "a.ts.tmp", "notes.txt", "README"] {
            check(name, File, None);
        }
        assert_eq!(stranger(None, File), Some(Stranger::NoText));
        assert_eq!(stranger(None, Other), None);
    }
}
