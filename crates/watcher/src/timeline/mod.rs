//! Timeline: what the playlist of one stream lists, and what changes in it when a file comes: dates, target duration, gaps,
//! discontinuities, and what the renditions of one stream have in common. Pure: the time is handed in.
//!
//! In: finished files in order, files that were deleted, and the time. Out: the window, the list of parts, and
//! [`Changes`] for the code that writes and deletes files.

pub(crate) mod align;
pub(crate) mod dates;
pub(crate) mod gaps;
pub(crate) mod listed;
pub(crate) mod low_latency;
pub(crate) mod parts;
pub(crate) mod shared;
pub(crate) mod target_duration;

use crate::events::finished_file::Finished;
use crate::events::refusal::Refusal;
use crate::order::break_between;
use crate::settings::{ChannelSettings, Naming};
use crate::timeline::dates::{Dates, Smoothed};
use crate::timeline::listed::ListedFile;
use crate::timeline::low_latency::{Encoder, LowLatencyList};
use crate::timeline::shared::SharedTimeline;
use crate::timeline::target_duration::TargetDuration;
use jiff::Timestamp;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::names::{Home, name_of_uri, number_of_name, uri_of_name};
use livedir_media::{Discontinuity, Facts, discontinuity};
use livedir_playlist::{Evicted, MediaPlaylist, PartError, ResumeError, Segment, Window};
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks::of_seconds;
use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex},
    time::Instant,
};

/// What the next segment is compared with, to find a discontinuity.
pub(crate) enum Last {
    /// No segment was ever published.
    Nothing,
    /// A segment whose content is not known.
    Unknown,
    /// This one.
    Known(Box<Facts>),
    /// A gap on a timeline that began with a gap: the next segment continues from it.
    Gap,
}

impl Last {
    pub(crate) fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Known(facts) => Some(facts),
            Self::Nothing | Self::Unknown | Self::Gap => None,
        }
    }
}

/// Why a segment carries EXT-X-DISCONTINUITY.
#[derive(Debug)]
pub(crate) enum BreakReason {
    Known(Discontinuity),
    Unknown,
    /// The clock was set back: without a discontinuity, one date would mean two times.
    Clock,
    /// The other renditions have a discontinuity here.
    Elsewhere,
}

impl std::fmt::Display for BreakReason {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(reason) => reason.fmt(out),
            Self::Unknown => out.write_str("the previous segment is not known"),
            Self::Clock => out.write_str("the clock was set back"),
            Self::Elsewhere => out.write_str("the other renditions have a discontinuity here"),
        }
    }
}

/// One moment, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) at: Instant,
    pub(crate) date: Timestamp,
}

/// What has changed since the last call of [`Timeline::take_changes`].
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Entries that have left the playlist. Their files stay until their retention time is over.
    pub(crate) left: Vec<Evicted>,
    /// Names of segments that are listed as gaps, and when they were.
    pub(crate) gaps: Vec<(String, Instant)>,
    /// Names of parts that leave `ll.m3u8` with its next version.
    pub(crate) parts_left: Vec<String>,
    /// Names of parts that came too late to be listed.
    pub(crate) parts_late: Vec<String>,
    /// What could not be listed.
    pub(crate) failures: Vec<NotListed>,
    /// EXT-X-TARGETDURATION, which is told from now on.
    pub(crate) promised_s: Option<u32>,
    /// The playlist has changed in another way than by a new segment.
    pub(crate) is_changed: bool,
}

/// Something that was to be listed.
#[derive(Debug)]
pub(crate) enum NotListed {
    Gap(Refusal),
    Part(PartError),
}

/// A segment that was listed.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Why the timeline breaks before it.
    pub(crate) break_before: Option<BreakReason>,
    /// EXT-X-DISCONTINUITY, as it was said before its first part.
    pub(crate) discontinuity: bool,
    /// When its first frame was captured.
    pub(crate) filmed_at: Option<Timestamp>,
    /// What it holds, and how long it is listed to be.
    pub(crate) facts: Facts,
    pub(crate) stamp: Stamp,
}

