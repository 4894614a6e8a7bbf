//! Files beside the segments that are replaced as a whole: the playlist, and `status.json`.
//!
//! In: bytes. Out: the file under its name, old or new, never in between. Runs on the watcher's thread.

use crate::directory::{Contents, Directory};
use livedir_playlist::{Listing, MediaPlaylist, ParseError, parse, read_listing};
use std::{
    io::{self, Read as _},
    path::Path,
    time::SystemTime,
};

/// The playlist, under webroot.
pub const PLAYLIST: &str = "stream.m3u8";
/// What people and monitors read, under webroot.
pub const STATUS: &str = "status.json";
/// The playlist with the parts at the live edge, under webroot.
pub const LOW_LATENCY_PLAYLIST: &str = "ll.m3u8";
/// Where a playlist goes that cannot be read back.
pub const BAD_PLAYLIST: &str = "stream.m3u8.bad";

/// A day of 1 s segments takes 10 MB.
pub const LONGEST_PLAYLIST_BYTES: u64 = 64 << 20;

/// Puts `bytes` in the place of `webroot/name`, at once for every reader.
pub fn replace(directory: &dyn Directory, webroot: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    // Other users read it (nginx), so 0600, which is usual for temporary files, will not do. The umask still applies.
    directory.put(webroot, name, &Contents { bytes, modified_at: None, mode: 0o666 })
}

/// How the temporary names of `name` begin.
#[must_use]
pub fn left_over_prefix(name: &str) -> String {
    format!(".{name}.")
}

/// What stands on disk when the program starts.
#[derive(Debug)]
pub enum OnDisk {
    /// No playlist.
    Missing,
    /// A playlist.
    Playlist {
        /// What it says.
        playlist: MediaPlaylist,
        /// When it was put there.
        written_at: SystemTime,
    },
    /// A file that is no playlist that can be gone on with.
    Unreadable {
        /// What is wrong with it.
        problem: String,
        /// As much of it as can be read.
        text: String,
        /// When it was put there, if that is known: what came later is listed nowhere.
        written_at: Option<SystemTime>,
    },
}

