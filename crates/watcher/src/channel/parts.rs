//! Parts of segments: files in `live/` → `ll.m3u8`. The thin part of [`low_latency`](crate::timeline::low_latency).
//!
//! In: names of parts that are complete, and at the start those that lie there. Out: `ll.m3u8`, replaced. Runs on the
//! watcher's thread.

use crate::channel::Channel;
use crate::channel::start_up::FilesAtStart;
use crate::events::finished_file::Finished;
use crate::events::finished_file::ReadBuffer;
use crate::events::refusal::Refusal;
use crate::order::Order;
use crate::resume::parts_on_disk::PartsOnDisk;
use crate::timeline::low_latency::MOST_PARTS;
use crate::timeline::low_latency::ROUNDING_90K;
use livedir_layout::names::{Home, number_of_name, number_of_uri, part_name, segment_name};
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks::of_seconds;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tracing::{debug, info, warn};

/// Segments before a part that are looked for: more than are lost together.
const MOST_BEFORE: u64 = 10;

/// What has become of a segment that was begun in parts and is not whole.
pub(crate) enum GivenUp {
    /// Its file is there, and has its turn.
    Takes,
    /// Its file is there, and waits for others.
    Waits,
    /// It is listed as a gap.
    LeavesOut,
}

impl Channel {
    /// A part is complete, as an event says.
    pub(crate) fn part_complete(&mut self, name: &str, buffer: &mut ReadBuffer) {
        if !self.publication.is_low_latency() {
            return;
        }
        if self.is_strange(name) {
            return self.complain_of_stranger(name);
        }
        match self.files.read_part(name, buffer) {
            Ok(finished) => self.publication.part(name, finished),
            Err(Refusal::Vanished) => {}
            Err(reason) => {
                let stamp = self.files.stamp(name).ok();
                self.publication.refuse(name, stamp, &reason);
                self.publication.keep_parts(std::iter::once(name.to_owned()));
            }
        }
    }

    /// Looks for parts that no event has told of: they are lost if their files are not there.
    pub(crate) fn scan_for_missing_parts(&mut self) {
        let now = self.world.now();
        let mut buffer = ReadBuffer::default();
        for name in self.publication.timeline.missing_parts(now) {
            if self.is_strange(&name) {
                continue;
            }
            if let Ok(finished) = self.files.read_part(&name, &mut buffer) {
                self.publication.part(&name, finished);
            }
        }
    }

    /// Takes segments that no event has told of, before a part of a later one is listed: theirs may be on their way.
    pub(crate) fn take_before_first_part(&mut self) {
        let first = self.publication.timeline.first_part();
        let (Some(first), Order::Numbered(order)) = (first.map(|first| first.number), &self.order) else {
            return;
        };
        let mut buffer = ReadBuffer::default();
        for number in order.next()..first.min(order.next().saturating_add(MOST_BEFORE)) {
            let name = segment_name(number);
            if !self.waits(&name) && self.files.stamp(&name).is_ok() {
                self.take(&name, self.world.now(), false, &mut buffer);
            }
        }
    }

    /// The segment of this number was begun in parts and will never be whole, as it seems. Looks for its file, makes it of its
    /// parts, or lists a gap.
    pub(crate) fn give_up(&mut self, number: u64, is_tried: bool) -> GivenUp {
        let name = segment_name(number);
        let mut buffer = ReadBuffer::default();
        // The event that tells of it may be on its way.
        self.take(&name, self.world.now(), false, &mut buffer);
        if self.waits(&name) {
            return if is_tried { GivenUp::Waits } else { GivenUp::Takes };
        }
        if !is_tried && self.makes_of_parts(number, false) {
            self.take(&name, self.world.now(), false, &mut buffer);
            if self.waits(&name) {
                return GivenUp::Takes;
            }
        }
        self.publication.leave_out_open(number);
        GivenUp::LeavesOut
    }

    /// Another run goes on: nothing is ended.
    pub(crate) fn keep_open(&mut self) {
        self.settings.end_list = false;
        self.publication.keep_open();
    }

    /// Nothing comes any more: what is missing of the last segment is lost.
    pub(crate) fn end_parts(&mut self) {
        self.publication.list_parts(Duration::ZERO);
        let open = self.publication.timeline.open_segment();
        let Some(number) = open else { return };
        let is_fixed = self.settings.end_list
            && self.publication.timeline.is_as_long_as_elsewhere(number)
            && self.makes_of_parts(number, true);
        if is_fixed {
            let mut buffer = ReadBuffer::default();
            self.take(&segment_name(number), self.world.now(), false, &mut buffer);
            self.publish_waiting(Duration::ZERO);
            self.publication.list_parts(Duration::ZERO);
        } else if self.settings.end_list {
            self.publication.leave_out_open(number);
        }
    }

    /// Whether a file of this name has come and has not had its turn.
    fn waits(&self, name: &str) -> bool {
        match &self.order {
            Order::Numbered(order) => number_of_name(name).is_some_and(|number| order.is_waiting(number)),
            Order::Arrival(order) => order.waiting(name).is_some(),
        }
    }

    /// Makes a segment that could not be written of its parts, when all of them are there: the next segment goes on where they
    /// end, or it is the last one. Says whether it is there now.
    fn makes_of_parts(&mut self, number: u64, is_last: bool) -> bool {
        let Some(list) = self.publication.timeline.parts().filter(|_| self.is_numbered()) else {
            return false;
        };
        let Some((count, ends_at_90k)) = list.whole_until() else { return false };
        let goes_on =
            |next: &Finished| distance_90k(ends_at_90k, next.facts.start_90k).unsigned_abs() <= ROUNDING_90K;
        if !is_last && !list.first_behind(number).is_some_and(goes_on) {
            return false;
        }
        let parts = (0..count).map(|part| part_name(number, part));
        let name = segment_name(number);
        match self.files.join(&name, parts) {
            Ok(is_fixed) => {
                if is_fixed {
                    self.numbers.give(number);
                    info!(name, "segment assembled from its parts");
                }
                is_fixed
            }
            Err(error) => {
                warn!(name, %error, "segment cannot be assembled from its parts; free space or make live/ writable");
                false
            }
        }
    }

