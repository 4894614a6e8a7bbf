//! Watcher: finished files in `live/` → the playlist. For our own segments, and for those of any other encoder; for one
//! stream, and for a directory full of them.
//!
//! In: hints of notify and of the segmenter's end, as [`Wake`]s. Out: `stream.m3u8`, `status.json`, and deletions when a grace is
//! over. The hints only say where to look; the directory is the truth, and is looked at when it has changed and no hint told.
//! [`Watcher::run`] owns the watcher thread, one for all channels; it ends at [`Wake::Finish`], after a last look.
//!
//! ```text
//!   notify ─▶ hints ─▶ channel ─▶ finished_file ─▶ order ─▶ publish ─▶ stream.m3u8
//!                      unfinished    (probe)       dates      └─▶ retention ─▶ deletions
//! ```

mod agreement;
mod burst;
mod channel;
mod channels;
pub mod clock;
mod common;
mod dates;
mod finished_file;
mod gaps;
mod grace;
pub mod hints;
mod in_step;
mod leftovers;
mod listed;
mod look;
mod low_latency;
mod low_latency_file;
mod multivariant;
mod on_disk;
mod order;
mod parts;
mod parts_on_disk;
mod plan;
mod promise;
mod publish;
mod refused;
mod rejoin;
mod remains;
pub mod retention;
mod rewritten;
#[cfg(test)]
mod samples;
mod start_together;
mod start_up;
pub mod titles;
mod unfinished;
pub mod world;

use crate::channel::Channel;
use crate::channels::Channels;
use crate::leftovers::Leftovers;
use crate::multivariant::Multivariant;
use crate::titles::Titles;
use crate::world::{Wakes, World};
use livedir_layout::guard::Guard;
use livedir_layout::lock::LockError;
use livedir_layout::meters::Meters;
use livedir_layout::names::Home;
use livedir_layout::numbers::Numbers;
use livedir_layout::rendition::Rendition;
use livedir_media::Medium;
use livedir_playlist::ResumeError;
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

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
    fn of_rendition(&self, rendition: &Rendition, is_first: bool) -> ChannelSettings {
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

/// What the names of segments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// Ours: the number tells the order.
    Numbered,
    /// Anything.
    Any,
}

/// What is to be done for one stream.
#[derive(Debug, Clone)]
struct ChannelSettings {
    /// Where the playlist lies.
    webroot: PathBuf,
    /// Where the segments lie.
    home: Home,
    /// Whether there are pictures in them; if not, they are sound that has renditions of its own.
    has_pictures: bool,
    /// Where `status.json` lies.
    status_directory: PathBuf,
    /// What stands before its names in the log.
    label: String,
    naming: Naming,
    target_duration_s: Option<u32>,
    window_segments: usize,
    part_target_90k: Option<u64>,
    end_list: bool,
    keep: bool,
    end_after: Option<Duration>,
}

