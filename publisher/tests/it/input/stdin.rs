//! Standard input: it belongs to the process, so the test starts itself again, with a pipe.

use super::media::{PATIENCE, film, moments, play, settings, sound_s};
use livedir_publisher::source::Source;
use livedir_publisher::source::input::{self, InputAddress, InputError};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Runs one of the ignored tests below in a process of its own.
fn start(test: &str) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("input::stdin::{test}"), "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("this program again")
}

#[test]
fn a_film_is_read_from_a_pipe_to_its_end() {
    let bytes = std::fs::read(film("film.ts", &["-muxdelay", "0", "-pat_period", "0.1"])).expect("a film");
    let mut child = start("child_that_plays_standard_input");
    child.stdin.take().expect("a pipe").write_all(&bytes).expect("a reader");
    assert!(child.wait().expect("a process").success());
}

#[test]
#[ignore = "started by the test above"]
fn child_that_plays_standard_input() {
    let mut input = input::open(&settings(InputAddress::Stdin)).expect("a film");
    assert_eq!(input.format().description, "standard input, h264 at 25 fps, aac sound");
    let pieces = play(&mut input);
    assert_eq!(moments(&pieces, true).len(), 25);
    assert!((0.95..1.1).contains(&sound_s(&pieces)));
}

#[test]
fn a_silent_pipe_does_not_hold_up_the_stop() {
    let mut child = start("child_that_stops_before_anything_came");
    let _held_open = child.stdin.take();
    assert!(child.wait().expect("a process").success());
}

#[test]
#[ignore = "started by the test above"]
fn child_that_stops_before_anything_came() {
    let settings = settings(InputAddress::Stdin);
    let stop = settings.stop.clone();
    let stopper = std::thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        while !reading_has_begun() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(input::open(&settings).err(), Some(InputError::Stopped("standard input".to_owned())));
    stopper.join().expect("no panic");
}

/// Whether the thread that reads has been started; where the system does not tell, it is taken to be so.
fn reading_has_begun() -> bool {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return true };
    let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm"));
    threads.flatten().any(|thread| name(thread).is_ok_and(|name| name.trim() == "demuxer"))
}
