//! Colours: what the source shows is what the viewer sees, in every size of the stream, whatever numbers the source uses.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::media;
use crate::support::programs::LiveStream;

/// Red, green and blue of the film. BT.601 and BT.709 take each other's for something clearly different.
const SHOWN: [u8; 3] = [0x40, 0xc0, 0x20];

/// A film of that one colour, its picture made by `scale` and declared by `words`.
#[track_caller]
fn film(directory: &Path, name: &str, size: &str, scale: &str, words: &[&str]) -> PathBuf {
    let film = directory.join(name);
    let source = format!("color=c=0x40c020:size={size}:rate=20:duration=4,format=rgb24,scale={scale}");
    media::run(
        Command::new("ffmpeg").args(["-v", "error", "-f", "lavfi", "-i", &source]).args(words).arg(&film),
    );
    film
}

/// Red, green and blue of the corner of a segment's first picture, for a player that obeys what the segment declares.
#[track_caller]
pub fn seen(segment: &Path) -> [u8; 3] {
    let words = ["-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
    let bytes = media::run(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(segment).args(words));
    *bytes.first_chunk().expect("a pixel")
}

/// What a segment declares: matrix, transfer, primaries and range.
#[track_caller]
pub fn declared(segment: &Path) -> String {
    let words = ["-v", "error", "-select_streams", "v", "-of", "csv=p=0", "-show_entries"];
    let what = "stream=color_range,color_space,color_transfer,color_primaries";
    let lines = media::run(Command::new("ffprobe").args(words).arg(what).arg(segment));
    String::from_utf8(lines).expect("text").lines().next().unwrap_or_default().to_owned()
}

/// Whether two colours are one to the eye.
pub fn is_near(one: [u8; 3], other: [u8; 3]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= 6)
}

#[track_caller]
fn check(name: &str, size: &str, scale: &str, words: &[&str], expected: &str) {
    let directory = tempfile::tempdir().unwrap();
    let film = film(directory.path(), name, size, scale, words);
    let webroot = directory.path().join("webroot");
    let ladder = ["--ladder", "320x180@300k,160x90@100k", "--segment-duration", "1s"];
    let words: Vec<&str> = [&[film.to_str().unwrap()], &ladder[..]].concat();
    let mut live = LiveStream::start(&webroot, &words);
    assert!(live.publisher.wait().success(), "{}", live.publisher.output());
    for rung in ["180p", "90p"] {
        let segment = webroot.join(format!("live/{rung}/seg-00000001.ts"));
        assert_eq!(declared(&segment), expected, "{name}, {rung}");
        let found = seen(&segment);
        assert!(is_near(found, SHOWN), "{name}, {rung}: {found:?} instead of {SHOWN:?}");
    }
}

#[test]
fn a_film_keeps_its_colours_and_says_what_its_numbers_mean() {
    let tagged = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"];
    let (hd, webcam) = ("tv,bt709,bt709,bt709", "tv,smpte170m,bt709,bt709");
    check("tagged.mp4", "320x180", "out_color_matrix=bt709,format=yuv420p", &tagged, hd);
    check("untagged-small.mp4", "320x180", "out_color_matrix=bt601,format=yuv420p", &[], webcam);
    check("untagged-large.mp4", "1280x720", "out_color_matrix=bt709,format=yuv420p", &[], hd);
    let full = "out_color_matrix=bt601:out_range=pc,format=yuvj422p";
    check("full-range.avi", "320x180", full, &["-c:v", "mjpeg", "-q:v", "2"], "tv,bt470bg,bt709,bt709");
    check("rgb.avi", "320x180", "flags=neighbor,format=bgr24", &["-c:v", "rawvideo"], webcam);
}