    /// Takes up the parts that a run before has left: those of the last segments stay in `ll.m3u8`, and all others go after
    /// their grace. `told`: what the list on disk says.
    pub(crate) fn restore_parts(
        &mut self,
        next_number: u64,
        told: &PartsOnDisk,
        found: &FilesAtStart,
        buffer: &mut ReadBuffer,
    ) {
        let names = told.listed.union(&told.segments).cloned().collect();
        let promised = told.promises_parts.then_some((told.can_skip, told.target_duration_s));
        self.publication.goes_on_from_list(names, promised);
        let parts = match self.files.parts() {
            Ok(parts) => parts,
            Err(error) => {
                return warn!(%error, "the parts on disk cannot be listed; make live/ readable");
            }
        };
        let playlist = self.publication.playlist().clone();
        let near = near_the_end(&playlist);
        let mut restored = BTreeSet::new();
        if self.publication.is_low_latency() {
            for (segment, media_sequence) in
                playlist.segments.iter().zip(playlist.media_sequence..).skip(near)
            {
                let number = number_of_uri(&segment.uri);
                let listed = number.and_then(|number| told.of_segments.get(&number));
                let listed = listed.filter(|listed| {
                    listed.media_sequence == media_sequence && listed.fit(segment.duration_90k)
                });
                let listed = listed.cloned().unwrap_or_default();
                let is_begun = |number: &u64| parts.contains_key(&(*number, 0)) || !listed.parts.is_empty();
                let Some(number) = number.filter(is_begun) else { continue };
                let of_segment = parts.range((number, 0)..=(number, MOST_PARTS)).map(|(&(_, part), _)| part);
                let mut finished = BTreeMap::new();
                for part in of_segment {
                    let name = part_name(number, part);
                    match self.files.read_part(&name, buffer) {
                        Ok(read) => drop(finished.insert(part, read)),
                        Err(reason) => debug!(name, %reason, "part not used"),
                    }
                    restored.insert((number, part));
                }
                if finished.contains_key(&0) || !listed.parts.is_empty() {
                    let segment = (media_sequence, segment.duration_90k);
                    self.publication.restore_parts(number, (listed, finished), segment);
                }
            }
        }
        let numbers = playlist.segments.iter().filter_map(|segment| number_of_uri(&segment.uri));
        let next_number = numbers.max().map_or(next_number, |last| next_number.max(last + 1));
        self.publication.timeline.settle_parts(next_number);
        let told_of: BTreeSet<u64> = told.in_parts().collect();
        let is_passed = |number: &u64| {
            let of_segment = parts.range((*number, 0)..=(*number, MOST_PARTS)).map(|(_, stamp)| stamp);
            !told_of.contains(number) && found.are_passed(*number, of_segment)
        };
        let in_parts: BTreeSet<u64> = parts.keys().map(|(number, _)| *number).collect();
        let passed: BTreeSet<u64> = in_parts.into_iter().filter(is_passed).collect();
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (&part, &stamp) in parts.iter().filter(|(part, _)| !restored.contains(part)) {
            if part.0 < next_number || passed.contains(&part.0) {
                old.push((part, stamp));
            } else {
                new.push(part_name(part.0, part.1));
            }
        }
        self.keep_old_parts(&old, told);
        for name in new {
            if self.is_numbered() {
                // What was being written has been made whole.
                self.complain_of_stranger(&name);
            } else {
                // The segment that another encoder is at.
                self.part_complete(&name, buffer);
            }
        }
    }
}

impl Channel {
    /// Whether a file that is not listed is a segment, or is still being written: no other is behind it.
    fn comes_next(&self, name: &str, unlisted: &[String]) -> bool {
        let is_last = unlisted.last().is_some_and(|last| last == name);
        let read = || self.files.read(name, &mut ReadBuffer::default()).is_ok();
        is_last || (unlisted.iter().any(|other| other == name) && read())
    }

    /// A segment of which the run before has listed parts, and that has no file, is a gap: players know its number.
    pub(crate) fn leave_out_interrupted(&mut self, told: &PartsOnDisk, unlisted: &[String]) {
        let Some(number) = told.last_in_parts() else { return };
        let playlist = self.publication.playlist();
        let last = playlist.segments.iter().filter_map(|segment| number_of_uri(&segment.uri)).max();
        // Renditions know of one another what is missing.
        let is_rendition = self.settings.home == Home::Beside;
        let is_known = is_rendition
            || last.is_some_and(|last| last >= number)
            || self.comes_next(&segment_name(number), unlisted);
        let is_next = told.number_of(playlist.next_media_sequence()) == Some(number);
        let begins = playlist.segments.is_empty() && !is_next;
        if is_known || playlist.ended || begins || !self.publication.is_low_latency() {
            return;
        }
        self.publication.leave_out_interrupted(number);
    }
}

/// The first of the segments whose parts are listed: bis 4.4.4.9, three target durations.
fn near_the_end(playlist: &livedir_playlist::MediaPlaylist) -> usize {
    let near_90k = 3 * of_seconds(playlist.target_duration_s);
    let mut after_90k = 0;
    let near = playlist.segments.iter().rev().take_while(|segment| {
        let is_near = after_90k <= near_90k;
        after_90k += segment.duration_90k;
        is_near
    });
    playlist.segments.len() - near.count()
}
