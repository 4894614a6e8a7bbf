//! The slate that the user gives: a picture or a film with sound, in the place of a source that is late or away. What viewers see of
//! it is judged by pixels, and what they hear by beeps and pitches.

use super::{H264, RTMP, TOGETHER_MS, film, join, silent_film};
use crate::input::media::made;
use crate::support::check::assert_clean;
use crate::support::flashes::{self, SQUARE, beeps};
use crate::support::live_source::LiveSource;
use crate::support::programs::{LiveStream, lose_and_find, publisher};
use crate::support::run::run;
use std::path::Path;
use std::process::Command;

/// The colour of slates here; the pictures of sources have none like it.
const BROWN: [u8; 3] = [0x90, 0x50, 0x20];

/// Of each picture of a stream whether a part of it is brown.
#[track_caller]
fn browns(stream: &Path, map: &str, part: &str) -> Vec<bool> {
    let filter = format!("crop={part},scale=1:1:flags=area");
    let words = ["-map", map, "-vf", &filter, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
    let bytes = run(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-i"]).arg(stream).args(words));
    let is_brown = |pixel: &[u8]| pixel.iter().zip(BROWN).all(|(one, other)| one.abs_diff(other) < 30);
    bytes.chunks_exact(3).map(is_brown).collect()
}

/// Left of the letters.
const CORNER: &str = "iw/16:ih/8:iw/32:ih/2";
/// Where the time stands.
const TIME: &str = "iw/4:ih/20:iw*3/8:ih*4/5";

#[test]
fn a_picture_of_any_shape_is_shown_with_the_time_while_the_source_is_away() {
    let slate = made("slate.png", &["-f", "lavfi", "-i", "color=c=0x905020:size=800x600", "-frames:v", "1"]);
    let photo = made("slate.jpg", &["-f", "lavfi", "-i", "color=c=0x905020:size=320x240", "-frames:v", "1"]);
    let ladder = ["--ladder", "320x240@400k,160x120@200k", "--low-latency"];
    for (slate, words, map) in [(slate, &ladder[..], "0:v:1"), (photo, &["--size", "320x240"], "0:v:0")] {
        let source = LiveSource::start();
        let webroot = tempfile::tempdir().unwrap();
        let of_slate = ["--slate", slate.to_str().unwrap(), "--segment-duration", "1s", "--window", "60"];
        let url = source.url();
        let mut live = LiveStream::start(webroot.path(), &[&[&*url][..], &of_slate, words].concat());
        live_for(&mut live);
        lose_and_find(&source, &live);
        assert!(live.publisher.interrupt().success());
        assert_clean(webroot.path());
        let stream = webroot.path().join("stream.m3u8");
        let seen = browns(&stream, map, CORNER);
        let first = seen.iter().position(|it| *it).expect("a slate");
        let last = seen.iter().rposition(|it| *it).unwrap();
        assert!(first > 5 && last - first >= 38 && !seen[first..=last].contains(&false), "{first} to {last}");
        assert!(last < seen.len() - 5, "the source is seen again");
        let of_time = browns(&stream, map, TIME);
        assert!(!of_time[first..=last].contains(&true), "the time is not written on it");
    }
}

/// Until something is on air.
#[track_caller]
fn live_for(live: &mut LiveStream) {
    crate::support::wait_for("pictures", crate::support::programs::PATIENCE, || {
        assert!(live.publisher.still_runs(), "the publisher has ended:\n{}", live.publisher.output());
        (live.count("pictures_captured") >= 30).then_some(())
    });
}

/// Streams a slate for which no source ever comes.
#[track_caller]
fn without_a_source(words: &[&str], segments: u64) -> tempfile::TempDir {
    let webroot = tempfile::tempdir().unwrap();
    let always = [RTMP, "--segment-duration", "1s", "--size", "320x180", "--window", "60"];
    let mut live = LiveStream::start(webroot.path(), &[&always[..], words].concat());
    live.wait_for_segment(segments);
    assert!(live.publisher.interrupt().success());
    assert_clean(webroot.path());
    webroot
}

#[test]
fn a_film_plays_with_its_sound_again_and_again_where_a_source_is_late() {
    let [picture, sound] = [flashes::picture("480x270", "30", 2), flashes::sound(2)];
    let slate = film("slate.mp4", &picture, &sound, &[&H264[..], &["-c:a", "aac"]].concat());
    let slate = slate.to_str().unwrap();
    let webroot = without_a_source(&["--slate", slate, "--slate-text", ""], 8);
    let stream = join(webroot.path(), "");
    let (flashes, beeps) = (flashes::flashes(&stream, SQUARE), beeps(&stream));
    assert!(flashes.len() >= 6, "flashes at {flashes:?}");
    let steps = flashes.windows(2).map(|two| two[1] - two[0]);
    assert!(steps.into_iter().all(|step| (0.9..1.15).contains(&step)), "flashes at {flashes:?}");
    let offsets_ms = flashes::offsets_ms(&flashes, &beeps);
    assert!(offsets_ms.len() >= 5, "flashes at {flashes:?}, beeps at {beeps:?}");
    assert!(offsets_ms.iter().all(|offset| offset.abs() <= TOGETHER_MS), "{offsets_ms:?} ms");

    let webroot = without_a_source(&["--slate", slate, "--no-sound"], 2);
    assert_eq!(
        crate::support::media::stated(&webroot.path().join("stream.m3u8"), "a", "codec_name").trim(),
        ""
    );
}

#[test]
fn that_a_film_is_interlaced_is_told_once_however_often_it_repeats() {
    let coding = [&H264[..], &["-flags", "+ilme+ildct", "-x264-params", "tff=1"]].concat();
    let slate = silent_film("interlaced.ts", "testsrc2=size=160x120:rate=25:duration=1", &coding);
    let webroot = tempfile::tempdir().unwrap();
    let always = [RTMP, "--segment-duration", "1s", "--size", "320x180", "--slate"];
    let mut live = LiveStream::start(webroot.path(), &[&always[..], &[slate.to_str().unwrap()]].concat());
    live.wait_for_segment(6);
    let output = live.publisher.output();
    assert!(live.publisher.interrupt().success());
    assert_eq!(output.matches("they are deinterlaced by").count(), 1, "{output}");
}

#[test]
fn a_film_gives_way_to_the_source_in_picture_and_sound() {
    let tone = "sine=frequency=2000:sample_rate=44100:duration=3";
    let slate = film("slate.mkv", "color=c=0x905020:size=160x120:rate=10:duration=3", tone, &H264);
    let source = LiveSource::start();
    let webroot = tempfile::tempdir().unwrap();
    let (url, slate) = (source.url(), slate.display().to_string());
    let words = [&*url, "--slate", &slate, "--segment-duration", "1s", "--window", "60", "--size", "320x240"];
    let mut live = LiveStream::start(webroot.path(), &words);
    live_for(&mut live);
    lose_and_find(&source, &live);
    assert!(live.publisher.interrupt().success());
    assert_clean(webroot.path());
    let stream = webroot.path().join("stream.m3u8");
    let browns = browns(&stream, "0:v:0", CORNER);
    // The source hums at 440 Hz: in a tenth of a second a tone of 2000 Hz crosses zero 200 times.
    let samples = ["-map", "0:a", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"];
    let samples =
        run(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-i"]).arg(&stream).args(samples));
    let samples: Vec<i16> = samples.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    let crossings = |tenth: &[i16]| tenth.windows(2).filter(|two| two[0] < 0 && two[1] >= 0).count();
    let pitches: Vec<_> = samples.chunks_exact(4_800).map(|tenth| crossings(tenth) * 10).collect();
    let is_of_film = |hz: &usize| (1900..2100).contains(hz);
    let is_of_source = |hz: &usize| (400..480).contains(hz);
    let (of_film, brown) =
        (pitches.iter().filter(|hz| is_of_film(hz)).count(), browns.iter().filter(|it| **it).count());
    assert!(
        brown >= 38 && of_film + 3 >= brown / 2,
        "{brown} pictures of the film, its sound in {of_film} tenths"
    );
    assert!(of_film <= brown / 2 + 3, "{brown} pictures of the film, its sound in {of_film} tenths");
    let last = pitches.iter().rposition(is_of_film).unwrap();
    assert!(pitches[last..].iter().filter(|hz| is_of_source(hz)).count() >= 5, "{pitches:?}");
    assert!(pitches[..5].iter().filter(|hz| is_of_source(hz)).count() >= 4, "{pitches:?}");
}

#[test]
fn the_text_of_the_slate_is_the_users_and_an_empty_one_leaves_it_black() {
    let brightest = |words: &[&str], part: &str| {
        let webroot = without_a_source(words, 2);
        let graph = format!("crop={part},format=gray,scale=32:32:flags=area");
        let words = ["-vf", &graph, "-frames:v", "20", "-f", "rawvideo", "-"];
        let stream = webroot.path().join("stream.m3u8");
        let bytes =
            run(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-i"]).arg(stream).args(words));
        bytes.into_iter().max().unwrap()
    };
    assert!(brightest(&["--slate-text", ""], "iw:ih:0:0") < 30);
    assert!(brightest(&["--slate-text", "Wir sind gleich zurück"], "iw:ih/2:0:0") > 60);
    assert!(brightest(&["--slate-text", "Wir sind gleich zurück"], "iw:ih/2:0:ih/2") > 60, "the time");
}

#[test]
fn without_a_slate_the_last_picture_stands_while_the_source_is_away() {
    let source = LiveSource::start();
    let webroot = tempfile::tempdir().unwrap();
    let url = source.url();
    let words = [&*url, "--no-slate", "--segment-duration", "1s", "--window", "60", "--size", "320x240"];
    let mut live = LiveStream::start(webroot.path(), &words);
    live_for(&mut live);
    source.take_away();
    let duplicated = live.count("frames_duplicated");
    crate::support::wait_for("the last picture", crate::support::programs::PATIENCE, || {
        (live.count("frames_duplicated") >= duplicated + 60).then_some(())
    });
    assert_eq!(live.count("frames_slate"), 0);
    assert!(live.publisher.interrupt().success());
    assert_clean(webroot.path());
    let words = ["-map", "0:v", "-vf", "scale=16:12:flags=area", "-pix_fmt", "gray", "-f", "rawvideo", "-"];
    let stream = webroot.path().join("stream.m3u8");
    let bytes = run(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-i"]).arg(stream).args(words));
    let pictures: Vec<_> = bytes.chunks_exact(16 * 12).collect();
    let [.., before, last] = pictures[..] else { panic!("no pictures") };
    assert!(last.iter().filter(|&&luma| luma > 60).count() > 60, "it is no slate");
    assert!(last.iter().zip(before).all(|(one, other)| one.abs_diff(*other) < 20), "it stands");
}

#[test]
fn a_bad_slate_is_refused_at_the_start_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(path("noise.png"), b"\x89PNG\r\n\x1a\nnoise").unwrap();
    let song = made("song.mp3", &["-f", "lavfi", "-i", "sine", "-t", "1"]).display().to_string();
    for (slate, expected) in [
        (path("none.png"), "check the name behind --slate"),
        (path("noise.png"), "give --slate a picture"),
        (song, "has no picture; give --slate a picture"),
        (path(""), "is a directory"),
    ] {
        for words in [&["test", "--dry-run"][..], &["test"]] {
            let webroot = path("webroot");
            let words = [&["live"][..], words, &["--slate", &slate, "--webroot", &webroot]].concat();
            let ended = publisher().args(words).output().unwrap();
            let said = String::from_utf8(ended.stderr).unwrap();
            let refusals = said.lines().filter(|line| line.starts_with("livedir-publisher: ")).count();
            assert!(!ended.status.success() && refusals == 1 && said.contains(expected), "{said}");
        }
    }
}
