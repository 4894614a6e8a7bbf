//! Channels: one stream, or all that a directory holds, in one thread.
//!
//! In: wakes, and the time. Out: calls of the channel that they concern. Channels come and go with their directories.

use crate::channel::Channel;
use crate::channel::root::Root;
use crate::channel::start_together::Shared;
use crate::error::WatchError;
use crate::events::finished_file::ReadBuffer;
use crate::events::wake::Wake;
use crate::publish::Publication;
use crate::settings::WatchSettings;
use crate::world::World;
use livedir_layout::guard::Guard;
use livedir_layout::lock::LockError;
use livedir_layout::meters::Meters;
use livedir_layout::names::LIVE;
use livedir_layout::numbers::Numbers;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::{info, warn};

/// A timer that no channel needs.
const IDLE: Duration = Duration::from_secs(3_600);

/// The streams that are kept.
pub(crate) struct Channels {
    world: World,
    /// By the absolute path of their live directory, as events have it.
    by_live: BTreeMap<PathBuf, Kept>,
    /// What is due when. An entry counts only while it is what the channel is scheduled for.
    timers: BinaryHeap<Reverse<(Instant, PathBuf)>>,
    root: Option<Root>,
    /// Of the renditions of one stream.
    shared: Shared,
    /// On the webroot of all of them.
    guard: Option<Arc<Guard>>,
}

struct Kept {
    channel: Channel,
    /// Among the renditions of one stream.
    order: usize,
    scheduled: Option<Instant>,
    /// Segments published and refused that the meters of all channels know of.
    counted: (u64, u64),
    /// On the webroot of this channel alone.
    guard: Option<Arc<Guard>>,
}

impl Kept {
    /// Brings the meters of all channels up to date.
    fn count(&mut self, all: &Meters) {
        let meters = &self.channel.publication.meters;
        let counts = (meters.segments_published.get(), meters.segments_refused.get());
        all.segments_published.add(counts.0 - self.counted.0);
        all.segments_refused.add(counts.1 - self.counted.1);
        self.counted = counts;
    }
}

impl Channels {
    /// The renditions of one stream, which is locked already, and what they share.
    pub(crate) fn of(world: World, renditions: Vec<Channel>, shared: Shared) -> Self {
        let mut channels = Self::empty(world);
        for (order, channel) in renditions.into_iter().enumerate() {
            channels.add(channel, order, None);
        }
        channels.shared = shared;
        channels
    }

    fn empty(world: World) -> Self {
        Self {
            world,
            by_live: BTreeMap::new(),
            timers: BinaryHeap::new(),
            root: None,
            shared: None,
            guard: None,
        }
    }

    /// Gives a gap to the renditions of a stream that are too late with what others have listed. Says when there is
    /// something to do next.
    pub(crate) fn align(&mut self, now: Instant, buffer: &mut ReadBuffer) -> Instant {
        if self.shared.is_none() {
            return self.next_deadline();
        }
        let all: Vec<_> = self.by_live.keys().cloned().collect();
        let mut next = None;
        for live in all {
            let Some(kept) = self.by_live.get_mut(&live) else { continue };
            let late_at = kept.channel.align(now, buffer);
            next = [next, late_at].into_iter().flatten().min();
            self.schedule(&live);
        }
        next.map_or_else(|| self.next_deadline(), |next| next.min(self.next_deadline()))
    }

    /// The webroot of all renditions is locked.
    pub(crate) fn guard(&mut self, guard: Arc<Guard>) {
        self.guard = Some(guard);
    }

    /// Locks the webroots again whose live directory was exchanged. An error means that somebody else writes to that of the one
    /// stream; of many channels one that somebody else writes to is left to them.
    pub(crate) fn renew_guards(&mut self) -> Result<(), LockError> {
        // Another thread may have found it out.
        if let Some(guard) = self.guard.as_ref().filter(|guard| guard.is_lost()) {
            guard.renew()?;
        }
        let exchanged: Vec<_> = self
            .by_live
            .iter()
            .filter(|(_, kept)| kept.channel.has_new_directory())
            .map(|(live, _)| live.clone())
            .collect();
        for live in exchanged {
            let Some(kept) = self.by_live.get_mut(&live) else { continue };
            let renewed = match self.guard.as_ref().or(kept.guard.as_ref()) {
                Some(guard) => guard.renew(),
                None => Ok(true),
            };
            match (renewed, &mut self.root) {
                (Ok(is_locked), _) => kept.channel.note_lock(is_locked),
                (Err(error), None) => return Err(error),
                (Err(error), Some(root)) => {
                    warn!(channel = %live.display(), %error, "channel left to another publisher");
                    self.world.directory.unwatch(&live);
                    self.by_live.remove(&live);
                    root.scan_soon();
                }
            }
        }
        Ok(())
    }

