//! A stop that comes while something is being opened is a stop like any other.

use super::{H264, picture, silent_film};
use crate::input::media::made;
use clap::Parser;
use livedir_layout::meters::Meters;
use livedir_publisher::cli::args::{Command, CommandLine};
use livedir_publisher::cli::settings::LiveSettings;
use livedir_time::stop::Stop;
use std::sync::Arc;

#[track_caller]
fn check(words: &[&str]) {
    let webroot = tempfile::tempdir().expect("a directory");
    let always = ["livedir-publisher", "live", "--webroot", webroot.path().to_str().expect("a plain path")];
    let typed = CommandLine::try_parse_from([&always[..], words].concat()).expect("flags");
    let Command::Live(args) = typed.command else { unreachable!("it is live") };
    let settings = LiveSettings::try_from(*args).expect("settings");
    let stop = Stop::default();
    stop.request();
    let ended = livedir_publisher::run(&settings, &stop, &Arc::new(Meters::default()), |_, _| {});
    assert!(ended.is_ok(), "{words:?}: {}", ended.unwrap_err());
    assert!(!webroot.path().join("stream.m3u8").exists(), "{words:?}");
}

#[test]
fn a_stop_while_a_slate_a_picture_or_a_source_is_opened_ends_in_order() {
    let film = silent_film("slate.mp4", &picture("25", 2), &H264);
    let film = film.to_str().expect("a plain path");
    let logo = made("logo.png", &["-f", "lavfi", "-i", "color=red:size=64x48", "-frames:v", "1"]);
    let logo = logo.to_str().expect("a plain path");
    check(&["test", "--slate", film]);
    check(&["test", "--slate", logo]);
    check(&[film, "--no-video", "--picture", logo]);
    check(&[film]);
    check(&[film, "--copy"]);
    check(&[film, "--copy=auto", "--slate", film]);
}
