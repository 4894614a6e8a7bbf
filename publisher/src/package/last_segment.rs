//! Last segment: the newest one of a rendition that the runs before have left and that can be read.
//!
//! In: a rendition's directory, after the watcher has cleaned it up. Out: the end and the counters of that segment, or nothing.
//! Files of other programs are skipped: nothing here waits, and nothing here stops the start.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::SystemTime;

use livedir_layout::directory::{Directory, EntryKind};
use livedir_layout::files::{self, OnDisk};
use livedir_layout::names::{Home, name_of_uri, number_of_name, segment_name};
use livedir_layout::rendition::Rendition;
use livedir_media::{Counter, Facts, ProbeError, Probing, Unfit, smallest_break_90k, unfit};

/// A minute at 35 Mbit/s. A larger file is a recording, not a segment.
const LARGEST_BYTES: u64 = 256 << 20;

/// The most files to try: a crash damages one, a full disk a few, and the start has to be quick.
const TRIES: usize = 8;

/// How many bytes of a file are read at a time.
const PIECE_BYTES: usize = 192 * 1024;

/// Where a rendition ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSegment {
    /// When its last frame or sound ends, whichever is later; 33 bits.
    pub end_90k: u64,
    /// The wall-clock time of that end.
    pub ended_at: SystemTime,
    /// A segment that begins at least this much after `end_90k` counts as a discontinuity.
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
    pub fn find(
        disk: &dyn Directory,
        webroot: &Path,
        rendition: &Rendition,
        next_number: u64,
    ) -> Option<Self> {
        let directory = rendition.live_directory(webroot);
        let (playlists, home) = match rendition.name {
            None => (webroot, Home::Live),
            Some(_) => (directory.as_path(), Home::Beside),
        };
        let names = listed(disk, playlists, home).into_iter().chain(ours(disk, &directory, next_number));
        let mut is_any = false;
        let is_file = |name: &String| {
            disk.look_up(&directory.join(name)).is_ok_and(|found| found.kind == EntryKind::File)
        };
        for name in names.filter(is_file).take(TRIES) {
            match Self::read(disk, &directory.join(&name)) {
                Ok(last) => return Some(last),
                Err(reason) => tracing::debug!(name, %reason, "file not used as the last segment"),
            }
            is_any = true;
        }
        if is_any {
            tracing::warn!(
                directory = %directory.display(),
                "no segment of the last run can be read; counters and timestamps start again"
            );
        }
        None
    }

    fn read(disk: &dyn Directory, path: &Path) -> Result<Self, Unusable> {
        let file = disk.open(path)?;
        let stamp = file.stamp;
        if stamp.bytes > LARGEST_BYTES {
            return Err(Unusable::TooLarge(stamp.bytes));
        }
        let mut file = file.bytes.take(LARGEST_BYTES);
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
        Ok(Self::of(facts, stamp.modified_at))
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
fn listed(disk: &dyn Directory, playlists: &Path, home: Home) -> Vec<String> {
    match files::read(disk, playlists) {
        Ok(OnDisk::Playlist { playlist, .. }) => {
            playlist.segments.iter().rev().filter_map(|segment| name_of_uri(home, &segment.uri)).collect()
        }
        Ok(OnDisk::Missing | OnDisk::Unreadable { .. }) | Err(_) => Vec::new(),
    }
}

/// Names with numbers below this, the last one first.
fn ours(disk: &dyn Directory, directory: &Path, next_number: u64) -> impl Iterator<Item = String> + use<> {
    let entries = disk.list(directory).unwrap_or_default();
    let numbers: BTreeSet<u64> = entries
        .into_iter()
        .filter_map(|entry| number_of_name(&entry.name?))
        .filter(|&number| number < next_number)
        .collect();
    numbers.into_iter().rev().map(segment_name)
}
