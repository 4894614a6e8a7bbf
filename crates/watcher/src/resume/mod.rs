//! The plan at the start: the old playlist is the journal, the directory is the truth. Pure.
//!
//! In: the playlist on disk and the files beside it. Out: a [`Plan`]: what the playlist goes on with, which files are still to
//! be published, which have left it before.

pub(crate) mod agreement;
pub(crate) mod parts_on_disk;
pub(crate) mod rejoin;
pub(crate) mod remains;

pub(crate) mod arrival;
pub(crate) mod numbered;
pub(crate) mod numbers;

use crate::events::finished_file::Finished;
use crate::order::break_between;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::names::segment_name;
use livedir_playlist::{MediaPlaylist, Segment};
use std::time::{Duration, SystemTime};

/// How to go on. Segments of ours go by number, files of others by name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan<Key = String> {
    /// What to resume; `None` on a fresh start.
    pub(crate) previous: Option<MediaPlaylist>,
    /// What the first segment published goes on from.
    pub(crate) predecessor: Predecessor<Key>,
    /// Entries that the old playlist lost because a file is missing.
    pub(crate) entries_lost: usize,
    /// Files of entries that were lost with others.
    pub(crate) left_now: Vec<Key>,
    /// Files that left the playlist before.
    pub(crate) left_before: Vec<Key>,
    /// Files that never were in it, in order: they are published first.
    pub(crate) unlisted: Vec<Key>,
    /// Larger than every number on disk and in the playlist; 1 where names have no numbers.
    pub(crate) next_number: u64,
}

/// What was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predecessor<Key = String> {
    /// Nothing ever was.
    None,
    /// This segment; its bytes tell whether the next one goes on from it.
    OnDisk(Key),
    /// A segment that is gone: the next one cannot be known to go on from it.
    Gone,
}

impl Plan<u64> {
    /// With names in the place of numbers.
    pub(crate) fn named(self) -> Plan {
        let names = |numbers: Vec<u64>| numbers.into_iter().map(segment_name).collect();
        Plan {
            previous: self.previous,
            predecessor: match self.predecessor {
                Predecessor::None => Predecessor::None,
                Predecessor::OnDisk(number) => Predecessor::OnDisk(segment_name(number)),
                Predecessor::Gone => Predecessor::Gone,
            },
            entries_lost: self.entries_lost,
            left_now: names(self.left_now),
            left_before: names(self.left_before),
            unlisted: names(self.unlisted),
            next_number: self.next_number,
        }
    }
}

/// Whether a listed file goes on from the one before it, and the one behind it from this one, as the playlist says. `read`: what the file
/// of a name holds, if it can be listed.
fn joins_another(
    entries: &[(&Segment, String)],
    index: usize,
    read: &dyn Fn(&str) -> Option<Finished>,
) -> bool {
    let read = |index: usize| read(&entries.get(index)?.1);
    let Some(finished) = read(index) else { return false };
    let goes_on = |index: usize| entries.get(index).is_some_and(|(segment, _)| !segment.discontinuity);
    let before = index.checked_sub(1).filter(|_| goes_on(index)).and_then(read);
    let behind = Some(index + 1).filter(|&behind| goes_on(behind)).and_then(read);
    (before.is_some() || behind.is_some())
        && before.is_none_or(|before| break_between(&before.facts, &finished.facts).is_none())
        && behind.is_none_or(|behind| break_between(&finished.facts, &behind.facts).is_none())
}

/// Takes the entries out of a playlist that lie before this media sequence number: another list of the same stream has gone on, and
/// players have seen it. A number that lies behind all entries is not one of this stream.
pub(crate) fn remove_before(playlist: &mut MediaPlaylist, media_sequence: u64) {
    let ahead = media_sequence.saturating_sub(playlist.media_sequence);
    let count = usize::try_from(ahead).unwrap_or(usize::MAX);
    if !playlist.ended && count <= playlist.segments.len() {
        crate::timeline::listed::remove_first(playlist, count);
    }
}

/// When the playlist that lists a file was written, at the latest: a target duration is far more than that takes.
pub(crate) fn listed_at(stamp: &Stamp, target_duration_s: u32) -> SystemTime {
    let came_at = came(stamp);
    came_at.checked_add(Duration::from_secs(target_duration_s.into())).unwrap_or(came_at)
}

/// When a file came to its place.
pub(crate) fn came(stamp: &Stamp) -> SystemTime {
    stamp.modified_at.max(stamp.changed_at)
}
