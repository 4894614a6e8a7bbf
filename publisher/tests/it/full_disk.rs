//! A disk that gets full while the stream is on air loses segments, and nothing else.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use rustix::mount::MountFlags;
use rustix::process::Signal;

use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, PATIENCE, read_playlist};
use crate::support::small_disk::SmallDisk;
use crate::support::wait_for;
use crate::support::witness::Witness;
use crate::support::witness::history::History;
use crate::support::witness::reader::Files;

const FPS: u32 = 20;
/// So many listed segments that none is deleted, which would make room.
const WORDS: [&str; 11] = [
    "test",
    "--size",
    "160x120",
    "--fps",
    "20",
    "--segment-duration",
    "500ms",
    "--bitrate",
    "200k",
    "--window",
    "100",
];

#[test]
fn a_full_disk_loses_segments_and_the_stream_goes_on_when_there_is_room() {
    let disk = SmallDisk::mount("size=16m", MountFlags::empty());
    let webroot = disk.path().join("webroot");
    std::fs::create_dir(&webroot).unwrap();
    let witness = Witness::start(Files::of(&webroot), FPS);
    let mut stream = LiveStream::start(&webroot, &WORDS);
    stream.wait_for_segment(3);

    let filler = disk.path().join("filler");
    fill_until_segments_are_lost(&stream, &filler);
    std::fs::remove_file(&filler).unwrap();
    let next_number = stream.playlist().unwrap().next_media_sequence();
    stream.wait_for_segment(next_number + 2);
    assert!(stream.publisher.output().contains("segments can be written again"));
    assert!(stream.publisher.interrupt().success(), "a stream that goes on ends well");

    let history = witness.testify().history;
    assert!(history.last().unwrap().ended);
    assert_holes(&history, 0);
    assert_clean(&webroot);
}

#[test]
fn a_stream_that_ends_on_a_full_disk_says_so_and_the_next_run_goes_on() {
    let disk = SmallDisk::mount("size=16m", MountFlags::empty());
    let webroot = disk.path().join("webroot");
    std::fs::create_dir(&webroot).unwrap();
    let witness = Witness::start(Files::of(&webroot), FPS);
    let mut stream = LiveStream::start(&webroot, &WORDS);
    stream.wait_for_segment(3);

    let filler = disk.path().join("filler");
    fill_until_segments_are_lost(&stream, &filler);
    stream.publisher.signal(Signal::INT);
    let (status, output) = stream.publisher.wait_and_read();
    assert_eq!(status.code(), Some(1), "{output}");
    let last_line = output.lines().last().unwrap();
    assert!(last_line.starts_with("livedir-publisher: cannot write"), "{output}");
    assert!(last_line.contains("free some space there, or lower --window"), "{output}");

    std::fs::remove_file(&filler).unwrap();
    let next_number = read_playlist(&webroot).unwrap().next_media_sequence();
    let mut stream = LiveStream::start(&webroot, &WORDS);
    stream.wait_for_segment(next_number + 2);
    assert!(stream.publisher.interrupt().success());
    assert_holes(&witness.testify().history, 1);
    assert_clean(&webroot);
}

/// Keeps the disk full until some segments are lost.
fn fill_until_segments_are_lost(stream: &LiveStream, filler: &Path) {
    wait_for("a word about lost segments", PATIENCE, || {
        fill(filler);
        let output = stream.publisher.output();
        let lost =
            output.lines().filter(|line| line.contains("segment lost") && line.contains("free some space"));
        (lost.count() >= 3).then_some(())
    });
    // What was half written has made room again.
    fill(filler);
}

/// Segments that are lost while the stream goes on are gaps under their own numbers, and the timeline goes on over them. It breaks
/// so often, where the encoder was started again.
#[track_caller]
fn assert_holes(history: &History, breaks: usize) {
    let numbers = 1..history.last().unwrap().next_media_sequence();
    assert!(history.segments.keys().copied().eq(numbers), "a lost segment leaves no hole in the numbers");
    let count = history.segments.values().filter(|seen| seen.segment.discontinuity).count();
    assert_eq!(count, breaks, "{:#?}", history.segments);
    let gaps = history.segments.values().filter(|seen| seen.segment.gap).count();
    assert!(breaks > 0 || gaps > 0, "{:#?}", history.segments);
}

/// Writes until the disk is full.
fn fill(path: &Path) {
    let mut filler = File::options().create(true).append(true).open(path).unwrap();
    loop {
        match filler.write(&[0; 4096]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return,
            Err(error) => panic!("the disk cannot be filled: {error}"),
        }
    }
}
