//! Witness: a reader that never looks away. It reads a live playlist over and over, and all that the playlist names, and
//! holds every version to the contract on disk and to RFC 8216.
//!
//! In: a webroot, on disk or over HTTP. Out: a [`Testimony`]. One thread for each witness, in a tight loop; it ends when
//! the witness is asked for its testimony, after one last look. Broken rules are noted down and told at the end.

pub mod history;
pub mod reader;
pub mod shelf;
pub mod transport_stream;

use std::fmt::{self, Display, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use history::History;
use reader::PlaylistReader;
use shelf::Shelf;

use super::{programs::PATIENCE, wait_for};

/// Broken rules that are told in full: one cause breaks rules by the thousand in a tight loop.
const TOLD_IN_FULL: usize = 12;

const PLAYLIST: &str = "stream.m3u8";

/// A witness at work.
pub struct Witness {
    testimony: Arc<Mutex<Testimony>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What a witness has seen.
#[derive(Debug, Default)]
pub struct Testimony {
    /// How often it has read the playlist.
    pub reads: u64,
    /// How many different playlists it has read.
    pub versions: u64,
    /// How often it has read a segment.
    pub segment_reads: u64,
    /// All versions in one memory.
    pub history: History,
    shelf: Shelf,
    broken: Vec<Broken>,
    broken_in_all: u64,
}

/// One broken rule with the playlists around it.
#[derive(Debug, Clone)]
struct Broken {
    rule: String,
    before: String,
    after: String,
}

impl Witness {
    /// Begins to watch a stream of `fps` frames a second.
    pub fn start(mut reader: impl PlaylistReader + 'static, fps: u32) -> Self {
        let testimony =
            Arc::new(Mutex::new(Testimony { history: History::new(fps), ..Testimony::default() }));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (testimony, stop) = (testimony.clone(), stop.clone());
            move || {
                let mut is_last_look = false;
                while !is_last_look {
                    // Read before the look, so that a look comes after the request.
                    is_last_look = stop.load(Ordering::Acquire);
                    look(&mut reader, &testimony);
                    std::thread::yield_now();
                }
            }
        });
        Self { testimony, stop, thread: Some(thread) }
    }

    /// What it has seen so far.
    pub fn so_far(&self) -> MutexGuard<'_, Testimony> {
        self.testimony.lock().unwrap()
    }

    /// Waits until it has seen what `condition` looks for.
    #[track_caller]
    pub fn wait_until<T>(&self, what: &str, mut condition: impl FnMut(&History) -> Option<T>) -> T {
        wait_for(what, PATIENCE, || condition(&self.so_far().history))
    }

    /// Ends it. Fails with all that it has to complain about, or when it saw nothing.
    #[track_caller]
    pub fn testify(mut self) -> Testimony {
        self.end();
        let testimony = std::mem::take(&mut *self.so_far());
        assert!(testimony.broken.is_empty(), "{testimony}");
        let seen = (testimony.reads, testimony.versions, testimony.segment_reads);
        assert!(seen.0 > 1 && seen.1 > 1 && seen.2 > 1, "the witness saw nothing: {seen:?}");
        testimony
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        // A test that fails for another reason wants to know this too.
        if thread.join().is_ok() && std::thread::panicking() {
            eprintln!("{}", self.so_far());
        }
    }
}

fn look(reader: &mut impl PlaylistReader, testimony: &Mutex<Testimony>) {
    let read_at = Instant::now();
    let text = reader.read(PLAYLIST);
    let unread = testimony.lock().unwrap().sees_playlist(text, read_at);
    for uri in unread {
        // No later than now: it is complete when it is listed, or it was listed too early.
        let segment = reader.read(&uri);
        testimony.lock().unwrap().sees_segment(&uri, segment, Instant::now());
    }
    let again = testimony.lock().unwrap().shelf.next_to_look_at(Instant::now());
    if let Some(uri) = again {
        let segment = reader.read(&uri);
        testimony.lock().unwrap().sees_segment(&uri, segment, Instant::now());
    }
}

