//! A publisher that is started again goes on with the timestamps and the continuity counters of the run before, however long
//! it was away.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use livedir_media::{Facts, probe};
use livedir_playlist::MediaPlaylist;

use super::input::media::{PICTURES, SOUND, made};
use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, PATIENCE, read_playlist};
use crate::support::wait_for;

mod players;

const WORDS: [&str; 7] = ["test", "--size", "160x120", "--fps", "20", "--segment-duration", "500ms"];

/// One turn of the 33-bit clock.
const WRAP_90K: i64 = 1 << 33;

/// One frame of AAC at 48 kHz.
const AAC_FRAME_90K: i64 = 1920;

/// A hole may be longer than the outage by the sound that goes on behind the last picture, by what makes it seen, and by the time from
/// decoding to showing.
const LONGER_90K: i64 = 18_000;

/// What is longer is closed up.
const LONGEST_HOLE: Duration = Duration::from_secs(90);

const AWAY: [Away; 4] = [
    Away::For(Duration::from_secs(1)),
    Away::For(Duration::from_secs(60)),
    Away::For(Duration::from_secs(27 * 3600)),
    Away::ClockSetBack(Duration::from_secs(3600)),
];

/// How the wall clock stands when the publisher is started again.
#[derive(Debug, Clone, Copy)]
pub enum Away {
    /// So long after the end.
    For(Duration),
    /// So long before the end.
    ClockSetBack(Duration),
}

impl Away {
    /// Gives all segments the times that they would have.
    pub fn pretend(self, webroot: &Path) {
        // The parts of an interrupted segment keep their times: the dates in the playlists are true, and theirs follow them.
        let mut files = segment_files(&webroot.join("live"));
        files.retain(|path| !is_part_of_interrupted(path));
        let modified_at = |path: &PathBuf| std::fs::metadata(path).unwrap().modified().unwrap();
        let newest = files.iter().map(modified_at).max().expect("a segment");
        let now = SystemTime::now();
        for path in files {
            let before_newest = newest.duration_since(modified_at(&path)).unwrap();
            let end = match self {
                Away::For(time) => now - time,
                Away::ClockSetBack(time) => now + time,
            };
            File::options().append(true).open(&path).unwrap().set_modified(end - before_newest).unwrap();
        }
    }
}

fn is_part_of_interrupted(path: &Path) -> bool {
    let (segment, _) = path.to_str().unwrap().rsplit_once(".p").unwrap_or_default();
    !segment.is_empty() && !Path::new(&format!("{segment}.ts")).exists()
}

/// Segments and parts, also those of renditions.
fn segment_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(segment_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "ts") {
            files.push(path);
        }
    }
    files
}

struct Segment {
    facts: Facts,
    ended_at: SystemTime,
}

/// The segment of a playlist with this media sequence number.
#[track_caller]
fn segment(playlists: &Path, number: u64) -> Segment {
    let playlist = read_playlist(playlists).expect("a playlist");
    let path = playlists.join(&playlist.segments[(number - playlist.media_sequence) as usize].uri);
    let facts = probe(&std::fs::read(&path).unwrap()).unwrap();
    let ended_at = std::fs::metadata(&path).unwrap().modified().unwrap();
    Segment { facts, ended_at }
}

fn next_number(playlists: &Path) -> u64 {
    read_playlist(playlists).as_ref().map_or(1, MediaPlaylist::next_media_sequence)
}

/// Waits until a playlist has two segments of a run that has no number below `next_number`; gives the number of the first.
#[track_caller]
fn wait_for_run(stream: &mut LiveStream, playlists: &Path, next_number: u64) -> u64 {
    wait_for("segments of the new run", PATIENCE, || {
        assert!(stream.publisher.still_runs(), "the publisher has ended:\n{}", stream.publisher.output());
        let playlist = read_playlist(playlists)?;
        let numbered = playlist.segments.iter().zip(playlist.media_sequence..);
        let (_, first) = numbered.filter(|(segment, _)| segment.discontinuity).last()?;
        (first >= next_number && playlist.next_media_sequence() >= first + 2).then_some(first)
    })
}

/// The shorter way round.
fn distance_90k(from_90k: u64, to_90k: u64) -> i64 {
    (to_90k as i64 - from_90k as i64 + WRAP_90K / 2).rem_euclid(WRAP_90K) - WRAP_90K / 2
}

/// Segment `number` is the first of a run that goes on after the run before; gives its first timestamp.
#[track_caller]
fn check_goes_on(playlists: &Path, number: u64, away: Away) -> u64 {
    let (last, first) = (segment(playlists, number - 1), segment(playlists, number));
    for before in &last.facts.counters {
        let after = first.facts.counters.iter().find(|after| after.pid == before.pid).expect("the same PIDs");
        assert_eq!(after.first, (before.last + 1) % 16, "{away:?}: PID {}", before.pid);
    }
    assert_eq!(last.facts.counter_breaks() + first.facts.counter_breaks(), 0, "{away:?}");
    let hole_90k = distance_90k(last.facts.end_90k(), first.facts.start_90k);
    let started_at = first.ended_at - Duration::from_nanos(first.facts.duration_90k * 100_000 / 9);
    let (shortest_90k, is_closed_up) = match away {
        Away::For(time) => (0, time > LONGEST_HOLE),
        Away::ClockSetBack(_) => (1, true),
    };
    let outage_90k = match started_at.duration_since(last.ended_at) {
        Ok(outage) if !is_closed_up => (outage.as_nanos() * 9 / 100_000) as i64,
        // Just enough to be seen as a break.
        _ => 0,
    };
    let longer_90k = hole_90k - outage_90k;
    assert!(
        (shortest_90k..=LONGER_90K).contains(&longer_90k),
        "{away:?}: a hole of {hole_90k} for an outage of {outage_90k}"
    );
    first.facts.start_90k
}

