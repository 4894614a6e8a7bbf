//! Lost: parts and segments that have not come, and how long they are waited for. Pure.
//!
//! In: what is listed, what waits, and the time. Out: names to look for, segments to give up, and parts with GAP=YES in the place of
//! those that are lost.

use crate::events::finished_file::Finished;
use crate::timeline::low_latency::{Encoder, LowLatencyList, MOST_PARTS, ROUNDING_90K};
use livedir_layout::names::{part_name, uri_of_name};
use livedir_playlist::{Part, PartContent, PartError};
use livedir_time::clock_33_bit::{distance_90k, earlier_90k, later_90k};
use std::time::{Duration, Instant};

impl LowLatencyList {
    /// Parts that are missing before one that has come, or before the end of a segment that is listed: the last chance to
    /// look for their files.
    pub(crate) fn missing(&self, patience: Duration, now: Instant) -> Vec<String> {
        let names = |number, parts: std::ops::Range<u32>| parts.map(|part| part_name(number, part)).collect();
        match (self.open, self.first_part()) {
            (None, Some(first)) => names(first.number, 0..first.lost.min(MOST_PARTS)),
            (None, None) => Vec::new(),
            (Some(open), _) => {
                let next = self.listed_parts();
                let until = match self.waiting_of(open) {
                    Some(part) => part.min(next.saturating_add(MOST_PARTS)),
                    None => next + u32::from(self.rest_is_lost(open, patience, now)),
                };
                names(open, next..until)
            }
        }
    }

    /// The open segment, if it will never be complete: a segment that is being closed arrives before the second part of the
    /// next segment.
    pub(crate) fn given_up(&self) -> Option<u64> {
        let open = self.open.filter(|open| self.closing.is_none_or(|closing| closing.number != *open))?;
        (self.is_overtaken(open) || self.stands_still).then_some(open)
    }

    /// Whether more than the first part of the segment behind this one is there.
    pub(super) fn is_overtaken(&self, number: u64) -> bool {
        let next = number.saturating_add(1);
        match self.encoder {
            Encoder::Ours => self.waiting.last_key_value().is_some_and(|(last, _)| *last > (next, 0)),
            // Others may have any numbers.
            Encoder::Foreign => self.waiting.range((next, 1)..=(next, u32::MAX)).next().is_some(),
        }
    }

    /// The first part of the segment after this one.
    pub(crate) fn first_behind(&self, number: u64) -> Option<&Finished> {
        self.waiting.get(&(number.saturating_add(1), 0))
    }

    /// The parts that are listed of the segment that is being written, and where they end on its timeline, if all of them are
    /// there.
    pub(crate) fn whole_until(&self) -> Option<(u32, u64)> {
        let has_lost = self.edge.open().parts.iter().any(Part::is_gap);
        self.ends_at_90k.filter(|_| !has_lost).map(|ends_at_90k| (self.listed_parts(), ends_at_90k))
    }

    /// The segment of this number is listed as a gap of this length. Its listed parts stay as they are: players have them or
    /// can fetch them. Its other parts are lost (draft-pantos-hls-rfc8216bis 6.2.1).
    pub(crate) fn left_out(&mut self, number: u64, media_sequence: u64, duration_90k: u64) {
        self.comes_to(number);
        self.pass(|(of, _)| of == number);
        self.closing = self.closing.filter(|closing| closing.number != number);
        if self.open == Some(number) {
            self.push_lost_rest(number, duration_90k);
            self.close(media_sequence);
        }
    }

    /// How much of a segment of this length is not listed in parts.
    pub(super) fn missing_90k(&self, duration_90k: u64) -> u64 {
        let missing_90k = duration_90k.saturating_sub(self.listed_90k());
        if missing_90k <= ROUNDING_90K { 0 } else { missing_90k }
    }

    /// Whether the missing parts at the end of the open segment, which is listed, can be given up.
    pub(super) fn rest_is_lost(&self, open: u64, patience: Duration, now: Instant) -> bool {
        self.closing.is_some_and(|closing| {
            closing.number == open
                && self.missing_90k(closing.duration_90k) > 0
                && (now.saturating_duration_since(closing.since) >= patience || self.is_overtaken(open))
        })
    }

