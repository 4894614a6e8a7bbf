//! Low latency: the parts of segments, as they come, and what `ll.m3u8` says of them. Pure; times are arguments.
//!
//! In: finished parts, and the segments that are listed in the playlist. Out: the text of `ll.m3u8`, and the names of parts
//! that it no longer lists. The list never shows the end of a segment before all its parts are listed or lost, nor a part before
//! the parts that precede it. A part is lost when a later part, or its whole segment, arrives first: it is listed with GAP=YES.

mod foreign;
mod lost;
mod restore;

pub(crate) use restore::ToldParts;

use crate::events::finished_file::Finished;
use jiff::Timestamp;
use livedir_layout::names::{Home, number_of_uri, part_name, part_of_name, uri_of_name};
use livedir_playlist::{
    EdgeReport, EvictedPart, LiveEdge, LowLatency, MediaPlaylist, Part, PartContent, PartError, PartList,
    render_low_latency,
};
use livedir_time::ticks::{of_milliseconds, of_pictures, of_seconds};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

/// A delta update leaves out what is older than six target durations; a shorter window has nothing to leave out.
const SEGMENTS_WORTH_SKIPPING: usize = 7;

/// A part may exceed the part target by this much if the length of its last frame is an estimate.
pub(crate) const ROUNDING_90K: u64 = of_milliseconds(1);

/// The duration of a frame at 24 frames per second.
const LONGEST_FRAME_90K: u64 = of_pictures(1, 24);

/// How long parts wait for earlier parts that are missing. It is two and a half parts where that is longer: after a lost part, the
/// next part of the open segment may take as long as that.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);

/// Parts whose timestamps are further apart than this belong to different timelines.
const SAME_TIMELINE_90K: i64 = of_seconds(60) as i64;

/// The most parts that may wait for missing ones.
const MOST_WAITING: usize = 1_000;

/// How many finished segments of other encoders are remembered, to recognize parts that come too late.
const MOST_DONE: usize = 64;

/// The most parts of a segment: 10 s, our longest segment, in parts of 50 ms. A part whose number is larger does not make the
/// list show more lost parts than this.
pub(crate) const MOST_PARTS: u32 = 200;

/// Where segments come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoder {
    /// From this program: with parts.
    Ours,
    /// From another one, which may make parts or not.
    Foreign,
}

/// What is known of the live edge.
#[derive(Debug)]
pub(crate) struct LowLatencyList {
    edge: LiveEdge,
    encoder: Encoder,
    home: Home,
    promised: Promised,
    /// How far the other renditions are.
    pub(crate) reports: Vec<EdgeReport>,
    /// Parts that have arrived and are not listed yet, by segment number and part number.
    waiting: BTreeMap<(u64, u32), Finished>,
    /// Names of parts that waited, and can no longer be listed.
    passed: Vec<String>,
    /// The number of the open segment, once one of its parts is listed.
    open: Option<u64>,
    /// The end of its last listed part, on its timeline.
    ends_at_90k: Option<u64>,
    /// The same on the clock of decoding.
    decodes_until_90k: Option<u64>,
    closing: Option<Closing>,
    /// The last segments of other encoders that arrived or were given up.
    done: VecDeque<u64>,
    /// Where the last segment in the playlist ends, on its timeline.
    listed_until_90k: Option<u64>,
    /// When a part was listed last.
    listed_at: Option<Instant>,
    /// Since when parts of another encoder have waited without any part being listed.
    stands_since: Option<Instant>,
    /// Whether that has lasted longer than [`PATIENCE`]. Then the parts that wait are listed next.
    stands_still: bool,
    /// The number of the segment that comes next. Where numbers are ours, larger than that of every segment before.
    next_number: u64,
    /// Nothing has arrived in this run. Changes from before the run are listed together with the first part.
    is_waiting_for_first: bool,
    is_settled: bool,
}

/// What the list promises. It never changes while the list exists.
#[derive(Debug, Clone, Copy)]
struct Promised {
    /// CAN-SKIP-UNTIL.
    can_skip: bool,
    /// PART-HOLD-BACK and PART-INF: parts were listed.
    parts: bool,
}

