//! Lists of films with one that cannot be copied: with `--copy=auto` the stream goes on encoded from that film on, without `auto` the film
//! is left out. Judged by the colours that are shown: each film has one.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::input::media::{SOUND, made};
use crate::support::check::assert_clean;
use crate::support::media::run;
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher, read_playlist};
use crate::support::wait_for;

const SECONDS: &str = "2";
/// Frames of each film.
const FRAMES: usize = 50;

/// A film of one colour, with sound, coded as `coding` has it.
fn film(name: &str, colour: &str, coding: &[&str]) -> PathBuf {
    let picture = format!("color={colour}:size=96x72:rate=25");
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", SOUND, "-t", SECONDS];
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac"];
    made(name, &[&inputs[..], &coded, coding].concat())
}

fn red() -> PathBuf {
    film("red.mp4", "red", &[])
}

fn blue() -> PathBuf {
    film("blue.mp4", "blue", &[])
}

fn list(directory: &Path, films: &[&Path]) -> PathBuf {
    let path = directory.join("films.m3u");
    let lines: Vec<_> = films.iter().map(|film| format!("{}\n", film.display())).collect();
    std::fs::write(&path, lines.concat()).expect("room");
    path
}

/// The colours that the listed segments show, one after the other, each with the number of its frames.
fn colours(webroot: &Path) -> Vec<(&'static str, usize)> {
    let playlist = read_playlist(webroot).expect("a playlist");
    let mut shown: Vec<(&'static str, usize)> = Vec::new();
    for segment in playlist.segments {
        let one_pixel = ["-vf", "scale=1:1:flags=area", "-fps_mode", "passthrough", "-pix_fmt", "rgb24"];
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(webroot.join(segment.uri)).arg("-an");
        for pixel in run(ffmpeg.args(one_pixel).args(["-f", "rawvideo", "-"])).chunks_exact(3) {
            let colour = match pixel.iter().map(|part| *part > 90).collect::<Vec<_>>()[..] {
                [true, false, false] => "red",
                [false, true, false] => "green",
                [false, false, true] => "blue",
                _ => "none of them",
            };
            match shown.last_mut() {
                Some((last, count)) if *last == colour => *count += 1,
                _ => shown.push((colour, 1)),
            }
        }
    }
    shown
}

/// These films are shown, in this order, and each whole but for a little where the stream begins to be encoded.
#[track_caller]
fn check_shown(webroot: &Path, expected: &[&str]) {
    let shown = colours(webroot);
    assert_eq!(shown.iter().map(|(colour, _)| *colour).collect::<Vec<_>>(), expected, "{shown:?}");
    assert!(shown.iter().all(|(_, frames)| (FRAMES - 8..=FRAMES + 3).contains(frames)), "{shown:?}");
}

/// Streams red, this film and blue to their end; gives what was said.
#[track_caller]
fn streamed(webroot: &Path, second: &Path, words: &[&str]) -> String {
    let list = list(webroot, &[&red(), second, &blue()]);
    let mut command = publisher();
    command.arg("live").arg(list).args(words).args(["--segment-duration", "1s", "--window", "100"]);
    let (status, output) = Running::start(command.arg("--webroot").arg(webroot)).wait_and_read();
    assert!(status.success(), "{output}");
    assert_clean(webroot);
    output
}

const ENCODED: [&str; 5] = ["--copy=auto", "--size", "96x72", "--fps", "25"];

#[track_caller]
fn check_encoded_from(second: &Path, reason: &str, more: &[&str]) {
    let directory = tempfile::tempdir().expect("a directory");
    let output = streamed(directory.path(), second, &[&ENCODED[..], more].concat());
    let lines: Vec<_> = output.lines().filter(|line| line.contains("the stream goes on encoded")).collect();
    assert!(lines.len() == 1 && lines[0].contains(reason) && !lines[0].contains("let --copy"), "{output}");
    check_shown(directory.path(), &["red", "green", "blue"]);
    let playlist = read_playlist(directory.path()).expect("a playlist");
    let breaks: Vec<_> = playlist.segments.iter().map(|segment| segment.discontinuity).collect();
    let first = breaks.iter().position(|is_break| *is_break);
    // The first film has two segments. What is encoded needs no further break.
    assert!(first == Some(2) && breaks.iter().filter(|is_break| **is_break).count() == 1, "{breaks:?}");
    assert!(playlist.ended && playlist.media_sequence == 1, "{playlist:?}");
}

#[test]
fn with_auto_a_film_in_another_codec_is_encoded_and_so_are_those_behind_it() {
    check_encoded_from(&film("green.mp4", "lime", &["-c:v", "mpeg4"]), "its video is mpeg4", &[]);
    check_encoded_from(
        &film("green.mkv", "lime", &["-c:a", "libopus"]),
        "its sound is opus",
        &["--low-latency"],
    );
}

#[test]
fn with_auto_a_film_that_its_container_turns_or_with_few_keyframes_is_encoded() {
    let lying = film("lying.mp4", "lime", &[]);
    let turn = ["-i", lying.to_str().expect("a plain path"), "-c", "copy", "-metadata:s:v", "rotate=180"];
    check_encoded_from(&made("turned.mp4", &turn), "its picture is to be turned", &[]);
    check_encoded_from(
        &film("green.mp4", "lime", &["-g", "250"]),
        "its keyframes are at least 2 s apart",
        &[],
    );
}

#[test]
fn with_auto_a_film_whose_sound_would_be_lost_is_encoded() {
    let directory = tempfile::tempdir().expect("a directory");
    let list =
        list(directory.path(), &[&film("silent.mp4", "red", &["-an"]), &film("green.mp4", "lime", &[])]);
    let mut command = publisher();
    command.arg("live").arg(list).args(ENCODED).arg("--webroot").arg(directory.path());
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(status.success() && output.contains("its sound is in another format"), "{output}");
    assert_clean(directory.path());
    check_shown(directory.path(), &["red", "green"]);
    let newest =
        read_playlist(directory.path()).and_then(|it| it.segments.last().cloned()).expect("a segment");
    let words =
        ["-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name", "-of", "csv=p=0"];
    let sound = run(Command::new("ffprobe").args(words).arg(directory.path().join(newest.uri)));
    assert!(String::from_utf8_lossy(&sound).contains("aac"), "{output}");
}

#[test]
fn with_auto_a_list_that_is_looped_goes_on_encoded_round_after_round() {
    let directory = tempfile::tempdir().expect("a directory");
    let list = list(directory.path(), &[&red(), &film("green.mp4", "lime", &["-c:v", "mpeg4"])]);
    let list = list.to_str().expect("a plain path");
    let words = [&[list, "--loop", "--segment-duration", "1s", "--window", "100"], &ENCODED[..]].concat();
    let live = LiveStream::start(directory.path(), &words);
    wait_for("the second round", PATIENCE, || {
        live.playlist().is_some_and(|it| it.segments.len() >= 8).then_some(())
    });
    let output = live.publisher.output();
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let shown: Vec<_> = colours(directory.path()).into_iter().map(|(colour, _)| colour).collect();
    assert_eq!(shown[..4], ["red", "green", "red", "green"]);
    assert_eq!(output.matches("goes on encoded").count(), 1, "{output}");
}

#[test]
fn with_auto_a_song_among_films_is_left_out_and_what_follows_is_copied() {
    let directory = tempfile::tempdir().expect("a directory");
    let song = made("song.m4a", &["-f", "lavfi", "-i", SOUND, "-t", SECONDS, "-c:a", "aac"]);
    let output = streamed(directory.path(), &song, &ENCODED);
    assert!(output.contains("left out: it has no picture") && !output.contains("encoded;"), "{output}");
    assert!(!output.contains("goes on encoded"), "{output}");
    check_shown(directory.path(), &["red", "blue"]);
}

#[test]
fn without_auto_a_film_that_cannot_be_copied_is_left_out_in_one_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let green = film("green.mp4", "lime", &["-c:v", "mpeg4"]);
    let output = streamed(directory.path(), &green, &["--copy"]);
    let lines: Vec<_> = output.lines().filter(|line| line.contains("left out")).collect();
    assert!(lines.len() == 1 && lines[0].contains("its video is mpeg4"), "{output}");
    assert!(!output.contains("source lost"), "{output}");
    check_shown(directory.path(), &["red", "blue"]);
}

#[test]
fn a_film_that_is_missing_is_told_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let list = list(directory.path(), &[&red(), Path::new("missing.mp4"), &blue()]);
    let mut command = publisher();
    command
        .arg("live")
        .arg(&list)
        .args(["--copy", "--fast", "--webroot"])
        .arg(directory.path().join("webroot"));
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(status.success(), "{output}");
    assert_eq!(output.matches("missing.mp4").count(), 1, "{output}");
}
