//! Settings: what the watcher is to do, for streams of ours and for those of other encoders, and for one channel of either.

use crate::titles::Titles;
use livedir_layout::names::Home;
use livedir_layout::rendition::Rendition;
use livedir_media::Medium;
use std::{path::PathBuf, time::Duration};

/// What the watcher is to do for the segments of `live`.
#[derive(Debug, Clone)]
pub struct WatcherSettings {
    /// Where the playlist lies, and `live/` beside it.
    pub webroot: PathBuf,
    /// What is written there.
    pub renditions: Vec<Rendition>,
    /// EXT-X-TARGETDURATION.
    pub target_duration_s: u32,
    /// How many segments the playlist lists.
    pub window_segments: usize,
    /// PART-TARGET; `None` without low latency.
    pub part_target_90k: Option<u64>,
    /// Whether the playlist ends with the run: EXT-X-ENDLIST.
    pub end_list: bool,
}

impl WatcherSettings {
    /// The first one speaks for the whole stream.
    pub(crate) fn of_rendition(&self, rendition: &Rendition, is_first: bool) -> ChannelSettings {
        let (webroot, home) = match &rendition.name {
            None => (self.webroot.clone(), Home::Live),
            Some(_) => (rendition.live_directory(&self.webroot), Home::Beside),
        };
        ChannelSettings {
            status_directory: if is_first { self.webroot.clone() } else { webroot.clone() },
            webroot,
            home,
            has_pictures: rendition.media.contains(&Medium::Video),
            label: rendition
                .name
                .as_ref()
                .filter(|_| !is_first)
                .map_or_else(String::new, |name| format!("{name}/")),
            naming: Naming::Numbered,
            target_duration_s: Some(self.target_duration_s),
            window_segments: self.window_segments,
            part_target_90k: self.part_target_90k,
            end_list: self.end_list,
            keep: false,
            end_after: None,
        }
    }
}

/// What the watcher is to do for the files of other encoders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchSettings {
    /// Where the playlist lies, and `live/` beside it; with `channels` the directory of all of these.
    pub webroot: PathBuf,
    /// What viewers see of it.
    pub titles: Titles,
    /// Whether there are many streams, one in each directory that has a `live/`.
    pub channels: bool,
    /// EXT-X-TARGETDURATION; `None`: that of the playlist on disk, or as the first files need it.
    pub target_duration_s: Option<u32>,
    /// How many segments the playlist lists.
    pub window_segments: usize,
    /// PART-TARGET; `None` without low latency.
    pub part_target_90k: Option<u64>,
    /// Whether all deletion is left to others.
    pub keep: bool,
    /// Whether to look at the directory and not to wait for events.
    pub poll: bool,
    /// How long after the last segment the playlist ends.
    pub end_after: Option<Duration>,
}

impl WatchSettings {
    /// Those of one stream.
    pub(crate) fn of_channel(&self, webroot: PathBuf, label: String) -> ChannelSettings {
        ChannelSettings {
            status_directory: webroot.clone(),
            webroot,
            home: Home::Live,
            has_pictures: true,
            label,
            naming: Naming::Any,
            target_duration_s: self.target_duration_s,
            window_segments: self.window_segments,
            part_target_90k: self.part_target_90k,
            // The encoder goes on while the watcher is upgraded.
            end_list: false,
            keep: self.keep,
            end_after: self.end_after,
        }
    }
}

/// What the names of segments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Ours: the number tells the order.
    Numbered,
    /// Anything.
    Any,
}

/// What is to be done for one stream.
#[derive(Debug, Clone)]
pub(crate) struct ChannelSettings {
    /// Where the playlist lies.
    pub(crate) webroot: PathBuf,
    /// Where the segments lie.
    pub(crate) home: Home,
    /// Whether there is video in them; if not, they are sound that has renditions of its own.
    pub(crate) has_pictures: bool,
    /// Where `status.json` lies.
    pub(crate) status_directory: PathBuf,
    /// What stands before its names in the log.
    pub(crate) label: String,
    pub(crate) naming: Naming,
    pub(crate) target_duration_s: Option<u32>,
    pub(crate) window_segments: usize,
    pub(crate) part_target_90k: Option<u64>,
    pub(crate) end_list: bool,
    pub(crate) keep: bool,
    pub(crate) end_after: Option<Duration>,
}

impl ChannelSettings {
    /// What the log calls it, where there are several.
    pub(crate) fn channel(&self) -> Option<&str> {
        Some(self.label.trim_end_matches('/')).filter(|name| !name.is_empty())
    }
}