/// Reads the playlist back. Where it is not there, the low-latency playlist has the same segments.
pub fn read(directory: &dyn Directory, webroot: &Path) -> io::Result<OnDisk> {
    match read_alone(directory, webroot, PLAYLIST)? {
        OnDisk::Missing => Ok(match read_alone(directory, webroot, LOW_LATENCY_PLAYLIST) {
            Ok(OnDisk::Playlist { playlist, written_at }) => OnDisk::Playlist { playlist, written_at },
            _ => OnDisk::Missing,
        }),
        OnDisk::Unreadable { problem, mut text, written_at } => {
            // The other list tells the numbers, too.
            if let Ok(file) = directory.open(&webroot.join(LOW_LATENCY_PLAYLIST)) {
                let mut bytes = Vec::new();
                let _ = file.bytes.take(LONGEST_PLAYLIST_BYTES).read_to_end(&mut bytes);
                text.push('\n');
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            Ok(OnDisk::Unreadable { problem, text, written_at })
        }
        on_disk @ OnDisk::Playlist { .. } => Ok(on_disk),
    }
}

fn read_alone(directory: &dyn Directory, webroot: &Path, name: &str) -> io::Result<OnDisk> {
    let file = match directory.open(&webroot.join(name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(OnDisk::Missing),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            return Ok(OnDisk::Unreadable {
                problem: "it is no regular file".to_owned(),
                text: String::new(),
                written_at: directory.stamp(&webroot.join(name)).ok().map(|stamp| stamp.modified_at),
            });
        }
        Err(error) => return Err(error),
    };
    let written_at = file.stamp.modified_at;
    let mut bytes = Vec::new();
    file.bytes.take(LONGEST_PLAYLIST_BYTES).read_to_end(&mut bytes)?;
    // What stands behind the last end of a line was cut: a name may be the beginning of another one.
    bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    let text = String::from_utf8_lossy(&bytes);
    // Of a run with a ladder, which has its numbers elsewhere.
    if matches!(read_listing(&text), Listing::Multivariant(_)) {
        return Ok(OnDisk::Missing);
    }
    // Ours always say so: the tag that is missing was cut off.
    if !text.contains("\n#EXT-X-MEDIA-SEQUENCE:") && !text.is_empty() {
        let problem = "it has no EXT-X-MEDIA-SEQUENCE".to_owned();
        return Ok(OnDisk::Unreadable { problem, text: text.into_owned(), written_at: Some(written_at) });
    }
    Ok(match parse(&text).map_err(|problem| ParseError::to_string(&problem)).and_then(plausible) {
        Ok(playlist) => OnDisk::Playlist { playlist, written_at },
        Err(problem) => OnDisk::Unreadable { problem, text: text.into_owned(), written_at: Some(written_at) },
    })
}

/// One segment each second takes 30,000 years to come to this number. A damaged digit must not use up the numbers.
pub const PLAUSIBLE_NUMBER: u64 = 1_000_000_000_000;

/// No encoder makes segments of more than an hour, and nobody waits so long for one.
pub const PLAUSIBLE_TARGET_S: u32 = 3_600;

/// A playlist that can be gone on with for as long as a stream may live, or what is wrong with it.
fn plausible(playlist: MediaPlaylist) -> Result<MediaPlaylist, String> {
    let numbers = [playlist.media_sequence, playlist.discontinuity_sequence];
    if let Some(number) = numbers.into_iter().find(|&number| number > PLAUSIBLE_NUMBER) {
        return Err(format!("its number {number} is over {PLAUSIBLE_NUMBER}"));
    }
    if playlist.target_duration_s > PLAUSIBLE_TARGET_S {
        let target_s = playlist.target_duration_s;
        return Err(format!("its target duration of {target_s} s is over {PLAUSIBLE_TARGET_S} s"));
    }
    Ok(playlist)
}

/// Moves a playlist that cannot be read out of the way, for people to look at.
pub fn set_aside(directory: &dyn Directory, webroot: &Path) -> io::Result<()> {
    directory.rename(&webroot.join(PLAYLIST), &webroot.join(BAD_PLAYLIST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::disk::Disk;
    use std::fs;

    fn disk() -> Disk {
        Disk::without_events()
    }

    fn names(webroot: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(webroot)
            .expect("webroot")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replacing_leaves_one_file_that_others_can_read() {
        let webroot = tempfile::tempdir().expect("temp dir");
        replace(&disk(), webroot.path(), PLAYLIST, b"old and long").expect("written");
        replace(&disk(), webroot.path(), PLAYLIST, b"new").expect("written");
        assert_eq!(fs::read(webroot.path().join(PLAYLIST)).expect("read"), b"new");
        assert_eq!(names(webroot.path()), [PLAYLIST]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(webroot.path().join(PLAYLIST)).expect("metadata").permissions().mode();
            // What a plain file gets here is the umask's choice.
            fs::write(webroot.path().join("plain"), b"").expect("written");
            let plain = fs::metadata(webroot.path().join("plain")).expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, plain & 0o777);
        }
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_file_and_no_rest() {
        let webroot = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(webroot.path().join(PLAYLIST).join("in-the-way")).expect("made");
        replace(&disk(), webroot.path(), PLAYLIST, b"new").expect_err("a directory is in the way");
        assert_eq!(names(webroot.path()), [PLAYLIST]);
    }

    #[test]
    fn a_line_that_was_cut_is_not_read() {
        let webroot = tempfile::tempdir().expect("temp dir");
        let whole =
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\nlive/seg-00000001.ts\n";
        let cut = format!("{whole}#EXTINF:2,\nlive/seg-0000");
        fs::write(webroot.path().join(PLAYLIST), cut).expect("written");
        let Ok(OnDisk::Unreadable { text, .. }) = read(&disk(), webroot.path()) else { panic!("it is cut") };
        assert!(text.ends_with("#EXTINF:2,\n"), "{text}");
    }

    #[test]
    fn where_the_playlist_is_missing_the_low_latency_playlist_tells_what_was_listed() {
        let webroot = tempfile::tempdir().expect("temp dir");
        let text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
            #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6\n#EXT-X-PART-INF:PART-TARGET=0.2\n\
            #EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXTINF:2,\nlive/seg-00000012.ts\n\
            #EXT-X-PART:DURATION=0.2,INDEPENDENT=YES,URI=\"live/seg-00000013.p00.ts\"\n\
            #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"live/seg-00000013.p01.ts\"\n";
        fs::write(webroot.path().join(LOW_LATENCY_PLAYLIST), text).expect("written");
        let Ok(OnDisk::Playlist { playlist, .. }) = read(&disk(), webroot.path()) else {
            panic!("a playlist")
        };
        assert_eq!((playlist.media_sequence, playlist.discontinuity_sequence), (7, 3));
        assert_eq!(playlist.segments.len(), 1);
    }

    #[test]
    fn what_stands_on_disk_is_told_apart() {
        let webroot = tempfile::tempdir().expect("temp dir");
        assert!(matches!(read(&disk(), webroot.path()), Ok(OnDisk::Missing)));
        fs::write(webroot.path().join(PLAYLIST), b"\xff\xfe").expect("written");
        assert!(matches!(read(&disk(), webroot.path()), Ok(OnDisk::Unreadable { .. })));
        set_aside(&disk(), webroot.path()).expect("set aside");
        assert_eq!(names(webroot.path()), [BAD_PLAYLIST]);
        fs::write(webroot.path().join(PLAYLIST), "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n")
            .expect("written");
        assert!(matches!(read(&disk(), webroot.path()), Ok(OnDisk::Missing)));
        let text =
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\nlive/seg-00000001.ts\n";
        fs::write(webroot.path().join(PLAYLIST), text).expect("written");
        let Ok(OnDisk::Playlist { playlist, .. }) = read(&disk(), webroot.path()) else {
            panic!("a playlist")
        };
        assert_eq!(playlist.segments.len(), 1);
    }
}
