//! Sources without timestamps: raw H.264, HEVC and MJPEG, as files and as cameras send them.

use super::{Shown, picture, silent_film};
use std::path::Path;
use std::process::Command;

/// So many seconds have a flash.
const SECONDS: u32 = 12;

/// Those that are counted: the first one begins the stream.
const FLASHES: usize = SECONDS as usize - 1;

/// Raw frames at ten a second, whose parameter sets do not state that.
const HEVC_WITHOUT_RATE: [&str; 6] = [
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none:bframes=0:keyint=10:vui-timing-info=0",
];

/// The usual time between two flashes in seconds.
fn step(shown: &Shown) -> f64 {
    let mut steps: Vec<f64> = shown.flashes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_by(f64::total_cmp);
    steps[steps.len() / 2]
}

#[track_caller]
fn check_file(file: &Path, words: &[&str], step_s: f64, said: &str) {
    let shown = Shown::of(file, words);
    assert!((FLASHES - 2..=FLASHES).contains(&shown.flashes.len()), "{shown:#?}");
    let step = step(&shown);
    assert!((step - step_s).abs() < 0.06, "{step} s\n{shown:#?}");
    assert!(shown.output.contains(said), "{}", shown.output);
}

#[test]
fn a_raw_file_is_played_at_the_rate_that_it_states() {
    let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p"];
    for frames in ["0", "2"] {
        let coding = [&x264[..], &["-bf", frames]].concat();
        let file = silent_film("stated.h264", &picture("30", SECONDS), &coding);
        check_file(&file, &[], 1.0, "it is played at 30 fps, as its parameter sets state");
    }
}

#[test]
fn a_raw_file_that_states_no_rate_is_played_as_the_user_says_or_at_25() {
    let file = silent_film("unstated.hevc", &picture("10", SECONDS), &HEVC_WITHOUT_RATE);
    check_file(&file, &["--input-fps", "10"], 1.0, "it is played at 10 fps, as --input-fps says");
    check_file(&file, &[], 0.4, "it is played at 25 fps, which is a guess; --input-fps sets another rate");
}

#[test]
fn a_film_through_a_pipe_is_played_at_its_rate() {
    let file = silent_film("piped.hevc", &picture("10", SECONDS), &HEVC_WITHOUT_RATE);
    let shown = Shown::of_pipe(Command::new("cat").arg(&file), &["--input-fps", "10"]);
    assert!((FLASHES - 2..=FLASHES).contains(&shown.flashes.len()), "{shown:#?}");
    assert!((0.94..1.06).contains(&step(&shown)), "{shown:#?}");
}

/// The ffmpeg program as a camera: frames come in real time, and without a time.
fn camera(rate: &str, format: &str) -> Command {
    let mut camera = Command::new("ffmpeg");
    camera.args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", &picture(rate, SECONDS)]);
    match format {
        "h264" => {
            camera.args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10"])
        }
        "hevc" => camera.args(HEVC_WITHOUT_RATE),
        _ => camera.args(["-c:v", "mjpeg", "-q:v", "5"]),
    };
    camera.args(["-pix_fmt", "yuvj420p", "-flush_packets", "1", "-f", format, "-"]);
    camera
}

/// Once its first frames were looked at, all of a camera's frames are shown in its own time, and never the slate.
#[track_caller]
fn check_camera(rate: &str, format: &str) {
    let shown = Shown::of_pipe(&mut camera(rate, format), &[]);
    assert!(shown.output.contains("frames are shown as they arrive"), "{}", shown.output);
    assert!(shown.flashes.len() + 4 >= FLASHES, "{format} at {rate} fps\n{shown:#?}");
    assert!((0.9..1.1).contains(&step(&shown)), "{format} at {rate} fps\n{shown:#?}");
    assert_eq!(shown.slate_frames, 0, "{shown:#?}");
}

#[test]
fn cameras_without_timestamps_are_shown_in_their_own_time() {
    check_camera("10", "mjpeg");
    check_camera("10", "mpjpeg");
    check_camera("30", "hevc");
    check_camera("30", "h264");
}
