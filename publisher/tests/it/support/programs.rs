//! The programs under test, started as a user would start them and ended with the test.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::live_source::LiveSource;
use super::wait_for;

/// Long enough for a machine that is busy with everything else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a program printed is gathered within this, unless another one holds its output.
const HELD_BY_OTHERS: Duration = Duration::from_secs(1);

/// `livedir-publisher`.
pub fn publisher() -> Command {
    Command::new(env!("CARGO_BIN_EXE_livedir-publisher"))
}

/// `livedir-server`, which lies beside it.
pub fn server() -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_livedir-publisher")).with_file_name("livedir-server");
    assert!(path.exists(), "{} is not built; run `just test`, or `cargo build` first", path.display());
    Command::new(path)
}

/// A program that runs beside the test. It is killed when the test is done with it.
pub struct Running {
    child: Child,
    output: Arc<Mutex<String>>,
    gatherers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Starts it and gathers what it prints.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        Self::start_reading(command, Stdio::null())
    }

    /// The same of one that reads from `input`.
    #[track_caller]
    pub fn start_reading(command: &mut Command, input: Stdio) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}; run `just setup-tests`"));
        let output = Arc::new(Mutex::new(String::new()));
        let gatherers = vec![gather(child.stdout.take(), &output), gather(child.stderr.take(), &output)];
        Self { child, output, gatherers }
    }

    /// What it has printed so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Its process id.
    pub fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Whether it still runs.
    pub fn still_runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.id(), signal).unwrap();
    }

    /// Ends it with no chance to clean up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as Ctrl-C does, and waits for that.
    #[track_caller]
    pub fn interrupt(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::INT);
        self.wait()
    }

    /// Waits until it has ended by itself; gives all that it printed.
    #[track_caller]
    pub fn wait_and_read(mut self) -> (ExitStatus, String) {
        let status = self.wait();
        for gatherer in self.gatherers.drain(..) {
            gatherer.join().unwrap();
        }
        (status, self.output())
    }

    /// Waits until it has ended by itself, and until what it printed is gathered, unless programs that it has started hold its output.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let status = wait_for("a program to end", PATIENCE, || self.child.try_wait().unwrap());
        let deadline = Instant::now() + HELD_BY_OTHERS;
        while Instant::now() < deadline && !self.gatherers.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(1));
        }
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- output of process {}:\n{}", self.child.id(), self.output());
        }
    }
}

fn gather(pipe: Option<impl Read + Send + 'static>, output: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let (pipe, output) = (pipe.unwrap(), output.clone());
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    })
}

/// A live stream that runs into a directory of its own.
pub struct LiveStream {
    /// The publisher.
    pub publisher: Running,
    /// The directory that it writes to.
    pub webroot: PathBuf,
}

impl LiveStream {
    /// Starts `livedir-publisher live` with these words into `webroot`.
    #[track_caller]
    pub fn start(webroot: &Path, words: &[&str]) -> Self {
        let publisher = Running::start(publisher().arg("live").args(words).arg("--webroot").arg(webroot));
        Self { publisher, webroot: webroot.to_owned() }
    }

    /// The playlist as it is now.
    pub fn playlist(&self) -> Option<livedir_playlist::MediaPlaylist> {
        read_playlist(&self.webroot)
    }

    /// A count of `status.json`; 0 as long as there is none.
    pub fn count(&self, what: &str) -> u64 {
        let text = std::fs::read_to_string(self.webroot.join("status.json")).unwrap_or_else(|_| "{}".into());
        let status: serde_json::Value = serde_json::from_str(&text).expect("status.json is never cut");
        status[what].as_u64().unwrap_or(0)
    }

    /// Waits until the playlist's newest segment has at least this media sequence number.
    #[track_caller]
    pub fn wait_for_segment(&mut self, media_sequence: u64) {
        let what = format!("segment {media_sequence} in the playlist");
        wait_for(&what, PATIENCE, || {
            assert!(self.publisher.still_runs(), "the publisher has ended:\n{}", self.publisher.output());
            self.playlist().filter(|playlist| playlist.next_media_sequence() > media_sequence)
        });
    }
}

/// Takes the source away until the slate is shown, and gives it back; returns when its pictures come again.
#[track_caller]
pub fn lose_and_find(source: &LiveSource, stream: &LiveStream) {
    let slates = stream.count("frames_slate");
    source.take_away();
    wait_for("the slate", PATIENCE, || (stream.count("frames_slate") >= slates + 40).then_some(()));
    let captured = stream.count("pictures_captured");
    source.give_back();
    wait_for("pictures again", PATIENCE, || {
        (stream.count("pictures_captured") >= captured + 40).then_some(())
    });
}

/// The playlist of a webroot as it is now, if there is one.
pub fn read_playlist(webroot: &Path) -> Option<livedir_playlist::MediaPlaylist> {
    let text = std::fs::read_to_string(webroot.join("stream.m3u8")).ok()?;
    Some(livedir_playlist::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}")))
}

/// `livedir-server` over a webroot.
pub struct WebServer {
    _server: Running,
    /// Such as `http://localhost:8080`.
    pub address: String,
}

impl WebServer {
    /// Starts it on a free port; returns when it listens.
    #[track_caller]
    pub fn start(webroot: &Path) -> Self {
        let words = ["--listen", "127.0.0.1:0", "--access-log", "off", "--webroot"];
        let mut server = Running::start(server().args(words).arg(webroot));
        let address = wait_for("the address of the server", PATIENCE, || {
            assert!(server.still_runs(), "the server has ended:\n{}", server.output());
            let output = server.output();
            let url = output.split_whitespace().find(|word| word.starts_with("http://"))?;
            Some(url.trim_end_matches('/').to_owned())
        });
        Self { _server: server, address }
    }
}
