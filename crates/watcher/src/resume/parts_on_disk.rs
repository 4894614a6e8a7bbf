//! Parts on disk: what a run before has left of them, as `ll.m3u8` tells of it and as their files lie there.
//!
//! In: the webroot at the start. Out: [`PartsOnDisk`]. Runs on the watcher's thread.

use crate::resume::listed_at;
use crate::settings::ChannelSettings;
use crate::timeline::low_latency::ToldParts;
use livedir_layout::directory::Directory;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::files::{
    LONGEST_PLAYLIST_BYTES, LOW_LATENCY_PLAYLIST, PLAUSIBLE_NUMBER, PLAUSIBLE_TARGET_S,
};
use livedir_layout::names::{Home, name_of_uri, number_of_name, part_of_name};
use livedir_playlist::{Listing, MediaListing, Part, PartContent, read_listing};
use livedir_time::ticks::of_float_seconds;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _},
    path::Path,
    time::SystemTime,
};
use tracing::info;

/// What a run before has said of parts.
#[derive(Debug, Default)]
pub(crate) struct PartsOnDisk {
    /// The names that `ll.m3u8` lists.
    pub(crate) listed: BTreeSet<String>,
    /// The names of the segments that it lists.
    pub(crate) segments: BTreeSet<String>,
    /// The parts of each segment, as `ll.m3u8` lists them from the first one on.
    pub(crate) of_segments: BTreeMap<u64, ToldParts>,
    /// Its EXT-X-MEDIA-SEQUENCE and EXT-X-DISCONTINUITY-SEQUENCE.
    pub(crate) begins_at: Option<(u64, u64)>,
    /// When it was written, at the latest.
    pub(crate) written_at: Option<SystemTime>,
    /// CAN-SKIP-UNTIL.
    pub(crate) can_skip: bool,
    /// PART-HOLD-BACK.
    pub(crate) promises_parts: bool,
    /// EXT-X-TARGETDURATION; 0 without one.
    pub(crate) target_duration_s: u32,
}

impl PartsOnDisk {
    /// Whether it tells of any segment or part.
    pub(crate) fn tells(&self) -> bool {
        !(self.listed.is_empty() && self.segments.is_empty())
    }

    /// The last segment of which parts are listed.
    pub(crate) fn last_in_parts(&self) -> Option<u64> {
        self.in_parts().max()
    }

    /// The segment of which parts are listed under this media sequence number.
    pub(crate) fn number_of(&self, media_sequence: u64) -> Option<u64> {
        let mut parts = self.of_segments.iter();
        parts.find(|(_, parts)| parts.media_sequence == media_sequence).map(|(number, _)| *number)
    }

    /// The last segment that it lists.
    pub(crate) fn last_segment(&self) -> Option<u64> {
        self.in_segments().filter(|&number| number <= PLAUSIBLE_NUMBER).max()
    }

    /// The last number that it tells of.
    pub(crate) fn last_number(&self) -> Option<u64> {
        self.in_segments().chain(self.in_parts()).filter(|&number| number <= PLAUSIBLE_NUMBER).max()
    }

    /// How long the parts of each segment are together.
    pub(crate) fn durations_90k(&self) -> BTreeMap<u64, u64> {
        let duration_90k = |told: &ToldParts| told.parts.iter().map(|part| part.duration_90k).sum();
        self.of_segments.iter().map(|(number, told)| (*number, duration_90k(told))).collect()
    }

    /// The numbers of the segments that are listed.
    pub(crate) fn in_segments(&self) -> impl Iterator<Item = u64> + '_ {
        self.segments.iter().filter_map(|name| number_of_name(name))
    }

    /// The numbers of the segments of which parts are listed.
    pub(crate) fn in_parts(&self) -> impl Iterator<Item = u64> + '_ {
        self.listed.iter().filter_map(|name| part_of_name(name)).map(|(number, _)| number)
    }

    /// What it tells of these numbers is true; the rest is forgotten.
    pub(crate) fn retain(&mut self, is_true: impl Fn(u64) -> bool) {
        self.listed.retain(|name| part_of_name(name).is_some_and(|(number, _)| is_true(number)));
        self.segments.retain(|name| number_of_name(name).is_none_or(&is_true));
        self.of_segments.retain(|number, _| is_true(*number));
    }
}

/// Reads `ll.m3u8` back. One that cannot be read tells nothing.
pub(crate) fn on_disk(directory: &dyn Directory, settings: &ChannelSettings) -> PartsOnDisk {
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
            told.target_duration_s =
                listing.target_duration_s.unwrap_or(0).min(PLAUSIBLE_TARGET_S.into()) as u32;
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
            let duration_90k = of_float_seconds(duration_s);
            of_segment.parts.push(Part { uri: part.uri.clone(), duration_90k, content });
        }
    }
    told
}

/// Removes the low-latency playlist of a run before: nothing would be added to it any more, and players would wait.
pub(crate) fn remove_old_list(directory: &dyn Directory, webroot: &Path) -> io::Result<()> {
    match directory.remove(&webroot.join(LOW_LATENCY_PLAYLIST)) {
        Ok(()) => {
            info!("ll.m3u8 of the last run removed, because this run is without --low-latency");
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The parts that lie there, with what the file system says of them.
pub(crate) fn parts_in(directory: &dyn Directory, live: &Path) -> io::Result<BTreeMap<(u64, u32), Stamp>> {
    let names = directory.list(live)?.into_iter().filter_map(|entry| entry.name);
    let parts = names.filter_map(|name| {
        let part = part_of_name(&name)?;
        Some((part, directory.stamp(&live.join(name)).ok()?))
    });
    Ok(parts.collect())
}
