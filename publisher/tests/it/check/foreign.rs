//! What is known of others is found: the real ffmpeg deletes too early and moves the target duration.

use std::process::Command;

use crate::support::check::Following;
use crate::support::programs::{PATIENCE, Running, WebServer};
use crate::support::wait_for;

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
        assert!(ffmpeg.is_running(), "{}", ffmpeg.output());
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
