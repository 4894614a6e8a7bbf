//! Rendition: what one packager writes and one playlist lists, and where it lies.
//!
//! Without a ladder there is one: `live/seg-….ts`, listed in `stream.m3u8`. With one there is one for each rung and one for
//! the sound, which all share: `live/720p/seg-….ts`, listed in `live/720p/stream.m3u8`.

use std::path::{Path, PathBuf};

use crate::names::LIVE;
use livedir_media::Medium;

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

/// Whether a directory has such a name as the ladder of the publisher gives, or that of the sound.
#[must_use]
pub fn is_name_of_rendition(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((height, rest)) = name.split_once('p') else { return name == AUDIO };
    let is_rate = |rest: &str| {
        let mut words = rest.split('-').skip(1);
        let is_rate = words.next().and_then(|rate| rate.strip_suffix('k')).is_some_and(is_number);
        is_rate && words.next().is_none_or(is_number) && words.next().is_none()
    };
    is_number(height) && (rest.is_empty() || (rest.starts_with('-') && is_rate(rest)))
}
