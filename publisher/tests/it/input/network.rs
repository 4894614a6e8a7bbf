//! Sources on the loopback network: live ones that stall and end, a film over HTTP, and nobody at all.

use super::media::{
    Content, Got, PATIENCE, film, moments, ms_between, next, play, sender, sender_as, settings, steps_ms,
};
use crate::support::programs::LiveStream;
use crate::support::wait_for;
use livedir_publisher::captured::Captured;
use livedir_publisher::source::Read::Here;
use livedir_publisher::source::input::{self, InputAddress, InputError, InputSettings};
use livedir_publisher::source::open::open_or_listen;
use livedir_publisher::source::{Source, SourceError};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

fn url(url: String) -> InputSettings {
    settings(InputAddress::Url(url))
}

fn is_picture(piece: &Got) -> bool {
    matches!(piece.content, Content::Picture { .. })
}

/// Ends the process when the test ends.
struct Sender(Child);

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_live_stream_that_stalls_is_live_again_afterwards() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    let mut sender = Sender(sender("pipe:1"));
    let mut stream = sender.0.stdout.take().expect("a pipe");
    let stalled = Arc::new(AtomicBool::new(false));
    let (stalled_there, (over, is_over)) = (stalled.clone(), mpsc::channel::<()>());
    let network = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut held = Vec::new();
        let mut buffer = [0; 1316];
        while is_over.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
            let length = stream.read(&mut buffer).expect("a stream");
            held.extend_from_slice(&buffer[..length]);
            if !stalled_there.load(Ordering::Relaxed) {
                connection.write_all(&held).expect("a reader");
                held.clear();
            }
        }
    });

    let mut input = input::open(&url(address)).expect("a stream");
    let mut pieces = Vec::new();
    let mut read_for = |input: &mut input::Input, span: Duration| {
        let until = Instant::now() + span;
        let before = pieces.len();
        while Instant::now() < until {
            match input.read(Duration::from_millis(20)).expect("a stream") {
                livedir_publisher::source::Read::Captured(
                    livedir_publisher::captured::Captured::Picture(picture),
                ) => {
                    pieces.push((picture.captured_at, Instant::now()));
                }
                livedir_publisher::source::Read::End => panic!("a live stream does not end"),
                _ => {}
            }
        }
        pieces[before..].to_vec()
    };
    let before = read_for(&mut input, Duration::from_secs(2));
    stalled.store(true, Ordering::Relaxed);
    read_for(&mut input, Duration::from_millis(2200));
    stalled.store(false, Ordering::Relaxed);
    read_for(&mut input, Duration::from_millis(500));
    let after = read_for(&mut input, Duration::from_secs(1));
    assert!(before.len() > 30 && after.len() > 15, "{} pictures, then {}", before.len(), after.len());

    let all: Vec<Instant> = pieces.iter().map(|&(captured_at, _)| captured_at).collect();
    let (_, most) = steps_ms(&all);
    assert!(most < 400.0, "the stall left a hole of {most} ms in the capture times");
    let late =
        pieces.iter().map(|&(captured_at, got_at)| ms_between(captured_at, got_at)).fold(0.0, f64::max);
    assert!(late > 100.0, "what came after the stall says when it was due: {late} ms late at most");
    let last_late =
        after.iter().map(|&(captured_at, got_at)| ms_between(captured_at, got_at)).fold(f64::MAX, f64::min);
    assert!(last_late < 500.0, "after the stall all is on time again, {last_late} ms");

    drop(over);
    network.join().expect("no panic");
    let error = loop {
        match next(&mut input) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a live source does not end"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SourceError::Lost(_)), "{error}");
    assert!(error.to_string().ends_with("has ended the stream"), "{error}");
}

#[test]
fn a_udp_stream_is_received_from_its_middle() {
    let port = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let _sender = Sender(sender(&format!("udp://127.0.0.1:{port}?pkt_size=1316")));
    let mut input = input::open(&url(format!("udp://127.0.0.1:{port}"))).expect("a stream");
    assert_eq!((input.format().width, input.format().has_sound), (160, true));
    let mut pieces = Vec::new();
    while pieces.iter().filter(|piece| is_picture(piece)).count() < 25 {
        pieces.push(next(&mut input).expect("a stream").expect("no end"));
    }
    assert!(!moments(&pieces, false).is_empty());
}

/// Serves one directory over HTTP for as long as the process lives.
fn http_server(files: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let files = files.clone();
            std::thread::spawn(move || answer(&files, connection));
        }
    });
    address
}

