//! A real browser plays the page: through hls.js, and with its own player for HLS. The driver is
//! `publisher/tests/browser/play.mjs`, which says how it judges.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};
use std::time::{Duration, Instant};

use crate::restart::Away;
use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, WebServer};

mod captions;
mod channels;
mod copied_slate;
mod embed;
mod engines;
mod first_look;
mod ladder;
mod low_latency;
mod low_latency_nginx;
mod no_decoder;
mod pauses;
mod players;
mod sound_alone;

/// The stream of every test here.
const STREAM: [&str; 3] = ["test", "--size", "320x240"];

#[test]
fn the_page_plays_through_hls_js_and_goes_on_after_a_restart_of_the_publisher() {
    plays_and_goes_on("hls", "15", None);
}

#[test]
fn the_page_goes_on_after_more_than_a_turn_of_the_clock() {
    plays_and_goes_on("hls", "4", Some(Away::For(Duration::from_secs(27 * 3600))));
}

#[test]
fn the_page_plays_natively_and_goes_on_after_a_restart_of_the_publisher() {
    plays_and_goes_on("native", "15", None);
}

#[test]
fn a_page_that_was_opened_too_early_starts_with_the_stream() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let mut page = Page::open(&site.address, &["--mode", "hls", "--seconds", "3", "--start-within", "60"]);
    page.wait_for_line(r#""state":"waiting""#);
    let _live = LiveStream::start(webroot.path(), &STREAM);
    page.wait_for_line(r#""event":"ok""#);
}

#[test]
fn the_parts_of_the_page_pass_their_own_tests() {
    let tests =
        Command::new("npm").args(["test", "--silent"]).current_dir(driver_directory()).output().expect("npm");
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stdout));
}

#[track_caller]
fn plays_and_goes_on(mode: &str, seconds: &str, away: Option<Away>) {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    live.wait_for_segment(3);
    let asked = [
        "--mode",
        mode,
        "--seconds",
        seconds,
        "--size",
        "320x240",
        "--start-within",
        "60",
        "--until-restart",
    ];
    let mut page = Page::open(&site.address, &[&asked[..], &["--resume-within", "60"]].concat());
    page.wait_for_line(r#""event":"ready-for-restart""#);
    let console: Vec<_> = page.account.iter().filter(|it| it.contains(r#""event":"console""#)).collect();
    assert!(console.is_empty(), "{console:?}");
    live.publisher.kill();
    if let Some(away) = away {
        away.pretend(webroot.path());
    }
    let _live = LiveStream::start(webroot.path(), &STREAM);
    page.say("restart-done");
    page.wait_for_line(r#""event":"ok""#);
    assert_clean(format!("{}/stream.m3u8", site.address));
}

static BROWSERS: RwLock<()> = RwLock::new(());

/// A browser takes two thirds of a core: two cores have room for two of them, and `.ci/tests` runs as many tests at a time.
fn beside_other_browsers() -> RwLockReadGuard<'static, ()> {
    BROWSERS.read().unwrap_or_else(PoisonError::into_inner)
}

/// For what needs all cores, or measures.
fn without_other_browsers() -> RwLockWriteGuard<'static, ()> {
    BROWSERS.write().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a script of [`driver_directory`] to its end. Gives what it prints; it has to be content.
#[track_caller]
fn judged(script: &[&str]) -> String {
    let ended = Command::new("node").args(script).current_dir(driver_directory()).output().expect("node");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{script:?}: {said}{}", String::from_utf8_lossy(&ended.stderr));
    said
}

fn driver_directory() -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    assert!(
        directory.join("node_modules").exists(),
        "the browser driver is not installed; run `just setup-tests`"
    );
    directory
}

/// A webroot of its own with the page of the project in it.
fn webroot_with_page() -> tempfile::TempDir {
    let webroot = tempfile::tempdir().unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../webroot").canonicalize().unwrap();
    assert!(page.join("player/node_modules/hls.js").exists(), "hls.js is not installed; run `just setup`");
    let copied = Command::new("cp")
        .arg("-r")
        .args(["index.html", "channels.html"].map(|name| page.join(name)))
        .arg(page.join("player"))
        .arg(webroot.path())
        .status();
    assert!(copied.unwrap().success());
    webroot
}

/// A page in a browser, and the driver's account of it.
struct Page {
    driver: Child,
    commands: ChildStdin,
    lines: mpsc::Receiver<String>,
    account: Vec<String>,
}

impl Page {
    #[track_caller]
    fn open(address: &str, asked: &[&str]) -> Self {
        Self::drive("play.mjs", address, asked)
    }

    /// With another driver.
    #[track_caller]
    fn drive(script: &str, address: &str, asked: &[&str]) -> Self {
        let mut driver = Command::new("node")
            .arg(script)
            .arg(address)
            .args(asked)
            .current_dir(driver_directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(driver.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let commands = driver.stdin.take().unwrap();
        Self { driver, commands, lines, account: Vec::new() }
    }

    fn say(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
    }

    /// Waits until the driver says this; fails when it says that the page failed, or nothing for long.
    #[track_caller]
    fn wait_for_line(&mut self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(120));
            let line =
                line.unwrap_or_else(|_| panic!("waited in vain for {wanted}:\n{}", self.account.join("\n")));
            self.account.push(line);
            let line = &self.account[self.account.len() - 1];
            assert!(!line.contains(r#""event":"failed""#), "the page failed:\n{}", self.account.join("\n"));
            if line.contains(wanted) {
                return;
            }
        }
    }
}

impl Page {
    fn ends_within(&mut self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        while self.driver.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // The driver closes its browser and ends; if it has ended already, nobody is there to read this.
        let _ = writeln!(self.commands, "quit");
        if self.ends_within(Duration::from_secs(60)) {
            return;
        }
        // One that hangs is asked to end what it has started, and is ended.
        if let Some(id) = rustix::process::Pid::from_raw(self.driver.id() as i32) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        if !self.ends_within(Duration::from_secs(5)) {
            let _ = self.driver.kill();
            let _ = self.driver.wait();
        }
    }
}
