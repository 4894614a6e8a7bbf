//! Survey: reads a directory, its playlist, and as many segments as are asked for.
//!
//! In: a [`Subject`]. Out: a [`Survey`], from which [`crate::inventory`] is made without reading anything more. Thin, on the
//! caller's thread. Memory does not grow with the files on disk, only with the rows asked for and the text of the playlist.

use crate::inventory::{DiskUse, StatusSummary};
use crate::read::arrange::{Slot, arrange};
use crate::read::listing::{self, Entry, PlaylistListing};
use crate::read::parts::{PartFound, part_name};
use crate::read::scan::scan;
use crate::read::subject::Subject;
use jiff::Timestamp;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::files::{LOW_LATENCY_PLAYLIST, PLAYLIST, STATUS};
use livedir_layout::names::{LIVE, looks_like_segment};
use livedir_media::{Facts, probe};
use livedir_playlist::TICKS_PER_S;
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// All that was read.
#[derive(Debug)]
pub(crate) struct Survey {
    /// What was named.
    pub place: String,
    /// When.
    pub looked_at: Timestamp,
    /// The playlist.
    pub playlist: Option<PlaylistFound>,
    /// The newest segments, oldest first.
    pub slots: Vec<Slot>,
    /// How many older ones there are.
    pub older: u64,
    /// Listed segments without a file.
    pub missing: u64,
    /// All files.
    pub disk: DiskUse,
    /// `status.json`.
    pub status: Option<StatusSummary>,
    /// Whether livedir keeps the playlist, and so deletes what has left it.
    pub is_kept_by_livedir: bool,
    /// What is to be said of the whole.
    pub notes: Vec<String>,
}

impl Survey {
    /// Whether more is to come.
    #[must_use]
    pub(crate) fn is_live(&self) -> bool {
        self.playlist.as_ref().is_some_and(|found| found.problem.is_none() && !found.listing.ended)
    }
}

/// A playlist on disk.
#[derive(Debug)]
pub(crate) struct PlaylistFound {
    /// The file, as it was found.
    pub file: String,
    /// When it was written.
    pub written_at: Option<Timestamp>,
    /// What it lists.
    pub listing: PlaylistListing,
    /// Why it lists nothing.
    pub problem: Option<String>,
}

/// A segment's file.
#[derive(Debug, Clone)]
pub(crate) struct FileFound {
    /// Relative to the playlist, with slashes.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
    /// Size.
    pub bytes: u64,
    /// Its parts that are there, in order.
    pub parts: Vec<PartFound>,
    /// Whether nothing but parts of it is there: `path` leads nowhere then, the time is that of the newest part, and the size that
    /// of all parts together.
    pub is_parts_only: bool,
}

/// What the bytes of a file say.
#[derive(Debug, Clone)]
pub(crate) enum Contents {
    /// They are a segment.
    Segment(Arc<Facts>),
    /// They are none, for this reason.
    Nothing(String),
}

/// A day of 1 s segments takes 10 MB.
const LONGEST_TEXT_BYTES: u64 = 64 << 20;
/// As the watcher does: a minute at 35 Mbit/s.
pub(crate) const LARGEST_SEGMENT_BYTES: u64 = 256 << 20;
/// More names of other playlists than this are not read.
const MOST_OTHERS: usize = 8;
/// How every packet of MPEG-TS begins.
const SYNC_BYTE: u8 = 0x47;

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
            !entry.is_gap
                && listing::directory_of(&entry.name).is_some()
                && !scan.listed.contains(entry.name.as_str())
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
            let contents = contents.or_else(|| look_into(file, target_duration_s, &mut self.buffer));
            if let Some(contents) = &contents {
                known.insert(key, contents.clone());
            }
            slot.contents = contents;
            on_progress(index + 1, count);
        }
        self.known = known;
    }
}

