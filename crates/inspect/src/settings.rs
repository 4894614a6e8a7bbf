//! Settings: what to look at, and how much of it.

use std::path::PathBuf;

/// What to look at, and how.
#[derive(Debug, Clone)]
pub struct InspectSettings {
    /// A directory, a playlist or one segment.
    pub path: PathBuf,
    /// The picture is kept up to date until Ctrl-C.
    pub follow: bool,
    /// For programs: one JSON document a line.
    pub json: bool,
    /// The newest segments that are looked into.
    pub rows: usize,
    /// Every segment is looked into.
    pub all: bool,
}
