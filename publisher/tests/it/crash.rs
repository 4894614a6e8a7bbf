//! A publisher that is killed and started again, at any moment, goes on where it was: readers see one stream.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, PATIENCE, WebServer, read_playlist};
use crate::support::witness::Witness;
use crate::support::witness::history::{History, Seen, uri};
use crate::support::witness::reader::{Files, Http};

const KILLS: usize = 32;
const FPS: u32 = 20;
const WORDS: [&str; 7] = ["test", "--size", "160x120", "--fps", "20", "--segment-duration", "500ms"];

/// What a kill in the middle of a write leaves behind, for the kills that leave nothing.
const LEFT_OVER: [&str; 3] =
    ["live/.seg-00000001.ts.planted", ".stream.m3u8.planted", ".status.json.planted"];

/// One run of the publisher that ended in a kill.
struct Run {
    started_at: Instant,
    killed_at: Instant,
    /// Numbers of the files that it finished.
    finished: RangeInclusive<u64>,
}

#[test]
fn readers_see_one_stream_through_thirty_kills_at_random_moments() {
    let mut random = Random::seeded();
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let server = WebServer::start(webroot);
    let on_disk = Witness::start(Files::of(webroot), FPS);
    let over_http = Witness::start(Http::from(&server.address, webroot), FPS);

    let mut runs = Vec::new();
    let mut left_over = BTreeSet::new();
    let (mut left_by_kills, mut not_yet_listed) = (0, 0);
    for _ in 0..KILLS {
        let before = newest_file(webroot);
        let started_at = Instant::now();
        let mut stream = LiveStream::start(webroot, &WORDS);
        // Whatever is waited for has happened by now: how it is waited for does not matter.
        match random.below(3) {
            // During start-up, and in the first segments.
            0 => std::thread::sleep(Duration::from_millis(random.below(1200))),
            // At any time between two segments.
            1 => {
                stream.wait_for_segment(before + 1);
                assert_swept(&mut left_over);
                std::thread::sleep(Duration::from_millis(random.below(600)));
            }
            // Right after a segment got its name, when the playlist is due.
            _ => {
                let number = before + 1 + random.below(2);
                wait_for_file(&mut stream, number);
            }
        }
        stream.publisher.kill();
        let killed_at = Instant::now();
        runs.push(Run { started_at, killed_at, finished: before + 1..=newest_file(webroot) });
        let listed = read_playlist(webroot).map_or(0, |playlist| playlist.next_media_sequence() - 1);
        not_yet_listed += newest_file(webroot) - listed;
        let dot_files = dot_files(webroot);
        left_by_kills += dot_files.iter().filter(|path| !is_planted(path)).count();
        left_over.extend(dot_files);
        plant(webroot, &mut left_over);
    }
    let before = newest_file(webroot);
    let mut stream = LiveStream::start(webroot, &WORDS);
    stream.wait_for_segment(before + 3);
    assert_swept(&mut left_over);
    assert!(stream.publisher.interrupt().success());
    assert_eq!(dot_files(webroot), BTreeSet::new(), "a clean stop leaves nothing");
    let last_run = before + 1..=newest_file(webroot);

    println!(
        "{KILLS} kills left {left_by_kills} files half written and {not_yet_listed} segments not yet listed"
    );
    for (name, witness) in [("files", on_disk), ("HTTP", over_http)] {
        witness
            .wait_until("the end of the playlist", |history| history.last().filter(|it| it.ended).map(drop));
        let testimony = witness.testify();
        let numbers = runs.iter().map(|run| run.finished.clone()).chain([last_run.clone()]);
        assert_one_break_at_each_seam(&testimony.history, numbers);
        println!("{name}: {} reads, {} versions", testimony.reads, testimony.versions);
        tell_restart_times(&runs, &testimony.history.segments);
    }
    assert_clean(webroot);
    assert_clean(format!("{}/stream.m3u8", server.address));
}

/// Every finished segment was listed, and the first of each run, and no other, comes after a break.
#[track_caller]
fn assert_one_break_at_each_seam(history: &History, runs: impl Iterator<Item = RangeInclusive<u64>>) {
    let mut numbers = Vec::new();
    let mut timeline = 0;
    for run in runs.filter(|run| !run.is_empty()) {
        for number in run.clone() {
            let Some(seen) = history.segments.get(&number) else {
                panic!("{} was never listed", uri(number))
            };
            let is_seam = number == *run.start() && number > 1;
            timeline += u64::from(is_seam);
            assert_eq!(seen.segment.discontinuity, is_seam, "{seen:?} of {run:?}");
            assert_eq!(seen.discontinuity_sequence, timeline, "{seen:?} of {run:?}");
            numbers.push(number);
        }
    }
    assert!(
        history.segments.keys().eq(&numbers),
        "{:?} are listed, {numbers:?} were made",
        history.segments.keys()
    );
    assert!(timeline as usize > KILLS / 3, "only {timeline} runs made a segment: the kills come too early");
}

