//! A live source on the loopback network that can be taken away and given back: MPEG-TS over TCP, from the ffmpeg program.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// While it is away whoever connects is sent off again.
pub struct LiveSource {
    address: SocketAddr,
    is_there: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LiveSource {
    /// Starts it, with a test picture and a tone; it is there at once.
    #[track_caller]
    pub fn start() -> Self {
        let picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=20"];
        let sound = ["-re", "-f", "lavfi", "-i", "sine=sample_rate=48000"];
        let coded =
            ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-c:a", "aac"];
        Self::sending([&picture[..], &sound, &coded].concat().into_iter().map(str::to_owned).collect())
    }

    /// Starts it with what OBS sends: x264 with two B-frames, used as references, and a keyframe each two seconds.
    #[track_caller]
    pub fn like_obs(size: &str) -> Self {
        let picture = format!("testsrc2=size={size}:rate=20");
        let picture = ["-re", "-f", "lavfi", "-i", &picture];
        let sound = ["-re", "-f", "lavfi", "-i", "sine=sample_rate=48000"];
        let coded = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "40", "-pix_fmt", "yuv420p"];
        let coded = [&coded[..], &["-b_strategy", "1", "-b-pyramid", "normal", "-c:a", "aac"]].concat();
        Self::sending([&picture[..], &sound, &coded].concat().into_iter().map(str::to_owned).collect())
    }

    /// Starts it with a film, as it is.
    #[track_caller]
    pub fn of_film(film: &Path) -> Self {
        let film = film.to_string_lossy();
        Self::sending(["-re", "-i", &film, "-c", "copy"].map(str::to_owned).to_vec())
    }

    /// Starts it with a film, with all its tracks, again and again.
    #[track_caller]
    pub fn of_all_tracks(film: &Path) -> Self {
        let film = film.to_string_lossy();
        let words = ["-stream_loop", "-1", "-re", "-i", &film, "-map", "0", "-c", "copy"];
        Self::sending(words.map(str::to_owned).to_vec())
    }

    /// What the ffmpeg program makes of these words.
    #[track_caller]
    fn sending(words: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (is_there, is_over) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (is_there, is_over) = (is_there.clone(), is_over.clone());
            move || {
                for connection in listener.incoming().map_while(Result::ok) {
                    if is_over.load(Ordering::Acquire) {
                        return;
                    }
                    if is_there.load(Ordering::Acquire) {
                        send(connection, &is_there, &words);
                    }
                }
            }
        });
        Self { address, is_there, is_over, thread: Some(thread) }
    }

    /// For the publisher.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// The connection ends.
    pub fn take_away(&self) {
        self.is_there.store(false, Ordering::Release);
    }

    /// The next connection is sent the stream again, from its start.
    pub fn give_back(&self) {
        self.is_there.store(true, Ordering::Release);
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        self.take_away();
        self.is_over.store(true, Ordering::Release);
        // The thread waits for a connection: here is one.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Until the source is taken away, or the other side has gone.
fn send(mut connection: TcpStream, is_there: &AtomicBool, words: &[String]) {
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(words)
        .args(["-flush_packets", "1", "-muxdelay", "0", "-f", "mpegts", "pipe:1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed by `just setup-tests`");
    let mut stream: ChildStdout = ffmpeg.stdout.take().unwrap();
    let mut buffer = [0; 1316];
    while is_there.load(Ordering::Acquire) {
        let Ok(length @ 1..) = stream.read(&mut buffer) else { break };
        if connection.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = ffmpeg.kill();
    let _ = ffmpeg.wait();
}
