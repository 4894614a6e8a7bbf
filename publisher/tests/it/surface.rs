//! Surface of `livedir-publisher`: flags, exit statuses, fields of what it writes in JSON, held to those kept in `surface.txt`.
//!
//! In: clap's own description of the program, and what the program writes of a film that it copied, once as a plain stream and
//! once with parts, and of one that breaks rules. Out: nothing, or the lines that differ.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use livedir_publisher::cli::args::CommandLine;
use serde_json::Value;

use super::input::media::film;
use crate::support::kept::compare_lines;
use crate::support::programs::publisher;
use crate::support::surface;

const FILE: &str = "publisher/tests/it/surface.txt";

#[test]
fn of_the_publisher_nothing_that_others_use_has_changed() {
    let mut lines = BTreeSet::new();
    surface::flags(&CommandLine::command(), &mut lines);
    help(&mut lines);
    let film = film("surface.mp4", &["-bf", "0"]).display().to_string();
    for more in [&[][..], &["--low-latency"]] {
        let webroot = tempfile::tempdir().unwrap();
        let words =
            [&["live", &film, "--copy", "--fast", "--webroot"], &[path(webroot.path())][..], more].concat();
        assert_eq!(ended(&words).0, 0);
        documents(webroot.path(), &mut lines);
        break_rules(webroot.path());
        documents(webroot.path(), &mut lines);
    }
    exit_statuses(&film, &mut lines);
    compare_lines(FILE, &lines);
}

/// What a command ends with, and what it prints.
#[track_caller]
fn ended(words: &[&str]) -> (i32, String) {
    let ended = publisher().args(words).output().expect("the program under test can be started");
    (ended.status.code().expect("no signal"), String::from_utf8(ended.stdout).unwrap())
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What help says of exit statuses.
fn help(lines: &mut BTreeSet<String>) {
    for words in [
        &["--help"][..],
        &["live", "--help"],
        &["watch", "--help"],
        &["inspect", "--help"],
        &["check", "--help"],
    ] {
        surface::exit_statuses_in(&words.join(" "), &ended(words).1, lines);
    }
}

/// All that is written in JSON of a webroot.
fn documents(webroot: &Path, lines: &mut BTreeSet<String>) {
    let read = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    };
    surface::fields("status.json", &read(&fs::read_to_string(webroot.join("status.json")).unwrap()), lines);
    surface::fields("inspect", &read(&ended(&["inspect", path(webroot), "--all", "--json"]).1), lines);
    surface::fields("check", &read(&ended(&["check", path(webroot), "--json"]).1), lines);
}

/// A segment that is not listed, one that is missing, one that is no segment, work in progress, and a list that says so.
fn break_rules(webroot: &Path) {
    let live = webroot.join("live");
    fs::write(live.join("seg-00000099.ts"), [0; 188]).unwrap();
    fs::write(live.join(".seg-00000100.ts.a1b2"), [0; 188]).unwrap();
    let list = webroot.join("stream.m3u8");
    let text = fs::read_to_string(&list).unwrap();
    let missing =
        "#EXT-X-DISCONTINUITY\n#EXTINF:9.5,\nlive/seg-00000050.ts\n#EXTINF:1,\nlive/seg-00000099.ts\n";
    fs::write(&list, text.replace("#EXT-X-ENDLIST\n", missing) + "#EXT-X-UNKNOWN:1\n").unwrap();
}

/// Those that the program ends with.
fn exit_statuses(film: &str, lines: &mut BTreeSet<String>) {
    let directory = tempfile::tempdir().unwrap();
    let (clean, broken) = (directory.path().join("clean"), directory.path().join("broken"));
    for webroot in [&clean, &broken] {
        assert_eq!(ended(&["live", film, "--copy", "--fast", "--webroot", path(webroot)]).0, 0);
    }
    break_rules(&broken);
    let nothing = directory.path().join("nothing");
    for (why, words) in [
        ("help is asked for", &["--help"][..]),
        ("the version is asked for", &["--version"]),
        ("nothing is asked for", &[]),
        ("there is no such flag", &["live", "--no-such-flag"]),
        ("a flag makes no sense", &["live", "test", "--fps", "x"]),
        ("two flags exclude each other", &["live", "test", "--ladder", "auto", "--size", "64x48"]),
        ("the settings are printed", &["live", "test", "--print-config"]),
        ("there is no such film", &["live", "/no-such/film.mp4", "--webroot", path(&clean)]),
        ("inspect shows a webroot", &["inspect", path(&clean)]),
        ("inspect finds nothing", &["inspect", path(&nothing)]),
        ("check finds nothing wrong", &["check", path(&clean)]),
        ("check finds rules broken", &["check", path(&broken)]),
        ("check finds nothing to look at", &["check", path(&nothing)]),
    ] {
        lines.insert(format!("exit status: {} where {why}", ended(words).0));
    }
}
