//! Publishing: a finished file becomes an entry of the playlist, and the playlist a file.
//!
//! In: the number of a segment. Out: `stream.m3u8`, then `status.json`, replaced. Nothing is deleted before the playlist
//! that no longer names it is on disk. Runs on the watcher's thread.

use super::{
    finished_file::{self, Finished, Refusal},
    plan::Predecessor,
};
use crate::{
    meters::Meters,
    playlist_file::{PLAYLIST, STATUS, replace},
    probe::{Discontinuity, Facts, discontinuity},
    retention::Retention,
    segment_name::{number_of_uri, segment_name, segment_uri},
    status::{Newest, SegmentStatus, seconds, status},
};
use jiff::{Timestamp, Unit};
use livedir_playlist::{Evicted, Segment, Window, render};
use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tracing::{debug, info, warn};

/// The kernel stamps a rename with a clock that ticks this often at the least: 100 times a second.
const COARSEST_TICK: Duration = Duration::from_millis(10);

/// What the playlist goes on from.
pub(super) enum Last {
    /// Nothing was published ever.
    Nothing,
    /// A segment that is not known.
    Unknown,
    /// This one.
    Known(Box<Facts>),
}

pub(super) struct Publication {
    pub(super) webroot: PathBuf,
    pub(super) meters: Arc<Meters>,
    pub(super) window: Window,
    pub(super) retention: Retention,
    pub(super) last: Last,
    pub(super) started_at: Timestamp,
    newest: Option<Newest>,
    /// Taken out of the playlist, and still in the one on disk.
    leaving: Vec<Evicted>,
    /// The playlist on disk is not the one in memory.
    is_behind: bool,
    playlist_fails: bool,
    status_fails: bool,
    buffer: Vec<u8>,
}

impl Publication {
    pub(super) fn new(webroot: PathBuf, meters: Arc<Meters>, window: Window) -> Self {
        Self {
            webroot,
            meters,
            window,
            retention: Retention::default(),
            last: Last::Nothing,
            started_at: now_to_the_millisecond(),
            newest: None,
            leaving: Vec::new(),
            is_behind: false,
            playlist_fails: false,
            status_fails: false,
            buffer: Vec::new(),
        }
    }

    /// Learns what the first segment goes on from.
    pub(super) fn remember(&mut self, predecessor: Predecessor) {
        self.last = match predecessor {
            Predecessor::None => Last::Nothing,
            Predecessor::Gone => Last::Unknown,
            Predecessor::OnDisk(number) => {
                match finished_file::read(&self.webroot, number, &mut self.buffer) {
                    Ok(finished) => Last::Known(Box::new(finished.facts)),
                    Err(reason) => {
                        debug!(number, %reason, "the last segment cannot be read back");
                        Last::Unknown
                    }
                }
            }
        };
    }

    /// Lists a segment, or refuses its file: then it is never listed, and the rest goes on.
    pub(super) fn publish(&mut self, number: u64, seen_at: Instant) {
        if let Err(reason) = self.list(number, seen_at) {
            self.meters.segments_refused.add(1);
            warn!(name = segment_name(number), "segment refused: {reason}");
        }
    }

    fn list(&mut self, number: u64, seen_at: Instant) -> Result<(), Refusal> {
        let finished = finished_file::read(&self.webroot, number, &mut self.buffer)?;
        let break_before = self.break_before(&finished.facts);
        let filmed_at = finished.filmed_at();
        let evicted = self.window.push(Segment {
            uri: segment_uri(number),
            duration_90k: finished.facts.duration_90k,
            program_date_time: filmed_at,
            discontinuity: break_before.is_some(),
        })?;
        self.leaving.extend(evicted);
        self.is_behind = true;
        let is_written = self.write_playlist();
        let lag = lag(&finished, seen_at, Instant::now(), SystemTime::now());

        let Finished { facts, bytes, .. } = finished;
        let name = segment_name(number);
        let duration_s = seconds(facts.duration_90k);
        let has_discontinuity = self.window.playlist().segments.last().is_some_and(|it| it.discontinuity);
        self.meters.segments_published.add(1);
        self.meters.discontinuities.add(u64::from(has_discontinuity));
        if is_written {
            self.meters.publish_lag_us.set(lag.as_micros() as u64);
            let lag_ms = lag.as_micros() as f64 / 1_000.0;
            let discontinuity = break_before.map(tracing::field::display);
            info!(name, duration_s, bytes, lag_ms, discontinuity, "segment published");
        }
        if facts.counter_breaks() > 0 {
            let breaks = facts.counter_breaks();
            warn!(name, breaks, "packets are missing inside the segment; look at the network or the muxer");
        }
        self.last = Last::Known(Box::new(facts.clone()));
        let segment = SegmentStatus { name, duration_s, bytes, filmed_at };
        let newest = Newest { segment, facts };
        self.meters.bitrate_bps.set(newest.bitrate_bps());
        self.newest = Some(newest);
        self.write_status();
        Ok(())
    }