#[test]
fn timestamps_and_counters_go_on_over_outages_and_clocks_that_are_set_back() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let mut stream = LiveStream::start(webroot, &WORDS);
    stream.wait_for_segment(2);
    for away in AWAY {
        stream.publisher.kill();
        let next_number = next_number(webroot);
        away.pretend(webroot);
        stream = LiveStream::start(webroot, &WORDS);
        let first = wait_for_run(&mut stream, webroot, next_number);
        check_goes_on(webroot, first, away);
        let playlist = read_playlist(webroot).unwrap();
        let breaks = playlist.segments.iter().zip(playlist.media_sequence..);
        let breaks = breaks.filter(|(segment, number)| segment.discontinuity && *number >= next_number);
        assert_eq!(breaks.count(), 1, "{away:?}: one break, and no more");
    }
    assert!(stream.publisher.interrupt().success());
    assert_clean(webroot);
}

#[test]
fn all_sizes_and_the_sound_of_a_ladder_go_on_at_one_time() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let words = ["test", "--ladder", "320x180@300k,160x90@100k", "--segment-duration", "1s", "--low-latency"];
    let [top, low, sound] = ["180p", "90p", "audio"].map(|name| webroot.join("live").join(name));
    let mut stream = LiveStream::start(webroot, &words);
    wait_for("segments of all", PATIENCE, || {
        [&top, &low, &sound].into_iter().all(|it| next_number(it) > 2).then_some(())
    });
    for away in [Away::For(Duration::from_secs(60)), Away::ClockSetBack(Duration::from_secs(60))] {
        stream.publisher.kill();
        let next_number = [&top, &low, &sound].map(|it| next_number(it)).into_iter().max().unwrap();
        away.pretend(webroot);
        stream = LiveStream::start(webroot, &words);
        let first = [&top, &low, &sound].map(|it| wait_for_run(&mut stream, it, next_number));
        assert_eq!(first, [first[0]; 3], "the break is at the same number");
        let starts = [&top, &low, &sound].map(|it| segment(it, first[0]).facts.start_90k);
        assert_eq!(starts[0], starts[1], "{away:?}");
        assert!((0..AAC_FRAME_90K).contains(&distance_90k(starts[0], starts[2])), "{away:?}: {starts:?}");
        for playlists in [&top, &low, &sound] {
            // Where a size had less of the last one than the others, that is a gap.
            let before = read_playlist(playlists).expect("a playlist");
            let numbered = (before.media_sequence..first[0]).zip(&before.segments);
            let whole = numbered.filter(|(_, it)| !it.gap).map(|(number, _)| number).last();
            let last = segment(playlists, whole.expect("a segment")).facts.end_90k();
            assert!(distance_90k(last, starts[0]) > 0, "{away:?}: never before the end of another");
        }
    }
    assert!(stream.publisher.interrupt().success());
    assert_clean(webroot);
}

#[test]
fn copied_packets_go_on_too() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let mut film = vec!["-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", SOUND, "-t", "8", "-g", "12"];
    film.extend(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-sc_threshold", "0", "-c:a", "aac"]);
    let film = made("restart.mp4", &film).display().to_string();
    let words = [&film, "--copy", "--loop", "--segment-duration", "1s"];
    let mut stream = LiveStream::start(webroot, &words);
    stream.wait_for_segment(2);
    for away in [Away::For(Duration::from_secs(27 * 3600)), Away::ClockSetBack(Duration::from_secs(60))] {
        stream.publisher.kill();
        let next_number = next_number(webroot);
        away.pretend(webroot);
        stream = LiveStream::start(webroot, &words);
        let first = wait_for_run(&mut stream, webroot, next_number);
        check_goes_on(webroot, first, away);
    }
    assert!(stream.publisher.interrupt().success());
    assert_clean(webroot);
}

/// What a stranger, or a bad disk, has made of the last segment.
#[test]
fn a_last_segment_that_cannot_be_read_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let spoils: [&dyn Fn(&Path); 5] = [
        &|path| std::fs::write(path, "").unwrap(),
        &|path| std::fs::write(path, "<html>").unwrap(),
        &|path| File::options().write(true).open(path).unwrap().set_len(1 << 40).unwrap(),
        &|path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        },
        &|path| {
            std::fs::remove_file(path).unwrap();
            let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
            assert!(made.success());
        },
    ];
    let mut stream = LiveStream::start(webroot, &WORDS);
    stream.wait_for_segment(3);
    for (n, spoil) in spoils.into_iter().enumerate() {
        stream.publisher.kill();
        let last = next_number(webroot) - 1;
        let good = segment(webroot, last - 1);
        let path = webroot.join(format!("live/seg-{last:08}.ts"));
        std::fs::remove_file(webroot.join(format!("live/seg-{:08}.ts", last + 1))).ok();
        spoil(&path);
        stream = LiveStream::start(webroot, &WORDS);
        let first = wait_for_run(&mut stream, webroot, last);
        let hole_90k = distance_90k(good.facts.end_90k(), segment(webroot, first).facts.start_90k);
        // The length of the spoilt one, and the restart; by anything else it would be hours, or a step back.
        assert!(hole_90k > 45_000 && hole_90k < 120 * 90_000, "spoilt {n}: a hole of {hole_90k}");
    }
    assert!(stream.publisher.interrupt().success());
}
