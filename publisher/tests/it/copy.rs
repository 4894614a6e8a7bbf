//! `--copy`: files that the ffmpeg program made and streams that it pushes are cut as they are, and what does not fit is refused.

mod lists;
mod live;
mod losses;
mod refusals;
mod slate;
mod sound_alone;

use std::path::Path;
use std::process::Command;

use livedir_playlist::MediaPlaylist;

use super::input::media::{PICTURES, SOUND, made};
use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, Running, publisher, read_playlist};
use crate::support::run::run;

/// A film with sound, with a keyframe each `gop` pictures and as `more` has it.
fn film(name: &str, gop: &str, seconds: &str, more: &[&str]) -> String {
    let mut words = vec!["-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", SOUND, "-t", seconds];
    words.extend([
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-bf",
        "2",
        "-sc_threshold",
        "0",
        "-c:a",
        "aac",
    ]);
    words.extend(["-g", gop, "-keyint_min", gop]);
    words.extend(more);
    made(name, &words).display().to_string()
}

/// Copies a film as fast as it goes, to its end; gives the playlist and what was said.
#[track_caller]
fn copied(webroot: &Path, film: &str, more: &[&str]) -> (MediaPlaylist, String) {
    let words = ["live", film, "--fast"];
    let is_said = |flag: &str| more.iter().any(|word| word.starts_with(flag));
    let copy: &[&str] = if is_said("--copy") { &[] } else { &["--copy"] };
    let window: &[&str] = if is_said("--window") { &[] } else { &["--window", "60"] };
    let mut command = publisher();
    let running =
        Running::start(command.args(words).args(copy).args(window).args(more).arg("--webroot").arg(webroot));
    let (status, output) = running.wait_and_read();
    assert!(status.success(), "{output}");
    assert_clean(webroot);
    (read_playlist(webroot).expect("a playlist"), output)
}

#[track_caller]
fn check_refused(film: &str, more: &[&str], reason: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = publisher();
    command.args(["live", film, "--copy", "--fast"]).args(more).arg("--webroot").arg(directory.path());
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(!status.success() && output.contains(reason), "{output}");
    assert!(!directory.path().join("stream.m3u8").exists(), "nothing is on air");
}

/// Each picture as the ffmpeg program decodes it.
fn pictures(subject: &Path) -> Vec<String> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(subject);
    command.args(["-map", "0:v", "-vsync", "0", "-f", "framemd5", "-"]);
    let hashed = command.output().expect("the ffmpeg program");
    assert!(hashed.status.success(), "{}", String::from_utf8_lossy(&hashed.stderr));
    let text = String::from_utf8(hashed.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next()).map(str::to_owned).collect()
}

/// The sound as it is, behind the headers of ADTS.
fn sound(subject: &Path) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(subject);
    let packed = command.args(["-map", "0:a", "-c", "copy", "-f", "adts", "-"]).output();
    packed.expect("the ffmpeg program").stdout
}

#[track_caller]
fn check_same(film: &str, webroot: &Path) {
    let playlist = webroot.join("stream.m3u8");
    let of_film = pictures(Path::new(film));
    assert!(!of_film.is_empty());
    assert!(of_film == pictures(&playlist), "{film}: other pictures");
}

fn durations_90k(playlist: &MediaPlaylist) -> Vec<u64> {
    playlist.segments.iter().map(|segment| segment.duration_90k).collect()
}

#[test]
fn pictures_and_sound_are_those_of_the_film_to_the_bit() {
    for name in ["film.mp4", "film.ts", "film.mkv", "film.flv"] {
        let directory = tempfile::tempdir().unwrap();
        let film = film(name, "25", "5", &[]);
        let (playlist, _) = copied(directory.path(), &film, &[]);
        assert_eq!(durations_90k(&playlist), [180_000, 180_000, 90_000], "{name}");
        assert!(playlist.ended && playlist.segments.iter().all(|segment| !segment.discontinuity));
        check_same(&film, directory.path());
        if name == "film.mp4" {
            // The other containers begin with sound from before the first picture, which no segment has room for.
            let of_film = sound(Path::new(&film));
            assert!(of_film.len() > 10_000 && of_film == sound(&directory.path().join("stream.m3u8")));
        }
    }
}

