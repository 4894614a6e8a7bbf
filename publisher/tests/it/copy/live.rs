//! Live sources that are copied: pushed to us, sent past us, lost and back again.

use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::input::media::{PICTURES, SOUND, made};
use crate::support::check::assert_clean;
use crate::support::media::stated;
use crate::support::programs::{LiveStream, PATIENCE, Running, read_playlist};
use crate::support::wait_for;

/// The ffmpeg program, sending in real time.
fn send(format: &str, to: &str) -> Running {
    send_with_keyframes(25, format, to)
}

/// The same with a keyframe each `gop` pictures.
fn send_with_keyframes(gop: u32, format: &str, to: &str) -> Running {
    let inputs = ["-re", "-f", "lavfi", "-i", PICTURES, "-re", "-f", "lavfi", "-i", SOUND];
    Running::start(
        Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error"])
            .args(inputs)
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", &gop.to_string()])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-f", format, to]),
    )
}

#[track_caller]
pub(super) fn wait_for_words(live: &LiveStream, words: &str) {
    wait_for(words, PATIENCE, || live.publisher.output().contains(words).then_some(()));
}

/// Where the publisher listens for RTMP, which was left to the system.
#[track_caller]
pub(super) fn rtmp_place(live: &LiveStream) -> String {
    wait_for("the place", PATIENCE, || {
        let output = live.publisher.output();
        let (_, rest) = output.split_once("127.0.0.1:")?;
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (port != "0").then(|| format!("rtmp://127.0.0.1:{port}/live/KEY"))
    })
}

#[test]
fn what_is_pushed_is_copied_and_who_comes_back_goes_on_after_a_break() {
    let directory = tempfile::tempdir().unwrap();
    let address = "rtmp://127.0.0.1:0/live/KEY?listen=1";
    let words = [address, "--copy", "--no-slate", "--low-latency", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &words);
    let place = rtmp_place(&live);
    let first = send("flv", &place);
    live.wait_for_segment(3);
    first.kill();
    wait_for_words(&live, "source lost");
    let listed = live.playlist().expect("a playlist").next_media_sequence();
    let _second = send("flv", &place);
    live.wait_for_segment(listed + 3);
    assert_eq!(live.count("source_losses"), 1);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    assert_eq!(playlist.segments.iter().filter(|segment| segment.discontinuity).count(), 1);
}

pub(super) fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

#[test]
fn transport_stream_that_is_sent_by_udp_is_copied_from_its_middle() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_udp_port();
    let _sender = send("mpegts", &format!("udp://127.0.0.1:{port}?pkt_size=1316"));
    let address = format!("udp://127.0.0.1:{port}");
    let words = [&*address, "--copy", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &words);
    live.wait_for_segment(4);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    // What is cut off at the end is the rest.
    let whole = playlist.segments.iter().rev().skip(1);
    assert!(
        whole.map(|segment| segment.duration_90k).all(|duration_90k| duration_90k == 90_000),
        "{playlist:?}"
    );
}

#[test]
fn who_comes_back_by_srt_goes_on_after_a_break_and_meanwhile_the_playlist_waits() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_udp_port();
    let listener = format!("srt://127.0.0.1:{port}?mode=listener&passphrase=0123456789");
    let caller = format!("srt://127.0.0.1:{port}?mode=caller&passphrase=0123456789");
    let words = [&*listener, "--copy=auto", "--no-slate", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &words);
    wait_for_words(&live, "waiting for an encoder");
    let first = send("mpegts", &caller);
    live.wait_for_segment(3);
    first.kill();
    wait_for_words(&live, "source lost");
    let away = Instant::now();
    let waiting = live.playlist().expect("a playlist");
    assert!(!waiting.ended);
    wait_for("some time", PATIENCE, || (away.elapsed() > Duration::from_secs(3)).then_some(()));
    assert_eq!(live.playlist().as_ref(), Some(&waiting), "nothing stands in for what is away");
    let _second = send("mpegts", &caller);
    live.wait_for_segment(waiting.next_media_sequence() + 2);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    let breaks = playlist.segments.iter().filter(|segment| segment.discontinuity);
    assert_eq!(breaks.count(), 1, "{playlist:?}");
}

