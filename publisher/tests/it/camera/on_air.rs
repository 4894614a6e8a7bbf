//! The whole program on a camera that is unplugged, plugged in again and falls silent. Filmed inside the machine,
//! judged outside of it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use livedir_media::probe;

use super::guest::{plug_in, pull_out, v4l2_ctl};
use crate::support::check::assert_clean;
use crate::support::media;
use crate::support::programs::{LiveStream, read_playlist};
use crate::support::wait_for;

/// Under emulation everything takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

const WEBROOT: &str = "on-air";

/// Average luma of a picture: the camera's colour bars are brighter, the slate is darker.
const BRIGHT: f64 = 60.0;

#[test]
#[ignore = "runs inside the camera machine"]
fn the_stream_outlives_its_camera() {
    v4l2_ctl(&["-c", "timestamp_source=1", "-c", "percentage_of_dropped_buffers=0"]);
    // Sound is tried in `heard`; emulation cannot encode it in real time.
    let words = ["camera:0", "--no-sound", "--size", "320x180", "--fps", "10"];
    let words = [&words[..], &["--segment-duration", "1s", "--window", "200"]].concat();
    let mut live = LiveStream::start(Path::new(WEBROOT), &words);
    let count = |what: &str| status(what).unwrap_or(0);
    live.wait_for_segment(3);

    pull_out();
    wait_for("the slate of an unplugged camera", PATIENCE, || (count("frames_slate") >= 10).then_some(()));
    plug_in();
    let captured = count("pictures_captured");
    wait_for("pictures after plugging in", PATIENCE, || {
        (count("pictures_captured") >= captured + 30).then_some(())
    });
    assert_eq!(count("source_losses"), 1, "{}", live.publisher.output());

    v4l2_ctl(&["-c", "timestamp_source=1", "-c", "percentage_of_dropped_buffers=100"]);
    let slates = count("frames_slate");
    wait_for("the slate of a silent camera", PATIENCE, || {
        (count("frames_slate") >= slates + 10).then_some(())
    });
    wait_for("the watchdog", PATIENCE, || (count("source_losses") >= 2).then_some(()));
    v4l2_ctl(&["-c", "percentage_of_dropped_buffers=0"]);
    let captured = count("pictures_captured");
    wait_for("pictures after the silence", PATIENCE, || {
        (count("pictures_captured") >= captured + 30).then_some(())
    });
    assert!(live.publisher.still_runs());
    assert!(live.publisher.interrupt().success());
}

fn status(what: &str) -> Option<u64> {
    let text = std::fs::read_to_string(Path::new(WEBROOT).join("status.json")).ok()?;
    let status: serde_json::Value = serde_json::from_str(&text).expect("status.json is never cut");
    Some(status[what].as_u64().unwrap_or_else(|| panic!("status.json has no {what}: {text}")))
}

/// Outside: camera, slate, camera, slate, camera, in one continuous playlist.
#[track_caller]
pub fn check(folder: &Path) {
    let webroot = folder.join(WEBROOT);
    let playlist = read_playlist(&webroot).expect("the machine has left a playlist");
    assert!(playlist.ended && playlist.media_sequence == 1, "{playlist:?}");
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{playlist:?}");
    let (last, whole) = playlist.segments.split_last().expect("segments");
    assert!(whole.iter().all(|segment| segment.duration_90k == 90_000), "{whole:?}");
    let joined: Vec<u8> = (whole.iter().chain([last]))
        .flat_map(|segment| std::fs::read(webroot.join(&segment.uri)).unwrap())
        .collect();
    let facts = probe(&joined).expect("the segments end to end are one stream");
    assert_eq!(facts.start_90k + facts.duration_90k, facts.start_90k + playlist.duration_90k());
    let film = folder.join("on-air.ts");
    std::fs::write(&film, joined).unwrap();
    media::decode(&film);
    let scenes = scenes(&film);
    assert_eq!(scenes, ["camera", "slate", "camera", "slate", "camera"]);
    assert_clean(&webroot);
}

/// What the film shows, one word a scene.
fn scenes(film: &Path) -> Vec<&'static str> {
    let lines = media::run(
        Command::new("ffprobe")
            .args(["-v", "error", "-f", "lavfi", &format!("movie={},signalstats", film.display())])
            .args(["-of", "csv=p=0", "-show_entries", "frame_tags=lavfi.signalstats.YAVG"]),
    );
    let mut scenes: Vec<&str> = String::from_utf8(lines)
        .unwrap()
        .lines()
        .map(
            |luma| {
                if luma.trim_end_matches(',').parse::<f64>().unwrap() > BRIGHT { "camera" } else { "slate" }
            },
        )
        .collect();
    scenes.dedup();
    scenes
}
