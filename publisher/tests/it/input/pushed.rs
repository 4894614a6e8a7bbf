//! Listening sources: real clients push to the whole program, come back, come twice, and come with a wrong key.

use super::media::{PICTURES, SOUND};
use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher};
use crate::support::wait_for;
use serde_json::{Value, json};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;

/// A publisher that waits at `address`, and where that really is.
pub struct Listening {
    pub live: LiveStream,
    pub address: String,
}

impl Listening {
    #[track_caller]
    pub fn start(webroot: &Path, address: &str) -> Self {
        Self::start_with(webroot, address, &[])
    }

    #[track_caller]
    pub fn start_with(webroot: &Path, address: &str, more: &[&str]) -> Self {
        let words = [&[address, "--size", "160x120", "--segment-duration", "500ms"], more].concat();
        let live = LiveStream::start(webroot, &words);
        let mut listening = Self { live, address: address.to_owned() };
        let waits = listening.wait_until("it waits", |status| status["frames_slate"].as_u64() > Some(0));
        assert_eq!((&waits["title"], &waits["source"]), (&json!("stream"), &json!("awaited")));
        let output = listening.live.publisher.output();
        assert!(!output.contains("KEY") && !output.contains("0123456789"), "{output}");
        let place = output.split("place=\"").nth(1).and_then(|rest| rest.split(['?', '"']).next());
        listening.address = place.expect("a place in the log").replace("/***", "/live/***");
        assert_eq!(waits["audio"]["codec"], "aac", "silence while nobody is there");
        listening
    }

    #[track_caller]
    fn wait_until(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, PATIENCE, || {
            assert!(self.live.publisher.still_runs(), "it has ended:\n{}", self.live.publisher.output());
            let status = std::fs::read(self.live.webroot.join("status.json")).ok()?;
            let status: Value = serde_json::from_slice(&status).expect("status.json is whole");
            is_so(&status).then_some(status)
        })
    }

    #[track_caller]
    fn count(&mut self, field: &str) -> u64 {
        self.wait_until("a status", |_| true)[field].as_u64().expect("a count")
    }

    /// Waits for pictures that were not there before.
    #[track_caller]
    pub fn wait_for_pictures(&mut self) {
        let before = self.count("pictures_captured");
        self.wait_until("pictures", |status| status["pictures_captured"].as_u64() > Some(before + 20));
    }

    /// Waits until it has lost so many clients, and shows the slate.
    #[track_caller]
    pub fn wait_for_loss(&mut self, losses: u64) {
        self.wait_until("the loss", |status| status["source_losses"].as_u64() == Some(losses));
        let before = self.count("frames_slate");
        let status =
            self.wait_until("the slate", |status| status["frames_slate"].as_u64() > Some(before + 5));
        assert_eq!(status["source"], "awaited");
    }
}

/// A port that nobody had a moment ago.
#[track_caller]
pub fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// The ffmpeg program, pushing in real time.
fn ffmpeg(format: &str, to: &str) -> Running {
    let inputs = ["-re", "-f", "lavfi", "-i", PICTURES, "-re", "-f", "lavfi", "-i", SOUND];
    Running::start(
        Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error"])
            .args(inputs)
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25"])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-f", format, to]),
    )
}

/// The gst-launch program, pushing pictures and sound through `muxer` to `sink`.
fn gstreamer(muxer: &str, sink: &str) -> Running {
    let pipeline = format!(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 \
         ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse config-interval=-1 \
         ! {muxer} name=muxer ! {sink} audiotestsrc is-live=true ! voaacenc ! aacparse ! muxer."
    );
    Running::start(
        Command::new("gst-launch-1.0").arg("-q").args(pipeline.split(' ').filter(|word| !word.is_empty())),
    )
}

#[test]
fn rtmp_takes_one_client_with_the_key_and_the_next_after_it() {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut listening = Listening::start(webroot.path(), "rtmp://127.0.0.1:0/live/KEY?listen=1");
    assert_unseen(&listening, "KEY");
    let place = listening.address.replace("***", "");
    let (right, wrong) = (format!("{place}KEY"), format!("{place}WRONG"));

    assert!(!ffmpeg("flv", &wrong).wait().success(), "a wrong key, while nobody is there");
    assert_eq!(listening.count("pictures_captured"), 0);
    let first = ffmpeg("flv", &right);
    listening.wait_for_pictures();
    assert!(!ffmpeg("flv", &wrong).wait().success(), "a wrong key, while somebody is there");
    assert!(!ffmpeg("flv", &right).wait().success(), "a second one with the right key");
    listening.wait_for_pictures();
    assert_eq!(listening.count("source_losses"), 0, "the first goes on");
    first.kill();
    listening.wait_for_loss(1);

    let second = ffmpeg("flv", &right);
    listening.wait_for_pictures();
    second.kill();
    listening.wait_for_loss(2);
    for (losses, sink) in [(3, "rtmp2sink"), (4, "rtmpsink")] {
        let other = gstreamer("flvmux streamable=true", &format!("{sink} location={right}"));
        listening.wait_for_pictures();
        other.kill();
        listening.wait_for_loss(losses);
    }
    assert!(listening.live.publisher.interrupt().success());
    assert_clean(webroot.path());
}

