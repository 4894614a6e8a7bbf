//! Inventory: what is on disk and what the playlist says of it, put together. This is what `--json` prints.
//!
//! In: a [`Survey`], which is all that was read. Out: an [`Inventory`], whose names and units are a promise to programs.
//! Pure: the time is a part of the survey.

pub mod file_detail;
pub mod media_summary;
pub mod variants;

mod judge;
mod profile;

use crate::inventory::file_detail::FileDetail;
use crate::inventory::judge::Judged;
use crate::inventory::media_summary::{MediaSummary, stream_names};
use crate::inventory::variants::VariantSummary;
use crate::read::arrange::{self, Slot, Standing};
use crate::read::survey::Survey;
use jiff::{SignedDuration, Timestamp, Unit};
use livedir_media::Facts;
use livedir_time::ticks::seconds;
use serde::{Deserialize, Serialize};

/// What is on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// What was named.
    pub place: String,
    /// When it was looked at.
    pub looked_at: Timestamp,
    /// The playlist, if there is one.
    pub playlist: Option<PlaylistSummary>,
    /// Pictures and sound of the newest segment that could be read, and the rates of all that were.
    pub media: MediaSummary,
    /// All segments, also those that are not looked into.
    pub disk: DiskUse,
    /// What `status.json` says, if there is one.
    pub status: Option<StatusSummary>,
    /// Segments on disk or listed that are older than the first row.
    pub older_segments: u64,
    /// The segments, oldest first.
    pub segments: Vec<Row>,
    /// What a multivariant playlist lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantSummary>,
    /// All that is known of the one segment that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<FileDetail>,
    /// What is to be said of the whole.
    pub notes: Vec<String>,
}

/// The playlist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaylistSummary {
    /// The file.
    pub file: String,
    /// Why it cannot be read; the rest then says nothing.
    pub problem: Option<String>,
    /// Whether it is complete: EXT-X-ENDLIST.
    pub ended: bool,
    /// EXT-X-TARGETDURATION.
    pub target_duration_s: Option<u32>,
    /// EXT-X-PART-INF: the longest part, where it lists parts.
    #[serde(default)]
    pub part_target_s: Option<f64>,
    /// Number of the first segment listed.
    pub media_sequence_first: u64,
    /// Segments listed.
    pub segments: u64,
    /// Segments listed whose files are not there.
    pub segments_missing: u64,
    /// EXT-X-DISCONTINUITY tags listed.
    pub discontinuities: u64,
    /// How much it lists.
    pub window_s: f64,
    /// When it was last replaced.
    pub written_at: Option<Timestamp>,
    /// How far the end of its newest segment, or part, lies behind the time of this look. A player is at least so far behind.
    pub behind_now_s: Option<f64>,
}

/// All segments on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskUse {
    /// Files.
    pub segments: u64,
    /// Their sizes.
    pub segment_bytes: u64,
    /// Files that are parts of segments.
    #[serde(default)]
    pub parts: u64,
    /// Their sizes.
    #[serde(default)]
    pub part_bytes: u64,
    /// Files under a dot name: being written, or left over from a crash.
    pub unfinished: u64,
    /// When the oldest file was last changed.
    pub oldest_modified_at: Option<Timestamp>,
    /// When the newest file was last changed.
    pub newest_modified_at: Option<Timestamp>,
}

