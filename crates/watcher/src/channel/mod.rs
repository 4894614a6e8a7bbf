//! Channel: one stream, from the files in its `live/` to its playlist. It decides what each event means.
//!
//! In: names of files that have begun, are complete or are gone, and the time. Out: files in the order in which they are to be
//! listed. Runs on the watcher's thread; [`scan`](crate::channel::scan) has the part that reads the directory.

pub(crate) mod channels;
mod complaints;
mod foreign;
pub(crate) mod grace;
pub(crate) mod handled;
pub(crate) mod leftovers;
mod live_files;
pub(crate) mod parts;
pub(crate) mod renamed;
pub(crate) mod rewritten;
mod root;
pub(crate) mod scan;
pub(crate) mod silence;
pub(crate) mod start_together;
pub(crate) mod start_up;
mod take;
mod temporary_names;
pub(crate) mod watch;

use crate::channel::complaints::Complaints;
use crate::channel::handled::Handled;
use crate::channel::live_files::LiveFiles;
use crate::channel::parts::GivenUp;
use crate::channel::rewritten::Reread;
use crate::channel::silence::Silence;
use crate::channel::temporary_names::TemporaryNames;
use crate::channel::watch::Watch;
use crate::error::WatchError;
use crate::events::finished_file::ReadBuffer;
use crate::events::hints::TELLS_OF_CLOSE;
use crate::events::unfinished::{Unfinished, is_whole};
use crate::order::{Order, Series, Turn};
use crate::publish::Publication;
use crate::settings::ChannelSettings;
use crate::world::World;
use livedir_layout::files::PLAYLIST;
use livedir_layout::names::{number_of_name, part_of_name};
use livedir_layout::numbers::Numbers;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tracing::{info, warn};

/// One stream.
pub(crate) struct Channel {
    world: World,
    settings: ChannelSettings,
    numbers: Numbers,
    files: LiveFiles,
    publication: Publication,
    order: Order,
    unfinished: Unfinished,
    handled: Handled,
    temporary_names: TemporaryNames,
    watch: Watch,
    next_scan: Instant,
    next_tick: Option<Instant>,
    turn_deadline: Option<Instant>,
    silence: Silence,
    complaints: Complaints,
    /// Of files of other encoders.
    series: Series,
}

impl Channel {
    pub(crate) fn live(&self) -> &Path {
        self.files.path()
    }

    /// Whether another directory has come in the place of the one that was locked.
    pub(crate) fn has_new_directory(&self) -> bool {
        self.watch.is_exchanged()
    }

    /// Somebody has tried to take the lock in the directory that is there now.
    pub(crate) fn note_lock(&mut self, is_locked: bool) {
        self.watch.note_lock(is_locked);
    }

    pub(crate) fn next_segment_number(&self) -> u64 {
        match &self.order {
            Order::Numbered(order) => order.next(),
            Order::Arrival(_) => 1,
        }
    }

    /// A file is complete, as an event says.
    pub(crate) fn complete(&mut self, name: &str, seen_at: Instant, buffer: &mut ReadBuffer) {
        self.watch.note_event(self.world.wall());
        if part_of_name(name).is_some() {
            self.part_complete(name, buffer);
            return self.publish_waiting(self.patience());
        }
        let now = self.world.now();
        self.next_scan = now + self.scan_interval();
        self.scan_before_hole(now, buffer);
        if self.awaits_name(name) {
            return self.publish_waiting(self.patience());
        }
        match &self.order {
            Order::Numbered(order) if number_of_name(name).is_some_and(|number| number > order.next()) => {
                self.scan_directory(buffer);
            }
            _ => {
                self.take_overtaken(name, buffer);
                self.take(name, seen_at, true, buffer);
            }
        }
        self.publish_waiting(self.patience());
    }

    /// A file is being written, or has come in a way that ends with no event.
    pub(crate) fn begun(&mut self, name: &str, buffer: &mut ReadBuffer) {
        self.watch.note_event(self.world.wall());
        if part_of_name(name).is_some() {
            return;
        }
        let Ok(stamp) = self.files.stamp(name) else { return };
        let is_listed = self.publication.timeline.is_listed(name);
        let before = self.publication.timeline.listed_as(name);
        if is_listed
            && before.is_none_or(|before| stamp.is_rewritten_since(&before))
            && self.read_listed(name) != Reread::Same
        {
            self.lose_rewritten(name);
        }
        // A file that was linked is one that somebody has finished, also when its first name is gone already.
        if !is_listed && stamp.was_finished_off() {
            self.complete(name, self.world.now(), buffer);
        } else if matches!(self.order, Order::Arrival(_)) {
            let now = self.world.now();
            // One that is whole when it comes was linked, perhaps: nobody will close it.
            self.unfinished.begun(name, stamp, TELLS_OF_CLOSE && !is_whole(&stamp), now);
            self.schedule_tick(now);
        }
    }

