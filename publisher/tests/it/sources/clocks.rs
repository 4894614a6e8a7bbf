//! Clocks that go their own ways: sound that drifts away from the picture, a phone that sleeps, streams that are joined in the middle,
//! films of a list that differ in everything.

use super::{H264, RTMP, Shown, film, picture, silent_film, sound};
use crate::input::media::made;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A film whose sound is stamped `drift` times as far apart as its samples are: its clock drifts from that of the picture. The beeps
/// are where its timestamps say that they belong to the flashes.
fn drifting(drift: f64) -> PathBuf {
    let seconds = 24;
    let sound = format!(
        "aevalsrc='0.6*sin(2*PI*1000*t)*lt(mod(t*{drift},1),0.1)':s=48000:d={}",
        f64::from(seconds) / drift
    );
    let whole = film("drift.mkv", &picture("25", seconds), &sound, &[&H264[..], &["-c:a", "aac"]].concat());
    let stamps = format!("setts=pts=PTS*{drift}:dts=DTS*{drift}");
    made("drifting.mkv", &["-i", whole.to_str().expect("a plain path"), "-c", "copy", "-bsf:a", &stamps])
}

#[test]
fn sound_whose_clock_drifts_stays_with_the_picture() {
    for drift in [1.01, 0.99] {
        let shown = Shown::of(&drifting(drift), &[]);
        shown.assert(23, 23);
        let last_ms = shown.offsets_ms().last().copied().unwrap_or(f64::MAX);
        assert!(last_ms.abs() <= 80.0, "{drift}: {last_ms} ms at the end\n{shown:#?}");
    }
}

#[test]
fn sound_and_picture_of_a_phone_that_slept_are_together_again() {
    let gap = "not(between(t,4.5,11.5))";
    let picture = format!("{},select='{gap}'", picture("25", 18));
    let sound = format!("{},aselect='{gap}'", sound(18));
    let coding = [&["-vsync", "vfr"][..], &H264, &["-c:a", "aac"]].concat();
    let film = film("slept.mkv", &picture, &sound, &coding);
    for words in [&[] as &[&str], &["--copy"]] {
        let shown = Shown::of_push(&film, RTMP, "flv", words, |place| place.replace("***", "KEY"));
        // At 0 to 4 s and at 12 to 17 s; the first may come while the connection is being looked at.
        shown.assert(11, 11);
    }
}

#[test]
fn a_stream_that_is_joined_between_two_keyframes_is_seen_from_the_next_one() {
    let coding = [&H264[..], &["-g", "50", "-c:a", "aac"]].concat();
    let film = film("joined.ts", &picture("25", 10), &sound(10), &coding);
    let bytes = std::fs::read(film).expect("a film");
    // A seventh of it is about one and a half of its ten seconds.
    let rest = &bytes[bytes.len() / 7 / 188 * 188..];
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("rest.ts");
    std::fs::write(&path, rest).expect("room");
    for words in [&[] as &[&str], &["--copy"], &["--low-latency"]] {
        check_joined(&Shown::of(&path, words));
        check_joined(&Shown::of_pipe(Command::new("cat").arg(&path), words));
    }
}

/// The first keyframe is that of the second second, which has a flash that begins the stream, or follows sound that came before.
#[track_caller]
fn check_joined(shown: &Shown) {
    assert!((7..=8).contains(&shown.flashes.len()), "{shown:#?}");
    shown.assert(shown.flashes.len(), shown.flashes.len());
}

/// A film of a list.
fn listed(name: &str, rate: &str, coding: &[&str]) -> PathBuf {
    film(name, &picture(rate, 5), &sound(5), coding)
}

#[test]
fn films_of_a_list_that_differ_in_everything_keep_sound_with_picture() {
    let mp4 = listed("first.mp4", "25", &[&H264[..], &["-c:a", "aac"]].concat());
    let hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"];
    let small = ["-vf", "scale=640x360", "-c:a", "libmp3lame", "-ar", "44100", "-ac", "1"];
    let mkv = listed("second.mkv", "30000/1001", &[&hevc[..], &small].concat());
    let mpeg = ["-c:v", "mpeg4", "-q:v", "3", "-c:a", "pcm_s16le", "-ar", "16000"];
    let avi = listed("third.avi", "10", &mpeg);
    let silent = silent_film("fourth.mp4", &picture("50", 5), &H264);
    let vp8 = ["-c:v", "libvpx", "-b:v", "1M", "-deadline", "realtime", "-c:a", "libopus"];
    let webm = listed("fifth.webm", "24", &vp8);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("films.m3u");
    let lines: Vec<_> = [&mp4, &mkv, &avi, &silent, &webm].map(|film| format!("{}\n", film.display())).into();
    std::fs::write(&path, lines.concat()).expect("room");
    for words in [&[] as &[&str], &["--ladder", "320x180@300k,160x90@100k", "--low-latency"]] {
        check_listed(&path, words);
    }
}

/// Five flashes a film but for the very first, and a beep with each but those of the silent one.
#[track_caller]
fn check_listed(path: &Path, words: &[&str]) {
    let shown = Shown::of(path, words);
    shown.assert(24, 19);
    assert_eq!(shown.slate_frames, 0, "{shown:#?}");
}
