//! Whether the stream lives: the playlists and their age in, a verdict in one line out. Pure, but for [`check_webroot`], which reads
//! the files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use livedir_layout::files::{LOW_LATENCY_PLAYLIST, PLAYLIST};
use livedir_playlist::{Listing, read_listing};

use crate::http::paths;

/// A playlist of a day's window is smaller.
const LARGEST_PLAYLIST_BYTES: u64 = 4 << 20;

/// Without a target duration to go by: what RFC 8216 players assume at worst, Apple's usual six seconds.
const USUAL_TARGET_S: u64 = 6;

/// RFC 8216 6.2.1: a new playlist comes within 1.5 target durations. Three of them are two that never came.
pub(crate) const TARGETS: u64 = 3;

/// What there is to say about the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) is_well: bool,
    /// One line.
    pub(crate) why: String,
    /// Three target durations.
    pub(crate) patience_s: u64,
}

/// Looks at `stream.m3u8` in `webroot`, and at `ll.m3u8` where there is one: it must not stand still while the other goes on.
pub(crate) fn check_webroot(webroot: &Path) -> Health {
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match read(webroot, PLAYLIST) {
        Ok((text, age)) => {
            let stream = judge(PLAYLIST, &text, age);
            if !stream.is_well || has_ended(&text) {
                return stream;
            }
            match read(webroot, LOW_LATENCY_PLAYLIST) {
                Ok((text, age)) => {
                    Some(judge(LOW_LATENCY_PLAYLIST, &text, age)).filter(|it| !it.is_well).unwrap_or(stream)
                }
                Err(error) if is_missing(&error) => stream,
                Err(error) => unwell(format!("{LOW_LATENCY_PLAYLIST} cannot be read: {error}")),
            }
        }
        Err(error) if is_missing(&error) => unwell(format!("{PLAYLIST} does not exist; start a publisher")),
        Err(error) => unwell(format!("{PLAYLIST} cannot be read: {error}")),
    }
}

/// The text of a playlist, and how long ago it was written. Of a multivariant playlist, which is written seldom, that of
/// its first variant.
fn read(webroot: &Path, name: &str) -> io::Result<(String, Duration)> {
    let (text, age) = read_file(&webroot.join(name))?;
    let Listing::Multivariant(listing) = read_listing(&text) else { return Ok((text, age)) };
    let first = listing.variants.into_iter().find_map(|variant| variant.uri);
    let first = first.as_deref().and_then(paths::resolve_plain);
    first.map_or(Ok((text, age)), |first| read_file(&webroot.join(first.path)))
}

fn read_file(path: &Path) -> io::Result<(String, Duration)> {
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_PLAYLIST_BYTES).read_to_end(&mut bytes)?;
    // A time in the future is a clock that was set back; the playlist is new then.
    let age = SystemTime::now().duration_since(metadata.modified()?).unwrap_or_default();
    Ok((String::from_utf8_lossy(&bytes).into_owned(), age))
}

fn unwell(why: String) -> Health {
    Health { is_well: false, why, patience_s: TARGETS * USUAL_TARGET_S }
}

fn has_ended(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == "#EXT-X-ENDLIST")
}

/// Judges a playlist that was written `age` ago.
fn judge(name: &str, text: &str, age: Duration) -> Health {
    let target_s = text
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-TARGETDURATION:")?.trim().parse().ok())
        .filter(|target_s| (1..=3600).contains(target_s))
        .unwrap_or(USUAL_TARGET_S);
    let patience_s = TARGETS * target_s;
    let age_s = age.as_secs_f64();
    let (is_well, why) = if !text.starts_with("#EXTM3U") {
        (false, format!("{name} is no playlist"))
    } else if has_ended(text) {
        (true, "the stream has ended".to_owned())
    } else if age > Duration::from_secs(patience_s) {
        (
            false,
            format!(
                "{name} is {age_s:.1} s old, over three target durations of {target_s} s; check the publisher"
            ),
        )
    } else {
        (true, format!("{name} is {age_s:.1} s old"))
    };
    Health { is_well, why, patience_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, age_s: f64, expected: (bool, &str, u64)) {
        let health = judge("stream.m3u8", text, Duration::from_secs_f64(age_s));
        assert_eq!((health.is_well, health.why.as_str(), health.patience_s), expected, "{text:?}");
    }

    #[test]
    fn a_stream_is_well_for_three_target_durations_after_each_playlist() {
        let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";
        check(playlist, 0.5, (true, "stream.m3u8 is 0.5 s old", 6));
        check(playlist, 6.0, (true, "stream.m3u8 is 6.0 s old", 6));
        let old = "stream.m3u8 is 6.1 s old, over three target durations of 2 s; check the publisher";
        check(playlist, 6.1, (false, old, 6));
        check("#EXTM3U\n", 18.0, (true, "stream.m3u8 is 18.0 s old", 18));
    }

    #[test]
    fn a_stream_that_has_ended_is_well_for_ever() {
        let ended = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n";
        check(ended, 1e6, (true, "the stream has ended", 6));
    }

    #[test]
    fn of_several_sizes_the_first_is_looked_at() {
        let webroot = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = webroot.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("stream.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive/720p/stream.m3u8\n");
        assert!(check_webroot(webroot.path()).why.contains("does not exist"));
        write("live/720p/stream.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n");
        assert_eq!(check_webroot(webroot.path()).why, "the stream has ended");
        write("stream.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n../../etc/passwd\n");
        assert!(!check_webroot(webroot.path()).why.contains("ended"));
    }

    #[test]
    fn what_is_no_playlist_is_not_well() {
        check("", 0.0, (false, "stream.m3u8 is no playlist", 18));
        check("<html>", 0.0, (false, "stream.m3u8 is no playlist", 18));
        check(
            "#EXTM3U\n#EXT-X-TARGETDURATION:99999999999999999999\n",
            0.0,
            (true, "stream.m3u8 is 0.0 s old", 18),
        );
        let nowhere = check_webroot(Path::new("/no-such-directory"));
        assert!(!nowhere.is_well && nowhere.why.contains("start a publisher"), "{nowhere:?}");
    }
}
