//! A playlist under readers that never rest: no answer is older than 100 ms, none is torn, none a wrong 304.
//!
//! Nothing here depends on how fast the machine is. The writer notes when each change began and when it was done; a
//! reader notes when it asked and when it had the answer. An answer is right if what it says was so at some time between
//! 100 ms before the question and the answer.

use std::env;
use std::fmt::Write;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Connection, DEADLINE, Server, Webroot, gunzip};

const ALLOWED: Duration = Duration::from_millis(100);
const WRITE_EVERY: Duration = Duration::from_millis(20);

/// Longer with `LIVEDIR_STALENESS_S=30`.
const RUN_S: u64 = 4;

/// Enough to mean something, on the slowest machine.
const FEWEST_CHANGES: usize = 30;

/// So many readers with a connection each, some of which ask for gzip, some with the tag of what they have.
const READERS: usize = 4;

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Version(usize),
    Gone,
}

/// From when on the file may have been this, and when it surely was.
#[derive(Debug)]
struct Change {
    state: State,
    began: Instant,
    done: Instant,
}

#[derive(Debug)]
struct Seen {
    state: State,
    asked: Instant,
    answered: Instant,
}

/// Names its version in the first and the last line, and says how many lines are between.
fn playlist(version: usize) -> String {
    let between = 1 + version * 37 % 500;
    let mut text = format!("#EXTM3U\n{version} {between}\n");
    for _ in 0..between {
        let _ = writeln!(text, "live/seg-{version:08}.ts");
    }
    let _ = writeln!(text, "end {version}");
    text
}

/// The version of a whole playlist.
#[track_caller]
fn version(text: &str) -> usize {
    let version =
        text.lines().nth(1).and_then(|line| line.split(' ').next()).and_then(|number| number.parse().ok());
    let version = version.unwrap_or_else(|| panic!("no version in {text:?}"));
    assert_eq!(text, playlist(version), "torn");
    version
}

/// Asks until `done`; a 304 says that the file is still what was sent last.
fn read(server: &Server, reader: usize, done: &AtomicBool) -> Vec<Seen> {
    let mut connection = Connection::open(server.address);
    let encoding = ["Accept-Encoding: gzip", "Accept-Encoding: identity"][reader % 2];
    let is_conditional = reader / 2 % 2 == 1;
    let mut known = None;
    let mut seen = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let condition = match &known {
            Some((tag, _)) if is_conditional => format!("If-None-Match: {tag}"),
            _ => "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT".to_owned(),
        };
        let asked = Instant::now();
        let answer = connection.ask("GET", "/stream.m3u8", &[encoding, &condition]);
        let answered = Instant::now();
        let state = match (answer.status, &known) {
            (404, _) => State::Gone,
            (304, Some((tag, version))) if is_conditional => {
                assert_eq!(answer.header("ETag"), *tag);
                State::Version(*version)
            }
            (200, _) => {
                let is_packed = answer.header("Content-Encoding") == "gzip";
                assert_eq!(is_packed, encoding.ends_with("gzip"));
                let tag = answer.header("ETag");
                assert_ne!(tag, "", "from memory");
                let text = if is_packed { gunzip(&answer.body) } else { answer.body };
                let version = version(&String::from_utf8(text).unwrap());
                known = Some((tag, version));
                State::Version(version)
            }
            (status, _) => panic!("{status} for {condition}"),
        };
        seen.push(Seen { state, asked, answered });
    }
    seen
}

/// Replaces the playlist again and again; with `gone_every`, webroot is deleted and recreated after so many versions.
fn write(
    webroot: &Webroot,
    gone_every: Option<usize>,
    done: &AtomicBool,
    written: &AtomicUsize,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut change = |state, act: &dyn Fn()| {
        let began = Instant::now();
        act();
        changes.push(Change { state, began, done: Instant::now() });
    };
    for number in 1.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        if gone_every.is_some_and(|every| number % every == 0) {
            change(State::Gone, &|| fs::remove_dir_all(webroot.path()).unwrap());
            // Now and then for longer than an answer may be old.
            thread::sleep(ALLOWED * (number as u32 / 25 % 3));
            fs::create_dir(webroot.path()).unwrap();
        }
        change(State::Version(number), &|| webroot.replace("stream.m3u8", playlist(number).as_bytes()));
        written.store(number, Ordering::Relaxed);
        thread::sleep(WRITE_EVERY);
    }
    changes
}

