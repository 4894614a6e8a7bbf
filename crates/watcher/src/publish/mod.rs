//! Publishing: what the timeline lists becomes files.
//!
//! In: files in their order, and the changes of the [`Timeline`]. Out: `stream.m3u8`, then `status.json`, replaced. Nothing is
//! deleted before the playlist that no longer names it is on disk. Runs on the watcher's thread.

pub(crate) mod burst;
pub(crate) mod low_latency_file;
pub(crate) mod multivariant;
pub(crate) mod other_names;
pub(crate) mod rates;
pub(crate) mod refused;
pub(crate) mod retention;
pub(crate) mod write;

use crate::events::finished_file::Finished;
use crate::events::refusal::Refusal;
use crate::order::Candidate;
use crate::publish::burst::Burst;
use crate::publish::low_latency_file::LowLatencyFile;
use crate::publish::other_names::OtherNames;
use crate::publish::refused::Refused;
use crate::publish::retention::Retention;
use crate::publish::write::Written;
use crate::settings::{ChannelSettings, Naming};
use crate::timeline::{Changes, Listed, NotListed, Now, Timeline};
use crate::world::World;
use jiff::Timestamp;
use livedir_layout::directory::stamp::{COARSEST_TICK, Stamp};
use livedir_layout::files::OnDisk;
use livedir_layout::meters::Meters;
use livedir_layout::names::{LIVE, uri_of_name};
use livedir_layout::status::{Newest, SegmentStatus};
use livedir_playlist::{BitRateMeter, Evicted, MediaPlaylist, ResumeError};
use livedir_time::overload::{Overload, Told};
use livedir_time::ticks::{of_seconds, seconds};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tracing::{debug, info, warn};

/// The playlists of runs before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Before {
    /// They listed no segment of this number, nor of one behind it.
    pub(crate) until: u64,
    /// The longest that one of them can have been.
    pub(crate) longest_90k: u64,
}

/// What is on disk of one stream.
pub(crate) struct Publication {
    world: World,
    settings: ChannelSettings,
    pub(crate) meters: Arc<Meters>,
    pub(crate) timeline: Timeline,
    pub(crate) retention: Retention,
    pub(crate) before: Before,
    pub(crate) refused: Refused,
    /// They go with the first one.
    pub(crate) other_names: OtherNames,
    started_at: Timestamp,
    /// Since when no segment has come; `None` while they come.
    pub(crate) silent_since: Option<Timestamp>,
    newest: Option<Newest>,
    rate: BitRateMeter,
    /// Taken out of the playlist, and still in the one on disk.
    leaving: Vec<Evicted>,
    written: Written,
    burst: Burst,
    low_latency: Option<LowLatencyFile>,
    /// When people are told of gaps.
    gaps: Overload,
}

impl Publication {
    /// Goes on from `previous`.
    pub(crate) fn new(
        world: World,
        settings: ChannelSettings,
        meters: Arc<Meters>,
        previous: Option<MediaPlaylist>,
    ) -> Result<Self, ResumeError> {
        Ok(Self {
            timeline: Timeline::new(settings.clone(), previous, world.now())?,
            low_latency: settings.part_target_90k.map(|_| LowLatencyFile::default()),
            settings,
            meters,
            retention: Retention::default(),
            before: Before::default(),
            refused: Refused::default(),
            other_names: OtherNames::default(),
            started_at: world.date(),
            silent_since: None,
            newest: None,
            rate: BitRateMeter::default(),
            leaving: Vec::new(),
            written: Written::default(),
            burst: Burst::default(),
            gaps: Overload::default(),
            world,
        })
    }

    pub(crate) fn playlist(&self) -> &MediaPlaylist {
        self.timeline.playlist()
    }

    pub(crate) fn now(&self) -> Now {
        Now { at: self.world.now(), date: self.world.date() }
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

    /// Lists a segment, or refuses its file. `together`: files that came with it. Says whether it is listed.
    pub(crate) fn publish<'a>(
        &mut self,
        candidate: Candidate,
        together: impl Iterator<Item = &'a Finished> + Clone,
    ) -> bool {
        if self.burst.is_full(self.settings.window_segments) {
            self.write_postponed();
        }
        let Candidate { name, finished, seen_at } = candidate;
        let (stamp, now) = (finished.stamp, self.now());
        let listed = self.timeline.list(&name, finished, together, now);
        self.take_changes();
        match listed {
            Ok(listed) => {
                self.refused.forget(&name);
                self.note_listed(name, listed, seen_at);
                true
            }
            Err(reason) => {
                self.refuse(&name, Some(stamp), &reason);
                false
            }
        }
    }

    /// A segment is listed: writes the playlist, and tells of it.
    fn note_listed(&mut self, name: String, listed: Listed, seen_at: Instant) {
        self.retention.forget(&name);
        self.note_in_time();
        if self.silent_since.take().is_some() {
            // What it says of the silence is no longer true.
            self.written.status_at = None;
        }
        let is_written = self.write_playlist_in_turn();
        let lag = lag(&listed.stamp, self.settings.naming, seen_at, self.world.now(), self.world.wall());

        let Listed { break_before, discontinuity: has_discontinuity, filmed_at, facts, stamp, .. } = listed;
        let bytes = stamp.bytes;
        let duration_s = seconds(facts.duration_90k);
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
        self.rate.push(bytes, duration_s, f64::from(self.playlist().target_duration_s));
        let segment = SegmentStatus { name, duration_s, bytes, filmed_at };
        let newest = Newest { segment, facts };
        self.meters.bitrate_bps.set(newest.bitrate_bps());
        self.newest = Some(newest);
    }

