//! `ll.m3u8`, and what is done for it when something is published: parts that have come are listed, and the file is replaced.
//!
//! In: parts, and the segments that a [`Publication`] lists. Out: `ll.m3u8`, and parts that are to be deleted. Runs on the watcher's
//! thread.

use crate::events::finished_file::Finished;
use crate::publish::Publication;
use crate::publish::low_latency::{Beginning, LowLatencyList, PATIENCE, ROUNDING_90K, ToldParts};
use crate::settings::Naming;
use crate::timeline::dates::{Dates, end_of};
use jiff::Timestamp;
use livedir_layout::files::{LOW_LATENCY_PLAYLIST, replace};
use livedir_layout::names::{name_of_uri, part_of_name};
use livedir_media::Facts;
use livedir_playlist::{EdgeReport, EvictedPart, TICKS_PER_S};
use livedir_time::clock_33_bit::distance_90k;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tracing::{debug, warn};

/// `ll.m3u8`.
pub(crate) struct LowLatencyFile {
    pub(crate) list: LowLatencyList,
    /// What it says.
    text: String,
    /// The last segment, and the last part of it, of which it says something.
    pub(crate) last: Option<(u64, Option<u64>)>,
    /// Names of parts that the list on disk names, and the next one will not.
    pub(crate) leaving: Vec<String>,
    /// What it says of the other renditions.
    pub(crate) told: Vec<EdgeReport>,
    /// EXT-X-TARGETDURATION of the list that lay there at the start: one that has ended may have had a longer one.
    pub(crate) told_target_s: u64,
    /// Names in the one that a run before has left, until it is replaced.
    pub(crate) old_names: BTreeSet<String>,
    fails: bool,
}

impl LowLatencyFile {
    pub(crate) fn new(list: LowLatencyList) -> Self {
        Self {
            list,
            text: String::new(),
            last: None,
            leaving: Vec::new(),
            told: Vec::new(),
            told_target_s: 0,
            old_names: BTreeSet::new(),
            fails: false,
        }
    }

    /// Whether the list names a part, in memory or on disk, or will.
    pub(crate) fn names(&self, name: &str) -> bool {
        let is_leaving = || self.leaving.iter().any(|leaving| leaving == name);
        let is_part = part_of_name(name).is_some();
        self.old_names.contains(name) || (is_part && (self.list.knows(name) || is_leaving()))
    }
}

impl Publication {
    pub(crate) fn is_low_latency(&self) -> bool {
        self.low_latency.is_some()
    }

    /// Whether a part of this name is listed, waits, leaves the list, or is to be deleted: it needs no second look.
    pub(crate) fn knows_part(&self, name: &str) -> bool {
        let Some(file) = &self.low_latency else { return true };
        let leaves = || file.leaving.iter().any(|leaving| leaving == name);
        file.list.knows(name) || leaves() || self.retention.holds(name) || self.refused.has(name)
    }

    /// A part that is complete. It is listed by [`Self::advance_parts`].
    pub(crate) fn part(&mut self, name: &str, finished: Finished) {
        let Some(file) = &mut self.low_latency else { return };
        if !file.list.arrived(name, finished) {
            debug!(name, "part came after its segment was complete");
            self.keep_parts(std::iter::once(name.to_owned()));
        }
    }

    /// Lists the parts that are in line.
    pub(crate) fn advance_parts(&mut self) {
        if !self.promise.is_made() {
            // Nothing is listed before a segment tells how long they are.
            return;
        }
        loop {
            self.begin_with_first_part();
            self.list_parts(PATIENCE);
            let begins_another = |file: &LowLatencyFile| file.list.first_part().is_some();
            if !self.low_latency.as_ref().is_some_and(begins_another) {
                return;
            }
        }
    }

    /// Opens the segment whose first part has come, if that is what comes next.
    fn begin_with_first_part(&mut self) {
        let listed_until_90k = self.last.facts().map(Facts::end_90k);
        if let Some(file) = &mut self.low_latency {
            file.list.goes_on_from(listed_until_90k);
        }
        let first = self.low_latency.as_ref().and_then(|file| file.list.first_part());
        let Some(first) = first else { return };
        let (number, lost, mut finished) = (first.number, first.lost, first.finished.clone());
        let usual_90k = self.low_latency.as_ref().map_or(0, |file| file.list.usual_90k(&finished));
        let mut whole = finished.clone();
        whole.facts.begin_earlier(u64::from(lost) * usual_90k);
        // What was left out before it has to be told first.
        if let Err(error) = self.fill_up_to(number, Some(&whole)) {
            warn!(%error, "gap not listed");
        }
        let told_90k = self.lost_before(lost, &finished.facts);
        let lost_90k = told_90k.unwrap_or(u64::from(lost) * usual_90k);
        if lost_90k > 0 {
            finished.facts.begin_earlier(lost_90k);
        }
        // Behind lost parts that fit the timeline nothing is judged: parameter sets may have been in the first.
        let joined = told_90k.and_then(|_| self.last.facts()).map(Facts::successor);
        let agreed = self.agreed_break(Some(number), joined.as_ref().unwrap_or(&finished.facts));
        let filmed_at = self.date_of_part(&finished);
        let discontinuity = self.agreed_on_clock(Some(number), agreed, filmed_at, &finished.facts).is_some();
        let filmed_at = self.not_before_last(discontinuity, filmed_at);
        self.note_begun(number, discontinuity);
        let Some(LowLatencyFile { list, .. }) = &mut self.low_latency else { return };
        list.begin(Beginning { filmed_at, discontinuity }, lost_90k);
    }

