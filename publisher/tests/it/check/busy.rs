//! A machine that is too busy to look: what it did not see in time is no fault of the stream, and what the stream does is.

use std::path::Path;

use rustix::process::Signal;

use crate::support::check::{Checked, Following};
use crate::support::programs::{LiveStream, PATIENCE, WebServer};
use crate::support::wait_for;

/// Long parts leave room for a writer on a machine that is busy with other tests: each may be 600 ms late.
const WORDS: [&str; 8] =
    ["test", "--size", "160x120", "--low-latency", "--segment-duration", "2s", "--part-duration", "1s"];

/// Waits until so many more segments are complete.
#[track_caller]
fn wait_for_more(stream: &LiveStream, segments: u64) {
    let next = || stream.playlist().map_or(0, |playlist| playlist.next_media_sequence());
    let from = next();
    wait_for("more segments", PATIENCE, || (next() >= from + segments).then_some(()));
}

fn stream(webroot: &Path) -> LiveStream {
    let mut stream = LiveStream::start(webroot, &WORDS);
    stream.wait_for_segment(2);
    stream
}

#[test]
fn a_stream_is_not_blamed_for_what_comes_while_this_machine_does_not_look() {
    let directory = tempfile::tempdir().unwrap();
    let server = WebServer::start(directory.path());
    let stream = stream(directory.path());
    let subjects =
        [directory.path().display().to_string(), format!("{}/", server.address)].map(|it| (it, "part-late"));
    let plain = (format!("{}/stream.m3u8", server.address), "update-late");
    let checks: Vec<_> = subjects
        .into_iter()
        .chain([plain])
        .map(|(subject, rule)| (Following::start(&subject, "14s"), subject, rule))
        .collect();
    // Each has looked once by then.
    wait_for_more(&stream, 2);
    for (check, ..) in &checks {
        check.signal(Signal::STOP);
    }
    wait_for_more(&stream, 3);
    for (check, ..) in &checks {
        check.signal(Signal::CONT);
    }
    for (check, subject, rule) in checks {
        let checked = check.report();
        assert_eq!((checked.rules(), checked.status), (vec![], 0), "{subject}: {checked:#?}");
        let absent_s = absent_s(&checked, rule);
        assert!(absent_s.is_some_and(|absent_s| absent_s > 3.0), "{subject}: {checked:#?}");
        assert!(checked.complaints.trim().is_empty(), "{subject}: {checked:#?}");
    }
}

/// For how long the machine was absent, as is said of a rule that could not be judged.
fn absent_s(checked: &Checked, rule: &str) -> Option<f64> {
    let not_judged = checked.report["not_judged"].as_array()?;
    not_judged.iter().find(|it| it["rule"] == rule)?["machine_absent_s"].as_f64()
}

#[test]
fn a_stream_that_is_late_is_blamed_by_whoever_looks_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let server = WebServer::start(directory.path());
    let stream = stream(directory.path());
    let on_disk = Following::start(directory.path(), "9s");
    let over_http = Following::start(format!("{}/ll.m3u8", server.address), "9s");
    wait_for_more(&stream, 1);
    stream.publisher.signal(Signal::STOP);
    for check in [on_disk, over_http] {
        let checked = check.report();
        assert_eq!(checked.status, 1, "{checked:#?}");
        assert!(checked.rules().contains(&"part-late"), "{checked:#?}");
    }
    stream.publisher.signal(Signal::CONT);
}
