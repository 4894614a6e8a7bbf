//! Invariants: what must hold, whatever happens. Each has a name; the first that is broken ends a schedule.
//!
//! In: every version of every playlist, every file that comes and every one that the program removes, and the moments in which
//! the program waits. Out: what is broken.

mod channel;
mod deletion;
mod listed;
mod low_latency;
mod names;
mod progress;
mod renditions;
mod versions;

use crate::{
    disk::Disk,
    encoders::live_directories,
    media::Contents,
    schedule::{Mode, Plan},
    stage::{Life, WEBROOT},
    world::held,
};
pub use channel::{Channel, Which};
use livedir_playlist::{Listing, read_listing};
pub use names::Renamed;
pub use progress::failing_until_us;
use std::{path::Path, sync::Mutex};

/// What is broken: the invariant, and how.
pub type Verdict = Result<(), (&'static str, String)>;

/// All of them, as they are reported.
pub const INVARIANTS: &[(&str, &str)] = &[
    ("rules", "RFC 8216 and its successor say what a playlist is and how it may change"),
    ("numbers", "no number is given twice, and none goes back"),
    ("order", "segments are listed in the order that the bytes tell"),
    ("discontinuity", "EXT-X-DISCONTINUITY stands where the timeline breaks"),
    ("existence", "what is listed is there, and is whole"),
    ("names", "a file that is renamed is one segment, and stays under the name that is listed"),
    ("grace", "what is listed is not removed, nor what has left too shortly before"),
    ("deletion", "what has left is removed after its grace, through any number of restarts"),
    ("progress", "a good file is listed within a target duration"),
    ("parts", "a good part is listed within a target duration"),
    ("lag", "ll.m3u8 does not lag behind stream.m3u8"),
    ("hint", "a hint comes true or is replaced"),
    ("reports", "a rendition report is not ahead, one part behind at most, and LAST-PART is one of LAST-MSN"),
    ("renditions", "renditions agree in numbers, discontinuities and borders"),
    ("starvation", "no loop starves the wakes"),
    ("stop", "a stop ends within a second, and well"),
    ("start", "a start ends well, or says why not"),
    ("lock", "a second program is refused"),
    ("panic", "the watcher does not panic"),
];

/// Who knows all that has happened, and what must follow.
pub struct Judge {
    channels: Vec<Channel>,
    /// The channels of the renditions, or directories, of this run.
    current: Vec<usize>,
    pub is_ours: bool,
    has_parts: bool,
    target_us: u64,
    window: usize,
    part_us: u64,
    picture_us: u64,
    on_air_us: Option<u64>,
    pub is_blind: bool,
    /// Until when events were lost, or nobody could hear.
    pub deaf_until_us: u64,
    /// Until when the machine is slow.
    pub slow_until_us: u64,
    next_check_us: u64,
}

impl Judge {
    pub fn new(plan: &Plan) -> Self {
        let mut judge = Self {
            channels: Vec::new(),
            current: Vec::new(),
            is_ours: plan.is_ours(),
            has_parts: false,
            target_us: 0,
            window: 0,
            part_us: 0,
            picture_us: 0,
            on_air_us: None,
            is_blind: false,
            deaf_until_us: 0,
            slow_until_us: 0,
            next_check_us: 0,
        };
        judge.take_up(plan);
        judge
    }

    fn take_up(&mut self, plan: &Plan) {
        self.has_parts = plan.part_pictures.is_some();
        self.target_us = plan.target_us();
        self.window = self.window.max(plan.window);
        self.part_us = plan.part_90k().unwrap_or(0) * 100 / 9;
        self.picture_us = plan.picture_90k() * 100 / 9;
        self.is_blind = plan.polls || !plan.has_watches;
        self.current = live_directories(plan)
            .into_iter()
            .map(|live| {
                let known = self.channels.iter().position(|channel| channel.live == live);
                known.unwrap_or_else(|| {
                    self.channels.push(Channel::new(live, plan.mode == Mode::Ladder));
                    self.channels.len() - 1
                })
            })
            .collect();
    }

    pub fn live(&self, of: usize) -> &Path {
        &self.channels[self.current[of % self.current.len()]].live
    }

    pub fn count(&self) -> usize {
        self.current.len()
    }

    pub fn channel(&mut self, of: usize) -> &mut Channel {
        let index = self.current[of % self.current.len()];
        &mut self.channels[index]
    }

    /// A hand has done something to the files of a channel, which the program may need a while to see.
    pub fn note_disturbance(&mut self, of: usize, now_us: u64) {
        let channel = self.channel(of);
        channel.disturbed_us = now_us;
        channel.has_odd_dates = true;
    }

    /// The clock on the wall was set: how long files stay through a restart is told by it.
    pub fn clock_was_set(&mut self, now_us: u64) {
        for channel in &mut self.channels {
            for left in channel.left.values_mut() {
                (left.stays_until_us, left.gone_by_us) = (0, u64::MAX);
            }
            // A rename says that a file is complete by a time that is later than that of its bytes.
            channel.expected.iter_mut().for_each(|it| it.says_complete = false);
            channel.has_odd_dates = true;
            channel.clock_set_us = Some(now_us);
        }
    }

    /// Events are lost until then.
    pub fn note_deaf_until(&mut self, until_us: u64) {
        self.deaf_until_us = self.deaf_until_us.max(until_us);
    }

    /// Events are lost, and nobody says so.
    pub fn hears_nothing_until(&mut self, until_us: u64) {
        self.note_deaf_until(until_us);
        for channel in &mut self.channels {
            channel.unheard_until_us = until_us;
        }
    }

    pub fn begins(&mut self, life: &Life, plan: &Plan, disk: &Mutex<Disk>) {
        self.take_up(plan);
        self.on_air_us = None;
        let disk = held(disk);
        for channel in &mut self.channels {
            channel.begins(&disk, plan, life.began_us);
        }
    }

    pub fn note_on_air(&mut self, now_us: u64, _: &Plan) {
        self.on_air_us = Some(now_us);
        self.next_check_us = 0;
    }

    pub fn note_end(&mut self) {
        self.on_air_us = None;
    }

    /// A file of an encoder is complete under its name.
    pub fn note_arrival(
        &mut self,
        of: usize,
        name: &str,
        contents: Contents,
        now_us: u64,
        says_complete: bool,
    ) {
        let (is_ours, has_parts) = (self.is_ours, self.has_parts);
        let was_heard = self.on_air_us.is_some() && !self.is_blind && now_us >= self.deaf_until_us;
        self.channel(of).note_arrival(name, contents, now_us, (says_complete, was_heard), is_ours, has_parts);
    }

    /// The program has put a playlist in place.
    pub fn note_written(&mut self, disk: &Disk, now_us: u64, path: &Path) -> Verdict {
        let Ok(bytes) = disk.bytes(path) else { return Ok(()) };
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
        };
        let Some((index, which)) = self.find(path) else { return versions::check_multivariant(&text) };
        let Listing::Media(listing) = read_listing(&text) else {
            return versions::check_multivariant(&text);
        };
        let version = channel::Version { text, listing, at_us: now_us };
        versions::check(&self.channels[index], which, &version)?;
        listed::check(self, index, disk, which, &version)?;
        names::check_once(&self.channels[index], disk, &version)?;
        progress::check_order(&self.channels[index], self.is_ours, disk, now_us, which, &version)?;
        let (target_us, window) = (self.channels[index].target_us(self.target_us), self.window);
        self.channels[index].note_listed(which, version, target_us, window, disk);
        if self.current.len() > 1 && self.channels[index].is_rendition {
            renditions::check(self, index, which)?;
        }
        Ok(())
    }

    fn find(&self, path: &Path) -> Option<(usize, Which)> {
        let which = match path.file_name()?.to_str()? {
            "stream.m3u8" => Which::Plain,
            "ll.m3u8" => Which::Low,
            _ => return None,
        };
        let directory = path.parent()?;
        let found = self.channels.iter().position(|channel| channel.directory == directory)?;
        // Beside a ladder it is the list of its sizes.
        let is_main =
            directory == Path::new(WEBROOT) && self.current.iter().any(|it| self.channels[*it].is_rendition);
        (!is_main).then_some((found, which))
    }

    /// The program has removed a file.
    pub fn note_removed(&mut self, now_us: u64, path: &Path) -> Verdict {
        let (Some(live), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            return Ok(());
        };
        for channel in self.channels.iter_mut().filter(|channel| channel.directory == live) {
            match name {
                "ll.m3u8" => channel.low = None,
                "stream.m3u8" => channel.plain = None,
                _ => {}
            }
        }
        let Some(channel) = self.channels.iter_mut().find(|channel| channel.live == live) else {
            return Ok(());
        };
        deletion::check_removed(channel, now_us, name)
    }

    /// The program waits.
    pub fn at_rest(&mut self, disk: &Disk, now_us: u64, was_busy: bool, life: &Life) -> Verdict {
        if !was_busy && now_us < self.next_check_us {
            return Ok(());
        }
        self.next_check_us = now_us + 50_000;
        let Some(on_air_us) = self.on_air_us.filter(|_| life.stopped_us.is_none()) else { return Ok(()) };
        low_latency::check(self, disk, now_us, on_air_us)?;
        if self.has_parts && self.current.len() > 1 && self.is_ours {
            renditions::check_not_behind(self, disk, now_us)?;
        }
        progress::check(self, disk, now_us, on_air_us)?;
        names::check(self, disk, now_us, on_air_us)?;
        deletion::check(self, disk, now_us, on_air_us)
    }

    /// The program has ended as it was told to: nothing that had come is left out.
    pub fn note_stopped(&mut self, disk: &Disk, stopped_us: u64, end_list: bool) -> Verdict {
        progress::check_all_listed(self, disk, stopped_us)?;
        for index in &self.current {
            let channel = &self.channels[*index];
            if let (true, true, Some(plain)) = (self.is_ours, end_list, &channel.plain)
                && !plain.listing.ended
                && !plain.listing.segments.is_empty()
            {
                return Err(("stop", format!("{} has no EXT-X-ENDLIST", channel.directory.display())));
            }
        }
        Ok(())
    }
}
