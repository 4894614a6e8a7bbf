//! Publishing: a finished file becomes an entry of the playlist, and the playlist a file.
//!
//! In: files in their order. Out: `stream.m3u8`, then `status.json`, replaced. Nothing is deleted before the playlist
//! that no longer names it is on disk. Runs on the watcher's thread.

pub(crate) mod burst;
pub(crate) mod listed;
pub(crate) mod low_latency;
pub(crate) mod low_latency_file;
pub(crate) mod multivariant;
pub(crate) mod refused;
pub(crate) mod retention;
pub(crate) mod write;

use crate::events::finished_file::{Finished, Refusal};
use crate::order::{Candidate, break_between};
use crate::publish::burst::Burst;
use crate::publish::listed::{Held, ListedFile};
use crate::publish::low_latency::{Encoder, LowLatencyList};
use crate::publish::low_latency_file::LowLatencyFile;
use crate::publish::refused::Refused;
use crate::publish::retention::Retention;
use crate::settings::ChannelSettings;
use crate::settings::Naming;
use crate::timeline::dates::{Dates, Smoothed};
use crate::timeline::shared::Common;
use crate::timeline::target_duration::Promise;
use crate::world::World;
use jiff::Timestamp;
use livedir_layout::directory::stamp::{COARSEST_TICK, Stamp};
use livedir_layout::meters::Meters;
use livedir_layout::names::{LIVE, name_of_uri, number_of_name, uri_of_name};
use livedir_layout::status::{Newest, SegmentStatus};
use livedir_media::{Discontinuity, Facts, discontinuity};
use livedir_playlist::{BitRateMeter, Evicted, MediaPlaylist, ResumeError, Segment, TICKS_PER_S, Window};
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::overload::FallingBehind;
use livedir_time::ticks::seconds;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};
use tracing::{debug, info, warn};

/// What the playlist goes on from.
pub(crate) enum Last {
    /// Nothing was published ever.
    Nothing,
    /// A segment that is not known.
    Unknown,
    /// This one.
    Known(Box<Facts>),
    /// A gap on a timeline that began in a gap: what comes next goes on from it.
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

/// The playlists of runs before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Before {
    /// They listed no segment of this number, nor of one behind it.
    pub(crate) until: u64,
    /// The longest that one of them can have been.
    pub(crate) longest_90k: u64,
}

/// What cannot be written, and was told.
#[derive(Debug, Default)]
pub(crate) struct Fails {
    pub(crate) playlist: bool,
    pub(crate) status: bool,
}

pub(crate) struct Publication {
    pub(crate) world: World,
    pub(crate) settings: ChannelSettings,
    pub(crate) meters: Arc<Meters>,
    pub(crate) window: Window,
    pub(crate) promise: Promise,
    /// The files that are listed, by name, as they were when they were listed; `None` when that was in another run.
    pub(crate) listed: BTreeMap<String, Option<ListedFile>>,
    pub(crate) retention: Retention,
    pub(crate) before: Before,
    pub(crate) refused: Refused,
    pub(crate) last: Last,
    /// By how much the numbers of names are ahead of those of the playlist, where names have numbers of ours.
    pub(crate) ahead: i64,
    dates: Dates,
    pub(crate) started_at: Timestamp,
    /// Whether the playlist has ended in this run.
    pub(crate) ends: bool,
    /// How long the parts are of each segment of which the list of a run before tells.
    pub(crate) told_90k: BTreeMap<u64, u64>,
    /// The number of the first segment of this run, where numbers are ours.
    pub(crate) first_of_run: Option<u64>,
    /// Since when no segment has come; `None` while they come.
    pub(crate) silent_since: Option<Timestamp>,
    pub(crate) newest: Option<Newest>,
    pub(crate) rate: BitRateMeter,
    /// Taken out of the playlist, and still in the one on disk.
    pub(crate) leaving: Vec<Evicted>,
    /// The playlist on disk is not the one in memory.
    pub(crate) is_behind: bool,
    pub(crate) fails: Fails,
    pub(crate) status_written_at: Option<Instant>,
    /// When `status.json`, which is not the newest, is to be written; `None`: it is.
    pub(crate) status_due_at: Option<Instant>,
    pub(crate) burst: Burst,
    pub(crate) low_latency: Option<LowLatencyFile>,
    /// Shared with the other renditions of the stream, if there are some.
    pub(crate) common: Option<Arc<Mutex<Common>>>,
    /// When the playlist got its last entry.
    pub(crate) last_listed_at: Instant,
    /// When people are told of gaps.
    pub(crate) gaps: FallingBehind,
}

