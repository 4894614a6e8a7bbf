//! Parts of segments: files in `live/` → `ll.m3u8`. The thin part of [`low_latency`](super::low_latency).
//!
//! In: names of parts that are complete, and at the start those that lie there. Out: `ll.m3u8`, replaced. Runs on the
//! watcher's thread.

pub(super) use super::low_latency::MOST_PARTS;
use super::{
    ChannelSettings, Desk, Naming,
    channel::Channel,
    dates::{Dates, end_of},
    finished_file::{self, Finished, LARGEST_SEGMENT_BYTES, Refusal},
    look::list,
    low_latency::{Beginning, LowLatencyList, PATIENCE, ROUNDING_90K, ToldParts},
    order::Order,
    publish::Publication,
};
use crate::{
    directory::{Directory, stamp::Stamp},
    playlist_file::{
        LONGEST_PLAYLIST_BYTES, LOW_LATENCY_PLAYLIST, PLAUSIBLE_NUMBER, PLAUSIBLE_TARGET_S, replace,
    },
    probe::{Facts, clock::distance_90k},
    retention::instant_of,
    segment_name::{Home, name_of_uri, number_of_name, number_of_uri, part_name, part_of_name, segment_name},
};
use jiff::Timestamp;
use livedir_playlist::{
    EdgeReport, EvictedPart, Listing, MediaListing, Part, PartContent, TICKS_PER_S, read_listing,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _},
    path::Path,
    time::{Duration, Instant, SystemTime},
};
use tracing::{debug, info, warn};

/// Segments before a part that are looked for: more than are lost together.
const MOST_BEFORE: u64 = 10;

/// What has become of a segment that was begun in parts and is not whole.
pub(super) enum GivenUp {
    /// Its file is there, and has its turn.
    Takes,
    /// Its file is there, and waits for others.
    Waits,
    /// It is listed as a gap.
    LeavesOut,
}

/// `ll.m3u8`.
pub(super) struct LowLatencyFile {
    pub(super) list: LowLatencyList,
    /// What it says.
    text: String,
    /// The last segment, and the last part of it, of which it says something.
    pub(super) last: Option<(u64, Option<u64>)>,
    /// Names of parts that the list on disk names, and the next one will not.
    leaving: Vec<String>,
    /// What it says of the other renditions.
    pub(super) told: Vec<EdgeReport>,
    /// EXT-X-TARGETDURATION of the list that lay there at the start: one that has ended may have had a longer one.
    told_target_s: u64,
    /// Names in the one that a run before has left, until it is replaced.
    pub(super) old_names: BTreeSet<String>,
    fails: bool,
}

impl LowLatencyFile {
    pub(super) fn new(list: LowLatencyList) -> Self {
        Self {
            list,
            text: String::new(),
            last: None,
            leaving: Vec::new(),
            told: Vec::new(),
            told_target_s: 0,
            old_names: BTreeSet::new(),
            fails: false,
        }
    }

    /// Whether the list names a part, in memory or on disk, or will.
    pub(super) fn names(&self, name: &str) -> bool {
        let is_leaving = || self.leaving.iter().any(|leaving| leaving == name);
        let is_part = part_of_name(name).is_some();
        self.old_names.contains(name) || (is_part && (self.list.knows(name) || is_leaving()))
    }
}

impl Channel {
    /// A part is complete, as an event says.
    pub(super) fn part_complete(&mut self, name: &str, desk: &mut Desk) {
        if !self.publication.is_low_latency() {
            return;
        }
        if self.is_strange(name) {
            return self.complain_of_stranger(name);
        }
        match finished_file::read_part(&*self.world.directory, &self.live.join(name), &mut desk.buffer) {
            Ok(finished) => self.publication.part(name, finished),
            Err(Refusal::Vanished) => {}
            Err(reason) => {
                let stamp = self.stamp(name).ok();
                self.publication.refuse(name, stamp, &reason);
                self.publication.keep_parts(std::iter::once(name.to_owned()));
            }
        }
    }