impl Testimony {
    /// Takes a read playlist in; gives the segments in it that are new.
    fn sees_playlist(&mut self, read: Result<Option<Vec<u8>>, String>, read_at: Instant) -> Vec<String> {
        self.reads += 1;
        let before = self.history.text().to_owned();
        let bytes = match read {
            Ok(Some(bytes)) => bytes,
            Ok(None) if before.is_empty() => return Vec::new(),
            Ok(None) => {
                self.note(vec!["the playlist is gone".into()], &before, "");
                return Vec::new();
            }
            Err(problem) => {
                self.note(vec![format!("the playlist cannot be read: {problem}")], &before, "");
                return Vec::new();
            }
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text != before {
            self.versions += 1;
            let broken = self.history.sees(&text, read_at);
            self.note(broken, &before, &text);
        }
        // bis 4.4.4.7: of a gap there need not be a file.
        let listed: Vec<_> = self
            .history
            .listed()
            .filter(|seen| !seen.segment.gap)
            .map(|seen| (seen.segment.uri.clone(), seen.grace()))
            .collect();
        listed
            .into_iter()
            .filter(|(uri, grace)| self.shelf.note_listed(uri, read_at, *grace))
            .map(|(uri, _)| uri)
            .collect()
    }

    fn sees_segment(&mut self, uri: &str, read: Result<Option<Vec<u8>>, String>, now: Instant) {
        self.segment_reads += 1;
        let broken = match read {
            Ok(Some(bytes)) => self.shelf.note_read(uri, &bytes),
            Ok(None) => self.shelf.note_missing(uri, now),
            Err(problem) => vec![format!("{uri} cannot be read: {problem}")],
        };
        let text = self.history.text().to_owned();
        self.note(broken, "", &text);
    }

    fn note(&mut self, broken: Vec<String>, before: &str, after: &str) {
        for rule in broken {
            self.broken_in_all += 1;
            if self.broken.len() < TOLD_IN_FULL && self.broken.iter().all(|it| it.rule != rule) {
                self.broken.push(Broken { rule, before: before.to_owned(), after: after.to_owned() });
            }
        }
    }
}

impl Display for Testimony {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reads, versions, segment_reads, broken_in_all, .. } = self;
        writeln!(
            out,
            "witness: {broken_in_all} broken rules in {reads} reads of {versions} playlists and {segment_reads} of segments"
        )?;
        for Broken { rule, before, after } in &self.broken {
            writeln!(out, "== {rule}")?;
            for (name, text) in [("before", before), ("after", after)] {
                if !text.is_empty() {
                    writeln!(out, "-- {name}:\n{text}")?;
                }
            }
        }
        out.write_char('\n')
    }
}

/// 90 kHz ticks as time.
pub fn ticks(duration_90k: u64) -> Duration {
    Duration::from_nanos(duration_90k * 100_000 / 9)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::history::tests::playlist;
    use super::*;

    /// A webroot that only ever answers what it was told to.
    struct Told(BTreeMap<String, Vec<u8>>);

    impl PlaylistReader for Told {
        fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
            Ok(self.0.get(path).cloned())
        }
    }

    fn told(segments: std::ops::RangeInclusive<u64>) -> Told {
        let mut files = BTreeMap::from([(PLAYLIST.to_owned(), playlist(1..=3).into_bytes())]);
        files.extend(segments.map(|number| (history::uri(number), transport_stream::tests::segment(4))));
        Told(files)
    }

    /// Looks twice at each webroot in turn; gives the rules that were broken.
    fn looks(at: &mut [Told]) -> Vec<String> {
        let testimony = Mutex::new(Testimony { history: History::new(20), ..Testimony::default() });
        for webroot in at {
            look(webroot, &testimony);
            look(webroot, &testimony);
        }
        let testimony = testimony.into_inner().unwrap();
        testimony.broken.into_iter().map(|broken| broken.rule).collect()
    }

    #[track_caller]
    fn check(at: &mut [Told], expected: &str) {
        let broken = looks(at);
        assert!(broken.iter().any(|rule| rule.contains(expected)), "{expected} is not in {broken:?}");
    }

    #[test]
    fn a_good_webroot_breaks_no_rule() {
        assert_eq!(looks(&mut [told(1..=3)]), [""; 0]);
    }

    #[test]
    fn a_listed_file_that_is_missing_is_told() {
        check(&mut [told(1..=2)], "seg-00000003.ts is missing");
    }

    #[test]
    fn a_listed_file_that_is_cut_is_told() {
        let mut cut = told(1..=3);
        cut.0.get_mut("live/seg-00000003.ts").unwrap().truncate(500);
        check(&mut [cut], "seg-00000003.ts is not complete");
    }

    #[test]
    fn a_playlist_that_vanishes_is_told() {
        let mut gone = told(1..=3);
        gone.0.remove(PLAYLIST);
        check(&mut [told(1..=3), gone], "the playlist is gone");
    }

    #[test]
    fn a_playlist_that_is_cut_is_told() {
        let mut cut = told(1..=3);
        let text = cut.0.get_mut(PLAYLIST).unwrap();
        text.truncate(text.len() - 3);
        check(&mut [cut], "the last line is cut");
    }

    #[test]
    #[should_panic(expected = "the witness saw nothing")]
    fn a_witness_that_saw_nothing_fails() {
        Witness::start(Told(BTreeMap::new()), 20).testify();
    }

    #[test]
    #[should_panic(expected = "seg-00000003.ts is missing")]
    fn a_testimony_of_broken_rules_fails_and_tells_them() {
        let witness = Witness::start(told(1..=2), 20);
        witness.wait_until("a playlist", |history| history.listed().next().map(|_| ()));
        witness.testify();
    }
}