/// What its bytes say; `None` where it has gone.
fn look_into(file: &FileFound, target_duration_s: Option<u32>, buffer: &mut Vec<u8>) -> Option<Contents> {
    if file.bytes > LARGEST_SEGMENT_BYTES {
        let bytes = file.bytes;
        let problem = format!("it has {bytes} bytes, over the {LARGEST_SEGMENT_BYTES} that are read");
        return Some(Contents::Nothing(problem));
    }
    buffer.clear();
    match read(file, buffer) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Contents::Nothing(format!("it cannot be read: {error}"))),
        Ok(()) => {}
    }
    if !looks_like_segment(&file.name) && buffer.first() != Some(&SYNC_BYTE) {
        return Some(Contents::Nothing("it is no MPEG-TS, and is not looked into".to_owned()));
    }
    Some(match probe(buffer) {
        Ok(mut facts) => {
            if let Some(target_duration_s) = target_duration_s {
                facts.hold_to(u64::from(target_duration_s) * TICKS_PER_S);
            }
            Contents::Segment(Arc::new(facts))
        }
        Err(error) => Contents::Nothing(error.to_string()),
    })
}

/// Its bytes; those of its parts, end to end, are what there is so far of one that is not there yet.
fn read(file: &FileFound, buffer: &mut Vec<u8>) -> io::Result<()> {
    if !file.is_parts_only {
        File::open(&file.path)?.take(LARGEST_SEGMENT_BYTES).read_to_end(buffer)?;
        return Ok(());
    }
    for part in &file.parts {
        let left = LARGEST_SEGMENT_BYTES.saturating_sub(buffer.len() as u64);
        File::open(&part.path)?.take(left).read_to_end(buffer)?;
    }
    Ok(())
}

/// Beside the playlist, or, where that is of one of several sizes, beside the one that lists them all.
fn status_of(directory: &Path) -> Option<StatusSummary> {
    let text = |directory: &Path| read_text(&directory.join(STATUS)).ok().flatten();
    let webroot = || {
        let absolute = std::path::absolute(directory).ok()?;
        absolute.parent()?.ends_with(LIVE).then(|| absolute.ancestors().nth(2).map(Path::to_owned))?
    };
    let (text, _) = text(directory).or_else(|| text(&webroot()?))?;
    Some(read_status(&text))
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

/// When it was written, renamed or linked last. Nobody can set that, and livedir sets the other.
pub(crate) fn changed_at(metadata: &fs::Metadata) -> Option<Timestamp> {
    Timestamp::try_from(Stamp::of(metadata).changed_at).ok()
}

pub(crate) fn modified_at(metadata: &fs::Metadata) -> Option<Timestamp> {
    Timestamp::try_from(metadata.modified().ok()?).ok()
}

fn read_playlist(path: &Path) -> io::Result<Option<PlaylistFound>> {
    let file = path.display().to_string();
    Ok(read_text(path)?.map(|(text, written_at)| {
        let (listing, problem) = listing::read(&text);
        PlaylistFound { file, written_at, listing, problem }
    }))
}

fn read_text(path: &Path) -> io::Result<Option<(String, Option<Timestamp>)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let written_at = modified_at(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(LONGEST_TEXT_BYTES).read_to_end(&mut bytes)?;
    Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), written_at)))
}

/// Each value on its own: a status that another version wrote says less, and nothing wrong.
fn read_status(json: &str) -> StatusSummary {
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let time = |name: &str| value[name].as_str().and_then(|time| time.parse().ok());
    StatusSummary {
        state: text("state"),
        title: text("title"),
        source: text("source"),
        updated_at: time("updated_at"),
        silent_since: time("silent_since"),
        segments_refused: value["segments_refused"].as_u64(),
        frames_duplicated: value["frames_duplicated"].as_u64(),
        pictures_dropped: value["pictures_dropped"].as_u64(),
        publish_lag_ms: value["publish_lag_ms"].as_f64(),
    }
}