    /// A file is gone.
    pub(crate) fn gone(&mut self, name: &str) {
        self.lose_name(name, false);
    }

    /// A name is gone. `is_renamed`: its file may have another one.
    pub(crate) fn lose_name(&mut self, name: &str, is_renamed: bool) {
        self.watch.note_event(self.world.wall());
        // Another one may have come since under its name.
        if self.files.stamp(name).is_ok() {
            return;
        }
        if self.is_promised(name) && self.links_back(name, is_renamed) {
            return;
        }
        self.publication.other_names.forget(name);
        if self.publication.timeline.is_listed(name) {
            self.publication.leave_other_names(name);
        } else {
            self.take_other_names(name, self.world.now());
        }
        if self.publication.timeline.is_listed(name) {
            self.handled.depart(name);
        }
        self.handled.forget(name);
        self.unfinished.forget(name);
        self.publication.retention.forget(name);
        self.publication.refused.forget(name);
        if let Order::Arrival(order) = &mut self.order {
            order.gone(name);
        }
        if self.publication.timeline.is_listed(name) {
            let mut entries = self.publication.timeline.lose(|other| other != name);
            // Whoever takes one away takes those behind it, too: the playlist is written once for all of them.
            let gone = self.publication.timeline.first_names(|name| self.files.stamp(name).is_err());
            for name in &gone {
                self.handled.depart(name);
            }
            entries += self.publication.timeline.lose(|other| !gone.contains(other));
            let label = self.publication.label(name);
            if self.complaints.note("gone") {
                warn!(
                    name = label,
                    entries,
                    "a listed file was deleted, so the playlist is shorter; keep files longer, or lower --window"
                );
            }
        }
    }

    /// Whether names have numbers of ours.
    pub(crate) fn is_numbered(&self) -> bool {
        matches!(self.order, Order::Numbered(_))
    }

    /// Whether no publisher of this stream has given this name to a file.
    pub(crate) fn is_strange(&self, name: &str) -> bool {
        self.is_numbered() && !self.numbers.has_given(name)
    }

    pub(crate) fn complain_of_stranger(&mut self, name: &str) {
        if self.complaints.note(name) {
            warn!(name, "file ignored: its number is ahead of the stream; give it another name");
        }
    }

    /// Lists what is due: segments, and the parts that have come.
    pub(crate) fn publish_waiting(&mut self, patience: Duration) {
        let mut tried = None;
        self.take_before_first_part();
        loop {
            let was_filmed = self.publication.timeline.filmed_until().is_some();
            self.publish_in_turn(patience);
            self.advance_parts();
            if was_filmed
                && self.turn_deadline.is_some()
                && self.publication.timeline.filmed_until().is_none()
            {
                // Between two segments there is room for what begins another timeline.
                self.publish_in_turn(patience);
            }
            let Some(number) = self.publication.timeline.given_up() else { break };
            match self.give_up(number, tried == Some(number)) {
                GivenUp::Takes | GivenUp::LeavesOut => tried = Some(number),
                GivenUp::Waits => break,
            }
        }
        self.publication.write_low_latency();
    }

    fn advance_parts(&mut self) {
        self.scan_for_missing_parts();
        self.publication.advance_parts();
    }

    fn publish_in_turn(&mut self, patience: Duration) {
        self.skip_gaps();
        self.turn_deadline = loop {
            if let Order::Arrival(order) = &mut self.order {
                order.filmed_until = self.publication.timeline.filmed_until();
            }
            match self.order.turn(self.publication.timeline.last().facts(), self.world.now(), patience) {
                Turn::Publish(candidate) => {
                    let Some(candidate) = self.read_if_rewritten(*candidate) else { continue };
                    let name = candidate.name.clone();
                    if self.publication.publish(candidate, self.order.together()) {
                        if let Order::Arrival(order) = &mut self.order {
                            order.published();
                        }
                        self.note_series(&name, self.publication.timeline.last().facts().cloned());
                        self.silence.begin_at(self.world.now());
                        self.advance_parts();
                        self.publication.write_low_latency();
                        self.publication.write_status_in_turn();
                    }
                }
                Turn::WaitUntil(deadline) => break Some(deadline),
                Turn::Idle => break None,
            }
        };
    }

    /// How long a missing number is waited for when a later one is there: renames that come together may be seen in either
    /// order. So long at most, too, files of others are waited for that may have come together.
    ///
    /// RFC 8216 6.2.1: a new playlist no later than 1.5 target durations after the one before. A segment took one of them.
    pub(crate) fn patience(&self) -> Duration {
        self.target() / 2
    }

