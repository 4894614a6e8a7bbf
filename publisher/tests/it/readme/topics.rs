//! Every command in the topics of `livedir-publisher help`.

use std::process::Command;

use livedir_publisher::cli::topics::TOPICS;

use super::checkout::{Checkout, free_ports};
use super::commands::{STAND_INS, make_movie};
use crate::support::programs::{LiveStream, PATIENCE, Running};
use crate::support::wait_for;

/// The commands of a text that begin so, with those of their lines that go on. What stands behind two spaces explains one.
fn commands_of(text: &str, program: &str) -> Vec<String> {
    let whole = text.replace("\\\n    ", "");
    let commands = whole.lines().map(str::trim).filter(|line| line.starts_with(&format!("{program} ")));
    commands.map(|line| line.split_once("  ").map_or(line, |(command, _)| command).to_owned()).collect()
}

#[test]
fn every_flag_and_source_in_the_topics_is_taken() {
    let checkout = Checkout::new();
    let mut typed = 0;
    for (topic, text) in TOPICS {
        for command in commands_of(text, "livedir-publisher") {
            let mut running = checkout.shell(&format!("{STAND_INS}{command}"));
            let status = running.wait();
            assert!(status.success(), "help {topic}: {command}: {status}\n{}", running.output());
            typed += 1;
        }
    }
    assert!(typed >= 12, "only {typed} were found: does this test still read them?");
}

/// A film of 24 frames a second, as most are, has its keyframes where `--copy` needs them.
#[track_caller]
fn reaches_the_publisher(topic: &str, documented_port: &str) {
    let (_, text) = TOPICS.iter().find(|(name, _)| *name == topic).unwrap();
    let directory = tempfile::tempdir().unwrap();
    make_movie(&directory.path().join("movie.mp4"), "24", "7");
    let [port, ..] = free_ports();
    let here = |command: &String| {
        command
            .replace("THIS-MACHINE", "127.0.0.1")
            .replace(&format!(":{documented_port}"), &format!(":{port}"))
    };
    let listens = commands_of(text, "livedir-publisher").first().map(here).unwrap();
    let address = listens.split_whitespace().nth(2).unwrap().trim_matches('\'').to_owned();
    let mut live = LiveStream::start(&directory.path().join("webroot"), &[&address, "--copy"]);
    wait_for("the publisher that listens", PATIENCE, || {
        live.publisher.output().contains("waiting for an encoder").then_some(())
    });
    let sends = commands_of(text, "ffmpeg").first().map(here).unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("exec {sends} -nostdin -loglevel error")]).current_dir(directory.path());
    let _sender = Running::start(&mut shell);
    live.wait_for_segment(2);
    assert!(live.publisher.interrupt().success());
}

#[test]
fn what_the_topic_of_rtmp_has_ffmpeg_send_is_copied() {
    reaches_the_publisher("rtmp", "1935");
}

#[test]
fn what_the_topic_of_srt_has_ffmpeg_send_is_copied() {
    reaches_the_publisher("srt", "9000");
}
