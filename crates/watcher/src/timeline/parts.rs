//! Parts of the timeline: what has come of segments that are not whole yet, and how their first part begins them.
//!
//! In: finished parts, and the time. Out: entries of the list that `ll.m3u8` shows. Pure.

use crate::events::finished_file::Finished;
use crate::settings::Naming;
use crate::timeline::dates::{Dates, end_of};
use crate::timeline::low_latency::{Beginning, FirstPart, LowLatencyList, PATIENCE, ROUNDING_90K, ToldParts};
use crate::timeline::{NotListed, Now, Timeline};
use jiff::Timestamp;
use livedir_layout::names::name_of_uri;
use livedir_media::Facts;
use livedir_playlist::{EdgeReport, EvictedPart, PartError};
use livedir_time::clock_33_bit::distance_90k;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

impl Timeline {
    /// What `ll.m3u8` lists; `None` without low latency.
    pub(crate) fn parts(&self) -> Option<&LowLatencyList> {
        self.parts.as_ref()
    }

    /// A part that is complete. It is listed by [`Self::advance_parts`]. Says whether it can be.
    pub(crate) fn take_part(&mut self, name: &str, finished: Finished) -> bool {
        self.parts.as_mut().is_none_or(|list| list.arrived(name, finished))
    }

    /// Lists the parts that are in line.
    pub(crate) fn advance_parts(&mut self, now: Now) {
        if !self.target.is_fixed() {
            // Nothing is listed before a segment tells how long they are.
            return;
        }
        loop {
            self.begin_with_first_part(now);
            self.list_parts(PATIENCE, now.at);
            if self.first_part().is_none() {
                return;
            }
        }
    }