/// What is listed of one stream.
pub(crate) struct Timeline {
    settings: ChannelSettings,
    window: Window,
    target: TargetDuration,
    /// The files that are listed, by name, as they were when they were listed; `None` when that was in another run.
    listed: BTreeMap<String, Option<ListedFile>>,
    last: Last,
    /// How far the numbers in our file names are ahead of the media sequence numbers.
    ahead: i64,
    dates: Dates,
    /// Whether the playlist has ended in this run.
    ends: bool,
    /// The total duration of the parts of each segment, as the list of an earlier run says.
    told_90k: BTreeMap<u64, u64>,
    /// The number of the first segment of this run, where numbers are ours.
    first_of_run: Option<u64>,
    /// What `ll.m3u8` lists; `None` without low latency.
    parts: Option<LowLatencyList>,
    /// Shared with the other renditions of the stream, if there are some.
    shared: Option<Arc<Mutex<SharedTimeline>>>,
    /// When the playlist got its last entry.
    last_listed_at: Instant,
    changes: Changes,
}

impl Timeline {
    /// Goes on from `previous`.
    pub(crate) fn new(
        settings: ChannelSettings,
        previous: Option<MediaPlaylist>,
        now: Instant,
    ) -> Result<Self, ResumeError> {
        let (target, window) =
            TargetDuration::new(settings.target_duration_s, settings.window_segments, previous)?;
        let names = window.playlist().segments.iter().filter_map(|it| name_of_uri(settings.home, &it.uri));
        let encoder = match settings.naming {
            Naming::Numbered => Encoder::Ours,
            Naming::Any => Encoder::Foreign,
        };
        Ok(Self {
            listed: names.map(|name| (name, None)).collect(),
            parts: settings.part_target_90k.map(|part_target_90k| {
                LowLatencyList::new(part_target_90k, encoder, settings.home, settings.window_segments)
            }),
            dates: match settings.naming {
                Naming::Numbered => Dates::OfFiles,
                Naming::Any => Dates::Smoothed(Smoothed::default()),
            },
            window,
            target,
            last: Last::Nothing,
            ahead: 0,
            ends: false,
            told_90k: BTreeMap::new(),
            first_of_run: None,
            shared: None,
            last_listed_at: now,
            changes: Changes::default(),
            settings,
        })
    }