#[test]
fn half_a_picture_before_a_connection_breaks_off_is_left_out() {
    let noise = "testsrc2=size=320x240:rate=25,noise=alls=40:allf=t";
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-pix_fmt", "yuv420p"];
    let film = made("noise.ts", &[&["-f", "lavfi", "-i", noise, "-t", "4"][..], &coding].concat());
    let bytes = std::fs::read(film).expect("a film");
    // Each picture takes many packets: the cut goes through one.
    let cut = bytes.len() / 188 * 3 / 4 * 188;
    let is_start = |packet: &[u8]| packet[1] & 0x40 != 0;
    let within = |at: &usize| !is_start(&bytes[*at..]) && !is_start(&bytes[*at - 188..]);
    let cut = (cut..bytes.len()).step_by(188).find(within);
    let cut = cut.expect("within a picture");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("tcp://{}", listener.local_addr().expect("an address"));
    let sender = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        connection.write_all(&bytes[..cut]).expect("somebody reads");
    });
    let directory = tempfile::tempdir().unwrap();
    let words = [&*url, "--copy", "--no-slate", "--window", "60", "--segment-duration", "1s"];
    let live = LiveStream::start(directory.path(), &words);
    wait_for_words(&live, "source lost");
    sender.join().expect("the sender");
    assert!(live.publisher.interrupt().success());
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(directory.path().join("stream.m3u8"))
        .args(["-f", "null", "-"])
        .output()
        .expect("the ffmpeg program");
    assert_eq!(String::from_utf8_lossy(&decoded.stderr), "");
    let playlist = read_playlist(directory.path()).expect("a playlist");
    let length_90k: u64 = playlist.segments.iter().map(|segment| segment.duration_90k).sum();
    assert!(length_90k > 2 * 90_000, "{playlist:?}");
}

#[test]
fn who_cannot_be_copied_is_sent_away_and_the_next_one_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_udp_port();
    let caller = format!("srt://127.0.0.1:{port}?mode=caller");
    let words = [&*format!("srt://127.0.0.1:{port}?mode=listener"), "--copy", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &words);
    wait_for_words(&live, "waiting for an encoder");
    let unfit = send_with_keyframes(250, "mpegts", &caller);
    wait_for_words(&live, "its keyframes are");
    unfit.kill();
    assert!(live.publisher.still_runs());
    let _fit = send("mpegts", &caller);
    live.wait_for_segment(2);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
}

#[test]
fn with_auto_a_later_client_that_cannot_be_copied_is_encoded_and_the_stream_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_udp_port();
    let caller = format!("srt://127.0.0.1:{port}?mode=caller");
    let listener = format!("srt://127.0.0.1:{port}?mode=listener");
    let words = [&*listener, "--copy=auto", "--segment-duration", "1s", "--size", "96x72", "--window", "60"];
    let mut live = LiveStream::start(directory.path(), &[&words[..], &["--low-latency"]].concat());
    wait_for_words(&live, "waiting for an encoder");
    let fit = send("mpegts", &caller);
    live.wait_for_segment(3);
    fit.kill();
    wait_for_words(&live, "source lost");
    let copied = live.playlist().expect("a playlist").next_media_sequence();
    // Who is sent away comes again, as OBS does.
    let unfit = send_with_keyframes(250, "mpegts", &caller);
    wait_for_words(&live, "the stream goes on encoded");
    assert!(!live.playlist().expect("a playlist").ended, "it does not end");
    unfit.kill();
    let _again = wait_for("the place to be open again", PATIENCE, || {
        let mut sender = send_with_keyframes(250, "mpegts", &caller);
        wait_for("a refusal or a connection", PATIENCE, || {
            let is_connected = live.publisher.output().contains("source connected");
            (is_connected || !sender.still_runs()).then_some(is_connected)
        })
        .then_some(sender)
    });
    live.wait_for_segment(copied + 3);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    assert!(playlist.ended && playlist.media_sequence == 1, "{playlist:?}");
    let breaks = playlist.segments.iter().filter(|segment| segment.discontinuity);
    assert!(breaks.count() >= 1, "{playlist:?}");
}

