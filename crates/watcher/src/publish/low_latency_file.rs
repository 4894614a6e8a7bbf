//! `ll.m3u8`, and what is done for it when something is published: the file is replaced, and parts that it names no more are
//! deleted.
//!
//! In: the parts that a [`Timeline`](crate::timeline::Timeline) lists. Out: `ll.m3u8`, and parts that are to be deleted. Runs on
//! the watcher's thread.

use crate::events::finished_file::Finished;
use crate::publish::Publication;
use crate::timeline::low_latency::ToldParts;
use livedir_layout::files::{LOW_LATENCY_PLAYLIST, replace};
use livedir_layout::names::part_of_name;
use livedir_playlist::EdgeReport;
use livedir_time::ticks::of_seconds;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tracing::{debug, warn};

/// `ll.m3u8`.
#[derive(Debug, Default)]
pub(crate) struct LowLatencyFile {
    /// What it says.
    text: String,
    /// The last segment, and the last part of it, of which it says something.
    last: Option<(u64, Option<u64>)>,
    /// Names of parts that the list on disk names, and the next one will not.
    pub(super) leaving: Vec<String>,
    /// What it says of the other renditions.
    told: Vec<EdgeReport>,
    /// EXT-X-TARGETDURATION of the list that lay there at the start: one that has ended may have had a longer one.
    told_target_s: u32,
    /// Names in the one that a run before has left, until it is replaced.
    old_names: BTreeSet<String>,
    fails: bool,
}

impl Publication {
    pub(crate) fn is_low_latency(&self) -> bool {
        self.low_latency.is_some()
    }

    /// Whether `ll.m3u8` names a part, in memory or on disk, or will.
    pub(super) fn is_part_named(&self, name: &str) -> bool {
        let Some((file, list)) = self.low_latency.as_ref().zip(self.timeline.parts()) else { return false };
        let is_leaving = || file.leaving.iter().any(|leaving| leaving == name);
        let is_part = part_of_name(name).is_some();
        file.old_names.contains(name) || (is_part && (list.knows(name) || is_leaving()))
    }

    /// Whether a part of this name is listed, waits, leaves the list, or is to be deleted: it needs no second look.
    pub(crate) fn knows_part(&self, name: &str) -> bool {
        let Some((file, list)) = self.low_latency.as_ref().zip(self.timeline.parts()) else { return true };
        let leaves = || file.leaving.iter().any(|leaving| leaving == name);
        list.knows(name) || leaves() || self.retention.holds(name) || self.refused.has(name)
    }

    /// What a run before has left: the names in its list, and what it promised, if it did.
    pub(crate) fn goes_on_from_list(&mut self, names: BTreeSet<String>, promised: Option<(bool, u32)>) {
        let Some(file) = &mut self.low_latency else { return };
        file.old_names = names;
        if let Some((can_skip, target_duration_s)) = promised {
            file.told_target_s = target_duration_s;
            self.timeline.had_parts(can_skip);
        }
    }

    /// A part that the list on disk names leaves with the next version of it.
    pub(crate) fn part_leaves(&mut self, name: String) {
        if let Some(file) = &mut self.low_latency {
            file.leaving.push(name);
        }
    }

    /// A part that is complete. It is listed by [`Self::advance_parts`].
    pub(crate) fn part(&mut self, name: &str, finished: Finished) {
        if !self.timeline.take_part(name, finished) {
            debug!(name, "part came after its segment was complete");
            self.keep_parts(std::iter::once(name.to_owned()));
        }
    }

    /// Lists the parts that are in line.
    pub(crate) fn advance_parts(&mut self) {
        self.timeline.advance_parts(self.now());
        self.take_changes();
    }

    /// Lists the parts that are there of the open segment.
    pub(crate) fn list_parts(&mut self, patience: Duration) {
        self.timeline.list_parts(patience, self.world.now());
        self.take_changes();
    }

    pub(crate) fn restore_parts(
        &mut self,
        number: u64,
        parts: (ToldParts, BTreeMap<u32, Finished>),
        segment: (u64, u64),
    ) {
        for error in self.timeline.restore_parts(number, parts, segment) {
            debug!(%error, "part not used");
        }
    }

