//! A live test pattern with its page, as the two programs make it.
//! In: words for the publisher. Out: an address to open. Both programs and the directory go when it is dropped.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Enough for a player to start on.
const SEGMENTS: u64 = 4;

const DEADLINE: Duration = Duration::from_secs(60);

pub struct Stream {
    /// Such as `http://localhost:8080/`.
    pub address: String,
    _server: Program,
    _publisher: Program,
    _webroot: TempDir,
}

impl Stream {
    /// Starts both programs; returns when there is something to play.
    pub fn start(words: &[&str]) -> Self {
        let webroot = tempfile::tempdir().expect("a temporary directory");
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../webroot");
        let copied = Command::new("cp")
            .arg("-r")
            .args([page.join("index.html"), page.join("player"), webroot.path().to_owned()])
            .status();
        assert!(copied.expect("cp").success(), "the page cannot be copied");
        let publisher = publish(webroot.path(), words);
        let (server, address) = serve(webroot.path());
        let started = Instant::now();
        let segment = webroot.path().join(format!("live/seg-{SEGMENTS:08}.ts"));
        while !segment.exists() {
            assert!(started.elapsed() < DEADLINE, "the publisher makes no segments");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { address, _server: server, _publisher: publisher, _webroot: webroot }
    }
}

/// A program that ends when this is dropped.
pub struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        let started = command.env("RUST_LOG", "error").stdin(Stdio::null()).spawn();
        Self(
            started
                .unwrap_or_else(|error| panic!("cannot start {}: {error}", command.get_program().display())),
        )
    }

    /// Asks it to end its work, as Ctrl-C does.
    pub fn finish(mut self) {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it still runs");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The test pattern into `webroot`.
pub fn publish(webroot: &Path, words: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livedir-publisher"));
    command.args(["live", "test", "--size", "320x240"]).args(words).arg("--webroot").arg(webroot);
    Program::start(command.stdout(Stdio::null()).stderr(Stdio::null()))
}

fn serve(webroot: &Path) -> (Program, String) {
    let path: PathBuf = Path::new(env!("CARGO_BIN_EXE_livedir-publisher")).with_file_name("livedir-server");
    let mut command = Command::new(path);
    command.arg("--webroot").arg(webroot).args(["--listen", "127.0.0.1:0", "--access-log", "off"]);
    let mut server = Program::start(command.stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().expect("stdout")).read_line(&mut line).expect("an address");
    let address = line.split_whitespace().find(|word| word.starts_with("http://"));
    let address = address.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned();
    (server, address)
}