    fn break_before(&self, facts: &Facts) -> Option<Break> {
        match &self.last {
            Last::Nothing => None,
            Last::Unknown => Some(Break::Unknown),
            Last::Known(last) => discontinuity(last, facts).map(Break::Known),
        }
    }

    /// Marks the playlist as one that has to be written.
    pub(super) fn has_changed(&mut self) {
        self.is_behind = true;
    }

    /// Writes the playlist if the one on disk is not the newest. A failure is survived: nothing is lost, and the next
    /// call tries again.
    pub(super) fn write_playlist(&mut self) -> bool {
        if !self.is_behind {
            return true;
        }
        match self.replace_playlist() {
            Ok(()) => {
                if std::mem::take(&mut self.playlist_fails) {
                    info!("the playlist can be written again");
                }
                true
            }
            Err(error) => {
                if !std::mem::replace(&mut self.playlist_fails, true) {
                    warn!(
                        %error,
                        "stream.m3u8 cannot be written; free space or make webroot writable, it is tried again at every segment"
                    );
                }
                false
            }
        }
    }

    fn replace_playlist(&mut self) -> io::Result<()> {
        replace(&self.webroot, PLAYLIST, render(self.window.playlist()).as_bytes())?;
        self.is_behind = false;
        let now = Instant::now();
        for evicted in self.leaving.drain(..) {
            // Files under names that are not ours are not ours to delete.
            if let Some(number) = number_of_uri(&evicted.segment.uri) {
                self.retention.keep(number, now, evicted.grace_90k);
            }
        }
        Ok(())
    }

    fn write_status(&mut self) {
        let now = now_to_the_millisecond();
        let status = status(self.started_at, now, self.window.playlist(), self.newest.as_ref(), &self.meters);
        let written = serde_json::to_vec(&status)
            .map_err(io::Error::from)
            .and_then(|json| replace(&self.webroot, STATUS, &json));
        match written {
            Ok(()) => self.status_fails = false,
            Err(error) if !self.status_fails => {
                self.status_fails = true;
                warn!(%error, "status.json cannot be written; free space or make webroot writable");
            }
            Err(_) => {}
        }
    }

    /// Writes what there is to write at the end; the playlist must get there.
    pub(super) fn finish(&mut self, end_list: bool) -> io::Result<()> {
        // Where nothing was ever published, there is nothing to end.
        if end_list && self.window.next_media_sequence() > 1 {
            self.window.end();
            self.is_behind = true;
        }
        let written = if self.is_behind { self.replace_playlist() } else { Ok(()) };
        self.write_status();
        written
    }
}

/// Why a segment carries EXT-X-DISCONTINUITY.
#[derive(Debug)]
enum Break {
    Known(Discontinuity),
    Unknown,
}

impl std::fmt::Display for Break {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(reason) => reason.fmt(out),
            Self::Unknown => out.write_str("the segment before is gone"),
        }
    }
}

/// From the rename to now: no less than since the event was seen, and no less than the file's own time of change says,
/// as exactly as its clock ticks.
fn lag(finished: &Finished, seen_at: Instant, now: Instant, now_on_the_wall: SystemTime) -> Duration {
    let since_seen = now.saturating_duration_since(seen_at);
    let since_renamed = finished.renamed_at.and_then(|at| now_on_the_wall.duration_since(at).ok());
    since_seen.max(since_renamed.unwrap_or_default().saturating_sub(COARSEST_TICK))
}

fn now_to_the_millisecond() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now)
}
