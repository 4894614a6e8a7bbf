//! Lists of films: one after the other, of any size and rate, with sound and without.

use super::media::{Content, film, made, moments, ms_between, next, play, settings, sound_s, steps_ms};
use livedir_publisher::source::Source;
use livedir_publisher::source::input::{self, InputAddress, InputSettings};
use std::path::{Path, PathBuf};

/// A list in a directory of its own.
fn list(directory: &Path, films: &[&Path]) -> PathBuf {
    let path = directory.join("list.m3u");
    let lines: Vec<String> = films.iter().map(|film| format!("{}\n", film.display())).collect();
    std::fs::write(&path, format!("#EXTM3U\n{}", lines.concat())).expect("room");
    path
}

/// A second at 10 pictures a second, without sound.
fn silent() -> PathBuf {
    made("silent.mp4", &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=1", "-g", "10"])
}

#[test]
fn films_of_a_list_follow_each_other_without_a_hole() {
    let directory = tempfile::tempdir().expect("a directory");
    let sounding = film("film.mp4", &[]);
    let list = list(directory.path(), &[&silent(), Path::new("missing.mp4"), &sounding]);
    let mut input = input::open(&settings(InputAddress::File(list))).expect("a list");
    assert!(input.format().has_sound, "a film with sound may follow");
    let pieces = play(&mut input);
    let pictures = moments(&pieces, true);
    assert_eq!(pictures.len(), 10 + 25);
    let (_, most) = steps_ms(&pictures);
    assert!(most < 130.0, "a hole of {most} ms");
    let sizes = |width| {
        pieces
            .iter()
            .filter(|piece| matches!(piece.content, Content::Picture { width: of, .. } if of == width))
            .count()
    };
    assert_eq!((sizes(320), sizes(160)), (10, 25));
    assert!((0.95..1.1).contains(&sound_s(&pieces)), "{} s of sound", sound_s(&pieces));
    let sound_begins = ms_between(pictures[10], moments(&pieces, false)[0]);
    assert!(sound_begins.abs() < 50.0, "the sound begins {sound_begins} ms after its film");
    assert!(input.format().description.ends_with("film.mp4, h264 at 25 fps, aac sound"));
}

#[test]
fn a_list_can_be_looped() {
    let directory = tempfile::tempdir().expect("a directory");
    let list = list(directory.path(), &[&silent(), &film("film.mp4", &["-an"])]);
    let looped = InputSettings { loop_forever: true, ..settings(InputAddress::File(list)) };
    let mut input = input::open(&looped).expect("a list");
    let pieces: Vec<_> = (0..100).map(|_| next(&mut input).expect("a loop").expect("no end")).collect();
    let (_, most) = steps_ms(&moments(&pieces, true));
    assert!(most < 130.0, "a hole of {most} ms");
}

#[track_caller]
fn check_refused(films: &[&Path], expected: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let list = list(directory.path(), films);
    let error = input::open(&settings(InputAddress::File(list))).err().expect("an error").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_list_of_nothing_is_refused_in_one_line() {
    check_refused(&[], "it names no file; write one path to a line");
    check_refused(&[Path::new("http://host/film.mp4")], "files of this machine only");
    check_refused(&[Path::new("none.mp4"), Path::new("neither.mp4")], "list.m3u:3: no such file");
    check_refused(&[Path::new("none.mp4")], "list.m3u:2: no such file");
}

#[test]
fn films_that_are_missing_are_told_at_the_start_with_their_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let list = list(directory.path(), &[&silent(), Path::new("missing.mp4"), Path::new(".")]);
    let settings = settings(InputAddress::File(list.clone()));
    let mut input = input::open(&settings).expect("a list");
    let missing = directory.path().join("missing.mp4");
    let (list, missing) = (list.display(), missing.display());
    let told = settings.tracks.told.lines();
    assert_eq!(
        told[0],
        format!(
            "{list}:3: no such file: {missing}; put it there, or take out the line; it is left out unless that changes"
        )
    );
    assert!(told[1].starts_with(&format!("{list}:4: ")) && told[1].contains("is a directory"), "{told:?}");
    assert_eq!(moments(&play(&mut input), true).len(), 10, "the film that is there is played");
}
