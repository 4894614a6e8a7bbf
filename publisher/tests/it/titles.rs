//! Titles: what the webroot tells of the source, which is what it is called and nothing of where it is.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::live_source::LiveSource;
use crate::support::media::run;
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher};
use crate::support::wait_for;

const SMALL: [&str; 4] = ["--size", "160x120", "--segment-duration", "500ms"];

fn status(webroot: &Path) -> Option<Value> {
    Some(serde_json::from_slice(&fs::read(webroot.join("status.json")).ok()?).expect("status.json is whole"))
}

/// No file of the webroot, at any depth, has these words in it.
#[track_caller]
fn assert_untold(directory: &Path, words: &[&str]) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_untold(&path, words);
            continue;
        }
        // One of a live stream may go between two looks.
        let bytes = fs::read(&path).unwrap_or_default();
        for word in words {
            let is_there = bytes.windows(word.len()).any(|part| part == word.as_bytes());
            assert!(!is_there, "{} tells {word}", path.display());
        }
    }
}

#[test]
fn viewers_learn_the_title_of_a_film_and_not_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let film = directory.path().join("hiddenplace/secretfilm.mp4");
    fs::create_dir(film.parent().unwrap()).unwrap();
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=20:duration=4"])
        .args(["-metadata", "title=secrettitle", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10"])
        .arg(&film));
    let film = film.to_str().unwrap();
    for (more, title) in [
        (&["--low-latency"][..], "film"),
        (&["--title", "Harbour", "--low-latency"], "Harbour"),
        (&["--title", "Harbour", "--copy", "--fast"], "Harbour"),
    ] {
        let webroot = tempfile::tempdir().unwrap();
        let size: &[&str] = if more.contains(&"--copy") { &SMALL[2..] } else { &SMALL };
        let mut stream = LiveStream::start(webroot.path(), &[&[film], size, more].concat());
        assert!(stream.publisher.wait().success(), "{}", stream.publisher.output());
        let status = status(webroot.path()).expect("a status");
        assert_eq!((status["title"].as_str(), status["source"].as_str()), (Some(title), Some("here")));
        assert!(stream.publisher.output().contains("secretfilm.mp4"), "the log tells it");
        assert_untold(webroot.path(), &["hiddenplace", "secretfilm", "secrettitle"]);
    }
}

#[test]
fn viewers_learn_that_a_source_is_lost_and_not_where_it_is() {
    let source = LiveSource::start();
    let address = source.url();
    let webroot = tempfile::tempdir().unwrap();
    let mut stream = LiveStream::start(webroot.path(), &[&[&*address], &SMALL[..]].concat());
    stream.wait_for_segment(2);
    source.take_away();
    wait_for("the loss", PATIENCE, || (status(webroot.path())?["source"] == "lost").then_some(()));
    let place = address.trim_start_matches("tcp://");
    assert!(stream.publisher.output().contains(place), "the log tells it");
    assert_untold(webroot.path(), &[place]);
    source.give_back();
    wait_for("the source", PATIENCE, || (status(webroot.path())?["source"] == "here").then_some(()));
    assert_eq!(status(webroot.path()).unwrap()["title"], "stream");
    assert!(stream.publisher.interrupt().success());
}

#[test]
fn every_channel_has_its_own_title() {
    let directory = tempfile::tempdir().unwrap();
    let mut made = LiveStream::start(&directory.path().join("made"), &[&["test"], &SMALL[..]].concat());
    made.wait_for_segment(2);
    assert!(made.publisher.interrupt().success());
    let channels = directory.path().join("channels");
    for name in ["north", "south"] {
        let live = channels.join(name).join("live");
        fs::create_dir_all(&live).unwrap();
        fs::copy(made.webroot.join("live/seg-00000001.ts"), live.join("one.ts")).unwrap();
    }
    let mut command = publisher();
    command.args(["watch", "--channels", "--title", "north=Harbour"]).arg(&channels);
    let watch = Running::start(&mut command);
    for (name, title) in [("north", "Harbour"), ("south", "south")] {
        let status = wait_for("a status", PATIENCE, || status(&channels.join(name)));
        assert_eq!((status["title"].as_str(), status["source"].as_str()), (Some(title), None));
    }
    assert!(watch.interrupt().success());
}