#[test]
fn with_takeover_always_the_second_client_is_on_air() {
    let webroot = tempfile::tempdir().expect("a directory");
    let address = "rtmp://127.0.0.1:0/live/KEY?listen=1";
    let mut listening = Listening::start_with(webroot.path(), address, &["--takeover", "always"]);
    let right = listening.address.replace("***", "KEY");
    let mut first = ffmpeg("flv", &right);
    listening.wait_for_pictures();
    let second = ffmpeg("flv", &right);
    assert!(!first.wait().success(), "it is sent away");
    listening.wait_for_pictures();
    second.kill();
    listening.wait_until("the loss", |status| status["source"] == "awaited");
    assert!(listening.live.publisher.interrupt().success());
    assert_clean(webroot.path());
}

/// Others on this machine do not see a word in the list of processes.
#[track_caller]
fn assert_unseen(listening: &Listening, word: &str) {
    let process = format!("/proc/{}/cmdline", listening.live.publisher.id().as_raw_nonzero());
    let seen = String::from_utf8_lossy(&std::fs::read(process).expect("a process")).into_owned();
    assert!(seen.contains("--segment-duration") && !seen.contains(word), "{seen}");
}

#[test]
fn srt_takes_one_client_with_the_passphrase_and_the_next_after_it() {
    let webroot = tempfile::tempdir().expect("a directory");
    let port = free_udp_port();
    let address = format!("srt://127.0.0.1:{port}?mode=listener&passphrase=0123456789");
    let mut listening = Listening::start(webroot.path(), &address);
    assert_unseen(&listening, "0123456789");
    let place = format!("{}?mode=caller&pkt_size=1316", listening.address);
    let (right, wrong) = (format!("{place}&passphrase=0123456789"), format!("{place}&passphrase=9876543210"));

    assert!(!ffmpeg("mpegts", &wrong).wait().success(), "a wrong passphrase");
    assert!(!ffmpeg("mpegts", &place).wait().success(), "no passphrase");
    let first = ffmpeg("mpegts", &right);
    listening.wait_for_pictures();
    assert!(!ffmpeg("mpegts", &right).wait().success(), "a second one");
    listening.wait_for_pictures();
    assert_eq!(listening.count("source_losses"), 0, "the first goes on");
    first.interrupt();
    listening.wait_for_loss(1);

    let sink = format!("srtsink uri={}?mode=caller passphrase=0123456789", listening.address);
    let second = gstreamer("mpegtsmux alignment=7", &sink);
    listening.wait_for_pictures();
    second.kill();
    listening.wait_for_loss(2);
    assert!(listening.live.publisher.interrupt().success());
    assert_clean(webroot.path());
}

#[test]
fn tcp_takes_one_client_after_the_other() {
    let webroot = tempfile::tempdir().expect("a directory");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut listening = Listening::start(webroot.path(), &format!("tcp://127.0.0.1:{port}?listen=1"));
    for losses in 1..=2 {
        let client = ffmpeg("mpegts", &listening.address);
        listening.wait_for_pictures();
        client.kill();
        listening.wait_for_loss(losses);
    }
    assert!(listening.live.publisher.interrupt().success());
}

#[test]
fn who_pushes_what_cannot_be_used_does_not_close_the_door() {
    let webroot = tempfile::tempdir().expect("a directory");
    let words = ["rtmp://127.0.0.1:0/live/KEY?listen=1", "--no-video", "--segment-duration", "500ms"];
    let mut live = LiveStream::start(webroot.path(), &words);
    live.wait_for_segment(1);
    let output = live.publisher.output();
    let place = output.split("place=\"").nth(1).and_then(|rest| rest.split(['?', '"']).next());
    let right = place.expect("a place in the log").replace("/***", "/live/KEY");
    let silent = Running::start(
        Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", PICTURES, "-c:v", "libx264"])
            .args(["-f", "flv", &right]),
    );
    wait_for("a warning", PATIENCE, || {
        live.publisher.output().contains("has no sound; it holds: video (h264)").then_some(())
    });
    drop(silent);
    let _both = ffmpeg("flv", &right);
    wait_for("sound", PATIENCE, || live.publisher.output().contains("source connected").then_some(()));
    assert_eq!(live.count("pictures_captured"), 0);
}

#[track_caller]
fn check_refused(source: &str, expected: &str) {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut publisher = publisher();
    publisher.args(["live", source, "--webroot"]).arg(webroot.path());
    let (status, output) = Running::start(&mut publisher).wait_and_read();
    assert!(!status.success() && output.contains(expected), "{output}");
    assert!(!output.contains("KEY"), "{output}");
}

#[test]
fn a_port_that_is_not_to_be_had_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    check_refused(
        &format!("rtmp://127.0.0.1:{port}/live/KEY?listen=1"),
        &format!("port {port} is in use by another program; stop it, or use another port"),
    );
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    check_refused(
        &format!("srt://127.0.0.1:{port}?mode=listener"),
        &format!("port {port} is in use by another program; stop it, or use another port"),
    );
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    check_refused(
        &format!("tcp://127.0.0.1:{port}?listen=1"),
        "address already in use; is the port free, and is the address right?",
    );
    check_refused("rtmp://192.0.2.1:1935/live/KEY?listen=1", "this machine has no such address");
}

#[test]
fn a_client_that_hangs_in_the_middle_of_asking_holds_up_nobody() {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut listening = Listening::start(webroot.path(), "rtmp://127.0.0.1:0/live/KEY?listen=1");
    let right = listening.address.replace("***", "KEY");
    let host = right.trim_start_matches("rtmp://").split('/').next().expect("a host").to_owned();
    let _silent = std::net::TcpStream::connect(host).expect("a door");
    let _pictures = ffmpeg("flv", &right);
    listening.wait_for_pictures();
    assert!(listening.live.publisher.interrupt().success(), "with both still there");
}