/// Answers one request; whoever hangs up early is not of interest.
fn answer(files: &Path, mut connection: TcpStream) -> Option<()> {
    let mut lines = BufReader::new(connection.try_clone().ok()?).lines().map_while(Result::ok);
    let request = lines.next()?;
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let name = request.split(' ').nth(1)?.trim_start_matches('/');
    let (status, bytes) = match std::fs::read(files.join(name)) {
        Ok(bytes) => ("200 OK", bytes),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    connection.write_all(head.as_bytes()).ok()?;
    connection.write_all(&bytes).ok()
}

#[test]
fn a_film_over_http_is_played_to_its_end() {
    let film = film("front.mp4", &["-movflags", "+faststart"]);
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::copy(film, dir.path().join("film.mp4")).expect("room");
    let server = http_server(dir.path().to_owned());
    let pieces = play(&mut input::open(&url(format!("{server}/film.mp4"))).expect("a film"));
    let pictures = moments(&pieces, true);
    let (least, most) = steps_ms(&pictures);
    assert!(
        pictures.len() == 25 && least > 39.0 && most < 41.0,
        "{} pictures, {least} to {most} ms",
        pictures.len()
    );
    assert_eq!(
        input::open(&url(format!("{server}/none.mp4"))).err().expect("an error").to_string(),
        format!("cannot reach {server}/none.mp4: path not found (404); is the path right?")
    );
}

#[test]
fn a_live_hls_stream_is_played_without_a_hole_and_to_its_end() {
    let webroot = tempfile::tempdir().expect("a directory");
    let words = ["test", "--size", "160x120", "--segment-duration", "1s"];
    let mut live = LiveStream::start(webroot.path(), &words);
    live.wait_for_segment(4);
    let server = http_server(webroot.path().to_owned());
    let mut input = input::open(&url(format!("{server}/stream.m3u8"))).expect("a stream");
    let mut pieces = Vec::new();
    while moments(&pieces, true).len() < 120 {
        pieces.push(next(&mut input).expect("a stream").expect("no end"));
    }
    assert!(live.publisher.interrupt().success());
    while let Some(piece) = next(&mut input).expect("an end, and not a loss") {
        pieces.push(piece);
    }
    let (_, most) = steps_ms(&moments(&pieces, true));
    assert!(most < 900.0, "a hole of {most} ms: a segment of a second is missing");
}

/// Calls it until it answers: ffmpeg does not say when it listens.
fn pulled(address: &str) -> input::Input {
    wait_for("somebody who sends", PATIENCE, || input::open(&url(address.to_owned())).ok())
}

#[test]
fn a_stream_is_pulled_from_rtmp_and_srt_servers() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    for (format, server, client) in [
        ("flv", format!("rtmp://{tcp}/live/1?listen=1"), format!("rtmp://{tcp}/live/1")),
        ("mpegts", format!("srt://{udp}?mode=listener"), format!("srt://{udp}")),
    ] {
        let _sender = Sender(sender_as(format, &server));
        let mut input = pulled(&client);
        let mut pieces = Vec::new();
        while moments(&pieces, true).len() < 25 || moments(&pieces, false).is_empty() {
            pieces.push(next(&mut input).expect("a stream").expect("no end"));
        }
    }
}

#[test]
fn a_multicast_group_is_joined() {
    let port = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let group = format!("udp://239.255.7.7:{port}?localaddr=127.0.0.1");
    let mut source = open_or_listen(&url(group.clone())).expect("a place to wait at");
    assert_eq!(source.format().description, format!("waiting for an encoder to connect to {group}"));
    let _sender = Sender(sender(&format!("{group}&pkt_size=1316")));
    let deadline = Instant::now() + PATIENCE;
    let (mut here, mut pictures) = (None, 0);
    while pictures < 25 && Instant::now() < deadline {
        match source.read(Duration::from_millis(100)).expect("it waits") {
            Here(description) => here = Some(description),
            livedir_publisher::source::Read::Captured(Captured::Picture(picture)) => {
                assert_eq!((picture.frame.width(), picture.frame.height()), (160, 120));
                pictures += 1;
            }
            _ => {}
        }
    }
    assert_eq!((pictures, here), (25, Some(format!("{group}, h264 at 25 fps, aac sound"))));
}

#[test]
fn a_playlist_from_the_net_cannot_read_local_files() {
    let film = film("film.ts", &["-muxdelay", "0", "-pat_period", "0.1"]);
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::copy(&film, dir.path().join("own.ts")).expect("room");
    let playlist = |uri: &str| {
        format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXTINF:3.0,\n{uri}\n#EXT-X-ENDLIST\n")
    };
    std::fs::write(dir.path().join("fair.m3u8"), playlist("own.ts")).expect("room");
    std::fs::write(dir.path().join("foul.m3u8"), playlist(&format!("file://{}", film.display())))
        .expect("room");
    let server = http_server(dir.path().to_owned());
    let fair = input::open(&url(format!("{server}/fair.m3u8")));
    assert!(fair.is_ok(), "{:?}", fair.err());
    assert!(input::open(&url(format!("{server}/foul.m3u8"))).is_err());
}

#[test]
fn nobody_there_is_said_in_one_line() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    for scheme in ["rtsp", "rtmp", "http", "tcp"] {
        let error =
            input::open(&url(format!("{scheme}://me:secret@127.0.0.1:{port}/1"))).err().expect("an error");
        // The path of RTMP is the stream's key.
        let path = if scheme == "rtmp" { "***" } else { "1" };
        let expected =
            format!("cannot reach {scheme}://***@127.0.0.1:{port}/{path}: connection refused; is the ");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    for address in ["gopher://host/", "file:///etc/passwd", "concat://a", "nonsense", ""] {
        let error = input::open(&url(address.to_owned())).err();
        assert!(matches!(error, Some(InputError::Protocol { .. })), "{address}: {error:?}");
    }
}

#[test]
fn whoever_answers_and_says_nothing_does_not_hold_up_the_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let settings = url(format!("rtsp://{}/1", listener.local_addr().expect("an address")));
    let stop = settings.stop.clone();
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || done.send(input::open(&settings).err()));
    let _connection = listener.accept().expect("a connection");
    stop.store(true, Ordering::Relaxed);
    let error = is_done.recv_timeout(PATIENCE).expect("an answer");
    assert!(matches!(error, Some(InputError::Stopped(_))), "{error:?}");
}