    /// Lists so many lost parts, `all_90k` long together.
    ///
    /// bis 6.2.1: what a server cannot make available it lists with GAP=YES.
    pub(super) fn push_lost(&mut self, open: u64, count: u32, all_90k: Option<u64>) {
        let target_90k = self.edge.part_target_90k();
        let count = u64::from(count.min(MOST_PARTS));
        let all_90k = all_90k.filter(|all_90k| (count..=count * target_90k).contains(all_90k));
        for index in 0..count {
            let until_90k = |index| all_90k.map_or(index * target_90k, |all_90k| index * all_90k / count);
            let duration_90k = until_90k(index + 1) - until_90k(index);
            let uri = uri_of_name(self.home, &part_name(open, self.listed_parts()));
            // Its name is ours, and its length within the target.
            let _ = self.edge.push(Part { uri, duration_90k, content: PartContent::Gap });
            for end_90k in [&mut self.ends_at_90k, &mut self.decodes_until_90k].into_iter().flatten() {
                *end_90k = later_90k(*end_90k, duration_90k);
            }
        }
    }

    /// What is missing at the end of a segment of this length is lost.
    pub(super) fn push_lost_rest(&mut self, open: u64, duration_90k: u64) {
        let missing_90k = self.missing_90k(duration_90k);
        let count = missing_90k.div_ceil(self.edge.part_target_90k());
        self.push_lost(open, count.min(u64::from(MOST_PARTS)) as u32, Some(missing_90k));
    }

    /// The usual length of the parts of this stream: as many frames as fit into the part target.
    pub(crate) fn usual_90k(&self, part: &Finished) -> u64 {
        let (target_90k, frame_90k) = (self.edge.part_target_90k(), part.facts.frame_interval_90k);
        // No byte of a single frame says how long it is shown.
        let is_known = part.facts.video.is_none() || part.facts.duration_90k > frame_90k;
        let is_frame = (1..=target_90k).contains(&frame_90k) && is_known;
        if is_frame { target_90k / frame_90k * frame_90k } else { target_90k }
    }

    /// A part begins where the one before ends, as far apart as their frames are decoded: they may be shown in another order. Gives
    /// until when its own are decoded.
    fn put_in_line(&self, part: &mut Finished) -> u64 {
        let decoding = part.facts.video.as_ref().and_then(|video| video.decoding);
        let start_90k = decoding.map_or(part.facts.start_90k, |decoding| decoding.start_90k);
        let until_90k = later_90k(start_90k, part.facts.duration_90k);
        if let Some((before_90k, ends_at_90k)) = self.decodes_until_90k.zip(self.ends_at_90k) {
            let apart_90k = distance_90k(before_90k, start_90k);
            part.facts.start_90k = match u64::try_from(apart_90k) {
                Ok(apart_90k) => later_90k(ends_at_90k, apart_90k),
                Err(_) => earlier_90k(ends_at_90k, apart_90k.unsigned_abs()),
            };
        }
        until_90k
    }

    /// Lists the parts of the open segment that have come. Those that are missing before them are lost.
    pub(super) fn list_parts_of(&mut self, open: u64) -> Vec<PartError> {
        let mut errors = Vec::new();
        while let Some(part) = self.waiting_of(open) {
            let Some(mut finished) = self.waiting.remove(&(open, part)) else { break };
            let decodes_until_90k = self.put_in_line(&mut finished);
            // It has come twice, or after it was listed as lost.
            let Some(lost) = part.checked_sub(self.listed_parts()) else { continue };
            let lost_90k = self.ends_at_90k.and_then(|ends_at_90k| {
                u64::try_from(distance_90k(ends_at_90k, finished.facts.start_90k)).ok()
            });
            let lost_90k = lost_90k.unwrap_or_else(|| u64::from(lost) * self.usual_90k(&finished));
            self.push_lost(open, lost, Some(lost_90k));
            match self.push(&part_name(open, part), &finished) {
                Ok(()) => {
                    self.ends_at_90k = Some(finished.facts.end_90k());
                    self.decodes_until_90k = Some(decodes_until_90k);
                }
                Err(error) => {
                    self.push_lost(open, 1, Some(finished.facts.duration_90k));
                    errors.push(error);
                }
            }
        }
        errors
    }

    /// When a part that is missing is waited for no longer.
    pub(crate) fn deadline(&self, patience: Duration) -> Option<Instant> {
        let closing = self.closing.filter(|closing| self.open == Some(closing.number));
        let closes_at = closing.and_then(|closing| closing.since.checked_add(patience));
        let stands_until = self.stands_since.filter(|_| !self.stands_still);
        let stands_until = stands_until.and_then(|since| since.checked_add(self.hold(patience)));
        [closes_at, stands_until].into_iter().flatten().min()
    }
}