/// A segment that is listed although some of its parts are not listed yet.
#[derive(Debug, Clone, Copy)]
struct Closing {
    number: u64,
    media_sequence: u64,
    duration_90k: u64,
    since: Instant,
}

/// The first part that has come of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstPart<'a> {
    /// The number of the segment.
    pub(crate) number: u64,
    /// How many parts before it are lost.
    pub(crate) lost: u32,
    pub(crate) finished: &'a Finished,
}

/// The tags before the first part of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// When its first frame was captured.
    pub(crate) filmed_at: Option<Timestamp>,
    /// EXT-X-DISCONTINUITY.
    pub(crate) discontinuity: bool,
}

impl LowLatencyList {
    pub(crate) fn new(part_target_90k: u64, encoder: Encoder, home: Home, window_segments: usize) -> Self {
        Self {
            edge: LiveEdge::new(part_target_90k),
            encoder,
            home,
            promised: Promised { can_skip: window_segments >= SEGMENTS_WORTH_SKIPPING, parts: false },
            reports: Vec::new(),
            waiting: BTreeMap::new(),
            passed: Vec::new(),
            open: None,
            ends_at_90k: None,
            decodes_until_90k: None,
            closing: None,
            done: VecDeque::new(),
            listed_until_90k: None,
            listed_at: None,
            stands_since: None,
            stands_still: false,
            next_number: 1,
            is_settled: false,
            is_waiting_for_first: true,
        }
    }

    /// PART-TARGET.
    pub(crate) fn part_target_90k(&self) -> u64 {
        self.edge.part_target_90k()
    }

    /// Everything that an earlier run left has been handled. No segment below this number is open.
    pub(crate) fn settle(&mut self, next_number: u64) {
        self.next_number = self.next_number.max(next_number);
        let next_number = self.next_number;
        self.pass(|(number, _)| number < next_number);
        self.is_settled = true;
        self.is_waiting_for_first = self.encoder == Encoder::Ours;
    }

    /// A part has arrived. Says whether it is listed or can still be listed. The system may report a file twice: when it
    /// is renamed and when it is closed.
    pub(crate) fn arrived(&mut self, name: &str, finished: Finished) -> bool {
        if self.edge.lists(&uri_of_name(self.home, name)) {
            return true;
        }
        let is_done = |number: u64| {
            self.done.contains(&number) && self.closing.is_none_or(|closing| closing.number != number)
        };
        let is_possible = |part: &(u64, u32)| match self.encoder {
            Encoder::Ours => *part >= self.first_possible() && !is_done(part.0),
            // The numbers of other encoders may restart.
            Encoder::Foreign => {
                !is_done(part.0) && (self.open != Some(part.0) || part.1 >= self.listed_parts())
            }
        };
        let Some(number) = part_of_name(name).filter(is_possible) else { return false };
        self.is_waiting_for_first = false;
        if self.waiting.len() >= MOST_WAITING {
            let first = self.waiting.first_key_value().map(|(first, _)| *first);
            self.pass(|part| Some(part) == first);
        }
        self.waiting.insert(number, finished);
        true
    }

    /// Marks these parts as too late to be listed.
    fn pass(&mut self, is_late: impl Fn((u64, u32)) -> bool) {
        let passed: Vec<_> = self.waiting.keys().copied().filter(|part| is_late(*part)).collect();
        for (number, part) in passed {
            self.waiting.remove(&(number, part));
            self.passed.push(part_name(number, part));
        }
    }

