//! Pictures that stand still for longer than a jump of timestamps is taken to be, and those that come once in some seconds.

use super::{H264, Shown, film, picture, sound};
use crate::input::pushed::{Listening, free_udp_port};
use crate::support::media::run;
use std::path::Path;
use std::process::Command;

/// A film of 22 s whose picture stands still from 4.5 s to 17.5 s.
fn still(name: &str) -> std::path::PathBuf {
    let picture = format!("{},select='not(between(t,4.5,17.5))'", picture("25", 22));
    film(name, &picture, &sound(22), &[&["-vsync", "vfr"][..], &H264, &["-c:a", "aac"]].concat())
}

/// Flashes at 1 to 4 and 18 to 21 s, each with a beep.
const FLASHES: usize = 8;

/// The longest time between two flashes.
fn longest_s(shown: &Shown) -> f64 {
    shown.flashes.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

#[test]
fn a_picture_that_stands_still_in_a_film_stays_with_the_sound() {
    for name in ["still.mkv", "still.ts", "still.mp4"] {
        let shown = Shown::of(&still(name), &[]);
        shown.assert(FLASHES, FLASHES);
        assert!((20..=22).contains(&shown.beeps.len()), "{shown:#?}");
        assert_eq!(shown.slate_frames, 0, "{shown:#?}");
    }
}

#[test]
fn a_picture_that_stands_still_without_sound_stands_still() {
    let with_sound = still("still.mkv");
    let path = with_sound.to_str().expect("a plain path");
    let silent = crate::input::media::made("silent.mkv", &["-i", path, "-c", "copy", "-an"]);
    let shown = Shown::of(&silent, &[]);
    shown.assert(FLASHES, 0);
    assert!((13.8..14.2).contains(&longest_s(&shown)), "{shown:#?}");
    assert_eq!(shown.slate_frames, 0, "{shown:#?}");
}

#[test]
fn a_copied_picture_that_stands_still_stays_with_the_sound() {
    let shown = Shown::of(&still("still.mkv"), &["--copy"]);
    shown.assert(FLASHES, FLASHES);
}

#[track_caller]
fn check_pushed(webroot: &Path, address: &str, format: &str, place: impl Fn(&str) -> String) {
    let mut listening = Listening::start_with(webroot, address, &["--window", "1000"]);
    let mut push = Command::new("ffmpeg");
    push.args(["-nostdin", "-v", "error", "-re", "-i"]).arg(still("still.mkv"));
    // ffmpeg would hold sound back for ten seconds to wait for a picture.
    push.args(["-c", "copy", "-max_interleave_delta", "1000", "-f", format]);
    run(push.arg(place(&listening.address)));
    listening.wait_for_loss(1);
    assert!(listening.live.publisher.interrupt().success());
}

/// From the first flash on: what came while the connection was being looked at may be missing.
#[track_caller]
fn check_stream(listening_webroot: tempfile::TempDir) {
    let shown = Shown::in_webroot(listening_webroot, String::new());
    shown.assert(FLASHES + 1, FLASHES + 1);
    // What the sender had in stock at the start is cut, up to half a second.
    assert!((13.3..14.2).contains(&longest_s(&shown)), "{shown:#?}");
}

#[test]
fn a_pushed_picture_that_stands_still_stays_with_the_sound() {
    let webroot = tempfile::tempdir().expect("a directory");
    check_pushed(webroot.path(), "rtmp://127.0.0.1:0/live/KEY?listen=1", "flv", |place| {
        place.replace("***", "KEY")
    });
    check_stream(webroot);
    let webroot = tempfile::tempdir().expect("a directory");
    let port = free_udp_port();
    check_pushed(webroot.path(), &format!("srt://127.0.0.1:{port}?mode=listener"), "mpegts", |_| {
        format!("srt://127.0.0.1:{port}?mode=caller&pkt_size=1316")
    });
    check_stream(webroot);
}

#[test]
fn a_film_with_a_picture_in_five_seconds_shows_no_slate() {
    let slow = super::silent_film(
        "slow.mkv",
        "testsrc2=size=320x180:rate=1/5:duration=30",
        &[&["-vsync", "vfr"][..], &H264].concat(),
    );
    let shown = Shown::of(&slow, &["--fps", "5"]);
    assert_eq!(shown.slate_frames, 0, "{shown:#?}");
}

/// A camera with a picture in three seconds, for so long: without sound, and without a file that says when the next one is due.
fn slow_camera(seconds: u32) -> Command {
    let mut camera = Command::new("ffmpeg");
    let pictures = format!("testsrc2=size=320x180:rate=1/3:duration={seconds}");
    camera.args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", &pictures, "-c:v", "mjpeg"]);
    camera.args(["-flush_packets", "1", "-f", "mpjpeg", "-"]);
    camera
}

#[test]
fn the_slate_comes_when_the_user_says() {
    let shown = Shown::of_pipe(&mut slow_camera(18), &["--fps", "5", "--slate-after", "500ms"]);
    // 2.5 s of each gap that is seen.
    assert!(shown.slate_frames >= 24, "{shown:#?}");
}

#[test]
fn a_live_source_with_a_picture_in_three_seconds_shows_no_slate_after_the_first() {
    let shown = Shown::of_pipe(&mut slow_camera(27), &["--fps", "5"]);
    // 2 s of the first three, until its own gap is known.
    assert!(shown.slate_frames <= 12, "{shown:#?}");
    assert!(shown.flashes.is_empty());
}