impl ChannelSettings {
    /// What the log calls it, where there are several.
    fn channel(&self) -> Option<&str> {
        Some(self.label.trim_end_matches('/')).filter(|name| !name.is_empty())
    }
}

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
    /// This file is gone, or has another name.
    Gone(PathBuf),
    /// This directory has come or gone.
    Directory(PathBuf),
    /// Events were lost.
    Rescan,
    /// No segment will come any more.
    Finish,
}

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
    /// The journal is there and stays closed.
    #[error("{} cannot be read: {source}; make it readable for this user, or move it away", path.display())]
    Playlist {
        /// The playlist.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The journal cannot be gone on with.
    #[error("{0}")]
    Resume(#[from] ResumeError),
    /// Somebody else keeps the playlist.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The end is not on disk.
    #[error("the last {} cannot be written: {source}; players will wait for more until it ends", path.display())]
    Finish {
        /// The playlist.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// How often the directory is looked at while it cannot be watched.
const BLIND_INTERVAL: Duration = Duration::from_millis(200);

/// The stream goes on without a watch.
const BLIND: &str = "the live directory cannot be watched; it is looked at every 200 ms instead";

/// What all channels share.
struct Desk {
    /// A piece of the segment that is being read.
    buffer: Vec<u8>,
}

/// The keeper of the playlists.
pub struct Watcher {
    world: World,
    desk: Desk,
    channels: Channels,
    multivariant: Option<Multivariant>,
    leftovers: Option<Leftovers>,
    wakes: Wakes,
    numbers: Numbers,
}

impl Watcher {
    /// Everything that has to be done before the first segment of `live` is written: goes on from the playlist and the
    /// directory as they are, publishes what a crash left unpublished, sweeps what it left unfinished.
    ///
    /// The meters are those of each rendition.
    pub fn start(settings: &WatcherSettings, meters: &[Arc<Meters>]) -> Result<Self, WatchError> {
        let wakes = Wakes::new();
        Self::start_in(World::real(Some(&wakes)), wakes, settings, meters)
    }

    /// The same in a world that may be made up.
    pub fn start_in(
        world: World,
        wakes: Wakes,
        settings: &WatcherSettings,
        meters: &[Arc<Meters>],
    ) -> Result<Self, WatchError> {
        let mut desk = Desk { buffer: Vec::new() };
        let numbers = Numbers::any();
        let channels = match &settings.renditions[..] {
            [Rendition { name: None, .. }] => {
                let alone = settings.of_rendition(&settings.renditions[0], true);
                let channel = Channel::start(&world, alone, &numbers, meters[0].clone(), &mut desk)?;
                Channels::of(world.clone(), vec![channel], None)
            }
            sizes => {
                let sizes = sizes.iter().enumerate();
                let sizes = sizes.map(|(order, size)| settings.of_rendition(size, order == 0)).collect();
                let (channels, common) = start_together::start(&world, sizes, &numbers, meters, &mut desk)?;
                Channels::of(world.clone(), channels, common)
            }
        };
        numbers.begin(channels.next_segment_number());
        let multivariant = Multivariant::new(world.clone(), settings);
        let leftovers = Some(Leftovers::find(world.clone(), settings));
        Ok(Self { world, desk, channels, multivariant, leftovers, wakes, numbers })
    }

    /// Goes on from the playlists and directories of other encoders, and publishes what has come meanwhile. The meters count
    /// for all channels together.
    pub fn watch(settings: &WatchSettings, meters: Arc<Meters>) -> Result<Self, WatchError> {
        let wakes = Wakes::new();
        let world = World::real((!settings.poll).then_some(&wakes));
        Self::watch_in(world, wakes, settings, meters)
    }

    /// The same in a world that may be made up.
    pub fn watch_in(
        world: World,
        wakes: Wakes,
        settings: &WatchSettings,
        meters: Arc<Meters>,
    ) -> Result<Self, WatchError> {
        let mut desk = Desk { buffer: Vec::new() };
        let channels = Channels::open(&world, settings, meters, &mut desk)?;
        Ok(Self {
            world,
            desk,
            channels,
            multivariant: None,
            leftovers: None,
            wakes,
            numbers: Numbers::any(),
        })
    }

    /// Larger than every number on disk and in the playlist: names are never used again.
    #[must_use]
    pub fn next_segment_number(&self) -> u64 {
        self.channels.next_segment_number()
    }

    /// The webroot is guarded: its lock is taken anew when another directory is in its place.
    #[must_use]
    pub fn guarded(mut self, guard: Arc<Guard>) -> Self {
        self.channels.guard(guard);
        self
    }

    /// Where the numbers have to be given that segments and parts of `live` get.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        self.numbers.clone()
    }

    /// Where to send wakes.
    #[must_use]
    pub fn waker(&self) -> mpsc::Sender<Wake> {
        self.wakes.sender.clone()
    }

    /// Keeps the playlists until [`Wake::Finish`]. An error means that the end of a stream is not on disk.
    pub fn run(mut self) -> Result<(), WatchError> {
        loop {
            let now = self.world.now();
            let deadline = self.channels.keep_in_step(now, &mut self.desk);
            self.describe();
            let wait = deadline.saturating_duration_since(now);
            match self.world.clock.wait(&self.wakes.receiver, wait) {
                Ok(Wake::Finish) | Err(RecvTimeoutError::Disconnected) => {
                    let ended = self.channels.finish(&mut self.desk);
                    self.describe();
                    return ended;
                }
                Ok(wake) => self.channels.wake(&wake, &mut self.desk),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.world.now();
            self.channels.on_time(now, &mut self.desk);
            // What lies there is somebody else's.
            self.channels.renew_guards()?;
            if let Some(leftovers) = &mut self.leftovers {
                leftovers.on_time(now);
            }
        }
    }

    /// Tells players of the renditions, where there are several.
    fn describe(&mut self) {
        if let Some(multivariant) = &mut self.multivariant {
            multivariant.update(self.channels.renditions());
        }
    }
}
