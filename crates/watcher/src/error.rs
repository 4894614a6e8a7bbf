//! What the watcher cannot go on after.

use livedir_layout::lock::LockError;
use livedir_playlist::ResumeError;
use std::{io, path::PathBuf};

/// What the watcher cannot go on after.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No place for segments.
    #[error("{} cannot be made or read: {source}; make webroot writable for this user", path.display())]
    Live {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The playlist exists and cannot be read.
    #[error("{} cannot be read: {source}; make it readable for this user, or move it away", path.display())]
    Playlist {
        /// The playlist.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The playlist on disk cannot be continued.
    #[error("{0}")]
    Resume(#[from] ResumeError),
    /// Somebody else keeps the playlist.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The end is not on disk.
    #[error("the last {} cannot be written: {source}; players keep waiting for new segments until the playlist ends", path.display())]
    Finish {
        /// The playlist.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
