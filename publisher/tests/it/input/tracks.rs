//! Tracks: films in several languages, with subtitles, data and covers. Which sound is heard, other programs tell by its pitch.

use super::media::{Content, PICTURES, made, open_file, play, sound_s};
use crate::support::check::assert_clean;
use crate::support::live_source::LiveSource;
use crate::support::programs::{LiveStream, PATIENCE, publisher};
use crate::support::run::run;
use crate::support::wait_for;
use livedir_publisher::captured::Shows;
use livedir_publisher::source::Source;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pitches of the languages.
const ENGLISH_HZ: u32 = 400;
const GERMAN_HZ: u32 = 800;
const FRENCH_HZ: u32 = 1600;

/// Two seconds of a film with a track for each pitch, and what else is said to ffmpeg.
fn film_of(name: &str, pitches_hz: &[u32], more: &[&str]) -> PathBuf {
    let tones: Vec<_> =
        pitches_hz.iter().map(|hz| format!("sine=frequency={hz}:sample_rate=48000")).collect();
    let mut arguments = vec!["-f", "lavfi", "-i", PICTURES];
    arguments.extend(tones.iter().flat_map(|tone| ["-f", "lavfi", "-i", tone]));
    let maps: Vec<_> = (0..=pitches_hz.len()).map(|input| input.to_string()).collect();
    arguments.extend(maps.iter().flat_map(|map| ["-map", map]));
    arguments.extend(["-t", "2", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac"]);
    arguments.extend(more);
    made(name, &arguments)
}

/// English, German, and French, which is the default.
fn in_three_languages(name: &str) -> PathBuf {
    let languages = [
        "-metadata:s:a:0",
        "language=eng",
        "-metadata:s:a:1",
        "language=ger",
        "-metadata:s:a:2",
        "language=fra",
    ];
    let dispositions = ["-disposition:a:0", "0", "-disposition:a:1", "0", "-disposition:a:2", "default"];
    film_of(name, &[ENGLISH_HZ, GERMAN_HZ, FRENCH_HZ], &[&languages[..], &dispositions].concat())
}

/// The pitch of the sound of a stream in each half second without silence, rounded to 100 Hz.
#[track_caller]
fn pitches_hz(file: &Path) -> Vec<u32> {
    let words = ["-map", "0:a", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"];
    let samples = run(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-i"]).arg(file).args(words));
    let samples: Vec<i16> = samples.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    let crossings = |second: &[i16]| second.windows(2).filter(|two| two[0] < 0 && two[1] >= 0).count();
    // At its ends, and where its source is away, a stream may have silence: half of a tone would count as one of half the pitch.
    let is_loud = |half: &&[i16]| half.chunks_exact(480).all(|part| part.iter().any(|it| it.abs() > 500));
    let seconds = samples[4_800..].chunks_exact(24_000).filter(is_loud).map(|half| crossings(half) * 2);
    seconds.map(|hz| ((hz + 50) / 100 * 100) as u32).collect()
}

/// What becomes of a source: its pitches, and what was said.
#[track_caller]
fn streamed(source: &Path, words: &[&str]) -> (Vec<u32>, String) {
    let webroot = tempfile::tempdir().unwrap();
    let words = [&[source.to_str().unwrap(), "--segment-duration", "1s"], words].concat();
    let (status, said) = LiveStream::start(webroot.path(), &words).publisher.wait_and_read();
    assert!(status.success(), "{said}");
    assert_clean(webroot.path());
    (pitches_hz(&webroot.path().join("stream.m3u8")), said)
}

#[track_caller]
fn check(source: &Path, words: &[&str], expected_hz: u32, told: &str) {
    let (pitches, said) = streamed(source, words);
    assert!(
        pitches.len() >= 3 && pitches[..3].iter().all(|&hz| hz == expected_hz),
        "{words:?}: {pitches:?} Hz"
    );
    assert_eq!(said.matches(" is heard").count(), usize::from(!told.is_empty()), "{said}");
    assert!(said.contains(told), "{said}");
}

#[test]
fn of_several_sound_tracks_the_wanted_one_is_heard_and_that_is_told_once() {
    let default = "sound track 3 (fr, aac) is heard, not 1 (en, aac), 2 (de, aac); for another one add \
                   --audio-track 1 or --audio-track en";
    let german = "sound track 2 (de, aac) is heard, not 1 (en, aac), 3 (fr, aac)";
    for name in ["languages.mkv", "languages.mp4", "languages.mov"] {
        let film = in_three_languages(name);
        for copied in [&[][..], &["--copy", "--fast"]] {
            check(&film, copied, FRENCH_HZ, default);
            check(&film, &[copied, &["--audio-track", "2"]].concat(), GERMAN_HZ, german);
        }
        for typed in ["de", "ger", "deu", "de-CH"] {
            check(&film, &["--copy", "--fast", "--audio-track", typed], GERMAN_HZ, german);
        }
    }
    check(
        &in_three_languages("languages.ts"),
        &["--copy", "--fast"],
        ENGLISH_HZ,
        "track 1 (en, aac) is heard",
    );
    check(
        &in_three_languages("languages.ts"),
        &["--no-video", "--audio-track", "fr"],
        FRENCH_HZ,
        "3 (fr, aac)",
    );
    let one = film_of("one.mkv", &[GERMAN_HZ], &["-metadata:s:a", "language=ger"]);
    check(&one, &["--copy", "--fast"], GERMAN_HZ, "");
}

#[test]
fn a_track_that_a_film_has_not_is_refused_and_in_a_list_another_one_is_heard() {
    let film = in_three_languages("languages.mkv");
    let one = film_of("one.mkv", &[ENGLISH_HZ], &["-metadata:s:a", "language=eng"]);
    for (typed, what) in [("4", "no sound track 4"), ("it", "no sound track in it")] {
        for words in [&["--dry-run"][..], &[], &["--copy"], &["--copy=auto"]] {
            let webroot = tempfile::tempdir().unwrap();
            let mut live = publisher();
            live.args(["live", film.to_str().unwrap(), "--audio-track", typed]).args(words);
            let ended = live.arg("--webroot").arg(webroot.path()).output().unwrap();
            let said = String::from_utf8(ended.stderr).unwrap();
            let has = "that can be played; it has 1 (en, aac), 2 (de, aac), 3 (fr, aac); name one of them, or leave \
                       --audio-track out";
            assert!(
                !ended.status.success() && said.contains(&format!("has {what} {has}")),
                "{words:?}: {said}"
            );
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("list.m3u");
    std::fs::write(&list, format!("{}\n{}\n", film.display(), one.display())).unwrap();
    for words in [&["--audio-track", "de"][..], &["--audio-track", "de", "--copy", "--fast"]] {
        let (pitches, said) = streamed(&list, words);
        let ends = (pitches.first().copied(), pitches.last().copied());
        assert!(pitches.len() >= 6 && ends == (Some(GERMAN_HZ), Some(ENGLISH_HZ)), "{pitches:?} Hz");
        assert!(
            said.contains("no sound track in de that can be played; instead sound track 1 (en, aac)"),
            "{said}"
        );
        assert_eq!(said.matches(" is heard").count(), 2, "{said}");
    }
}

#[test]
fn a_dry_run_tells_the_track_too() {
    let film = in_three_languages("languages.mkv");
    let ended = publisher().args(["live", film.to_str().unwrap(), "--dry-run"]).output().unwrap();
    let said = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
    assert!(
        ended.status.success() && said.matches("sound track 3 (fr, aac) is heard").count() == 1,
        "{said}"
    );
}

#[test]
fn a_broadcast_in_two_languages_is_heard_in_the_wanted_one_and_that_is_told_once_over_losses() {
    let languages = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"];
    let film =
        film_of("broadcast.ts", &[ENGLISH_HZ, GERMAN_HZ], &[&languages[..], &["-muxdelay", "0"]].concat());
    for more in [&[][..], &["--copy"]] {
        let source = LiveSource::of_all_tracks(&film);
        let webroot = tempfile::tempdir().unwrap();
        let words =
            [&[&*source.url(), "--audio-track", "de", "--segment-duration", "1s", "--window", "60"], more];
        let mut live = LiveStream::start(webroot.path(), &words.concat());
        live.wait_for_segment(1);
        source.take_away();
        wait_for("the loss", PATIENCE, || live.publisher.output().contains("source lost").then_some(()));
        let before = live.playlist().unwrap().next_media_sequence();
        source.give_back();
        live.wait_for_segment(before + 2);
        let said = live.publisher.output();
        assert_eq!(said.matches("sound track 2 (de, aac) is heard").count(), 1, "{said}");
        assert!(live.publisher.interrupt().success());
        let pitches = pitches_hz(&webroot.path().join("stream.m3u8"));
        let of_german = pitches.iter().filter(|&&hz| hz == GERMAN_HZ).count();
        assert!(of_german >= 2 && !pitches.contains(&ENGLISH_HZ), "{pitches:?} Hz");
    }
}

#[test]
fn subtitles_data_and_other_pictures_are_named_once() {
    let directory = tempfile::tempdir().unwrap();
    let titles = directory.path().join("titles.srt");
    std::fs::write(&titles, "1\n00:00:00,000 --> 00:00:01,000\nOnce upon a time\n").unwrap();
    let film = directory.path().join("film.mkv");
    run(Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-nostdin",
            "-f",
            "lavfi",
            "-i",
            PICTURES,
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=64x48",
        ])
        .args(["-f", "lavfi", "-i", "sine", "-i"])
        .arg(&titles)
        .args(["-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "3", "-t", "1", "-c:v", "libx264"])
        .args(["-c:s", "srt", "-metadata:s:s:0", "language=ger", "-attach"])
        .arg(&titles)
        .args(["-metadata:s:t", "mimetype=text/plain"])
        .arg(&film));
    let (_, said) = streamed(&film, &[]);
    let expected =
        "not in the stream: video (h264), subtitles (de, subrip), subtitles (subrip), an attachment";
    assert_eq!(said.matches(expected).count(), 1, "{said}");
    let (_, said) = streamed(&film_of("plain.mp4", &[ENGLISH_HZ], &[]), &["--copy", "--fast"]);
    assert!(!said.contains("not in the stream"), "{said}");
}

#[test]
fn covers_are_no_pictures_of_a_stream_however_many_there_are() {
    let covers = ["testsrc2=size=64x48:duration=0.04", "testsrc=size=32x32:duration=0.04"];
    let inputs =
        ["-f", "lavfi", "-i", "sine=frequency=400:sample_rate=48000", "-f", "lavfi", "-i", covers[0]];
    let inputs =
        [&inputs[..], &["-f", "lavfi", "-i", covers[1], "-t", "1.9", "-map", "0", "-map", "1", "-map", "2"]];
    let as_covers = ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-disposition:v", "attached_pic"];
    for name in ["song.mp3", "song.m4a", "song.flac", "song.mp4"] {
        let song = made(name, &[&inputs.concat()[..], &as_covers].concat());
        let mut input = open_file(&song).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((input.format().shows, input.format().has_sound), (Shows::Nothing, true), "{name}");
        let pieces = play(&mut input);
        assert!(pieces.iter().all(|piece| matches!(piece.content, Content::Sound { .. })), "{name}");
        assert!((1.85..2.0).contains(&sound_s(&pieces)), "{name}: {} s", sound_s(&pieces));
    }
    let song = made("song.m4a", &[&inputs.concat()[..], &as_covers].concat());
    check(&song, &["--copy", "--fast"], 400, "");
    // The cover stands before the film.
    let arguments =
        ["-f", "lavfi", "-i", covers[0], "-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", "sine"];
    let maps =
        ["-map", "0", "-map", "1", "-map", "2", "-t", "1", "-c:v:0", "mjpeg", "-pix_fmt:v:0", "yuvj420p"];
    let more = ["-disposition:v:0", "attached_pic", "-c:v:1", "libx264", "-disposition:v:1", "default"];
    let film = made("covered.mp4", &[&arguments[..], &maps, &more].concat());
    let mut input = open_file(&film).unwrap();
    assert_eq!((input.format().width, input.format().height), (160, 120));
    let pieces = play(&mut input);
    let is_film = |content: &Content| *content == Content::Picture { width: 160, height: 120 };
    assert_eq!(pieces.iter().filter(|piece| is_film(&piece.content)).count(), 25);
    let (_, said) = streamed(&film, &["--copy", "--fast"]);
    assert!(!said.contains("not in the stream"), "{said}");
}
