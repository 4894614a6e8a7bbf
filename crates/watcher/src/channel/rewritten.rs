//! Rewritten: a file that somebody wrote again after it was read is the same segment still, or another one.
//!
//! In: files that are listed or wait for their turn, and what the file system says of them now. Out: entries and files that stay,
//! or leave. Runs on the watcher's thread.

use crate::channel::Channel;
use crate::events::finished_file::ReadBuffer;
use crate::events::refusal::Refusal;
use crate::order::{Candidate, Order};
use livedir_layout::directory::stamp::Stamp;
use tracing::warn;

/// What a listed file that was written again holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reread {
    /// The segment that was listed.
    Same,
    /// Perhaps that, and more.
    GoesOn,
    /// Another segment.
    Another,
}

impl Channel {
    /// A listed file was completed once more. Says whether it is another segment under the same name.
    pub(crate) fn lose_if_rewritten(&mut self, name: &str, before: Option<Stamp>, stamp: Stamp) -> bool {
        if before.is_some_and(|before| !stamp.is_rewritten_since(&before)) {
            return false;
        }
        let read = self.read_listed(name);
        if read == Reread::Same {
            self.keep_stamp(name, stamp);
            return false;
        }
        let is_continued = before.is_some_and(|before| stamp.is_continued_since(&before));
        // Nobody goes on with ours.
        if is_continued && read == Reread::GoesOn && !self.is_numbered() {
            self.keep_stamp(name, stamp);
            if before.is_some_and(|before| before.bytes != stamp.bytes) && self.complaints.note(name) {
                let name = self.publication.label(name);
                warn!(
                    name,
                    "file grew after it was closed and listed; write it under a dot name and rename it when it is complete"
                );
            }
            return false;
        }
        self.lose_rewritten(name);
        true
    }

    /// A file whose turn has come, as it is now. `None`: it was written again while it waited, and waits again or is refused.
    pub(crate) fn read_if_rewritten(&mut self, candidate: Candidate) -> Option<Candidate> {
        let Candidate { name, finished, seen_at } = &candidate;
        let Ok(stamp) = self.files.stamp(name) else {
            let renamed = self.under_new_name(&candidate);
            if renamed.is_none() {
                self.publication.refuse(name, None, &Refusal::Vanished);
            }
            return renamed;
        };
        if !stamp.is_rewritten_since(&finished.stamp) {
            return Some(candidate);
        }
        let read = self.files.read(name, &mut ReadBuffer::default());
        let is_being_written = match &read {
            Ok(again) => again.stamp.is_rewritten_since(&stamp),
            Err(reason) => reason.may_pass(),
        };
        let now = self.world.now();
        match (read, &mut self.order) {
            (_, Order::Arrival(_)) if is_being_written => {
                self.unfinished.closed_early(name, stamp, now);
                self.schedule_tick(now);
                None
            }
            (Ok(again), Order::Arrival(order)) if again.facts != finished.facts => {
                let candidate = Candidate { name: name.clone(), finished: again, seen_at: *seen_at };
                order.arrived(candidate, now);
                None
            }
            (Ok(again), _) => Some(Candidate { finished: again, ..candidate }),
            (Err(reason), _) => {
                self.publication.refuse(name, Some(stamp), &reason);
                None
            }
        }
    }

    /// The file of this name is still what was listed.
    pub(crate) fn keep_stamp(&mut self, name: &str, stamp: Stamp) {
        self.publication.timeline.keep_stamp(name, stamp);
        self.handled.note(name, &stamp);
    }

    /// What a listed file that was written again holds now.
    pub(crate) fn read_listed(&self, name: &str) -> Reread {
        let Some(listed) = self.publication.timeline.listed_contents(name) else { return Reread::GoesOn };
        match self.files.read(name, &mut ReadBuffer::default()) {
            Ok(finished) if finished.contents() == listed.contents => Reread::Same,
            Ok(finished) if finished.facts.start_90k != listed.start_90k => Reread::Another,
            // One that cannot be read is being written.
            _ => Reread::GoesOn,
        }
    }

    /// Looks whether listed files are still what was listed, after events were lost.
    pub(crate) fn scan_listed(&mut self) {
        let names: Vec<_> = self.publication.timeline.listed_names().cloned().collect();
        for name in names {
            match (self.files.stamp(&name), self.publication.timeline.listed_as(&name)) {
                (Ok(stamp), Some(before)) if self.lose_if_rewritten(&name, Some(before), stamp) => {
                    self.handled.forget(&name);
                }
                (Ok(stamp), None) => self.keep_stamp(&name, stamp),
                _ => {}
            }
        }
    }

    /// What a listed file held is gone: its entry leaves, and those before it.
    pub(crate) fn lose_rewritten(&mut self, name: &str) {
        let entries = self.publication.timeline.lose(|other| other != name);
        if self.is_numbered() && !self.settings.keep {
            // Its name is ours.
            let grace_90k = self.publication.timeline.longest_duration_90k();
            self.publication.retention.keep(name, self.world.now(), grace_90k);
        }
        self.publication.leave_other_names(name);
        if self.complaints.note("again") {
            let name = self.publication.label(name);
            warn!(
                name,
                entries,
                "a listed file was overwritten, so its entry leaves the playlist; let the encoder use more file names than twice --window"
            );
        }
    }
}
