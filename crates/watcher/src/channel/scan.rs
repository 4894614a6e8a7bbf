//! Looks: the part of a channel that reads the directory, when no event tells or none can be trusted.
//!
//! In: the directory. Out: what a [`Channel`] did not know of. A directory of 100,000 files is listed only when its time says
//! that something has happened in it which no event told.

use crate::channel::Channel;
use crate::channel::handled::Present;
use crate::events::finished_file::ReadBuffer;
use crate::events::present::Listing;
use crate::order::Order;
use livedir_layout::names::{Home, name_of_uri, number_of_name};
use livedir_time::ticks;
use std::{
    io,
    time::{Duration, Instant},
};
use tracing::warn;

/// How often the directory is looked at while it cannot be watched.
const BLIND_INTERVAL: Duration = Duration::from_millis(200);

/// The stream goes on without a watch.
pub(crate) const BLIND: &str = "the live directory cannot be watched; it is listed every 200 ms instead";

/// How often a file is looked at that may be complete.
const TICK: Duration = Duration::from_millis(200);

/// Listed files that are looked at where no event tells that they are written again: an encoder that uses its names in turn
/// comes to the oldest first.
const OLDEST: usize = 16;

/// Files that lie there unlisted, and are looked at in one look where no event tells that they are written again: as many as an
/// encoder has names that it uses in turn, and 100,000 of them in five minutes.
const MOST_UNWATCHED: usize = 64;

impl Channel {
    pub(crate) fn scan_interval(&self) -> Duration {
        if self.watch.is_on() {
            // Every segment puts the look off, so that none is needed while they come in time.
            return self.target() * 5 / 4;
        }
        let part = self.settings.part_target_90k.map(ticks::duration_of_microseconds);
        part.map_or(BLIND_INTERVAL, |part| part.min(BLIND_INTERVAL))
    }

    pub(crate) fn schedule_tick(&mut self, now: Instant) {
        self.next_tick = self.unfinished.is_waiting().then(|| now + TICK);
    }

    /// The directory itself has come, gone, or changed its name.
    pub(crate) fn directory_is_gone(&mut self) {
        if self.files.identity().is_some_and(|now| self.watch.is_watched(&now)) {
            return;
        }
        self.events_were_lost();
    }

    /// Something may have happened that no event told.
    pub(crate) fn events_were_lost(&mut self) {
        self.watch.knows_nothing();
        self.next_scan = self.world.now();
        self.unfinished.nobody_tells(self.next_scan);
    }

    /// Looks after the directory, and at it if need be.
    pub(crate) fn look(&mut self, buffer: &mut ReadBuffer) {
        let now = self.world.now();
        self.keep_watch();
        self.next_scan = now + self.scan_interval();
        if !self.is_known() {
            self.scan_directory(buffer);
        }
        if !self.watch.is_on() {
            self.scan_oldest();
            self.scan_unwatched(MOST_UNWATCHED, now);
            self.scan_unfinished(now, buffer);
        }
        self.publish_waiting(self.patience());
    }

    /// A file is waited for no longer. It may be there, and nobody has told.
    pub(crate) fn scan_before_hole(&mut self, now: Instant, buffer: &mut ReadBuffer) {
        let is_due = self.turn_deadline.is_some_and(|at| at <= now);
        if !is_due || self.is_numbered() {
            return;
        }
        let is_hole = match &self.order {
            Order::Numbered(_) => false,
            Order::Arrival(order) => order.leaves_hole(self.publication.timeline.last().facts()),
        };
        // What is missing may be there also where all seems to be told: an event was lost without a word.
        if is_hole || !self.is_known() {
            self.scan_directory(buffer);
        }
        if is_hole {
            self.scan_unwatched(self.handled.unwatched(), now);
        }
        self.take_of_these(&self.unfinished.names(), buffer);
    }

    /// Whether nothing has happened in the directory since it was listed, or nothing but what events told.
    fn is_known(&self) -> bool {
        self.files.changed_at().is_ok_and(|changed_at| self.watch.knows_all(changed_at))
    }

    /// Lists the directory.
    pub(crate) fn scan_directory(&mut self, buffer: &mut ReadBuffer) {
        let listed_at = self.world.wall();
        self.watch.note_listing(self.files.changed_at().ok(), listed_at);
        let Listing { segments: names, parts, strangers } = match self.files.all() {
            Ok(listing) => listing,
            Err(error) => {
                let is_going = error.kind() == io::ErrorKind::NotFound && self.settings.channel().is_some();
                if !is_going && self.complaints.note(&error.to_string()) {
                    let path = self.files.path().display();
                    warn!(%path, %error, "the live directory cannot be read; make it readable");
                }
                return;
            }
        };
        self.complain_of_strangers(strangers);
        let now = self.world.now();
        self.scan_listed();
        let mut present = Present::of(&names);
        let gone = self.promised_and_not(&present);
        for name in self.link_back_all(gone, &names, &mut present) {
            if self.publication.timeline.is_listed(&name) {
                self.handled.depart(&name);
            }
        }
        self.publication.timeline.lose(|name| present.has(name));
        self.take_parts(parts, buffer);
        match &self.order {
            Order::Numbered(order) => {
                let next = order.next();
                for name in names {
                    match number_of_name(&name) {
                        Some(number) if number < next => {}
                        _ => self.take(&name, now, false, buffer),
                    }
                }
            }
            Order::Arrival(_) => self.compare_with(&names, &present, now, buffer),
        }
    }

    /// The names that players may still ask for, and that are not present.
    fn promised_and_not(&self, present: &Present) -> Vec<String> {
        let listed = self.publication.timeline.listed_names().map(String::as_str);
        let promised = listed.chain(self.publication.retention.names());
        promised.filter(|name| !present.has(name)).map(str::to_owned).collect()
    }