impl Publication {
    /// Goes on from `previous`.
    pub(crate) fn new(
        world: World,
        settings: ChannelSettings,
        meters: Arc<Meters>,
        previous: Option<MediaPlaylist>,
    ) -> Result<Self, ResumeError> {
        let (promise, window) = Promise::new(settings.target_duration_s, settings.window_segments, previous)?;
        let home = settings.home;
        let names = window.playlist().segments.iter().filter_map(|segment| name_of_uri(home, &segment.uri));
        let low_latency = settings.part_target_90k.map(|part_target_90k| {
            let encoder = match settings.naming {
                Naming::Numbered => Encoder::Ours,
                Naming::Any => Encoder::Foreign,
            };
            LowLatencyFile::new(LowLatencyList::new(
                part_target_90k,
                encoder,
                settings.home,
                settings.window_segments,
            ))
        });
        Ok(Self {
            low_latency,
            listed: names.map(|name| (name, None)).collect(),
            dates: match settings.naming {
                Naming::Numbered => Dates::OfFiles,
                Naming::Any => Dates::Smoothed(Smoothed::default()),
            },
            settings,
            meters,
            window,
            promise,
            retention: Retention::default(),
            before: Before::default(),
            refused: Refused::default(),
            last: Last::Nothing,
            ahead: 0,
            started_at: world.date(),
            ends: false,
            told_90k: BTreeMap::new(),
            first_of_run: None,
            silent_since: None,
            newest: None,
            rate: BitRateMeter::default(),
            leaving: Vec::new(),
            is_behind: false,
            fails: Fails::default(),
            status_written_at: None,
            status_due_at: None,
            burst: Burst::default(),
            common: None,
            last_listed_at: world.now(),
            gaps: FallingBehind::default(),
            world,
        })
    }

    pub(crate) fn playlist(&self) -> &MediaPlaylist {
        self.window.playlist()
    }

    /// The longest that the playlist has been.
    pub(crate) fn longest_duration_90k(&self) -> u64 {
        self.window.longest_duration_90k()
    }

    /// Learns what the first segment goes on from: the last one that is listed.
    pub(crate) fn goes_on_from(&mut self, mut facts: Facts) {
        self.hold_to_promise(&mut facts);
        if let Some(date) = self.window.playlist().segments.last().and_then(|last| last.program_date_time) {
            self.dates.resume(&facts, date);
        }
        self.last = Last::Known(Box::new(facts));
    }

    /// The name of a file as people are to read it, with its channel.
    pub(crate) fn label(&self, name: &str) -> String {
        match self.settings.naming {
            Naming::Numbered => name.to_owned(),
            Naming::Any => format!("{}{LIVE}/{name}", self.settings.label),
        }
    }

    /// Says which file cannot be listed, why, and what to do: it never will be, and the rest goes on. Once for each file.
    pub(crate) fn refuse(&mut self, name: &str, stamp: Option<Stamp>, reason: &Refusal) {
        if !stamp.is_none_or(|stamp| self.refused.take(name, stamp)) {
            debug!(name = self.label(name), "segment still refused: {reason}");
            return;
        }
        self.meters.segments_refused.add(1);
        warn!(name = self.label(name), "segment refused: {reason}");
        self.write_status();
    }

