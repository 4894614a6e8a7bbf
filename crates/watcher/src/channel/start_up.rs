//! Start-up: the playlist goes on from what was there before.
//!
//! In: webroot as the last run, or its crash, left it. Out: a [`Channel`] whose playlist on disk is true again.

use crate::channel::Channel;
use crate::channel::complaints::Complaints;
use crate::channel::handled::Handled;
use crate::channel::live_files::LiveFiles;
use crate::channel::scan::BLIND;
use crate::channel::silence::Silence;
use crate::channel::temporary_names::TemporaryNames;
use crate::channel::watch::Watch;
use crate::error::WatchError;
use crate::events::finished_file::ReadBuffer;
use crate::events::present::{Listing, numbers_of};
use crate::events::unfinished::Unfinished;
use crate::order::{Arrival, Numbered, Order, Series};
use crate::publish::Publication;
use crate::publish::retention::instant_of;
use crate::resume::agreement::Fate;
use crate::resume::parts_on_disk::{self, PartsOnDisk};
use crate::resume::remains::Remains;
use crate::resume::{
    Plan, Predecessor,
    arrival::{self, Files, Room},
    numbered, numbers,
};
use crate::settings::ChannelSettings;
use crate::settings::Naming;
use crate::timeline::Last;
use crate::world::World;
use livedir_layout::directory::Identity;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::files::{self, OnDisk};
use livedir_layout::meters::Meters;
use livedir_layout::names::{Home, name_of_uri, number_of_name, number_of_uri};
use livedir_layout::numbers::Numbers;
use livedir_playlist::MediaPlaylist;
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::{debug, info, warn};

/// A file that was written longer ago than this, and is found at the start, is not being written any more.
const RECENT: Duration = Duration::from_secs(2);

/// What lies in the live directory.
pub(crate) enum FilesAtStart {
    Numbered(BTreeSet<u64>),
    Any(Files),
}

impl FilesAtStart {
    /// Whether a later segment is newer than these parts of segment `number`: the encoder will add no more parts to it.
    pub(crate) fn are_passed<'a>(&self, number: u64, mut parts: impl Iterator<Item = &'a Stamp>) -> bool {
        let Self::Any(files) = self else { return false };
        let later = files.iter().filter(|(name, _)| number_of_name(name).is_some_and(|it| it > number));
        let newest = later.map(|(_, stamp)| stamp.modified_at).max();
        parts.all(|part| newest.is_some_and(|newest| part.modified_at < newest))
    }
}

/// A channel that has begun, and what is still to be done at its start.
pub(crate) struct Begun {
    pub(crate) channel: Channel,
    pub(crate) on_disk: OnDisk,
    /// Its playlist is made again of files.
    is_rebuilt: bool,
    told: PartsOnDisk,
    plan: Plan,
    found: FilesAtStart,
    names: Vec<String>,
    now: Instant,
}

impl Channel {
    /// Everything that has to be done before the first segment comes: goes on from the playlist and the directory as they
    /// are, publishes what came meanwhile, sweeps what a crash left unfinished.
    pub(crate) fn start(
        world: &World,
        settings: ChannelSettings,
        numbers: &Numbers,
        meters: Arc<Meters>,
        buffer: &mut ReadBuffer,
    ) -> Result<Self, WatchError> {
        let remains = Remains::find(world, settings)?;
        let in_files = remains.numbers(&*world.directory)?;
        let last_of_ours = numbers::last_of_ours(&[in_files], remains.last_told());
        if let Some(number) = remains.last_in_parts(last_of_ours) {
            remains.rejoin(&*world.directory, number);
        }
        let mut begun = Self::begin(world, remains, (last_of_ours, None), numbers, meters)?;
        begun.publish_unlisted(buffer);
        let next_number = begun.plan.next_number;
        begun.take_up_parts(next_number, buffer);
        Ok(begun.channel)
    }