    /// The part that begins a segment, if that is what comes next.
    pub(crate) fn first_part(&self) -> Option<FirstPart<'_>> {
        self.parts.as_ref().and_then(LowLatencyList::first_part)
    }

    /// Opens the segment whose first part has come, if that is what comes next.
    fn begin_with_first_part(&mut self, now: Now) {
        let listed_until_90k = self.last.facts().map(Facts::end_90k);
        let Some(parts) = &mut self.parts else { return };
        parts.goes_on_from(listed_until_90k);
        let Some(first) = parts.first_part() else { return };
        let (number, lost, mut finished) = (first.number, first.lost, first.finished.clone());
        let usual_90k = parts.usual_90k(&finished);
        let mut whole = finished.clone();
        whole.facts.begin_earlier(u64::from(lost) * usual_90k);
        // What was left out before it has to be told first.
        if let Err(error) = self.fill_up_to(number, Some(&whole), now) {
            self.changes.failures.push(NotListed::Gap(error));
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
        let filmed_at = self.not_before_last(Some(number), discontinuity, filmed_at, &finished.facts);
        self.note_begun(number, discontinuity);
        if let Some(list) = &mut self.parts {
            list.begin(Beginning { filmed_at, discontinuity }, lost_90k);
        }
    }

    /// Lists the parts of the segment that is open. Those that are missing are waited for so long.
    pub(crate) fn list_parts(&mut self, patience: Duration, now: Instant) {
        let Some(list) = &mut self.parts else { return };
        let (evicted, errors) = list.advance(self.window.playlist(), patience, now);
        self.changes.parts_late.extend(list.take_passed());
        self.changes.failures.extend(errors.into_iter().map(NotListed::Part));
        self.note_parts_left(&evicted);
    }

    /// How long the lost parts are before the first one of a segment that has come, where the timeline tells.
    fn lost_before(&self, lost: u32, first: &Facts) -> Option<u64> {
        let target_90k = self.parts.as_ref()?.part_target_90k();
        let lost_90k = distance_90k(self.last.facts()?.end_90k(), first.start_90k);
        let most_90k = u64::from(lost) * target_90k + ROUNDING_90K;
        u64::try_from(lost_90k).ok().filter(|lost_90k| lost > 0 && *lost_90k <= most_90k)
    }

    /// The segment that was begun in parts and will never be whole.
    pub(crate) fn given_up(&self) -> Option<u64> {
        self.parts.as_ref()?.given_up()
    }

    /// The segment that was begun in parts and is not whole.
    pub(crate) fn open_segment(&self) -> Option<u64> {
        self.parts.as_ref()?.open_before(None)
    }

    /// When the first frame of a part was captured that begins a segment.
    fn date_of_part(&self, part: &Finished) -> Option<Timestamp> {
        let last = self.window.playlist().segments.last();
        let runs_on = self.break_before(&part.facts).is_none();
        let after_last = last.filter(|_| runs_on && self.settings.naming == Naming::Any);
        after_last.and_then(end_of).or_else(|| Dates::OfFiles.date(part, runs_on, std::iter::empty()))
    }

    /// Until when the segment that others are filming may get its next part, if there is one.
    pub(crate) fn filmed_until(&self) -> Option<Instant> {
        self.parts.as_ref()?.filmed_until(PATIENCE)
    }

    /// When a part that is missing is waited for no longer.
    pub(crate) fn parts_deadline(&self) -> Option<Instant> {
        self.parts.as_ref().and_then(|list| list.deadline(PATIENCE))
    }

    /// Names of parts that no event has told of, though later ones are there.
    pub(crate) fn missing_parts(&self, now: Instant) -> Vec<String> {
        self.parts.as_ref().map_or(Vec::new(), |list| list.missing(PATIENCE, now))
    }

    /// Takes up the parts of a segment that a run before has listed. Gives what cannot be.
    pub(crate) fn restore_parts(
        &mut self,
        number: u64,
        parts: (ToldParts, BTreeMap<u32, Finished>),
        segment: (u64, u64),
    ) -> Vec<PartError> {
        self.parts.as_mut().map_or(Vec::new(), |list| list.restore(number, parts, segment))
    }

    /// The list of a run before had parts.
    pub(crate) fn had_parts(&mut self, can_skip: bool) {
        if let Some(list) = &mut self.parts {
            list.had_parts(can_skip);
        }
    }

    /// What a run before has left is taken up: the segment of this number comes next.
    pub(crate) fn settle_parts(&mut self, next_number: u64) {
        if let Some(list) = &mut self.parts {
            list.settle(next_number);
        }
    }

    /// `ll.m3u8` is to be written, whatever comes.
    pub(crate) fn waits_no_longer(&mut self) {
        if let Some(list) = &mut self.parts {
            list.waits_no_longer();
        }
    }

    /// How far the other renditions are.
    pub(crate) fn set_reports(&mut self, reports: Vec<EdgeReport>) {
        if let Some(list) = &mut self.parts {
            list.reports = reports;
        }
    }

    /// What `ll.m3u8` is to say; `None` while it cannot be written.
    pub(crate) fn low_latency_text(&mut self) -> Option<String> {
        // RFC 8216 6.2.1: one that has ended in an earlier run never changes.
        if self.is_over() || !self.target.is_fixed() {
            return None;
        }
        let playlist = self.window.playlist();
        let list = self.parts.as_mut().filter(|list| list.is_whole(playlist))?;
        // What was listed since may be a gap, which has no parts.
        let evicted = list.trim(playlist);
        let text = list.text(playlist);
        self.note_parts_left(&evicted);
        Some(text)
    }

    /// The last segment of which the list says something, and the last part of it.
    pub(crate) fn last_part(&self) -> Option<(u64, Option<u64>)> {
        self.parts.as_ref()?.last(self.window.playlist())
    }

    fn note_parts_left(&mut self, evicted: &[EvictedPart]) {
        let home = self.settings.home;
        self.changes.parts_left.extend(evicted.iter().filter_map(|part| name_of_uri(home, &part.uri)));
    }
}
