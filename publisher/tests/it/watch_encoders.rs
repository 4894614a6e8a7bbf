//! `livedir-publisher watch` beside the encoders that people have. Each of them writes as it likes into the watched folder;
//! the witness reads all the while, and ffmpeg judges what was listed.

use crate::support::media;
use crate::support::programs::{PATIENCE, Running, read_playlist};
use crate::support::wait_for;
use crate::support::witness::{Testimony, Witness, reader::Files};
use crate::watch::Watched;
use std::fs;
use std::path::Path;
use std::process::Command;

const FPS: u32 = 25;

/// Twelve seconds in real time, with a keyframe every second.
const FFMPEG_SOURCE: &str = "-nostdin -v error -re -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i sine=sample_rate=48000 \
    -t 12 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -keyint_min 25 -sc_threshold 0 -c:a aac -ac 2";

/// Streams while the encoder runs, `segments` of them at least; kills the watcher in the middle and starts another one.
#[track_caller]
fn check(encoder: impl FnOnce(&Watched) -> Command, segments: u64) {
    let watched = Watched::new();
    let words = ["--window", "6", "--target-duration", "2"];
    let mut encoder = encoder(&watched);
    let running = watched.start(&words);
    let witness = Witness::start(Files::of(watched.webroot()), FPS);
    let mut encoding = Running::start(&mut encoder);
    let wait_for_number = |number: u64| {
        wait_for(&format!("segment {number}"), PATIENCE, || {
            (read_playlist(watched.webroot())?.next_media_sequence() > number).then_some(())
        });
    };
    wait_for_number(segments / 2);
    running.kill();
    let running = watched.start(&words);
    wait_for_number(segments);
    assert!(encoding.wait().success(), "{}", encoding.output());
    let testimony: Testimony = witness.testify();
    assert!(running.interrupt().success());

    let listed: Vec<_> = testimony.history.segments.values().map(|seen| seen.segment.clone()).collect();
    assert!(listed.iter().all(|segment| !segment.discontinuity), "{listed:#?}");
    let playlist = read_playlist(watched.webroot()).unwrap();
    for segment in &playlist.segments {
        decode_joined(watched.webroot(), &[segment.uri.as_str()]);
    }
    decode_joined(
        watched.webroot(),
        &playlist.segments.iter().map(|segment| segment.uri.as_str()).collect::<Vec<_>>(),
    );
}

/// Continuity counters that begin again are the encoder's own; all else must be decoded without a complaint.
#[track_caller]
fn decode_joined(webroot: &Path, uris: &[&str]) {
    let joined = webroot.join("joined.ts");
    let bytes: Vec<u8> = uris.iter().flat_map(|uri| fs::read(webroot.join(uri)).unwrap()).collect();
    fs::write(&joined, bytes).unwrap();
    let frames = media::run(
        Command::new("ffprobe")
            .args(["-v", "error", "-count_frames", "-select_streams", "v", "-of", "csv=p=0"])
            .args(["-show_entries", "stream=nb_read_frames"])
            .arg(&joined),
    );
    let frames: u32 = String::from_utf8_lossy(&frames).trim().lines().next().unwrap().parse().unwrap();
    assert!(frames >= 20 * uris.len() as u32, "{frames} frames in {uris:?}");
}

fn ffmpeg(watched: &Watched, format: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.current_dir(watched.webroot().join("live"));
    command.args(FFMPEG_SOURCE.split_whitespace()).args(format.split_whitespace());
    command
}

#[test]
fn ffmpeg_segment() {
    let format = "-f segment -segment_time 1 -segment_format mpegts -segment_start_number 1 seg-%08d.ts";
    check(|watched| ffmpeg(watched, format), 11);
}

#[test]
fn ffmpeg_hls() {
    let format = "-f hls -hls_time 1 -start_number 1 -hls_segment_filename seg-%08d.ts own.m3u8";
    check(|watched| ffmpeg(watched, format), 11);
}

#[test]
fn ffmpeg_hls_that_renames_its_files() {
    let format =
        "-f hls -hls_time 1 -start_number 1 -hls_flags temp_file -hls_segment_filename seg-%08d.ts own.m3u8";
    check(|watched| ffmpeg(watched, format), 11);
}

#[test]
fn gstreamer_splitmuxsink() {
    let gstreamer = |watched: &Watched| {
        let mut command = Command::new("gst-launch-1.0");
        command.current_dir(watched.webroot().join("live"));
        let pipeline = "-q -e videotestsrc is-live=true num-buffers=300 ! video/x-raw,width=160,height=120,framerate=25/1 ! \
            x264enc key-int-max=25 tune=zerolatency speed-preset=ultrafast ! h264parse config-interval=-1 ! \
            splitmuxsink location=seg-%08d.ts start-index=1 max-size-time=1000000000 muxer-factory=mpegtsmux";
        command.args(pipeline.split_whitespace());
        command
    };
    check(gstreamer, 11);
}

#[test]
fn shaka_packager() {
    let packager = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/encoders/node_modules/shaka-packager/bin")
        .join(if cfg!(target_arch = "aarch64") { "packager-linux-arm64" } else { "packager-linux-x64" });
    let shaka = |watched: &Watched| {
        // It wants a stream: ffmpeg plays one to it.
        let script = format!(
            "ffmpeg {FFMPEG_SOURCE} -an -f mpegts - | {} --quiet \
             'in=/dev/stdin,stream=video,segment_template={}/seg-$Number%08d$.ts' --segment_duration 1",
            packager.display(),
            watched.webroot().join("live").display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        command
    };
    check(shaka, 11);
}