    /// Looks for parts that no event has told of: they are lost if their files are not there.
    pub(super) fn look_for_missing_parts(&mut self) {
        let now = self.world.now();
        let missing = |publication: &Publication| {
            publication.low_latency.as_ref().map_or(Vec::new(), |file| file.list.missing(PATIENCE, now))
        };
        let mut buffer = Vec::new();
        for name in missing(&self.publication) {
            let path = self.live.join(&name);
            if self.is_strange(&name) {
                continue;
            }
            if let Ok(finished) = finished_file::read_part(&*self.world.directory, &path, &mut buffer) {
                self.publication.part(&name, finished);
            }
        }
    }

    /// Takes segments that no event has told of, before a part of a later one is listed: theirs may be on their way.
    pub(super) fn take_before_first_part(&mut self) {
        let first = self.publication.low_latency.as_ref().and_then(|file| file.list.first_part());
        let (Some(first), Order::Numbered(order)) = (first.map(|first| first.number), &self.order) else {
            return;
        };
        let mut desk = Desk { buffer: Vec::new() };
        for number in order.next()..first.min(order.next().saturating_add(MOST_BEFORE)) {
            let name = segment_name(number);
            if !self.waits(&name) && self.stamp(&name).is_ok() {
                self.take(&name, self.world.now(), false, &mut desk);
            }
        }
    }

    /// The segment of this number was begun in parts and will never be whole, as it seems. Looks for its file, makes it of its
    /// parts, or lists a gap.
    pub(super) fn give_up(&mut self, number: u64, is_tried: bool) -> GivenUp {
        let name = segment_name(number);
        let mut desk = Desk { buffer: Vec::new() };
        // The event that tells of it may be on its way.
        self.take(&name, self.world.now(), false, &mut desk);
        if self.waits(&name) {
            return if is_tried { GivenUp::Waits } else { GivenUp::Takes };
        }
        if !is_tried && self.makes_of_parts(number, false) {
            self.take(&name, self.world.now(), false, &mut desk);
            if self.waits(&name) {
                return GivenUp::Takes;
            }
        }
        self.publication.leave_out_open(number);
        GivenUp::LeavesOut
    }