/// Told, not asserted: how long after its start a run had its first segment listed.
fn tell_restart_times(runs: &[Run], segments: &BTreeMap<u64, Seen>) {
    let first_listed_at = |run: &Run| Some(segments.get(run.finished.start())?.first_read_at);
    let mut times: Vec<_> = runs
        .iter()
        .filter_map(|run| Some((run, first_listed_at(run)?)))
        .filter(|(run, listed_at)| !run.finished.is_empty() && *listed_at < run.killed_at)
        .map(|(run, listed_at)| listed_at - run.started_at)
        .collect();
    times.sort();
    let (median, longest) = (times.get(times.len() / 2), times.last());
    println!("first segment of {} runs listed after: median {median:?}, longest {longest:?}", times.len());
}

#[test]
fn segments_that_were_finished_and_not_yet_listed_at_the_kill_are_published() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let mut stream = LiveStream::start(webroot, &[&WORDS[..], &["--window", "20"]].concat());
    stream.wait_for_segment(2);
    let older = std::fs::read(webroot.join("stream.m3u8")).unwrap();
    stream.wait_for_segment(5);
    stream.publisher.kill();
    let made = newest_file(webroot);
    // As if the kill had come before the later playlists.
    std::fs::write(webroot.join("stream.m3u8"), older).unwrap();
    let listed = read_playlist(webroot).unwrap().next_media_sequence() - 1;
    assert!((2..5).contains(&listed) && made >= 5, "{listed} of {made} segments listed");

    let witness = Witness::start(Files::of(webroot), FPS);
    let mut stream = LiveStream::start(webroot, &[&WORDS[..], &["--window", "20"]].concat());
    stream.wait_for_segment(made + 2);
    assert!(stream.publisher.interrupt().success());
    let history = witness.testify().history;
    for number in 1..=newest_file(webroot) {
        assert_eq!(
            history.segments[&number].segment.discontinuity,
            number == made + 1,
            "segment {number} of {made}"
        );
    }
    assert_clean(webroot);
}

#[test]
fn a_run_goes_on_after_one_that_ended_and_after_one_that_will_resume_later() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let witness = Witness::start(Files::of(webroot), FPS);
    let mut firsts = Vec::new();
    let mut run = |words: &[&str]| {
        let first = newest_file(webroot) + 1;
        firsts.push(first);
        let mut stream = LiveStream::start(webroot, &[&WORDS[..], words].concat());
        stream.wait_for_segment(first + 2);
        assert!(stream.publisher.interrupt().success());
        let playlist = read_playlist(webroot).unwrap();
        assert_eq!(playlist.ended, words.is_empty());
        let next_number = playlist.next_media_sequence();
        assert_eq!(next_number, newest_file(webroot) + 1, "the last segment is listed");
        witness.wait_until("the end of the run", |history| {
            let last = history.last()?;
            (last.ended == playlist.ended && last.next_media_sequence() == next_number).then_some(())
        });
        assert_clean(webroot);
        playlist
    };
    let first = run(&["--resume-later"]);
    let second = run(&[]);
    assert_eq!(second.media_sequence, first.media_sequence, "viewers of the first run go on with the second");
    let third = run(&[]);
    assert_eq!(third.media_sequence, second.next_media_sequence(), "what has ended is not listed again");
    assert_one_break_at_each(&witness.testify().history, &firsts);
}

#[track_caller]
fn assert_one_break_at_each(history: &History, firsts: &[u64]) {
    for (number, seen) in &history.segments {
        let is_seam = *number > 1 && firsts.contains(number);
        assert_eq!(seen.segment.discontinuity, is_seam, "segment {number}; runs began at {firsts:?}");
    }
}

#[track_caller]
fn wait_for_file(stream: &mut LiveStream, number: u64) {
    let started = Instant::now();
    // As soon as can be: the playlist follows within a millisecond.
    while !stream.webroot.join(uri(number)).exists() {
        assert!(stream.publisher.still_runs(), "the publisher has ended:\n{}", stream.publisher.output());
        assert!(started.elapsed() < PATIENCE, "{} never comes", uri(number));
        std::thread::yield_now();
    }
}

/// The highest number of a file with a final name, 0 when there is none.
fn newest_file(webroot: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(webroot.join("live")) else { return 0 };
    let number = |name: &str| name.strip_prefix("seg-")?.strip_suffix(".ts")?.parse().ok();
    entries.filter_map(|entry| number(entry.unwrap().file_name().to_str()?)).max().unwrap_or(0)
}

fn dot_files(webroot: &Path) -> BTreeSet<PathBuf> {
    let entries =
        [webroot.to_owned(), webroot.join("live")].into_iter().filter_map(|it| std::fs::read_dir(it).ok());
    let paths = entries.flatten().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with('.')).collect()
}

fn plant(webroot: &Path, left_over: &mut BTreeSet<PathBuf>) {
    for name in LEFT_OVER {
        let path = webroot.join(name);
        // A kill may come before there is a live directory.
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "half of").unwrap();
        left_over.insert(path);
    }
}

/// A run that has published has swept before.
#[track_caller]
fn assert_swept(left_over: &mut BTreeSet<PathBuf>) {
    for path in std::mem::take(left_over) {
        assert!(!path.exists(), "{} is left over", path.display());
    }
}

fn is_planted(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "planted")
}

/// Xorshift: moments that are the same again for the same seed, as far as the machine lets them.
struct Random(u64);

impl Random {
    /// The seed is printed; `LIVEDIR_TEST_SEED` brings it back.
    fn seeded() -> Self {
        let given = std::env::var("LIVEDIR_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64 | 1
        });
        println!("LIVEDIR_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