    /// What has changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Changes {
        mem::take(&mut self.changes)
    }

    pub(crate) fn playlist(&self) -> &MediaPlaylist {
        self.window.playlist()
    }

    /// The longest that the playlist has been.
    pub(crate) fn longest_duration_90k(&self) -> u64 {
        self.window.longest_duration_90k()
    }

    /// It has been so long in an earlier run.
    pub(crate) fn remember_length(&mut self, duration_90k: u64) {
        self.window.remember_length(duration_90k);
    }

    pub(crate) fn last(&self) -> &Last {
        &self.last
    }

    /// What the first segment goes on from.
    pub(crate) fn set_last(&mut self, last: Last) {
        self.last = last;
    }

    /// Learns what the first segment goes on from: the last one that is listed.
    pub(crate) fn goes_on_from(&mut self, mut facts: Facts) {
        self.hold_to_target(&mut facts);
        if let Some(date) = self.window.playlist().segments.last().and_then(|last| last.program_date_time) {
            self.dates.resume(&facts, date);
        }
        self.last = Last::Known(Box::new(facts));
    }

    /// Whether the playlist has a target duration.
    pub(crate) fn is_target_fixed(&self) -> bool {
        self.target.is_fixed()
    }

    /// Whether the playlist has ended, and not in this run: RFC 8216 6.2.1, it never changes.
    pub(crate) fn is_over(&self) -> bool {
        self.window.playlist().ended && !self.ends
    }

    /// The number of the first segment of this run, where numbers are ours.
    pub(crate) fn first_of_run(&self) -> Option<u64> {
        self.first_of_run
    }

    /// This run begins with the segment of this number.
    pub(crate) fn set_first_of_run(&mut self, number: u64) {
        self.first_of_run = Some(number);
    }

    /// By how much the numbers of names are ahead of those of the playlist.
    pub(crate) fn set_ahead(&mut self, ahead: i64) {
        self.ahead = ahead;
    }

    /// How long the parts are of each segment of which the list of a run before tells.
    pub(crate) fn set_told(&mut self, told_90k: BTreeMap<u64, u64>) {
        self.told_90k = told_90k;
    }

    /// Lists a segment, with the gaps before it. `together`: files that came with it.
    pub(crate) fn list<'a>(
        &mut self,
        name: &str,
        mut finished: Finished,
        together: impl Iterator<Item = &'a Finished> + Clone,
        now: Now,
    ) -> Result<Listed, Refusal> {
        let durations_90k = together.clone().map(|it| it.facts.duration_90k);
        self.fix_target(finished.facts.duration_90k, durations_90k)?;
        let number = number_of_name(name);
        self.check_length(name, &finished.facts)?;
        self.leave_out_before(number, now);
        if let Some(number) = number {
            self.fill_up_to(number, Some(&finished), now)?;
        }
        let break_before = self.agreed_break(number, &finished.facts);
        if let (Last::Known(last), None) = (&self.last, &break_before) {
            let before_90k = distance_90k(last.start_90k, finished.facts.start_90k);
            finished.facts.last_like(before_90k.max(0) as u64);
        }
        self.hold_to_target(&mut finished.facts);
        let filmed_at = self.dates.date(&finished, break_before.is_none(), together);
        let break_before = self.agreed_on_clock(number, break_before, filmed_at, &finished.facts);
        let filmed_at = self.not_before_last(number, break_before.is_some(), filmed_at, &finished.facts);
        // What was announced before its first part is valid for the whole segment.
        let beginning = number.zip(self.parts.as_ref()).and_then(|(number, list)| list.beginning_of(number));
        let discontinuity = beginning.map_or(break_before.is_some(), |beginning| beginning.discontinuity);
        let evicted = self.window.push(Segment {
            uri: uri_of_name(self.settings.home, name),
            duration_90k: finished.facts.duration_90k,
            program_date_time: beginning.map_or(filmed_at, |beginning| beginning.filmed_at),
            discontinuity,
            gap: false,
        })?;
        if let (Some(number), Some(list)) = (number, &mut self.parts) {
            let media_sequence = self.window.next_media_sequence() - 1;
            list.segment_listed(number, media_sequence, finished.facts.duration_90k, now.at);
        }
        self.ends = false;
        self.let_go(evicted);
        self.listed.insert(name.to_owned(), None);
        self.keep_read(name, &finished);
        self.note_listed(now.at);
        let Finished { facts, stamp, .. } = finished;
        self.note_frames(&facts);
        self.last = Last::Known(Box::new(facts.clone()));
        Ok(Listed { break_before, discontinuity, filmed_at, facts, stamp })
    }

    /// Fixes the target duration, where it is open.
    fn fix_target(&mut self, first_90k: u64, others_90k: impl Iterator<Item = u64>) -> Result<(), Refusal> {
        let Some(mut window) = self.target.fix(&self.window, first_90k, others_90k)? else { return Ok(()) };
        window.remember_length(self.window.longest_duration_90k());
        self.window = window;
        self.changes.promised_s = Some(self.window.playlist().target_duration_s);
        Ok(())
    }

    /// A file that is too long is refused before gaps are listed for the segments before it.
    fn check_length(&self, name: &str, facts: &Facts) -> Result<(), Refusal> {
        let mut facts = facts.clone();
        self.hold_to_target(&mut facts);
        let segment = Segment {
            uri: uri_of_name(self.settings.home, name),
            duration_90k: facts.duration_90k,
            program_date_time: None,
            discontinuity: false,
            gap: false,
        };
        Ok(self.window.check(&segment)?)
    }

    /// An ended playlist makes no promise about the segments after it.
    fn hold_to_target(&self, facts: &mut Facts) {
        let playlist = self.window.playlist();
        if !playlist.ended {
            facts.hold_to(of_seconds(playlist.target_duration_s));
        }
    }

    fn break_before(&self, facts: &Facts) -> Option<BreakReason> {
        match (&self.last, self.settings.naming) {
            (Last::Nothing | Last::Gap, _) => None,
            (Last::Unknown, _) => Some(BreakReason::Unknown),
            (Last::Known(last), Naming::Numbered) => discontinuity(last, facts).map(BreakReason::Known),
            (Last::Known(last), Naming::Any) => break_between(last, facts).map(BreakReason::Known),
        }
    }

    /// Ends the playlist. Says whether there is one to end.
    pub(crate) fn end(&mut self) -> bool {
        if self.window.next_media_sequence() == 1 || self.window.playlist().ended {
            return false;
        }
        self.window.end();
        self.ends = true;
        self.changes.is_changed = true;
        true
    }

    /// The next segment begins a new presentation after the one that has ended.
    pub(crate) fn goes_on_behind_end(&mut self) {
        let ended = self.window.playlist().clone();
        let settings = (self.settings.target_duration_s, self.settings.window_segments);
        // An ended playlist can always be resumed.
        if let Ok((target, window)) = TargetDuration::new(settings.0, settings.1, Some(ended)) {
            (self.target, self.window) = (target, window);
        }
    }

    /// Whether files of this stream lie in the live directory of the webroot, and not each beside its playlist.
    fn is_alone(&self) -> bool {
        self.settings.home == Home::Live
    }
}