    /// Watches the directory, and plans how to go on. `last_of_ours`: numbers above it are those of strangers. `fate`: among the
    /// sizes of a ladder.
    pub(crate) fn begin(
        world: &World,
        remains: Remains,
        (last_of_ours, fate): (u64, Option<Fate>),
        numbers: &Numbers,
        meters: Arc<Meters>,
    ) -> Result<Begun, WatchError> {
        let directory = &*world.directory;
        let last_in_parts = remains.last_in_parts(last_of_ours);
        let Remains { settings, live, on_disk, told, .. } = remains;
        let of_live = |source| WatchError::Live { path: live.clone(), source };
        if settings.naming == Naming::Numbered && settings.part_target_90k.is_none() {
            parts_on_disk::remove_old_list(directory, &settings.webroot).map_err(of_live)?;
        }
        let files = LiveFiles::new(world.directory.clone(), std::path::absolute(&live).map_err(of_live)?);
        // The watch comes before the look: what arrives in between is then seen twice, and not never.
        let watched = watch(&files);
        let directory_now = files.identity();
        let listed_at = world.wall();
        let listed_as_of = files.changed_at().ok();
        let Listing { segments: names, strangers, .. } = files.all().map_err(of_live)?;
        let found = found(&files, &names, settings.naming, last_of_ours);
        let rebuilt_from = fate.as_ref().and_then(Fate::empty_playlist);
        // What is done to them from now on is seen.
        let stamps = match &found {
            FilesAtStart::Numbered(_) => stamps_of_listed(&files, &on_disk, settings.home),
            FilesAtStart::Any(_) => Files::new(),
        };
        let stamp = |name: &str| stamps.get(name).copied();
        let read = |name: &str| files.read(name, &mut ReadBuffer::default()).ok();
        let mut plan = match (&found, rebuilt_from) {
            (FilesAtStart::Numbered(numbers), Some(empty)) => numbered::rebuild(empty, numbers).named(),
            (FilesAtStart::Numbered(numbers), None) if fate == Some(Fate::Joins) => {
                numbered::join(numbers).named()
            }
            (FilesAtStart::Numbered(numbers), None) => {
                let target_duration_s = settings.target_duration_s.unwrap_or(1);
                let changed = numbered::changed(&on_disk, settings.home, &stamp, &read);
                let files = (numbers, &changed);
                numbered::plan(&on_disk, files, target_duration_s, settings.window_segments).named()
            }
            (FilesAtStart::Any(files), _) => {
                let room = Room { window_segments: settings.window_segments, read: &read };
                arrival::plan(&on_disk, files, world.wall(), &room)
            }
        };
        if fate == Some(Fate::Unknown) && !matches!(on_disk, OnDisk::Playlist { .. }) {
            // What was listed before is not known, and the other sizes tell which number comes next.
            plan.left_before.append(&mut plan.unlisted);
        }
        // A number that the name of a part has carried is not given again.
        plan.next_number = last_in_parts.map_or(plan.next_number, |last| plan.next_number.max(last + 1));
        let mut publication =
            Publication::new(world.clone(), settings.clone(), meters, plan.previous.take())?;
        if let OnDisk::Playlist { playlist, .. } = &on_disk {
            // Also what is not there any more was in it.
            publication.timeline.remember_length(playlist.duration_90k());
        }
        for (name, &stamp) in &stamps {
            publication.timeline.keep_stamp(name, stamp);
        }
        publication.timeline.set_told(told.durations_90k());
        if matches!(fate, Some(Fate::Joins | Fate::Rebuilt { .. })) {
            plan.left_before.retain(|name| !publication.lists_no_longer(&on_disk, name));
        }
        let now = world.now();
        // Numbers of sizes are those of their names.
        if settings.home == Home::Live
            && let FilesAtStart::Numbered(_) = &found
        {
            let first =
                plan.unlisted.first().and_then(|name| number_of_name(name)).unwrap_or(plan.next_number);
            let next_media_sequence = publication.playlist().next_media_sequence();
            publication.timeline.set_ahead(match told.number_of(next_media_sequence) {
                // Players know parts of it under this number.
                Some(open) => difference(open, next_media_sequence),
                None => ahead(publication.playlist(), first),
            });
        }
        let numbers = numbers.of(files.path());
        let silence = Silence::new(now, settings.end_after);
        let mut channel = Self {
            world: world.clone(),
            order: match settings.naming {
                Naming::Numbered => {
                    let first = plan.unlisted.first().and_then(|name| number_of_name(name));
                    Order::Numbered(Numbered::new(first.unwrap_or(plan.next_number)))
                }
                Naming::Any => Order::Arrival(Arrival::default()),
            },
            settings,
            numbers,
            files,
            publication,
            unfinished: Unfinished::default(),
            handled: Handled::default(),
            temporary_names: TemporaryNames::default(),
            watch: Watch::begin(directory_now, watched, listed_as_of, listed_at),
            next_scan: now,
            next_tick: None,
            turn_deadline: None,
            silence,
            complaints: Complaints::default(),
            series: Series::default(),
        };
        channel.complain_of_strangers(strangers);
        let is_rebuilt = matches!(fate, Some(Fate::Rebuilt { .. }));
        Ok(Begun { channel, on_disk, is_rebuilt, told, plan, found, names, now })
    }
}