    /// The names of parts that waited, and can no longer be listed.
    pub(crate) fn take_passed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.passed)
    }

    /// Whether the part of this name is listed, or waits to be.
    pub(crate) fn knows(&self, name: &str) -> bool {
        part_of_name(name).is_none_or(|number| self.waiting.contains_key(&number))
            || self.edge.lists(&uri_of_name(self.home, name))
    }

    /// The number of the segment and that of the part below which nothing can be listed any more.
    fn first_possible(&self) -> (u64, u32) {
        let of_open = |open| (open, self.listed_parts());
        self.open
            .map(of_open)
            .or(self.closing.map(|closing| (closing.number, 0)))
            .unwrap_or((self.next_number, 0))
    }

    /// How many parts of the open segment are listed.
    fn listed_parts(&self) -> u32 {
        self.edge.open().parts.len() as u32
    }

    /// A segment is listed in the playlist. Parts of another one that is open are lost with it: see [`Self::left_out`].
    pub(crate) fn segment_listed(
        &mut self,
        number: u64,
        media_sequence: u64,
        duration_90k: u64,
        now: Instant,
    ) {
        // A closing segment that still waits for its last parts is overtaken by this one.
        let overtaken = self.closing.filter(|it| it.number != number && self.open == Some(it.number));
        if let Some(Closing { number, media_sequence, duration_90k, .. }) = overtaken {
            // Parts that cannot be listed are lost.
            drop(self.list_parts_of(number));
            self.push_lost_rest(number, duration_90k);
            self.close(media_sequence);
        }
        self.comes_to(number);
        if self.open == Some(number) || self.waiting_of(number).is_some() {
            self.closing = Some(Closing { number, media_sequence, duration_90k, since: now });
        } else if self.is_settled {
            // Its encoder makes no parts, has stopped making them, or all of them are lost.
            self.is_waiting_for_first = false;
        }
    }

    /// The segment of this number is listed, or will never be.
    fn comes_to(&mut self, number: u64) {
        let next = number.saturating_add(1);
        match self.encoder {
            Encoder::Ours => self.next_number = self.next_number.max(next),
            // An encoder that was restarted may count from 1 again.
            Encoder::Foreign => {
                self.done.retain(|done| *done != number);
                if self.done.len() == MOST_DONE {
                    self.done.pop_front();
                }
                self.done.push_back(number);
                self.next_number = next;
            }
        }
    }

    /// The first part of this segment that waits.
    fn waiting_of(&self, number: u64) -> Option<u32> {
        self.waiting.range((number, 0)..=(number, u32::MAX)).next().map(|((_, part), _)| *part)
    }

    /// How the segment of this number was begun, if a part of it is listed.
    pub(crate) fn beginning_of(&self, number: u64) -> Option<Beginning> {
        let open = (self.open == Some(number)).then(|| self.edge.open())?;
        Some(Beginning { filmed_at: open.program_date_time, discontinuity: open.discontinuity })
    }

    /// The first part of a segment, if that is what comes next.
    pub(crate) fn first_part(&self) -> Option<FirstPart<'_>> {
        let (&(number, lost), finished) = match self.encoder {
            Encoder::Ours => self.waiting.range(self.first_possible()..).next()?,
            // A segment that begins with its first part, unless it is the next one.
            Encoder::Foreign => {
                let next = self.closing.map_or(self.next_number, |closing| closing.number);
                let of_next = self.waiting.range((next, 0)..=(next, u32::MAX)).next();
                let is_next = |((_, part), it): &(&(u64, u32), &Finished)| {
                    self.stands_still || (*part == 0 && self.is_behind(it))
                };
                of_next.or_else(|| self.earliest().filter(is_next))?
            }
        };
        self.open.is_none().then_some(FirstPart { number, lost, finished })
    }

    /// The segment that is being written, if it is not the one of this number.
    pub(crate) fn open_before(&self, number: Option<u64>) -> Option<u64> {
        self.open.filter(|open| Some(*open) != number)
    }

    /// How long the listed parts of the segment that is being written are, if it has this number.
    pub(crate) fn parts_duration_90k(&self, number: u64) -> Option<u64> {
        (self.open == Some(number)).then(|| self.listed_90k())
    }

    /// Opens the segment of [`Self::first_part`]. `lost_90k`: how long the parts before it were.
    pub(crate) fn begin(&mut self, beginning: Beginning, lost_90k: u64) {
        let Some(FirstPart { number, lost, .. }) = self.first_part() else { return };
        self.open = Some(number);
        (self.stands_since, self.stands_still) = (None, false);
        (self.ends_at_90k, self.decodes_until_90k) = (None, None);
        self.edge.begin(beginning.filmed_at, beginning.discontinuity);
        self.push_lost(number, lost, Some(lost_90k));
    }

    /// Lists all parts whose turn it is. Returns the errors of parts that cannot be listed: these are lost.
    pub(crate) fn advance(
        &mut self,
        playlist: &MediaPlaylist,
        patience: Duration,
        now: Instant,
    ) -> (Vec<EvictedPart>, Vec<PartError>) {
        let mut errors = Vec::new();
        let before = (self.open, self.listed_parts());
        // A segment that is closed has parts that are listed, or that wait to be.
        self.closing = self
            .closing
            .filter(|closing| self.open == Some(closing.number) || self.waiting_of(closing.number).is_some());
        if let Some(open) = self.open {
            errors = self.list_parts_of(open);
            if let Some(closing) = self.closing.filter(|closing| closing.number == open) {
                let rest_is_lost = self.rest_is_lost(open, patience, now);
                if rest_is_lost {
                    self.push_lost_rest(open, closing.duration_90k);
                }
                if rest_is_lost || self.missing_90k(closing.duration_90k) == 0 {
                    self.close(closing.media_sequence);
                }
            }
        }
        let has_listed = before != (self.open, self.listed_parts());
        if has_listed {
            self.listed_at = Some(now);
        }
        self.watch_what_waits(has_listed, patience, now);
        (self.trim(playlist), errors)
    }

    /// Parts that are too far from the end leave (bis-22 6.2.2).
    pub(crate) fn trim(&mut self, playlist: &MediaPlaylist) -> Vec<EvictedPart> {
        // While a segment closes it is in the playlist already, and its parts would count a second time.
        if self.closing.is_none() { self.edge.trim(playlist) } else { Vec::new() }
    }

    fn close(&mut self, media_sequence: u64) {
        self.edge.close(media_sequence);
        if let Some(open) = self.open.take() {
            self.comes_to(open);
            self.pass(|(of, _)| of == open);
        }
        self.closing = None;
    }

    /// Lists the changes from before this run without waiting for the first part.
    pub(crate) fn waits_no_longer(&mut self) {
        self.is_waiting_for_first = false;
    }

    /// An earlier run listed parts, and allowed delta updates or not. The list never changes what it promises.
    ///
    /// bis-22 6.2.1: EXT-X-SERVER-CONTROL is not among what may change.
    pub(crate) fn had_parts(&mut self, can_skip: bool) {
        self.promised.parts = true;
        self.promised.can_skip = can_skip;
    }

    fn push(&mut self, name: &str, finished: &Finished) -> Result<(), PartError> {
        self.promised.parts = true;
        let target_90k = self.edge.part_target_90k();
        let mut facts = finished.facts.clone();
        // No byte of a part with a single frame says how long it is shown. For the last part, its segment says so.
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

    /// Whether the list may be written now. It may not while a segment is closing, or before the first part of this run, unless the
    /// playlist has ended.
    pub(crate) fn is_whole(&self, playlist: &MediaPlaylist) -> bool {
        playlist.ended || (self.closing.is_none() && !self.is_waiting_for_first)
    }

    /// The last segment of which something is listed, and the last part of it.
    pub(crate) fn last(&self, playlist: &MediaPlaylist) -> Option<(u64, Option<u64>)> {
        self.edge.last(playlist)
    }

    /// The next number that is not listed: files of others may be listed out of order.
    fn next_unlisted(&self, playlist: &MediaPlaylist) -> u64 {
        let uris = playlist.segments.iter().map(|segment| &segment.uri);
        let listed: BTreeSet<u64> = uris.filter_map(|uri| number_of_uri(uri)).collect();
        let mut next = self.next_number;
        while listed.contains(&next) {
            next += 1;
        }
        next
    }

    /// The text of `ll.m3u8`.
    pub(crate) fn text(&self, playlist: &MediaPlaylist) -> String {
        let hint = match self.open {
            Some(open) => part_name(open, self.edge.open().parts.len() as u32),
            None => part_name(self.next_unlisted(playlist), 0),
        };
        let hint = uri_of_name(self.home, &hint);
        let has_parts = self.encoder == Encoder::Ours || self.promised.parts;
        let parts = has_parts.then_some(PartList { edge: &self.edge, hint: &hint });
        let reports = &self.reports;
        render_low_latency(playlist, &LowLatency { parts, reports, can_skip: self.promised.can_skip })
    }
}

#[cfg(test)]
mod tests;
