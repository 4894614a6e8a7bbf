//! Low latency: the parts of segments, as they come, and what `ll.m3u8` says of them. Pure; times are arguments.
//!
//! In: finished parts, and the segments that are listed in the playlist. Out: the text of `ll.m3u8`, and the names of parts
//! that it lists no more. The list never shows the end of a segment before all its parts are there, nor a part without
//! those before it.

use super::finished_file::Finished;
use crate::segment_name::{Home, part_name, part_of_name, uri_of_name};
use jiff::Timestamp;
use livedir_playlist::{
    EdgeReport, EvictedPart, LiveEdge, LowLatency, MediaPlaylist, Part, PartContent, PartError, Parts,
    render_low_latency,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A delta update leaves out what is older than six target durations; a shorter window has nothing to leave out.
const SEGMENTS_WORTH_SKIPPING: usize = 7;

/// What an estimate of the last picture's length may add to a part that is not too long.
const ROUNDING_90K: u64 = 90;

/// Parts that wait for others that are missing, at the most; a segment has at most 200.
const MOST_WAITING: usize = 1_000;

/// Where segments come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoder {
    /// From this program: with parts.
    Ours,
    /// From another one, which may make parts or not.
    Foreign,
}

/// What is known of the live edge.
#[derive(Debug)]
pub(super) struct LowLatencyList {
    edge: LiveEdge,
    encoder: Encoder,
    home: Home,
    can_skip: bool,
    /// How far the other renditions are.
    pub(super) reports: Vec<EdgeReport>,
    /// Parts that have come and are not listed, by the number of their segment and their own.
    waiting: BTreeMap<(u64, u32), Finished>,
    /// The number of the segment that is being filmed, once a part of it is listed.
    open: Option<u64>,
    closing: Option<Closing>,
    /// Larger than that of every segment that is complete.
    next_number: u64,
    /// Nothing has come in this run. What happened before it is told together with the first part.
    is_waiting_for_first: bool,
    is_settled: bool,
}

/// A segment that is listed, and not all of whose parts are.
#[derive(Debug, Clone, Copy)]
struct Closing {
    number: u64,
    media_sequence: u64,
    duration_90k: u64,
    since: Instant,
}

/// What stands before the first part of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning {
    /// When its first picture was captured.
    pub(super) filmed_at: Option<Timestamp>,
    /// EXT-X-DISCONTINUITY.
    pub(super) discontinuity: bool,
}

impl LowLatencyList {
    pub(super) fn new(part_target_90k: u64, encoder: Encoder, home: Home, window_segments: usize) -> Self {
        Self {
            edge: LiveEdge::new(part_target_90k),
            encoder,
            home,
            can_skip: window_segments >= SEGMENTS_WORTH_SKIPPING,
            reports: Vec::new(),
            waiting: BTreeMap::new(),
            open: None,
            closing: None,
            next_number: 1,
            is_settled: false,
            is_waiting_for_first: true,
        }
    }

    /// All that a run before has left is taken up. No segment below this number is being filmed.
    pub(super) fn settle(&mut self, next_number: u64) {
        self.next_number = self.next_number.max(next_number);
        self.waiting = self.waiting.split_off(&(self.next_number, 0));
        self.is_settled = true;
        self.is_waiting_for_first = self.encoder == Encoder::Ours || self.edge.part_count() > 0;
    }

    /// A part of a complete segment, found at the start.
    pub(super) fn restore(&mut self, name: &str, finished: &Finished) -> Result<(), PartError> {
        self.push(name, finished)
    }

    /// The parts that were restored are those of this segment.
    pub(super) fn restored(&mut self, media_sequence: u64, duration_90k: u64, playlist: &MediaPlaylist) {
        if self.listed_90k() + ROUNDING_90K < duration_90k {
            self.edge.abandon(playlist);
        } else {
            self.edge.close(media_sequence);
        }
    }