impl Begun {
    /// The first part of the plan: what was not listed is, and what was lost leaves.
    pub(crate) fn publish_unlisted(&mut self, buffer: &mut ReadBuffer) {
        let Self { channel, on_disk, is_rebuilt, told, plan, found, names, now } = self;
        let now = *now;
        let written_at = channel.written_at(on_disk, now);
        channel.silence.begin_at(written_at);
        channel.keep_for_their_grace(plan, found, written_at, now);
        if plan.entries_lost > 0 {
            let entries = plan.entries_lost;
            warn!(
                channel = channel.settings.channel(),
                entries,
                "files that the playlist names are missing; these entries leave it, and the numbers continue"
            );
            channel.publication.mark_changed();
            channel.publication.write_playlist();
        }
        channel.remember(&plan.predecessor, buffer);
        match found {
            FilesAtStart::Numbered(numbers) => {
                for name in names.iter() {
                    match number_of_name(name) {
                        None => channel.complain_of_foreign(name),
                        Some(number) if !numbers.contains(&number) => channel.complain_of_stranger(name),
                        Some(_) => {}
                    }
                }
                let is_before = |name: &&String| number_of_name(name) < told.last_in_parts();
                let before = plan.unlisted.iter().take_while(is_before).count();
                for (index, name) in plan.unlisted.iter().enumerate() {
                    if index == before {
                        channel.publish_waiting(Duration::ZERO);
                        channel.leave_out_interrupted(told, &plan.unlisted);
                    }
                    // What was listed of it is not known: a hand may have laid another file in its place.
                    let is_changed = *is_rebuilt && !channel.holds_what_others_do(name, buffer);
                    if !is_changed {
                        channel.take(name, now, false, buffer);
                    }
                }
                channel.publish_waiting(Duration::ZERO);
                channel.leave_out_interrupted(told, &plan.unlisted);
                if let Order::Numbered(order) = &mut channel.order {
                    order.skip_to(plan.next_number);
                }
                // Between two runs nothing is missing: the numbers of the playlist go on.
                let next_media_sequence = channel.publication.playlist().next_media_sequence();
                channel.publication.timeline.set_first_of_run(plan.next_number);
                if channel.settings.home == Home::Live {
                    channel.publication.timeline.set_ahead(difference(plan.next_number, next_media_sequence));
                }
            }
            FilesAtStart::Any(files) => {
                channel.leave_out_interrupted(told, &plan.unlisted);
                channel.take_what_is_complete(files, &plan.unlisted, now, buffer);
                channel.take_what_leads_to_next(buffer);
                channel.publish_waiting(Duration::ZERO);
            }
        }
    }

    /// The second part: the parts that are listed stay, and all is written.
    pub(crate) fn take_up_parts(&mut self, next_number: u64, buffer: &mut ReadBuffer) {
        let Self { channel, told, found, .. } = self;
        channel.restore_parts(next_number, told, found, buffer);
        channel.publish_waiting(Duration::ZERO);
        channel.publication.write_postponed();
        channel.settle();
        channel.next_scan = channel.world.now() + channel.scan_interval();
        let number = channel.publication.playlist().next_media_sequence();
        match channel.publication.timeline.last() {
            Last::Nothing => {
                debug!(channel = channel.settings.channel(), number, "nothing was published before");
            }
            Last::Unknown | Last::Known(_) | Last::Gap => {
                info!(channel = channel.settings.channel(), number, "continuing from the files on disk");
            }
        }
    }
}

impl Channel {
    /// Whether the file of this name holds what the other sizes have under its number.
    fn holds_what_others_do(&self, name: &str, buffer: &mut ReadBuffer) -> bool {
        let read = self.files.read(name, buffer);
        match (number_of_name(name), read) {
            (Some(number), Ok(finished)) => self.publication.timeline.holds_what_others_do(number, &finished),
            // It will be refused.
            _ => true,
        }
    }

