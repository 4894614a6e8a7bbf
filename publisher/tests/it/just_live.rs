//! README's first command, whole: `just live` builds, serves, streams, survives a killed publisher, and ends at Ctrl-C.

#![cfg(target_os = "linux")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::check::assert_clean;
use crate::support::programs::{PATIENCE, Running, read_playlist};
use crate::support::wait_for;

#[test]
fn one_command_is_on_air_outlives_a_killed_publisher_and_ends_at_ctrl_c() {
    let webroot = tempfile::tempdir().unwrap();
    fs::write(webroot.path().join("index.html"), "the page").unwrap();
    let port = free_port();
    let mut live = JustLive::start(webroot.path(), port, "test");
    wait_for("the third segment", PATIENCE * 5, || {
        assert!(live.just.still_runs(), "`just live` has ended:\n{}", live.just.output());
        read_playlist(webroot.path()).filter(|playlist| playlist.next_media_sequence() > 3)
    });
    let output = live.just.output();
    assert!(output.contains(&format!("http://localhost:{port}/")), "{output}");
    let body = |path: &str| {
        ureq::get(format!("http://127.0.0.1:{port}/{path}"))
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap()
    };
    assert_eq!(body(""), "the page");
    assert!(livedir_playlist::parse(&body("stream.m3u8")).is_ok());
    let edge = livedir_playlist::Edge::of(&body("ll.m3u8")).expect("a low-latency playlist");
    assert!(edge.can_block_reload && edge.hint.is_some(), "{edge:?}");

    let publisher = process_of(webroot.path(), "livedir-publisher").expect("a publisher");
    kill_process(publisher, Signal::KILL).unwrap();
    wait_for("a new publisher", PATIENCE, || {
        read_playlist(webroot.path())?.segments.into_iter().find(|segment| segment.discontinuity)
    });
    assert!(live.just.output().contains("starting it again"), "{}", live.just.output());

    live.interrupt();
    live.just.wait();
    let playlist = read_playlist(webroot.path()).unwrap();
    assert!(playlist.ended, "{playlist:?}");
    assert_eq!(playlist.media_sequence, 1);
    let numbers: Vec<_> = playlist.segments.iter().map(|segment| segment.uri.clone()).collect();
    let expected: Vec<_> = (1..=numbers.len()).map(|number| format!("live/seg-{number:08}.ts")).collect();
    assert_eq!(numbers, expected, "no number is left out or used twice");
    assert_clean(webroot.path());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the server has ended too");
}

#[test]
fn a_port_that_is_in_use_is_told_and_nothing_is_streamed() {
    let webroot = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut live = JustLive::start(webroot.path(), port, "test");
    assert!(!live.just.wait().success());
    let output = live.just.output();
    assert!(output.contains("livedir-server: ") && output.contains(&port.to_string()), "{output}");
    assert!(read_playlist(webroot.path()).is_none());
}

#[test]
fn a_misspelt_film_and_a_flag_that_makes_no_sense_are_told_before_a_server_is_started() {
    let webroot = tempfile::tempdir().unwrap();
    // Whoever is refused for this port was too early.
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (source, expected) in [("moive.mp4", "no such file: moive.mp4"), ("--fps=0", "like --fps 25")] {
        let mut live = JustLive::start(webroot.path(), port, source);
        assert!(!live.just.wait().success());
        let output = live.just.output();
        assert!(output.contains(expected) && !output.contains("livedir-server"), "{output}");
        assert!(process_of(webroot.path(), "livedir-server").is_none());
    }
}

/// `just live` in a process group of its own, as a shell would start it.
struct JustLive {
    just: Running,
    webroot: PathBuf,
}

impl JustLive {
    fn start(webroot: &Path, port: u16, source: &str) -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let just = Running::start(
            // Without its dependencies: set-up and build are behind us, and the programs are those of this test.
            Command::new("just")
                .args([
                    "--no-deps",
                    "profile=dev",
                    "live",
                    source,
                    "--segment-duration",
                    "500ms",
                    "--window",
                    "200",
                    "--size",
                    "160x120",
                ])
                .current_dir(project)
                .env("LIVEDIR_WEBROOT", webroot)
                .env("LIVEDIR_PORT", port.to_string())
                .process_group(0),
        );
        Self { just, webroot: webroot.to_owned() }
    }

    /// What Ctrl-C does in a terminal.
    fn interrupt(&self) {
        kill_process_group(self.just.id(), Signal::INT).unwrap();
    }
}

impl Drop for JustLive {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        for program in ["bash", "livedir-publisher", "livedir-server"] {
            if let Some(id) = process_of(&self.webroot, program) {
                let _ = kill_process(id, Signal::KILL);
            }
        }
    }
}

/// The process of that name which was started for that webroot.
fn process_of(webroot: &Path, name: &str) -> Option<Pid> {
    let setting = format!("LIVEDIR_WEBROOT={}", webroot.display());
    fs::read_dir("/proc").unwrap().flatten().find_map(|process| {
        let environment = fs::read(process.path().join("environ")).ok()?;
        let is_ours = environment.split(|byte| *byte == 0).any(|variable| variable == setting.as_bytes());
        let program = fs::read_link(process.path().join("exe")).ok()?;
        (is_ours && program.file_name()? == name)
            .then(|| Pid::from_raw(process.file_name().to_str()?.parse().ok()?))
            .flatten()
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
