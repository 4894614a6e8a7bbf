//! Renamed: one file is one segment, whatever names it has in `live/`, one after the other or at the same time.
//!
//! In: names that have gone or come, and what the file system says of them. Out: listed names that are there again, and names that
//! get no turn of their own. Runs on the watcher's thread. It concerns the files of others: those of ours are never renamed.

use crate::channel::Channel;
use crate::channel::handled::Present;
use crate::order::{Candidate, Order};
use crate::resume::arrival::Files;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::names::looks_like_segment;
use std::time::Instant;
use tracing::{info, warn};

impl Channel {
    /// A file has got another name, here or elsewhere.
    pub(crate) fn renamed(&mut self, name: &str) {
        self.lose_name(name, true);
    }

    /// Whether players may still ask for this name: it is listed, or was until a moment ago.
    pub(crate) fn is_promised(&self, name: &str) -> bool {
        self.publication.timeline.is_listed(name) || self.publication.retention.holds(name)
    }

    /// A promised name is gone. If its file has another name in `live/`, it gets the old one back. Says whether it has.
    ///
    /// `searches`: where no other name is known, the directory is looked through for one.
    pub(crate) fn links_back(&mut self, name: &str, searches: bool) -> bool {
        let Some(contents) = self.handled.contents(name).filter(|_| !self.is_numbered()) else {
            return false;
        };
        let mut others: Vec<_> = self.publication.other_names.of(name).cloned().collect();
        if others.is_empty() && searches {
            others = self.files.all_names().unwrap_or_default();
            others.retain(|other| !self.publication.timeline.is_listed(other));
        }
        match self.find(contents, &others) {
            Some((other, stamp)) => self.links_back_from(name, &other, &stamp),
            None => false,
        }
    }

    /// Promised names are gone of which no event has told, and these have come. Gives those that stay gone; those that are
    /// linked back are present.
    pub(crate) fn link_back_all(
        &mut self,
        gone: Vec<String>,
        names: &[String],
        present: &mut Present,
    ) -> Vec<String> {
        if gone.is_empty() || self.is_numbered() {
            return gone;
        }
        // What has had its turn under its name is no news.
        let come: Vec<_> = names.iter().filter(|name| !self.handled.has(name)).cloned().collect();
        let mut stay_gone = Vec::new();
        for name in gone {
            let contents = self.handled.contents(&name);
            match contents.and_then(|contents| self.find(contents, &come)) {
                Some((other, stamp)) if self.links_back_from(&name, &other, &stamp) => present.add(&name),
                _ => stay_gone.push(name),
            }
        }
        stay_gone
    }

    /// The one of these names that leads to the file with these contents.
    fn find(&self, contents: u64, names: &[String]) -> Option<(String, Stamp)> {
        names.iter().find_map(|name| {
            let stamp = self.files.stamp(name).ok()?;
            (stamp.tells_files_apart() && stamp.contents() == contents).then(|| (name.clone(), stamp))
        })
    }

    /// A promised name is gone, and this other one leads to its file.
    fn links_back_from(&mut self, name: &str, other: &str, stamp: &Stamp) -> bool {
        let label = self.publication.label(name);
        if let Err(error) = self.files.link(other, name) {
            if self.complaints.note("not linked") {
                warn!(
                    name = label,
                    other, %error,
                    "a listed file was renamed, and its old name cannot be linked; rename files before they are closed, or write them under a dot name"
                );
            }
            return false;
        }
        if self.complaints.note("renamed") {
            info!(
                name = label,
                other, "a listed file was renamed; its old name stays until it has left the playlist"
            );
        }
        self.temporary_names.note(name);
        // After a restart it was not known: the event of the link would tell of another file.
        self.keep_stamp(name, *stamp);
        // What is no segment by its name is not ours to delete.
        if looks_like_segment(other) {
            self.handled.note(other, stamp);
            self.publication.note_other_name(name, other);
        }
        true
    }