/// Films one after the other in one file, as a broadcast is.
fn joined(name: &str, films: &[String]) -> String {
    let joined = Path::new(&films[0]).with_file_name(name);
    let bytes: Vec<u8> = films.iter().flat_map(|film| std::fs::read(film).unwrap()).collect();
    std::fs::write(&joined, bytes).unwrap();
    joined.display().to_string()
}

#[test]
fn pictures_of_another_size_or_shape_begin_a_segment_behind_a_discontinuity() {
    let wide = film("wide.ts", "25", "3", &["-vf", "scale=320:180,setsar=1"]);
    let upright = film("upright.ts", "25", "3", &["-vf", "scale=180:320,setsar=1"]);
    let stretched = film("stretched.ts", "25", "3", &["-vf", "scale=180:320,setsar=4/3"]);
    let film = joined("changes.ts", &[wide, upright, stretched]);
    let directory = tempfile::tempdir().unwrap();
    let (playlist, _) = copied(directory.path(), &film, &[]);
    let shape = |uri: &str| {
        let entries = "frame=width,height,sample_aspect_ratio";
        let words = ["-v", "error", "-select_streams", "v", "-show_entries", entries, "-of", "csv=p=0"];
        let told = run(Command::new("ffprobe").args(words).arg(directory.path().join(uri)));
        let told = String::from_utf8(told).expect("plain text");
        let mut shapes: Vec<_> = told
            .lines()
            .map(|line| line.trim_end_matches([',', ' ']))
            .filter(|line| !line.is_empty())
            .collect();
        shapes.dedup();
        assert_eq!(shapes.len(), 1, "{uri} has pictures of several shapes: {shapes:?}");
        shapes[0].to_owned()
    };
    let shapes: Vec<String> = playlist.segments.iter().map(|segment| shape(&segment.uri)).collect();
    let changes: Vec<usize> = (1..shapes.len()).filter(|at| shapes[at - 1] != shapes[*at]).collect();
    assert_eq!(changes.len(), 2, "{shapes:?}");
    assert!(changes.iter().all(|at| playlist.segments[*at].discontinuity), "{playlist:#?}");
}

#[test]
fn keyframes_of_a_television_rate_may_be_a_thousandth_late() {
    let directory = tempfile::tempdir().unwrap();
    let film = film("ntsc.mp4", "60", "5", &["-r", "30000/1001"]);
    let (playlist, _) = copied(directory.path(), &film, &[]);
    assert_eq!(durations_90k(&playlist)[..2], [180_180, 180_180]);
    assert_eq!(playlist.target_duration_s, 3);
    check_same(&film, directory.path());
}

#[test]
fn keyframes_of_any_distance_fit_when_segments_of_it_are_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let film = film("gop48.mp4", "48", "4", &[]);
    let (playlist, _) = copied(directory.path(), &film, &["--segment-duration", "1.92s"]);
    assert_eq!(durations_90k(&playlist)[..2], [172_800; 2]);
    assert_eq!(playlist.target_duration_s, 2);
}

#[test]
fn the_window_of_a_film_that_is_copied_fast_is_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let film = film("film.mp4", "25", "40", &["-s", "64x48"]);
    let (playlist, _) = copied(directory.path(), &film, &["--segment-duration", "1s", "--window", "4"]);
    assert_eq!((playlist.media_sequence, playlist.segments.len()), (37, 4));
    let status = std::fs::read_to_string(directory.path().join("status.json")).expect("status.json");
    assert!(
        status.contains("\"state\":\"ended\"") && status.contains("\"segments_published\":40"),
        "{status}"
    );
}

#[test]
fn films_of_a_list_keep_their_own_sound() {
    let directory = tempfile::tempdir().unwrap();
    let films = [("44100", "2"), ("48000", "2"), ("22050", "1")]
        .map(|(rate, channels)| film("film.mp4", "25", "2", &["-ar", rate, "-ac", channels]));
    let list = directory.path().join("list.m3u");
    std::fs::write(&list, films.join("\n")).expect("room");
    let webroot = directory.path().join("webroot");
    let (playlist, output) = copied(&webroot, &list.display().to_string(), &[]);
    assert!(!output.contains("no sound"), "{output}");
    let breaks: Vec<_> = playlist.segments.iter().map(|segment| segment.discontinuity).collect();
    assert_eq!(breaks, [false, true, true]);
    for (film, segment) in films.iter().zip(&playlist.segments) {
        assert_eq!(sound(Path::new(film)), sound(&webroot.join(&segment.uri)), "{film}");
    }
}

