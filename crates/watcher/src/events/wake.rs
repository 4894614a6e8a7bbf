//! Wakes: what the watcher is told, by notify and by the segmenter's end.

use std::{path::PathBuf, time::Instant};

/// Why the watcher looks up.
#[derive(Debug, Clone)]
pub enum Wake {
    /// This file is finished.
    Complete {
        /// The file.
        path: PathBuf,
        /// When the event was seen, for the publish lag.
        seen_at: Instant,
    },
    /// This file is being written.
    Begun(PathBuf),
    /// This file is gone.
    Gone(PathBuf),
    /// This file has another name, here or elsewhere.
    Renamed(PathBuf),
    /// This directory has come or gone.
    Directory(PathBuf),
    /// Something has come that is not listed, though somebody may mean it to be.
    Stranger(PathBuf),
    /// Events were lost.
    Rescan,
    /// No segment will come any more.
    Finish,
    /// No segment will come of this run, and another one goes on at once: the playlists stay open.
    HandOver,
}
