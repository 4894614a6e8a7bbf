//! Session descriptions: files that say where RTP is sent to, as drones and RTP senders write them.

use std::path::Path;
use std::process::Command;

use super::media::{PICTURES, SOUND, settings};
use crate::support::check::assert_clean;
use crate::support::media::stated;
use crate::support::programs::{LiveStream, PATIENCE, Running};
use crate::support::wait_for;
use livedir_publisher::source::SourceError;
use livedir_publisher::source::input::{self, InputAddress};
use std::net::UdpSocket;

/// A port of which the next one, for RTCP, is free too.
fn rtp_port() -> u16 {
    let is_free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let even = || {
        let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
        let port = socket.local_addr().ok()?.port() & !1;
        drop(socket);
        (is_free(port) && is_free(port + 1)).then_some(port)
    };
    (0..1000).find_map(|_| even()).expect("two ports")
}

/// The ffmpeg program, sending pictures and sound by RTP; it writes the description.
fn send(description: &Path) -> Running {
    let place = || format!("rtp://127.0.0.1:{}", rtp_port());
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", PICTURES]);
    ffmpeg.args(["-re", "-f", "lavfi", "-i", SOUND, "-map", "0", "-c:v", "libx264", "-preset", "ultrafast"]);
    ffmpeg.args(["-pix_fmt", "yuv420p", "-g", "25"]).args(["-tune", "zerolatency", "-f", "rtp"]).arg(place());
    ffmpeg.args(["-map", "1", "-c:a", "aac", "-f", "rtp"]).arg(place()).arg("-sdp_file").arg(description);
    let sender = Running::start(&mut ffmpeg);
    wait_for("the description", PATIENCE, || {
        let text = std::fs::read_to_string(description).ok()?;
        text.contains("m=audio").then_some(())
    });
    sender
}

#[test]
fn rtp_of_a_session_description_is_encoded_and_copied_and_a_slate_stands_in_for_it() {
    let directory = tempfile::tempdir().unwrap();
    for words in [&["--size", "160x120"][..], &["--copy"], &["--copy", "--low-latency"]] {
        let description = directory.path().join(format!("drone{}.SDP", words.concat()));
        let sender = send(&description);
        let webroot = tempfile::tempdir().unwrap();
        let source = description.to_str().expect("a plain path");
        let words = [&[source, "--segment-duration", "1s", "--window", "60"], words].concat();
        let mut live = LiveStream::start(webroot.path(), &words);
        live.wait_for_segment(4);
        sender.kill();
        wait_for("the slate", PATIENCE, || (live.count("frames_slate") >= 20).then_some(()));
        assert!(live.publisher.interrupt().success());
        assert_clean(webroot.path());
        let first = webroot.path().join("live/seg-00000002.ts");
        let streams = ["v", "a"].map(|medium| stated(&first, medium, "codec_name")).concat();
        assert!(streams.contains("h264") && streams.contains("aac"), "{words:?}: {streams}");
    }
}

#[test]
fn what_is_no_session_description_or_is_sent_by_nobody_is_told_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let check = |name: &str, text: Option<&str>, expected: &str| {
        let path = directory.path().join(name);
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let error = input::open(&settings(InputAddress::of_path(path))).err().expect("an error");
        let line = SourceError::from(error).to_string();
        assert!(line.contains(expected) && line.lines().count() == 1, "{line}");
    };
    check("none.sdp", None, "no such file");
    check("text.sdp", Some("not a description\n"), "write in it where RTP comes to");
    let nobody = format!(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video {} RTP/AVP 96\r\n\
         a=rtpmap:96 H264/90000\r\n",
        rtp_port()
    );
    check("nobody.sdp", Some(&nobody), "does somebody send to the addresses and ports in it?");
}
