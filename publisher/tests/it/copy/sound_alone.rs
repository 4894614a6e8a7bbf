//! Sound that goes on when pictures have ceased, in a stream that is copied.

use std::path::Path;
use std::process::Command;

use super::live::rtmp_place;
use super::slate::{PLAIN, RTMP, slate, slates, wait_for_slate};
use super::{copied, film};
use crate::input::media::{SOUND, made};
use crate::support::check::assert_clean;
use crate::support::media::stated;
use crate::support::programs::{LiveStream, Running, read_playlist};
use livedir_playlist::MediaPlaylist;

/// No segment has more sound than this; at least one has some. The last one may have been cut by the end, and hold next to nothing.
#[track_caller]
fn check_sound(webroot: &Path, playlist: &MediaPlaylist, most_s: f64) {
    let of = |uri: &str| {
        let told = stated(&webroot.join(uri), "a", "duration");
        // Where there is none, ffprobe says N/A.
        told.lines().next().and_then(|line| line.parse::<f64>().ok()).unwrap_or_default()
    };
    let (_last, segments) = playlist.segments.split_last().expect("segments");
    let durations_s: Vec<f64> = segments.iter().map(|segment| of(&segment.uri)).collect();
    assert!(
        durations_s.iter().any(|it| *it > 0.5) && durations_s.iter().all(|it| *it < most_s),
        "{durations_s:?}"
    );
}

/// Sound alone keeps no segment open, and viewers do not wait for pictures that have ceased.
#[test]
fn it_comes_when_pictures_cease_though_sound_goes_on() {
    let slate = slate();
    let directory = tempfile::tempdir().unwrap();
    let words = [RTMP, "--copy", "--slate", &slate, "--segment-duration", "1s", "--window", "60"];
    let mut live = LiveStream::start(directory.path(), &words);
    let place = rtmp_place(&live);
    let pictures = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=5"];
    let sound = ["-re", "-f", "lavfi", "-i", "sine=sample_rate=44100"];
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error"]).args(pictures).args(sound);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"]);
    // Otherwise ffmpeg holds the sound back for ten seconds.
    command.args(PLAIN).args(["-c:a", "aac", "-max_interleave_delta", "200000", "-f", "flv", &place]);
    let source = Running::start(&mut command);
    wait_for_slate(&live, 50);
    let listed = live.playlist().expect("a playlist").next_media_sequence();
    live.wait_for_segment(listed + 2);
    assert!(live.publisher.output().contains("sound comes without pictures"), "{}", live.publisher.output());
    source.kill();
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let seen = slates(directory.path());
    assert!(!seen[0] && seen.ends_with(&[true; 25]), "{seen:?}");
    let playlist = read_playlist(directory.path()).expect("a playlist");
    check_sound(directory.path(), &playlist, 2.2);
}

#[test]
fn sound_that_goes_on_without_pictures_makes_no_segment_longer_than_twice_the_target() {
    let pictures = film("short.mkv", "25", "4", &["-an"]);
    let sound = made("tone.m4a", &["-f", "lavfi", "-i", SOUND, "-t", "30", "-c:a", "aac"]);
    let words = ["-i", &*pictures, "-i", sound.to_str().unwrap(), "-map", "0:v", "-map", "1:a", "-c", "copy"];
    let film = made("long_sound.mkv", &words).display().to_string();
    let directory = tempfile::tempdir().unwrap();
    let (playlist, output) = copied(directory.path(), &film, &[]);
    assert!(output.contains("sound is left out until pictures come again"), "{output}");
    check_sound(directory.path(), &playlist, 4.2);
}