    /// The renditions of one stream, in their order.
    pub(crate) fn renditions(&mut self) -> Vec<&mut Publication> {
        let mut kept: Vec<_> = self.by_live.values_mut().collect();
        kept.sort_by_key(|kept| kept.order);
        kept.into_iter().map(|kept| &mut kept.channel.publication).collect()
    }

    /// One stream, or all that are there now.
    pub(crate) fn open(
        world: &World,
        settings: &WatchSettings,
        meters: Arc<Meters>,
        buffer: &mut ReadBuffer,
    ) -> Result<Self, WatchError> {
        let mut channels = Self::empty(world.clone());
        if !settings.channels {
            let guard = Arc::new(Guard::take(world.directory.clone(), &settings.webroot)?);
            let settings = settings.of_channel(settings.webroot.clone(), String::new());
            let channel = Channel::start(world, settings, &Numbers::any(), meters, buffer)?;
            channels.add(channel, 0, Some(guard));
            return Ok(channels);
        }
        channels.root = Some(Root::open(world, settings, meters)?);
        channels.scan_for_channels(buffer);
        Ok(channels)
    }

    /// Larger than that of every segment.
    pub(crate) fn next_segment_number(&self) -> u64 {
        self.by_live.values().map(|kept| kept.channel.next_segment_number()).max().unwrap_or(1)
    }

    fn add(&mut self, channel: Channel, order: usize, guard: Option<Arc<Guard>>) {
        let live = channel.live().to_owned();
        self.by_live.insert(live.clone(), Kept { channel, order, scheduled: None, counted: (0, 0), guard });
        self.schedule(&live);
    }

    pub(crate) fn next_deadline(&self) -> Instant {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let look = self.root.as_ref().map(|root| root.next_scan);
        [timer, look].into_iter().flatten().min().unwrap_or_else(|| self.world.now() + IDLE)
    }

    /// Tells the channel that a wake concerns.
    pub(crate) fn wake(&mut self, wake: &Wake, buffer: &mut ReadBuffer) {
        match wake {
            Wake::Complete { path, seen_at } => {
                self.tell(path, |channel, name| channel.complete(name, *seen_at, buffer));
            }
            Wake::Begun(path) => self.tell(path, |channel, name| channel.begun(name, buffer)),
            Wake::Gone(path) => self.tell(path, Channel::gone),
            Wake::Stranger(path) => self.mention(path, Channel::note_stranger),
            Wake::Renamed(path) => self.tell(path, Channel::renamed),
            Wake::Directory(path) => {
                self.mention(path, Channel::note_directory);
                if let Some(kept) = self.by_live.get_mut(path) {
                    kept.channel.directory_is_gone();
                    self.schedule(path);
                }
                // What comes and goes inside of a live directory is no channel.
                if let Some(root) = &mut self.root
                    && (path.parent() == Some(&*root.path) || self.by_live.contains_key(path))
                {
                    root.scan_soon();
                }
            }
            Wake::Rescan => {
                let all: Vec<_> = self.by_live.keys().cloned().collect();
                for live in all {
                    if let Some(kept) = self.by_live.get_mut(&live) {
                        kept.channel.events_were_lost();
                    }
                    self.schedule(&live);
                }
                if let Some(root) = &mut self.root {
                    root.scan_soon();
                }
            }
            Wake::Finish | Wake::HandOver => {}
        }
    }

    fn tell(&mut self, path: &Path, tell: impl FnOnce(&mut Channel, &str)) {
        let (Some(live), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            return;
        };
        if let Some(kept) = self.by_live.get_mut(live) {
            tell(&mut kept.channel, name);
            kept.channel.settle();
            self.schedule(live);
        }
    }