    /// How long segments are at the most. A playlist that is gone on with may promise more than this run needs.
    pub(crate) fn target(&self) -> Duration {
        let promised_s = self.publication.playlist().target_duration_s;
        let target_s =
            self.settings.target_duration_s.map_or(promised_s, |target_s| target_s.min(promised_s));
        Duration::from_secs(target_s.into())
    }

    /// When there is something to do if nothing happens.
    pub(crate) fn next_deadline(&self) -> Instant {
        let others = [
            self.turn_deadline,
            self.next_tick,
            self.publication.retention.next_deadline(),
            self.silent_at(),
            self.ends_at(),
            self.publication.timeline.parts_deadline(),
            self.publication.burst_deadline(),
        ];
        others.into_iter().flatten().fold(self.next_scan, Instant::min)
    }

    /// Does what is due.
    pub(crate) fn on_time(&mut self, now: Instant, buffer: &mut ReadBuffer) {
        if self.next_scan <= now {
            self.look(buffer);
        }
        self.scan_before_hole(now, buffer);
        if self.next_tick.is_some_and(|tick| tick <= now) {
            self.scan_unfinished(now, buffer);
        }
        self.publish_waiting(self.patience());
        if self.publication.burst_deadline().is_some_and(|at| at <= now) {
            self.publication.on_burst_deadline(now);
        }
        self.note_silence(now);
    }

    /// Writes and deletes what is due.
    pub(crate) fn settle(&mut self) {
        self.publication.write_playlist();
        if self.publication.retention.next_deadline().is_some_and(|at| at <= self.world.now()) {
            self.publication.replace_old_low_latency();
            self.publication.sweep(self.files.path());
        }
    }

    pub(crate) fn complain_of_foreign(&mut self, name: &str) {
        if self.complaints.note(name) {
            warn!(name, "file ignored: segments are named seg-00000001.ts and so on; rename it");
        }
    }

    /// Lists a gap in the place of what others have listed and this one is too late with. Says when it will be too late with
    /// the next.
    pub(crate) fn align(&mut self, now: Instant, buffer: &mut ReadBuffer) -> Option<Instant> {
        loop {
            let late_at = self.publication.timeline.late_at()?;
            if late_at > now {
                return Some(late_at);
            }
            let number = self.publication.playlist().next_media_sequence();
            // The event that tells of it may be on its way.
            self.scan_directory(buffer);
            self.publish_waiting(Duration::ZERO);
            if self.publication.playlist().next_media_sequence() == number {
                self.publication.leave_out(number);
            }
            self.publish_waiting(Duration::ZERO);
            self.settle();
            if self.publication.playlist().next_media_sequence() == number {
                return None;
            }
        }
    }

    /// What is listed as a gap is waited for no longer.
    pub(crate) fn skip_gaps(&mut self) {
        if let Order::Numbered(order) = &mut self.order {
            order.skip_to(self.publication.timeline.next_number());
        }
    }

    /// When the encoder will have been silent for too long; `None` when that was told.
    fn silent_at(&self) -> Option<Instant> {
        let is_told = self.publication.silent_since.is_some() || self.publication.playlist().ended;
        (!self.is_numbered() && !is_told).then(|| self.silence.too_long_at(self.target())).flatten()
    }

    fn ends_at(&self) -> Option<Instant> {
        let playlist = self.publication.playlist();
        let can_end = !playlist.ended && playlist.next_media_sequence() > 1;
        self.silence.ends_at().filter(|_| can_end)
    }

    /// Tells of a silent encoder, or ends its stream, when it is time to.
    fn note_silence(&mut self, now: Instant) {
        if self.silent_at().is_some_and(|at| at <= now) {
            self.publication.note_silence(self.silence.lasted(now));
        }
        if self.ends_at().is_some_and(|at| at <= now) {
            info!(
                channel = self.settings.channel(),
                "stream ended, because no segment has arrived for too long"
            );
            self.publication.end_for_now();
        }
    }

    /// The last look.
    pub(crate) fn scan_a_last_time(&mut self, buffer: &mut ReadBuffer) {
        // The event of the last segment may still be on its way.
        self.events_were_lost();
        self.look(buffer);
        self.publish_waiting(Duration::ZERO);
    }

    /// Writes what there is to write at the end.
    pub(crate) fn finish(&mut self) -> Result<(), WatchError> {
        let path = self.settings.webroot.join(PLAYLIST);
        self.publication.finish().map_err(|source| WatchError::Finish { path, source })
    }
}
