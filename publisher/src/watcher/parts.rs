//! Parts of segments: files in `live/` → `ll.m3u8`. The thin part of [`low_latency`](super::low_latency).
//!
//! In: names of parts that are complete, and at the start those that lie there. Out: `ll.m3u8`, replaced. Runs on the
//! watcher's thread.

use super::{
    Desk, Naming,
    channel::Channel,
    dates::Dates,
    finished_file::{self, Finished, Refusal},
    low_latency::{Beginning, LowLatencyList},
    publish::Publication,
};
use crate::{
    directory::Directory,
    playlist_file::{LOW_LATENCY_PLAYLIST, replace},
    probe::Facts,
    segment_name::{is_transport_stream, name_of_uri, number_of_uri, part_name, part_of_name, segment_name},
};
use jiff::Timestamp;
use livedir_playlist::{EvictedPart, TICKS_PER_S};
use std::{
    collections::BTreeSet,
    io::{self, Read as _},
    path::Path,
    time::{Duration, Instant},
};
use tracing::{debug, info, warn};

/// How long the last part of a segment is waited for: it follows the segment at once.
const PATIENCE: Duration = Duration::from_millis(500);

/// `ll.m3u8`.
pub(super) struct LowLatencyFile {
    pub(super) list: LowLatencyList,
    /// What it says.
    text: String,
    fails: bool,
}

impl LowLatencyFile {
    pub(super) fn new(list: LowLatencyList) -> Self {
        Self { list, text: String::new(), fails: false }
    }
}

impl Channel {
    /// A part is complete, as an event says.
    pub(super) fn part_complete(&mut self, name: &str, desk: &mut Desk) {
        if !self.publication.is_low_latency() {
            return;
        }
        match finished_file::read_part(&*self.world.directory, &self.live.join(name), &mut desk.buffer) {
            Ok(finished) => self.publication.part(name, finished),
            Err(Refusal::Vanished) => {}
            Err(reason) => self.publication.refuse(name, None, &reason),
        }
    }

    /// Takes up the parts that a run before has left: those of the last segments stay in `ll.m3u8`, and all others go after
    /// their grace.
    pub(super) fn restore_parts(&mut self, next_number: u64, desk: &mut Desk) {
        let parts = match parts_in(&*self.world.directory, &self.live) {
            Ok(parts) => parts,
            Err(error) => {
                return warn!(%error, "the parts that lie there cannot be listed; make live/ readable");
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
                let Some(number) = number.filter(|&number| parts.contains(&(number, 0))) else { continue };
                for part in (0..).take_while(|&part| parts.contains(&(number, part))) {
                    let name = part_name(number, part);
                    match finished_file::read_part(&*self.world.directory, &self.live.join(&name), &mut desk.buffer) {
                        Ok(finished) => self.publication.restore_part(&name, &finished),
                        Err(reason) => debug!(name, %reason, "part not taken up"),
                    }
                    restored.insert((number, part));
                }
                self.publication.parts_restored(media_sequence, segment.duration_90k);
            }
        }
        let numbers = playlist.segments.iter().filter_map(|segment| number_of_uri(&segment.uri));
        let next_number = numbers.max().map_or(next_number, |last| next_number.max(last + 1));
        self.publication.settle_parts(next_number);
        let (old, new): (Vec<_>, Vec<_>) =
            parts.difference(&restored).partition(|(number, _)| *number < next_number);
        self.publication.keep_parts(old.into_iter().map(|&(number, part)| part_name(number, part)));
        // The segment that another encoder is at.
        for &(number, part) in new {
            self.part_complete(&part_name(number, part), desk);
        }
    }
}

/// The first of the segments whose parts are listed: bis 4.4.4.9, three target durations.
fn near_the_end(playlist: &livedir_playlist::MediaPlaylist) -> usize {
    let near_90k = 3 * u64::from(playlist.target_duration_s) * TICKS_PER_S;
    let mut after_90k = 0;
    let near = playlist.segments.iter().rev().take_while(|segment| {
        let is_near = after_90k <= near_90k;
        after_90k += segment.duration_90k;
        is_near
    });
    playlist.segments.len() - near.count()
}

fn parts_in(directory: &dyn Directory, live: &Path) -> io::Result<BTreeSet<(u64, u32)>> {
    let names = directory.list(live)?.into_iter().filter_map(|entry| entry.name);
    Ok(names.filter(|name| is_transport_stream(name)).filter_map(|name| part_of_name(&name)).collect())
}

/// Makes a segment of the parts that a crash has left of one: what viewers have seen stays in the stream, under its
/// number.
pub(super) fn rejoin(directory: &dyn Directory, live: &Path) -> io::Result<()> {
    let parts = parts_in(directory, live)?;
    let numbers: BTreeSet<u64> = parts.iter().map(|(number, _)| *number).collect();
    // Only the last one can have been interrupted; all before it were completed, or lost on a full disk.
    let Some(&number) = numbers.last() else { return Ok(()) };
    let name = segment_name(number);
    if directory.has(&live.join(&name)) {
        return Ok(());
    }
    let (mut bytes, mut ended_at) = (Vec::new(), None);
    for part in (0..).take_while(|&part| parts.contains(&(number, part))) {
        let path = live.join(part_name(number, part));
        let mut part = directory.open(&path)?;
        part.bytes.read_to_end(&mut bytes)?;
        ended_at = Some(part.stamp.modified_at);
    }
    let Some(ended_at) = ended_at else { return Ok(()) };
    info!(name, "the last run was interrupted in this segment; it is made of the parts that were written");
    crate::segment_file::write(directory, live, &name, &bytes, ended_at)
}