    /// Takes note of a file that has had its turn, or waits for it, under another name: it gets no other turn, and its first name stays.
    /// Gives false for all others.
    pub(crate) fn takes_second_name(&mut self, name: &str, stamp: &Stamp) -> bool {
        if self.publication.timeline.is_listed(name) || !stamp.tells_files_apart() {
            return false;
        }
        let was_linked_back = self.temporary_names.has(name) && self.publication.retention.holds(name);
        if was_linked_back && self.handled.has_as(name, stamp) {
            return true;
        }
        if let Some(first) = self.waiting_as(name, stamp) {
            if self.files.stamp(&first).is_err() {
                self.give_up_name(&first);
                return false;
            }
            self.publication.other_names.add(&first, name);
        } else if !self.handled.has_elsewhere(name, stamp) || self.publication.refused.has_contents(stamp) {
            // What was refused may be good by now.
            return false;
        } else if let Some(first) = self.promised_as(name, stamp) {
            if self.files.stamp(&first).is_ok() {
                self.publication.note_other_name(&first, name);
            } else if !self.links_back_from(&first, name, stamp) {
                return false;
            }
        }
        self.handled.note(name, stamp);
        true
    }

    /// The other name under which this file waits.
    fn waiting_as(&self, name: &str, stamp: &Stamp) -> Option<String> {
        let Order::Arrival(order) = &self.order else { return None };
        let is_first = |it: &&Candidate| it.name != name && !it.finished.stamp.is_rewritten_since(stamp);
        order.candidates().find(is_first).map(|it| it.name.clone())
    }

    /// The other name under which this file is listed, or was.
    fn promised_as(&self, name: &str, stamp: &Stamp) -> Option<String> {
        let listed = self.publication.timeline.listed_names().map(String::as_str);
        let mut promised = listed.chain(self.publication.retention.names());
        let is_first = |it: &&str| *it != name && self.handled.has_as(it, stamp);
        promised.find(is_first).map(str::to_owned)
    }

    /// A file that waited under this name has another one.
    fn give_up_name(&mut self, name: &str) {
        if let Order::Arrival(order) = &mut self.order {
            order.gone(name);
        }
        self.handled.forget(name);
        self.temporary_names.note(name);
    }

    /// A file whose turn has come has lost its name. Gives it under the one that it has now.
    pub(crate) fn under_new_name(&mut self, candidate: &Candidate) -> Option<Candidate> {
        if self.is_numbered() {
            return None;
        }
        let others = self.files.segments().ok()?;
        let (name, stamp) = self.find(candidate.finished.stamp.contents(), &others)?;
        self.give_up_name(&candidate.name);
        self.handled.note(&name, &stamp);
        self.unfinished.forget(&name);
        self.publication.retention.forget(&name);
        Some(Candidate { name, ..candidate.clone() })
    }

    /// A file that waited under this name is gone; those of its other names that are there have their turn.
    pub(crate) fn take_other_names(&mut self, name: &str, now: Instant) {
        for other in self.publication.other_names.take(name) {
            if let Ok(stamp) = self.files.stamp(&other) {
                self.handled.forget(&other);
                self.unfinished.begun(&other, stamp, false, now);
                self.schedule_tick(now);
            }
        }
    }

    /// A name that was given up for another one before was closed: its file may be about to get its own name. It is taken when it rests.
    pub(crate) fn awaits_name(&mut self, name: &str) -> bool {
        if self.is_numbered() || !self.temporary_names.has(name) {
            return false;
        }
        let Ok(stamp) = self.files.stamp(name) else { return false };
        if self.publication.timeline.is_listed(name)
            && !self.lose_if_rewritten(name, self.publication.timeline.listed_as(name), stamp)
        {
            return false;
        }
        let now = self.world.now();
        self.unfinished.awaits_name(name, stamp, now);
        self.schedule_tick(now);
        true
    }

    /// Files that lie there at the start and have several names.
    pub(crate) fn know_other_names(&mut self, files: &Files, unlisted: &[String]) {
        for (name, stamp) in files.iter().filter(|(_, stamp)| stamp.links > 1) {
            if unlisted.contains(name) {
                // The first of its names has its turn.
                self.handled.forget(name);
            } else if !self.publication.timeline.is_listed(name)
                && let Some(first) = self.promised_as(name, stamp)
            {
                self.publication.note_other_name(&first, name);
            }
        }
    }
}