    /// A part is there. Says whether it is one that can still be listed, or is. The system may tell of a file twice, when it
    /// is renamed and when it is closed.
    pub(super) fn arrived(&mut self, name: &str, finished: Finished) -> bool {
        if self.edge.lists(&uri_of_name(self.home, name)) {
            return true;
        }
        let Some(number) = part_of_name(name).filter(|(number, _)| *number >= self.first_possible()) else {
            return false;
        };
        self.is_waiting_for_first = false;
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.pop_first();
        }
        self.waiting.insert(number, finished);
        true
    }

    fn first_possible(&self) -> u64 {
        let closing = self.closing.map(|closing| closing.number);
        closing.or(self.open).unwrap_or(self.next_number)
    }

    /// A segment is listed in the playlist.
    pub(super) fn segment_listed(
        &mut self,
        number: u64,
        media_sequence: u64,
        duration_90k: u64,
        now: Instant,
    ) {
        self.next_number = self.next_number.max(number.saturating_add(1));
        if self.open == Some(number) || self.waiting.contains_key(&(number, 0)) {
            self.closing = Some(Closing { number, media_sequence, duration_90k, since: now });
        } else if self.encoder == Encoder::Foreign && self.is_settled {
            // Its encoder makes no parts, or no more.
            self.is_waiting_for_first = false;
        }
    }

    /// How the segment of this number was begun, if a part of it is listed.
    pub(super) fn beginning_of(&self, number: u64) -> Option<Beginning> {
        let open = (self.open == Some(number)).then(|| self.edge.open())?;
        Some(Beginning { filmed_at: open.program_date_time, discontinuity: open.discontinuity })
    }

    /// The first part of a segment, if that is what comes next.
    pub(super) fn first_part(&self) -> Option<&Finished> {
        let (&(number, part), finished) = self.waiting.first_key_value()?;
        (self.open.is_none() && part == 0 && number >= self.first_possible()).then_some(finished)
    }

    /// The number of the segment of [`Self::first_part`].
    pub(super) fn first_number(&self) -> Option<u64> {
        self.first_part()?;
        self.waiting.first_key_value().map(|(&(number, _), _)| number)
    }

    /// The segment that is being filmed and will never be whole, where gaps can tell that: one that is being closed is there
    /// before the second part of the next.
    pub(super) fn given_up(&self) -> Option<u64> {
        let open = self.open.filter(|_| self.home == Home::Beside && self.closing.is_none())?;
        let last = self.waiting.last_key_value()?.0;
        (*last > (open + 1, 0)).then_some(open)
    }

    /// The segment of this number, which is its media sequence number, is listed as a gap. What is listed of its parts stays
    /// as it is: players have it, or can have it (bis 6.2.1).
    pub(super) fn left_out(&mut self, number: u64) {
        self.next_number = self.next_number.max(number.saturating_add(1));
        self.waiting = self.waiting.split_off(&(self.next_number, 0));
        self.closing = self.closing.filter(|closing| closing.number != number);
        if self.open.take_if(|open| *open == number).is_some() {
            self.edge.close(number);
        }
    }

    /// Opens the segment of [`Self::first_part`].
    pub(super) fn begin(&mut self, beginning: Beginning) {
        if let Some((&(number, _), _)) = self.waiting.first_key_value() {
            self.open = Some(number);
            self.edge.begin(beginning.filmed_at, beginning.discontinuity);
        }
    }

    /// Lists what is in line. Says what is wrong with parts that cannot be.
    pub(super) fn advance(
        &mut self,
        playlist: &MediaPlaylist,
        patience: Duration,
        now: Instant,
    ) -> (Vec<EvictedPart>, Vec<PartError>) {
        let (mut evicted, mut errors) = (Vec::new(), Vec::new());
        if let Some(open) = self.open {
            let index = self.edge.open().parts.len() as u32;
            for part in index.. {
                let Some(finished) = self.waiting.remove(&(open, part)) else { break };
                errors.extend(self.push(&part_name(open, part), &finished).err());
            }
            let is_complete = |closing: &Closing| self.listed_90k() + ROUNDING_90K >= closing.duration_90k;
            match self.closing {
                Some(closing) if closing.number == open && is_complete(&closing) => {
                    self.edge.close(closing.media_sequence);
                    (self.open, self.closing) = (None, None);
                }
                // The segment itself is lost: a later one is listed, or being filmed.
                Some(closing) if closing.number > open => {
                    evicted = self.edge.abandon(playlist);
                    self.open = None;
                }
                // A part is lost.
                Some(closing) if now.saturating_duration_since(closing.since) >= patience => {
                    evicted = self.edge.abandon(playlist);
                    (self.open, self.closing) = (None, None);
                }
                _ if self.waiting.last_key_value().is_some_and(|((number, _), _)| *number > open + 1) => {
                    evicted = self.edge.abandon(playlist);
                    (self.open, self.closing) = (None, None);
                }
                _ => {}
            }
            if self.open.is_none() {
                self.waiting = self.waiting.split_off(&(open + 1, 0));
                self.next_number = self.next_number.max(open + 1);
            }
        }
        // While a segment closes it is in the playlist already, and its parts would count a second time.
        if self.closing.is_none() {
            evicted.append(&mut self.edge.trim(playlist));
        }
        (evicted, errors)
    }

    fn push(&mut self, name: &str, finished: &Finished) -> Result<(), PartError> {
        let target_90k = self.edge.part_target_90k();
        let mut facts = finished.facts.clone();
        // Of a part with a single picture no byte tells how long that is shown; of the last one its segment does.
        let left_90k = self
            .closing
            .filter(|closing| Some(closing.number) == self.open)
            .map_or(target_90k, |closing| closing.duration_90k.saturating_sub(self.listed_90k()));
        facts.hold_to(target_90k.min(left_90k));
        let mut duration_90k = facts.duration_90k;
        if duration_90k <= target_90k + ROUNDING_90K {
            duration_90k = duration_90k.min(target_90k);
        }
        let has_keyframe = facts.video.as_ref().is_none_or(|video| video.starts_with_keyframe);
        let content = PartContent::of_media(has_keyframe);
        self.edge.push(Part { uri: uri_of_name(self.home, name), duration_90k, content })
    }

    fn listed_90k(&self) -> u64 {
        self.edge.open().parts.iter().map(|part| part.duration_90k).sum()
    }

    /// When a part that is missing is waited for no longer.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        self.closing.and_then(|closing| closing.since.checked_add(patience))
    }

    /// Whether the list may be written as it is: nothing that belongs together is torn.
    pub(super) fn is_whole(&self, playlist: &MediaPlaylist) -> bool {
        playlist.ended || (self.closing.is_none() && !self.is_waiting_for_first)
    }

    /// The last segment of which something is listed, and the last part of it.
    pub(super) fn last(&self, playlist: &MediaPlaylist) -> Option<(u64, Option<u64>)> {
        self.edge.last(playlist)
    }

    /// The text of `ll.m3u8`.
    pub(super) fn text(&self, playlist: &MediaPlaylist) -> String {
        let hint = match self.open {
            Some(open) => part_name(open, self.edge.open().parts.len() as u32),
            None => part_name(self.next_number, 0),
        };
        let hint = uri_of_name(self.home, &hint);
        let has_parts = self.encoder == Encoder::Ours || self.edge.part_count() > 0;
        let parts = has_parts.then_some(Parts { edge: &self.edge, hint: &hint });
        let reports = &self.reports;
        render_low_latency(playlist, &LowLatency { parts, reports, can_skip: self.can_skip })
    }
}

#[cfg(test)]
mod tests;
