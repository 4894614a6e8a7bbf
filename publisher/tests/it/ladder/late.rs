//! Encoders that have no time: their size has gaps, and no other size notices.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use livedir_playlist::{Listing, MediaPlaylist, parse, read_listing};
use livedir_publisher::probe::probe;
use livedir_publisher::segment_name::number_of_uri;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::support::check::{Following, assert_clean};
use crate::support::media;
use crate::support::programs::{PATIENCE, Running, publisher};
use crate::support::wait_for;

/// Threads that take the time of one processor.
const SPINNERS: usize = 40;

fn playlist(webroot: &Path, rendition: &str) -> Option<MediaPlaylist> {
    parse(&fs::read_to_string(webroot.join("live").join(rendition).join("stream.m3u8")).ok()?).ok()
}

#[track_caller]
fn wait_for_segment(webroot: &Path, rendition: &str, number: u64) {
    wait_for("a segment", PATIENCE, || {
        playlist(webroot, rendition).filter(|it| it.next_media_sequence() > number).map(|_| ())
    });
}

/// Numbers of gaps and of segments. All numbers are there, each segment begins where its number says, and nothing breaks.
#[track_caller]
fn gaps_and_segments(webroot: &Path, rendition: &str) -> (Vec<u64>, Vec<u64>) {
    let playlist = playlist(webroot, rendition).expect("a playlist");
    assert_eq!(playlist.media_sequence, 1, "the window holds all");
    assert!(playlist.segments.iter().all(|it| !it.discontinuity), "{rendition}: {playlist:#?}");
    let numbered = (1..).zip(&playlist.segments);
    assert!(numbered.clone().all(|(number, it)| number_of_uri(&it.uri) == Some(number)), "{rendition}");
    let (gaps, segments): (Vec<_>, Vec<_>) = numbered.partition(|(_, segment)| segment.gap);
    let numbers = |of: Vec<(u64, _)>| of.into_iter().map(|(number, _)| number).collect();
    (numbers(gaps), numbers(segments))
}

fn start_of(webroot: &Path, rendition: &str, number: u64) -> u64 {
    let path = webroot.join(format!("live/{rendition}/seg-{number:08}.ts"));
    probe(&fs::read(path).expect("what is listed is there")).expect("a segment").start_90k
}

fn times(output: &str, what: &str) -> usize {
    output.matches(what).count()
}

/// Of the processors that this test may use.
fn first_processor() -> usize {
    let allowed = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).find(|processor| allowed.is_set(*processor)).expect("a processor")
}

fn only(processor: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(processor);
    set
}

/// The thread of this name.
fn thread_of(process: Pid, name: &str) -> Option<Pid> {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).ok()?;
    let is_it = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    };
    let task = tasks.flatten().find(is_it)?;
    Pid::from_raw(task.file_name().to_str()?.parse().ok()?)
}

