//! Encoders that have no time: their size has gaps, and no other size notices.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use livedir_layout::names::number_of_uri;
use livedir_media::probe;
use livedir_playlist::{Listing, MediaPlaylist, parse, read_listing};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::support::check::{Following, assert_clean};
use crate::support::media;
use crate::support::programs::{PATIENCE, Running, publisher};
use crate::support::wait_for;

/// Two of these tests at once would starve everybody.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Threads that take the time of one processor.
const SPINNERS: usize = 40;

fn playlist(webroot: &Path, rendition: &str) -> Option<MediaPlaylist> {
    parse(&fs::read_to_string(webroot.join("live").join(rendition).join("stream.m3u8")).ok()?).ok()
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

/// What was said of a size: `repeats`, `leaves out` and `end`, in order.
fn said_of(output: &str, size: &str) -> Vec<&'static str> {
    const WORDS: [(&str, &str); 4] = [
        ("the encoder repeats frames", "repeats"),
        ("the encoder leaves out segments", "leaves out"),
        ("overload ended", "end"),
        ("overload lasted until the end", "end"),
    ];
    let of_size = output.lines().filter(|line| line.contains(&format!("size=\"{size}\"")));
    of_size
        .filter_map(|line| WORDS.iter().find(|(said, _)| line.contains(said)))
        .map(|(_, word)| *word)
        .collect()
}

/// Each time that it fell behind was told once, and its end: a machine that is busy with everything else may see more of
/// them than were meant.
#[track_caller]
fn check_said(output: &str, size: &str) {
    let said = said_of(output, size);
    let episodes: Vec<_> = said.split_inclusive(|word| *word == "end").collect();
    for episode in &episodes {
        assert_eq!(episode.last(), Some(&"end"), "{said:?}: {output}");
        for word in ["repeats", "leaves out"] {
            assert!(episode.iter().filter(|it| **it == word).count() <= 1, "{said:?}: {output}");
        }
    }
    assert!(episodes.iter().any(|episode| episode.contains(&"leaves out")), "{said:?}: {output}");
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

/// A film without end in two sizes, one of them far more work than the other.
fn start(webroot: &Path, more: &[&str]) -> Running {
    let film = media::flash_and_beep(webroot, 10);
    let words = ["--loop", "--ladder", "1280x720@1M,160x90@100k", "--window", "200", "--webroot"];
    Running::start(publisher().arg("live").arg(film).args(more).args(words).arg(webroot))
}

#[test]
fn an_encoder_without_time_leaves_out_segments_goes_on_with_the_others_and_says_both() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let live = start(webroot, &["--low-latency"]);
    let gaps = || playlist(webroot, "720p").map_or(0, |it| it.segments.iter().filter(|it| it.gap).count());
    let has_segment = || playlist(webroot, "720p").is_some_and(|it| it.segments.iter().any(|it| !it.gap));
    wait_for("a segment", PATIENCE, || has_segment().then_some(()));
    let lists = [webroot.join("stream.m3u8"), webroot.join("ll.m3u8")];
    wait_for("the lists of all sizes", PATIENCE, || lists.iter().all(|list| list.exists()).then_some(()));
    // Of a webroot the lists of both kinds are followed.
    let following = Following::start(webroot, "25s");
    let thread = thread_of(live.id(), "1280x720").expect("each size has its thread");
    let before = gaps();
    starve(thread, || gaps() >= before + 2);
    assert!(gaps() >= before + 2, "it had time enough: {}", live.output());
    wait_for("the end of it to be told", 3 * PATIENCE, || {
        said_of(&live.output(), "1280x720").contains(&"end").then_some(())
    });
    let checked = following.report();
    // The part that was hinted at when its encoder gave up never comes.
    let may_be = ["part-late", "update-late", "preload-hint-untrue"];
    assert!(checked.rules().iter().all(|rule| may_be.contains(rule)), "{checked:#?}");
    live.signal(rustix::process::Signal::INT);
    let (ended, output) = live.wait_and_read();
    assert!(ended.success(), "{output}");
    check_said(&output, "1280x720");

    let (gaps, segments) = gaps_and_segments(webroot, "720p");
    let (none, all) = gaps_and_segments(webroot, "90p");
    assert_eq!(none, [0; 0], "the other size has every segment");
    assert_eq!(gaps_and_segments(webroot, "audio").0, [0; 0], "and so has the sound");
    assert_eq!(gaps.len() + segments.len(), all.len());
    let (first, last) = (segments[0], segments[segments.len() - 1]);
    assert!(gaps.iter().any(|gap| (first..last).contains(gap)), "it goes on behind them: {gaps:?}");
    for number in segments {
        assert_eq!(start_of(webroot, "720p", number), start_of(webroot, "90p", number), "segment {number}");
    }
    assert_clean(webroot);
}

#[test]
fn a_size_without_a_single_segment_does_not_keep_the_stream_from_its_players() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let live = start(webroot, &[]);
    let thread = wait_for("the thread of the size", PATIENCE, || thread_of(live.id(), "1280x720"));
    let sizes = || {
        let text = fs::read_to_string(webroot.join("stream.m3u8")).ok()?;
        let Listing::Multivariant(listing) = read_listing(&text) else { panic!("no multivariant playlist") };
        let size =
            |variant: &livedir_playlist::Variant| variant.attributes.get("RESOLUTION").map(str::to_owned);
        Some(listing.variants.iter().filter_map(size).collect::<Vec<_>>())
    };
    starve(thread, || sizes().is_some());
    assert_eq!(sizes().as_deref(), Some(&["160x90".to_owned()][..]), "what there is");
    let status: serde_json::Value =
        serde_json::from_slice(&fs::read(webroot.join("status.json")).unwrap()).unwrap();
    assert!(status["media_sequence_last"].as_u64() >= Some(1), "the stream is seen to go on: {status}");
    wait_for("the other size", PATIENCE, || {
        sizes().filter(|sizes| *sizes == ["1280x720", "160x90"]).map(|_| ())
    });
    live.signal(rustix::process::Signal::INT);
    let (ended, output) = live.wait_and_read();
    assert!(ended.success(), "{output}");
    check_said(&output, "1280x720");
    let (gaps, segments) = gaps_and_segments(webroot, "720p");
    let (none, all) = gaps_and_segments(webroot, "90p");
    assert_eq!((gaps[0], none.len(), gaps.len() + segments.len()), (1, 0, all.len()));
    assert_clean(webroot);
}