    /// Lists a segment, or refuses its file. `together`: files that came with it.
    pub(crate) fn publish<'a>(
        &mut self,
        candidate: Candidate,
        together: impl Iterator<Item = &'a Finished> + Clone,
    ) {
        let (name, stamp) = (candidate.name.clone(), candidate.finished.stamp);
        match self.list(candidate, together) {
            Ok(()) => self.refused.forget(&name),
            Err(reason) => self.refuse(&name, Some(stamp), &reason),
        }
    }

    fn list<'a>(
        &mut self,
        candidate: Candidate,
        together: impl Iterator<Item = &'a Finished> + Clone,
    ) -> Result<(), Refusal> {
        let Candidate { name, mut finished, seen_at } = candidate;
        let durations_90k = together.clone().map(|it| it.facts.duration_90k);
        if let Some(mut window) =
            self.promise.keep(&self.window, finished.facts.duration_90k, durations_90k)?
        {
            window.remember_length(self.window.longest_duration_90k());
            self.window = window;
            let target_duration_s = self.window.playlist().target_duration_s;
            info!(
                channel = self.settings.channel(),
                target_duration_s,
                "no segment may be longer than this for as long as the stream lives; --target-duration chooses it"
            );
        }
        let number = number_of_name(&name);
        self.check_length(&name, &finished.facts)?;
        self.leave_out_before(number);
        if let Some(number) = number {
            self.fill_up_to(number, Some(&finished))?;
        }
        let break_before = self.agreed_break(number, &finished.facts);
        if let (Last::Known(last), None) = (&self.last, &break_before) {
            let before_90k = distance_90k(last.start_90k, finished.facts.start_90k);
            finished.facts.last_like(before_90k.max(0) as u64);
        }
        self.hold_to_promise(&mut finished.facts);
        let filmed_at = self.dates.date(&finished, break_before.is_none(), together);
        let break_before = self.agreed_on_clock(number, break_before, filmed_at, &finished.facts);
        let filmed_at = self.not_before_last(break_before.is_some(), filmed_at);
        if self.burst.is_full(self.settings.window_segments) {
            self.write_postponed();
        }
        // What was said before its first part holds for the whole.
        let beginning =
            number.zip(self.low_latency.as_ref()).and_then(|(number, file)| file.list.beginning_of(number));
        let evicted = self.window.push(Segment {
            uri: uri_of_name(self.settings.home, &name),
            duration_90k: finished.facts.duration_90k,
            program_date_time: beginning.map_or(filmed_at, |beginning| beginning.filmed_at),
            discontinuity: beginning.map_or(break_before.is_some(), |beginning| beginning.discontinuity),
            gap: false,
        })?;
        if let (Some(number), Some(file)) = (number, &mut self.low_latency) {
            let media_sequence = self.window.next_media_sequence() - 1;
            file.list.segment_listed(number, media_sequence, finished.facts.duration_90k, self.world.now());
        }
        self.ends = false;
        self.retention.forget(&name);
        self.let_go(evicted);
        let held = Held { contents: finished.contents(), start_90k: finished.facts.start_90k };
        self.listed.insert(name.clone(), Some(ListedFile { stamp: finished.stamp, held: Some(held) }));
        self.note_listed();
        if self.silent_since.take().is_some() {
            // What it says of the silence is no longer true.
            self.status_written_at = None;
        }
        let is_written = self.write_playlist_in_turn();
        let lag = lag(&finished, self.settings.naming, seen_at, self.world.now(), self.world.wall());

        let Finished { facts, stamp, .. } = finished;
        let bytes = stamp.bytes;
        let duration_s = seconds(facts.duration_90k);
        let has_discontinuity = self.window.playlist().segments.last().is_some_and(|it| it.discontinuity);
        self.meters.segments_published.add(1);
        self.meters.discontinuities.add(u64::from(has_discontinuity));
        let label = self.label(&name);
        if is_written != Some(false) {
            let lag_ms = is_written.map(|_| lag.as_micros() as f64 / 1_000.0);
            if is_written.is_some() {
                self.meters.publish_lag_us.set(lag.as_micros() as u64);
            }
            let discontinuity = break_before.map(tracing::field::display);
            // A line for each segment of a thousand channels is read by nobody.
            if self.settings.channel().is_none() || has_discontinuity {
                info!(name = label, duration_s, bytes, lag_ms, discontinuity, "segment published");
            } else {
                debug!(name = label, duration_s, bytes, lag_ms, "segment published");
            }
        }
        if facts.counter_breaks() > 0 {
            let breaks = facts.counter_breaks();
            warn!(
                name = label,
                breaks, "packets are missing inside the segment; look at the network or the muxer"
            );
        }
        self.note_frames(&facts);
        self.last = Last::Known(Box::new(facts.clone()));
        self.rate.push(bytes, duration_s, f64::from(self.window.playlist().target_duration_s));
        let segment = SegmentStatus { name, duration_s, bytes, filmed_at };
        let newest = Newest { segment, facts };
        self.meters.bitrate_bps.set(newest.bitrate_bps());
        self.newest = Some(newest);
        Ok(())
    }

    /// A file that is too long is refused before anything is said of those before it.
    fn check_length(&self, name: &str, facts: &Facts) -> Result<(), Refusal> {
        let mut facts = facts.clone();
        self.hold_to_promise(&mut facts);
        let segment = Segment {
            uri: uri_of_name(self.settings.home, name),
            duration_90k: facts.duration_90k,
            program_date_time: None,
            discontinuity: false,
            gap: false,
        };
        Ok(self.window.check(&segment)?)
    }

    /// One that is ended promises nothing of what comes after it.
    fn hold_to_promise(&self, facts: &mut Facts) {
        let playlist = self.window.playlist();
        if !playlist.ended {
            facts.hold_to(u64::from(playlist.target_duration_s) * TICKS_PER_S);
        }
    }

    pub(crate) fn break_before(&self, facts: &Facts) -> Option<Break> {
        match (&self.last, self.settings.naming) {
            (Last::Nothing | Last::Gap, _) => None,
            (Last::Unknown, _) => Some(Break::Unknown),
            (Last::Known(last), Naming::Numbered) => discontinuity(last, facts).map(Break::Known),
            (Last::Known(last), Naming::Any) => break_between(last, facts).map(Break::Known),
        }
    }

    /// Ends the playlist, for now: the next segment begins a new one behind it.
    pub(crate) fn end_for_now(&mut self) {
        if self.window.next_media_sequence() == 1 || self.window.playlist().ended {
            return;
        }
        self.window.end();
        self.ends = true;
        self.is_behind = true;
        self.write_playlist();
        self.write_low_latency();
        let ended = self.window.playlist().clone();
        let settings = (self.settings.target_duration_s, self.settings.window_segments);
        // An ended playlist can always be resumed.
        if let Ok((promise, window)) = Promise::new(settings.0, settings.1, Some(ended)) {
            (self.promise, self.window) = (promise, window);
        }
        self.write_status();
    }
}

/// Why a segment carries EXT-X-DISCONTINUITY.
#[derive(Debug)]
pub(crate) enum Break {
    Known(Discontinuity),
    Unknown,
    /// The clock was set back: a date would stand for two moments.
    Clock,
    /// The other renditions say so.
    Elsewhere,
}

impl std::fmt::Display for Break {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(reason) => reason.fmt(out),
            Self::Unknown => out.write_str("the segment before is gone"),
            Self::Clock => out.write_str("the clock was set back"),
            Self::Elsewhere => out.write_str("the timeline breaks in the other sizes"),
        }
    }
}

/// From its completion to now: no less than since the event was seen, and, where we know that it was completed by its
/// rename, no less than the file's own time of change says, as exactly as its clock ticks.
fn lag(
    finished: &Finished,
    naming: Naming,
    seen_at: Instant,
    now: Instant,
    now_on_the_wall: SystemTime,
) -> Duration {
    let since_seen = now.saturating_duration_since(seen_at);
    let since_renamed = match naming {
        Naming::Numbered => now_on_the_wall.duration_since(finished.stamp.changed_at).unwrap_or_default(),
        Naming::Any => Duration::ZERO,
    };
    since_seen.max(since_renamed.saturating_sub(COARSEST_TICK))
}