/// Leaves a thread one part in 41 of a processor, until `enough`.
fn starve(thread: Pid, enough: impl Fn() -> bool) {
    let processor = first_processor();
    let everywhere = sched_getaffinity(Some(thread)).unwrap();
    sched_setaffinity(Some(thread), &only(processor)).unwrap();
    let (is_over, deadline) = (AtomicBool::new(false), Instant::now() + PATIENCE);
    std::thread::scope(|scope| {
        for _ in 0..SPINNERS {
            scope.spawn(|| {
                sched_setaffinity(None, &only(processor)).unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        while !enough() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    sched_setaffinity(Some(thread), &everywhere).unwrap();
}

#[test]
fn an_encoder_without_time_leaves_out_segments_goes_on_with_the_others_and_says_both() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let film = media::flash_and_beep(directory.path(), 10);
    let live = Running::start(
        publisher()
            .arg("live")
            .arg(&film)
            .args(["--loop", "--ladder", "1280x720@1M,160x90@100k", "--low-latency"])
            .args(["--segment-duration", "1s", "--window", "200", "--webroot"])
            .arg(webroot),
    );
    wait_for_segment(webroot, "720p", 2);
    let following = [webroot.to_owned(), webroot.join("ll.m3u8")].map(|it| Following::start(it, "15s"));
    let gaps = || playlist(webroot, "720p").map_or(0, |it| it.segments.iter().filter(|it| it.gap).count());
    let thread = thread_of(live.id(), "1280x720").expect("each size has its thread");
    starve(thread, || gaps() >= 2);
    assert!(gaps() >= 2, "it had time enough: {}", live.output());
    let output = wait_for("the end of it to be told", PATIENCE, || {
        Some(live.output()).filter(|it| it.contains("the encoder keeps up again"))
    });
    assert_eq!(times(&output, "falls behind and repeats pictures"), 1, "{output}");
    assert_eq!(times(&output, "falls behind so far that it leaves out segments"), 1, "{output}");
    following.map(Following::assert_clean_but_for_lateness);
    assert!(live.interrupt().success());

    let (gaps, segments) = gaps_and_segments(webroot, "720p");
    let (none, all) = gaps_and_segments(webroot, "90p");
    assert_eq!(none, [0; 0], "the other size has every segment");
    assert_eq!(gaps_and_segments(webroot, "audio").0, [0; 0], "and so has the sound");
    assert_eq!(gaps.len() + segments.len(), all.len());
    let (first, last) = (gaps[0], gaps[gaps.len() - 1]);
    assert!(segments.iter().any(|it| *it < first) && segments.iter().any(|it| *it > last), "{gaps:?}");
    for number in segments {
        assert_eq!(start_of(webroot, "720p", number), start_of(webroot, "90p", number), "segment {number}");
    }
    assert_clean(webroot);
    assert_clean(webroot.join("ll.m3u8"));
}

#[test]
fn a_size_that_no_encoder_could_make_in_time_takes_the_others_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let film = media::flash_and_beep(directory.path(), 10);
    // One thread of x264 on one processor, for 995 million pixels a second.
    let mut command = std::process::Command::new("taskset");
    command.arg("--cpu-list").arg(first_processor().to_string()).arg(publisher().get_program());
    let live = Running::start(
        command
            .arg("live")
            .arg(&film)
            .args(["--loop", "--ladder", "3840x2160@8M,160x90@100k", "--fps", "120"])
            .args(["--segment-duration", "1s", "--window", "200", "--webroot"])
            .arg(webroot),
    );
    wait_for_segment(webroot, "90p", 6);
    wait_for_segment(webroot, "2160p", 5);
    let status: serde_json::Value =
        serde_json::from_slice(&fs::read(webroot.join("status.json")).unwrap()).unwrap();
    assert!(status["media_sequence_last"].as_u64() >= Some(5), "the stream is seen to go on: {status}");
    assert!(status["segments_left_out"].as_u64() >= Some(1), "{status}");
    live.signal(rustix::process::Signal::INT);
    let (ended, output) = live.wait_and_read();
    assert!(ended.success(), "{output}");
    assert_eq!(times(&output, "falls behind so far that it leaves out segments"), 1, "{output}");
    assert_eq!(times(&output, "the encoder was behind until the end"), 1, "{output}");

    let (gaps, segments) = gaps_and_segments(webroot, "2160p");
    let (none, all) = gaps_and_segments(webroot, "90p");
    assert_eq!((none.len(), gaps.len() + segments.len()), (0, all.len()));
    assert!(gaps.len() > segments.len(), "{gaps:?} of {all:?}");
    let text = fs::read_to_string(webroot.join("stream.m3u8")).unwrap();
    let Listing::Multivariant(listing) = read_listing(&text) else { panic!("no multivariant playlist") };
    let has_top = listing.variants.iter().any(|it| it.attributes.get("RESOLUTION") == Some("3840x2160"));
    assert_eq!(has_top, !segments.is_empty(), "players are told of what there is: {text}");
    assert_clean(webroot);
}
