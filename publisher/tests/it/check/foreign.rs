//! What is known of others is found: the real ffmpeg deletes too early and moves the target duration. What `watch` makes
//! of its files is not broken.

use std::process::Command;

use crate::support::check::Following;
use crate::support::programs::{PATIENCE, Running, WebServer, read_playlist};
use crate::support::wait_for;
use crate::watch::Watched;

/// Keyframes a second apart, then three seconds, then one again.
const KEYFRAMES_S: &str = "0,1,2,3,4,5,6,7,8,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30";

#[test]
fn ffmpeg_deletes_too_early_and_moves_the_target_duration() {
    let directory = tempfile::tempdir().unwrap();
    let playlist = directory.path().join("out.m3u8");
    let mut ffmpeg = Running::start(
        Command::new("ffmpeg")
            .args(["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=20:duration=60"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "1000", "-sc_threshold", "0"])
            .args(["-force_key_frames", KEYFRAMES_S])
            .args(["-f", "hls", "-hls_time", "1", "-hls_flags", "delete_segments"])
            .arg(&playlist),
    );
    wait_for("ffmpeg's playlist", PATIENCE, || {
        assert!(ffmpeg.still_runs(), "{}", ffmpeg.output());
        playlist.exists().then_some(())
    });
    let server = WebServer::start(directory.path());
    let on_disk = Following::start(directory.path(), "18s");
    let over_http = Following::start(format!("{}/out.m3u8", server.address), "18s");
    for checked in [on_disk.report(), over_http.report()] {
        let rules = checked.rules();
        assert!(rules.contains(&"target-duration-changed"), "{checked:#?}");
        assert!(rules.contains(&"removed-too-early"), "{checked:#?}");
        assert_eq!(checked.status, 1);
    }
}

#[test]
fn what_watch_makes_of_the_files_of_ffmpeg_breaks_no_must() {
    let watched = Watched::new();
    let _watch = watched.start(&["--window", "8", "--target-duration", "2"]);
    let mut ffmpeg = Running::start(
        Command::new("ffmpeg")
            .current_dir(watched.webroot().join("live"))
            .args(["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=20:duration=60"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-sc_threshold", "0"])
            .args(["-f", "segment", "-segment_time", "1", "-segment_format", "mpegts", "a%d.ts"]),
    );
    let playlist = watched.webroot().join("stream.m3u8");
    wait_for("a window with segments that left", PATIENCE, || {
        assert!(ffmpeg.still_runs(), "{}", ffmpeg.output());
        read_playlist(watched.webroot()).filter(|playlist| playlist.media_sequence > 1)
    });
    let checked = Following::start(&playlist, "8s").report();
    let mut rules = checked.rules();
    rules.retain(|&rule| rule != "update-late");
    // ffmpeg counts anew in each file; `watch` does not call that a discontinuity, and no player minds.
    assert_eq!(rules, ["counter-break-between"], "{checked:#?}");
    let findings = checked.report["findings"].as_array().unwrap();
    assert!(
        findings.iter().all(|it| it["severity"] == "SHOULD" || it["rule"] == "update-late"),
        "{checked:#?}"
    );
}
