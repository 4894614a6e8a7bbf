//! Watcher: finished files in `live/` → the playlist. For our own segments, and for those of any other encoder; for one
//! stream, and for a directory full of them.
//!
//! In: file system events and the end of the packagers, as [`Wake`]s. Out: `stream.m3u8`, `status.json`, and deletions when a
//! retention time is over. An event only says where to look: the directory decides, and is also read again without events.
//! [`Watcher::run`] owns the watcher thread, one for all channels; it ends at [`Wake::Finish`] or [`Wake::HandOver`], after a last look.
//!
//! ```text
//!   notify ─▶ events ─▶ channel ─▶ order ─▶ timeline ─▶ publish ─▶ stream.m3u8, ll.m3u8, status.json
//!             what a file holds    turn     what changes    └─▶ retention ─▶ deletions
//! ```
//!
//! A finished file passes these stages once. [`events`] reads it, `channel` calls the other stages, `order` says when its turn is,
//! `timeline` decides what is listed, `publish` writes and deletes. At the start `resume` finds what an earlier run has left.

mod channel;
pub mod clock;
mod error;
pub mod events;
mod order;
mod publish;
mod resume;
#[cfg(test)]
mod samples;
mod settings;
mod timeline;
pub mod titles;
pub mod world;

pub use crate::error::WatchError;
pub use crate::events::wake::Wake;
pub use crate::settings::{WatchSettings, WatcherSettings};

use crate::channel::Channel;
use crate::channel::channels::Channels;
use crate::channel::leftovers::Leftovers;
use crate::events::finished_file::ReadBuffer;
use crate::publish::multivariant::Multivariant;
use crate::world::{Wakes, World};
use livedir_layout::guard::Guard;
use livedir_layout::meters::Meters;
use livedir_layout::numbers::Numbers;
use livedir_layout::rendition::Rendition;
use std::sync::{
    Arc,
    mpsc::{self, RecvTimeoutError},
};

/// Keeps the playlists.
pub struct Watcher {
    world: World,
    buffer: ReadBuffer,
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
        let mut buffer = ReadBuffer::default();
        let numbers = Numbers::any();
        let channels = match &settings.renditions[..] {
            [Rendition { name: None, .. }] => {
                let alone = settings.of_rendition(&settings.renditions[0], true);
                let channel = Channel::start(&world, alone, &numbers, meters[0].clone(), &mut buffer)?;
                Channels::of(world.clone(), vec![channel], None)
            }
            sizes => {
                let sizes = sizes.iter().enumerate();
                let sizes = sizes.map(|(order, size)| settings.of_rendition(size, order == 0)).collect();
                let (channels, shared) =
                    channel::start_together::start(&world, sizes, &numbers, meters, &mut buffer)?;
                Channels::of(world.clone(), channels, shared)
            }
        };
        numbers.begin(channels.next_segment_number());
        let multivariant = Multivariant::new(world.clone(), settings);
        let leftovers = Some(Leftovers::find(world.clone(), settings));
        Ok(Self { world, buffer, channels, multivariant, leftovers, wakes, numbers })
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
        let mut buffer = ReadBuffer::default();
        let channels = Channels::open(&world, settings, meters, &mut buffer)?;
        Ok(Self {
            world,
            buffer,
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

    /// Keeps the playlists until [`Wake::Finish`] or [`Wake::HandOver`]. An error means that the end of a stream is not on disk.
    pub fn run(mut self) -> Result<(), WatchError> {
        loop {
            let now = self.world.now();
            let deadline = self.channels.align(now, &mut self.buffer);
            self.describe();
            let wait = deadline.saturating_duration_since(now);
            match self.world.clock.wait(&self.wakes.receiver, wait) {
                Ok(Wake::HandOver) => {
                    self.channels.keep_open();
                    return self.channels.finish(&mut self.buffer);
                }
                Ok(Wake::Finish) | Err(RecvTimeoutError::Disconnected) => {
                    let ended = self.channels.finish(&mut self.buffer);
                    self.describe();
                    return ended;
                }
                Ok(wake) => self.channels.wake(&wake, &mut self.buffer),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.world.now();
            self.channels.on_time(now, &mut self.buffer);
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