    /// Tells the channel of what it may complain of, and of nothing that is to be done. Temporary files come and go with each segment,
    /// and look like directories.
    fn mention(&mut self, path: &Path, note: impl FnOnce(&mut Channel, &str)) {
        if let Some(kept) = path.parent().and_then(|live| self.by_live.get_mut(live))
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            note(&mut kept.channel, name);
        }
    }

    /// Does what is due.
    pub(crate) fn on_time(&mut self, now: Instant, buffer: &mut ReadBuffer) {
        while self.timers.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((at, live))) = self.timers.pop() else { break };
            let Some(kept) = self.by_live.get_mut(&live) else { continue };
            if kept.scheduled == Some(at) {
                kept.scheduled = None;
                kept.channel.on_time(now, buffer);
                kept.channel.settle();
                self.schedule(&live);
            }
        }
        if self.root.as_ref().is_some_and(|root| root.next_scan <= now) {
            self.scan_for_channels(buffer);
        }
    }

    fn schedule(&mut self, live: &Path) {
        let Some(kept) = self.by_live.get_mut(live) else { return };
        if let Some(root) = &self.root {
            kept.count(&root.meters);
        }
        let deadline = kept.channel.next_deadline();
        // A timer that rings too early rings again; one that would ring too late is overtaken.
        if kept.scheduled.is_none_or(|scheduled| deadline < scheduled) {
            kept.scheduled = Some(deadline);
            self.timers.push(Reverse((deadline, live.to_owned())));
        }
    }

    fn scan_for_channels(&mut self, buffer: &mut ReadBuffer) {
        let Some(mut root) = self.root.take() else { return };
        root.note_scan(self.world.now());
        self.leave_those_that_are_gone();
        for webroot in root.webroots(&self.world) {
            let live = webroot.join(LIVE);
            if !self.by_live.contains_key(&live)
                && self.world.directory.has_directory(&live)
                && let Some((channel, guard)) = root.take_up(&self.world, &webroot, buffer)
            {
                self.add(channel, 0, Some(guard));
            }
        }
        self.root = Some(root);
    }

    fn leave_those_that_are_gone(&mut self) {
        let gone: Vec<_> =
            self.by_live.keys().filter(|live| !self.world.directory.has_directory(live)).cloned().collect();
        for live in gone {
            if let Some(mut kept) = self.by_live.remove(&live) {
                self.world.directory.unwatch(&live);
                kept.channel.leave();
                info!(channel = %live.display(), "channel gone");
            }
        }
    }

    /// Another run goes on: nothing is ended.
    pub(crate) fn keep_open(&mut self) {
        for kept in self.by_live.values_mut() {
            kept.channel.keep_open();
        }
    }

    /// The last look; what there is to write at the end gets written.
    pub(crate) fn finish(&mut self, buffer: &mut ReadBuffer) -> Result<(), WatchError> {
        let mut ended = Ok(());
        for kept in self.by_live.values_mut() {
            kept.channel.scan_a_last_time(buffer);
        }
        // All sizes have listed then what is whole.
        for kept in self.by_live.values_mut() {
            kept.channel.end_parts();
        }
        // Sound may end a little before or behind the video, and one has a segment that the other has not: all lists end with the
        // same number, from which the next run goes on.
        if self.shared.is_some() {
            let channels = self.by_live.values_mut().map(|kept| &mut kept.channel.publication);
            let mut renditions: Vec<_> = channels.filter(|it| !it.playlist().segments.is_empty()).collect();
            let next = renditions.iter().map(|it| it.playlist().next_media_sequence()).max();
            for rendition in &mut renditions {
                rendition.leave_out_up_to(next.unwrap_or(0));
            }
        }
        for kept in self.by_live.values_mut() {
            let one = kept.channel.finish();
            ended = ended.and(one);
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::titles::Titles;
    use std::fs;

    #[test]
    fn only_what_comes_and_goes_among_the_channels_asks_for_a_look_at_all_of_them() {
        let root = tempfile::tempdir().expect("temp dir");
        let live = root.path().join("one/live");
        fs::create_dir_all(&live).expect("a channel");
        let settings = WatchSettings {
            webroot: root.path().to_owned(),
            titles: Titles::default(),
            channels: true,
            target_duration_s: None,
            window_segments: 5,
            part_target_90k: None,
            keep: false,
            poll: true,
            end_after: None,
        };
        let mut buffer = ReadBuffer::default();
        let mut channels =
            Channels::open(&World::real(None), &settings, Arc::default(), &mut buffer).expect("channels");
        let next_scan = |channels: &Channels| channels.root.as_ref().map(|root| root.next_scan);
        let before = next_scan(&channels);
        channels.wake(&Wake::Directory(live.join("not-yet-a-segment")), &mut buffer);
        assert_eq!(next_scan(&channels), before);
        channels.wake(&Wake::Directory(root.path().join("two")), &mut buffer);
        assert!(next_scan(&channels) < before);
    }
}