    pub(crate) fn list_parts(&mut self, patience: Duration) {
        let now = self.world.now();
        let Some(LowLatencyFile { list, .. }) = &mut self.low_latency else { return };
        let (evicted, errors) = list.advance(self.window.playlist(), patience, now);
        let passed = list.take_passed();
        for error in errors {
            warn!(%error, "part not listed");
        }
        self.keep_evicted_parts(evicted);
        self.keep_parts(passed.into_iter());
    }

    /// How long the lost parts are before the first one of a segment that has come, where the timeline tells.
    fn lost_before(&self, lost: u32, first: &Facts) -> Option<u64> {
        let target_90k = self.low_latency.as_ref()?.list.part_target_90k();
        let lost_90k = distance_90k(self.last.facts()?.end_90k(), first.start_90k);
        let most_90k = u64::from(lost) * target_90k + ROUNDING_90K;
        u64::try_from(lost_90k).ok().filter(|lost_90k| lost > 0 && *lost_90k <= most_90k)
    }

    /// The segment that was begun in parts and will never be whole.
    pub(crate) fn given_up(&self) -> Option<u64> {
        self.low_latency.as_ref()?.list.given_up()
    }

    /// Whether the timeline breaks before a part with these facts.
    fn breaks_before(&self, facts: &Facts) -> bool {
        self.break_before(facts).is_some()
    }

    /// When the first picture of a part was captured that begins a segment.
    fn date_of_part(&self, part: &Finished) -> Option<Timestamp> {
        let last = self.window.playlist().segments.last();
        let runs_on = !self.breaks_before(&part.facts);
        let after_last = last.filter(|_| runs_on && self.settings.naming == Naming::Any);
        after_last.and_then(end_of).or_else(|| Dates::OfFiles.date(part, runs_on, std::iter::empty()))
    }

    /// Until when the segment that others are filming may get its next part, if there is one.
    pub(crate) fn filmed_until(&self) -> Option<Instant> {
        self.low_latency.as_ref()?.list.filmed_until(PATIENCE)
    }

    /// When a part that is missing is waited for no longer.
    pub(crate) fn parts_deadline(&self) -> Option<Instant> {
        self.low_latency.as_ref().and_then(|file| file.list.deadline(PATIENCE))
    }

    pub(crate) fn restore_parts(
        &mut self,
        number: u64,
        parts: (ToldParts, BTreeMap<u32, Finished>),
        segment: (u64, u64),
    ) {
        if let Some(file) = &mut self.low_latency {
            for error in file.list.restore(number, parts, segment) {
                debug!(%error, "part not taken up");
            }
        }
    }

    pub(crate) fn settle_parts(&mut self, next_number: u64) {
        if let Some(file) = &mut self.low_latency {
            file.list.settle(next_number);
        }
    }

    fn keep_evicted_parts(&mut self, evicted: Vec<EvictedPart>) {
        let home = self.settings.home;
        let names = evicted.into_iter().filter_map(|part| name_of_uri(home, &part.uri));
        if let Some(file) = &mut self.low_latency {
            file.leaving.extend(names);
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
        let target_s = u64::from(self.window.playlist().target_duration_s).max(told_s);
        if !self.settings.keep {
            self.retention.keep(name, left_at, 3 * target_s * TICKS_PER_S);
        }
    }

    /// The playlists lay in a directory that was taken away: what is there now, if anything, is older, and is replaced.
    pub(crate) fn write_all_again(&mut self) {
        if self.window.next_media_sequence() > 1 && !self.window.playlist().ended {
            self.mark_changed();
        }
        if let Some(file) = &mut self.low_latency {
            file.text.clear();
        }
    }

    /// Something is to be deleted, and the list that a run before has left may name it: it is replaced, whatever comes.
    pub(crate) fn replace_old_low_latency(&mut self) {
        let Some(file) = self.low_latency.as_mut().filter(|file| !file.old_names.is_empty()) else { return };
        file.list.waits_no_longer();
        self.write_low_latency();
    }

    /// Writes `ll.m3u8`, if it can be written as it is. A failure is survived: the next part tries again.
    pub(crate) fn write_low_latency(&mut self) {
        // RFC 8216 6.2.1: one that has ended in an earlier run never changes.
        let lives = self.ends || !self.window.playlist().ended;
        let is_ready =
            |list: &LowLatencyList| lives && self.promise.is_made() && list.is_whole(self.window.playlist());
        let Some(file) = self.low_latency.as_mut().filter(|file| is_ready(&file.list)) else {
            return;
        };
        // What was listed since may be a gap, which has no parts.
        let evicted = file.list.trim(self.window.playlist());
        file.leaving.extend(evicted.iter().filter_map(|part| name_of_uri(self.settings.home, &part.uri)));
        let text = file.list.text(self.window.playlist());
        if file.text == text {
            return;
        }
        match replace(&*self.world.directory, &self.settings.webroot, LOW_LATENCY_PLAYLIST, text.as_bytes()) {
            Ok(()) => {
                (file.text, file.fails) = (text, false);
                file.old_names.clear();
                file.told.clone_from(&file.list.reports);
                file.last = file.list.last(self.window.playlist());
                let left = std::mem::take(&mut file.leaving);
                let listed = |name: &String| file.list.knows(name);
                let left: Vec<_> = left.into_iter().filter(|name| !listed(name)).collect();
                self.keep_parts(left.into_iter());
            }
            Err(error) => {
                if !std::mem::replace(&mut file.fails, true) {
                    warn!(%error, "ll.m3u8 cannot be written; free space or make webroot writable");
                }
            }
        }
    }
}