    /// Parts that are not listed, or no more.
    pub(crate) fn keep_parts(&mut self, names: impl Iterator<Item = String>) {
        let now = self.world.now();
        for name in names {
            self.keep_part(&name, now);
        }
    }

    /// A part stays for three target durations after it has left the playlist (bis 6.2.2).
    pub(crate) fn keep_part(&mut self, name: &str, left_at: Instant) {
        let told_s = self.low_latency.as_ref().map_or(0, |file| file.told_target_s);
        let target_s = self.timeline.playlist().target_duration_s.max(told_s);
        if !self.settings.keep {
            self.retention.keep(name, left_at, 3 * of_seconds(target_s));
        }
    }

    /// The playlists lay in a directory that was taken away: what is there now, if anything, is older, and is replaced.
    pub(crate) fn write_all_again(&mut self) {
        if self.playlist().next_media_sequence() > 1 && !self.timeline.playlist().ended {
            self.mark_changed();
        }
        if let Some(file) = &mut self.low_latency {
            file.text.clear();
        }
    }

    /// Something is to be deleted, and the list that a run before has left may name it: it is replaced, whatever comes.
    pub(crate) fn replace_old_low_latency(&mut self) {
        if self.low_latency.as_ref().is_none_or(|file| file.old_names.is_empty()) {
            return;
        }
        self.timeline.waits_no_longer();
        self.write_low_latency();
    }

    /// Writes `ll.m3u8`, if it can be written as it is. A failure is survived: the next part tries again.
    pub(crate) fn write_low_latency(&mut self) {
        let Some(text) = self.timeline.low_latency_text() else { return };
        self.take_changes();
        let Some((file, list)) = self.low_latency.as_mut().zip(self.timeline.parts()) else { return };
        if file.text == text {
            return;
        }
        match replace(&*self.world.directory, &self.settings.webroot, LOW_LATENCY_PLAYLIST, text.as_bytes()) {
            Ok(()) => {
                (file.text, file.fails) = (text, false);
                file.old_names.clear();
                file.told.clone_from(&list.reports);
                file.last = self.timeline.last_part();
                let left = std::mem::take(&mut file.leaving);
                let left: Vec<_> = left.into_iter().filter(|name| !list.knows(name)).collect();
                self.keep_parts(left.into_iter());
            }
            Err(error) => {
                if !std::mem::replace(&mut file.fails, true) {
                    warn!(%error, "ll.m3u8 cannot be written; free space or make webroot writable");
                }
            }
        }
    }

    /// The last segment of which `ll.m3u8` on disk lists something, and its last part.
    pub(crate) fn last_part(&self) -> Option<(u64, Option<u64>)> {
        self.low_latency.as_ref()?.last
    }

    /// How far the playlists of the other renditions are: for the next version of `ll.m3u8`, which is written at once when the one
    /// on disk says less than the part before.
    ///
    /// bis 4.4.5.4: a report SHOULD be as up to date as the playlist that contains it.
    pub(crate) fn set_reports(&mut self, reports: Vec<EdgeReport>) {
        let Some(file) = &mut self.low_latency else { return };
        let is_behind = |now: &EdgeReport| {
            let told = file.told.iter().find(|told| told.uri == now.uri);
            told.is_none_or(|told| is_more_than_a_part_behind(told, now))
        };
        let is_behind = reports.iter().any(is_behind);
        self.timeline.set_reports(reports);
        if is_behind {
            self.write_low_latency();
        }
    }
}

/// Whether the list that `now` is of has come more than one part further.
fn is_more_than_a_part_behind(told: &EdgeReport, now: &EdgeReport) -> bool {
    let parts = |report: &EdgeReport| report.last_part.map_or(0, |part| part + 1);
    match now.last_media_sequence.checked_sub(told.last_media_sequence) {
        Some(0) => parts(now) > parts(told) + 1,
        // Whether the segment that was told of has got more parts since is not known.
        Some(1) => parts(now) > 1,
        // Further than a part, or begun anew.
        _ => true,
    }
}
