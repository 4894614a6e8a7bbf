//! Inventory: what is on disk and what the playlist says of it, put together.
//!
//! In: a [`Survey`], which is all that was read. Out: an [`Inventory`]. Pure: the time is a part of the survey.

pub(crate) mod file_detail;
pub(crate) mod variants;

mod judge;
mod media_summary;
mod profile;

use crate::inventory::judge::Judged;
use crate::inventory::media_summary::{media_summary, stream_names};
use crate::model::inventory::{DateSource, Inventory, PlaylistSummary, Row, State};
use crate::model::names::number_of;
use crate::model::survey::{Slot, Standing, Survey};
use jiff::{SignedDuration, Timestamp, Unit};
use livedir_media::Facts;
use livedir_time::ticks::seconds;

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
    let media = media_summary(facts, &segments);
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
    let nearest = match slot.standing {
        Standing::Listed => return slot.entry.as_ref().map(|entry| entry.media_sequence),
        Standing::Between => return None,
        Standing::Before | Standing::Alone => entries.first(),
        Standing::After => entries.last(),
    };
    let runs_along = nearest.is_none_or(|entry| number_of(&entry.name) == Some(entry.media_sequence));
    number_of(slot.name()).filter(|_| runs_along && state != State::Refused)
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