/// Removes the low-latency playlist of a run before: nothing would be added to it any more, and players would wait.
pub(super) fn remove_old_list(directory: &dyn Directory, webroot: &Path) -> io::Result<()> {
    match directory.remove(&webroot.join(LOW_LATENCY_PLAYLIST)) {
        Ok(()) => {
            info!("ll.m3u8 of the last run is removed, as this one is without --low-latency");
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Publication {
    pub(super) fn is_low_latency(&self) -> bool {
        self.low_latency.is_some()
    }

    /// A part that is complete.
    fn part(&mut self, name: &str, finished: Finished) {
        let Some(file) = &mut self.low_latency else { return };
        if file.list.arrived(name, finished) {
            self.advance_parts();
        } else {
            debug!(name, "part came after its segment was complete");
            self.keep_parts(std::iter::once(name.to_owned()));
        }
    }

    /// Lists the parts that are in line, and writes `ll.m3u8`.
    pub(super) fn advance_parts(&mut self) {
        loop {
            let Some(file) = &self.low_latency else { return };
            // What it left out before has to be told first.
            let comes_next = file.list.given_up().map(|open| open + 1).or(file.list.first_number());
            if let Some(Err(error)) = comes_next.map(|number| self.fill_up_to(number)) {
                warn!(%error, "gap not listed");
            }
            let Some(file) = &self.low_latency else { return };
            let beginning = file.list.first_part().zip(file.list.first_number()).map(|(first, number)| {
                let discontinuity = self.agreed_break(Some(number), &first.facts).is_some();
                Beginning { filmed_at: self.date_of_part(first), discontinuity }
            });
            let Some(LowLatencyFile { list, .. }) = &mut self.low_latency else { return };
            if let Some(beginning) = beginning {
                list.begin(beginning);
            }
            let (evicted, errors) = list.advance(self.window.playlist(), PATIENCE, self.world.clock.now());
            let goes_on = list.first_part().is_some();
            for error in errors {
                warn!(%error, "part not listed");
            }
            self.keep_evicted_parts(evicted);
            if !goes_on {
                break;
            }
        }
        self.write_low_latency();
    }

    /// Whether the timeline breaks before a part with these facts.
    fn breaks_before(&self, facts: &Facts) -> bool {
        self.break_before(facts).is_some()
    }

    /// When the first picture of a part was captured that begins a segment.
    fn date_of_part(&self, part: &Finished) -> Option<Timestamp> {
        let last = self.window.playlist().segments.last();
        let runs_on = !self.breaks_before(&part.facts);
        let after_last = last.filter(|_| runs_on && self.settings.naming == Naming::Any).and_then(|last| {
            let duration = Duration::from_micros(last.duration_90k * 100 / 9);
            last.program_date_time?.checked_add(jiff::SignedDuration::try_from(duration).ok()?).ok()
        });
        after_last.or_else(|| Dates::OfFiles.date(part, runs_on, std::iter::empty()))
    }

    /// When a part that is missing is waited for no longer.
    pub(super) fn parts_deadline(&self) -> Option<Instant> {
        self.low_latency.as_ref().and_then(|file| file.list.deadline(PATIENCE))
    }

    fn restore_part(&mut self, name: &str, finished: &Finished) {
        if let Some(file) = &mut self.low_latency
            && let Err(error) = file.list.restore(name, finished)
        {
            debug!(%error, "part not taken up");
        }
    }

    fn parts_restored(&mut self, media_sequence: u64, duration_90k: u64) {
        if let Some(file) = &mut self.low_latency {
            file.list.restored(media_sequence, duration_90k, self.window.playlist());
        }
    }

    pub(super) fn settle_parts(&mut self, next_number: u64) {
        if let Some(file) = &mut self.low_latency {
            file.list.settle(next_number);
        }
    }

    fn keep_evicted_parts(&mut self, evicted: Vec<EvictedPart>) {
        let home = self.settings.home;
        let names = evicted.into_iter().filter_map(|part| name_of_uri(home, &part.uri));
        self.keep_parts(names);
    }

    /// Parts that are not listed, or no more, stay for three target durations (bis 6.2.2).
    fn keep_parts(&mut self, names: impl Iterator<Item = String>) {
        let grace_90k = 3 * u64::from(self.window.playlist().target_duration_s) * TICKS_PER_S;
        for name in names.filter(|_| !self.settings.keep) {
            self.retention.keep(&name, self.world.now(), grace_90k);
        }
    }

    /// Writes `ll.m3u8`, if it can be written as it is. A failure is survived: the next part tries again.
    pub(super) fn write_low_latency(&mut self) {
        let is_ready =
            |list: &LowLatencyList| self.promise.is_made() && list.is_whole(self.window.playlist());
        let Some(file) = self.low_latency.as_mut().filter(|file| is_ready(&file.list)) else {
            return;
        };
        let text = file.list.text(self.window.playlist());
        if file.text == text {
            return;
        }
        match replace(&*self.world.directory, &self.settings.webroot, LOW_LATENCY_PLAYLIST, text.as_bytes()) {
            Ok(()) => (file.text, file.fails) = (text, false),
            Err(error) => {
                if !std::mem::replace(&mut file.fails, true) {
                    warn!(%error, "ll.m3u8 cannot be written; free space or make webroot writable");
                }
            }
        }
    }
}
