//! What only the bytes of a segment tell: files that the ffmpeg program made break these rules, and whole ones do not.

use std::fs;
use std::path::Path;

use crate::input::media::{PICTURES, SOUND, made};
use crate::support::check::check;

/// Pictures of so many seconds with sound of so many, in one segment of a playlist.
fn segment(name: &str, pictures: &str, seconds: &str, sound_seconds: &str) -> Vec<u8> {
    let inputs =
        ["-f", "lavfi", "-t", seconds, "-i", pictures, "-f", "lavfi", "-t", sound_seconds, "-i", SOUND];
    let coding =
        ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    fs::read(made(name, &[&inputs[..], &coding].concat())).expect("a segment")
}

#[track_caller]
fn broken(webroot: &Path, bytes: &[u8]) -> Vec<String> {
    fs::write(webroot.join("segment.ts"), bytes).expect("room");
    let text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:2.000000,\nsegment.ts\n#EXT-X-ENDLIST\n";
    fs::write(webroot.join("stream.m3u8"), text).expect("room");
    let checked = check(&[webroot.join("stream.m3u8")]);
    let ours = |rule: &&str| ["sound-length-off", "size-change-inside"].contains(rule);
    checked.rules().into_iter().filter(ours).map(str::to_owned).collect()
}

#[test]
fn sound_that_is_far_too_long_and_pictures_that_change_their_size_are_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let small = "testsrc2=size=96x72:rate=25";
    let joined = [segment("one.ts", PICTURES, "1", "1"), segment("two.ts", small, "1", "1")].concat();
    for (bytes, expected) in [
        (segment("whole.ts", PICTURES, "2", "2"), &[][..]),
        (segment("longer.ts", PICTURES, "2", "3.5"), &[]),
        (segment("long.ts", PICTURES, "2", "5"), &["sound-length-off"]),
        (joined, &["size-change-inside"]),
    ] {
        assert_eq!(broken(directory.path(), &bytes), expected);
    }
}