    /// Segments come: gaps are told of no more.
    fn note_in_time(&mut self) {
        if let Some(Told::KeepsUp(episode)) = self.gaps.kept_up(self.world.now()) {
            let (size, gaps, lasted_s) = (self.size(), episode.segments, episode.lasted.as_secs_f64());
            info!(size, gaps, lasted_s, "no more segments are missing");
        }
    }

    /// Takes what has changed in the timeline, and tells of it.
    pub(crate) fn take_changes(&mut self) {
        let Changes { left, gaps, parts_left, parts_late, failures, promised_s, is_changed } =
            self.timeline.take_changes();
        if let Some(target_duration_s) = promised_s {
            info!(
                channel = self.settings.channel(),
                target_duration_s, "target duration fixed; --target-duration sets it"
            );
        }
        self.leaving.extend(left);
        self.written.is_behind |= is_changed;
        for (name, at) in gaps {
            let size = self.size();
            if self.gaps.left_out(1, at).is_some() {
                warn!(size, name, "segment is missing; listed as a gap");
            } else {
                debug!(size, name, "one more segment is missing; listed as a gap");
            }
        }
        for failure in failures {
            match failure {
                NotListed::Gap(error) => warn!(%error, "gap not listed"),
                NotListed::Part(error) => warn!(%error, "part not listed"),
            }
        }
        if let Some(file) = &mut self.low_latency {
            file.leaving.extend(parts_left);
        }
        self.keep_parts(parts_late.into_iter());
    }

    /// Lists a gap under this number, the next.
    pub(crate) fn leave_out(&mut self, number: u64) {
        self.timeline.leave_out_up_to(number + 1, self.now());
        self.write_playlist();
        // It may be the one that speaks for the whole stream.
        self.write_status();
    }

    /// Lists a gap in the place of a segment that was begun in parts and will never be whole.
    pub(crate) fn leave_out_open(&mut self, number: u64) {
        if self.timeline.leave_out_open(number, self.now()) {
            self.write_playlist();
            self.write_status();
        }
    }

    /// A segment of which the run before has listed parts, and that has no file, is a gap: players know its number.
    pub(crate) fn leave_out_interrupted(&mut self, number: u64) {
        self.timeline.leave_out_interrupted(number, self.now());
        self.take_changes();
    }

    /// Lists gaps for what the other renditions have listed before this number, with which the stream has ended.
    pub(crate) fn leave_out_up_to(&mut self, number: u64) {
        self.timeline.leave_out_up_to(number, self.now());
        self.take_changes();
    }

    /// Lists gaps for what is missing before this number, with which this run begins.
    pub(crate) fn go_on_up_to(&mut self, number: u64) {
        self.timeline.go_on_up_to(number, self.now());
        self.take_changes();
    }

    /// The name of its directory.
    fn size(&self) -> String {
        self.settings.webroot.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// All segments leave the playlist with the next version of it, which begins where the other renditions go on. `waits`: what is on
    /// disk stays until then.
    pub(crate) fn begin_anew_at(
        &mut self,
        (number, discontinuity_sequence): (u64, u64),
        target_duration_s: Option<u32>,
        waits: bool,
    ) {
        if self.timeline.begin_anew_at((number, discontinuity_sequence), target_duration_s) {
            self.take_changes();
            // Its numbers are kept, whatever comes before its first segment.
            self.written.is_behind = number > 1 && !waits;
        }
    }

    /// The playlist on disk is not gone on with, and stands until the next one is written. Says whether it lists the file of this
    /// name, which leaves with it.
    pub(crate) fn lists_no_longer(&mut self, on_disk: &OnDisk, name: &str) -> bool {
        let OnDisk::Playlist { playlist, .. } = on_disk else { return false };
        let uri = uri_of_name(self.settings.home, name);
        let mut numbered = (playlist.media_sequence..).zip(&playlist.segments);
        let Some((media_sequence, segment)) = numbered.find(|(_, it)| it.uri == uri && !it.gap) else {
            return false;
        };
        let target_90k = of_seconds(playlist.target_duration_s) + of_seconds(1);
        let window_90k = target_90k * self.settings.window_segments as u64;
        let grace_90k = segment.duration_90k + window_90k.max(playlist.duration_90k());
        self.leaving.push(Evicted { segment: segment.clone(), media_sequence, grace_90k });
        true
    }

    /// No segment has come for so long: tells the log and `status.json`.
    pub(crate) fn note_silence(&mut self, lasted: Duration) {
        let lasted = jiff::SignedDuration::try_from(lasted).unwrap_or_default();
        let now = self.world.date();
        let since = now.checked_sub(lasted).unwrap_or(now);
        self.silent_since = Some(since);
        warn!(
            channel = self.settings.channel(),
            %since,
            "no segment has come; check the encoder; the playlist waits for it"
        );
        self.write_status();
    }

    /// Ends the playlist, for now: the next segment begins a new one behind it.
    pub(crate) fn end_for_now(&mut self) {
        if !self.timeline.end() {
            return;
        }
        self.write_playlist();
        self.write_low_latency();
        self.timeline.goes_on_behind_end();
        self.write_status();
    }
}

/// From its completion to now: no less than since the event was seen, and, where we know that it was completed by its
/// rename, no less than the file's own time of change says, as exactly as its clock ticks.
fn lag(
    stamp: &Stamp,
    naming: Naming,
    seen_at: Instant,
    now: Instant,
    now_on_the_wall: SystemTime,
) -> Duration {
    let since_seen = now.saturating_duration_since(seen_at);
    let since_renamed = match naming {
        Naming::Numbered => now_on_the_wall.duration_since(stamp.changed_at).unwrap_or_default(),
        Naming::Any => Duration::ZERO,
    };
    since_seen.max(since_renamed.saturating_sub(COARSEST_TICK))
}
