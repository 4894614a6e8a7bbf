//! Taking a file: it is read, and gets its place in line, or is refused.
//!
//! In: the name of a file that is complete, or may be. Out: a candidate for its turn. Runs on the watcher's thread.

use crate::channel::Channel;
use crate::events::finished_file::{Finished, ReadBuffer};
use crate::events::refusal::Refusal;
use crate::order::{Candidate, Order};
use livedir_layout::names::number_of_name;
use std::time::Instant;
use tracing::warn;

impl Channel {
    /// Takes those whose end nobody has told of, and which were written before this one, which is complete.
    pub(super) fn take_overtaken(&mut self, name: &str, buffer: &mut ReadBuffer) {
        if !self.unfinished.is_waiting() {
            return;
        }
        let Ok(next) = self.files.stamp(name) else { return };
        for earlier in self.unfinished.overtaken_by(&next) {
            match self.files.stamp(&earlier) {
                Ok(stamp) if stamp.modified_at < next.modified_at && earlier != name => {
                    self.take(&earlier, self.world.now(), true, buffer);
                }
                _ => {}
            }
        }
    }

    /// Reads a file and puts it in line. `may_grow`: its writer may go on if it is cut.
    pub(crate) fn take(&mut self, name: &str, seen_at: Instant, may_grow: bool, buffer: &mut ReadBuffer) {
        if let Some(number) = number_of_name(name).filter(|_| matches!(self.order, Order::Numbered(_))) {
            return self.take_number(number, name, seen_at, buffer);
        }
        if matches!(self.order, Order::Numbered(_)) {
            return self.complain_of_foreign(name);
        }
        self.unfinished.forget(name);
        let Ok(stamp) = self.files.stamp(name) else { return self.renamed(name) };
        if self.handled.recognize(name, &stamp) || self.takes_second_name(name, &stamp) {
            return;
        }
        let Order::Arrival(order) = &self.order else { return };
        if order.waiting(name).is_some_and(|waiting| waiting.finished.stamp == stamp) {
            return;
        }
        if self.publication.refused.has_as(name, &stamp) {
            return;
        }
        if self.publication.timeline.is_listed(name)
            && !self.lose_if_rewritten(name, self.publication.timeline.listed_as(name), stamp)
        {
            return;
        }
        match self.files.read(name, buffer) {
            Ok(finished) if self.is_late(&finished) => {
                self.handled.note(name, &stamp);
                self.publication.refuse(name, Some(stamp), &Refusal::Late);
                self.note_series(name, Some(finished.facts));
            }
            Ok(finished) => {
                self.complain_of_few_players(name, &finished.facts);
                self.handled.note(name, &stamp);
                // What left the list under this name is gone.
                self.publication.retention.forget(name);
                self.publication.other_names.forget(name);
                let candidate = Candidate { name: name.to_owned(), finished, seen_at };
                if let Order::Arrival(order) = &mut self.order {
                    order.arrived(candidate, self.world.now());
                }
            }
            Err(Refusal::Vanished) => self.gone(name),
            Err(reason) if may_grow && reason.may_pass() => {
                let now = self.world.now();
                self.unfinished.closed_early(name, stamp, now);
                self.schedule_tick(now);
            }
            Err(reason) => {
                self.handled.note(name, &stamp);
                self.publication.refuse(name, Some(stamp), &reason);
            }
        }
    }

    /// Whether others were published that come behind this file on its timeline.
    fn is_late(&self, finished: &Finished) -> bool {
        match &self.order {
            Order::Numbered(_) => false,
            Order::Arrival(order) => order.is_late(&finished.facts),
        }
    }

    fn take_number(&mut self, number: u64, name: &str, seen_at: Instant, buffer: &mut ReadBuffer) {
        if self.is_strange(name) {
            return self.complain_of_stranger(name);
        }
        let Order::Numbered(order) = &mut self.order else { return };
        if number < order.next() {
            if let (true, Ok(stamp)) = (self.publication.timeline.is_listed(name), self.files.stamp(name)) {
                let before = self.publication.timeline.listed_as(name);
                self.lose_if_rewritten(name, before, stamp);
                return;
            }
            let is_known = self.publication.timeline.is_listed(name)
                || self.publication.timeline.is_gap(name)
                || self.publication.refused.has(name);
            if !is_known && self.complaints.note(name) {
                warn!(
                    name,
                    "segment came after a later one was published, so it is not listed; write segments in order"
                );
            }
            if !is_known && !self.settings.keep {
                // It is ours all the same.
                let grace_90k = self.publication.timeline.longest_duration_90k();
                self.publication.retention.keep(name, self.world.now(), grace_90k);
            }
            return;
        }
        if order.is_waiting(number) {
            return;
        }
        let read = self.files.read(name, buffer);
        // Those of this run are its own, whatever their clock says.
        let is_on_air = self.publication.timeline.first_of_run().is_some();
        if !is_on_air
            && read.as_ref().is_ok_and(|finished| self.publication.timeline.is_older_than_last(finished))
        {
            return self.complain_of_stranger(name);
        }
        if let Err(reason) = &read {
            let stamp = self.files.stamp(name).ok();
            self.publication.refuse(name, stamp, reason);
        }
        let candidate = read.ok().map(|finished| Candidate { name: name.to_owned(), finished, seen_at });
        order.arrived(number, candidate);
    }
}