/// What `status.json` says; absent what it does not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusSummary {
    /// `live` or `ended`.
    pub state: Option<String>,
    /// What the stream is called.
    pub title: Option<String>,
    /// How the source does.
    pub source: Option<String>,
    /// When it was written.
    pub updated_at: Option<Timestamp>,
    /// Since when nothing came.
    pub silent_since: Option<Timestamp>,
    /// Files that could not be listed.
    pub segments_refused: Option<u64>,
    /// Grid times that showed the picture before once more.
    pub frames_duplicated: Option<u64>,
    /// Captured pictures that were not used.
    pub pictures_dropped: Option<u64>,
    /// From a finished segment to the playlist that lists it.
    pub publish_lag_ms: Option<f64>,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its number in the playlist, where that is known.
    pub media_sequence: Option<u64>,
    /// The file, relative to the playlist.
    pub file: String,
    /// Where it stands.
    pub state: State,
    /// What keeps it out of the playlist.
    pub problem: Option<String>,
    /// When its first picture was captured.
    pub filmed_at: Option<Timestamp>,
    /// Who says so.
    pub filmed_at_from: Option<DateSource>,
    /// How long it lasts, by its bytes.
    pub duration_s: Option<f64>,
    /// EXTINF.
    pub listed_duration_s: Option<f64>,
    /// Size.
    pub bytes: Option<u64>,
    /// Of the whole file.
    pub bitrate_bps: Option<u64>,
    /// Its parts that are there, each a file of its own. Of one that is being written, these are all that is there.
    #[serde(default)]
    pub parts: u64,
    /// Pictures.
    pub frames: Option<u64>,
    /// Pictures that are IDR.
    pub keyframes: Option<u64>,
    /// What the PMT names: `h264`, `aac`, …
    pub streams: Vec<String>,
    /// Why it does not go on from the segment before it.
    pub discontinuity: Option<String>,
    /// Time between the two that was not filmed.
    pub gap_before_s: Option<f64>,
    /// Anything else that should not be.
    pub odd: Vec<String>,
}

/// Where a segment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In the playlist.
    Listed,
    /// It has left the playlist, and livedir will delete it when its grace is over.
    WaitingForDeletion,
    /// It is newer than the playlist.
    WaitingToBeListed,
    /// Its writer is still at it.
    BeingWritten,
    /// It cannot be listed; `problem` says why.
    Refused,
    /// It is older than something listed, and is not listed.
    PassedOver,
    /// Nobody will list it or delete it.
    Unlisted,
    /// It is listed, and there is no file.
    Missing,
    /// It is listed as absent: EXT-X-GAP.
    Gap,
    /// It is listed, and lies where it cannot be looked at: behind a URL, or outside of the playlist's directory.
    Elsewhere,
}

/// Who says when a segment was filmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateSource {
    /// EXT-X-PROGRAM-DATE-TIME.
    Playlist,
    /// The time of the file, which for livedir's own is when its last picture was captured, less its duration.
    File,
}

/// A file that changed so short ago may not be complete.
const STILL_WRITTEN: SignedDuration = SignedDuration::from_secs(2);

/// A break in the timeline that is shorter has no length to speak of.
const SHORTEST_GAP_S: f64 = 0.1;

/// Puts together what was read.
pub(crate) fn inventory(survey: Survey) -> Inventory {
    let segments = rows(&survey);
    let playlist = survey.playlist.as_ref().map(|found| {
        let listing = &found.listing;
        let ends_at = segments.iter().rfind(|row| row.state == State::Listed).and_then(|row| {
            ends_at(row.filmed_at?, row.duration_s.or(row.listed_duration_s)? + listing.open_s)
        });
        PlaylistSummary {
            file: found.file.clone(),
            problem: found.problem.clone(),
            ended: listing.ended,
            target_duration_s: listing.target_duration_s,
            part_target_s: listing.part_target_s,
            media_sequence_first: listing.media_sequence,
            segments: listing.entries.len() as u64,
            segments_missing: survey.missing,
            discontinuities: listing.entries.iter().filter(|entry| entry.discontinuity).count() as u64,
            window_s: to_the_millisecond(listing.entries.iter().map(|entry| entry.duration_s).sum()),
            written_at: found.written_at,
            behind_now_s: ends_at.map(|end| to_the_millisecond(between_s(end, survey.looked_at))),
        }
    });
    let facts = survey.slots.iter().filter_map(Slot::facts);
    let media = MediaSummary::of(facts, &segments);
    Inventory {
        place: survey.place,
        looked_at: survey.looked_at,
        playlist,
        media,
        disk: survey.disk,
        status: survey.status,
        older_segments: survey.older,
        segments,
        variants: Vec::new(),
        detail: None,
        notes: survey.notes,
    }
}