    fn written_at(&mut self, on_disk: &OnDisk, now: Instant) -> Instant {
        match on_disk {
            OnDisk::Playlist { written_at, .. } => instant_of(*written_at, now, self.world.wall()),
            OnDisk::Missing => now,
            OnDisk::Unreadable { problem, .. } => {
                let number = self.publication.playlist().next_media_sequence();
                warn!(
                    channel = self.settings.channel(),
                    problem,
                    number,
                    "stream.m3u8 cannot be read back; it is renamed to stream.m3u8.bad, and the numbers continue"
                );
                if let Err(error) = files::set_aside(&*self.world.directory, &self.settings.webroot) {
                    warn!(%error, "stream.m3u8 cannot be renamed; it will be replaced");
                }
                // Its numbers are kept, whatever comes before the next segment.
                let has_numbers = self.publication.playlist().next_media_sequence() > 1;
                if has_numbers
                    && self.settings.home == Home::Live
                    && self.publication.timeline.is_target_fixed()
                {
                    self.publication.mark_changed();
                }
                now
            }
        }
    }

    /// Learns what the first segment goes on from.
    fn remember(&mut self, predecessor: &Predecessor, buffer: &mut ReadBuffer) {
        match predecessor {
            Predecessor::None => self.publication.timeline.set_last(Last::Nothing),
            Predecessor::Gone => self.publication.timeline.set_last(Last::Unknown),
            Predecessor::OnDisk(name) => match self.files.read(name, buffer) {
                Ok(finished) => {
                    self.publication.timeline.keep_stamp(name, finished.stamp);
                    self.publication.timeline.goes_on_from(finished.facts);
                }
                Err(reason) => {
                    let entries = self.publication.timeline.lose(|other| other != name);
                    warn!(
                        name,
                        entries,
                        "the last listed segment cannot be read back, so its entry leaves the playlist: {reason}"
                    );
                    self.publication.timeline.set_last(Last::Unknown);
                }
            },
        }
    }

    /// Takes the files that came meanwhile. The newest may still be written: its encoder has not waited for us.
    fn take_what_is_complete(
        &mut self,
        files: &Files,
        unlisted: &[String],
        now: Instant,
        buffer: &mut ReadBuffer,
    ) {
        self.handled = Handled::begin(files.iter());
        self.know_other_names(files, unlisted);
        let newest = files.values().map(|stamp| stamp.modified_at).max();
        for name in unlisted {
            let Some(&stamp) = files.get(name) else { continue };
            let age = self.world.wall().duration_since(stamp.modified_at).unwrap_or_default();
            let is_complete = stamp.was_finished_off()
                || age >= RECENT
                || newest.is_some_and(|newest| stamp.modified_at < newest);
            if is_complete {
                // Another one may have come while it is written.
                self.take(name, now, true, buffer);
            } else {
                self.handled.forget(name);
                self.unfinished.rests(name, stamp, now.checked_sub(age).unwrap_or(now));
                self.schedule_tick(now);
            }
        }
    }
}

/// Watches a live directory, or says why it cannot be watched.
fn watch(files: &LiveFiles) -> Option<Identity> {
    match files.watch() {
        Ok(identity) => Some(identity),
        Err(error) => {
            if !error.is_empty() {
                warn!(path = %files.path().display(), error, "{BLIND}");
            }
            None
        }
    }
}

/// What the file system says of the files that the playlist names.
fn stamps_of_listed(files: &LiveFiles, on_disk: &OnDisk, home: Home) -> Files {
    let OnDisk::Playlist { playlist, .. } = on_disk else { return Files::new() };
    let names = playlist.segments.iter().filter_map(|segment| name_of_uri(home, &segment.uri));
    names.filter_map(|name| files.stamp(&name).ok().map(|stamp| (name, stamp))).collect()
}

/// What the names mean, with what the file system says of each file where that matters.
fn found(files: &LiveFiles, names: &[String], naming: Naming, last_of_ours: u64) -> FilesAtStart {
    match naming {
        Naming::Numbered => {
            FilesAtStart::Numbered(numbers_of(names).range(..=last_of_ours).copied().collect())
        }
        Naming::Any => {
            let stamp = |name: &String| Some((name.clone(), files.stamp(name).ok()?));
            FilesAtStart::Any(names.iter().filter_map(stamp).collect())
        }
    }
}

/// By how much the number of the name `first`, which comes first in this run, is ahead of that of the playlist, as its listed
/// segments say, or else this one.
fn ahead(playlist: &MediaPlaylist, first: u64) -> i64 {
    let last = playlist.segments.last().and_then(|segment| number_of_uri(&segment.uri));
    let next = last.map_or(first, |last| last + 1);
    difference(next, playlist.next_media_sequence())
}

/// Both are plausible numbers.
fn difference(number: u64, media_sequence: u64) -> i64 {
    number as i64 - media_sequence as i64
}