#[test]
fn a_film_without_sound_is_copied() {
    let directory = tempfile::tempdir().unwrap();
    let film = film("silent.mp4", "50", "4", &["-an"]);
    let (playlist, _) = copied(directory.path(), &film, &[]);
    assert_eq!(durations_90k(&playlist), [180_000, 180_000]);
    check_same(&film, directory.path());
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    check_refused(&film("long.mp4", "100", "9", &[]), &[], "keyframes are 4 s apart, over the 2 s of");
    check_refused(&film("long.mp4", "100", "9", &[]), &[], "or raise --segment-duration to 4s;");
    check_refused(&film("obs.mp4", "250", "9", &[]), &[], "in OBS: Settings, Output, Keyframe Interval");
    let open = film("open.mp4", "50", "5", &["-x264-params", "open-gop=1"]);
    check_refused(&open, &[], "its groups of pictures are open: ");
    check_refused(&open, &[], "(x264: open-gop=0; ffmpeg: -flags +cgop); or let --copy=auto encode it");
    check_refused(&film("opus.mkv", "50", "2", &["-c:a", "libopus"]), &[], "its sound is");
    check_refused(&film("mpeg4.mp4", "50", "2", &["-c:v", "mpeg4"]), &[], "its video is mpeg4");
    check_refused(
        &film("film.mp4", "25", "5", &[]),
        &["--size", "320x240"],
        "--size has no effect with --copy",
    );
    check_refused("test", &[], "--copy works with files");
}

#[test]
fn auto_encodes_what_cannot_be_copied() {
    let directory = tempfile::tempdir().unwrap();
    let long = film("long.mp4", "100", "3", &[]);
    let mut command = publisher();
    let encoding = ["--size", "96x72", "--bitrate", "200k", "--fps", "10"];
    command.args(["live", &long, "--copy=auto", "--webroot"]).arg(directory.path()).args(encoding);
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(status.success() && output.contains("it is encoded instead"), "{output}");
    let playlist = read_playlist(directory.path()).expect("a playlist");
    assert_eq!(durations_90k(&playlist)[0], 180_000);
    let status = std::fs::read(directory.path().join("status.json")).expect("status.json");
    let video = &serde_json::from_slice::<serde_json::Value>(&status).expect("JSON")["video"];
    assert_eq!((&video["width"], &video["fps"]), (&96.into(), &10.0.into()));

    let directory = tempfile::tempdir().unwrap();
    let film = film("film.mp4", "25", "5", &[]);
    let (_, output) = copied(directory.path(), &film, &[&["--copy=auto"], &encoding[..]].concat());
    assert!(!output.contains("encoded;") && !output.contains("it is encoded instead"), "{output}");
    check_same(&film, directory.path());
}

#[test]
fn a_keyframe_that_comes_too_late_costs_what_is_over_the_promise_and_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    // Keyframes at 0, 2, 4, 6, 8, 14, 20 and 22 s.
    let keyframes = "0,2,4,6,8,14,20,22";
    let film = film("uneven.mp4", "1000", "24", &["-force_key_frames", keyframes, "-bf", "0"]);
    let (playlist, output) = copied(directory.path(), &film, &[]);
    assert_eq!(durations_90k(&playlist), [180_000; 8]);
    let breaks: Vec<_> = playlist.segments.iter().map(|segment| segment.discontinuity).collect();
    assert_eq!(breaks, [false, false, false, false, false, true, true, false], "{output}");
    assert_eq!(output.matches("keyframes are further apart").count(), 1, "{output}");
    assert!(!output.contains("refused"), "{output}");
}

#[test]
fn a_loop_in_parts_has_a_break_at_each_seam() {
    let directory = tempfile::tempdir().unwrap();
    let film = film("loop.mp4", "25", "2", &["-bf", "0"]);
    let words = [&*film, "--copy", "--loop", "--low-latency", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &words);
    live.wait_for_segment(5);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    let breaks: Vec<_> = playlist.segments.iter().take(5).map(|segment| segment.discontinuity).collect();
    assert_eq!(breaks, [false, false, true, false, true]);
    assert_eq!(durations_90k(&playlist)[..4], [90_000; 4]);
}
