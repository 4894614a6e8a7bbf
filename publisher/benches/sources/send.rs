//! Ways to send a film in real time. Each tells when it handed which picture to its connection.

use crate::kinds::Way;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::media::Type;
use ffmpeg_next::{Packet, Rational, codec, format};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// Time for a program to open its door.
const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub struct Sent {
    pub began: SystemTime,
    pub ended: SystemTime,
    /// When each picture was sent, by its number.
    pub pictures: BTreeMap<u64, SystemTime>,
}

/// The numbers of the pictures of a film.
pub fn numbers(film: &Path, fps: f64) -> BTreeMap<u64, SystemTime> {
    let mut input = format::input(film).expect("a film");
    let mut count = Numbers::new(fps);
    let now = SystemTime::now();
    let of = |(stream, packet): (format::stream::Stream, Packet)| {
        let is_picture = stream.parameters().medium() == Type::Video;
        is_picture.then(|| (count.of(&packet, stream.time_base()), now))
    };
    input.packets().filter_map(of).collect()
}

/// Pictures are numbered by their times.
struct Numbers {
    fps: f64,
    first_s: Option<f64>,
}

impl Numbers {
    fn new(fps: f64) -> Self {
        Self { fps, first_s: None }
    }

    fn of(&mut self, packet: &Packet, time_base: Rational) -> u64 {
        let pts_s = packet.pts().expect("a time") as f64 * f64::from(time_base);
        let first_s = *self.first_s.get_or_insert(pts_s);
        ((pts_s - first_s) * self.fps).round() as u64
    }
}

/// Reads a film in real time; `write` is false when nobody takes it any more.
fn play(film: &Path, fps: f64, mut write: impl FnMut(Packet, usize) -> bool) -> Sent {
    let mut input = format::input(film).expect("a film");
    let (began, began_at) = (SystemTime::now(), Instant::now());
    let (mut count, mut first_s, mut pictures) = (Numbers::new(fps), None, BTreeMap::new());
    for (stream, packet) in input.packets() {
        let dts_s = packet.dts().expect("a time") as f64 * f64::from(stream.time_base());
        let due_s = (dts_s - *first_s.get_or_insert(dts_s)).max(0.0);
        let due = began_at + Duration::from_secs_f64(due_s);
        // Real time: the source's own pace.
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if stream.parameters().medium() == Type::Video {
            pictures.insert(count.of(&packet, stream.time_base()), SystemTime::now());
        }
        if !write(packet, stream.index()) {
            break;
        }
    }
    Sent { began, ended: SystemTime::now(), pictures }
}

fn write_bytes(to: &mut impl Write, before: &str, packet: &Packet) -> bool {
    let head = before.replace("BYTES", &packet.size().to_string());
    let bytes = [head.as_bytes(), packet.data().unwrap_or_default()].concat();
    to.write_all(&bytes).and_then(|()| to.flush()).is_ok()
}

/// As a program on the other side of a pipe writes it.
pub fn pipe(film: &Path, fps: f64, mut to: ChildStdin) -> Sent {
    play(film, fps, |packet, _| write_bytes(&mut to, "", &packet))
}

/// A client of RTMP: libavformat, as the ffmpeg program and OBS have it.
pub fn push(film: &Path, fps: f64, place: &str) -> Sent {
    let mut output = knock(place);
    let input = format::input(film).expect("a film");
    for stream in input.streams() {
        let mut sent = output.add_stream(codec::Id::None).expect("room for a stream");
        sent.set_parameters(stream.parameters());
    }
    output.write_header().expect("a server that takes it");
    let from: Vec<_> = input.streams().map(|stream| stream.time_base()).collect();
    let to: Vec<_> = output.streams().map(|stream| stream.time_base()).collect();
    let sent = play(film, fps, |mut packet, stream| {
        packet.rescale_ts(from[stream], to[stream]);
        packet.write(&mut output).is_ok()
    });
    let _ = output.write_trailer();
    sent
}

/// Until somebody opens.
fn knock(place: &str) -> Output {
    let until = Instant::now() + DEADLINE;
    loop {
        match format::output_as(place, "flv") {
            Ok(output) => return output,
            Err(error) => assert!(Instant::now() < until, "nobody opens at {place}: {error}"),
        }
        std::thread::sleep(POLL);
    }
}

/// A camera or a station that answers the first call over HTTP.
pub fn answer(film: &Path, fps: f64, listener: TcpListener, way: Way) -> Sent {
    let mut caller = called(&listener);
    drop(listener);
    read_request(&caller);
    let (kind, before) = match way {
        Way::HttpPictures => (
            "multipart/x-mixed-replace; boundary=picture",
            "--picture\r\nContent-Type: image/jpeg\r\nContent-Length: BYTES\r\n\r\n",
        ),
        _ => ("audio/mpeg", ""),
    };
    let head = format!("HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n");
    caller.write_all(head.as_bytes()).expect("a caller");
    play(film, fps, |packet, _| {
        write_bytes(&mut caller, before, &packet) && (before.is_empty() || caller.write_all(b"\r\n").is_ok())
    })
}

/// The first call, which has to come in time: the program may have ended.
fn called(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("a listener");
    let deadline = Instant::now() + DEADLINE;
    let caller = loop {
        match listener.accept() {
            Ok((caller, _)) => break caller,
            Err(error) => assert!(Instant::now() < deadline, "no program has called: {error}"),
        }
        std::thread::sleep(POLL);
    };
    caller.set_nonblocking(false).expect("a connection");
    caller
}

fn read_request(caller: &TcpStream) {
    let lines = BufReader::new(caller).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).for_each(drop);
}

/// A server of RTSP, the same as in the tests.
pub struct Camera {
    program: Child,
    said: BufReader<ChildStdout>,
    port: u16,
}

impl Camera {
    pub fn start(film: &Path) -> Self {
        // What passes "sent" is due.
        let films = format!(
            "( filesrc location={} ! qtdemux name=film \
             film.video_0 ! queue ! h264parse ! identity name=sent sync=true ! rtph264pay name=pay0 config-interval=-1 \
             film.audio_0 ! queue ! identity sync=true ! rtppcmapay name=pay1 )",
            film.display()
        );
        // The system's own Python: only that one has GStreamer's bindings.
        let mut program = Command::new("/usr/bin/python3")
            .args(["-c", include_str!("../../tests/it/support/camera.py"), "TCP", &films])
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python is installed by `just setup-tests`");
        let mut said = BufReader::new(program.stdout.take().expect("a pipe"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a port");
        let port = line.trim().strip_prefix("port ").and_then(|port| port.parse().ok());
        Self { program, said, port: port.unwrap_or_else(|| panic!("no port in {line:?}")) }
    }

    pub fn address(&self) -> String {
        format!("rtsp://127.0.0.1:{}/cam", self.port)
    }

    /// Until all of the film was sent.
    pub fn film(mut self, fps: f64) -> Sent {
        let mut pictures = BTreeMap::new();
        for line in self.said.by_ref().lines().map_while(Result::ok).take_while(|line| line != "over") {
            let mut words = line.split(' ').skip(1).map(|word| word.parse::<f64>().expect("seconds"));
            let (Some(pts_s), Some(at_s)) = (words.next(), words.next()) else { continue };
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(at_s);
            pictures.insert((pts_s * fps).round() as u64, at);
        }
        let ended = SystemTime::now();
        Sent { began: pictures.values().next().copied().unwrap_or(ended), ended, pictures }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
