//! The program that is built without the feature `capture`, on a machine that has neither libav nor a sound library.
#![cfg(not(feature = "capture"))]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A segment of 400 ms with picture and sound.
const SEGMENT: &[u8] = include_bytes!("../../fuzz/seeds/probe/picture-and-sound.ts");

/// A busy machine takes a second.
const PATIENCE: Duration = Duration::from_secs(30);

fn publisher() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livedir-publisher"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
#[cfg(target_os = "linux")]
fn it_links_no_library_of_ffmpeg_and_none_for_sound() {
    let linked = output(Command::new("ldd").arg(env!("CARGO_BIN_EXE_livedir-publisher")));
    let linked = text(&linked.stdout);
    assert!(linked.contains("libc.so"), "{linked}");
    for library in ["libav", "libsw", "libasound", "libpulse", "libv4l"] {
        assert!(!linked.contains(library), "{linked}");
    }
}

#[test]
fn its_help_names_what_it_can_do() {
    let help = text(&output(publisher().arg("--help")).stdout);
    for word in ["watch", "inspect", "check", "Built without cameras and encoders"] {
        assert!(help.contains(word), "{help}");
    }
    assert!(!help.contains("live "), "{help}");
}

#[test]
fn what_it_cannot_do_is_answered_with_what_to_do() {
    for words in [&["live"][..], &["live", "test", "--fps", "25"], &["live", "--help"], &["devices"]] {
        let ended = output(publisher().args(words));
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{words:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{words:?}: {said}");
        assert!(said.contains("build it whole with just build"), "{words:?}: {said}");
    }
}

#[test]
fn it_keeps_a_playlist_shows_it_and_checks_it() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path().join("webroot");
    let live = webroot.join("live");
    fs::create_dir_all(&live).unwrap();
    let mut watch = publisher().arg("watch").arg(&webroot).spawn().expect("the program runs");
    let playlist = webroot.join("stream.m3u8");
    // It takes the directory over before it waits for files.
    put(&live, "a.ts");
    let until = Instant::now() + PATIENCE;
    while !fs::read_to_string(&playlist).is_ok_and(|text| text.contains("live/a.ts")) {
        assert!(Instant::now() < until, "nothing is listed");
        std::thread::sleep(Duration::from_millis(20));
    }

    let inspected = output(publisher().arg("inspect").arg(&webroot).arg("--json"));
    assert!(inspected.status.success(), "{}", text(&inspected.stderr));
    let inventory: serde_json::Value = serde_json::from_slice(&inspected.stdout).expect("JSON");
    assert!(inventory.to_string().contains("live/a.ts"), "{inventory}");
    let checked = output(publisher().arg("check").arg(&webroot));
    assert_ne!(checked.status.code(), Some(2), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("segment"), "{}", text(&checked.stdout));
    watch.kill().unwrap();
    watch.wait().unwrap();
}

fn put(live: &Path, name: &str) {
    fs::write(live.join(".unfinished"), SEGMENT).unwrap();
    fs::rename(live.join(".unfinished"), live.join(name)).unwrap();
}
