//! Several streams in one program, as a file of channels says: each goes on, fails, begins and ends alone.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::check::assert_clean;
use crate::support::programs::{PATIENCE, Running, publisher, read_playlist};
use crate::support::wait_for;

/// A program with channels, and its file.
struct Channels {
    webroot: TempDir,
    program: Running,
}

impl Channels {
    fn start(file: &str) -> Channels {
        let webroot = tempfile::tempdir().unwrap();
        let path = webroot.path().join("channels.toml");
        std::fs::write(&path, file).unwrap();
        let program = Running::start(
            publisher().args(["live", "--channels"]).arg(&path).arg("--webroot").arg(webroot.path()),
        );
        Channels { webroot, program }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.webroot.path().join(name)
    }

    /// Has it read another file.
    fn change(&self, file: &str) {
        std::fs::write(self.path("channels.toml"), file).unwrap();
        self.program.signal(Signal::HUP);
    }

    #[track_caller]
    fn wait_for_segments(&self, name: &str, count: u64) {
        wait_for(&format!("{count} segments of {name}"), PATIENCE, || {
            let list = read_playlist(&self.path(name))?;
            (list.media_sequence + list.segments.len() as u64 > count).then_some(())
        });
    }

    #[track_caller]
    fn wait_for_words(&self, words: &str) {
        wait_for(words, PATIENCE, || self.program.output().contains(words).then_some(()));
    }

    /// The port where encoders connect, which was left to the system. Keys are in no log.
    #[track_caller]
    fn port(&self, name: &str) -> String {
        let waits = format!("channel{{name=\"{name}\"}}: waiting for an encoder");
        let line = wait_for(&waits, PATIENCE, || {
            self.program.output().lines().find(|line| line.contains(&waits)).map(str::to_owned)
        });
        let rest = line.split("rtmp://127.0.0.1:").nth(1).unwrap_or_else(|| panic!("{line}"));
        rest.split('/').next().unwrap().to_owned()
    }
}

/// An encoder that sends until it is ended.
fn push(to: &str) -> Running {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=20"]);
    ffmpeg.args([
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-tune",
        "zerolatency",
        "-g",
        "20",
        "-f",
        "flv",
        to,
    ]);
    Running::start(&mut ffmpeg)
}

fn names(webroot: &Path) -> Vec<String> {
    let bytes = std::fs::read(webroot.join("channels.json")).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let channels = list["channels"].as_array().unwrap().clone();
    channels.iter().map(|channel| channel["name"].as_str().unwrap().to_owned()).collect()
}

const TESTS: &str = "size = '160x90'\nfps = 10\nsegment-duration = '1s'\nwindow = 60\n\
                     [[channel]]\nname = 'one'\nsource = 'test'\n";

#[test]
fn a_channel_that_fails_touches_no_other_and_is_tried_again() {
    let channels = Channels::start(&format!("{TESTS}[[channel]]\nname = 'two'\nsource = 'late.mp4'\n"));
    channels.wait_for_words("channel failed");
    channels.wait_for_segments("one", 3);
    assert!(!channels.path("two").exists(), "nothing is written before it begins");
    assert_eq!(names(channels.webroot.path()), ["one", "two"]);
    assert!(channels.program.output().contains("channel{name=\"two\"}"), "{}", channels.program.output());
    let one = channels.path("one");
    assert!(channels.program.interrupt().success());
    assert_clean(&one);
    assert!(read_playlist(&one).unwrap().ended, "it ends in order");
}

#[test]
fn a_file_that_is_read_again_begins_and_ends_channels_and_the_others_do_not_notice() {
    let channels = Channels::start(TESTS);
    channels.wait_for_segments("one", 2);
    channels.change(&format!("{TESTS}[[channel]]\nname = 'two'\nsource = 'test'\n"));
    channels.wait_for_segments("two", 2);
    assert_eq!(names(channels.webroot.path()), ["one", "two"]);
    channels.change("[[channel]\n");
    channels.wait_for_words("the channels stay as they are");
    channels.change(TESTS);
    wait_for("an end of two", PATIENCE, || read_playlist(&channels.path("two"))?.ended.then_some(()));
    assert_eq!(names(channels.webroot.path()), ["one"]);
    let before = read_playlist(&channels.path("one")).unwrap().segments.len() as u64;
    channels.wait_for_segments("one", before + 1);
    let playlist = read_playlist(&channels.path("one")).unwrap();
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{playlist:?}");
    let (one, two) = (channels.path("one"), channels.path("two"));
    assert!(channels.program.interrupt().success());
    assert_clean(&one);
    assert_clean(&two);
}

#[test]
fn encoders_share_a_port_and_a_channel_begins_with_the_first_of_its_own() {
    let file = "source = 'rtmp://127.0.0.1:0/live/{name}?listen=1'\ncopy = true\nsegment-duration = '1s'\nwindow = 60\n\
                [keys]\nhall = 'k1'\nstage = 'k2'\n";
    let channels = Channels::start(file);
    let port = channels.port("hall");
    assert_eq!(port, channels.port("stage"));
    let at = |path: &str| format!("rtmp://127.0.0.1:{port}/live/{path}");
    let (hall_at, stage_at) = (at("hall/k1"), at("stage/k2"));
    let refused = push(&hall_at.replace("k1", "k2"));
    assert!(!refused.wait_and_read().0.success(), "a wrong key");
    let hall = push(&hall_at);
    channels.wait_for_segments("hall", 2);
    assert!(!channels.path("stage").exists(), "nothing is written before its encoder connects");
    let stage = push(&stage_at);
    channels.wait_for_segments("stage", 2);
    hall.kill();
    let count = read_playlist(&channels.path("stage")).unwrap().segments.len() as u64;
    channels.wait_for_segments("stage", count + 2);
    let list = read_playlist(&channels.path("stage")).unwrap();
    assert!(list.segments.iter().all(|segment| !segment.discontinuity), "{list:?}");
    drop(stage);
    let said = channels.program.output();
    assert!(!said.contains("k1") && !said.contains("k2"), "a key is in the log: {said}");
    let directories = [channels.path("hall"), channels.path("stage")];
    assert!(channels.program.interrupt().success());
    directories.iter().for_each(assert_clean);
}

#[test]
fn what_belongs_to_one_stream_is_refused_beside_channels() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("channels.toml");
    std::fs::write(&file, TESTS).unwrap();
    for (words, expected) in [
        (&["test"][..], "SOURCE is for one stream"),
        (&["--fps", "25"], "--fps is for one stream"),
        (&["--webroot", "/tmp", "--low-latency"], "--low-latency is for one stream"),
    ] {
        let output = publisher().args(["live", "--channels"]).arg(&file).args(words).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_files_of_the_docs_are_files_of_channels() {
    let blocks = crate::readme::toml_blocks("docs/several-cameras.md");
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("channels.toml");
        std::fs::write(&file, &block).unwrap();
        let output = publisher().args(["live", "--dry-run", "--channels"]).arg(&file).output().unwrap();
        assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