    /// Nothing comes any more: what is missing of the last segment is lost.
    pub(super) fn end_parts(&mut self) {
        self.publication.list_parts(Duration::ZERO);
        let open = self.publication.low_latency.as_ref().and_then(|file| file.list.open_before(None));
        let Some(number) = open else { return };
        let is_made = self.publication.settings.end_list
            && self.publication.is_as_long_as_elsewhere(number)
            && self.makes_of_parts(number, true);
        if is_made {
            let mut desk = Desk { buffer: Vec::new() };
            self.take(&segment_name(number), self.world.now(), false, &mut desk);
            self.publish_waiting(Duration::ZERO);
            self.publication.list_parts(Duration::ZERO);
        } else if self.publication.settings.end_list {
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
        let Some(file) = self.publication.low_latency.as_ref().filter(|_| self.is_numbered()) else {
            return false;
        };
        let Some((count, ends_at_90k)) = file.list.whole_until() else { return false };
        let goes_on =
            |next: &Finished| distance_90k(ends_at_90k, next.facts.start_90k).unsigned_abs() <= ROUNDING_90K;
        if !is_last && !file.list.first_behind(number).is_some_and(goes_on) {
            return false;
        }
        let parts = (0..count).map(|part| part_name(number, part));
        let name = segment_name(number);
        match join(&*self.world.directory, &self.live, &name, parts) {
            Ok(is_made) => {
                if is_made {
                    self.numbers.give(number);
                    info!(name, "segment made of its parts, as it was not written itself");
                }
                is_made
            }
            Err(error) => {
                warn!(name, %error, "segment cannot be made of its parts; free space or make live/ writable");
                false
            }
        }
    }

    /// Takes up the parts that a run before has left: those of the last segments stay in `ll.m3u8`, and all others go after
    /// their grace. `told`: what the list on disk says.
    pub(super) fn restore_parts(&mut self, next_number: u64, told: &PartsOnDisk, desk: &mut Desk) {
        if let Some(file) = &mut self.publication.low_latency {
            file.old_names = told.listed.union(&told.segments).cloned().collect();
        }
        if let Some(file) = self.publication.low_latency.as_mut().filter(|_| told.promises_parts) {
            file.list.had_parts(told.can_skip);
            file.told_target_s = told.target_duration_s;
        }
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
                    match finished_file::read_part(
                        &*self.world.directory,
                        &self.live.join(&name),
                        &mut desk.buffer,
                    ) {
                        Ok(read) => drop(finished.insert(part, read)),
                        Err(reason) => debug!(name, %reason, "part not taken up"),
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
        self.publication.settle_parts(next_number);
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (&part, &stamp) in parts.iter().filter(|(part, _)| !restored.contains(part)) {
            if part.0 < next_number { old.push((part, stamp)) } else { new.push(part_name(part.0, part.1)) }
        }
        self.keep_old_parts(&old, told);
        for name in new {
            if self.is_numbered() {
                // What was being filmed has been made whole.
                self.complain_of_stranger(&name);
            } else {
                // The segment that another encoder is at.
                self.part_complete(&name, desk);
            }
        }
    }
}

/// When the playlist that lists a file was written, at the latest: a target duration is far more than that takes.
pub(super) fn listed_at(stamp: &Stamp, target_duration_s: u32) -> SystemTime {
    let came_at = came(stamp);
    came_at.checked_add(Duration::from_secs(target_duration_s.into())).unwrap_or(came_at)
}

impl Channel {
    /// Whether a file that is not listed is a segment, or is still being written: no other is behind it.
    fn comes_next(&self, name: &str, unlisted: &[String]) -> bool {
        let is_last = unlisted.last().is_some_and(|last| last == name);
        let read =
            || finished_file::read(&*self.world.directory, &self.live.join(name), &mut Vec::new()).is_ok();
        is_last || (unlisted.iter().any(|other| other == name) && read())
    }

    /// A segment of which the run before has listed parts, and that has no file, is a gap: players know its number.
    pub(super) fn leave_out_interrupted(&mut self, told: &PartsOnDisk, unlisted: &[String]) {
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
        let left_out = match self.is_numbered() {
            true => self.publication.push_gap_at(number, None),
            false if self.publication.promise.is_made() => self.publication.push_gap(number, None),
            false => Ok(()),
        };
        if let Err(error) = left_out {
            warn!(%error, "gap not listed");
        }
    }

    /// Parts that are not listed any more. Those that the list on disk names still leave with the next version of it. The others
    /// have left before: at the latest when that version was written, or when so many segments had come behind it that no list
    /// held it any more, also if nobody wrote one for the time of a window. So each is deleted in the end, also when a program
    /// that is started again and again writes the list each time.
    fn keep_old_parts(&mut self, old: &[((u64, u32), Stamp)], told: &PartsOnDisk) {
        let playlist = self.publication.playlist();
        let target_duration_s = playlist.target_duration_s;
        let usual_90k = playlist.duration_90k() / (playlist.segments.len() as u64).max(1);
        let near_90k = 3 * u64::from(target_duration_s) * TICKS_PER_S;
        // One more for the segment that the part is of, and one for lengths that are not all the same.
        let near = near_90k.div_ceil(usual_90k.max(1)) as usize + 2;
        let behind = near + 2 * self.settings.window_segments.max(playlist.segments.len());
        let came_at = self.when_segments_came();
        let listed_within = Duration::from_secs(target_duration_s.into());
        let (now, wall) = (self.world.now(), self.world.wall());
        for &((number, part), stamp) in old {
            let name = part_name(number, part);
            if let Some(file) = self.publication.low_latency.as_mut().filter(|_| told.listed.contains(&name))
            {
                file.leaving.push(name);
                continue;
            }
            let before = came_at.partition_point(|at| *at <= came(&stamp));
            let overtaken_at = came_at.get(before.saturating_add(behind)).map(|at| *at + listed_within);
            let left_at = [overtaken_at, told.written_at].into_iter().flatten().min();
            let left_at = left_at.map_or(now, |left_at| instant_of(left_at, now, wall));
            self.publication.keep_part(&name, left_at);
        }
    }

    /// The times at which the segments that lie there came, in their order.
    fn when_segments_came(&self) -> Vec<SystemTime> {
        let names = list(&*self.world.directory, &self.live).unwrap_or_default();
        let stamps = names.iter().filter_map(|name| self.stamp(name).ok());
        let mut came_at: Vec<_> = stamps.map(|stamp| came(&stamp)).collect();
        came_at.sort_unstable();
        came_at
    }
}

fn came(stamp: &Stamp) -> SystemTime {
    stamp.modified_at.max(stamp.changed_at)
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

/// The parts that lie there, with what the file system says of them.
fn parts_in(directory: &dyn Directory, live: &Path) -> io::Result<BTreeMap<(u64, u32), Stamp>> {
    let names = directory.list(live)?.into_iter().filter_map(|entry| entry.name);
    let parts = names.filter_map(|name| {
        let part = part_of_name(&name)?;
        Some((part, directory.stamp(&live.join(name)).ok()?))
    });
    Ok(parts.collect())
}

/// The names of the parts that lie there.
pub(super) fn part_names(directory: &dyn Directory, live: &Path) -> io::Result<Vec<String>> {
    let names = directory.list(live)?.into_iter().filter_map(|entry| entry.name);
    Ok(names.filter(|name| part_of_name(name).is_some()).collect())
}

/// What a run before has said of parts.
#[derive(Debug, Default)]
pub(super) struct PartsOnDisk {
    /// The names that `ll.m3u8` lists.
    listed: BTreeSet<String>,
    /// The names of the segments that it lists.
    segments: BTreeSet<String>,
    /// The parts of each segment, as `ll.m3u8` lists them from the first one on.
    of_segments: BTreeMap<u64, ToldParts>,
    /// Its EXT-X-MEDIA-SEQUENCE and EXT-X-DISCONTINUITY-SEQUENCE.
    pub(super) begins_at: Option<(u64, u64)>,
    /// When it was written, at the latest.
    written_at: Option<SystemTime>,
    /// CAN-SKIP-UNTIL.
    can_skip: bool,
    /// PART-HOLD-BACK.
    promises_parts: bool,
    /// EXT-X-TARGETDURATION; 0 without one.
    target_duration_s: u64,
}

impl PartsOnDisk {
    /// The last segment of which parts are listed.
    pub(super) fn last_in_parts(&self) -> Option<u64> {
        self.in_parts().max()
    }

    /// The segment of which parts are listed under this media sequence number.
    pub(super) fn number_of(&self, media_sequence: u64) -> Option<u64> {
        let mut parts = self.of_segments.iter();
        parts.find(|(_, parts)| parts.media_sequence == media_sequence).map(|(number, _)| *number)
    }

    /// The last number that it tells of.
    pub(super) fn last_number(&self) -> Option<u64> {
        let in_segments = self.segments.iter().filter_map(|name| number_of_name(name));
        let in_parts = self.listed.iter().filter_map(|name| Some(part_of_name(name)?.0));
        in_segments.chain(in_parts).filter(|&number| number <= PLAUSIBLE_NUMBER).max()
    }

    /// How long the parts of each segment are together.
    pub(super) fn durations_90k(&self) -> BTreeMap<u64, u64> {
        let duration_90k = |told: &ToldParts| told.parts.iter().map(|part| part.duration_90k).sum();
        self.of_segments.iter().map(|(number, told)| (*number, duration_90k(told))).collect()
    }

    /// The numbers of the segments of which parts are listed.
    pub(super) fn in_parts(&self) -> impl Iterator<Item = u64> + '_ {
        self.listed.iter().filter_map(|name| part_of_name(name)).map(|(number, _)| number)
    }

    /// What it tells of these numbers is true; the rest is forgotten.
    pub(super) fn retain(&mut self, is_true: impl Fn(u64) -> bool) {
        self.listed.retain(|name| part_of_name(name).is_some_and(|(number, _)| is_true(number)));
        self.segments.retain(|name| number_of_name(name).is_none_or(&is_true));
        self.of_segments.retain(|number, _| is_true(*number));
    }
}

/// The numbers of segments of which parts lie there.
pub(super) fn numbers(directory: &dyn Directory, live: &Path) -> io::Result<BTreeSet<u64>> {
    let there = part_names(directory, live)?;
    Ok(there.iter().filter_map(|name| part_of_name(name)).map(|(number, _)| number).collect())
}

/// Reads `ll.m3u8` back. One that cannot be read tells nothing.
pub(super) fn on_disk(directory: &dyn Directory, settings: &ChannelSettings) -> PartsOnDisk {
    let mut told = PartsOnDisk::default();
    if let Ok(file) = directory.open(&settings.webroot.join(LOW_LATENCY_PLAYLIST)) {
        let mut bytes = Vec::new();
        let _ = file.bytes.take(LONGEST_PLAYLIST_BYTES).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        if let Listing::Media(listing) = read_listing(&text) {
            let name = |uri: &String| name_of_uri(settings.home, uri);
            let in_parts = listing.parts().filter_map(|part| name(&part.uri));
            told.listed.extend(in_parts.filter(|name| part_of_name(name).is_some()));
            told.segments.extend(listing.segments.iter().filter_map(|segment| name(&segment.uri)));
            let control = listing.server_control.as_ref();
            told.can_skip = control.is_some_and(|control| control.can_skip_until_s.is_some());
            told.promises_parts = control.is_some_and(|control| control.part_hold_back_s.is_some());
            let begins_at = (listing.first_media_sequence(), listing.discontinuity_sequence.unwrap_or(0));
            told.begins_at = Some(begins_at);
            told.target_duration_s = listing.target_duration_s.unwrap_or(0).min(PLAUSIBLE_TARGET_S.into());
            told.of_segments = parts_told(&listing, settings.home);
        }
        told.written_at = Some(listed_at(&file.stamp, settings.target_duration_s.unwrap_or(1)));
    }
    told
}

/// The parts of each segment that a list of ours tells of, from the first one on.
fn parts_told(listing: &MediaListing, home: Home) -> BTreeMap<u64, ToldParts> {
    let mut told = BTreeMap::<u64, ToldParts>::new();
    let next = listing.next_media_sequence();
    let closed = (listing.first_media_sequence()..)
        .zip(&listing.segments)
        .flat_map(|(media_sequence, segment)| segment.parts.iter().map(move |part| (part, media_sequence)));
    for (part, media_sequence) in closed.chain(listing.open_parts.iter().map(|part| (part, next))) {
        let number = name_of_uri(home, &part.uri).and_then(|name| part_of_name(&name));
        let Some(((number, index), duration_s)) = number.zip(part.duration_s) else { continue };
        let of_segment = told.entry(number).or_default();
        (of_segment.media_sequence, of_segment.are_all) = (media_sequence, media_sequence < next);
        if of_segment.parts.len() == index as usize {
            let content = if part.gap { PartContent::Gap } else { PartContent::of_media(part.independent) };
            let duration_90k = (duration_s * TICKS_PER_S as f64).round() as u64;
            of_segment.parts.push(Part { uri: part.uri.clone(), duration_90k, content });
        }
    }
    told
}

/// Makes a segment of the parts that a crash has left of one: what viewers have seen stays in the stream, under its
/// number. `number`: the last one of ours of which there are parts. Only that can have been interrupted; all before it were
/// completed, or lost on a full disk.
pub(super) fn rejoin(directory: &dyn Directory, live: &Path, number: u64) {
    let name = segment_name(number);
    if directory.has(&live.join(&name)) {
        return;
    }
    let there = parts_in(directory, live).unwrap_or_default();
    let of_segment = there.range((number, 0)..=(number, MOST_PARTS)).map(|(&(_, part), _)| part);
    let parts: Vec<_> = of_segment.collect();
    // One that has lost a part is a gap.
    if parts.last().is_some_and(|&last| last as usize + 1 != parts.len()) {
        return debug!(name, "parts of the segment that was interrupted are missing");
    }
    match join(directory, live, &name, parts.into_iter().map(|part| part_name(number, part))) {
        Ok(true) => {
            info!(
                name,
                "the last run was interrupted in this segment; it is made of the parts that were written"
            );
        }
        Ok(false) => {}
        Err(error) => {
            warn!(name, %error, "the segment that was interrupted cannot be made of its parts; it is lost");
        }
    }
}

/// Writes a segment that is its parts end to end. Says whether there are any.
fn join(
    directory: &dyn Directory,
    live: &Path,
    name: &str,
    parts: impl Iterator<Item = String>,
) -> io::Result<bool> {
    let (mut bytes, mut ended_at) = (Vec::new(), None);
    for part in parts {
        let part = directory.open(&live.join(part))?;
        let room = LARGEST_SEGMENT_BYTES.saturating_sub(bytes.len() as u64);
        part.bytes.take(room).read_to_end(&mut bytes)?;
        ended_at = Some(part.stamp.modified_at);
    }
    let Some(ended_at) = ended_at else { return Ok(false) };
    crate::segment_file::write(directory, live, name, &bytes, ended_at)?;
    Ok(true)
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

    /// Whether a part of this name is listed, waits, leaves the list, or is to be deleted: it needs no second look.
    pub(super) fn knows_part(&self, name: &str) -> bool {
        let Some(file) = &self.low_latency else { return true };
        let leaves = || file.leaving.iter().any(|leaving| leaving == name);
        file.list.knows(name) || leaves() || self.retention.holds(name) || self.refused.has(name)
    }

    /// A part that is complete. It is listed by [`Self::advance_parts`].
    fn part(&mut self, name: &str, finished: Finished) {
        let Some(file) = &mut self.low_latency else { return };
        if !file.list.arrived(name, finished) {
            debug!(name, "part came after its segment was complete");
            self.keep_parts(std::iter::once(name.to_owned()));
        }
    }

    /// Lists the parts that are in line.
    pub(super) fn advance_parts(&mut self) {
        if !self.promise.is_made() {
            // Nothing is listed before a segment tells how long they are.
            return;
        }
        loop {
            self.begin_with_first_part();
            self.list_parts(PATIENCE);
            let begins_another = |file: &LowLatencyFile| file.list.first_part().is_some();
            if !self.low_latency.as_ref().is_some_and(begins_another) {
                return;
            }
        }
    }

    /// Opens the segment whose first part has come, if that is what comes next.
    fn begin_with_first_part(&mut self) {
        let listed_until_90k = self.last.facts().map(Facts::end_90k);
        if let Some(file) = &mut self.low_latency {
            file.list.goes_on_from(listed_until_90k);
        }
        let first = self.low_latency.as_ref().and_then(|file| file.list.first_part());
        let Some(first) = first else { return };
        let (number, lost, mut finished) = (first.number, first.lost, first.finished.clone());
        let usual_90k = self.low_latency.as_ref().map_or(0, |file| file.list.usual_90k(&finished));
        let mut whole = finished.clone();
        whole.facts.begin_earlier(u64::from(lost) * usual_90k);
        // What was left out before it has to be told first.
        if let Err(error) = self.fill_up_to(number, Some(&whole)) {
            warn!(%error, "gap not listed");
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
        let filmed_at = self.not_before_last(discontinuity, filmed_at);
        self.note_begun(number, discontinuity);
        let Some(LowLatencyFile { list, .. }) = &mut self.low_latency else { return };
        list.begin(Beginning { filmed_at, discontinuity }, lost_90k);
    }

    fn list_parts(&mut self, patience: Duration) {
        let now = self.world.now();
        let Some(LowLatencyFile { list, .. }) = &mut self.low_latency else { return };
        let (evicted, errors) = list.advance(self.window.playlist(), patience, now);
        let passed = list.take_passed();
        for error in errors {
            warn!(%error, "part not listed");
        }
        self.keep_evicted_parts(evicted);
        self.keep_parts(passed.into_iter());
    }

    /// How long the lost parts are before the first one of a segment that has come, where the timeline tells.
    fn lost_before(&self, lost: u32, first: &Facts) -> Option<u64> {
        let target_90k = self.low_latency.as_ref()?.list.part_target_90k();
        let lost_90k = distance_90k(self.last.facts()?.end_90k(), first.start_90k);
        let most_90k = u64::from(lost) * target_90k + ROUNDING_90K;
        u64::try_from(lost_90k).ok().filter(|lost_90k| lost > 0 && *lost_90k <= most_90k)
    }

    /// The segment that was begun in parts and will never be whole.
    pub(super) fn given_up(&self) -> Option<u64> {
        self.low_latency.as_ref()?.list.given_up()
    }

    /// Whether the timeline breaks before a part with these facts.
    fn breaks_before(&self, facts: &Facts) -> bool {
        self.break_before(facts).is_some()
    }

    /// When the first picture of a part was captured that begins a segment.
    fn date_of_part(&self, part: &Finished) -> Option<Timestamp> {
        let last = self.window.playlist().segments.last();
        let runs_on = !self.breaks_before(&part.facts);
        let after_last = last.filter(|_| runs_on && self.settings.naming == Naming::Any);
        after_last.and_then(end_of).or_else(|| Dates::OfFiles.date(part, runs_on, std::iter::empty()))
    }

    /// Until when the segment that others are filming may get its next part, if there is one.
    pub(super) fn filmed_until(&self) -> Option<Instant> {
        self.low_latency.as_ref()?.list.filmed_until(PATIENCE)
    }

    /// When a part that is missing is waited for no longer.
    pub(super) fn parts_deadline(&self) -> Option<Instant> {
        self.low_latency.as_ref().and_then(|file| file.list.deadline(PATIENCE))
    }

    fn restore_parts(
        &mut self,
        number: u64,
        parts: (ToldParts, BTreeMap<u32, Finished>),
        segment: (u64, u64),
    ) {
        if let Some(file) = &mut self.low_latency {
            for error in file.list.restore(number, parts, segment) {
                debug!(%error, "part not taken up");
            }
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
        if let Some(file) = &mut self.low_latency {
            file.leaving.extend(names);
        }
    }

    /// Parts that are not listed, or no more.
    fn keep_parts(&mut self, names: impl Iterator<Item = String>) {
        let now = self.world.now();
        for name in names {
            self.keep_part(&name, now);
        }
    }

    /// A part stays for three target durations after it has left the playlist (bis 6.2.2).
    fn keep_part(&mut self, name: &str, left_at: Instant) {
        let told_s = self.low_latency.as_ref().map_or(0, |file| file.told_target_s);
        let target_s = u64::from(self.window.playlist().target_duration_s).max(told_s);
        if !self.settings.keep {
            self.retention.keep(name, left_at, 3 * target_s * TICKS_PER_S);
        }
    }

    /// The playlists lay in a directory that was taken away: what is there now, if anything, is older, and is replaced.
    pub(super) fn write_all_again(&mut self) {
        if self.window.next_media_sequence() > 1 && !self.window.playlist().ended {
            self.mark_changed();
        }
        if let Some(file) = &mut self.low_latency {
            file.text.clear();
        }
    }

    /// Something is to be deleted, and the list that a run before has left may name it: it is replaced, whatever comes.
    pub(super) fn replace_old_low_latency(&mut self) {
        let Some(file) = self.low_latency.as_mut().filter(|file| !file.old_names.is_empty()) else { return };
        file.list.waits_no_longer();
        self.write_low_latency();
    }

    /// Writes `ll.m3u8`, if it can be written as it is. A failure is survived: the next part tries again.
    pub(super) fn write_low_latency(&mut self) {
        // RFC 8216 6.2.1: one that has ended in an earlier run never changes.
        let lives = self.ends || !self.window.playlist().ended;
        let is_ready =
            |list: &LowLatencyList| lives && self.promise.is_made() && list.is_whole(self.window.playlist());
        let Some(file) = self.low_latency.as_mut().filter(|file| is_ready(&file.list)) else {
            return;
        };
        // What was listed since may be a gap, which has no parts.
        let evicted = file.list.trim(self.window.playlist());
        file.leaving.extend(evicted.iter().filter_map(|part| name_of_uri(self.settings.home, &part.uri)));
        let text = file.list.text(self.window.playlist());
        if file.text == text {
            return;
        }
        match replace(&*self.world.directory, &self.settings.webroot, LOW_LATENCY_PLAYLIST, text.as_bytes()) {
            Ok(()) => {
                (file.text, file.fails) = (text, false);
                file.old_names.clear();
                file.told.clone_from(&file.list.reports);
                file.last = file.list.last(self.window.playlist());
                let left = std::mem::take(&mut file.leaving);
                let listed = |name: &String| file.list.knows(name);
                let left: Vec<_> = left.into_iter().filter(|name| !listed(name)).collect();
                self.keep_parts(left.into_iter());
            }
            Err(error) => {
                if !std::mem::replace(&mut file.fails, true) {
                    warn!(%error, "ll.m3u8 cannot be written; free space or make webroot writable");
                }
            }
        }
    }
}