/// Whether the file was in that state at some time from 100 ms before the question until the answer.
fn was_so(seen: &Seen, changes: &[Change]) -> bool {
    let overlaps = |index: usize| {
        let ended = changes.get(index + 1).map(|next| next.done);
        changes[index].began <= seen.answered && ended.is_none_or(|ended| ended + ALLOWED >= seen.asked)
    };
    (0..changes.len()).any(|index| changes[index].state == seen.state && overlaps(index))
}

#[track_caller]
fn check(arguments: &[&str], gone_every: Option<usize>) {
    let run_s: u64 =
        env::var("LIVEDIR_STALENESS_S").ok().and_then(|typed| typed.parse().ok()).unwrap_or(RUN_S);
    let webroot = Webroot::in_memory();
    let before = Change { state: State::Version(0), began: Instant::now(), done: Instant::now() };
    webroot.replace("stream.m3u8", playlist(0).as_bytes());
    let server = Server::start(&webroot.path(), arguments);
    let (done, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (mut changes, seen) = thread::scope(|scope| {
        let writer = scope.spawn(|| write(&webroot, gone_every, &done, &written));
        let (server, done) = (&server, &done);
        let readers: Vec<_> =
            (0..READERS).map(|reader| scope.spawn(move || read(server, reader, done))).collect();
        let start = Instant::now();
        let is_over = || {
            let elapsed = start.elapsed();
            let is_enough =
                elapsed >= Duration::from_secs(run_s) && written.load(Ordering::Relaxed) >= FEWEST_CHANGES;
            is_enough || elapsed >= Duration::from_secs(run_s) + DEADLINE
        };
        while !is_over() {
            thread::sleep(WRITE_EVERY);
        }
        // Before anything can fail: the writer goes on until then.
        done.store(true, Ordering::Relaxed);
        let seen: Vec<Vec<Seen>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        (writer.join().unwrap(), seen)
    });
    changes.insert(0, before);

    let mut answers = 0;
    for (reader, seen) in seen.iter().enumerate() {
        answers += seen.len();
        let mut newest = 0;
        for seen in seen {
            // Only the neighbourhood of the moment: a run of half a minute has a million answers.
            let first = changes.partition_point(|change| change.done + 2 * ALLOWED < seen.asked);
            let near = &changes[first.saturating_sub(2)..];
            let last = near.partition_point(|change| change.began <= seen.answered);
            assert!(
                was_so(seen, &near[..(last + 1).min(near.len())]),
                "reader {reader} got what was not so: {seen:?}\n{near:?}"
            );
            if let State::Version(version) = seen.state {
                assert!(version >= newest, "reader {reader} got {version} after {newest}");
                newest = version;
            }
        }
    }
    let enough = changes.len() >= FEWEST_CHANGES && answers >= changes.len();
    assert!(enough, "{} changes, {answers} answers", changes.len());
    println!("{} changes, {answers} answers, none older than {ALLOWED:?}", changes.len());
}

#[test]
fn no_answer_is_older_than_100_ms_or_torn_or_a_wrong_304() {
    check(&[], None);
}

#[test]
fn no_answer_is_older_when_nobody_tells_of_changes() {
    check(&["--poll"], None);
}

#[test]
fn no_answer_is_older_when_webroot_is_deleted_and_recreated() {
    check(&[], Some(25));
}

#[test]
fn no_answer_is_older_when_webroot_is_recreated_and_nobody_tells() {
    check(&["--poll"], Some(25));
}
