//! Survey: all that was read of a directory: its playlist, its files, and what the bytes of the newest segments say. Values alone.

use crate::model::inventory::{DiskUse, StatusSummary};
use crate::model::listing::{Entry, PlaylistListing};
use jiff::Timestamp;
use livedir_media::Facts;
use std::path::PathBuf;
use std::sync::Arc;

/// All that was read.
#[derive(Debug)]
pub(crate) struct Survey {
    /// What was named.
    pub place: String,
    /// When.
    pub looked_at: Timestamp,
    /// The playlist.
    pub playlist: Option<PlaylistFound>,
    /// The newest segments, oldest first.
    pub slots: Vec<Slot>,
    /// How many older ones there are.
    pub older: u64,
    /// Listed segments without a file.
    pub missing: u64,
    /// All files.
    pub disk: DiskUse,
    /// `status.json`.
    pub status: Option<StatusSummary>,
    /// Whether livedir keeps the playlist, and so deletes what has left it.
    pub is_kept_by_livedir: bool,
    /// What is to be said of the whole.
    pub notes: Vec<String>,
}

impl Survey {
    /// Whether more is to come.
    #[must_use]
    pub(crate) fn is_live(&self) -> bool {
        self.playlist.as_ref().is_some_and(|found| found.problem.is_none() && !found.listing.ended)
    }
}

/// A playlist on disk.
#[derive(Debug)]
pub(crate) struct PlaylistFound {
    /// The file, as it was found.
    pub file: String,
    /// When it was written.
    pub written_at: Option<Timestamp>,
    /// What it lists.
    pub listing: PlaylistListing,
    /// Why it lists nothing.
    pub problem: Option<String>,
}

/// A segment's file.
#[derive(Debug, Clone)]
pub(crate) struct FileFound {
    /// Relative to the playlist, with slashes.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
    /// Size.
    pub bytes: u64,
    /// Its parts that are there, in order.
    pub parts: Vec<PartFound>,
    /// Whether nothing but parts of it is there: `path` leads nowhere then, the time is that of the newest part, and the size that
    /// of all parts together.
    pub is_parts_only: bool,
}

/// What the bytes of a file say.
#[derive(Debug, Clone)]
pub(crate) enum Contents {
    /// They are a segment.
    Segment(Arc<Facts>),
    /// They are none, for this reason.
    Nothing(String),
}

/// One place in the line: a file, an entry of the playlist, or both.
#[derive(Debug)]
pub(crate) struct Slot {
    /// What the playlist says.
    pub entry: Option<Entry>,
    /// What is on disk.
    pub file: Option<FileFound>,
    /// What its bytes say; `None` until it is looked into.
    pub contents: Option<Contents>,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a segment stands to the playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In it.
    Listed,
    /// Older than everything listed.
    Before,
    /// Between two that are listed.
    Between,
    /// Newer than everything listed.
    After,
    /// Nothing is listed.
    Alone,
}

impl Slot {
    /// What is true of its bytes, where they could be read. Nothing where only some of them are listed.
    #[must_use]
    pub(crate) fn facts(&self) -> Option<&Facts> {
        if self.entry.as_ref().is_some_and(|entry| entry.is_part_of_file) {
            return None;
        }
        match self.contents.as_ref()? {
            Contents::Segment(facts) => Some(facts),
            Contents::Nothing(_) => None,
        }
    }

    /// The file's name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        match (&self.file, &self.entry) {
            (Some(file), _) => &file.name,
            (None, Some(entry)) => &entry.name,
            (None, None) => "",
        }
    }
}

/// A part's file.
#[derive(Debug, Clone)]
pub(crate) struct PartFound {
    /// Its place among the parts of its segment.
    pub index: u32,
    /// Where it is.
    pub path: PathBuf,
    /// When it was last changed, or what its writer says instead: when its last frame was captured.
    pub modified_at: Option<Timestamp>,
    /// When it got its name.
    pub came_at: Option<Timestamp>,
    /// Size.
    pub bytes: u64,
}
