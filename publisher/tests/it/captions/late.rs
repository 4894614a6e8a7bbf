//! A machine that stands still for a moment: pictures are dropped, and what was said with them is not.

use std::time::Duration;

use rustix::process::Signal;

use super::films::{conversation, film};
use super::{SECONDS, check_heard, end, publish};
use crate::support::programs::PATIENCE;
use crate::support::wait_for;

/// Shorter than the second after which there is a slate, longer than the capture queue holds.
const STANDSTILL: Duration = Duration::from_millis(500);

#[test]
fn what_was_said_while_the_machine_stood_still_is_heard() {
    let directory = tempfile::tempdir().unwrap();
    let script = conversation();
    let film = film((30, 1), SECONDS, &script);
    let publisher = publish(directory.path(), &film, &["--fps", "30"]);
    let segments = || std::fs::read_dir(directory.path().join("live")).map_or(0, Iterator::count);
    for count in 1..5 {
        wait_for("a segment", PATIENCE, || (segments() >= count).then_some(()));
        publisher.signal(Signal::STOP);
        // What is tested: for so long the machine does nothing.
        std::thread::sleep(STANDSTILL);
        publisher.signal(Signal::CONT);
    }
    let output = end(publisher, directory.path());
    let last = output.lines().last().expect("a summary");
    assert!(last.contains(" 0 on the slate") && !last.contains(" 0 dropped"), "{last}");
    check_heard(&directory.path().join("live"), &film, &script, "after four standstills");
}
