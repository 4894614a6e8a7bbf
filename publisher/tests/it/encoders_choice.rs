//! Which encoder makes the picture: what is there is taken, what is not is passed over or refused.

use crate::support::check::{assert_clean, assert_clean_but_for_apple};
use crate::support::programs::{LiveStream, Running, publisher};

/// What `devices` says of encoders: name, and why it cannot be used.
fn encoders() -> Vec<(String, Option<String>)> {
    let (status, said) = Running::start(publisher().arg("devices")).wait_and_read();
    assert!(status.success(), "{said}");
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for line in said.lines() {
        if let Some(name) = line.strip_prefix("encoder ") {
            found.push((name.to_owned(), None));
        } else if let (Some(why), Some(last)) =
            (line.trim().strip_prefix("cannot be used: "), found.last_mut())
        {
            last.1 = Some(why.to_owned());
        }
    }
    found
}

/// What the name says that an encoder makes.
fn codec_of(encoder: &str) -> &'static str {
    if encoder.starts_with("hevc_") || encoder == "libx265" { "hevc" } else { "h264" }
}

#[test]
fn auto_takes_an_encoder_that_devices_lists_as_usable() {
    let usable: Vec<String> =
        encoders().into_iter().filter(|(_, why)| why.is_none()).map(|(name, _)| name).collect();
    assert!(usable.contains(&"libx264".to_owned()), "{usable:?}");
    let directory = tempfile::tempdir().unwrap();
    let words = ["test", "--size", "160x120", "--segment-duration", "500ms"];
    let mut live = LiveStream::start(directory.path(), &words);
    live.wait_for_segment(1);
    let output = live.publisher.output();
    let opened =
        output.lines().find_map(|line| line.split_once("video encoder opened encoder=\"")).unwrap().1;
    assert!(usable.iter().any(|name| opened.starts_with(&format!("{name}\""))), "{opened} of {usable:?}");
}

#[test]
fn a_named_encoder_is_taken_and_its_stream_keeps_the_rules() {
    for (name, _) in encoders().into_iter().filter(|(_, why)| why.is_none()) {
        let directory = tempfile::tempdir().unwrap();
        let codec = codec_of(&name);
        let words = ["test", "--segment-duration", "500ms", "--codec", codec, "--encoder", &name];
        let mut live = LiveStream::start(directory.path(), &words);
        live.wait_for_segment(4);
        assert!(live.publisher.output().contains(&format!("video encoder opened encoder=\"{name}\"")));
        assert!(live.publisher.interrupt().success());
        match codec {
            "hevc" => assert_clean_but_for_apple(directory.path()),
            _ => assert_clean(directory.path()),
        }
    }
}

#[test]
fn a_named_encoder_that_cannot_be_used_is_refused_before_anything_is_written() {
    let cannot = encoders().into_iter().filter(|(_, why)| why.is_some()).map(|(name, _)| name);
    for name in cannot.chain(["nosuch".into(), "aac".into()]) {
        let directory = tempfile::tempdir().unwrap();
        let mut command = publisher();
        let words = ["live", "test", "--encoder", &name, "--codec", codec_of(&name), "--webroot"];
        command.args(words).arg(directory.path());
        let (status, said) = Running::start(command.env("RUST_LOG", "error")).wait_and_read();
        assert_eq!((status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.starts_with(&format!("livedir-publisher: --encoder {name}: ")), "{said}");
        assert!(said.contains("here can be used for H") && said.contains("libx26"), "{said}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something was written");
    }
}

/// Which codec it is decides who can watch: an encoder does not say that by itself.
#[test]
fn an_encoder_of_the_other_codec_is_refused_with_the_codec_that_it_needs() {
    for (words, expected) in [
        (&["--encoder", "libx265"][..], "libx265: it encodes HEVC; add --codec hevc"),
        (&["--encoder", "libx265", "--codec", "h264"], "libx265: it encodes HEVC; add --codec hevc"),
        (&["--encoder", "libx264", "--codec", "hevc"], "libx264: it encodes H.264; add --codec h264"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut command = publisher();
        command.args(["live", "test", "--webroot"]).arg(directory.path()).args(words);
        let (status, said) = Running::start(command.env("RUST_LOG", "error")).wait_and_read();
        assert_eq!((status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains(expected), "{said}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something was written");
    }
}
