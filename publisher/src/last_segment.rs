//! Last segment: the newest one of a rendition that the runs before have left and that can be read.
//!
//! In: a rendition's directory, after the watcher has put it in order. Out: its end and its counters, or nothing. What
//! strangers have put there is passed over: nothing here waits, and nothing here fails the start.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::SystemTime;

use crate::playlist_file::{self, OnDisk};
use crate::probe::{Counter, Facts, ProbeError, Probing, Unfit, smallest_break_90k, unfit};
use crate::rendition::Rendition;
use crate::segment_name::{Home, name_of_uri, number_of_name, segment_name};

/// A minute at 35 Mbit/s: more is no segment but a recording.
const LARGEST_BYTES: u64 = 256 << 20;

/// So many files are looked into at most: a crash spoils one, a full disk a few, and the start has to be quick.
const TRIES: usize = 8;

/// A file is read in such pieces.
const PIECE_BYTES: usize = 188 * 1024;

/// Where a rendition ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSegment {
    /// When its last picture or sound ends, whichever is later; 33 bits.
    pub end_90k: u64,
    /// When that was, by the wall clock.
    pub ended_at: SystemTime,
    /// A segment that begins at least so much after `end_90k` is seen to be behind a break.
    pub break_90k: u64,
    /// The continuity counter of each PID.
    pub counters: Vec<Counter>,
}

/// Why a file is passed over.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it has {0} bytes, over the {LARGEST_BYTES} of the longest segment")]
    TooLarge(u64),
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error(transparent)]
    NoSegment(#[from] ProbeError),
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

impl LastSegment {
    /// Looks for it: among the files that the playlist lists, the last one first, then among those with numbers below
    /// `next_number`, which are ours.
    #[must_use]
    pub fn find(webroot: &Path, rendition: &Rendition, next_number: u64) -> Option<Self> {
        let directory = rendition.live_directory(webroot);
        let (playlists, home) = match rendition.name {
            None => (webroot, Home::Live),
            Some(_) => (directory.as_path(), Home::Beside),
        };
        let names = listed(playlists, home).into_iter().chain(ours(&directory, next_number));
        let mut is_any = false;
        // A pipe would make who opens it wait.
        for name in names.filter(|name| is_file(&directory.join(name))).take(TRIES) {
            match Self::read(&directory.join(&name)) {
                Ok(last) => return Some(last),
                Err(reason) => tracing::debug!(name, %reason, "not taken for the last segment"),
            }
            is_any = true;
        }
        if is_any {
            tracing::warn!(
                directory = %directory.display(),
                "no segment of the run before can be read; counters and timestamps begin anew"
            );
        }
        None
    }

    fn read(path: &Path) -> Result<Self, Unusable> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.len() > LARGEST_BYTES {
            return Err(Unusable::TooLarge(metadata.len()));
        }
        let mut file = file.take(LARGEST_BYTES);
        let mut piece = vec![0; PIECE_BYTES];
        let mut probing = Probing::new();
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => probing.push(&piece[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let facts = probing.finish()?;
        unfit(&facts, None).map_or(Ok(()), Err)?;
        Ok(Self::of(facts, metadata.modified()?))
    }

    /// Of what its bytes tell, and its time.
    fn of(facts: Facts, ended_at: SystemTime) -> Self {
        Self {
            end_90k: facts.latest_end_90k(),
            ended_at,
            break_90k: smallest_break_90k(&facts),
            counters: facts.counters,
        }
    }
}

/// The names in the playlist, the last one first.
fn listed(playlists: &Path, home: Home) -> Vec<String> {
    match playlist_file::read(playlists) {
        Ok(OnDisk::Playlist { playlist, .. }) => {
            playlist.segments.iter().rev().filter_map(|segment| name_of_uri(home, &segment.uri)).collect()
        }
        Ok(OnDisk::Missing | OnDisk::Unreadable { .. }) | Err(_) => Vec::new(),
    }
}

/// Names with numbers below this, the last one first.
fn ours(directory: &Path, next_number: u64) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let numbers: BTreeSet<u64> = entries
        .filter_map(|entry| number_of_name(entry.file_name().to_str()?))
        .filter(|&number| number < next_number)
        .collect();
    numbers.into_iter().rev().map(segment_name)
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}
