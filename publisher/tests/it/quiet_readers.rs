//! Viewers cost the publisher nothing: that they open segments is no news to it.

use crate::support::programs::LiveStream;
use crate::support::witness::history::uri;

const OPENS: u64 = 20_000;

/// An event of inotify with the name of a segment.
const EVENT_BYTES: u64 = 48;

#[cfg(target_os = "linux")]
#[test]
fn segments_that_viewers_open_do_not_wake_the_publisher() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let mut stream = LiveStream::start(
        webroot,
        &["test", "--size", "160x120", "--segment-duration", "500ms", "--window", "100"],
    );
    stream.wait_for_segment(2);
    let before = bytes_read(stream.publisher.id());
    for number in 0..OPENS {
        // By turns: the system tells of the same file only once in a row.
        std::fs::File::open(webroot.join(uri(1 + number % 2))).unwrap();
    }
    let next_number = stream.playlist().unwrap().next_media_sequence();
    stream.wait_for_segment(next_number);
    let read = bytes_read(stream.publisher.id()) - before;
    assert!(read < OPENS * EVENT_BYTES / 2, "{OPENS} opens made the publisher read {read} bytes");
}

/// What a process has read so far, events included.
#[cfg(target_os = "linux")]
fn bytes_read(id: rustix::process::Pid) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{}/io", id.as_raw_pid())).unwrap();
    io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}
