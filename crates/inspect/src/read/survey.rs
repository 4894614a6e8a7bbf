//! Survey: reads a directory, its playlist, and as many segments as are asked for.
//!
//! In: a [`Subject`]. Out: a [`Survey`], from which [`crate::inventory`] is made without reading anything more. Thin, on the
//! caller's thread. Memory does not grow with the files on disk, only with the rows asked for and the text of the playlist.

use crate::model::listing::Entry;
use crate::model::names::directory_of;
use crate::model::survey::{Contents, FileFound, PlaylistFound, Slot, Survey};
use crate::read::arrange::arrange;
use crate::read::contents::contents_of;
use crate::read::listing;
use crate::read::parts::part_name;
use crate::read::scan::scan;
use crate::read::status::status_of;
use crate::read::subject::Subject;
use crate::read::text::read_text;
use jiff::Timestamp;
use livedir_layout::files::{LOW_LATENCY_PLAYLIST, PLAYLIST};
use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
};

/// More names of other playlists than this are not read.
const MOST_OTHERS: usize = 8;

/// Looks at a place, again and again if need be: what has not changed is not read twice.
#[derive(Debug, Default)]
pub(crate) struct Surveyor {
    known: HashMap<(PathBuf, u64, Option<Timestamp>), Contents>,
    buffer: Vec<u8>,
}

impl Surveyor {
    /// Looks at `place` now; reads the newest `rows` segments. `on_progress` is told how many of how many are read.
    pub(crate) fn survey(
        &mut self,
        place: &Subject,
        rows: usize,
        looked_at: Timestamp,
        mut on_progress: impl FnMut(usize, usize),
    ) -> io::Result<Survey> {
        let playlist = place.playlist.as_deref().map(read_playlist).transpose()?.flatten();
        let entries = playlist.as_ref().map(|found| &found.listing.entries[..]).unwrap_or_default();
        // What lies beside a multivariant playlist belongs to those that it lists.
        let lists_playlists = place.segment.is_none()
            && playlist.as_ref().is_some_and(|found| !found.listing.playlists.is_empty());
        let listing = playlist.as_ref().map(|found| &found.listing);
        let scan = scan(place, listing, place.only_listed || lists_playlists, rows)?;
        let is_missing = |entry: &&Entry| {
            !entry.is_gap && directory_of(&entry.name).is_some() && !scan.listed.contains(entry.name.as_str())
        };
        let missing = entries.iter().filter(is_missing).count() as u64;

        // Entries that are certainly too old to be shown are not lined up.
        let (old, tail) = entries.split_at(entries.len().saturating_sub(rows));
        let old_names: HashSet<&str> = old.iter().map(|entry| entry.name.as_str()).collect();
        let known_names: HashSet<&str> = tail.iter().map(|entry| entry.name.as_str()).collect();
        let is_known = |file: &FileFound| known_names.contains(file.name.as_str());
        let is_old = |file: &FileFound| old_names.contains(file.name.as_str()) && !is_known(file);
        let unlisted = scan.disk.segments - scan.listed.len() as u64
            + scan.parts_only.iter().filter(|file| !is_known(file) && !is_old(file)).count() as u64;
        let mut files = scan.other_files;
        files.extend(scan.listed_files.into_iter().filter(is_known));
        files.extend(scan.parts_only.into_iter().filter(|file| !is_old(file)));
        let mut slots = arrange(tail, files);
        slots.drain(..slots.len().saturating_sub(rows));
        if let Some(only) = &place.segment {
            let name = only.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let name = part_name(name).map_or_else(|| name.to_owned(), |part| part.segment);
            slots.retain(|slot| slot.file.as_ref().is_some_and(|file| file.path.ends_with(&name)));
        }
        let target_duration_s = playlist.as_ref().and_then(|found| found.listing.target_duration_s);
        self.look_into(&mut slots, target_duration_s, &mut on_progress);
        // What has been deleted since the walk is not there, and nobody misses it.
        slots.retain(|slot| slot.entry.is_some() || slot.contents.is_some());

        let older = (unlisted + entries.len() as u64).saturating_sub(slots.len() as u64);
        let is_ours = place.playlist.as_ref().is_some_and(|path| {
            [PLAYLIST, LOW_LATENCY_PLAYLIST].into_iter().any(|ours| path.ends_with(ours))
        });
        let status = if is_ours { status_of(&place.directory) } else { None };
        Ok(Survey {
            place: place.named.clone(),
            looked_at,
            slots,
            older: if place.segment.is_some() { 0 } else { older },
            missing,
            disk: scan.disk,
            is_kept_by_livedir: status.is_some(),
            status,
            notes: notes(place, playlist.as_ref()),
            playlist,
        })
    }

    fn look_into(
        &mut self,
        slots: &mut [Slot],
        target_duration_s: Option<u32>,
        on_progress: &mut impl FnMut(usize, usize),
    ) {
        let mut known = HashMap::with_capacity(slots.len());
        let count = slots.len();
        for (index, slot) in slots.iter_mut().enumerate() {
            let Some(file) = &slot.file else { continue };
            let key = (file.path.clone(), file.bytes, file.modified_at);
            let contents = known.get(&key).cloned().or_else(|| self.known.remove(&key));
            let contents = contents.or_else(|| contents_of(file, target_duration_s, &mut self.buffer));
            if let Some(contents) = &contents {
                known.insert(key, contents.clone());
            }
            slot.contents = contents;
            on_progress(index + 1, count);
        }
        self.known = known;
    }
}

/// What is to be said of the choice of the playlist.
fn notes(place: &Subject, playlist: Option<&PlaylistFound>) -> Vec<String> {
    let listed = playlist.map(|found| &found.listing.playlists[..]).unwrap_or_default();
    let is_other = |name: &&String| !listed.iter().any(|it| it.name.as_deref() == Some(name.as_str()));
    let others: Vec<&str> = place.others.iter().filter(is_other).map(String::as_str).collect();
    let mut notes = Vec::new();
    if !others.is_empty() {
        let more = match others.len().saturating_sub(MOST_OTHERS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let others = &others[..others.len().min(MOST_OTHERS)];
        notes.push(format!("not looked at: {}{more}; name one to see it", others.join(", ")));
    }
    match playlist.map_or(0, |found| found.listing.open_lost_parts) {
        0 => {}
        1 => notes.push("1 part of the segment that is being filmed is listed as lost".to_owned()),
        parts => notes.push(format!("{parts} parts of the segment that is being filmed are listed as lost")),
    }
    notes
}

fn read_playlist(path: &Path) -> io::Result<Option<PlaylistFound>> {
    let file = path.display().to_string();
    Ok(read_text(path)?.map(|(text, written_at)| {
        let (listing, problem) = listing::read(&text);
        PlaylistFound { file, written_at, listing, problem }
    }))
}