    /// Takes up the parts that no event has told of.
    fn take_parts(&mut self, parts: Vec<String>, buffer: &mut ReadBuffer) {
        let unknown: Vec<_> = parts.into_iter().filter(|name| !self.publication.knows_part(name)).collect();
        for name in unknown {
            self.part_complete(&name, buffer);
        }
    }

    /// Finds out what has come. `present`: all these names.
    fn compare_with(&mut self, names: &[String], present: &Present, now: Instant, buffer: &mut ReadBuffer) {
        self.handled.retain(present);
        let hears = self.watch.is_on();
        let next = self.handled.begin_listing();
        for name in names {
            if self.unfinished.holds(name) || self.publication.timeline.is_listed(name) {
                continue;
            }
            if self.handled.has(name) && !hears {
                // There may be many of them.
                self.handled.scan_again(name.clone());
                continue;
            }
            let Ok(stamp) = self.files.stamp(name) else { continue };
            if !self.handled.has_as(name, &stamp) && !self.handled.recognize(name, &stamp) {
                self.unfinished.begun(name, stamp, false, now);
            }
        }
        self.handled.continue_at(next.as_ref());
        self.scan_unfinished(now, buffer);
    }

    /// Looks at the files that may be complete.
    pub(crate) fn scan_unfinished(&mut self, now: Instant, buffer: &mut ReadBuffer) {
        for name in self.unfinished.to_look_at() {
            match self.files.stamp(&name) {
                Ok(stamp) => self.unfinished.looked(&name, stamp, now),
                Err(_) => self.unfinished.forget(&name),
            }
        }
        for name in self.unfinished.complete(now) {
            self.take(&name, now, false, buffer);
        }
        self.take_what_leads_to_next(buffer);
        self.schedule_tick(now);
    }

    /// Takes the files that may be complete, and are: what is published next goes on from them.
    pub(crate) fn take_what_leads_to_next(&mut self, buffer: &mut ReadBuffer) {
        self.take_of_these(&self.unfinished.to_look_at(), buffer);
    }

    fn take_of_these(&mut self, unfinished: &[String], buffer: &mut ReadBuffer) {
        // Newest first: an older one may lead to it.
        for name in unfinished.iter().rev() {
            let Order::Arrival(order) = &self.order else { return };
            if !order.next_breaks(self.publication.timeline.last().facts()) {
                return;
            }
            let read = self.files.read(name, buffer);
            if read.is_ok_and(|read| order.leads_to_next(&read.facts)) {
                self.take(name, self.world.now(), true, buffer);
            }
        }
    }

    /// Looks whether files that lie there unlisted were written again, up to `most` of them.
    fn scan_unwatched(&mut self, most: usize, now: Instant) {
        for _ in 0..self.handled.unwatched().min(most) {
            let Some(name) = self.handled.next_unwatched() else { return };
            let Ok(stamp) = self.files.stamp(&name) else { continue };
            if self.handled.has_as(&name, &stamp) {
                self.handled.scan_again(name);
            } else {
                self.handled.forget(&name);
                self.unfinished.begun(&name, stamp, false, now);
            }
        }
    }

    /// Looks whether the oldest listed files are still what was listed.
    fn scan_oldest(&mut self) {
        let oldest: Vec<_> = self.publication.playlist().segments.iter().take(OLDEST).collect();
        let names: Vec<_> =
            oldest.into_iter().filter_map(|segment| name_of_uri(self.settings.home, &segment.uri)).collect();
        for name in names {
            let Ok(stamp) = self.files.stamp(&name) else { continue };
            match self.publication.timeline.listed_as(&name) {
                Some(before) if self.lose_if_rewritten(&name, Some(before), stamp) => {
                    self.handled.forget(&name);
                    self.unfinished.begun(&name, stamp, false, self.world.now());
                }
                None => {
                    self.keep_stamp(&name, stamp);
                    let read = self.files.read(&name, &mut ReadBuffer::default());
                    if let Ok(finished) = read {
                        self.publication.timeline.keep_read(&name, &finished);
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// Watches the directory again after someone took it away, and makes it again if need be.
    fn keep_watch(&mut self) {
        let now = self.files.identity();
        if now.as_ref().is_some_and(|now| self.watch.is_watched(now)) {
            return;
        }
        let was_exchanged = self.watch.end(now.as_ref());
        let path = self.files.path().display().to_string();
        if was_exchanged && self.settings.label.is_empty() {
            warn!(path, "the live directory was deleted or moved; continuing in a new one");
        }
        if now.is_none() {
            // A channel goes with its directory; a stream of ours does not.
            if !self.settings.label.is_empty() && !self.is_numbered() {
                return;
            }
            if let Err(error) = self.files.make() {
                if self.complaints.note(&error.to_string()) {
                    warn!(path, %error, "the live directory cannot be created again; create it");
                }
                return;
            }
        }
        self.watch.note_identity(self.files.identity());
        match self.files.watch() {
            Ok(identity) => self.watch.begin_again(identity),
            // Nobody asked for a watch.
            Err(error) if error.is_empty() => {}
            Err(error) if self.complaints.note(&error) => warn!(path, error, "{BLIND}"),
            Err(_) => {}
        }
        if was_exchanged && self.settings.home == Home::Beside {
            self.publication.write_all_again();
        }
        if was_exchanged || self.watch.is_on() {
            self.watch.knows_nothing();
        }
    }

    /// The directory is gone, and the channel with it.
    pub(crate) fn leave(&mut self) {
        self.publication.timeline.lose(|_| false);
        if self.world.directory.has_directory(&self.settings.webroot) {
            self.settle();
        }
    }
}