fn rows(survey: &Survey) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(survey.slots.len());
    // The segment that the next one has to go on from: its place among the rows, and its facts.
    let mut last: Option<(usize, &Facts)> = None;
    for slot in &survey.slots {
        let judged = judge::judge(slot, survey, last.map(|(index, facts)| (&rows[index], facts)));
        let mut row = row(slot, survey, judged);
        row.gap_before_s = row
            .discontinuity
            .is_some()
            .then(|| last.and_then(|(index, _)| gap_s(&rows[index], &row)))
            .flatten();
        if let Some(facts) = slot.facts()
            && row.state != State::Refused
        {
            last = Some((rows.len(), facts));
        }
        rows.push(row);
    }
    rows
}

fn row(slot: &Slot, survey: &Survey, judged: Judged) -> Row {
    let (file, entry) = (slot.file.as_ref(), slot.entry.as_ref());
    let facts = slot.facts();
    let duration_s = facts.map(|facts| seconds(facts.duration_90k));
    let of_playlist =
        entry.and_then(|entry| entry.program_date_time).map(|date| (date, DateSource::Playlist));
    let of_file = || {
        let start = ends_at(file?.modified_at?, -duration_s?)?;
        Some((start.round(Unit::Millisecond).ok()?, DateSource::File))
    };
    let (filmed_at, filmed_at_from) = of_playlist.or_else(of_file).unzip();
    let video = facts.and_then(|facts| facts.video.as_ref());
    // Of a file that is listed in parts, the size says nothing of this one.
    let bytes = file.filter(|_| !entry.is_some_and(|entry| entry.is_part_of_file)).map(|file| file.bytes);
    Row {
        media_sequence: number(slot, survey, judged.state),
        file: slot.name().to_owned(),
        state: judged.state,
        problem: judged.problem,
        filmed_at,
        filmed_at_from,
        duration_s,
        listed_duration_s: entry.map(|entry| to_the_microsecond(entry.duration_s)),
        bytes,
        bitrate_bps: duration_s
            .zip(bytes)
            .filter(|(duration_s, _)| *duration_s > 0.0)
            .map(|(duration_s, bytes)| (bytes as f64 * 8.0 / duration_s).round() as u64),
        parts: file.map_or(0, |file| file.parts.len() as u64),
        frames: video.map(|video| video.frames),
        keyframes: video.map(|video| video.keyframes),
        streams: facts.map(|facts| stream_names(&facts.streams)).unwrap_or_default(),
        discontinuity: judged.discontinuity,
        gap_before_s: None,
        odd: judged.odd,
    }
}

/// The number in a name of ours is its media sequence number, unless files were refused or lost before it: then the
/// playlist's own numbers tell, and nothing can be said of what it does not list.
fn number(slot: &Slot, survey: &Survey, state: State) -> Option<u64> {
    let entries = survey.playlist.as_ref().map(|found| &found.listing.entries[..]).unwrap_or_default();
    let nearest = match slot.place {
        Standing::Listed => return slot.entry.as_ref().map(|entry| entry.media_sequence),
        Standing::Between => return None,
        Standing::Before | Standing::Alone => entries.first(),
        Standing::After => entries.last(),
    };
    let runs_along = nearest.is_none_or(|entry| arrange::number(&entry.name) == Some(entry.media_sequence));
    arrange::number(slot.name()).filter(|_| runs_along && state != State::Refused)
}

/// Whether its writer may still be at it.
pub(crate) fn is_young(contents_changed_at: Option<Timestamp>, looked_at: Timestamp) -> bool {
    contents_changed_at.is_some_and(|at| looked_at.duration_since(at).abs() < STILL_WRITTEN)
}

fn gap_s(before: &Row, after: &Row) -> Option<f64> {
    let end = ends_at(before.filmed_at?, before.duration_s?)?;
    let gap_s = to_the_millisecond(between_s(end, after.filmed_at?));
    (gap_s >= SHORTEST_GAP_S).then_some(gap_s)
}

fn ends_at(start: Timestamp, duration_s: f64) -> Option<Timestamp> {
    start.checked_add(SignedDuration::try_from_secs_f64(duration_s).ok()?).ok()
}

fn between_s(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

fn to_the_millisecond(time_s: f64) -> f64 {
    (time_s * 1e3).round() / 1e3
}

fn to_the_microsecond(time_s: f64) -> f64 {
    (time_s * 1e6).round() / 1e6
}
