//! Rendition: what one packager writes and one playlist lists, and where it lies.
//!
//! Without a ladder there is one: `live/seg-….ts`, listed in `stream.m3u8`. With one there is one for each rung and one for
//! the sound, which all share: `live/720p/seg-….ts`, listed in `live/720p/stream.m3u8`.

use std::path::{Path, PathBuf};

use crate::encoder::Medium;
use crate::segment_name::LIVE;

/// The directory of the sound that all rungs share.
pub const AUDIO: &str = "audio";

/// One line of segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendition {
    /// The name of its directory within `live/`; `None` for the only one.
    pub name: Option<String>,
    /// What its segments hold; the first leads.
    pub media: Vec<Medium>,
}

impl Rendition {
    /// Where its segments go.
    #[must_use]
    pub fn live_directory(&self, webroot: &Path) -> PathBuf {
        let live = webroot.join(LIVE);
        self.name.as_ref().map_or_else(|| live.clone(), |name| live.join(name))
    }
}