/// Pictures that are listed.
fn listed(live: &LiveStream) -> u64 {
    let ticks_90k: u64 =
        live.playlist().map_or(0, |it| it.segments.iter().map(|segment| segment.duration_90k).sum());
    ticks_90k / 3_600
}

#[test]
fn sound_that_stops_makes_the_pictures_no_later() {
    let directory = tempfile::tempdir().unwrap();
    let words = ["rtmp://127.0.0.1:0/live/KEY?listen=1", "--copy", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &[&words[..], &["--window", "60"]].concat());
    let place = rtmp_place(&live);
    let sound = format!("{SOUND}:duration=3");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", &sound]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25"]);
    ffmpeg.args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-flvflags", "no_duration_filesize", "-f", "flv"]);
    let _sender = Running::start(ffmpeg.args(["-max_interleave_delta", "100000", &place]));
    live.wait_for_segment(8);
    // A segment that is being written, and what was waited for: those 5 s that video waits at most would be 125 pictures.
    wait_for("pictures that are no later", PATIENCE, || {
        let captured = live.count("pictures_captured");
        (listed(&live) + 75 >= captured && captured > 250).then_some(())
    });
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
}

#[test]
fn with_auto_who_cannot_be_copied_stays_connected_and_is_seen_encoded() {
    // A keyframe each two seconds is too few for segments of one.
    for is_first in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let address = "rtmp://127.0.0.1:0/live/KEY?listen=1";
        let words = [address, "--copy=auto", "--low-latency", "--segment-duration", "1s", "--window", "60"];
        let mut live = LiveStream::start(directory.path(), &words);
        let place = rtmp_place(&live);
        if !is_first {
            let first = send("flv", &place);
            live.wait_for_segment(3);
            first.kill();
            wait_for_words(&live, "source lost");
        }
        let promised = || std::fs::read_to_string(directory.path().join("ll.m3u8")).unwrap_or_default();
        let head = |text: &str| {
            let lines = text.lines().filter(|line| line.contains("TARGET")).map(str::to_owned);
            lines.collect::<Vec<_>>()
        };
        let before = head(&promised());
        let mut second = send_with_keyframes(50, "flv", &place);
        wait_for_words(&live, "encoded");
        let listed = live.playlist().map_or(0, |it| it.next_media_sequence());
        live.wait_for_segment(listed + 4);
        assert!(second.still_runs(), "it was sent away: {}", second.output());
        assert_eq!(
            live.publisher.output().matches("encoder connected").count(),
            if is_first { 1 } else { 2 }
        );
        if !is_first {
            assert_eq!(head(&promised()), before, "players were promised something else");
        }
        assert!(live.publisher.interrupt().success());
        assert_clean(directory.path());
    }
}

#[test]
fn sound_that_is_announced_and_comes_later_is_heard_from_then_on() {
    let late = ["-f", "lavfi", "-i", PICTURES, "-itsoffset", "4", "-f", "lavfi", "-i", SOUND, "-t", "12"];
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-c:a", "aac"];
    let film = made("late-sound.ts", &[&late[..], &coded].concat());
    for copy in ["--copy", "--copy=auto"] {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("tcp://127.0.0.1:{port}?listen=1");
        let words = [&*address, copy, "--segment-duration", "1s", "--window", "60"];
        let mut live = LiveStream::start(directory.path(), &words);
        wait_for_words(&live, "waiting for an encoder");
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-re", "-i"]).arg(&film).args(["-c", "copy", "-f", "mpegts"]);
        ffmpeg.args(["-max_interleave_delta", "100000", &format!("tcp://127.0.0.1:{port}")]);
        let _sender = Running::start(&mut ffmpeg);
        live.wait_for_segment(9);
        assert!(live.publisher.interrupt().success());
        let last = directory.path().join("live/seg-00000008.ts");
        assert!(stated(&last, "a", "codec_name").contains("aac"), "{copy}");
    }
}
